"""Typed text to values of the record, and back: whole nL, pg and ms, decimals as text, ids for answers.

A quantity is typed with the unit that stands beside its box or with one of its own; a unit of another
kind is refused, because the slip from a day to an hour has killed people.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from openitb import catalogue, units
from openitb.clinic.sheets.kinds import SheetField

Value = Any
YES_NO = (("yes", "Yes"), ("no", "No"), ("unknown", "Unknown"))


class ValueRefused(ValueError):  # noqa: N818  a refusal is an answer, not a fault
    """What was typed is not taken; the message says what is expected."""


@dataclass(frozen=True, slots=True)
class _Quantity:
    """A kind of quantity: the unit beside the box unless the field names one, that of the record, reader
    and writer.
    """

    unit: str
    kept_in: str
    read: Callable[[str, str], int]
    show: Callable[[int], str]


QUANTITIES: Mapping[str, _Quantity] = {
    "volume": _Quantity("mL", "nL", units.volume_nl, units.format_volume),
    "mass": _Quantity("ug", "pg", units.mass_pg, units.format_mass),
    "dose": _Quantity("ug/day", "pg/day", units.dose_pg_per_day, units.format_dose),
    "concentration": _Quantity("ug/mL", "ug/mL", units.concentration_ug_per_ml, units.format_concentration),
    "duration": _Quantity(
        "h", "ms", units.duration_ms, lambda ms: f"{units.format_number(ms / units.MS_PER_H)} h"
    ),
}


def unit_of(field: SheetField) -> str:
    """The unit beside the box, empty where there is none."""
    usual = QUANTITIES[field.type].unit if field.type in QUANTITIES else ""
    return field.unit or usual


def choices_of(field: SheetField) -> tuple[tuple[str, str], ...]:
    """The answers to pick from, as id and label."""
    if field.type == "yes-no":
        return YES_NO
    if field.type == "scale":
        levels = catalogue.load().scales[field.scale].levels
        return tuple((level.code, f"{level.code}: {level.meaning}") for level in levels)
    return tuple((choice.id, choice.label) for choice in field.choices)


def read(field: SheetField, typed: str, zone: ZoneInfo) -> Value:
    """The value of what was typed, None for nothing; refuses what is not taken with `ValueRefused`."""
    text = typed.strip()
    if not text:
        return None
    reader = _READERS.get(field.type, _text)
    return _limited(field, reader(field, text, zone))


def read_several(field: SheetField, picked: list[str]) -> list[str]:
    """The ids picked, in the order of the field."""
    known = [choice for choice, _ in choices_of(field)]
    unknown = [each for each in picked if each not in known]
    if unknown:
        raise ValueRefused(f"got {unknown[0]!r}, expected one of {', '.join(known)}")
    return [each for each in known if each in picked]


def shown(field: SheetField, value: Value, zone: ZoneInfo) -> str:
    """A value for a person; a dash for none."""
    if value is None or value in ("", []):
        return "–"
    if field.type in QUANTITIES:
        return QUANTITIES[field.type].show(value)
    match field.type:
        case "yes-no" | "choice" | "scale":
            return dict(choices_of(field)).get(str(value), str(value))
        case "several":
            return ", ".join(dict(choices_of(field)).get(each, each) for each in value)
        case "moment":
            return datetime.fromisoformat(value).astimezone(zone).strftime("%Y-%m-%d %H:%M")
        case "number":
            return f"{value} {field.unit}".strip()
        case _:
            return str(value)


def typed(field: SheetField, value: Value, zone: ZoneInfo) -> str:
    """A value as it would be typed into its box."""
    if value is None:
        return ""
    if field.type in QUANTITIES:
        return f"{_number(field, value).normalize():f}"  # type: ignore[union-attr]
    if field.type == "moment":
        return datetime.fromisoformat(value).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    return str(value)


def moment(text: str, zone: ZoneInfo) -> datetime:
    """A day and time of the clinic as an instant; refuses one that the clocks skip with `ValueRefused`."""
    return datetime.fromisoformat(_moment(_WHEN, text, zone))


def looks_odd(field: SheetField, value: Value) -> str:
    """Why a value calls for a second look, empty if it does not."""
    number = _number(field, value)
    if number is None:
        return ""
    if field.low is not None and number < Decimal(str(field.low)):
        return f"below {field.low:g} {unit_of(field)}"
    if field.high is not None and number > Decimal(str(field.high)):
        return f"above {field.high:g} {unit_of(field)}"
    return ""


def _limited(field: SheetField, value: Value) -> Value:
    number = _number(field, value)
    if number is not None:
        least, most = (None if edge is None else Decimal(str(edge)) for edge in (field.least, field.most))
        if (least is not None and number < least) or (most is not None and number > most):
            raise ValueRefused(
                f"got {number.normalize():f} {unit_of(field)}, expected {_span(field)}".strip()
            )
    return value


def _span(field: SheetField) -> str:
    unit = unit_of(field)
    if field.least is not None and field.most is not None:
        return f"{field.least:g} to {field.most:g} {unit}".strip()
    edge = f"at least {field.least:g}" if field.least is not None else f"at most {field.most:g}"
    return f"{edge} {unit}".strip()


def _number(field: SheetField, value: Value) -> Decimal | None:
    """A value in the field's own unit, for its limits."""
    if value is None:
        return None
    if field.type == "number":
        return Decimal(value)
    if field.type in QUANTITIES:
        return units.convert(value, QUANTITIES[field.type].kept_in, unit_of(field))
    return None


