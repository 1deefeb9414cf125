"""What a pump means to deliver, against counting by hand and the cohort engine."""

from dataclasses import replace

import numpy as np
import pytest

from openitb.cohort.engine.inflow import Day, follow
from openitb.prescription import MinimumRate, compile_order
from openitb.twin import Ordered, Refilled
from openitb.twin.delivery import Proposed, Steps, delivery
from openitb.units import MS_PER_DAY, NL_PER_ML
from tests.twin.records import PUMP, UG_PER_ML, order, record, refill

RATES = np.geomspace(0.02, 30.0, 9)


def test_decays_are_those_of_the_cohort_engine() -> None:
    steps = Steps(np.array([0.0, 5.0, 11.0]), np.array([4.0, 0.0, 9.0]), 24.0)
    hours = np.arange(25, dtype=np.float64)
    day = Day(np.array([4.0]), np.array([[5.0, 11.0]]), np.array([[0.0, 9.0]]))
    expected = [decays[0].copy() for decays in follow(RATES, np.zeros((1, len(RATES))), day, hours)]
    np.testing.assert_allclose(steps.decays(RATES, hours), expected, rtol=1e-12, atol=1e-12)


def test_a_dose_change_acts_at_once_and_the_count_follows() -> None:
    given = delivery(record(order(1, 100), order(11, 200), refill(21)), 21 * MS_PER_DAY)
    assert given.tip.at(np.array([23.0, 24.0, 263.0, 264.0])) == pytest.approx(
        [0, 100 / 24, 100 / 24, 200 / 24]
    )
    assert given.counted.total(np.array([11 * 24.0, 21 * 24.0])) == pytest.approx([2e6, 6e6])


def test_a_change_of_strength_arrives_when_the_path_has_been_pushed_through() -> None:
    stronger = Refilled(2 * MS_PER_DAY, 18 * NL_PER_ML, 2000)
    given = delivery(record(order(0, 100), stronger), 10 * MS_PER_DAY)
    arrives_h = 48 + 0.3 / 0.2 * 24
    before, after = given.tip.at(np.array([arrives_h - 0.1, arrives_h + 0.1]))
    assert (before, after) == pytest.approx((100 / 24, 400 / 24), rel=1e-3)


def test_nothing_flows_from_an_empty_reservoir() -> None:
    given = delivery(record(refill(0), order(0, 500)), 30 * MS_PER_DAY)
    assert given.tip.total(np.array([720.0]))[0] == pytest.approx(18 * UG_PER_ML, rel=1e-4)
    assert given.tip.at(np.array([17.9 * 24, 18.1 * 24])) == pytest.approx([500 / 24, 0.0], rel=1e-4)


def test_a_proposed_program_takes_over_where_it_begins() -> None:
    slow = Proposed(5 * MS_PER_DAY, compile_order(MinimumRate(), UG_PER_ML, PUMP))
    given = delivery(record(order(0, 100)), 10 * MS_PER_DAY, slow)
    least = PUMP.minimum_rate_nl_per_day * UG_PER_ML / 1e6 / 24
    assert given.tip.at(np.array([119.0, 121.0])) == pytest.approx([100 / 24, least], rel=1e-4)


def test_what_had_been_running_before_the_record_counts() -> None:
    before = replace(record(order(0, 100)), treated_ms=100 * MS_PER_DAY)
    given = delivery(before, 10 * MS_PER_DAY)
    assert given.tip.start_h[0] == -2400
    assert given.tip.total(np.array([0.0]))[0] == pytest.approx(100 * 100)


def test_shifting_every_instant_changes_nothing() -> None:
    here = delivery(record(order(1, 100), order(11, 200)), 21 * MS_PER_DAY)
    later = 1000 * MS_PER_DAY
    moved = [Ordered(each.at_ms + later, each.program) for each in (order(1, 100), order(11, 200))]
    there = delivery(record(*moved, start_ms=later), 21 * MS_PER_DAY + later)
    np.testing.assert_array_equal(here.tip.start_h, there.tip.start_h)
    np.testing.assert_array_equal(here.tip.value, there.tip.value)
