"""One session of a real pump as one row of text, read into typed values or refused with its field.

Units stand in the names of the columns and nowhere else, so that a value with a unit of its own is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from openitb import units

NEEDED = (
    "patient_number",
    "pump_serial",
    "at",
    "mode",
    "concentration_ug_per_ml",
    "daily_dose_ug",
    "reservoir_ml",
)
MAY = ("expected_ml", "aspirated_ml", "filled_ml", "new_concentration_ug_per_ml", "alarms", "note")
MODES = ("simple continuous", "flex", "periodic bolus", "minimum rate", "stopped")


class RowRefused(ValueError):  # noqa: N818  a refusal is an answer, not a fault
    """A row that is not taken; the message names field, what came and what was expected."""


@dataclass(frozen=True, slots=True)
class Refilled:
    """What a session says of a refill; `expected_nl` is None where the report does not tell it."""

    expected_nl: int | None
    aspirated_nl: int
    filled_nl: int
    new_ug_per_ml: int


@dataclass(frozen=True, slots=True)
class Session:
    """One interrogation as reported: dose and strength that ran after it, volume it left in the reservoir."""

    patient_number: str
    pump_serial: str
    at: datetime
    mode: str
    ug_per_ml: int
    daily_dose_pg: int
    reservoir_nl: int
    refilled: Refilled | None
    alarms: str
    note: str


def read(row: Mapping[str, str], zone: ZoneInfo) -> Session:
    """A row of text as a session; `RowRefused` for what cannot be."""
    strength = _whole(row, "concentration_ug_per_ml", 1, 100_000)
    return Session(
        patient_number=_said(row, "patient_number"),
        pump_serial=_said(row, "pump_serial"),
        at=_moment(row, zone),
        mode=_mode(row),
        ug_per_ml=strength,
        daily_dose_pg=_amount(row, "daily_dose_ug", units.PG_PER_UG, 1_000_000),
        reservoir_nl=_volume(row, "reservoir_ml"),
        refilled=_refilled(row, strength),
        alarms=(row.get("alarms") or "").strip(),
        note=(row.get("note") or "").strip(),
    )


def check_header(columns: list[str]) -> None:
    """Refuses a file without the needed columns, and one with columns that would be ignored."""
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise RowRefused(f"columns: {', '.join(missing)} missing, expected {', '.join(NEEDED)}")
    unknown = [name for name in columns if name not in (*NEEDED, *MAY)]
    if unknown:
        raise RowRefused(f"columns: got {unknown[0]!r}, expected one of {', '.join((*NEEDED, *MAY))}")
    if len(set(columns)) < len(columns):
        raise RowRefused("columns: one stands twice, expected each once")


def _refilled(row: Mapping[str, str], strength: int) -> Refilled | None:
    told = [name for name in ("aspirated_ml", "filled_ml") if (row.get(name) or "").strip()]
    if not told:
        return None
    if len(told) == 1:
        raise RowRefused(f"{told[0]}: stands alone, expected aspirated_ml and filled_ml together")
    expected = _volume(row, "expected_ml") if (row.get("expected_ml") or "").strip() else None
    new = (row.get("new_concentration_ug_per_ml") or "").strip()
    strength = _whole(row, "new_concentration_ug_per_ml", 1, 100_000) if new else strength
    return Refilled(expected, _volume(row, "aspirated_ml"), _volume(row, "filled_ml"), strength)


def _said(row: Mapping[str, str], name: str) -> str:
    text = (row.get(name) or "").strip()
    if not text:
        raise RowRefused(f"{name}: got nothing, expected a value")
    return text


def _mode(row: Mapping[str, str]) -> str:
    mode = _said(row, "mode").lower()
    if mode not in MODES:
        raise RowRefused(f"mode: got {mode!r}, expected one of {', '.join(MODES)}")
    return mode


def _moment(row: Mapping[str, str], zone: ZoneInfo) -> datetime:
    text = _said(row, "at")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RowRefused(f"at: got {text!r}, expected a day and time such as 2026-03-29T14:30") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
        if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
            raise RowRefused(f"at: got {text!r}, expected a time that the clocks do not skip")
    return moment.astimezone(UTC)


def _volume(row: Mapping[str, str], name: str) -> int:
    return _amount(row, name, units.NL_PER_ML, 1_000)


def _amount(row: Mapping[str, str], name: str, scale: int, most: int) -> int:
    value = _number(row, name) * scale
    if not 0 <= value <= most * scale:
        raise RowRefused(f"{name}: got {row[name].strip()}, expected 0 to {most}")
    if value != value.to_integral_value():
        raise RowRefused(f"{name}: got {row[name].strip()}, expected at most six decimals")
    return int(value)


def _whole(row: Mapping[str, str], name: str, least: int, most: int) -> int:
    value = _number(row, name)
    if value != value.to_integral_value() or not least <= value <= most:
        raise RowRefused(f"{name}: got {row[name].strip()}, expected a whole number from {least} to {most}")
    return int(value)


def _number(row: Mapping[str, str], name: str) -> Decimal:
    text = _said(row, name)
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise RowRefused(f"{name}: got {text!r}, expected a number; its unit is the column's") from None
    if not value.is_finite():
        raise RowRefused(f"{name}: got {text!r}, expected a plain number")
    return value
