"""Chance by name: every number a person meets depends on seed, person, purpose and occasion alone.

Each purpose has a stream of its own, so a new purpose changes no number of an old one, and nobody's
numbers depend on who else is drawn, or in which order. Streams are counter-based (Philox): person i
has word i of the stream, which is reached without the words before it.
"""

from collections.abc import Iterator
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from openitb.body.anatomy import Floats, Ints
from openitb.cohort.errors import CohortError

Ids = NDArray[np.int64]

_CHUNK = 4096  # a lone person costs as much as this many; far below a millisecond
_WORDS = 4  # a Philox counter gives four
_UNIT = 2.0**-53


def uniform(seed: int, purpose: str, ids: Ids, occasion: int = 0) -> Floats:
    """A number strictly between 0 and 1 for each person, shape of `ids`.

    Refuses a seed that is not a whole number of at least 0, and ids below 0, with `CohortError`.
    """
    if len(ids) and ids.min() < 0:
        raise CohortError(f"id: got {ids.min()}, expected at least 0")
    key = _key(seed, purpose)
    if _in_a_row(ids):
        return _run(key, int(ids[0]), len(ids), occasion)
    found = np.empty(len(ids))
    for first, rows in _chunks(ids):
        found[rows] = _run(key, first, _CHUNK, occasion)[ids[rows] - first]
    return found


def normal(seed: int, purpose: str, ids: Ids, occasion: int = 0) -> Floats:
    """A standard normal number for each person, as `uniform` otherwise."""
    return np.asarray(ndtri(uniform(seed, purpose, ids, occasion)), dtype=np.float64)


def exponential(seed: int, purpose: str, ids: Ids, occasion: int = 0) -> Floats:
    """An exponential number of mean 1 for each person, as `uniform` otherwise."""
    return -np.log(uniform(seed, purpose, ids, occasion))


def check_seed(seed: int) -> None:
    """Refuse a seed that is no whole number of at least 0 with `CohortError`."""
    if not is_whole(seed) or seed < 0:
        raise CohortError(f"seed: got {seed!r}, expected a whole number of at least 0")


def is_whole(value: object) -> bool:
    """True for a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _key(seed: int, purpose: str) -> NDArray[np.uint64]:
    check_seed(seed)
    sequence = np.random.SeedSequence(seed, spawn_key=(crc32(purpose.encode()),))
    return sequence.generate_state(2, np.uint64).astype(np.uint64)


def _in_a_row(ids: Ids) -> bool:
    return len(ids) > 0 and bool((np.diff(ids) == 1).all())


def _chunks(ids: Ids) -> Iterator[tuple[int, Ints]]:
    """The first number of each chunk that holds some of these, and the rows of those."""
    chunks, which = np.unique(ids // _CHUNK, return_inverse=True)
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(np.bincount(which, minlength=len(chunks)))
    return zip((chunks * _CHUNK).tolist(), np.split(order, ends[:-1]), strict=True)


def _run(key: NDArray[np.uint64], first: int, count: int, occasion: int) -> Floats:
    """The numbers of people in a row: the 53 high bits of a word, and half a step up from 0."""
    skipped = first % _WORDS
    stream = np.random.Philox(key=key, counter=[first // _WORDS, occasion, 0, 0])
    words = stream.random_raw(skipped + count)[skipped:]
    return ((words >> np.uint64(11)).astype(np.float64) + 0.5) * _UNIT
