"""The experiments behind the figures, on one body, and how each figure is read from them.

Reading follows docs/model.md: tip at T12, puncture at L3, leg Ashworth 4 before treatment. Figures of
naive people hold tolerance still; those after a stop start tolerant, at steady state.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from openitb.body import Baseline, BodyParameters, Course, Inputs, LumbarBolus, OralDose, run
from openitb.body.anatomy import Floats, position_cm
from openitb.body.effect import hill
from openitb.body.model import build
from openitb.body.parameters import constant
from openitb.cohort.people.later import NEVER_H
from openitb.timeline import Timeline
from openitb.units import HOURS_PER_DAY, MS_PER_H

NAIVE = Baseline(4.0, 3.0, 3.0)
TOLERANT = 3.0
FINE_H = np.arange(0, 60, 0.005)
LUMBAR, CISTERNAL, PLASMA = "lumbar_csf_ng_per_ml", "cisternal_csf_ng_per_ml", "plasma_ng_per_ml"
LEG, ARM, BRAIN = "leg_effect_site_ng_per_ml", "arm_effect_site_ng_per_ml", "brainstem_ng_per_ml"

Read = Callable[[BodyParameters], float]


@lru_cache(maxsize=32)
def bolus(params: BodyParameters, dose_ug: float) -> Course:
    """A lumbar puncture in somebody never treated, tolerance held."""
    inputs = Inputs(lumbar_boluses=(LumbarBolus(0.0, dose_ug, "L3"),))
    return run(replace(params, tolerance_time_h=NEVER_H), inputs, NAIVE, FINE_H)


@lru_cache(maxsize=8)
def infusion(params: BodyParameters, dose_ug_per_day: float) -> Course:
    """A constant infusion that begins at hour 0, tolerance held."""
    tip = Timeline((0,), (dose_ug_per_day / HOURS_PER_DAY,), 60 * MS_PER_H, "ug/h")
    return run(replace(params, tolerance_time_h=NEVER_H), Inputs(tip=tip), NAIVE, FINE_H)


@lru_cache(maxsize=8)
def stopped(params: BodyParameters, dose_ug_per_day: float) -> Course:
    """A stop at hour 0, from steady state and tolerant."""
    start = replace(NAIVE, tolerance=TOLERANT)
    return run(params, Inputs(initial=dose_ug_per_day / HOURS_PER_DAY), start, np.arange(0, 240, 0.01))


@lru_cache(maxsize=64)
def steady(params: BodyParameters, tip: str = "T12") -> dict[str, float]:
    """Concentrations at steady state per µg/day at the tip, ng/mL, and in CSF at T2 and T12."""
    model = build(params)
    state = model.steady_state(model.infusion(position_cm(params, tip))) / HOURS_PER_DAY
    places = {f"csf_{level}": model.csf_at(position_cm(params, level)) for level in ("T2", "T12")}
    rows = {name: model.readouts[name] for name in (LUMBAR, CISTERNAL, PLASMA, LEG, ARM, BRAIN)}
    return {name: float(row @ state) for name, row in {**rows, **places}.items()}


def half_life_h(params: BodyParameters) -> float:
    """By log-linear regression at L3 from 0.25 to 4 h."""
    return slope_half_life_h(bolus(params, 50), LUMBAR, 0.25, 4)


def slope_half_life_h(course: Course, name: str, from_h: float, to_h: float) -> float:
    """Half-life of a series between two times."""
    span = (course.time_h >= from_h) & (course.time_h <= to_h)
    return float(-np.log(2) / np.polyfit(course.time_h[span], np.log(course[name].values[span]), 1)[0])


def bolus_clearance(params: BodyParameters) -> float:
    """Dose over the area under the curve at L3, mL/h; the area is exact, -M⁻¹ of the dose."""
    model = build(params)
    area = model.steady_state(model.bolus(position_cm(params, "L3"), constant("atlas", "lumbar_puncture_sd")))
    return float(1.0 / (model.readouts[LUMBAR] @ area) * 1000)


def infusion_clearance(params: BodyParameters) -> float:
    """Rate over the steady state at L3, mL/h."""
    return 1000 / HOURS_PER_DAY / steady(params)[LUMBAR]


def fall(course: Course) -> Floats:
    """Leg Ashworth points below what it was before treatment."""
    return np.asarray(NAIVE.leg_ashworth - course["leg_ashworth"].values)


def first_h(course: Course, reached: NDArray[np.bool_]) -> float:
    """When something first holds; NaN for never."""
    return float(course.time_h[int(np.argmax(reached))]) if reached.any() else np.nan


def last_h(course: Course, still: NDArray[np.bool_]) -> float:
    """When something last holds; NaN for never."""
    return float(course.time_h[int(np.flatnonzero(still)[-1])]) if still.any() else np.nan


def gained_at(dose_ug: float, points: float) -> Read:
    """Hours after a bolus until so many points are gained."""
    return lambda params: first_h(bolus(params, dose_ug), fall(bolus(params, dose_ug)) >= points)


def peak_h(params: BodyParameters) -> float:
    """When the effect of 50 µg is greatest."""
    course = bolus(params, 50)
    return float(course.time_h[int(np.argmax(fall(course)))])


def duration(dose_ug: float, points: float | None = None, part: float = 0.75) -> Read:
    """Hours with at least so many points, or at least a part of the peak; 0 if never reached."""

    def read(params: BodyParameters) -> float:
        course = bolus(params, dose_ug)
        gained = fall(course)
        above = gained >= (part * gained.max() if points is None else points)
        return last_h(course, above) - first_h(course, above) if above.any() else 0.0

    return read


def infused_h(points: float | None = None, part: float = 1.0) -> Read:
    """Hours of 100 µg/day until points are gained, or a part of the lasting effect."""

    def read(params: BodyParameters) -> float:
        course, lasting = infusion(params, 100), steady_fall(params, 100)
        return first_h(course, fall(course) >= (part * lasting if points is None else points))

    return read


def steady_fall(params: BodyParameters, dose_ug_per_day: float) -> float:
    """Leg points an infusion takes from 4 in the long run, tolerance 1."""
    return NAIVE.leg_ashworth - tone(params, (NAIVE.leg_ashworth, dose_ug_per_day))


def steady_state_h(params: BodyParameters) -> float:
    """Hours to 95 % of the lumbar steady state."""
    course = infusion(params, 100)
    return first_h(course, course[LUMBAR].values >= 0.95 * 100 * steady(params)[LUMBAR])


def lost_h(dose_ug_per_day: float, part: float) -> Read:
    """Hours after a stop until a part of the relief is gone, rebound apart."""

    def read(params: BodyParameters) -> float:
        course = stopped(params, dose_ug_per_day)
        held = hill(course[LEG].values, params.leg_ec50_ng_per_ml * TOLERANT, params.tone_hill)
        return first_h(course, held <= (1 - part) * held[0])

    return read


def withdrawal_onset_h(params: BodyParameters) -> float:
    """Hours after a stop at 300 µg/day until the withdrawal drive reaches 0.3."""
    course = stopped(params, 300)
    return first_h(course, course["withdrawal"].values >= 0.3)


def withdrawal_peak_h(params: BodyParameters) -> float:
    """Hours after a stop at 300 µg/day until withdrawal is worst."""
    course = stopped(params, 300)
    return float(course.time_h[int(np.argmax(course["withdrawal"].values))])


def coma_h(tolerance: float) -> Read:
    """Hours above the EC50 of coma after 10 mg."""

    def read(params: BodyParameters) -> float:
        course = bolus(params, 10_000)
        above = course[BRAIN].values > params.respiratory_ec50_ng_per_ml * tolerance
        return last_h(course, above) if above.any() else 0.0

    return read


def tone(
    params: BodyParameters,
    given: tuple[float, float],
    tolerance: float = 1.0,
    site: str = LEG,
    tip: str = "T12",
) -> float:
    """Ashworth at steady state: `given` is (points untreated, µg/day)."""
    untreated, dose = given
    ec50 = params.leg_ec50_ng_per_ml if site == LEG else params.arm_ec50_ng_per_ml
    occupied = hill(np.array([steady(params, tip)[site] * dose]), ec50 * tolerance, params.tone_hill)[0]
    return float(untreated - (untreated - 1.0) * params.tone_relief * occupied)


def tone_after_bolus(params: BodyParameters, given: tuple[float, float], at_h: float) -> float:
    """Leg Ashworth at a time after a bolus: `given` is (points untreated, µg)."""
    untreated, dose = given
    gained = np.interp(at_h, FINE_H, fall(bolus(params, dose)))
    return float(untreated - (untreated - 1.0) * gained / (NAIVE.leg_ashworth - 1.0))


def reflex_dose(part_left: float, days: float) -> Read:
    """µg/day that leave a part of the H/M ratio in somebody treated for so many days."""

    def read(params: BodyParameters) -> float:
        tolerance = accustomed(params, days)
        needed = params.hm_ec50_ng_per_ml * tolerance * (1 / part_left - 1) ** (1 / params.hm_hill)
        return float(needed / steady(params)[LEG])

    return read


def accustomed(params: BodyParameters, days: float) -> float:
    """The tolerance factor after so many days of treatment, from 1, at full occupancy."""
    return float(1.0 + params.tolerance_gain * -np.expm1(-days * HOURS_PER_DAY / params.tolerance_time_h))


def sedation(dose_ug_per_day: float) -> Read:
    """Sedation of somebody tolerant at steady state."""

    def read(params: BodyParameters) -> float:
        level = np.array([steady(params)[BRAIN] * dose_ug_per_day])
        return float(hill(level, params.sedation_ec50_ng_per_ml * TOLERANT, params.sedation_hill)[0])

    return read


@lru_cache(maxsize=8)
def tablets(params: BodyParameters) -> Course:
    """20 mg every 8 h for three days, then none."""
    doses = tuple(OralDose(8.0 * k, 20_000.0) for k in range(10))
    return run(params, Inputs(oral=doses), NAIVE, np.arange(0, 96, 0.05))


def oral_half_life_h(params: BodyParameters) -> float:
    """In plasma, 10 to 20 h after the last tablet."""
    return slope_half_life_h(tablets(params), PLASMA, 82, 92)


def oral_csf(params: BodyParameters) -> float:
    """Area of lumbar CSF over plasma within the last interval of eight hours."""
    course = tablets(params)
    span = (course.time_h >= 64) & (course.time_h <= 72)
    return float(course[LUMBAR].values[span].sum() / course[PLASMA].values[span].sum())
