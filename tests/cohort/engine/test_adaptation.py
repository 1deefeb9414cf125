"""Tolerance and withdrawal of many people against the single body's rules, and handed on."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from openitb.body import BodyParameters, typical_adult
from openitb.body.adaptation import adapt
from openitb.cohort import sample
from openitb.cohort.engine.adaptation import Adapted, Adapting, habits, unadapted
from openitb.cohort.people import People

Floats = NDArray[np.float64]
STEP_H = 0.25
TIME_H = np.arange(24 * 60 * 4, dtype=np.float64) * STEP_H
PEOPLE = (typical_adult(), *sample(typical_adult(), 12, seed=5))


def drug(shape: str) -> Floats:
    """Leg concentration in ng/mL over sixty days."""
    days = TIME_H / 24
    return {
        "steady": np.full(len(days), 200.0),
        "stopped": np.where(days < 20, 300.0, 0.0),
        "stopped and restored": np.where((days > 20) & (days < 23), 0.0, 300.0),
        "halved for good": np.where(days < 10, 300.0, 60.0),
        "day and night": 150.0 + 120.0 * np.sin(2 * np.pi * days),
        "never": np.zeros(len(days)),
        "begun": np.where(days < 5, 0.0, 250.0),
    }[shape]


def together(people: tuple[BodyParameters, ...], leg: Floats, start: Adapted) -> list[Adapted]:
    some = habits(People.of(people))
    scaled = some.scaled(np.repeat(leg[:, None], len(people), axis=1))
    steps, course = Adapting(some, STEP_H), [start]
    for now, then in pairwise(scaled):
        course.append(steps.step(course[-1], now, then))
    return course


@pytest.mark.parametrize("tolerance", [1.0, 3.0])
@pytest.mark.parametrize("accustomed", [False, True])
@pytest.mark.parametrize(
    "shape",
    ["steady", "stopped", "stopped and restored", "halved for good", "day and night", "never", "begun"],
)
def test_many_people_side_by_side_do_what_each_does_alone(
    shape: str, accustomed: bool, tolerance: float
) -> None:
    leg = drug(shape)
    first = np.full(len(PEOPLE), leg[0]) if accustomed else None
    course = together(PEOPLE, leg, unadapted(habits(People.of(PEOPLE)), tolerance, first))
    for who, person in enumerate(PEOPLE):
        alone = adapt(person, TIME_H, leg, tolerance, accustomed=accustomed)
        np.testing.assert_allclose([body.tolerance[who] for body in course], alone.tolerance, rtol=1e-10)
        np.testing.assert_allclose(
            [body.withdrawal[who] for body in course], alone.withdrawal, rtol=1e-9, atol=1e-12
        )


def test_a_state_handed_on_goes_on_as_if_nothing_had_been() -> None:
    leg = drug("stopped and restored")
    whole = together(PEOPLE, leg, unadapted(habits(People.of(PEOPLE)), 2.0))
    cut = 24 * 21 * 4
    part = together(PEOPLE, leg[cut:], whole[cut])
    np.testing.assert_array_equal(part[-1].tolerance, whole[-1].tolerance)
    np.testing.assert_array_equal(part[-1].withdrawal, whole[-1].withdrawal)


def test_withdrawal_follows_a_stop_in_the_tolerant_and_spares_the_naive() -> None:
    some = habits(People.of(PEOPLE))
    used = np.full(len(PEOPLE), 300.0)
    tolerant = together(PEOPLE, drug("never"), unadapted(some, 3.0, used))
    naive = together(PEOPLE, drug("never"), unadapted(some, 1.0, used))
    assert max(body.withdrawal[0] for body in tolerant) > 0.3
    assert all((body.withdrawal == 0).all() for body in naive)


def test_the_course_hardly_depends_on_a_daily_or_hourly_step_while_drug_is_steady() -> None:
    some = habits(People.of(PEOPLE))
    level = some.scaled(np.full(len(PEOPLE), 120.0))
    daily, quarterly = unadapted(some, 1.0), unadapted(some, 1.0)
    for _ in range(300):
        daily = Adapting(some, 24.0).step(daily, level, level)
    for _ in range(300 * 96):
        quarterly = Adapting(some, STEP_H).step(quarterly, level, level)
    np.testing.assert_allclose(daily.tolerance, quarterly.tolerance, rtol=2e-3)


def test_people_of_different_steepness_keep_their_own() -> None:
    steep = replace(PEOPLE[0], tone_hill=6.0)
    some = habits(People.of((PEOPLE[0], steep)))
    shallow_hill, steep_hill = some.occupancy(some.scaled(np.full(2, 120.0)), np.ones(2))
    assert shallow_hill == pytest.approx(120**3.1 / (120**3.1 + 88**3.1))
    assert steep_hill == pytest.approx(120**6 / (120**6 + 88**6))
