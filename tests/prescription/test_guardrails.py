"""One gate for every order: what it stops, what it asks about and what it only tells."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.catalogue import Confidence
from openitb.prescription.guardrails import (
    Finding,
    GateRefusal,
    GateRequest,
    PatientLimits,
    Verdict,
    check,
)
from openitb.prescription.orders import (
    Flex,
    FlexPattern,
    FlexStep,
    MinimumRate,
    Order,
    OrderError,
    SimpleContinuous,
    Stopped,
)

U = units.PG_PER_UG
HOUR = units.MS_PER_H
NOW = 1_767_600_000_000
PUMP = catalogue.load().pump("synchromed-ii-20")
SPINAL = PatientLimits("spinal", 45.0)
CEREBRAL = PatientLimits("cerebral", 45.0)
CHILD = PatientLimits("spinal", 10.0)


def request(order: Order | int, last: int | None = None, patient: PatientLimits = SPINAL) -> GateRequest:
    """An order of so many ug/day of 500 ug/mL, nothing having changed lately."""
    given_order = SimpleContinuous(order * U) if isinstance(order, int) else order
    before = None if last is None else last * U
    return GateRequest(given_order, 500, PUMP, patient, before, None, NOW)


def rules(verdict: Verdict, level: str | None = None) -> set[str]:
    return {f.rule for f in verdict.findings if level in (None, f.level)}


def the(verdict: Verdict, rule: str) -> Finding:
    return next(finding for finding in verdict.findings if finding.rule == rule)


def all_day(rate_ug_per_h: int, *later: tuple[int, int]) -> Flex:
    listed = (FlexStep(0, rate_ug_per_h * U), *(FlexStep(h * HOUR, rate * U) for h, rate in later))
    return Flex((FlexPattern(tuple(range(7)), listed),))


def test_a_first_order_within_the_starting_range_is_accepted_whatever_its_size_against_nothing() -> None:
    verdict = check(request(200))
    assert verdict.outcome == "accepted"
    assert verdict.program is not None
    assert rules(verdict) == {"below-recommended-range"}


def test_a_first_order_outside_the_starting_range_is_noted() -> None:
    assert "start-range" in rules(check(request(300)), "note")


@pytest.mark.requirement("PRG-04", "PRG-16")
@pytest.mark.parametrize(
    ("patient", "last", "largest"),
    [
        (SPINAL, 200, 260),
        (CEREBRAL, 200, 230),
        (CHILD, 200, 230),
        (PatientLimits("cerebral", 10.0), 200, 230),
        (PatientLimits("spinal", 17.9), 200, 230),
        (PatientLimits("spinal", 18.0), 200, 260),
        (PatientLimits("spinal", None), 200, 260),
    ],
)
def test_the_largest_step_of_origin_and_age_passes_and_a_microgram_more_needs_a_reason(
    patient: PatientLimits, last: int, largest: int
) -> None:
    assert check(request(largest, last, patient)).outcome == "accepted"
    beyond = check(request(largest + 1, last, patient))
    assert beyond.outcome == "needs reason"
    assert rules(beyond, "soft") == {"step-limit"}


def test_an_unstated_age_is_said_where_the_adult_step_is_used() -> None:
    assert "age not stated" in the(check(request(300, 200, PatientLimits("spinal"))), "step-limit").message


@pytest.mark.parametrize(
    ("hours", "outcome"), [(0, "needs reason"), (23.9, "needs reason"), (24, "accepted")]
)
def test_one_increase_in_a_day(hours: float, outcome: str) -> None:
    asked = replace(request(220, 200), last_increase_ms=NOW - round(hours * HOUR))
    verdict = check(asked)
    assert verdict.outcome == outcome
    assert ("increase-interval" in rules(verdict, "soft")) == (outcome == "needs reason")


def test_a_reduction_right_after_an_increase_is_free() -> None:
    assert check(replace(request(180, 200), last_increase_ms=NOW - HOUR)).outcome == "accepted"


@pytest.mark.requirement("PRG-05")
@pytest.mark.hazard("INC-11", "INC-13")
def test_ten_times_the_dose_is_asked_about_by_its_own_name() -> None:
    verdict = check(request(2000, 200))
    assert {"ten-fold-increase", "step-limit", "limited-experience"} <= rules(verdict, "soft")
    assert "ten-fold-increase" not in rules(check(request(1999, 200)))


@pytest.mark.requirement("PRG-05")
def test_a_single_step_at_ten_times_the_dose_is_asked_about_even_if_the_day_is_not() -> None:
    spike = all_day(5, (12, 90), (13, 5))
    verdict = check(request(spike, 200))
    assert "ten-fold-step" in rules(verdict, "soft")
    assert the(verdict, "ten-fold-step").field == "order.steps"


@pytest.mark.requirement("PRG-05")
def test_a_tenth_of_the_dose_is_named_but_not_blocked() -> None:
    asked = replace(request(40, 400), concentration_ug_per_ml=500)
    verdict = check(asked)
    assert verdict.outcome == "accepted"
    assert "ten-fold-decrease" in rules(verdict, "note")


def test_a_large_cut_is_noted() -> None:
    assert "large-reduction" in rules(check(request(150, 200)), "note")
    assert "large-reduction" not in rules(check(request(160, 200)))


@pytest.mark.requirement("PRG-04", "PRG-16")
@pytest.mark.parametrize(
    ("patient", "highest"),
    [
        (SPINAL, 800),
        (CEREBRAL, 703),
        (PatientLimits("cerebral", 11.0), 1199),
        (PatientLimits("cerebral", 12.0), 703),
    ],
)
def test_the_recommended_range_ends_where_most_patients_do(patient: PatientLimits, highest: int) -> None:
    inside, outside = check(request(highest, highest, patient)), check(request(highest + 1, highest, patient))
    assert "above-recommended-range" not in rules(inside)
    assert "above-recommended-range" in rules(outside, "soft")


def test_coming_down_but_still_above_the_range_is_only_noted() -> None:
    verdict = check(request(1200, 1400))
    assert verdict.outcome == "accepted"
    assert {"above-recommended-range", "limited-experience"} <= rules(verdict, "note")


def test_keeping_a_dose_above_the_range_needs_no_reason() -> None:
    assert check(request(900, 900)).outcome == "accepted"


@pytest.mark.requirement("DEL-03", "PRG-04")
@pytest.mark.parametrize("ordered", [23, 12_001])
def test_what_the_pump_cannot_flow_is_refused_whatever_the_reason(ordered: int) -> None:
    verdict = check(request(ordered, 200))
    assert verdict.outcome == "refused"
    assert verdict.program is None
    with pytest.raises(GateRefusal, match="mL/day"):
        verdict.admit("because")


def test_too_many_flex_changes_are_refused() -> None:
    many = all_day(5, *((hour, 5 + hour) for hour in range(1, 14)))
    assert "flex-changes" in rules(check(request(many, 300)), "hard")


@pytest.mark.requirement("PRG-04")
@pytest.mark.hazard("HAZ-30")
def test_the_patients_own_cap_holds_on_the_largest_day() -> None:
    capped = replace(SPINAL, cap_pg_per_day=300 * U)
    assert check(request(300, 300, capped)).outcome == "accepted"
    weekend = Flex(
        (FlexPattern((0, 1, 2, 3, 4), (FlexStep(0, 5 * U),)), FlexPattern((5, 6), (FlexStep(0, 13 * U),)))
    )
    verdict = check(request(weekend, 200, capped))
    assert rules(verdict, "hard") == {"patient-cap"}
    with pytest.raises(GateRefusal, match="expected at most 300 µg/day, this patient's cap"):
        verdict.admit("because")


def test_a_compounded_strength_needs_a_reason_and_an_absurd_one_is_refused() -> None:
    assert rules(check(replace(request(300, 300), concentration_ug_per_ml=2000)), "soft") == set()
    compounded = replace(request(300, 300), concentration_ug_per_ml=3000)
    assert rules(check(compounded), "soft") == {"compounded-strength"}
    absurd = replace(request(300, 300), concentration_ug_per_ml=5000)
    assert rules(check(absurd), "hard") == {"implausible-concentration"}


def test_a_dose_nobody_can_mean_is_refused_on_any_pump() -> None:
    asked = replace(request(20_001, 200), concentration_ug_per_ml=2000)
    assert "implausible-dose" in rules(check(asked), "hard")


@pytest.mark.parametrize("last", [200, None])
def test_restoring_after_an_interruption_needs_a_decision(last: int | None) -> None:
    verdict = check(replace(request(200, last), interruption=True))
    assert "restore-after-interruption" in rules(verdict, "soft")


def test_stopping_after_an_interruption_needs_none() -> None:
    assert check(replace(request(Stopped(), 200), interruption=True)).outcome == "accepted"


@pytest.mark.parametrize("order", [Stopped(), MinimumRate()])
def test_stopping_and_idling_are_never_blocked_and_warn_of_withdrawal(order: Order) -> None:
    verdict = check(replace(request(order, 900), last_increase_ms=NOW))
    assert verdict.outcome == "accepted"
    assert rules(verdict) == {"withdrawal"}


def test_a_dose_after_none_was_in_force_counts_as_a_first() -> None:
    assert rules(check(request(200, 0))) == rules(check(request(200)))


def test_a_child_below_the_label_is_noted() -> None:
    assert "below-label-age" in rules(check(request(50, None, PatientLimits("cerebral", 3.5))), "note")


def test_a_reason_lets_a_soft_finding_pass_and_its_findings_come_back() -> None:
    verdict = check(request(300, 200))
    assert verdict.admit("weaned off tablets yesterday") == verdict.findings


@pytest.mark.requirement("PRG-04")
@pytest.mark.parametrize("reason", [None, "", "   "])
def test_without_a_reason_a_soft_finding_does_not_pass(reason: str | None) -> None:
    with pytest.raises(GateRefusal) as refusal:
        check(request(300, 200)).admit(reason)
    message = str(refusal.value)
    assert message.startswith("order.dose: got 300 µg/day, 50 % above the last effective 200 µg/day")
    assert "\n" not in message


def test_every_finding_says_what_it_rests_on() -> None:
    cases = [
        request(2000, 200),
        request(10, 400),
        request(Stopped(), 200),
        request(all_day(5, (12, 90), (13, 5)), 200),
        replace(request(900, 850), interruption=True, concentration_ug_per_ml=3000),
        request(50, None, PatientLimits("cerebral", 3.5)),
    ]
    known = catalogue.load().citations
    for finding in (finding for case in cases for finding in check(case).findings):
        assert finding.values, finding.rule
        assert finding.message, finding.rule
        assert set(finding.sources) <= set(known)
        assert finding.sources or not finding.confidence.is_sourced, finding.rule


def test_a_finding_is_as_trusted_as_its_least_trusted_value() -> None:
    assert the(check(request(2000, 200)), "ten-fold-increase").confidence is Confidence.ASSUMED
    assert the(check(request(12_001, 200)), "pump-flow-high").confidence is Confidence.RECALLED
    assert the(check(request(300, 200)), "step-limit").confidence is Confidence.READ


doses = st.integers(30, 1900)
patients = st.builds(
    PatientLimits,
    st.sampled_from(["spinal", "cerebral"]),
    st.none() | st.floats(0, 100),
    st.none() | st.integers(2000 * U, 3000 * U),
)


@given(doses, doses, patients, st.none() | st.integers(0, 48 * HOUR))
def test_a_reduction_is_never_blocked(
    dose: int, last: int, patient: PatientLimits, since: int | None
) -> None:
    lower, higher = sorted((dose, last))
    asked = replace(request(lower, higher, patient), last_increase_ms=None if since is None else NOW - since)
    assert check(asked).outcome == "accepted"


@given(doses, doses, doses, patients)
def test_what_passes_still_passes_with_a_smaller_increase(
    last: int, one: int, two: int, patient: PatientLimits
) -> None:
    smaller, larger = sorted((one, two))
    if check(request(larger, last, patient)).outcome == "accepted":
        assert check(request(smaller, last, patient)).outcome == "accepted"


@given(doses, doses, patients)
def test_a_flex_order_with_one_rate_is_judged_as_the_simple_one(
    dose: int, last: int, patient: PatientLimits
) -> None:
    rate_pg_per_h = dose * U // 24
    flat = Flex((FlexPattern(tuple(range(7)), (FlexStep(0, rate_pg_per_h),)),))
    simple = SimpleContinuous(rate_pg_per_h * 24)
    assert rules(check(request(flat, last, patient))) == rules(check(request(simple, last, patient)))


@given(doses, doses, patients, st.integers(-(10**9), 10**9))
def test_shifting_every_date_shifts_the_dates_told_and_changes_nothing_else(
    dose: int, last: int, patient: PatientLimits, by: int
) -> None:
    asked = replace(request(dose, last, patient), last_increase_ms=NOW - HOUR)
    assert asked.last_increase_ms is not None
    shifted = replace(asked, at_ms=asked.at_ms + by, last_increase_ms=asked.last_increase_ms + by)
    again = tuple(
        finding if finding.next_ms is None else replace(finding, next_ms=finding.next_ms - by)
        for finding in check(shifted).findings
    )
    assert again == check(asked).findings


@pytest.mark.parametrize(("origin", "age"), [("brain", 40.0), ("spinal", -1.0), ("spinal", float("nan"))])
def test_a_patient_that_cannot_be_is_refused(origin: str, age: float) -> None:
    with pytest.raises(OrderError, match="patient"):
        PatientLimits(origin, age)  # type: ignore[arg-type]  # the point of the test


def test_no_concentration_is_refused_outright() -> None:
    with pytest.raises(OrderError, match="concentration: got 0"):
        check(replace(request(200), concentration_ug_per_ml=0))


def test_a_patient_of_no_years_is_taken_and_one_of_less_is_not() -> None:
    assert PatientLimits("cerebral", 0.0).age_years == 0
    with pytest.raises(OrderError, match=re.escape("patient.age: got -0.5 years, expected zero or more")):
        PatientLimits("cerebral", -0.5)


def test_an_unknown_origin_is_refused_with_the_known_ones() -> None:
    told = "patient.origin: got 'brain', expected one of spinal, cerebral"
    with pytest.raises(OrderError, match=f"^{re.escape(told)}$"):
        PatientLimits("brain")


def test_a_refusal_says_every_reason_in_one_line() -> None:
    verdict = check(replace(request(400, 400), concentration_ug_per_ml=4001, order=SimpleContinuous(1)))
    hard = verdict.of("hard")
    assert len(hard) == 2
    with pytest.raises(GateRefusal) as refused:
        verdict.admit("a reason")
    assert str(refused.value) == "; ".join(f"{one.field}: {one.message}" for one in hard)


def test_a_concentration_of_zero_is_no_order() -> None:
    with pytest.raises(OrderError, match=f"^{re.escape('concentration: got 0 µg/mL, expected above zero')}$"):
        check(replace(request(400), concentration_ug_per_ml=0))
