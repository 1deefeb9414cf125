"""People around a base: every body parameter that differs between people, drawn log-normally.

The base is the median person. The spreads are the catalogue's, each with its source there. Draws are
independent: no correlation between parameters is published.
"""

from collections.abc import Mapping

import numpy as np

from openitb import catalogue
from openitb.body import Baseline, BodyParameters, between_subject_sds
from openitb.body.anatomy import Floats
from openitb.cohort.errors import CohortError
from openitb.cohort.people.arrays import PARAMETERS, UNSTATED, People, same
from openitb.cohort.people.draws import Ids, check_seed, is_whole, normal

NORMAL_TONE = Baseline(leg_ashworth=1.0, arm_ashworth=1.0, spasm_score=0.0)


def sample(base: BodyParameters, size: int, seed: int) -> tuple[BodyParameters, ...]:
    """`size` people around `base`.

    Person i depends on `base`, `seed` and i alone, not on how many are drawn. Refuses a size below 1
    or above the catalogue's `forecast.most_people`, and a seed that is not a whole number of at least
    0, with `CohortError`.
    """
    check_size(size, int(catalogue.load().practice["forecast"].fact("most_people").number()))
    check_seed(seed)
    people = around(base, np.arange(size), seed)
    return tuple(people.one(row) for row in range(size))


def around(base: BodyParameters, ids: Ids, seed: int) -> People:
    """The people of these numbers around `base`, in order; tone normal, cause and size not stated."""
    count = len(ids)
    return People(
        ids=ids.copy(),
        parameters=spread({name: getattr(base, name) for name in PARAMETERS}, ids, seed),
        cells=base.cells,
        leg_ashworth=same(NORMAL_TONE.leg_ashworth, count),
        arm_ashworth=same(NORMAL_TONE.arm_ashworth, count),
        spasm_score=same(NORMAL_TONE.spasm_score, count),
        tolerance=same(NORMAL_TONE.tolerance, count),
        cause=np.full(count, UNSTATED, np.int8),
        age_years=same(np.nan, count),
        weight_kg=same(np.nan, count),
    )


def spread(
    medians: Mapping[str, float | Floats],
    ids: Ids,
    seed: int,
    sds: Mapping[str, float | Floats] | None = None,
) -> dict[str, Floats]:
    """Each parameter about its median, which may differ from person to person.

    `sds` are log-normal and take the place of the catalogue's for the parameters they name.
    """
    widths: dict[str, float | Floats] = {**between_subject_sds(), **(sds or {})}
    drawn = {name: np.exp(width * normal(seed, name, ids)) for name, width in widths.items()}
    return {
        name: median * drawn[name] if name in drawn else _column(median, len(ids))
        for name, median in medians.items()
    }


def check_size(size: int, most: int) -> None:
    """Refuse a number of people that is no whole number from 1 to `most` with `CohortError`."""
    if not is_whole(size) or not 1 <= size <= most:
        raise CohortError(f"people: got {size!r}, expected a whole number from 1 to {most}")


def _column(value: float | Floats, count: int) -> Floats:
    return value if isinstance(value, np.ndarray) else same(value, count)
