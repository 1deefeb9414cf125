"""Who must be looked at first: how long the drug lasts at the earliest, what is done about a late refill.

Every instant is told from the early side. An estimate may bring it forward and never puts it off, and
what is not known counts as now. Rules: clinical.md 1.10, 6.2, 6.3; `reserve` is whole numbers only, so that
a clinic of 100,000 can be told in seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from openitb import units
from openitb.catalogue import Pump
from openitb.prescription.answers import (
    Answer,
    CalculationError,
    SourceNote,
    fact_number,
    notes,
    practice,
    source_note,
)

Kind = Literal[
    "trial observation",
    "alarm critical",
    "refill late",
    "residual",
    "lost contact",
    "post-MRI check",
    "phone call",
    "refill due",
    "wound check",
    "taper step",
    "alarm",
    "trend",
    "result to verify",
    "replacement",
]
KINDS: tuple[Kind, ...] = (
    "trial observation",
    "alarm critical",
    "refill late",
    "residual",
    "lost contact",
    "post-MRI check",
    "phone call",
    "refill due",
    "wound check",
    "taper step",
    "alarm",
    "trend",
    "result to verify",
    "replacement",
)
ListState = Literal["work to do", "stale", "clear"]


@dataclass(frozen=True, slots=True)
class PumpBounds:
    """What of a pump model decides how long a reservoir lasts: read once for many people."""

    residual_nl: int
    accuracy: Fraction

    @classmethod
    def of(cls, pump: Pump) -> "PumpBounds":
        """The bounds of a catalogue's pump."""
        return cls(pump.residual_volume_nl, pump.flow_accuracy)


@dataclass(frozen=True, slots=True)
class Filled:
    """What is known of a running system since `read_ms`, the last reading or transcribed report.

    `volume_nl` is what the reservoir held then, by the pump's count, `tolerance_nl` how far that may be off.
    `least_nl` and `fastest_nl_per_day` are an estimate's own bounds, where there is one. Flow 0 is a pump
    that does not deliver. Refuses with `CalculationError` volumes and flows below zero.
    """

    read_ms: int
    volume_nl: int
    flow_nl_per_day: int
    pump: PumpBounds
    alarm_nl: int
    tolerance_nl: int
    least_nl: int | None = None
    fastest_nl_per_day: int | None = None

    def __post_init__(self) -> None:
        for field in ("volume_nl", "flow_nl_per_day", "alarm_nl", "tolerance_nl"):
            if getattr(self, field) < 0:
                raise CalculationError(f"{field}: got {getattr(self, field)}, expected at least 0")


@dataclass(frozen=True, slots=True)
class Reserve:
    """How long the drug lasts, in ms since the epoch of the reading: expected by count, and at the earliest.

    From `fails_ms` on delivery may fail, from `withdrawal_ms` on withdrawal may show. All are the
    time of the reading where the pump does not deliver.
    """

    expected_low_ms: int
    expected_dry_ms: int
    low_ms: int
    dry_ms: int
    fails_ms: int
    withdrawal_ms: int


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One thing to look at: for whom, since or by when, and when harm may come; None is not known."""

    kind: Kind
    who: str
    due_ms: int
    harm_ms: int | None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderAnswer(Answer):
    """How far a late refill has escalated: 0 is not late. `next_ms` is when the next step is reached."""

    step: int
    what: str
    next_ms: int | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is known of one person's data: the last reading and the next contact that was agreed."""

    who: str
    read_ms: int | None
    contact_by_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAnswer(Answer):
    """Whether there is work, nothing, or no telling; `stale` names whose data are too old to say."""

    state: ListState
    stale: tuple[str, ...]
    why: str


def reserve(known: Filled) -> Reserve:
    """The earliest credible instants of a reservoir, and the expected ones beside them."""
    if not known.flow_nl_per_day:
        at = known.read_ms
        return Reserve(at, at, at, at, at, at + _rules().onset_ms)
    residual = known.pump.residual_nl
    fails = _reached(known, max(residual, _rules().fails_nl))
    return Reserve(
        expected_low_ms=_counted(known, known.alarm_nl),
        expected_dry_ms=_counted(known, residual),
        low_ms=_reached(known, known.alarm_nl),
        dry_ms=_reached(known, residual),
        fails_ms=fails,
        withdrawal_ms=fails + _rules().onset_ms,
    )


def reserve_sources(pump: Pump) -> tuple[SourceNote, ...]:
    """What a reserve rests on."""
    own = (source_note(pump, "flow_accuracy"), source_note(pump, "residual_volume"))
    return (*notes(practice("reserve"), *practice("reserve").facts), *own)


def tolerance_nl(*, is_verified: bool) -> int:
    """How far a volume may be off: read from the pump or verified, or typed and not verified yet."""
    name = "tolerance_read" if is_verified else "tolerance_typed"
    return int(fact_number(practice("reserve"), name, "nL"))


def item(kind: Kind, who: str, since_ms: int, harm_ms: int | None = None, why: str = "") -> WorkItem:
    """An item of a kind, with harm at the latest when that kind may do harm, earlier where it is known."""
    latest = since_ms + _harm_after_ms(kind)
    return WorkItem(kind, who, since_ms, latest if harm_ms is None else min(latest, harm_ms), why)


