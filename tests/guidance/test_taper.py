"""Coming off drugs: one at a time, no cliff, and the plan for an end without a taper."""

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.guidance.taper import OralDrug, end_without_taper, oral_drugs, taper_oral, taper_pump
from openitb.prescription.answers import CalculationError, fact_number, practice

START, SINCE = date(2026, 5, 4), date(2026, 5, 1)
U, H = units.PG_PER_UG, units.MS_PER_H
PUMP = catalogue.load().pump("synchromed-ii-20")
PROMETRA = catalogue.load().pump("prometra-ii-20")
F = Fraction


def doses(*drugs: OralDrug) -> list[tuple[str, date, Fraction]]:
    return [(step.drug, step.on, step.dose) for step in taper_oral(drugs, SINCE, START).plan]


def test_baclofen_of_80_mg_goes_in_four_weekly_steps() -> None:
    days = [START + timedelta(7 * week) for week in range(4)]
    expected = zip(days, (60, 40, 20, 0), strict=True)
    assert doses(OralDrug("baclofen", F(80))) == [("baclofen", day, F(dose)) for day, dose in expected]


def test_steps_are_rounded_to_what_can_be_swallowed_and_never_larger() -> None:
    assert [dose for *_, dose in doses(OralDrug("baclofen", F(30)))] == [25, 20, 15, 10, 5, 0]


def test_a_taper_under_way_goes_on_in_steps_of_where_it_began() -> None:
    assert [dose for *_, dose in doses(OralDrug("baclofen", F(40), F(80)))] == [20, 0]


def test_a_prescriber_may_take_larger_steps_up_to_what_is_published() -> None:
    assert [dose for *_, dose in doses(OralDrug("baclofen", F(80), percent=F(50)))] == [40, 0]
    with pytest.raises(CalculationError, match="percent: got 51 %, expected above 0 to 50 % for baclofen"):
        doses(OralDrug("baclofen", F(80), percent=F(51)))


def test_one_drug_goes_after_the_other_baclofen_first() -> None:
    plan = doses(OralDrug("diazepam", F(10)), OralDrug("baclofen", F(20)))
    assert [drug for drug, *_ in plan] == ["baclofen"] * 4 + ["diazepam"] * 10
    assert plan[4][1] == plan[3][1] + timedelta(7)


AMOUNTS = st.integers(1, 400).map(lambda tenths: F(tenths, 2))
DRUGS = st.lists(
    st.builds(OralDrug, st.sampled_from(oral_drugs()), AMOUNTS), unique_by=lambda d: d.drug, max_size=5
).map(tuple)


@given(DRUGS)
def test_every_taper_goes_down_without_a_cliff_and_ends_at_nothing(drugs: tuple[OralDrug, ...]) -> None:
    plan = taper_oral(drugs, SINCE, START).plan
    for drug in drugs:
        rules, steps = practice(f"oral-taper-{drug.drug}"), [s for s in plan if s.drug == drug.drug]
        largest = max(
            fact_number(rules, "smallest", "mg"), drug.dose_mg_per_day * fact_number(rules, "step", "1")
        )
        assert steps[0].before == drug.dose_mg_per_day
        assert steps[-1].dose == 0
        assert all(0 < step.before - step.dose <= largest for step in steps)
        assert all((b.on - a.on).days >= fact_number(rules, "interval", "day") for a, b in pairwise(steps))
        assert all(a.dose == b.before for a, b in pairwise(steps))


@given(DRUGS)
def test_never_two_drugs_on_one_day(drugs: tuple[OralDrug, ...]) -> None:
    days = [step.on for step in taper_oral(drugs, SINCE, START).plan]
    assert len(days) == len(set(days))
    assert days == sorted(days)


@pytest.mark.parametrize(
    ("drugs", "start", "named"),
    [
        ((OralDrug("baclofen", F(20)),), date(2026, 5, 2), "start: got 2026-05-02, expected 2026-05-03"),
        ((OralDrug("tea", F(20)),), START, "drug: got 'tea', expected one of baclofen, tizanidine"),
        ((OralDrug("baclofen", F(0)),), START, "baclofen: got 0 mg/day"),
        ((OralDrug("baclofen", F(30), F(20)),), START, "baclofen: got 30 mg/day, expected above 0 to 20"),
        ((OralDrug("baclofen", F(5)), OralDrug("baclofen", F(9))), START, "drug: got 'baclofen' twice"),
    ],
)
def test_a_taper_that_cannot_be_is_refused(drugs: tuple[OralDrug, ...], start: date, named: str) -> None:
    with pytest.raises(CalculationError, match=named):
        taper_oral(drugs, SINCE, start)


def test_100_ug_a_day_goes_in_eight_steps_worked_by_hand() -> None:
    answer = taper_pump(100 * U, 500, PUMP, START)
    assert [step.dose for step in answer.plan] == [80, 64, 52, 42, 34, 28, 25, 0]
    assert answer.ends == START + timedelta(28)  # seven gaps of four days
    assert answer.weaker_drug_by is None


@given(st.integers(1, 3000))
def test_the_pump_is_lowered_by_a_fifth_at_most_over_two_to_four_weeks(dose: int) -> None:
    plan = taper_pump(dose * U, 500, PUMP, START).plan
    assert plan[0].before == dose
    assert plan[-1].dose == 0
    assert plan[-1].before <= max(25, min(dose, 25))
    assert all(0 < step.before - step.dose <= step.before / 5 for step in plan[:-1])
    assert all((b.on - a.on).days >= 1 for a, b in pairwise(plan))
    assert dose <= 25 or 14 <= (plan[-1].on - plan[0].on).days <= 28


def test_a_concentration_too_strong_for_the_low_doses_is_told_with_the_one_that_works() -> None:
    answer = taper_pump(300 * U, 2000, PUMP, START)  # 0.048 mL/day × 2000 µg/mL = 96 µg/day at least
    by = answer.weaker_drug_by
    assert by is not None
    assert all((step.dose >= 96) == (step.on < by) for step in answer.plan if step.dose)
    assert answer.highest_strength_ug_per_ml == 520  # 25 µg/day ÷ 0.048 mL/day
    assert "lower concentration" in answer.meanwhile[-1].what
    assert taper_pump(300 * U, 500, PUMP, START).weaker_drug_by is None
    assert taper_pump(300 * U, 2000, PROMETRA, START).weaker_drug_by is None


def test_a_sudden_end_is_watched_for_three_days_with_the_plan_in_order() -> None:
    answer = end_without_taper(5, 300 * U)
    assert (answer.worst_from_ms, answer.watch_until_ms) == (5 + 24 * H, 5 + 72 * H)
    told = [action.rule.removeprefix("withdrawal-plan.") for action in answer.actions]
    assert told[:3] == ["setting", "restore", "oral_baclofen"]
    assert answer.steps[0].value == 300
    with pytest.raises(CalculationError, match="dose: got 0"):
        end_without_taper(5, 0)
