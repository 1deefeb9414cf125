"""The courses of many people whose drug at the tip is known: exactly for some weeks, as days before them.

Where the tip is known exactly, drug is followed exactly. At its beginning the body is in balance with the
mean rate of the day before, and how used it is to the drug has been carried through the history in steps
of a day, each at the steady state of that day's mean dose.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from openitb.body import Baseline, BodyParameters, Inputs
from openitb.body.adaptation import step_times_h
from openitb.body.anatomy import Floats
from openitb.body.effect import Exposure, effects
from openitb.body.inputs import tip_rates
from openitb.body.parameters import constant
from openitb.cohort.engine.adaptation import Adapted, Adapting, Habits, habits, unadapted
from openitb.cohort.engine.inflow import follow_alone
from openitb.cohort.engine.responses import TIP, Place, Responses, full_basis, responses
from openitb.cohort.engine.transfer import ARM, BRAINSTEM, LEG, LUMBAR
from openitb.cohort.people import People as Crowd
from openitb.cohort.prediction.history import TipHistory
from openitb.units import HOURS_PER_DAY

People = tuple[BodyParameters, ...]

_PLACES = (LUMBAR, LEG, ARM, BRAINSTEM)
_KEPT_COHORTS = 16


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose course it is: the median body of the people to sample, scores before any treatment with the
    tolerance factor at the start of the history, and where the tip lies (a level, or cm from S2).
    """

    parameters: BodyParameters
    baseline: Baseline
    tip_at: str | float = "T12"


def courses(people: People, subject: Subject, history: TipHistory, times_h: Floats) -> dict[str, Floats]:
    """Every series of every person at `times_h` (n,), hours from the start of the tip, sorted: by name an
    array of shape (people, n).

    Effects and withdrawal by their names in the body's course, concentrations by their places. A tip in cm
    lies in the canal of the first person, in others' at the same part of it. Raises `BodyError` as the body
    does.
    """
    own_h = step_times_h(float(times_h[-1]), constant("computation", "dynamics_step", "hour"))
    found = _responses(people, subject.tip_at)
    some = habits(Crowd.of(people))
    decays = _decays(found.rates_per_h, history, np.concatenate([own_h, times_h]))
    at = {place: found.of(TIP, place) @ decays.T for place in _PLACES}
    start = carried(some, found.steady(LEG), history, subject.baseline.tolerance)
    used = _adapted(some, start, own_h, at[LEG][:, : len(own_h)])
    places = {place: values[:, len(own_h) :] for place, values in at.items()}
    each = [
        _shown(person, subject.baseline, {name: line[who] for name, line in places.items()}, own)
        for who, (person, own) in enumerate(zip(people, _on(times_h, own_h, used), strict=True))
    ]
    return {name: np.array([shown[name] for shown in each]) for name in each[0]}


def forget() -> None:
    """Forget the responses of earlier people, as a new process would."""
    _responses.cache_clear()


def carried(some: Habits, steady: Floats, history: TipHistory, tolerance: float) -> Adapted:
    """How used people are to the drug where the tip begins, after the days before it.

    `steady` (people,) is the leg effect site's concentration at 1 µg/h. A tolerance above 1 says that
    somebody was treated before the history, and is used to its first day. Against the full simulation of
    300 days (steps of dose in a 3:1 day and night program, a stop of 5 and of 50 days, a lasting cut; 13
    people, both dispersions) leg Ashworth differs by less than 0.05 points, withdrawal by less than
    0.015, sedation by less than 0.003, the tolerance factor by less than 0.15, and 0.35 after a stop. Of 60
    people after a lasting cut one in ten differs by more: up to 0.16 points and 0.22 of the factor.
    """
    rates = [dose / HOURS_PER_DAY for dose in history.daily_dose_ug]
    first = rates[0] if rates else float(history.tip.values[0])
    body = unadapted(some, tolerance, steady * first if tolerance > 1.0 else None)
    days = Adapting(some, float(HOURS_PER_DAY))
    for rate in rates:
        level = some.scaled(steady * rate)
        body = days.step(body, level, level)
    return body


def _adapted(some: Habits, start: Adapted, times_h: Floats, leg_ng_per_ml: Floats) -> Floats:
    """Tolerance and withdrawal at evenly spaced times, shape (people, 2, n)."""
    scaled = some.scaled(leg_ng_per_ml.T)
    steps = Adapting(some, float(times_h[1] - times_h[0]))
    course = [start]
    for now, then in pairwise(scaled):
        course.append(steps.step(course[-1], now, then))
    return np.array([(body.tolerance, body.withdrawal) for body in course]).transpose(2, 1, 0)


def _shown(
    person: BodyParameters, baseline: Baseline, places: dict[str, Floats], used: list[Floats]
) -> dict[str, Floats]:
    """What one person shows, from concentrations by place (n,), tolerance and withdrawal."""
    exposure = Exposure(places[LEG], places[ARM], places[BRAINSTEM], *used)
    return {
        **effects(person, baseline, exposure),
        **places,
        "tolerance": used[0],
        "withdrawal": used[1],
    }


def _on(times_h: Floats, own_h: Floats, used: Floats) -> list[list[Floats]]:
    """Of each person tolerance and withdrawal at the times asked for."""
    return [[np.interp(times_h, own_h, line) for line in own] for own in used]


@lru_cache(maxsize=_KEPT_COHORTS)
def _responses(people: People, tip_at: Place) -> Responses:
    return responses(Crowd.of(people), tip_at, full_basis())


def _decays(rates_per_h: Floats, history: TipHistory, times_h: Floats) -> Floats:
    """Of everybody at these times (n, rates), in balance with the day before at the start of the tip."""
    steps = tip_rates(Inputs(tip=history.tip, start_ms=history.tip.start_ms))
    balanced = np.full(len(rates_per_h), history.rate_before_ug_per_h)
    return follow_alone(rates_per_h, balanced, steps, times_h)
