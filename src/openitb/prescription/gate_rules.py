"""The rules of the gate, one function each: a judged order in, findings out.

Every number comes from the catalogue's limits; every finding says which. A rule that rests on no
catalogue value but on the prescriber's own word has confidence `read` and no source.

Holds: PRG-04, PRG-05, PRG-16.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from openitb import catalogue, units
from openitb.catalogue import Entry
from openitb.prescription.answers import Step, fact_number, number, number_apart
from openitb.prescription.gate import Finding, Level
from openitb.prescription.gate_case import (
    UG_PER_DAY,
    Judged,
    dose_text,
    every_patient,
    finding,
    limit_step,
    ug,
)
from openitb.prescription.modes import Periodic, Stopped
from openitb.prescription.program import flow_range, most_changes_per_day

DOSE = "order.dose"
STEPS = "order.steps"
CONCENTRATION = "concentration"

Rule = Callable[[Judged], Iterator[Finding]]


def pump_flow(case: Judged) -> Iterator[Finding]:
    """Hard: the exact flow lies inside what the pump can be programmed to."""
    asked = flow_range(case.request.order, case.request.concentration_ug_per_ml)
    if asked is None:
        return
    pump = case.request.pump
    if asked.lowest_nl_per_day < pump.lowest_flow_nl_per_day:
        yield _flow_finding(case, "pump-flow-low", asked.lowest_nl_per_day)
    if asked.highest_nl_per_day > pump.highest_flow_nl_per_day:
        yield _flow_finding(case, "pump-flow-high", asked.highest_nl_per_day)


def flex_changes(case: Judged) -> Iterator[Finding]:
    """Hard: no more changes a day than the pump can hold."""
    changes, pump = most_changes_per_day(case.request.order), case.request.pump
    if changes > pump.flex_changes_per_day:
        text = f"got {changes} changes a day, expected at most {pump.flex_changes_per_day} for {pump.name}"
        values = (Step("changes a day", changes, "1"), limit_step(pump, "flex_changes_per_day", "1"))
        yield finding("hard", "flex-changes", STEPS, text, values, ((pump, "flex_changes_per_day"),))


def patient_cap(case: Judged) -> Iterator[Finding]:
    """Hard: no day above the prescriber's cap for this patient."""
    cap = case.request.patient.cap_pg_per_day
    if cap is not None and case.peak_day_ug > ug(cap):
        given = dose_text(case.peak_day_ug, ug(cap))
        text = f"got {given}, expected at most {dose_text(ug(cap))}, this patient's cap"
        values = (_now(case.peak_day_ug), Step("cap set by the prescriber", ug(cap), UG_PER_DAY))
        yield finding("hard", "patient-cap", DOSE, text, values)


def plausible(case: Judged) -> Iterator[Finding]:
    """Hard: neither dose nor strength beyond anything a clinic could mean."""
    drug = catalogue.load().drug()
    highest = fact_number(drug, "highest_plausible_dose", UG_PER_DAY)
    if case.peak_day_ug > highest:
        given = dose_text(case.peak_day_ug, highest)
        text = f"got {given}, expected at most {dose_text(highest)}: no plausible dose"
        values = (_now(case.peak_day_ug), limit_step(drug, "highest_plausible_dose", UG_PER_DAY))
        yield finding("hard", "implausible-dose", DOSE, text, values, ((drug, "highest_plausible_dose"),))
    name = "highest_plausible_concentration"
    yield from _strength_above(case, "hard", "implausible-concentration", name, "no plausible strength")


def compounded_strength(case: Judged) -> Iterator[Finding]:
    """Soft: a strength above every product on the market is compounded and asked about."""
    drug = catalogue.load().drug()
    if case.request.concentration_ug_per_ml <= drug.fact("highest_plausible_concentration").number("ug/mL"):
        name = "highest_marketed_strength"
        yield from _strength_above(case, "soft", "compounded-strength", name, "no product is stronger")


