"""The numeric cells of the prototype column (model description, table 6.3), each within 3 %.

Typical adult, well mixed, tip at T12, lumbar puncture at L3, baseline Ashworth 4, as section 6.1a reads
them. Expected numbers are the table's own. The prototype held tolerance while it read its figures; where
that matters the last tests of this file state what tolerance that goes on makes of them.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from openitb.body import (
    Baseline,
    BodyParameters,
    Course,
    Inputs,
    LumbarBolus,
    between_subject_sds,
    run,
    typical_adult,
)
from openitb.body.anatomy import position_cm
from openitb.body.model import build
from openitb.timeline import Timeline
from openitb.units import HOURS_PER_DAY, MS_PER_H

Floats = NDArray[np.float64]
WITHIN = 0.03
NAIVE = Baseline(4.0, 3.0, 3.0)
TOLERANT = Baseline(4.0, 3.0, 3.0, tolerance=3.0)
FINE_H = np.arange(0, 60, 0.005)
HELD = replace(typical_adult(), tolerance_time_h=1e12)
TOLERANT_FACTOR = 3.0


def within_3_percent(value: float) -> object:
    return pytest.approx(value, rel=WITHIN)


@lru_cache(maxsize=8)
def bolus(dose_ug: float) -> Course:
    return run(HELD, Inputs(lumbar_boluses=(LumbarBolus(0.0, dose_ug, "L3"),)), NAIVE, FINE_H)


@lru_cache(maxsize=8)
def infusion(dose_ug_per_day: float, params: BodyParameters = HELD) -> Course:
    tip = Timeline((0,), (dose_ug_per_day / HOURS_PER_DAY,), 60 * MS_PER_H, "ug/h")
    return run(params, Inputs(tip=tip), NAIVE, FINE_H)


@lru_cache(maxsize=8)
def steady(dose_ug_per_day: float) -> Course:
    rate = dose_ug_per_day / HOURS_PER_DAY
    tip = Timeline((0,), (rate,), MS_PER_H, "ug/h")
    return run(typical_adult(), Inputs(tip=tip, initial=rate), NAIVE, np.array([0.0]))


@lru_cache(maxsize=8)
def stopped(dose_ug_per_day: float) -> Course:
    inputs = Inputs(initial=dose_ug_per_day / HOURS_PER_DAY)
    return run(typical_adult(), inputs, TOLERANT, np.arange(0, 240, 0.01))


def half_life_h(course: Course, from_h: float, to_h: float) -> float:
    """By log-linear regression."""
    time, lumbar = course.time_h, course["lumbar_csf_ng_per_ml"].values
    span = (time >= from_h) & (time <= to_h)
    return float(-np.log(2) / np.polyfit(time[span], np.log(lumbar[span]), 1)[0])


def bolus_clearance_ml_per_h() -> float:
    hours = np.concatenate([FINE_H, np.arange(60, 400, 0.25)])
    inputs = Inputs(lumbar_boluses=(LumbarBolus(0.0, 50.0, "L3"),))
    lumbar = run(typical_adult(), inputs, NAIVE, hours)["lumbar_csf_ng_per_ml"].values
    return float(50_000 / np.trapezoid(lumbar, hours))


def steady_lumbar(dose_ug_per_day: float) -> float:
    return float(steady(dose_ug_per_day)["lumbar_csf_ng_per_ml"].values[0])


def fall(course: Course) -> Floats:
    """Ashworth points below the baseline of 4."""
    return 4.0 - course["leg_ashworth"].values


def first_h(course: Course, reached: NDArray[np.bool_]) -> float:
    return float(course.time_h[int(np.argmax(reached))])


def last_h(course: Course, still: NDArray[np.bool_]) -> float:
    return float(course.time_h[int(np.flatnonzero(still)[-1])])


def duration_h(course: Course, least_points: float) -> float:
    above = fall(course) >= least_points
    return last_h(course, above) - first_h(course, above)


def relief_lost_h(dose_ug_per_day: float, part: float) -> float:
    """Hours after the stop until that part of the relief is gone; rebound is a separate quantity."""
    course = stopped(dose_ug_per_day)
    occupancy = leg_occupancy(typical_adult(), course["leg_effect_site_ng_per_ml"].values)
    return first_h(course, occupancy <= (1 - part) * occupancy[0])


def leg_occupancy(params: BodyParameters, ng_per_ml: Floats) -> Floats:
    ratio = (ng_per_ml / (params.leg_ec50_ng_per_ml * TOLERANT_FACTOR)) ** params.tone_hill
    return np.asarray(ratio / (1 + ratio))


def test_half_life_of_a_bolus_in_the_first_four_hours() -> None:
    assert half_life_h(bolus(50), 0.25, 4) == within_3_percent(1.37)


def test_half_life_of_a_bolus_from_8_to_16_h() -> None:
    assert half_life_h(bolus(50), 8, 16) == within_3_percent(2.1)


def test_clearance_of_a_bolus() -> None:
    assert bolus_clearance_ml_per_h() == within_3_percent(24.8)


def test_clearance_of_an_infusion() -> None:
    assert 100 / HOURS_PER_DAY * 1000 / steady_lumbar(100) == within_3_percent(29.8)


def test_apparent_volume() -> None:
    volume = bolus_clearance_ml_per_h() * half_life_h(bolus(50), 0.25, 4) / np.log(2)
    assert volume == within_3_percent(49)


def test_lumbar_steady_state_per_dose() -> None:
    assert steady_lumbar(1) == within_3_percent(1.40)


@pytest.mark.parametrize(("dose", "ng_per_ml"), [(50, 70), (600, 838), (1200, 1677)])
def test_lumbar_steady_state_at_a_dose(dose: float, ng_per_ml: float) -> None:
    assert steady_lumbar(dose) == within_3_percent(ng_per_ml)


@pytest.mark.parametrize(("ng_per_ml", "dose"), [(130, 93), (1240, 888)])
def test_dose_at_the_ends_of_the_label_range(ng_per_ml: float, dose: float) -> None:
    assert ng_per_ml / steady_lumbar(1) == within_3_percent(dose)


def test_time_to_95_percent_of_lumbar_steady_state() -> None:
    course = infusion(100)
    reached = course["lumbar_csf_ng_per_ml"].values >= 0.95 * steady_lumbar(100)
    assert first_h(course, reached) == within_3_percent(7.9)


def test_lumbar_to_cisternal_ratio() -> None:
    course = steady(100)
    ratio = course["lumbar_csf_ng_per_ml"].values / course["cisternal_csf_ng_per_ml"].values
    assert ratio[0] == within_3_percent(4.0)


def test_plasma_at_600_ug_per_day() -> None:
    assert steady(600)["plasma_ng_per_ml"].values[0] == within_3_percent(2.9)


@pytest.mark.parametrize(("dose", "hours"), [(50, 0.97), (100, 0.55)])
def test_onset_of_a_bolus_at_half_a_point(dose: float, hours: float) -> None:
    assert first_h(bolus(dose), fall(bolus(dose)) >= 0.5) == within_3_percent(hours)


def test_peak_of_a_bolus() -> None:
    assert FINE_H[int(np.argmax(fall(bolus(50))))] == within_3_percent(4.15)


def test_a_50_ug_bolus_gains_a_point_at() -> None:
    assert first_h(bolus(50), fall(bolus(50)) >= 1) == within_3_percent(1.3)


def test_a_50_ug_bolus_loses_the_point_at() -> None:
    assert last_h(bolus(50), fall(bolus(50)) >= 1) == within_3_percent(10.7)


@pytest.mark.parametrize(("dose", "hours"), [(50, 9.4), (100, 15.8)])
def test_duration_of_at_least_a_point(dose: float, hours: float) -> None:
    assert duration_h(bolus(dose), 1.0) == within_3_percent(hours)


def test_a_25_ug_bolus_never_gains_a_point() -> None:
    assert fall(bolus(25)).max() < 1


@pytest.mark.parametrize(("dose", "hours"), [(25, 4.2), (50, 6.4), (100, 11.3)])
def test_duration_of_three_quarters_of_the_peak(dose: float, hours: float) -> None:
    assert duration_h(bolus(dose), 0.75 * fall(bolus(dose)).max()) == within_3_percent(hours)


@pytest.mark.parametrize(("points", "hours"), [(0.5, 5.7), (1.0, 7.6)])
def test_onset_of_100_ug_per_day(points: float, hours: float) -> None:
    assert first_h(infusion(100), fall(infusion(100)) >= points) == within_3_percent(hours)


@pytest.mark.parametrize(("part", "hours"), [(0.95, 21.7), (0.99, 33)])
def test_time_to_maximum_of_100_ug_per_day(part: float, hours: float) -> None:
    lasting = fall(steady(100))[0]
    assert first_h(infusion(100), fall(infusion(100)) >= part * lasting) == within_3_percent(hours)


@pytest.mark.parametrize(
    ("dose", "part", "hours"), [(300, 0.5, 7.2), (300, 0.9, 12.6), (1000, 0.5, 16), (1000, 0.9, 21)]
)
def test_relief_lost_after_a_stop_in_a_tolerant_patient(dose: float, part: float, hours: float) -> None:
    assert relief_lost_h(dose, part) == within_3_percent(hours)


def test_withdrawal_reaches_0_3_within_12_to_24_h() -> None:
    course = stopped(300)
    assert 12 <= first_h(course, course["withdrawal"].values >= 0.3) <= 24


def test_withdrawal_peaks_within_50_to_62_h() -> None:
    course = stopped(300)
    assert 50 <= course.time_h[int(np.argmax(course["withdrawal"].values))] <= 62


def test_withdrawal_left_at_five_days() -> None:
    course = stopped(300)
    assert np.interp(120, course.time_h, course["withdrawal"].values) == within_3_percent(0.53)


@pytest.mark.parametrize(("tolerance", "hours"), [(1.0, 39), (TOLERANT_FACTOR, 25)])
def test_hours_above_the_coma_ec50_after_10_mg(tolerance: float, hours: float) -> None:
    course = bolus(10_000)
    coma = typical_adult().respiratory_ec50_ng_per_ml * tolerance
    assert last_h(course, course["brainstem_ng_per_ml"].values > coma) == within_3_percent(hours)


def test_population_spread_of_the_lumbar_to_cisternal_ratio() -> None:
    """The prototype's ends, 1.9 and 13.5, lie inside what samples of 200 people give; see below."""
    ratios = np.array(list(population_ratios(2000)))
    samples = np.random.default_rng(7).choice(ratios, (2000, 200))
    low, high = np.percentile(samples, [2.5, 97.5], axis=1)
    assert np.percentile(low, 2.5) < 1.9 < np.percentile(low, 97.5)
    assert np.percentile(high, 2.5) < 13.5 < np.percentile(high, 97.5)


