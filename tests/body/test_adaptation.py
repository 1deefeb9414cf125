from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from openitb.body import Baseline, Inputs, LumbarBolus, run, typical_adult
from openitb.body.adaptation import Adaptation, adapt, step_times_h
from openitb.timeline import Timeline
from openitb.units import MS_PER_H

Floats = NDArray[np.float64]
ADULT = typical_adult()
TOLERANT = Baseline(4.0, 3.0, 3.0, tolerance=3.0)
STEP_H = 0.25
TOLERANCE_ERROR, WITHDRAWAL_ERROR = 0.005, 0.002  # as the module states them


def follow(
    legs: Callable[[Floats], Floats],
    days: int,
    tolerance: float = 3.0,
    *,
    step_h: float = STEP_H,
    accustomed: bool = True,
) -> Adaptation:
    time_h = step_times_h(days * 24.0, step_h)
    return adapt(ADULT, time_h, legs(time_h), tolerance, accustomed=accustomed)


def stop(t: Floats) -> Floats:
    return 440.0 * np.exp(-t / 7.0)


def stop_and_restart(t: Floats) -> Floats:
    return np.where(t < 60, stop(t), 440.0 * (1 - np.exp(-(np.maximum(t, 60) - 60) / 7.0)))


def day_and_night(t: Floats) -> Floats:
    return 300.0 + 120.0 * np.sin(2 * np.pi * t / 24)


def by_small_steps(legs: Callable[[Floats], Floats], days: int, tolerance: float) -> tuple[Floats, Floats]:
    """The equations as described, by explicit steps of 18 s, read every STEP_H."""
    step, every = 0.005, 50
    level, withdrawal, lost, onset = tolerance, 0.0, False, tolerance
    concentrations = legs(np.arange(0, days * 24, step))

    def hill(c: float, t: float) -> float:
        return c**3.1 / (c**3.1 + (88 * t) ** 3.1)

    used_to = hill(concentrations[0], level)
    kept = []
    for k, c in enumerate(concentrations):
        if k % every == 0:
            kept.append((level, withdrawal))
        occupancy = hill(c, onset if lost else level)
        if not lost and occupancy < used_to / 2:
            lost, onset = True, level
        elif lost and occupancy >= used_to / 2:
            lost = False
        drive = (level - 1) / 2.2 * max(0.0, 1 - occupancy / used_to)
        withdrawal += step * (drive - withdrawal) / 18
        if lost:
            level -= step * (1 - occupancy / used_to) * (level - 1) / (7 * 24)
        else:
            level += step * (1 + 2.2 * occupancy - level) / (150 * 24)
            used_to += step * (occupancy - used_to) / (5 * 24)
    levels, withdrawals = np.array(kept).T
    return levels, withdrawals


@pytest.mark.parametrize("legs", [stop, stop_and_restart, day_and_night])
def test_tolerance_and_withdrawal_lie_within_the_stated_error_of_very_small_steps(
    legs: Callable[[Floats], Floats],
) -> None:
    levels, withdrawals = by_small_steps(legs, 10, 3.0)
    ours = follow(legs, 10)
    assert np.abs(ours.tolerance[: len(levels)] - levels).max() < TOLERANCE_ERROR
    assert np.abs(ours.withdrawal[: len(levels)] - withdrawals).max() < WITHDRAWAL_ERROR


@pytest.mark.parametrize("legs", [stop, stop_and_restart, day_and_night])
def test_halving_the_step_changes_less_than_the_stated_error(legs: Callable[[Floats], Floats]) -> None:
    ours, halved = follow(legs, 20), follow(legs, 20, step_h=STEP_H / 2)
    assert np.abs(ours.tolerance - halved.tolerance[::2]).max() < TOLERANCE_ERROR
    assert np.abs(ours.withdrawal - halved.withdrawal[::2]).max() < WITHDRAWAL_ERROR


def test_tolerance_under_a_constant_occupancy_follows_its_exponential() -> None:
    """At so high a concentration occupancy is 1: T = 1 + 2.2 (1 - exp(-t / 150 d))."""
    course = follow(lambda t: np.full_like(t, 1e6), 300, tolerance=1.0)
    expected = 1 + 2.2 * -np.expm1(-course.time_h / 24 / 150)
    assert course.tolerance == pytest.approx(expected, abs=1e-6)


