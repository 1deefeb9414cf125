"""Computes the figures and writes the report: `python -m tools.validate`, or `--page` from kept figures."""

import sys
from pathlib import Path

from tools.validate import figures
from tools.validate.drawings import drawings
from tools.validate.page import page

DOCS = Path(__file__).parents[2] / "docs"


def written(found: figures.Figures) -> dict[Path, str]:
    """Every generated file by its path."""
    images = {DOCS / "validation" / name: text for name, text in drawings(found).items()}
    return {DOCS / "validation.md": page(found), figures.KEPT: figures.as_text(found), **images}


def main() -> int:
    """Write everything."""
    found = figures.kept() if "--page" in sys.argv[1:] else figures.computed()
    for path, text in written(found).items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
