"""How soon somebody with danger signs needs help: emergency, 24-hour line, clinic today, next visit.

The signs alone decide; context only says what to suspect first. Any two signs of withdrawal or overdose
are an emergency, since either can follow the other. Rules: clinical.md 1.9, 1.10, 2.5 to 2.7, 5.3.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal, get_args

from openitb import units
from openitb.guidance.findings import Advice, advice, require_known, require_one_answer
from openitb.prescription.answers import Answer, CalculationError, Step, fact_number, notes, practice

Urgency = Literal["next visit", "clinic today", "24-hour line now", "emergency now"]
URGENCIES: tuple[Urgency, ...] = get_args(Urgency)
Suspect = Literal["withdrawal", "overdose", "infection", "pump or catheter", "fluid leak", "side effect"]

_ACTION: dict[Urgency, str] = {
    "next visit": "next_visit",
    "clinic today": "clinic_today",
    "24-hour line now": "line_now",
    "emergency now": "emergency_now",
}


@dataclass(frozen=True, slots=True)
class TriageContext:
    """What happened before, in ms; None is not known and changes nothing. `withdrawal_in_ms` is how soon the
    drug may fail, below zero if it may have.
    """

    since_refill_ms: int | None = None
    since_change_ms: int | None = None
    since_operation_ms: int | None = None
    withdrawal_in_ms: int | None = None

    def __post_init__(self) -> None:
        for name in ("since_refill_ms", "since_change_ms", "since_operation_ms"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise CalculationError(f"{name}: got {value}, expected at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageAnswer(Answer):
    """How soon, why, what to do, what to suspect first, and the emergency signs nobody asked about yet."""

    urgency: Urgency
    why: str
    action: Advice
    suspects: tuple[str, ...]
    ask_first: tuple[str, ...]


def signs() -> tuple[str, ...]:
    """Every sign triage knows, the gravest first."""
    return tuple(practice("triage-signs").facts)


def urgency(present: frozenset[str]) -> Urgency:
    """How soon help is needed for these signs; nothing else enters."""
    table = _table()
    if present & table.emergency or _is_emergency_together(present, table):
        return "emergency now"
    for level, names in table.others:
        if present & names:
            return level
    return "next visit"


def triage(
    present: frozenset[str], absent: frozenset[str], context: TriageContext | None = None
) -> TriageAnswer:
    """Classify by the signs present; while an emergency sign was not asked about it is never the next visit.

    Refuses with `CalculationError` a sign it does not know, and one that is both there and not.
    """
    entry = practice("triage-signs")
    require_known("present", present, entry)
    require_known("absent", absent, entry)
    require_one_answer(present, absent)
    ask = tuple(name for name in signs() if name in _table().emergency - present - absent)
    level = urgency(present)
    if ask and level == "next visit":
        level = "clinic today"
    return TriageAnswer(
        urgency=level,
        why=_why(present, level, ask),
        action=advice(practice("triage-actions"), _ACTION[level]),
        suspects=_suspects(present, context or TriageContext()),
        ask_first=tuple(entry.fact(name).note for name in ask),
        steps=tuple(
            Step(entry.fact(name).note, entry.fact(name).text(), "text") for name in _in_order(present)
        ),
        sources=(
            *notes(entry, *_in_order(present)),
            *notes(practice("triage-together"), *practice("triage-together").facts),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """The catalogue's signs as sets, read once."""

    emergency: frozenset[str]
    others: tuple[tuple[Urgency, frozenset[str]], ...]
    danger: frozenset[str]
    danger_count: int
    together: tuple[frozenset[str], ...]


@lru_cache(maxsize=1)
def _table() -> _Table:
    levels = {name: fact.text() for name, fact in practice("triage-signs").facts.items()}
    by_level = {level: frozenset(n for n, own in levels.items() if own == level) for level in URGENCIES}
    together = practice("triage-together")
    return _Table(
        emergency=by_level["emergency now"],
        others=tuple((level, by_level[level]) for level in reversed(URGENCIES[:-1])),
        danger=_belonging("withdrawal") | _belonging("overdose"),
        danger_count=int(fact_number(together, "danger_signs", "1")),
        together=tuple(frozenset(f.text().split()) for n, f in together.facts.items() if n != "danger_signs"),
    )


def _belonging(suspect: str) -> frozenset[str]:
    return frozenset(practice("triage-suspects").fact(suspect).text().split())


def _is_emergency_together(present: frozenset[str], table: _Table) -> bool:
    if len(present & table.danger) >= table.danger_count:
        return True
    return any(names <= present for names in table.together)


def _why(present: frozenset[str], level: Urgency, ask: tuple[str, ...]) -> str:
    if not present:
        return "no sign named, and danger signs still to ask about" if ask else "no danger sign"
    facts, table = practice("triage-signs").facts, _table()
    alone = [facts[name].note for name in _in_order(present) if facts[name].text() == level]
    if level == "emergency now" and not present & table.emergency:
        return "together: " + "; ".join(facts[name].note for name in _in_order(present))
    return "; ".join(alone) or "danger signs still to ask about"


def _in_order(present: frozenset[str]) -> list[str]:
    return [name for name in signs() if name in present]


def _suspects(present: frozenset[str], context: TriageContext) -> tuple[str, ...]:
    """What the signs belong to, most signs first; context counts as signs of what it makes likely."""
    likely = _made_likely(context)
    weight = int(fact_number(practice("triage-context"), "weight", "1"))
    counted = {
        name: len(_belonging(name) & present) + weight * likely.count(name)
        for name in practice("triage-suspects").facts
        if _belonging(name) & present
    }
    ranked = sorted(counted, key=lambda name: -counted[name])
    return tuple(name.replace("_", " ") for name in ranked)


def _made_likely(context: TriageContext) -> list[str]:
    rules = practice("triage-context")
    recent, operated = (int(fact_number(rules, name, "ms")) for name in ("recent", "implant_recent"))
    likely = []
    for since in (context.since_refill_ms, context.since_change_ms):
        likely += ["overdose"] if since is not None and since <= recent else []
    if context.since_operation_ms is not None and context.since_operation_ms <= operated:
        likely += ["infection", "fluid_leak"]
    if context.withdrawal_in_ms is not None and Fraction(context.withdrawal_in_ms, units.MS_PER_DAY) <= 0:
        likely += ["withdrawal"]
    return likely
