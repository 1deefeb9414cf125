"""People around a base: every body parameter that differs between people, drawn log-normally.

The base is the median person. The spreads are the catalogue's, each with its source there.
"""

from dataclasses import replace
from math import exp

import numpy as np

from openitb import catalogue
from openitb.body import BodyParameters, between_subject_sds
from openitb.cohort.errors import CohortError


def sample(base: BodyParameters, size: int, seed: int) -> tuple[BodyParameters, ...]:
    """`size` people around `base`.

    Person i depends on `base`, `seed` and i alone, not on how many are drawn. Refuses a size below 1
    or above the catalogue's `forecast.most_people`, and a seed that is not a whole number of at least
    0, with `CohortError`.
    """
    _check_size(size)
    _check_seed(seed)
    return tuple(person(base, seed, index) for index in range(size))


def person(base: BodyParameters, seed: int, index: int) -> BodyParameters:
    """The person of this number. Independent draws: no correlation between parameters is published."""
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(index,))))
    spreads = between_subject_sds()
    draws = random.standard_normal(len(spreads)).tolist()
    changes = {
        name: getattr(base, name) * exp(sd * draw)
        for (name, sd), draw in zip(spreads.items(), draws, strict=True)
    }
    return replace(base, **changes)


def _check_size(size: int) -> None:
    most = int(catalogue.load().practice["forecast"].fact("most_people").number())
    if not _is_whole(size) or not 1 <= size <= most:
        raise CohortError(f"people: got {size!r}, expected a whole number from 1 to {most}")


def _check_seed(seed: int) -> None:
    if not _is_whole(seed) or seed < 0:
        raise CohortError(f"seed: got {seed!r}, expected a whole number of at least 0")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
