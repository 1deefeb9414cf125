"""People by cause of their spasticity: who they are before treatment, and the body they have."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root
from scipy.special import ndtr, ndtri
from scipy.stats import truncnorm

from openitb import catalogue
from openitb.body import Dispersion, typical_adult
from openitb.body.anatomy import Floats
from openitb.catalogue import Entry
from openitb.cohort.errors import CohortError
from openitb.cohort.people.around import spread
from openitb.cohort.people.arrays import CAUSES, PARAMETERS, UNSTATED, People, same
from openitb.cohort.people.draws import Ids, check_seed, normal, uniform
from openitb.cohort.people.size import child_medians, child_sds, weight_kg

STATED = CAUSES[1:]
CHILD = "paediatric"
TONE_EC50 = ("leg_ec50_ng_per_ml", "arm_ec50_ng_per_ml", "spasm_ec50_ng_per_ml", "hm_ec50_ng_per_ml")
_SCORES = ("leg_ashworth", "arm_ashworth", "spasm_score")


def usual_shares() -> dict[str, float]:
    """The catalogue's mix of causes."""
    return {cause: cause_number(cause, "share") for cause in STATED}


@dataclass(frozen=True, slots=True)
class Population:
    """What a cohort is drawn from: the share of each cause, and the dispersion preset of their spines.

    Shares are weights; what is left out does not occur. Refuses with `CohortError` an unknown cause and
    shares that are negative or all zero.
    """

    shares: Mapping[str, float] = field(default_factory=usual_shares)
    dispersion: Dispersion = "well_mixed"

    def __post_init__(self) -> None:
        for cause, share in self.shares.items():
            if cause not in STATED:
                raise CohortError(f"causes: got {cause!r}, expected one of {', '.join(STATED)}")
            if not 0 <= share < np.inf:
                raise CohortError(f"causes.{cause}: got {share}, expected a share of at least 0")
        if not sum(self.shares.values()) > 0:
            raise CohortError(f"causes: got shares {dict(self.shares)}, expected one above 0")


def draw(population: Population, ids: Ids, seed: int) -> People:
    """The people of these numbers, in order.

    A person depends on population, seed and number alone. Refuses a seed that is not a whole number of
    at least 0, and numbers below 0, with `CohortError`.
    """
    check_seed(seed)
    cause = _causes(population, ids, seed)
    scores = {name: _by_cause(cause, name, ids, seed) for name in _SCORES}
    age = _by_cause(cause, "age", ids, seed)
    weight = _weights(cause, age, ids, seed)
    return People(
        ids=ids.copy(),
        parameters=_bodies(population, cause, (age, weight), (ids, seed)),
        cells=typical_adult(population.dispersion).cells,
        **scores,
        tolerance=same(1.0, len(ids)),
        cause=cause,
        age_years=age,
        weight_kg=weight,
    )


def cause_number(cause: str, name: str, unit: str | None = None) -> float:
    """A number of the catalogue about people of a cause."""
    return float(cause_entry(cause).fact(name).number(unit))


def cause_entry(cause: str) -> Entry:
    """The catalogue's table of a cause."""
    return catalogue.load().practice[f"cause-{cause.replace(' ', '-')}"]


def score_range(cause: str, name: str) -> tuple[float, float]:
    """Between which values a score before treatment, or the age, of people of a cause lies."""
    entry = cause_entry(cause) if name == "age" else catalogue.load().practice["scores-before"]
    return float(entry.fact(f"{name}_low").number()), float(entry.fact(f"{name}_high").number())


def per_person(cause: NDArray[np.int8], name: str, unstated: float = np.nan) -> Floats:
    """A number of each person's cause, shape of `cause`; `unstated` where no cause is stated."""
    return np.array([unstated, *(cause_number(each, name) for each in STATED)])[cause]


def _causes(population: Population, ids: Ids, seed: int) -> NDArray[np.int8]:
    shares = np.array([population.shares.get(cause, 0.0) for cause in STATED])
    edges = np.cumsum(shares / shares.sum())[:-1]
    among = np.searchsorted(edges, uniform(seed, "cause", ids), side="right")
    return (among + UNSTATED + 1).astype(np.int8)


def _by_cause(cause: NDArray[np.int8], name: str, ids: Ids, seed: int) -> Floats:
    chance, values = uniform(seed, name, ids), np.empty(len(ids))
    for code in np.unique(cause).tolist():
        rows = cause == code
        values[rows] = _cut_normal(CAUSES[code], name, chance[rows])
    return values


def _cut_normal(cause: str, name: str, chance: Floats) -> Floats:
    """Quantiles of a normal distribution cut to its range, whose mean and SD are the catalogue's."""
    mean, sd = cause_number(cause, name), cause_number(cause, f"{name}_sd")
    low, high = score_range(cause, name)
    centre, width = cut_normal(mean, sd, low, high)
    below, above = ndtr((low - centre) / width), ndtr((high - centre) / width)
    values = centre + width * ndtri(below + chance * (above - below))
    return np.asarray(np.clip(values, low, high), dtype=np.float64)


@lru_cache(maxsize=64)
def cut_normal(mean: float, sd: float, low: float, high: float) -> tuple[float, float]:
    """Centre and width of the normal distribution that has this mean and SD once cut to the range.

    Refuses a mean and SD that no such distribution has with `CohortError`.
    """

    def off(guess: Floats) -> Floats:
        centre, width = float(guess[0]), float(np.exp(guess[1]))
        cut = truncnorm((low - centre) / width, (high - centre) / width, centre, width)
        return np.array([cut.mean() - mean, cut.std() - sd])

    found = root(off, np.array([mean, np.log(sd)]))
    if not found.success or np.abs(found.fun).max() > 1e-6 * (high - low):
        raise CohortError(f"got mean {mean} and SD {sd} between {low} and {high}, expected a smaller SD")
    return float(found.x[0]), float(np.exp(found.x[1]))


def _weights(cause: NDArray[np.int8], age: Floats, ids: Ids, seed: int) -> Floats:
    chance = normal(seed, "weight", ids)
    weights = weight_kg(age, chance)
    for code in np.unique(cause).tolist():
        if CAUSES[code] != CHILD:
            fact = cause_entry(CAUSES[code]).fact("weight")
            rows = cause == code
            weights[rows] = float(fact.number("kg")) * np.exp(
                float(fact.between_subject_sd or 0) * chance[rows]
            )
    return weights


def _bodies(
    population: Population, cause: NDArray[np.int8], size: tuple[Floats, Floats], whom: tuple[Ids, int]
) -> dict[str, Floats]:
    adult = typical_adult(population.dispersion)
    medians: dict[str, float | Floats] = {name: getattr(adult, name) for name in PARAMETERS}
    need = per_person(cause, "ec50_factor")
    medians |= {name: getattr(adult, name) * need for name in TONE_EC50}
    child = cause == CAUSES.index(CHILD)
    if not child.any():
        return spread(medians, *whom)
    return spread({**medians, **child_medians(adult, child, *size)}, *whom, sds=child_sds(child))