def refill_item(who: str, refill_by_ms: int, known: Filled | None, now_ms: int) -> WorkItem | None:
    """The refill of one person, or None while it is not near; without a reading harm is not known."""
    lasts = None if known is None else reserve(known)
    harm = None if lasts is None else lasts.withdrawal_ms
    if now_ms >= refill_by_ms:
        return WorkItem("refill late", who, refill_by_ms, harm, "the refill date has passed")
    if lasts is not None and now_ms >= lasts.dry_ms:
        return WorkItem("refill late", who, lasts.dry_ms, harm, "the reservoir may be dry")
    is_near = now_ms >= refill_by_ms - _rules().due_soon_ms or harm is None or harm <= refill_by_ms
    return WorkItem("refill due", who, refill_by_ms, harm) if is_near else None


def ordered(items: Iterable[WorkItem]) -> tuple[WorkItem, ...]:
    """By earliest possible harm; unknown harm first, then what is due longest, then the graver kind."""
    return tuple(sorted(items, key=_urgency))


def late_refill(refill_by_ms: int, known: Filled | None, now_ms: int) -> LadderAnswer:
    """The step a refill has reached, the worse of its lateness and how near withdrawal may be.

    Without a reading the step is the highest as soon as the refill is late.
    """
    rules = practice("late-refill")
    reached = [at for at in _ladder(refill_by_ms, known) if at <= now_ms]
    step = len(reached)
    ahead = [at for at in _ladder(refill_by_ms, known) if at > now_ms]
    return LadderAnswer(
        step=step,
        what=rules.fact(f"step_{step}").text() if step else "not late",
        next_ms=min(ahead, default=None),
        steps=(),
        sources=notes(rules, *rules.facts),
    )


def state_of_list(
    items: tuple[WorkItem, ...], people: tuple[Freshness, ...], computed_ms: int, now_ms: int
) -> ListAnswer:
    """Clear only if nobody needs anything, everybody's data are fresh and the list itself is."""
    stale = tuple(person.who for person in people if is_stale(person, now_ms))
    is_old = now_ms - computed_ms > int(fact_number(practice("worklist"), "stale_list", "ms"))
    state: ListState
    if items:
        state, why = "work to do", f"{len(items)} to look at"
    elif stale or is_old or not people:
        state, why = "stale", "too old to say that nobody needs anything" if people else "nobody is known"
    else:
        state, why = "clear", f"all {len(people)} looked at"
    return ListAnswer(
        state=state,
        stale=stale,
        why=why,
        steps=(),
        sources=notes(practice("worklist"), "stale_reading", "stale_list"),
    )


def is_stale(person: Freshness, now_ms: int) -> bool:
    """True without a reading, after the longest refill interval, or past the agreed contact."""
    if person.read_ms is None or (person.contact_by_ms is not None and now_ms > person.contact_by_ms):
        return True
    return now_ms - person.read_ms > int(fact_number(practice("worklist"), "stale_reading", "ms"))


@dataclass(frozen=True, slots=True)
class _Rules:
    """The catalogue's figures as whole numbers, read once."""

    fails_nl: int
    onset_ms: int
    due_soon_ms: int


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    known, listed = practice("reserve"), practice("worklist")
    return _Rules(
        fails_nl=int(fact_number(known, "fails_from", "nL")),
        onset_ms=int(fact_number(known, "onset", "ms")),
        due_soon_ms=int(fact_number(listed, "due_soon", "ms")),
    )


def _counted(known: Filled, level_nl: int) -> int:
    above = max(0, known.volume_nl - level_nl)
    return known.read_ms + above * units.MS_PER_DAY // known.flow_nl_per_day


def _reached(known: Filled, level_nl: int) -> int:
    """When a level may be reached: the least volume at the fastest flow, rounded to the earlier ms."""
    least = known.volume_nl - known.tolerance_nl
    if known.least_nl is not None:
        least = min(least, known.least_nl)
    whole = known.pump.accuracy.denominator
    fastest = known.flow_nl_per_day * (whole + known.pump.accuracy.numerator)
    if known.fastest_nl_per_day is not None:
        fastest = max(fastest, known.fastest_nl_per_day * whole)
    return known.read_ms + max(0, least - level_nl) * units.MS_PER_DAY * whole // fastest


def _harm_after_ms(kind: Kind) -> int:
    name = kind.lower().replace(" ", "_").replace("-", "_")
    if name not in practice("worklist").facts:
        raise CalculationError(f"kind: got {kind!r}, expected one with a harm of its own; use refill_item")
    return int(fact_number(practice("worklist"), name, "ms"))


def _urgency(each: WorkItem) -> tuple[bool, int, int, int, str]:
    return each.harm_ms is not None, each.harm_ms or 0, each.due_ms, KINDS.index(each.kind), each.who


def _ladder(refill_by_ms: int, known: Filled | None) -> tuple[int, ...]:
    """When each step is reached, in order: by lateness or by harm.

    A refill is late from its date on, or from when the reservoir may be dry if that comes before.
    """
    if known is None:
        return (refill_by_ms,) * 4
    lasts, late = reserve(known), _ladder_ms()
    begins = min(refill_by_ms, lasts.dry_ms)
    fourth = max(begins, min(begins + late["late_4"], lasts.withdrawal_ms - late["harm_4"]))
    third = max(begins, min(begins + late["late_3"], lasts.withdrawal_ms - late["harm_3"], fourth))
    return begins, min(begins + late["late_2"], third), third, fourth


def _ladder_ms() -> dict[str, int]:
    rules = practice("late-refill")
    return {name: int(fact_number(rules, name, "ms")) for name in rules.facts if not name.startswith("step")}
