"""Watching after a screening bolus: what is due when, what a vital sign asks for, who may go home.

Rules: clinical.md 1.3 and 2.2. A value that was not measured is unknown, never normal.
"""

from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Literal

from openitb import catalogue, units
from openitb.catalogue import Entry
from openitb.guidance.findings import Advice, Criterion, advice, every, questioned, verdict
from openitb.prescription.answers import Answer, CalculationError, Step, fact_number, notes, number, practice

Observed = Literal["vitals", "scores"]
DueState = Literal["done", "missed", "late", "due", "later"]
VitalLevel = Literal["normal", "unknown", "watch", "emergency"]
VITAL_LEVELS: tuple[VitalLevel, ...] = ("normal", "unknown", "watch", "emergency")


@dataclass(frozen=True, slots=True)
class Due:
    """One observation of the grid: when it is due, and how it stands now."""

    kind: Observed
    due_ms: int
    state: DueState


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchAnswer(Answer):
    """The grid in order of time; `next_ms` is when the next one not done is due, None after the last."""

    observations: tuple[Due, ...]
    next_ms: int | None


@dataclass(frozen=True, slots=True)
class Vitals:
    """One set of vital signs; None was not measured. Sedation 0 is awake, 3 cannot be roused."""

    breaths_per_min: Fraction | None = None
    oxygen_percent: Fraction | None = None
    pulse_per_min: Fraction | None = None
    systolic_mmhg: Fraction | None = None
    temperature_degc: Fraction | None = None
    sedation: Fraction | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and value < 0:
                raise CalculationError(f"{field.name}: got {number(value)}, expected at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalsAnswer(Answer):
    """The worst of all signs, how each was judged, what that asks for, and a sooner next check."""

    level: VitalLevel
    again_in_ms: int | None
    signs: tuple[tuple[str, VitalLevel], ...]
    actions: tuple[Advice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DischargeAnswer(Answer):
    """May go is True only if every criterion is met, None while one that could be is unknown."""

    may_go: bool | None
    criteria: tuple[Criterion, ...]


def watch(bolus_ms: int, now_ms: int, vitals_ms: tuple[int, ...], scores_ms: tuple[int, ...]) -> WatchAnswer:
    """What is due after a bolus at `bolus_ms`, given when vital signs and scores were taken.

    Each observation stands for the slot it falls in: from its due time less the tolerance to the
    next one's. What nobody did before the next is due was missed.
    """
    rules = practice("trial-watch")
    found = (
        *_slots("vitals", _vitals_grid(bolus_ms), vitals_ms, now_ms),
        *_slots("scores", _scores_grid(bolus_ms), scores_ms, now_ms),
    )
    ordered = tuple(sorted(found, key=lambda due: (due.due_ms, due.kind)))
    open_ms = [due.due_ms for due in ordered if due.state in {"late", "due", "later"}]
    return WatchAnswer(
        observations=ordered,
        next_ms=min(open_ms, default=None),
        steps=(),
        sources=notes(rules, *rules.facts),
    )


def judge_vitals(vitals: Vitals, age_years: Fraction) -> VitalsAnswer:
    """Judge each sign by the limits of the age, and say what the worst one asks for."""
    entry = _limits(age_years)
    signs = tuple((name, _judged(entry, name, value)) for name, value in _measured(vitals))
    level = max((judged for _, judged in signs), key=VITAL_LEVELS.index)
    actions = practice("vital-actions")
    asked = (name for name in actions.facts if name.split("_")[0] == level)
    return VitalsAnswer(
        level=level,
        again_in_ms=_ms("recheck") if level == "watch" else None,
        signs=signs,
        actions=tuple(advice(actions, name) for name in asked),
        steps=tuple(Step(name, value, "1") for name, value in _measured(vitals) if value is not None),
        sources=notes(entry, *entry.facts),
    )


def discharge(
    bolus_ms: int, now_ms: int, last: VitalsAnswer | None, yes: frozenset[str], no: frozenset[str]
) -> DischargeAnswer:
    """Who may leave: long enough after the bolus, with normal vital signs and every question answered yes."""
    criteria = (
        _long_enough(now_ms - bolus_ms),
        _stable(last),
        *questioned(practice("discharge"), yes, no),
    )
    return DischargeAnswer(
        may_go=every(criteria),
        criteria=criteria,
        steps=(),
        sources=tuple(dict.fromkeys(note for each in criteria for note in each.sources)),
    )


def _vitals_grid(bolus_ms: int) -> tuple[int, ...]:
    close, often, seldom = (_ms(name) for name in ("close_watch", "vitals_close", "vitals_later"))
    first = range(0, close + 1, often)
    return tuple(
        bolus_ms + at for at in (*first, *range(close + seldom, _ms("observation_high") + 1, seldom))
    )


def _scores_grid(bolus_ms: int) -> tuple[int, ...]:
    names = [name for name in practice("trial-watch").facts if name.removeprefix("score_").isdigit()]
    return (bolus_ms, *(bolus_ms + _ms(name) for name in names))


def _slots(kind: Observed, grid: tuple[int, ...], done_ms: tuple[int, ...], now_ms: int) -> tuple[Due, ...]:
    tolerance = _ms(f"{kind}_tolerance")
    ends: tuple[int | None, ...] = (*(due - tolerance for due in grid[1:]), None)
    opened: tuple[int | None, ...] = (
        None,
        *(due - tolerance for due in grid[1:]),
    )  # the baseline comes early
    return tuple(
        Due(kind, due, _state(due, (opens, closes), tolerance, now_ms, done_ms))
        for due, opens, closes in zip(grid, opened, ends, strict=True)
    )


def _state(
    due_ms: int, slot: tuple[int | None, int | None], tolerance: int, now_ms: int, done_ms: tuple[int, ...]
) -> DueState:
    opens, closes = slot
    if any((opens is None or opens <= at) and (closes is None or at < closes) for at in done_ms):
        return "done"
    if closes is not None and now_ms >= closes:
        return "missed"
    if now_ms > due_ms + tolerance:
        return "late"
    return "due" if now_ms >= due_ms - tolerance else "later"


def _limits(age_years: Fraction) -> Entry:
    below = fact_number(catalogue.load().limits["child"], "range_age_below", "year")
    return practice("vital-limits-child" if age_years < below else "vital-limits-adult")


def _measured(vitals: Vitals) -> tuple[tuple[str, Fraction | None], ...]:
    return tuple((field.name.split("_")[0], getattr(vitals, field.name)) for field in fields(vitals))


def _judged(entry: Entry, name: str, value: Fraction | None) -> VitalLevel:
    if value is None:
        return "unknown"
    if _is_beyond(entry, name, "emergency", value):
        return "emergency"
    return "watch" if _is_beyond(entry, name, "watch", value) else "normal"


def _is_beyond(entry: Entry, name: str, level: str, value: Fraction) -> bool:
    """A limit named low or below is passed downward, one named high or nothing upward; at it counts."""
    low = [f"{name}_{level}_low", f"{name}_{level}_below"]
    high = [f"{name}_{level}_high", f"{name}_{level}"]
    return any(value <= _limit(entry, each) for each in low if each in entry.facts) or any(
        value >= _limit(entry, each) for each in high if each in entry.facts
    )


def _limit(entry: Entry, name: str) -> Fraction:
    return Fraction(entry.fact(name).number())


def _long_enough(since_ms: int) -> Criterion:
    rules, hours = practice("trial-watch"), Fraction(since_ms, units.MS_PER_H)
    least = fact_number(rules, "observation_low", "hour")
    return Criterion(
        rule="watched-long-enough",
        what=f"{number(least)} h or more since the bolus",
        verdict=verdict(hours >= least),
        why=f"{number(hours, 1)} h",
        steps=(Step("since the bolus", hours, "h"),),
        sources=notes(rules, "observation_low", "observation_high"),
    )


def _stable(last: VitalsAnswer | None) -> Criterion:
    is_unknown = last is None or last.level == "unknown"
    return Criterion(
        rule="vital-signs-normal",
        what="all vital signs normal at the last check",
        verdict=verdict(None if is_unknown or last is None else last.level == "normal"),
        why="not known" if last is None else last.level,
        steps=() if last is None else last.steps,
        sources=() if last is None else last.sources,
    )


def _ms(name: str) -> int:
    return int(fact_number(practice("trial-watch"), name, "ms"))