def _quantity(field: SheetField, text: str, _zone: ZoneInfo) -> int:
    unit = unit_of(field)
    plain = text.replace("µ", "u").replace("mcg", "ug")
    whole = f"{plain} {unit}" if _is_number(plain) else plain
    try:
        return QUANTITIES[field.type].read(whole, field.id)
    except ValueError as refused:
        raise ValueRefused(str(refused).partition(": ")[2] or str(refused)) from refused


def _decimal(field: SheetField, text: str, _zone: ZoneInfo) -> str:
    amount = text.removesuffix(field.unit).strip() if field.unit else text
    if not _is_number(amount):
        raise ValueRefused(f"got {text!r}, expected a number{f' in {field.unit}' if field.unit else ''}")
    return f"{Decimal(amount).normalize():f}"


def _choice(field: SheetField, text: str, _zone: ZoneInfo) -> str:
    known = [choice for choice, _ in choices_of(field)]
    if text not in known:
        raise ValueRefused(f"got {text!r}, expected one of {', '.join(known)}")
    return text


def _date(_field: SheetField, text: str, _zone: ZoneInfo) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueRefused(f"got {text!r}, expected a day such as 2026-03-29") from None


def _moment(_field: SheetField, text: str, zone: ZoneInfo) -> str:
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        raise ValueRefused(f"got {text!r}, expected a day and time such as 2026-03-29 14:30") from None
    if local.tzinfo is not None:
        return local.isoformat()
    if local.replace(tzinfo=zone).astimezone(ZoneInfo("UTC")).astimezone(zone).replace(tzinfo=None) != local:
        raise ValueRefused(f"got {text!r}, expected a time that exists: the clocks go forward then")
    return local.replace(tzinfo=zone).astimezone(ZoneInfo("UTC")).isoformat()


_WHEN = SheetField(id="at", label="When", type="moment")


def _text(_field: SheetField, text: str, _zone: ZoneInfo) -> str:
    return text


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


_READERS: Mapping[str, Callable[[SheetField, str, ZoneInfo], Value]] = {
    **dict.fromkeys(QUANTITIES, _quantity),
    "number": _decimal,
    "yes-no": _choice,
    "choice": _choice,
    "scale": _choice,
    "date": _date,
    "moment": _moment,
}
