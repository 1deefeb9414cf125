"""Scores as a clinic sees them: levels of an ordinal scale, given by a rater, on visits people come to.

What is rated is the model's tone or spasm score, a number. A rater stands a little above or below
others, reads differently on another day, and must choose a level. 1+ is a level of its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openitb import catalogue
from openitb.body.anatomy import Floats
from openitb.body.parameters import constant
from openitb.cohort.errors import CohortError
from openitb.cohort.people.draws import Ids, normal, uniform

MISSED = -1
Ordinals = NDArray[np.int8]

_TONE = ("ashworth", "modified-ashworth")
_SPASM = "penn-frequency"
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Rating:
    """What is rated (`leg`, `arm`, `spasm`: names the chance), on which scale of the catalogue, and
    whether visits are missed. Refuses a scale that cannot be rated from a score with `CohortError`.
    """

    what: str
    scale: str
    misses: bool = True

    def __post_init__(self) -> None:
        if self.scale not in (*_TONE, _SPASM):
            raise CohortError(f"scale: got {self.scale!r}, expected one of {', '.join((*_TONE, _SPASM))}")


def rate(
    rating: Rating, score: Floats, ids: Ids, seed: int, visit: int = 0, rater: Ids | None = None
) -> Ordinals:
    """The ordinal of the level each person is given at a visit, shape (n,); `MISSED` for who did not come.

    `score` (n,) is the model's, tone on the published 1 to 5 form. `rater` (n,) are numbers of raters;
    without, each person has one of their own, who stays. People rate their own spasms.
    """
    felt = _felt(rating, score, ids, seed, visit) + _stance(rating, ids if rater is None else rater, seed)
    given = np.searchsorted(level_cuts(rating.scale), felt, side="right").astype(np.int8)
    return np.where(missed(ids, seed, visit) & rating.misses, np.int8(MISSED), given).astype(np.int8)


def level_cuts(scale: str) -> Floats:
    """Points above normal from which on each level of a scale but the lowest is given."""
    levels = catalogue.load().scales[scale].levels
    if scale == "modified-ashworth":
        names = [f"modified_{level.code.replace('+', '_plus')}" for level in levels[1:]]
        return np.array([_number(name) for name in names])
    return np.array([level.ordinal - 0.5 for level in levels[1:]])


def noise(scale: str) -> float:
    """SD of a score from one occasion to another, points."""
    return _number("occasion_sd" if scale in _TONE else "penn_sd")


def rater_sd() -> float:
    """SD of how far one rater of tone stands above another, points."""
    return _number("rater_sd")


def missed(ids: Ids, seed: int, visit: int) -> NDArray[np.bool_]:
    """Who does not come to a visit; the same for everything rated there, and at random."""
    share = _number("missed_visit") / _PERCENT
    return np.asarray(uniform(seed, "missed visit", ids, visit) < share)


def codes(scale: str, ordinals: Ordinals) -> tuple[str | None, ...]:
    """What stands in the record, such as `1+`; None for a missed visit."""
    written = {level.ordinal: level.code for level in catalogue.load().scales[scale].levels}
    return tuple(written.get(ordinal) for ordinal in ordinals.tolist())


def _felt(rating: Rating, score: Floats, ids: Ids, seed: int, visit: int) -> Floats:
    """Points above normal as they appear on this occasion."""
    tone = rating.scale in _TONE
    above = score - (constant("computation", "ashworth_normal") if tone else 0.0)
    return np.asarray(
        above + noise(rating.scale) * normal(seed, f"occasion {rating.what}", ids, visit), dtype=np.float64
    )


def _stance(rating: Rating, rater: Ids, seed: int) -> Floats | float:
    return rater_sd() * normal(seed, "rater", rater) if rating.scale in _TONE else 0.0


def _number(name: str) -> float:
    return float(catalogue.load().practice["rating"].fact(name).number())
