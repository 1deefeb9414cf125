"""People drawn around a base."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb.body import between_subject_sds, typical_adult
from openitb.body.anatomy import position_cm
from openitb.cohort import CohortError, sample

BASE = typical_adult()


def test_the_catalogues_spreads_come_back_out_of_a_sample() -> None:
    people = sample(BASE, 4000, seed=7)
    for name, sd in between_subject_sds().items():
        logs = np.log([getattr(person, name) / getattr(BASE, name) for person in people])
        assert np.std(logs) == pytest.approx(sd, rel=4 / np.sqrt(2 * 4000)), name
        assert abs(np.mean(logs)) < 4 * sd / np.sqrt(4000), name


def test_parameters_are_drawn_independently() -> None:
    people = sample(BASE, 4000, seed=7)
    logs = np.log([[getattr(person, name) for name in between_subject_sds()] for person in people])
    between = np.corrcoef(logs.T) - np.eye(logs.shape[1])
    assert np.abs(between).max() < 5 / np.sqrt(4000)


def test_what_has_no_published_spread_is_the_same_in_everybody() -> None:
    fixed = {name for name in BASE.__slots__ if name not in between_subject_sds()}
    assert {"tone_hill", "oral_availability", "cells"} <= fixed
    for person in sample(BASE, 20, seed=1):
        assert all(getattr(person, name) == getattr(BASE, name) for name in fixed)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**64), few=st.integers(1, 20), more=st.integers(0, 20))
def test_a_person_depends_on_seed_and_number_alone(seed: int, few: int, more: int) -> None:
    assert sample(BASE, few + more, seed)[:few] == sample(BASE, few, seed)


def test_another_seed_gives_other_people() -> None:
    assert not set(sample(BASE, 50, seed=1)) & set(sample(BASE, 50, seed=2))


def test_levels_move_with_the_length_of_the_canal() -> None:
    for person in sample(BASE, 10, seed=3):
        ratio = person.canal_length_cm / BASE.canal_length_cm
        assert position_cm(person, "T12") == pytest.approx(ratio * position_cm(BASE, "T12"))


@pytest.mark.parametrize("size", [0, -1, 100_001, True, 2.5])
def test_impossible_numbers_of_people_are_refused_in_one_line(size: int) -> None:
    with pytest.raises(CohortError, match=r"^people: got .*, expected a whole number from 1 to 100000$"):
        sample(BASE, size, seed=1)


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_a_seed_that_is_no_whole_number_is_refused(seed: int) -> None:
    with pytest.raises(CohortError, match=r"^seed: got .*, expected a whole number"):
        sample(BASE, 1, seed)
