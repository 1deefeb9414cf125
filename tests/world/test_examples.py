"""Each example shows what its comment promises."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from openitb.world.case import load
from openitb.world.simulation import Simulation, simulate

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@lru_cache
def example(name: str) -> Simulation:
    return simulate(load(EXAMPLES / f"{name}.toml"))


def during(name: str, series: str, start_h: float, end_h: float) -> np.ndarray:
    course = example(name)
    inside = (course.time_h >= start_h) & (course.time_h <= end_h)
    return course.series[series][inside]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_runs_and_loses_no_drug(path: Path) -> None:
    course = example(path.stem)
    assert course.drug_imbalance < 1e-9
    assert all(np.isfinite(v).all() for n, v in course.series.items() if n != "reservoir_ml")


def test_the_screening_bolus_works_within_hours_and_is_over_in_a_day() -> None:
    legs = example("screening-bolus").series["leg_ashworth"]
    hour = example("screening-bolus").time_h[np.argmin(legs)]
    assert legs.min() <= 4.0 - 2.0
    assert 3 < hour < 6
    assert legs[-1] > 3.9


def test_the_first_dose_arrives_at_once_and_is_at_its_height_within_two_days() -> None:
    assert during("start-of-infusion", "tip_ug_per_h", 0, 168) == pytest.approx(100 / 24)
    legs = example("start-of-infusion").series["leg_ashworth"]
    assert 24 <= example("start-of-infusion").time_h[np.argmin(legs)] <= 48


def test_a_forgotten_bridge_upwards_is_days_of_a_quarter_dose_and_worse_than_untreated() -> None:
    forgotten, done = "bridge-forgotten-500-to-2000", "bridge-done-500-to-2000"
    assert during(forgotten, "tip_ug_per_h", 241, 300) == pytest.approx(50 / 24)
    assert during(done, "tip_ug_per_h", 241, 258) == pytest.approx(200 / 24)
    assert during(forgotten, "leg_ashworth", 240, 320).max() > 4.0
    assert during(forgotten, "withdrawal", 240, 320).max() > 0.3
    assert during(done, "leg_ashworth", 240, 480).max() < 2.0
    assert not during(done, "withdrawal", 0, 480).any()


def test_a_forgotten_bridge_downwards_is_most_of_a_day_of_four_times_the_dose() -> None:
    forgotten, done = "bridge-forgotten-2000-to-500", "bridge-done-2000-to-500"
    assert during(forgotten, "tip_ug_per_h", 240, 258) == pytest.approx(4 * 200 / 24)
    assert during(done, "tip_ug_per_h", 240, 312) == pytest.approx(200 / 24)
    assert during(forgotten, "sedation", 240, 280).max() > 0.7
    assert during(done, "sedation", 240, 280).max() < 0.3


def test_day_and_night_show_in_the_legs() -> None:
    """The cord follows the dose by hours: tone is highest in the evening and lowest in the morning."""
    course = example("day-night-flex")
    clock = (course.time_h + 9) % 24  # the pump's clock at the start
    late = course.time_h > 7 * 24
    legs = course.series["leg_ashworth"]
    evening, morning = legs[late & (np.abs(clock - 20) < 0.2)], legs[late & (np.abs(clock - 7) < 0.2)]
    assert evening.min() > morning.max() + 0.05
    night = late & ((clock > 21) | (clock < 6))
    assert course.series["tip_ug_per_h"][night][:-1] == pytest.approx(12.0)


def test_a_missed_refill_ends_in_withdrawal_worse_than_before_treatment() -> None:
    course = example("missed-refill")
    assert during("missed-refill", "leg_ashworth", 24, 312).max() < 2.0
    assert course.series["withdrawal"].max() > 0.6
    assert course.series["leg_ashworth"].max() > 3.5 + 0.5
    assert course.series["reservoir_ml"][-1] == pytest.approx(1.4)


def test_a_ten_fold_error_stops_the_breathing_and_passes_when_set_right() -> None:
    course = example("ten-fold-error")
    assert during("ten-fold-error", "tip_ug_per_h", 0, 35) == pytest.approx(2000 / 24)
    assert course.series["respiratory_depression"].max() > 0.8
    assert course.series["respiratory_depression"][-1] < 0.01
    assert "2000" not in course.story[0].text


def test_the_pump_takes_over_from_the_tablets_without_a_gap() -> None:
    on_tablets = during("oral-to-intrathecal", "leg_ashworth", 48, 96)
    on_both = during("oral-to-intrathecal", "leg_ashworth", 132, 144)
    on_pump = during("oral-to-intrathecal", "leg_ashworth", 350, 384)
    assert on_tablets.min() > 3.5
    assert on_both.max() < 1.7
    assert on_pump.max() < 1.8
    assert not example("oral-to-intrathecal").series["withdrawal"].any()
    plasma = example("oral-to-intrathecal").series["plasma_ng_per_ml"]
    assert plasma[-1] < 0.05 * plasma.max()


def test_the_tour_ends_stopped_with_its_alarm() -> None:
    course = example("first-case")
    assert course.series["tip_ug_per_h"][-1] == 0.0
    assert course.series["leg_ashworth"][-1] > 4.0 > during("first-case", "leg_ashworth", 48, 480).max()