def step_limit(case: Judged) -> Iterator[Finding]:
    """Soft: an increase within the step of origin and age, from the last effective dose."""
    increase = case.change_percent
    limit = fact_number(case.steps, "titration_increase_high", "percent")
    if increase is None or case.last_ug is None or increase <= limit:
        return
    text = (
        f"got {dose_text(case.dose_ug)}, {number_apart(increase, limit, 1)} % above the last effective "
        f"{dose_text(case.last_ug)}, expected at most {number(limit)} % in 24 h "
        f"({case.steps.name.lower()}{_age_unknown(case)})"
    )
    values = (
        *_both(case),
        Step("increase", increase, "percent"),
        limit_step(case.steps, "titration_increase_high", "percent"),
    )
    yield finding("soft", "step-limit", DOSE, text, values, ((case.steps, "titration_increase_high"),))


def increase_interval(case: Judged) -> Iterator[Finding]:
    """Soft: one increase in 24 h, none in the first 24 h."""
    since, every = case.since_increase_h, every_patient()
    interval = fact_number(every, "increase_interval", "hour")
    if since is None or not case.is_raising or since >= interval:
        return
    text = (
        f"got an increase {number_apart(since, interval, 1)} h after the last, expected at least "
        f"{number(interval)} h between increases, and none in the first ones after the start"
    )
    values = (Step("since the last increase", since, "h"), limit_step(every, "increase_interval", "h"))
    found = finding("soft", "increase-interval", DOSE, text, values, ((every, "increase_interval"),))
    waits_ms = every.fact("increase_interval").whole("ms") - int(since * units.MS_PER_H)
    yield replace(found, next_ms=case.request.at_ms + waits_ms)


def ten_fold_increase(case: Judged) -> Iterator[Finding]:
    """Soft: a rise that looks like a slipped decimal point or unit, in the day or in one step."""
    every = every_patient()
    factor, facts = _distinct_factor(), ((every, "distinct_change_factor"),)
    if case.last_ug is None or not case.is_delivering:
        return
    before = dose_text(case.last_ug)
    if case.dose_ug >= factor * case.last_ug:
        times = number(case.dose_ug / case.last_ug, 1)
        text = f"got {dose_text(case.dose_ug)}, {times} times the last {before}, expected {_NO_SLIP}"
        yield finding("soft", "ten-fold-increase", DOSE, text, _both(case), facts)
    elif case.peak_rate_ug >= factor * case.last_ug and not isinstance(case.request.order, Periodic):
        text = f"got a step at {dose_text(case.peak_rate_ug)} after {before}, expected {_NO_SLIP}"
        values = (Step("highest step, per day", case.peak_rate_ug, UG_PER_DAY), *_both(case))
        yield finding("soft", "ten-fold-step", STEPS, text, values, facts)


def recommended_range(case: Judged) -> Iterator[Finding]:
    """Soft on the way up, a note otherwise: above the range that holds most patients."""
    low, high = (fact_number(case.ranges, f"recommended_dose_{end}", UG_PER_DAY) for end in ("low", "high"))
    if not case.is_delivering or case.dose_ug <= high:
        return
    text = (
        f"got {dose_text(case.dose_ug, high)}, expected {number(low)} to {dose_text(high)}, recommended for "
        f"{case.ranges.name.lower()}"
    )
    values = (_now(case.dose_ug), limit_step(case.ranges, "recommended_dose_high", UG_PER_DAY))
    facts = ((case.ranges, "recommended_dose_high"),)
    yield finding(case.soft_if_raising, "above-recommended-range", DOSE, text, values, facts)


def limited_experience(case: Judged) -> Iterator[Finding]:
    """Soft on the way up, a note otherwise: above it few patients have been treated."""
    every = every_patient()
    limit = fact_number(every, "limited_experience_dose", UG_PER_DAY)
    if case.dose_ug > limit:
        given = dose_text(case.dose_ug, limit)
        text = f"got {given}, expected at most {dose_text(limit)}: limited experience above"
        values = (_now(case.dose_ug), limit_step(every, "limited_experience_dose", UG_PER_DAY))
        facts = ((every, "limited_experience_dose"),)
        yield finding(case.soft_if_raising, "limited-experience", DOSE, text, values, facts)


