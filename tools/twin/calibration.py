"""Do the bands hold the truth? Numbers of the body and the course to come, patient by patient."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from openitb.cohort.engine.responses import infusion_basis, responses
from openitb.cohort.engine.transfer import LEG
from openitb.prescription import SimpleContinuous
from openitb.twin.fitting import Assumed, Fit, fit
from openitb.twin.predict import Course, Span, predicted
from openitb.twin.priors import BASELINE, KINETIC, SENSITIVITY
from openitb.twin.summary import HALF_EFFECT, Estimate
from openitb.units import HOURS_PER_DAY, MS_PER_DAY, MS_PER_H, PG_PER_UG
from tools.twin.patients import AHEAD_DAYS, TIP_AT, TONE, Setting, Ward, ward

AFTER_DAYS = (1, 7, 27)
NOON_H = 12
Row = dict[str, Any]


def calibration(setting: Setting, assumed: Assumed, skip: int) -> Iterator[Row]:
    """A row of each patient after the first few: does each band hold the truth, how far is its middle off?"""
    people = ward(setting)
    for number in range(skip, len(people.records)):
        yield _row(people, number, assumed)


def _row(people: Ward, number: int, assumed: Assumed) -> Row:
    found = fit(people.records[number], assumed)
    truth = true_numbers(people, number)
    return {
        "numbers": {name: _held(found.estimate(name), true) for name, true in truth.items()},
        "course": dict(_ahead(found, people, number)),
        "none": found.probabilities["none"],
        "k": found.trust.pareto_k,
        "effective": found.trust.effective,
        "likely": found.trust.likely,
        "warned": bool(found.trust.warnings),
        "standardised": found.residuals.standardised,
        "tone_points": found.residuals.tone_points,
        "occasion": (found.residuals.occasion.median, found.residuals.occasion.shrinkage),
    }


def true_numbers(people: Ward, number: int) -> dict[str, float]:
    """The numbers of one patient that the twin estimates."""
    row = people.truths[number].row
    body = {name: float(people.people[name][row]) for name in (*SENSITIVITY, *KINETIC)}
    before = {name: float(getattr(people.people, name)[row]) for name in BASELINE}
    steady = responses(people.people.take(slice(row, row + 1)), TIP_AT, infusion_basis()).steady(LEG)[0]
    half = body["leg_ec50_ng_per_ml"] / float(steady) * HOURS_PER_DAY
    return {**body, **before, HALF_EFFECT: half}


def _ahead(found: Fit, people: Ward, number: int) -> Iterator[tuple[str, tuple[bool, float, float]]]:
    """The course under the proposed order: by series and day, whether held, off by how much, how wide."""
    truth = people.truths[number]
    order = SimpleContinuous(round(truth.proposed_ug) * PG_PER_UG)
    course = predicted(found, order, Span(1, AHEAD_DAYS))
    for series, column in zip(TONE, range(len(TONE)), strict=True):
        for after in AFTER_DAYS:
            day = found.at_ms // MS_PER_DAY + after
            low, middle, high = _at(course, series, (day * HOURS_PER_DAY + NOON_H) * MS_PER_H)
            true = float(truth.daily[day, column])
            slack = 1e-3  # a band of no width about the truth is right
            yield f"{series} {after}", (low - slack <= true <= high + slack, middle - true, high - low)


def _at(course: Course, series: str, at_ms: int) -> tuple[float, float, float]:
    line, k = course.series[series], int(np.searchsorted(course.time_ms, at_ms))
    return float(line.low[k]), float(line.median[k]), float(line.high[k])


def _held(found: Estimate, true: float) -> tuple[bool, float, float]:
    off = np.log(found.median / true) if true > 0 and found.median > 0 else 0.0
    return found.low <= true <= found.high, float(off), found.shrinkage
