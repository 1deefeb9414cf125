"""A report as Markdown with its pictures as SVG files beside it."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from openitb.cohort.study.plots import standalone
from openitb.cohort.study.report import Grid, Picture, Report


def markdown(report: Report, name: str, folder: str = "", level: int = 1) -> tuple[str, dict[str, str]]:
    """The text, and the pictures by file name; `folder` is where the text looks for them."""
    pictures: dict[str, str] = {}
    lines = [f"{'#' * level} {report.title}", "", f"*{report.question}*", ""]
    for section in report.sections:
        if section.title:
            lines += [f"**{section.title}**" if level > 1 else f"## {section.title}", ""]
        for part in section.parts:
            lines += [*_part(part, name, folder, pictures), ""]
    return "\n".join(lines).rstrip() + "\n", pictures


def _part(
    part: "str | tuple[str, ...] | Grid | Picture", name: str, folder: str, pictures: dict[str, str]
) -> Iterator[str]:
    match part:
        case str():
            yield part
        case Grid():
            yield from grid(part)
        case Picture():
            file = f"{name}-{len(pictures) + 1}.svg"
            pictures[file] = standalone(part.svg)
            yield f"![{part.title}]({PurePosixPath(folder) / file})"
        case _:
            yield from (f"* {line}" for line in part)


def grid(table: Grid) -> Iterator[str]:
    """The lines of a table."""
    yield "| " + " | ".join(table.heads) + " |"
    yield "| " + " | ".join("---" for _ in table.heads) + " |"
    for row in table.rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
