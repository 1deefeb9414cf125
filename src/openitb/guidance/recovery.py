"""After an implant: a dated plan, restrictions that only the clinician ends, and what to call about.

Every end date is an expectation. Rules: clinical.md 2.3 and 5.1.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from openitb import catalogue
from openitb.catalogue import Entry
from openitb.guidance.calendar import after
from openitb.guidance.findings import Advice, advice
from openitb.prescription.answers import Answer, CalculationError, SourceNote, fact_number, notes, practice

Operation = Literal["new", "pump", "catheter"]
Ends = Literal["clinician", "date"]
RestrictionState = Literal["not yet", "in force", "in force past the expected date", "ended"]
_PREFIX = "recovery-plan-"


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One line of the plan. `expected_until` is an expectation; `ends` says what ends it."""

    rule: str
    what: str
    begins: date
    expected_until: date | None
    ends: Ends
    sources: tuple[SourceNote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryAnswer(Answer):
    """The plan in order of date, nights expected in hospital from and to, and the signs to call about."""

    plan: tuple[PlanItem, ...]
    home_earliest: date
    home_latest: date
    warnings: tuple[Advice, ...]


def recovery_plan(operation: Operation, on: date, *, is_child: bool) -> RecoveryAnswer:
    """The plan after a first implant (`new`), a change of the pump alone, or work on the catheter."""
    lines = (entry for name, entry in catalogue.load().practice.items() if name.startswith(_PREFIX))
    plan = tuple(_item(entry, on) for entry in lines if _concerns(entry, operation))
    stay, warnings = practice("recovery-stay"), practice("recovery-warnings")
    group = "new_child" if is_child and operation == "new" else operation
    return RecoveryAnswer(
        plan=tuple(
            sorted(plan, key=lambda item: (item.begins, item.expected_until or item.begins, item.rule))
        ),
        home_earliest=after(on, stay.fact(f"{group}_low")),
        home_latest=after(on, stay.fact(f"{group}_high")),
        warnings=tuple(advice(warnings, name) for name in warnings.facts),
        steps=(),
        sources=notes(stay, f"{group}_low", f"{group}_high"),
    )


def restriction_state(item: PlanItem, today: date, all_clear_on: date | None) -> RestrictionState:
    """Whether a line still holds. A restriction ends by the clinician's all-clear alone, never by a date.

    Refuses with `CalculationError` an all-clear before the line began or after today.
    """
    if all_clear_on is not None and not item.begins <= all_clear_on <= today:
        raise CalculationError(f"all-clear: got {all_clear_on}, expected {item.begins} to {today}")
    if all_clear_on is not None:
        return "ended"
    if today < item.begins:
        return "not yet"
    is_past = today > (item.expected_until or item.begins)
    if is_past and item.ends == "date":
        return "ended"
    return "in force past the expected date" if is_past else "in force"


def titration_checks(started_ms: int, until_ms: int) -> tuple[int, ...]:
    """When tone and wakefulness are assessed in hospital and a step may be made: every 24 h."""
    every = int(fact_number(practice("recovery-stay"), "assess_every", "ms"))
    return tuple(range(started_ms + every, until_ms + 1, every))


def _concerns(entry: Entry, operation: Operation) -> bool:
    """Lines for the catheter hold for a first implant too: it is placed then."""
    return entry.fact("concerns").text() == "all" or operation in {"catheter", "new"}


def _item(entry: Entry, on: date) -> PlanItem:
    ends, until = entry.fact("ends").text(), entry.facts.get("expected_end")
    return PlanItem(
        rule=entry.entry_id.removeprefix(_PREFIX),
        what=entry.fact("what").text(),
        begins=after(on, entry.fact("begins")),
        expected_until=None if until is None else after(on, until),
        ends="date" if ends == "date" else "clinician",
        sources=notes(entry, *entry.facts),
    )