def restore_after_interruption(case: Judged) -> Iterator[Finding]:
    """Soft: restoring a dose is an order of its own; nothing resumes by itself."""
    if not (case.request.interruption and case.is_delivering):
        return
    before = "none in force" if case.last_ug is None else dose_text(case.last_ug)
    text = (
        f"got {dose_text(case.dose_ug)} after an interruption (last effective dose: {before}), expected a "
        "decision with its reason: tolerance fades, and no safe length of interruption is published"
    )
    facts = ((every_patient(), "restore_needs_decision"),)
    yield finding("soft", "restore-after-interruption", DOSE, text, _both(case), facts)


def below_recommended_range(case: Judged) -> Iterator[Finding]:
    """Note: below the maintenance range, as everyone is while titrating."""
    low = fact_number(case.ranges, "recommended_dose_low", UG_PER_DAY)
    if case.is_delivering and case.dose_ug < low:
        text = (
            f"{dose_text(case.dose_ug, low)} is below the maintenance range, from {dose_text(low)}; "
            "usual early on"
        )
        values = (_now(case.dose_ug), limit_step(case.ranges, "recommended_dose_low", UG_PER_DAY))
        facts = ((case.ranges, "recommended_dose_low"),)
        yield finding("note", "below-recommended-range", DOSE, text, values, facts)


def start_range(case: Judged) -> Iterator[Finding]:
    """Note: a first dose outside one to two times the screening boluses."""
    start = catalogue.load().limits["start"]
    low, high = (fact_number(start, f"{end}_dose", UG_PER_DAY) for end in ("lowest", "highest"))
    if case.last_ug is not None or not case.is_delivering or low <= case.dose_ug <= high:
        return
    text = (
        f"first dose {dose_text(case.dose_ug)}; one to two times a screening bolus is {number(low)} to "
        f"{dose_text(high)}"
    )
    facts = ((start, "lowest_dose"), (start, "highest_dose"))
    values = (_now(case.dose_ug), *(limit_step(start, name, UG_PER_DAY) for _, name in facts))
    yield finding("note", "start-range", DOSE, text, values, facts)


def caution_increase(case: Judged) -> Iterator[Finding]:
    """Note: an allowed increase that may be too much where the dose is already high."""
    every, increase = every_patient(), case.change_percent
    caution = fact_number(every, "caution_increase", "percent")
    limit = fact_number(case.steps, "titration_increase_high", "percent")
    if increase is not None and caution < increase <= limit:
        text = (
            f"an increase of {number_apart(increase, caution, 1)} %; over {number(caution)} % may be too "
            "much at a high dose"
        )
        values = (*_both(case), limit_step(every, "caution_increase", "percent"))
        yield finding("note", "caution-increase", DOSE, text, values, ((every, "caution_increase"),))


def reduction(case: Judged) -> Iterator[Finding]:
    """Note, never more: a larger cut than usual, and a ten-fold one named on its own."""
    if case.last_ug is None or not case.is_delivering or case.dose_ug >= case.last_ug:
        return
    cut, before = (1 - case.dose_ug / case.last_ug) * 100, dose_text(case.last_ug)
    usual = fact_number(case.steps, "decrease_high", "percent")
    if case.dose_ug * _distinct_factor() <= case.last_ug:
        text = f"{dose_text(case.dose_ug)} is a tenth or less of the last {before}: {_WATCH}; {_NO_SLIP}?"
        facts: tuple[tuple[Entry, str], ...] = ((every_patient(), "distinct_change_factor"),)
        yield finding("note", "ten-fold-decrease", DOSE, text, _both(case), facts)
    elif cut > usual:
        given = number_apart(cut, usual, 1)
        text = f"a cut of {given} % from {before}, usual is up to {number(usual)} %: {_WATCH}"
        facts = ((case.steps, "decrease_high"),)
        yield finding("note", "large-reduction", DOSE, text, _both(case), facts)


