"""What a study says: each outcome of each arm with its interval, and how arms differ in the same people.

Intervals: Wilson's for a share, Student's for a mean, order statistics for a median. Arms share people and
luck, so a difference is that of each person between two arms.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtri, stdtrit
from scipy.stats import binom

from openitb.body.anatomy import Floats
from openitb.cohort.study.design import PERCENT, Outcome, Study, number


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and the interval that holds it; NaN where nobody has a value."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ArmAnswer:
    """One outcome in one arm, over the `counted` people who have a value.

    `difference` is against the first arm, of people who have a value in both; None for the first arm.
    """

    arm: str
    counted: int
    estimate: Estimate
    difference: Estimate | None


@dataclass(frozen=True, slots=True)
class OutcomeAnswer:
    """One outcome in every arm."""

    outcome: Outcome
    arms: tuple[ArmAnswer, ...]


def answers(study: Study, people: pl.DataFrame) -> tuple[OutcomeAnswer, ...]:
    """Every outcome, in the order of the study; `people` is what `run` gives."""
    return tuple(_outcome(study, outcome, people) for outcome in study.outcomes)


def to_json(found: tuple[OutcomeAnswer, ...]) -> list[dict[str, Any]]:
    """As plain data; what is not a number becomes None."""
    return [{**asdict(each.outcome), "arms": [_plain(asdict(arm)) for arm in each.arms]} for each in found]


def column(people: pl.DataFrame, arm: int, name: str) -> Floats:
    """A number of each person of an arm, NaN where there is none."""
    return people.filter(pl.col("arm") == arm)[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _outcome(study: Study, outcome: Outcome, people: pl.DataFrame) -> OutcomeAnswer:
    estimate = _ESTIMATES[outcome.show]
    values = [_values(outcome, column(people, arm, outcome.column)) for arm in range(len(study.arms))]
    arms = []
    for arm, mine in zip(study.arms, values, strict=True):
        difference = None
        if mine is not values[0]:
            apart = mine - values[0]
            difference = (_mean if outcome.show == "share" else estimate)(apart[~np.isnan(apart)])
        known = mine[~np.isnan(mine)]
        arms.append(ArmAnswer(arm.name, len(known), estimate(known), difference))
    return OutcomeAnswer(outcome, tuple(arms))


def _values(outcome: Outcome, values: Floats) -> Floats:
    """For a share: 1 for each person in whom the number is above 0; somebody without one is not."""
    if outcome.show != "share":
        return values
    return np.asarray(np.nan_to_num(values, nan=0.0) > 0, dtype=np.float64)


def _mean(values: Floats) -> Estimate:
    if not len(values):
        return _NOTHING
    mean, count = float(values.mean()), len(values)
    if count == 1:
        return Estimate(mean, mean, mean)
    half = float(stdtrit(count - 1, 1 - _tail())) * float(values.std(ddof=1)) / sqrt(count)
    return Estimate(mean, mean - half, mean + half)


def _share(values: Floats) -> Estimate:
    if not len(values):
        return _NOTHING
    count, part, z = len(values), float(values.mean()), float(ndtri(1 - _tail()))
    middle = (part + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * sqrt(part * (1 - part) / count + z**2 / (4 * count**2))
    return Estimate(part, max(middle - half, 0.0), min(middle + half, 1.0))


def _median(values: Floats) -> Estimate:
    if not len(values):
        return _NOTHING
    ordered = np.sort(values)
    below = int(binom.ppf(_tail(), len(ordered), 0.5))
    low = max(below - 1, 0)
    return Estimate(float(np.median(ordered)), float(ordered[low]), float(ordered[-1 - low]))


def _tail() -> float:
    return (1 - number("study", "interval", "percent") / PERCENT) / 2


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value


_NOTHING = Estimate(float("nan"), float("nan"), float("nan"))
_ESTIMATES: dict[str, Callable[[Floats], Estimate]] = {"mean": _mean, "median": _median, "share": _share}