def test_somebody_never_treated_has_no_withdrawal_after_a_stop() -> None:
    untreated = Baseline(4.0, 3.0, 3.0, tolerance=1.0)
    course = run(ADULT, Inputs(initial=12.5), untreated, np.arange(0, 240, 0.5))
    assert course["withdrawal"].values.max() < 0.01
    assert course["leg_ashworth"].values.max() < 4.01


def test_a_screening_bolus_leaves_no_withdrawal() -> None:
    bolus = Inputs(lumbar_boluses=(LumbarBolus(0.0, 100.0),))
    course = run(ADULT, bolus, Baseline(4.0, 3.0, 3.0), np.arange(0, 240, 0.5))
    assert course["withdrawal"].values.max() < 0.005


def test_withdrawal_is_worse_than_before_treatment_and_then_passes() -> None:
    course = run(ADULT, Inputs(initial=12.5), TOLERANT, np.arange(0, 1500, 0.5))
    tone = course["leg_ashworth"].values
    assert tone.max() > 4.5
    assert tone[-1] == pytest.approx(4.0, abs=0.01)
    assert course["spasm_score"].values.max() > 3.5


def test_rebound_stops_at_the_top_of_the_scale() -> None:
    worst = Baseline(5.0, 4.8, 4.0, tolerance=3.2)
    course = run(ADULT, Inputs(initial=40.0), worst, np.arange(0, 240, 0.5))
    assert course["leg_ashworth"].values.max() == 5.0
    assert course["arm_ashworth"].values.max() == 5.0
    assert course["spasm_score"].values.max() == 4.0


def test_a_steady_dose_brings_no_withdrawal() -> None:
    steady = Inputs(initial=12.5, tip=Timeline((0,), (12.5,), 2000 * MS_PER_H, "ug/h"))
    course = run(ADULT, steady, TOLERANT, np.arange(0, 1500, 5.0))
    assert course["withdrawal"].values.max() < 1e-3


def test_tolerance_is_lost_within_weeks_of_a_stop() -> None:
    course = run(ADULT, Inputs(initial=12.5), TOLERANT, np.array([0.0, 7 * 24.0, 60 * 24.0]))
    assert course["tolerance"].values == pytest.approx([3.0, 1.85, 1.0], abs=0.1)


def test_restarting_the_dose_ends_the_loss_and_the_withdrawal() -> None:
    course = follow(stop_and_restart, 12)
    assert course.withdrawal.max() > 0.5
    assert course.withdrawal[-1] < 0.02
    late = course.time_h > 100
    assert np.diff(course.tolerance[late]).min() > 0


def test_a_body_left_on_a_lower_dose_settles_between_naive_and_tolerant() -> None:
    """It neither stays in loss for ever nor sinks to tolerance 1 under a drug that still acts."""
    course = follow(lambda t: np.where(t < 24, 440.0, 180.0), 120)
    assert 1.5 < course.tolerance[-1] < 2.5
    assert course.withdrawal[-1] < 0.01
    assert course.tolerance[-1] == pytest.approx(course.tolerance[-24 * 4 * 30], abs=0.2)


def test_tolerance_grows_again_on_a_low_dose_after_a_drug_holiday() -> None:
    course = follow(lambda t: np.where(t < 24, 440.0, np.where(t < 30 * 24, 0.0, 60.0)), 120)
    holiday = int(30 * 24 / STEP_H)
    assert course.tolerance[holiday] < 1.1
    assert course.tolerance[-1] > course.tolerance[holiday] + 0.1


def test_a_body_used_to_nothing_misses_nothing() -> None:
    course = follow(np.zeros_like, 10, accustomed=False)
    assert not course.withdrawal.any()


def test_the_own_grid_covers_the_last_output_and_has_at_least_one_step() -> None:
    assert step_times_h(0.0, 0.25).tolist() == [0.0, 0.25]
    assert step_times_h(1.1, 0.25)[-1] == 1.25


def test_tolerance_does_not_change_concentrations() -> None:
    naive = replace(TOLERANT, tolerance=1.0)
    a, b = (run(ADULT, Inputs(initial=12.5), who, np.arange(0, 50.0)) for who in (naive, TOLERANT))
    assert (a["leg_effect_site_ng_per_ml"].values == b["leg_effect_site_ng_per_ml"].values).all()
