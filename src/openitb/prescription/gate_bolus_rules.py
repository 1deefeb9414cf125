"""The gate's rules for boluses: periodic, single, and those a patient may ask for.

A bolus is judged as one dose, and as what it adds to the 24 h it falls in. Field names are those of
the order or bolus. Holds: PRG-05.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from openitb import catalogue, units
from openitb.catalogue import Entry
from openitb.prescription.answers import Step, fact_number, number, number_apart
from openitb.prescription.boluses import PatientBolus
from openitb.prescription.gate import Finding
from openitb.prescription.gate_case import (
    UG_PER_DAY,
    Judged,
    dose_text,
    every_patient,
    finding,
    limit_step,
    ug,
)
from openitb.prescription.modes import Periodic, format_duration

Rule = Callable[[Judged], Iterator[Finding]]

_HIGHEST_FLOW = ("highest_flow", "mL/day")


@dataclass(frozen=True, slots=True)
class _Dose:
    """One dose of whatever kind, `field` where it was entered."""

    field: str
    ug: Fraction


def told_in_words(case: Judged) -> Iterator[Finding]:
    """Note: what a periodic order means in doses a day and in what they add."""
    order = case.request.order
    if isinstance(order, Periodic):
        text = (
            f"every {format_duration(order.interval_ms)}: {order.doses_per_day} doses a day, adding "
            f"{dose_text(ug(order.bolus_pg_per_day))} to a basal {dose_text(ug(order.basal_pg_per_day))}"
        )
        values = (Step("doses a day", order.doses_per_day, "1"), _now(case))
        yield finding("note", "periodic-in-words", "order.interval", text, values)


def hours_or_minutes(case: Judged) -> Iterator[Finding]:
    """Soft: an interval so short that its hours may have been typed as minutes (safety.md INC-01)."""
    order, entry = case.request.order, _check()
    if not isinstance(order, Periodic):
        return
    shortest = fact_number(entry, "shortest_usual_interval", "hour")
    given = Fraction(order.interval_ms, units.MS_PER_H)
    if given < shortest:
        text = (
            f"got an interval of {format_duration(order.interval_ms)}, {order.doses_per_day} doses a day, "
            f"expected at least {number(shortest)} h{_in_hours(order)}"
        )
        values = (Step("interval", given, "h"), limit_step(entry, "shortest_usual_interval", "h"))
        facts = ((entry, "shortest_usual_interval"),)
        yield finding("soft", "hours-or-minutes", "order.interval", text, values, facts)


def plausible_bolus(case: Judged) -> Iterator[Finding]:
    """Hard: no single dose beyond anything a clinic could mean."""
    screening = catalogue.load().limits["screening"]
    highest = fact_number(screening, "highest_plausible_bolus", "ug")
    for dose in _doses(case):
        if dose.ug > highest:
            text = f"got {_micrograms(dose.ug, highest)} at once, expected at most {_micrograms(highest)}"
            values = (_once(dose), limit_step(screening, "highest_plausible_bolus", "ug"))
            facts = ((screening, "highest_plausible_bolus"),)
            yield finding(
                "hard", "implausible-bolus", dose.field, f"{text}: no plausible dose", values, facts
            )


def bolus_flow(case: Judged) -> Iterator[Finding]:
    """Hard: a bolus within the pump's highest flow; a periodic one is judged with its basal rate."""
    pump, bolus = case.request.pump, case.request.bolus
    if bolus is None:
        return
    volume_ml = ug(bolus.dose_pg) / case.request.concentration_ug_per_ml
    flow, highest = volume_ml * units.MS_PER_DAY / bolus.duration_ms, fact_number(pump, *_HIGHEST_FLOW)
    if flow > highest:
        text = (
            f"got {_micrograms(ug(bolus.dose_pg))} in {format_duration(bolus.duration_ms)}, a flow of "
            f"{number_apart(flow, highest, 3)} mL/day, expected at most "
            f"{units.format_flow(pump.highest_flow_nl_per_day)} for {pump.name}"
        )
        values = (Step("flow of the bolus", flow, "mL/day"), limit_step(pump, *_HIGHEST_FLOW))
        yield finding("hard", "bolus-flow-high", "bolus.duration", text, values, ((pump, "highest_flow"),))


def cap_with_boluses(case: Judged) -> Iterator[Finding]:
    """Hard: no 24 h above the prescriber's cap, every allowed bolus counted."""
    cap, total = case.request.patient.cap_pg_per_day, _total_ug(case)
    if cap is not None and case.request.bolus is not None and total > ug(cap):
        given = dose_text(total, ug(cap))
        text = f"got {given} in 24 h, boluses included, expected at most {dose_text(ug(cap))}"
        values = (*_sum(case), Step("cap set by the prescriber", ug(cap), UG_PER_DAY))
        yield finding("hard", "patient-cap", "bolus.dose", f"{text}, this patient's cap", values)


def total_of_day(case: Judged) -> Iterator[Finding]:
    """Soft: boluses that raise 24 h by more than the dose itself might be raised."""
    if case.request.bolus is None or not case.dose_ug:
        return
    total, limit = _total_ug(case), fact_number(case.steps, "titration_increase_high", "percent")
    added = (total / case.dose_ug - 1) * 100
    if added > limit:
        text = (
            f"got {dose_text(total)} in 24 h, boluses included, {number_apart(added, limit, 1)} % above the "
            f"order, expected at most {number(limit)} % ({case.steps.name.lower()})"
        )
        values = (*_sum(case), limit_step(case.steps, "titration_increase_high", "percent"))
        facts = ((case.steps, "titration_increase_high"),)
        yield finding("soft", "bolus-24-h-total", "bolus.dose", text, values, facts)


