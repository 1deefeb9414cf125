"""What people of a cohort show where the typical adult shows one number: percentiles, and bands for plots."""

from collections.abc import Sequence
from math import log

import numpy as np

from openitb import catalogue
from openitb.body import BodyParameters, Dispersion, typical_adult
from openitb.body.anatomy import Floats
from openitb.body.effect import hill
from openitb.body.inputs import Inputs, LumbarBolus, schedule
from openitb.body.modes import solved
from openitb.body.propagation import Trajectory
from openitb.cohort.people import around
from tools.validate import experiments as x
from tools.validate.targets import REFLEX_DAYS

SEED = 20260101
BAND = (5.0, 50.0, 95.0)
ENDS = (2.5, 97.5)
COURSE_H = np.arange(0.25, 24.01, 0.25)
DOSES = np.geomspace(20, 1500, 25)


def spread(dispersion: Dispersion) -> dict[str, object]:
    """Percentiles by target, and bands (low, median, high) by plot."""
    count = int(catalogue.load().practice["validation"].fact("spread_people").number())
    people = around(typical_adult(dispersion), np.arange(count), SEED)
    bodies = [people.one(row) for row in range(count)]
    steady = [x.steady(body) for body in bodies]
    courses = [bolus_course(body) for body in bodies]
    ends = {
        "spread-half-life": [_half_life(lumbar) for lumbar, _ in courses],
        "spread-clearance": [1000 / 24 / each[x.LUMBAR] for each in steady],
        "spread-ratio": [each[x.LUMBAR] / each[x.CISTERNAL] for each in steady],
    }
    relief = [
        body.tone_relief * _tone(body, 50 * leg) for body, (_, leg) in zip(bodies, courses, strict=True)
    ]
    lumbar = np.outer([each[x.LUMBAR] for each in steady], DOSES)
    return {
        "ends": {name: _rounded(np.percentile(values, ENDS)) for name, values in ends.items()},
        "bands": {
            "bolus": _band(100 * np.array(relief)),
            "reflex": _band(100 * np.array([_reflex(*one) for one in zip(bodies, steady, strict=True)])),
            "lumbar": _band(lumbar),
        },
    }


def bolus_course(body: BodyParameters) -> tuple[Floats, Floats]:
    """Lumbar and leg concentrations at `COURSE_H` after 1 µg by lumbar puncture."""
    one = solved(body)
    given = schedule(one.model, Inputs(lumbar_boluses=(LumbarBolus(0.0, 1.0, "L3"),)))
    rows = np.array([one.model.readouts[name] for name in (x.LUMBAR, x.LEG)])
    lumbar, leg = Trajectory(one.modes, given).observe(rows, COURSE_H).T
    return lumbar, leg


def _half_life(lumbar: Floats) -> float:
    span = COURSE_H <= 4.0
    return float(-log(2) / np.polyfit(COURSE_H[span], np.log(lumbar[span]), 1)[0])


def _tone(body: BodyParameters, leg: Floats) -> Floats:
    return hill(leg, body.leg_ec50_ng_per_ml, body.tone_hill)


def _reflex(body: BodyParameters, steady: dict[str, float]) -> Floats:
    half = body.hm_ec50_ng_per_ml * x.accustomed(body, REFLEX_DAYS)
    return 1.0 - hill(steady[x.LEG] * DOSES, half, body.hm_hill)


def _band(values: Floats) -> list[list[float]]:
    return [_rounded(line) for line in np.percentile(values, BAND, axis=0)]


def _rounded(values: Sequence[float] | Floats) -> list[float]:
    return [float(f"{value:.4g}") for value in values]