def withdrawal(case: Judged) -> Iterator[Finding]:
    """Note: stopping, and idling at minimum rate, leads into withdrawal."""
    if case.is_delivering:
        return
    entry = catalogue.load().practice["withdrawal"]
    first, last = (number(fact_number(entry, f"onset_{end}", "day")) for end in ("low", "high"))
    what = "a stopped pump" if isinstance(case.request.order, Stopped) else "minimum rate"
    text = f"{what} gives no treatment: withdrawal develops over {first} to {last} days and can kill"
    facts = ((entry, "onset_low"), (entry, "onset_high"))
    yield finding("note", "withdrawal", "order.mode", text, _both(case), facts)


def age_notes(case: Judged) -> Iterator[Finding]:
    """Note: a child below the age of the label."""
    drug, age = catalogue.load().drug(), case.request.patient.age_years
    lowest = fact_number(drug, "lowest_label_age", "year")
    if age is not None and age < lowest and case.is_delivering:
        text = f"the label covers patients from {number(lowest)} years on"
        values = (Step("age", Fraction(age), "year"), limit_step(drug, "lowest_label_age", "year"))
        yield finding("note", "below-label-age", "patient.age", text, values, ((drug, "lowest_label_age"),))


RULES: tuple[Rule, ...] = (
    pump_flow,
    flex_changes,
    patient_cap,
    plausible,
    compounded_strength,
    step_limit,
    increase_interval,
    ten_fold_increase,
    recommended_range,
    limited_experience,
    restore_after_interruption,
    below_recommended_range,
    start_range,
    caution_increase,
    reduction,
    withdrawal,
    age_notes,
)

_NO_SLIP = "no slipped decimal point or unit"
_WATCH = "watch for withdrawal"


def _flow_finding(case: Judged, rule: str, flow_nl_per_day: Fraction) -> Finding:
    pump, flow = case.request.pump, flow_nl_per_day / units.NL_PER_ML
    low, high = (
        units.format_flow(end) for end in (pump.lowest_flow_nl_per_day, pump.highest_flow_nl_per_day)
    )
    name = "lowest_programmable_flow" if rule == "pump-flow-low" else "highest_flow"
    values = (Step("flow asked for", flow, "mL/day"), limit_step(pump, name, "mL/day"))
    text = (
        f"got {dose_text(flow * case.request.concentration_ug_per_ml)} at "
        f"{case.request.concentration_ug_per_ml} µg/mL, a flow of "
        f"{number_apart(flow, fact_number(pump, name, 'mL/day'), 6)} mL/day, expected "
        f"{low} to {high} for {pump.name}"
    )
    return finding("hard", rule, DOSE, text, values, ((pump, name),))


def _strength_above(case: Judged, level: Level, rule: str, name: str, why: str) -> Iterator[Finding]:
    drug, given = catalogue.load().drug(), case.request.concentration_ug_per_ml
    highest = fact_number(drug, name, "ug/mL")
    if given > highest:
        text = f"got {given} µg/mL, expected at most {number(highest)} µg/mL: {why}"
        values = (Step("concentration", given, "ug/mL"), limit_step(drug, name, "ug/mL"))
        yield finding(level, rule, CONCENTRATION, text, values, ((drug, name),))


def _distinct_factor() -> Fraction:
    return fact_number(every_patient(), "distinct_change_factor", "1")


def _now(dose_ug: Fraction) -> Step:
    return Step("dose ordered", dose_ug, UG_PER_DAY)


def _both(case: Judged) -> tuple[Step, ...]:
    before = () if case.last_ug is None else (Step("last effective dose", case.last_ug, UG_PER_DAY),)
    return (_now(case.dose_ug), *before)


def _age_unknown(case: Judged) -> str:
    return ", age not stated" if case.request.patient.age_years is None else ""
