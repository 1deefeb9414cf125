"""Chance by name."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from openitb.cohort import CohortError
from openitb.cohort.people.draws import exponential, normal, uniform

MANY = np.arange(100_000)


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**70),
    first=st.integers(0, 2**40),
    numbers=st.lists(st.integers(0, 20_000), min_size=1, max_size=8),
)
def test_a_number_depends_on_seed_purpose_and_person_alone(seed: int, first: int, numbers: list[int]) -> None:
    ids = first + np.array(numbers)
    together = uniform(seed, "a", ids)
    alone = [uniform(seed, "a", np.array([one]))[0] for one in ids]
    among = uniform(seed, "a", np.arange(first, first + 20_001))[numbers]
    assert together.tolist() == alone == among.tolist()


def test_purposes_occasions_and_seeds_have_numbers_of_their_own() -> None:
    one = uniform(1, "a", MANY)
    for other in (uniform(1, "b", MANY), uniform(1, "a", MANY, 1), uniform(2, "a", MANY)):
        assert not (one == other).any()
        assert abs(np.corrcoef(one, other)[0, 1]) < 5 / np.sqrt(len(MANY))


def test_neighbours_are_not_alike() -> None:
    drawn = normal(3, "a", MANY)
    for apart in (1, 2, 3, 4, 8):
        assert abs(np.corrcoef(drawn[:-apart], drawn[apart:])[0, 1]) < 5 / np.sqrt(len(MANY))


def test_numbers_have_the_distribution_they_are_named_for() -> None:
    for drawn, law in ((uniform, "uniform"), (normal, "norm"), (exponential, "expon")):
        assert kstest(drawn(4, "a", MANY), law).pvalue > 1e-4, law


def test_nobody_gets_zero_or_one_or_no_finite_number() -> None:
    drawn = uniform(5, "a", MANY)
    assert drawn.min() > 0
    assert drawn.max() < 1
    assert np.isfinite(normal(5, "a", MANY)).all()


def test_ids_below_zero_are_refused() -> None:
    with pytest.raises(CohortError, match=r"^id: got -1, expected at least 0$"):
        uniform(1, "a", np.array([3, -1]))
