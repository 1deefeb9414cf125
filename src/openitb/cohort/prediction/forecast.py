"""The predicted course of a patient on a pump, with a band from the spread between people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from openitb import catalogue
from openitb.body.anatomy import Floats
from openitb.body.parameters import constant
from openitb.cohort.errors import CohortError
from openitb.cohort.people import sample
from openitb.cohort.prediction.bands import Band, Spread, band, band_name, highest, same_for_all
from openitb.cohort.prediction.basis import basis
from openitb.cohort.prediction.courses import Subject, courses
from openitb.cohort.prediction.history import TipHistory, Window
from openitb.units import MS_PER_DAY, MS_PER_H

SERIES = {
    "leg_ashworth": "point",
    "arm_ashworth": "point",
    "spasm_score": "point",
    "sedation": "1",
    "sedation_tolerant": "1",
    "respiratory_depression": "1",
    "withdrawal": "1",
    "lumbar_csf_ng_per_ml": "ng/mL",
}
TIP = "tip_ug_per_h"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How many people, and from which seed; the same two give the same people."""

    people: int
    seed: int


def usual_grid_h() -> float:
    """The catalogue's grid of a forecast."""
    return float(catalogue.load().practice["forecast"].fact("shown_every").number("hour"))


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """What to predict: for whom, from which delivery, on which grid (`every_h`)."""

    subject: Subject
    history: TipHistory
    sampling: Sampling
    every_h: float = field(default_factory=usual_grid_h)


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Bands by series name (`SERIES` and `tip_ug_per_h`) over `time_ms` (n,) and `time_h` (n,) from the
    window's start; what lies after `now_ms` is predicted under the proposed delivery.

    `peaks` is the spread of each person's own highest value from now on, as people do not peak together.
    `band_name` says which part of the people a band holds, `basis` what all of it rests on.
    """

    time_ms: NDArray[np.int64]
    time_h: Floats
    series: Mapping[str, Band]
    peaks: Mapping[str, Spread]
    now_ms: int
    people: int
    band_name: str
    basis: tuple[str, ...]


def forecast(request: ForecastRequest) -> Forecast:
    """Predict.

    Raises `CohortError` for no people or too many, a window or history that cannot be, and `BodyError`
    for a tip outside the canal and rates that are negative or not in µg/h.
    """
    _check(request)
    subject, history, window = request.subject, request.history, request.history.window
    times_h = _times_h(window, request.every_h)
    time_ms = window.start_ms + np.rint(times_h * MS_PER_H).astype(np.int64)
    others = sample(subject.parameters, request.sampling.people, request.sampling.seed)
    lead_h = (window.start_ms - history.tip.start_ms) / MS_PER_H
    lines = courses((subject.parameters, *others), subject, history, times_h + lead_h)
    bands = {name: band(unit, lines[name]) for name, unit in SERIES.items()}
    ahead = int(np.searchsorted(time_ms, window.now_ms))
    return Forecast(
        time_ms,
        times_h,
        MappingProxyType({**bands, TIP: _tip(history, time_ms)}),
        MappingProxyType({name: highest(lines[name][:, ahead:]) for name in SERIES}),
        window.now_ms,
        request.sampling.people,
        band_name(),
        basis(history, subject.parameters, subject.baseline.tolerance, request.sampling.people),
    )


def _tip(history: TipHistory, time_ms: NDArray[np.int64]) -> Band:
    """Drug at the tip; at the very end the rate in force up to it, which a timeline leaves out."""
    inside = np.minimum(time_ms, history.tip.end_ms - 1)
    return same_for_all("ug/h", history.tip.sample(inside.tolist()))


def _times_h(window: Window, every_h: float) -> Floats:
    """The output grid from the window's start, its end included."""
    until_h = (window.end_ms - window.start_ms) / MS_PER_H
    return np.append(np.arange(0.0, until_h - every_h / 2, every_h), until_h)


def _check(request: ForecastRequest) -> None:
    window, rules = request.history.window, catalogue.load().practice["forecast"]
    most, longest = int(rules.fact("most_people_shown").number()), rules.fact("longest").whole("day")
    if request.sampling.people > most:
        raise CohortError(f"people: got {request.sampling.people}, expected at most {most} in one forecast")
    span_ms = window.end_ms - request.history.tip.start_ms
    if span_ms > longest * MS_PER_DAY:
        raise CohortError(f"window: got {span_ms / MS_PER_DAY:g} days, expected at most {longest} days")
    finest, span_h = constant("computation", "dynamics_step", "hour"), span_ms / MS_PER_H
    if not finest <= request.every_h <= span_h:
        raise CohortError(f"grid: got {request.every_h} h, expected {finest} to {span_h:g} h")
