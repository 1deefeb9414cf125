"""People as arrays: what goes in comes out, and rows stay together."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from openitb.body import Baseline, typical_adult
from openitb.cohort import CohortError
from openitb.cohort.people import People

ADULT = typical_adult()
BODIES = [replace(ADULT, spinal_csf_ml=volume) for volume in (80.0, 95.0, 110.0)]


def test_a_body_put_in_comes_out_again() -> None:
    people = People.of(BODIES)
    assert [people.one(row) for row in range(len(people))] == BODIES


def test_what_nobody_differs_in_is_stored_once() -> None:
    people = People.of(BODIES)
    assert people["tone_hill"].strides == (0,)
    assert people.take(np.array([2, 0]))["tone_hill"].strides == (0,)
    assert people["spinal_csf_ml"].tolist() == [80.0, 95.0, 110.0]


def test_taking_rows_keeps_every_property_of_a_person_together() -> None:
    people = People.of(BODIES, Baseline(leg_ashworth=4.0, arm_ashworth=2.0, spasm_score=3.0))
    some = people.take(np.array([2, 0]))
    assert some.ids.tolist() == [2, 0]
    assert [some.one(0), some.one(1)] == [BODIES[2], BODIES[0]]
    assert some.baseline(1) == Baseline(leg_ashworth=4.0, arm_ashworth=2.0, spasm_score=3.0)


def test_people_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="read-only"):
        People.of(BODIES)["spinal_csf_ml"][0] = 1.0


def test_people_can_be_sent_to_another_process() -> None:
    people = pickle.loads(pickle.dumps(People.of(BODIES)))  # noqa: S301  # our own bytes
    assert people.one(2) == BODIES[2]


def test_no_bodies_and_bodies_in_different_slices_are_refused() -> None:
    with pytest.raises(CohortError, match=r"^bodies: got 0 "):
        People.of([])
    with pytest.raises(CohortError, match=r"^bodies: got 2 with cells \[30, 60\]"):
        People.of([ADULT, replace(ADULT, cells=30)])


def test_a_column_of_another_length_is_refused_by_name() -> None:
    with pytest.raises(CohortError, match=r"^leg_ashworth: got shape \(2,\), expected \(3,\)$"):
        replace(People.of(BODIES), leg_ashworth=np.ones(2))
