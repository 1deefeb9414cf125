"""When pump and patient leave the clinic's reach: magnetic resonance by pump model, and travel.

Rules: device.md 1.4 and 5, clinical.md 5.2.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from openitb import units
from openitb.catalogue import Pump
from openitb.guidance.calendar import after
from openitb.guidance.findings import Advice, Criterion, advice, verdict
from openitb.prescription.answers import (
    Answer,
    CalculationError,
    Step,
    fact_number,
    notes,
    number,
    practice,
    source_note,
)

MriState = Literal["interrogate", "interrogate again", "not recovered", "fault", "done"]
_CARRIED = ("local_clinic", "card", "rescue", "flight", "diving", "heat")


@dataclass(frozen=True, slots=True, kw_only=True)
class MriAnswer(Answer):
    """What to do before and after a scan with this pump, and whether its field may be entered."""

    field: Criterion
    before: tuple[Advice, ...]
    after: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class MriReading:
    """A reading of the pump after a scan: whether its log shows a stall, and the recovery from it."""

    at_ms: int
    stalled: bool
    recovered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MriCheckAnswer(Answer):
    """How the check after a scan stands, and by when the next reading is due; None when done."""

    state: MriState
    due_ms: int | None


@dataclass(frozen=True, slots=True)
class Trip:
    """A journey in calendar days, home and away zones by their names; `is_flex` None is not known."""

    leaves: date
    returns: date
    home_zone: str
    away_zone: str
    is_flex: bool | None

    def __post_init__(self) -> None:
        if self.returns < self.leaves:
            raise CalculationError(f"returns: got {self.returns}, expected {self.leaves} or later")


@dataclass(frozen=True, slots=True, kw_only=True)
class TravelAnswer(Answer):
    """Whether to refill first, how far a flex schedule shifts, and what to do and carry.

    `shift_h` is what local time away is ahead of home time: a dose of 22:00 comes at 22:00 plus this there.
    """

    refill_first: bool
    refill_needed_by: date
    shift_h: Fraction
    actions: tuple[Advice, ...]


def mri(pump: Pump | None, tesla: Fraction | None) -> MriAnswer:
    """The steps around a scan; a pump nobody can name has none before it is identified."""
    if pump is None:
        unknown = practice("mri-unknown")
        told = tuple(advice(unknown, name) for name in unknown.facts)
        return MriAnswer(
            field=_field(None, tesla), before=told, after=(), steps=(), sources=notes(unknown, *unknown.facts)
        )
    before, behind = practice(f"mri-before-{pump.drive}"), practice(f"mri-after-{pump.drive}")
    return MriAnswer(
        field=_field(pump, tesla),
        before=tuple(advice(before, name) for name in before.facts),
        after=tuple(advice(behind, name) for name in behind.facts),
        steps=(),
        sources=(source_note(pump, "mri_field_highest"),),
    )


def mri_check(left_ms: int, readings: tuple[MriReading, ...], now_ms: int) -> MriCheckAnswer:
    """How far the check after a scan has come: done after two readings, the last without a standing stall."""
    rules = practice("mri-check")
    after_scan = sorted((r for r in readings if left_ms <= r.at_ms <= now_ms), key=lambda r: r.at_ms)
    state = _mri_state(left_ms, after_scan, now_ms)
    name = "reread" if after_scan else "first_reading"
    begins = after_scan[-1].at_ms if after_scan else left_ms
    due = None if state == "done" else begins + int(fact_number(rules, name, "ms"))
    return MriCheckAnswer(
        state=state, due_ms=now_ms if state == "fault" else due, steps=(), sources=notes(rules, *rules.facts)
    )


def travel(trip: Trip, refill_by: date) -> TravelAnswer:
    """What a journey asks for; the refill has to reach beyond the return by the travel margin."""
    rules = practice("travel")
    needed = after(trip.returns, practice("refill").fact("margin_travel"))
    is_short = refill_by < needed
    shift = _shift(trip)
    first = ("refill_first",) if is_short else ()
    return TravelAnswer(
        refill_first=is_short,
        refill_needed_by=needed,
        shift_h=shift,
        actions=tuple(advice(rules, name) for name in (*first, _clock(trip, shift), *_CARRIED)),
        steps=(
            Step("refill date", refill_by, "date"),
            Step("needed until", needed, "date"),
            Step(f"{trip.away_zone} is ahead of {trip.home_zone} by", shift, "h"),
        ),
        sources=(
            source_note(practice("refill"), "margin_travel"),
            *notes(rules, "shift_kept", "stay_kept"),
        ),
    )


def _field(pump: Pump | None, tesla: Fraction | None) -> Criterion:
    if pump is None:
        unknown = practice("mri-unknown")
        return Criterion(
            rule="mri-field",
            what="a field this pump may enter",
            verdict="unknown",
            why="the pump is not known",
            steps=(),
            sources=notes(unknown, *unknown.facts),
        )
    highest = fact_number(pump, "mri_field_highest", "1")
    return Criterion(
        rule="mri-field",
        what=f"a field of {number(highest)} T or less for {pump.name}",
        verdict=verdict(None if tesla is None else tesla <= highest),
        why="the field is not known" if tesla is None else f"{number(tesla)} T",
        steps=() if tesla is None else (Step("field", tesla, "1"),),
        sources=(source_note(pump, "mri_field_highest"),),
    )


def _mri_state(left_ms: int, after_scan: list[MriReading], now_ms: int) -> MriState:
    if not after_scan:
        return "interrogate"
    last = after_scan[-1]
    if last.stalled and not last.recovered:
        longest = int(fact_number(practice("mri-check"), "recovery_longest", "ms"))
        return "fault" if now_ms - left_ms > longest else "not recovered"
    return "done" if len(after_scan) > 1 else "interrogate again"


def _clock(trip: Trip, shift_h: Fraction) -> str:
    if trip.is_flex is None:
        return "clock_ask"
    if not trip.is_flex:
        return "clock_none"
    rules = practice("travel")
    is_small = abs(shift_h) <= fact_number(rules, "shift_kept", "hour")
    is_brief = trip.returns - trip.leaves < timedelta(days=int(fact_number(rules, "stay_kept", "day")))
    return "clock_home" if is_small or is_brief else "clock_set"


def _shift(trip: Trip) -> Fraction:
    """The largest difference of the two zones on any day of the stay: either may change its clocks."""
    days = range((trip.returns - trip.leaves).days + 1)
    shifts = [_offset_h(trip, trip.leaves + timedelta(days=day)) for day in days]
    return max(shifts, key=abs)


def _offset_h(trip: Trip, day: date) -> Fraction:
    noon = datetime.combine(day, time(12))
    away, home = (
        noon.replace(tzinfo=_zone(field, name)).utcoffset() or timedelta()
        for field, name in (("away-zone", trip.away_zone), ("home-zone", trip.home_zone))
    )
    return Fraction((away - home) // timedelta(seconds=1), units.MS_PER_H // units.MS_PER_S)


def _zone(field: str, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CalculationError(f"{field}: got {name!r}, expected a zone such as 'Europe/Berlin'") from None
