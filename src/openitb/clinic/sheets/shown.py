"""A kept sheet for a reader: its values by section, and what one says otherwise than another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from openitb.clinic.sheets import values
from openitb.clinic.sheets.kinds import Kind, SheetField


@dataclass(frozen=True, slots=True)
class Line:
    """One answered question; `table` holds heads and rows where it is a table."""

    label: str
    text: str = ""
    odd: str = ""
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A section with the answers given in it."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One question answered otherwise."""

    label: str
    before: str
    after: str


def lines(kind: Kind, content: Mapping[str, Any], zone: ZoneInfo) -> tuple[ShownSection, ...]:
    """What was answered, section by section; sections without an answer are left out."""
    sections = (
        ShownSection(
            section.title,
            tuple(_line(one, content[one.id], zone) for one in section.field if one.id in content),
        )
        for section in kind.section
    )
    return tuple(section for section in sections if section.lines)


def compared(kind: Kind, before: Any, after: Any, zone: ZoneInfo) -> tuple[Difference, ...]:
    """Questions that two sheets of a kind answer differently."""
    return tuple(
        Difference(one.label, _text(one, old, zone), _text(one, new, zone))
        for one in kind.fields
        if (old := before.content.get(one.id)) != (new := after.content.get(one.id))
    )


def as_text(kind: Kind, content: Mapping[str, Any], zone: ZoneInfo) -> str:
    """The sheet as lines of text: what a signature is bound to."""
    parts = [kind.title]
    for section in lines(kind, content, zone):
        parts.append(section.title)
        parts += [f"{line.label}: {line.text or _rows_text(line)}" for line in section.lines]
    return "\n".join(parts)


def _line(one: SheetField, value: Any, zone: ZoneInfo) -> Line:
    if one.type != "rows":
        return Line(one.label, values.shown(one, value, zone), values.looks_odd(one, value))
    heads = tuple(each.label for each in one.fields)
    rows = tuple(tuple(values.shown(each, row.get(each.id), zone) for each in one.fields) for row in value)
    return Line(one.label, heads=heads, rows=rows)


def _text(one: SheetField, value: Any, zone: ZoneInfo) -> str:
    if one.type != "rows" or not value:
        return values.shown(one, value, zone)
    return _rows_text(_line(one, value, zone))


def _rows_text(line: Line) -> str:
    return "; ".join(", ".join(cell for cell in row if cell != "–") for row in line.rows)
