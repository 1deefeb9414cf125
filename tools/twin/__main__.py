"""Runs what is missing of the study and writes the page: `python -m tools.twin FOLDER`, or `--page` alone."""

import sys
from pathlib import Path

from tools.twin import figures, study
from tools.twin.drawings import drawings
from tools.twin.page import page

DOCS = Path(__file__).parents[2] / "docs"


def written(found: figures.Figures) -> dict[Path, str]:
    """Every generated file by its path."""
    images = {DOCS / "twin" / name: text for name, text in drawings(found).items()}
    return {DOCS / "twin.md": page(found), figures.KEPT: figures.as_text(found), **images}


def main() -> int:
    """Compute, then write everything."""
    if sys.argv[1:] == ["--page"]:
        found = figures.kept()
    else:
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        for part in study.parts():
            study.run(folder, part)
        found = figures.computed(folder)
    figures.KEPT.parent.mkdir(exist_ok=True)
    for path, text in written(found).items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