def total_in_experience(case: Judged) -> Iterator[Finding]:
    """Soft: 24 h above which few patients have been treated, boluses included."""
    every, total = every_patient(), _total_ug(case)
    limit = fact_number(every, "limited_experience_dose", UG_PER_DAY)
    if case.request.bolus is not None and case.peak_day_ug <= limit < total:
        given = dose_text(total, limit)
        text = f"got {given} in 24 h, boluses included, expected at most {dose_text(limit)}"
        values = (*_sum(case), limit_step(every, "limited_experience_dose", UG_PER_DAY))
        facts = ((every, "limited_experience_dose"),)
        yield finding(
            "soft", "limited-experience", "bolus.dose", f"{text}: limited experience above", values, facts
        )


def whole_day_at_once(case: Judged) -> Iterator[Finding]:
    """Soft: one dose as large as all the day's, as a slipped unit makes it (safety.md INC-12, INC-13)."""
    entry, bolus = _check(), case.request.bolus
    part = fact_number(entry, "highest_part_of_day", "percent")
    if bolus is not None and case.dose_ug and ug(bolus.dose_pg) * 100 >= part * case.dose_ug:
        text = (
            f"got {_micrograms(ug(bolus.dose_pg))} at once beside {dose_text(case.dose_ug)}, expected less "
            f"than {number(part)} % of the daily dose, and no slipped decimal point or unit"
        )
        values = (
            Step("bolus", ug(bolus.dose_pg), "ug"),
            _now(case),
            limit_step(entry, "highest_part_of_day", "percent"),
        )
        facts = ((entry, "highest_part_of_day"),)
        yield finding("soft", "bolus-of-a-day", "bolus.dose", text, values, facts)


def ten_fold_bolus(case: Judged) -> Iterator[Finding]:
    """Soft: ten times the last bolus or more."""
    every, bolus, last = every_patient(), case.request.bolus, case.request.last_bolus_pg
    factor = fact_number(every, "distinct_change_factor", "1")
    if bolus is not None and last and bolus.dose_pg >= factor * last:
        text = (
            f"got {_micrograms(ug(bolus.dose_pg))}, {number(Fraction(bolus.dose_pg, last), 1)} times the "
            f"last {_micrograms(ug(last))}, expected no slipped decimal point or unit"
        )
        values = (Step("bolus", ug(bolus.dose_pg), "ug"), Step("last bolus", ug(last), "ug"))
        facts = ((every, "distinct_change_factor"),)
        yield finding("soft", "ten-fold-bolus", "bolus.dose", text, values, facts)


def on_request(case: Judged) -> Iterator[Finding]:
    """Soft: to allow a patient boluses at all is a decision of its own."""
    bolus, entry = case.request.bolus, _check()
    if isinstance(bolus, PatientBolus):
        text = (
            f"allows {_micrograms(ug(bolus.dose_pg))} again after {format_duration(bolus.lockout_ms)}, at "
            f"most {bolus.most_per_day} in 24 h; boluses of baclofen on request are no indicated use: "
            "expected a decision with its reason"
        )
        yield finding("soft", "patient-bolus", "bolus", text, _sum(case), ((entry, "not_indicated"),))


BOLUS_RULES: tuple[Rule, ...] = (
    plausible_bolus,
    bolus_flow,
    cap_with_boluses,
    hours_or_minutes,
    total_of_day,
    total_in_experience,
    whole_day_at_once,
    ten_fold_bolus,
    on_request,
    told_in_words,
)


def _check() -> Entry:
    return catalogue.load().practice["bolus-check"]


def _doses(case: Judged) -> Iterator[_Dose]:
    order, bolus = case.request.order, case.request.bolus
    if isinstance(order, Periodic):
        yield _Dose("order.dose", ug(order.dose_pg))
    if bolus is not None:
        yield _Dose("bolus.dose", ug(bolus.dose_pg))


def _total_ug(case: Judged) -> Fraction:
    """The most drug in 24 h: the fullest day of the order and every bolus that may fall in it."""
    bolus = case.request.bolus
    return case.peak_day_ug + (ug(bolus.most_pg_in_day) if bolus else 0)


def _in_hours(order: Periodic) -> str:
    """What the same figure would mean in hours, where it means something."""
    meant_ms = order.interval_ms * (units.MS_PER_H // units.MS_PER_MIN)
    if units.MS_PER_DAY % meant_ms:
        return ""
    doses = units.MS_PER_DAY // meant_ms
    return f"; if hours were meant: every {format_duration(meant_ms)}, {doses} a day"


def _micrograms(dose_ug: Fraction, limit_ug: Fraction | None = None) -> str:
    return dose_text(dose_ug, limit_ug).removesuffix("/day")


def _once(dose: _Dose) -> Step:
    return Step("dose at once", dose.ug, "ug")


def _now(case: Judged) -> Step:
    return Step("dose ordered", case.dose_ug, UG_PER_DAY)


def _sum(case: Judged) -> tuple[Step, ...]:
    return (_now(case), Step("most in 24 h, boluses included", _total_ug(case), UG_PER_DAY))
