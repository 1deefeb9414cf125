"""How the words of a case file become instants, levels and plausible doses."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from openitb import catalogue, units
from openitb.body import BodyError, typical_adult
from openitb.body.anatomy import position_cm
from openitb.catalogue import CatalogueError
from openitb.implant import ImplantError
from openitb.prescription.orders import OrderError
from openitb.units import UnitError
from openitb.world.casefile import CaseError

Read = TypeVar("Read")

_OFFSET = re.compile(r"(?:UTC)?([+-])(\d{1,2})(?::?([0-5]\d))?")
_QUOTED_INSTANT = re.compile(r"\s*\d{4}-\d{2}-\d{2}.*")


def reading(place: str, read: Callable[[], Read]) -> Read:
    """Run a reader; what any room refuses becomes a `CaseError` at this place."""
    try:
        return read()
    except (UnitError, OrderError, BodyError, CatalogueError, ImplantError) as error:
        text = str(error)
        raise CaseError(text if not place or text.startswith("event") else f"{place}{text}") from None


def when_ms(when: str | datetime, start_ms: int, field: str) -> int:
    """An offset from the start or an instant, quoted or not; never before the start."""
    if isinstance(when, str) and _QUOTED_INSTANT.fullmatch(when):
        when = _unquoted(when, field)
    if isinstance(when, datetime):
        at_ms = instant_ms(when, field)
    else:
        at_ms = start_ms + reading("", lambda: units.duration_ms(when, field))
    if at_ms < start_ms:
        shown = when.isoformat() if isinstance(when, datetime) else when
        raise CaseError(f"{field}: got {shown}, expected an instant not before start.at")
    return at_ms


def instant_ms(at: datetime, field: str) -> int:
    """An instant as ms since the epoch; `CaseError` without an offset from UTC or far from our time."""
    if at.tzinfo is None:
        raise CaseError(f"{field}: got {at.isoformat()}, expected an offset such as Z or +01:00")
    if not 1970 <= at.year <= 2200:
        raise CaseError(f"{field}: got {at.isoformat()}, expected a year from 1970 to 2200")
    return round(at.timestamp() * units.MS_PER_S)


def zone_offset_ms(text: str) -> int:
    """The pump clock's fixed offset from UTC; `CaseError` for a zone with rules."""
    if text in {"UTC", "Z"}:
        return 0
    match = _OFFSET.fullmatch(text)
    minutes = int(match[2]) * 60 + int(match[3] or 0) if match else 0
    if match is None or minutes > 14 * 60:
        raise CaseError(f"start.zone: got {text!r}, expected UTC or a fixed offset such as +01:00")
    return (minutes if match[1] == "+" else -minutes) * units.MS_PER_MIN


def level(text: str, field: str) -> str:
    """A vertebral level the body knows."""
    position_cm(typical_adult(), text, field)
    return text


def require_plausible(dose_pg: int, drug_id: str, unit: str, field: str) -> None:
    """Refuse a single dose beyond anything a clinic could mean; a day's most may be given at once."""
    highest = catalogue.load().drug(drug_id).fact("highest_plausible_dose").number(unit)
    if dose_pg > highest * units.PG_PER_UG:
        given = units.format_mass(dose_pg)
        raise CaseError(
            f"{field}: got {given}, expected at most {units.format_number(highest)} µg: no plausible dose"
        )


def _unquoted(text: str, field: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise CaseError(f"{field}: got {text!r}, expected an instant such as 2026-01-05T08:00:00Z") from None