def test_population_spread_of_a_large_sample_is_wider_than_the_prototype_printed() -> None:
    """A miss of the 3 %: the ends are 1.8 and 16; the upper end of 200 people varies from 12 to 22."""
    low, high = np.percentile(list(population_ratios(2000)), [2.5, 97.5])
    assert low == pytest.approx(1.8, abs=0.1)
    assert high == pytest.approx(16.0, abs=1.5)


def test_tolerance_that_goes_on_brings_the_maximum_of_100_ug_per_day_forward() -> None:
    course = infusion(100, typical_adult())
    relief = fall(course)
    assert first_h(course, relief >= 0.95 * relief.max()) == pytest.approx(20.8, abs=0.1)
    assert first_h(course, relief >= 0.99 * relief.max()) == pytest.approx(29.9, abs=0.1)


def test_rebound_and_recovering_tolerance_bring_the_end_of_relief_forward() -> None:
    course = stopped(300)
    assert first_h(course, fall(course) <= 0.5 * fall(course)[0]) == pytest.approx(7.1, abs=0.1)
    assert first_h(course, fall(course) <= 0.1 * fall(course)[0]) == pytest.approx(11.2, abs=0.1)


def population_ratios(size: int) -> Iterator[float]:
    """Lumbar over cisternal steady state of people drawn with the catalogue's spreads, independently."""
    typical, spreads, rng = typical_adult(), between_subject_sds(), np.random.default_rng(1)
    for _ in range(size):
        drawn = {
            name: getattr(typical, name) * np.exp(sd * rng.standard_normal()) for name, sd in spreads.items()
        }
        model = build(replace(typical, **drawn))
        state = model.steady_state(model.infusion(position_cm(model.params, "T12")))
        rows = model.readouts
        yield float(rows["lumbar_csf_ng_per_ml"] @ state / (rows["cisternal_csf_ng_per_ml"] @ state))


def test_the_poorly_mixed_preset_has_its_own_figures_and_misses_the_lumbar_to_cisternal_ratio() -> None:
    """Thousands to one where taps show 4 to 1: a miss of that preset, stated and not tuned away."""
    params = typical_adult("poorly_mixed")
    at_start = np.array([0.0])
    course = run(params, Inputs(initial=100 / HOURS_PER_DAY), NAIVE, at_start)
    lumbar, cisternal, plasma, legs = (
        course[f"{name}_ng_per_ml"].values[0]
        for name in ("lumbar_csf", "cisternal_csf", "plasma", "leg_effect_site")
    )
    figures = (105.9, 0.01643, 6443, 0.4845, 533.4)
    assert (lumbar, cisternal, lumbar / cisternal, plasma, legs) == pytest.approx(figures, rel=1e-3)
    assert lumbar / cisternal > 1000
