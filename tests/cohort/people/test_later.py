"""What time does to people, and the switches."""

from dataclasses import replace

import numpy as np
import pytest

from openitb import body
from openitb.body import Baseline, Inputs
from openitb.cohort.people import CAUSES, People, Population, draw
from openitb.cohort.people.later import Parts, holiday, later, switched
from openitb.cohort.people.size import weight_kg
from openitb.timeline import Timeline
from openitb.units import MS_PER_DAY

PEOPLE = draw(Population(), np.arange(400), seed=9)
CHILD = np.flatnonzero(PEOPLE.cause == CAUSES.index("paediatric"))
SCLEROSIS = np.flatnonzero(PEOPLE.cause == CAUSES.index("multiple sclerosis"))
SPINAL = np.flatnonzero(PEOPLE.cause == CAUSES.index("spinal"))
MONTH = Timeline((0,), (12.5,), 30 * MS_PER_DAY, "ug/h")


def course(person: People) -> body.Course:
    """Sixty days, of which thirty on 300 µg a day, from steady state and tolerant."""
    inputs = Inputs(tip=MONTH, initial=12.5)
    start = replace(person.baseline(0), tolerance=2.5)
    return body.run(person.one(0), inputs, start, np.arange(0, 60 * 24.0))


def test_children_grow_and_keep_their_place() -> None:
    after = later(PEOPLE, 4.0)
    assert (after["canal_length_cm"][CHILD] >= PEOPLE["canal_length_cm"][CHILD]).all()
    young = CHILD[PEOPLE.age_years[CHILD] < 10]
    assert (after.weight_kg[young] > 1.3 * PEOPLE.weight_kg[young]).all()
    place = [
        np.log(people.weight_kg[young] / weight_kg(people.age_years[young], np.zeros(len(young))))
        for people in (PEOPLE, after)
    ]
    np.testing.assert_allclose(place[0], place[1])


def test_growing_in_two_steps_is_growing_in_one() -> None:
    at_once, in_steps = later(PEOPLE, 6.0), later(later(PEOPLE, 2.5), 3.5)
    for name in PEOPLE.parameters:
        np.testing.assert_allclose(in_steps[name], at_once[name], rtol=1e-12)


def test_adults_grow_older_and_nothing_else_but_sclerosis_goes_on() -> None:
    after = later(PEOPLE, 9.0)
    assert after.age_years[SPINAL] == pytest.approx(PEOPLE.age_years[SPINAL] + 9)
    for name in PEOPLE.parameters:
        np.testing.assert_array_equal(after[name][SPINAL], PEOPLE[name][SPINAL])
    rise = after["leg_ec50_ng_per_ml"][SCLEROSIS] / PEOPLE["leg_ec50_ng_per_ml"][SCLEROSIS]
    assert rise == pytest.approx(1.94 / 1.21, rel=0.01)  # ten years of dose, sclerosis against injury


def test_growth_and_progression_can_be_switched_off() -> None:
    still = later(PEOPLE, 9.0, Parts(growth=False, progression=False))
    for name in PEOPLE.parameters:
        np.testing.assert_array_equal(still[name], PEOPLE[name])
    np.testing.assert_allclose(still.age_years, PEOPLE.age_years + 9)


def test_without_tolerance_it_stays_where_it_was() -> None:
    person = PEOPLE.take(SPINAL[:1])
    moved = course(person)["tolerance"].values
    still = course(switched(person, Parts(tolerance=False)))["tolerance"].values
    assert np.ptp(moved) > 0.1
    assert np.ptp(still) < 1e-6


def test_without_withdrawal_a_stop_brings_tone_back_but_not_above_the_baseline() -> None:
    person = PEOPLE.take(SPINAL[:1])
    with_it, without = course(person), course(switched(person, Parts(withdrawal=False)))
    assert with_it["withdrawal"].values.max() > 0.1
    assert without["withdrawal"].values.max() < 1e-6
    assert without["leg_ashworth"].values.max() <= person.leg_ashworth[0] + 1e-6
    assert isinstance(person.baseline(0), Baseline)


def test_a_holiday_goes_down_to_nothing_and_begins_again_low() -> None:
    steps = list(holiday(700.0, 100.0))
    doses = [step.dose_ug_per_day for step in steps]
    assert doses[:7] == pytest.approx([600, 500, 400, 300, 200, 100, 0])
    assert doses[-1] == 100.0
    assert [step.day for step in steps] == sorted(step.day for step in steps)
    assert steps[-1].day == 42
