"""The page is what its figures say."""

from tools.twin import figures
from tools.twin.__main__ import written


def test_page_and_drawings_are_written_from_the_kept_figures() -> None:
    for path, text in written(figures.kept()).items():
        assert path.read_text(encoding="utf-8") == text, path.name


def test_every_miss_is_marked() -> None:
    found = figures.kept()["calibration"]
    page = next(text for path, text in written(figures.kept()).items() if path.name == "twin.md")
    missed = [part for part, each in found.items() if not 0.85 <= each["course_held"] <= 0.95]
    for part in missed:
        row = next(line for line in page.splitlines() if line.startswith(f"| {part.replace('_', ' ')} |"))
        assert "**" in row
