"""What was seen, and how likely it is: levels of ordinal scales, answers of yes or no, volumes drawn out.

Every score is one number that the model predicts, seen with noise as a level between two cuts; a yes or no
is a scale of two levels. A small part of everything is written down wrongly.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import log, sqrt

import numpy as np
from scipy.special import ndtr

from openitb.body.anatomy import Floats
from openitb.body.parameters import constant
from openitb.cohort.people.rating import level_cuts, noise
from openitb.twin.flow import usual_assumptions
from openitb.twin.priors import rule
from openitb.twin.record import ClinicRecord, Ordered, Refilled, Reported, Scored
from openitb.units import MS_PER_H

SERIES = {"leg": "leg_ashworth", "arm": "arm_ashworth", "spasm": "spasm_score"}
DROWSY, WITHDRAWAL = "sedation_tolerant", "withdrawal"
_PERCENT = 100.0
_WIDEST = 1e3


@dataclass(frozen=True, slots=True)
class Seen:
    """One level seen: at which hour of the record, of which series, between which cuts of the model's own
    scale, with which SD; `rater` is an index or -1, `varies` says that the patient's own variation counts.
    """

    at_h: float
    at_ms: int
    series: str
    low: float
    high: float
    cuts: tuple[float, ...]
    sd: float
    rater: int
    varies: bool
    misread: float

    @property
    def given(self) -> int:
        """Which level of the scale it is, counted from the lowest."""
        return bisect_right(self.cuts, self.low)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One volume drawn out: missing fluid after `counted_nl` since hour `from_h`, at `at_h`, in nL; no more
    can be missing than `most_nl`.
    """

    from_h: float
    at_h: float
    at_ms: int
    missing_nl: float
    most_nl: float


def raters(record: ClinicRecord) -> tuple[str, ...]:
    """Who rated tone, in order of name."""
    return tuple(
        sorted({scored.rater for scored in record.of(Scored) if {"leg", "arm"} & set(scored.levels)})
    )


def seen(record: ClinicRecord) -> tuple[Seen, ...]:
    """Every score and every answer of a record."""
    return tuple(each for entry in record.entries for each in _seen(record, entry))


def drawn(record: ClinicRecord) -> tuple[Drawn, ...]:
    """Every volume drawn out after some delivery."""
    begun = record.first(Ordered)
    last_ms, found = None if begun is None else begun.at_ms, list[Drawn]()
    for refill in record.of(Refilled):
        if last_ms is not None and refill.expected_nl is not None and refill.aspirated_nl is not None:
            floor = record.system.pump.residual_volume_nl
            found.append(
                Drawn(
                    (last_ms - record.start_ms) / MS_PER_H,
                    (refill.at_ms - record.start_ms) / MS_PER_H,
                    refill.at_ms,
                    refill.expected_nl - refill.aspirated_nl,
                    max(refill.expected_nl - floor, 0),
                )
            )
        last_ms = refill.at_ms
    return tuple(found)


def middle_of(cuts: Sequence[float]) -> Floats:
    """What each level of a scale stands for on the model's own."""
    inner = [(one + other) / 2 for one, other in pairwise(cuts)]
    step = cuts[1] - cuts[0] if len(cuts) > 1 else 1.0
    return np.array([cuts[0] - step / 2, *inner, cuts[-1] + step / 2])


def log_levels(seen_: Sequence[Seen], predicted: Floats, sd: Floats) -> Floats:
    """Log probability of every level seen, (rows, n), from the predicted numbers and SDs (rows, n)."""
    low, high = (np.array([getattr(each, end) for each in seen_]) for end in ("low", "high"))
    misread = np.array([each.misread for each in seen_])
    count = np.array([len(each.cuts) + 1 for each in seen_])
    given = ndtr((high - predicted) / sd) - ndtr((low - predicted) / sd)
    return np.asarray(np.log((1 - misread) * given + misread / count))


def level_chances(each: Seen, predicted: Floats, sd: Floats) -> Floats:
    """Probability of every level of one scale, (rows, levels)."""
    edges = np.array([-_WIDEST, *each.cuts, _WIDEST])
    below = ndtr((edges - predicted[:, None]) / sd[:, None])
    chance = np.diff(below, axis=1)
    return np.asarray((1 - each.misread) * chance + each.misread / chance.shape[1])


def log_volumes(drawn_: Sequence[Drawn], predicted_nl: Floats, wider: float = 1.0) -> Floats:
    """Log probability density of every volume, (rows, n).

    Looked at with `wider` noise none is a slip, so that a search finds its way to volumes far off.
    """
    missing = np.array([each.missing_nl for each in drawn_])
    sd = wider * reading_sd_nl()
    if wider > 1.0:
        return np.asarray(-0.5 * ((missing - predicted_nl) / sd) ** 2 - log(sd * sqrt(2 * np.pi)))
    misread = rule("misread", "percent") / _PERCENT
    exact = np.exp(-0.5 * ((missing - predicted_nl) / sd) ** 2) / (sd * sqrt(2 * np.pi))
    return np.asarray(np.log((1 - misread) * exact + misread / rule("volume_span", "nL")))


@lru_cache
def reading_sd_nl() -> float:
    """SD of a difference of volumes by the two syringes it rests on."""
    return usual_assumptions().reading_sd_nl


@dataclass(frozen=True, slots=True)
class _Scale:
    """Between which cuts of the model's number levels are given, and with what noise."""

    cuts: tuple[float, ...]
    sd: float
    misread: float
    varies: bool = False


def _seen(record: ClinicRecord, entry: object) -> Iterator[Seen]:
    if isinstance(entry, Scored):
        rater = raters(record).index(entry.rater) if entry.rater in raters(record) else -1
        for what, (scale, ordinal) in entry.levels.items():
            by, who = _rated(scale, is_tone=what != "spasm"), rater if what != "spasm" else -1
            yield _one(record, entry.at_ms, SERIES[what], ordinal, by, who)
    elif isinstance(entry, Reported):
        if entry.drowsy is not None:
            yield _one(record, entry.at_ms, DROWSY, int(entry.drowsy), _asked("drowsy"))
        if entry.withdrawal is not None:
            yield _one(record, entry.at_ms, WITHDRAWAL, int(entry.withdrawal), _asked("withdrawal"))


def _rated(scale: str, *, is_tone: bool) -> _Scale:
    normal = constant("computation", "ashworth_normal") if is_tone else 0.0
    sd = sqrt(noise(scale) ** 2 + rule("model_error", "point") ** 2)
    cuts = tuple((normal + level_cuts(scale)).tolist())
    return _Scale(cuts, sd, rule("misread", "percent") / _PERCENT, is_tone)


def _asked(name: str) -> _Scale:
    """A question: an answer given anyhow is right half of the time, so wrong ones are twice as many."""
    anyhow = 2 * rule("false_report", "percent") / _PERCENT
    return _Scale((rule(f"{name}_at"),), rule(f"{name}_width"), anyhow)


def _one(record: ClinicRecord, at_ms: int, series: str, ordinal: int, scale: _Scale, rater: int = -1) -> Seen:
    edges = (-_WIDEST, *scale.cuts, _WIDEST)
    return Seen(
        at_h=(at_ms - record.start_ms) / MS_PER_H,
        at_ms=at_ms,
        series=series,
        low=edges[ordinal],
        high=edges[ordinal + 1],
        cuts=scale.cuts,
        sd=scale.sd,
        rater=rater,
        varies=scale.varies,
        misread=scale.misread,
    )
