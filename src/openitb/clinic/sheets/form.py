"""A kind of sheet as a form: boxes made from its fields, and what was typed read into values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict

from openitb.clinic.sheets import values
from openitb.clinic.sheets.kinds import Kind, SheetField
from openitb.clinic.sheets.values import Value, ValueRefused

MOST_ROWS = 40
_WIDGETS = {
    "note": "lines",
    "yes-no": "radios",
    "choice": "radios",
    "several": "checks",
    "scale": "select",
    "date": "date",
    "moment": "moment",
    "rows": "rows",
}
_FEW = 6  # choices beyond these are a list to open


@dataclass(frozen=True, slots=True)
class Box:
    """One question as the page draws it. `rows` are the boxes of a table, row by row."""

    field: SheetField
    name: str
    widget: str
    typed: str = ""
    picked: tuple[str, ...] = ()
    error: str = ""
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    rows: tuple[tuple["Box", ...], ...] = ()


@dataclass(frozen=True, slots=True)
class BoxedSection:
    """A section with its boxes."""

    title: str
    help: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """What came of a form: values by field, refusals by box, and values that call for a second look."""

    content: dict[str, Value] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    odd: tuple[str, ...] = ()


def filled(kind: Kind, data: QueryDict, zone: ZoneInfo) -> Filled:
    """Read everything typed; nothing is left out silently."""
    reader = _Reader(data, zone)
    content = {one.id: value for one in kind.fields if (value := reader.value(one, one.id)) is not None}
    return Filled(content, reader.errors, tuple(reader.odd))


def blank(kind: Kind, content: Mapping[str, Value], zone: ZoneInfo) -> tuple[BoxedSection, ...]:
    """The form with these values in its boxes."""
    return _sections(kind, lambda one: _box_of(one, one.id, content.get(one.id), zone))


def again(kind: Kind, data: QueryDict, errors: Mapping[str, str]) -> tuple[BoxedSection, ...]:
    """The form as it was typed, with what is wrong beside each box."""
    return _sections(kind, lambda one: _typed_box(one, one.id, data, errors))


class _Reader:
    """Reads boxes one by one and keeps what it refuses."""

    def __init__(self, data: QueryDict, zone: ZoneInfo) -> None:
        self._data, self._zone = data, zone
        self.errors: dict[str, str] = {}
        self.odd: list[str] = []

    def value(self, one: SheetField, name: str) -> Value:
        try:
            value = self._read(one, name)
        except ValueRefused as refused:
            self.errors[name] = str(refused)
            return None
        if one.required and value in (None, "", []):
            self.errors[name] = "got nothing, expected an answer"
        if odd := values.looks_odd(one, value):
            self.odd.append(f"{one.label}: {values.shown(one, value, self._zone)} is {odd}")
        return value

    def _read(self, one: SheetField, name: str) -> Value:
        if one.type == "several":
            return values.read_several(one, self._data.getlist(name)) or None
        if one.type == "rows":
            return self._rows(one, name) or None
        return values.read(one, self._data.get(name, ""), self._zone)

    def _rows(self, table: SheetField, name: str) -> list[dict[str, Value]]:
        rows = []
        for row in range(_row_count(table, name, self._data)):
            names = {one.id: f"{name}-{row}-{one.id}" for one in table.fields}
            if not any(self._data.get(each, "").strip() for each in names.values()):
                continue  # an empty line of the table is no row
            read = {one.id: self.value(one, names[one.id]) for one in table.fields}
            rows.append({key: value for key, value in read.items() if value is not None})
        return rows


def _sections(kind: Kind, boxed: Any) -> tuple[BoxedSection, ...]:
    return tuple(
        BoxedSection(section.title, section.help, tuple(boxed(one) for one in section.field))
        for section in kind.section
    )


def _box_of(one: SheetField, name: str, value: Value, zone: ZoneInfo) -> Box:
    if one.type == "rows":
        kept = value or []
        count = max(len(kept) + 1, one.rows)
        lines = [kept[k] if k < len(kept) else {} for k in range(count)]
        rows = tuple(
            tuple(_box_of(each, f"{name}-{row}-{each.id}", line.get(each.id), zone) for each in one.fields)
            for row, line in enumerate(lines)
        )
        return _box(one, name, rows=rows)
    if one.type == "several":
        return _box(one, name, picked=tuple(value or ()))
    return _box(one, name, typed=values.typed(one, value, zone))


def _typed_box(one: SheetField, name: str, data: QueryDict, errors: Mapping[str, str]) -> Box:
    if one.type == "rows":
        rows = tuple(
            tuple(_typed_box(each, f"{name}-{row}-{each.id}", data, errors) for each in one.fields)
            for row in range(_row_count(one, name, data))
        )
        return _box(one, name, rows=rows, error=errors.get(name, ""))
    error, picked = errors.get(name, ""), tuple(data.getlist(name))
    return _box(one, name, typed=data.get(name, ""), picked=picked, error=error)


def _box(one: SheetField, name: str, **more: Any) -> Box:
    choices = values.choices_of(one) if one.type in ("yes-no", "choice", "several", "scale") else ()
    widget = _WIDGETS.get(one.type, "line")
    if widget == "radios" and len(choices) > _FEW:
        widget = "select"
    return Box(one, name, widget, unit=values.unit_of(one), choices=choices, **more)


def _row_count(table: SheetField, name: str, data: QueryDict) -> int:
    """As many rows as were sent."""
    sent = [each.split("-")[-2] for each in _names(data, f"{name}-")]
    numbers = [int(part) for part in sent if part.isdigit()]
    return min(max([table.rows, *(number + 1 for number in numbers)]), MOST_ROWS)


def _names(data: QueryDict, prefix: str) -> Iterator[str]:
    return (each for each in data if each.startswith(prefix) and each.count("-") > 1)
