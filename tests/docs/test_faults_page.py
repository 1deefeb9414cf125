"""The page on faults lists what the catalogue lists."""

from pathlib import Path

from openitb.implant.faults.listing import markdown

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


def test_the_page_ends_with_the_catalogue_s_rows() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith(f"\n## The rows\n\n{markdown()}\n")
