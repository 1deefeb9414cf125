"""The table of priorities, cell by cell as it was agreed; and the two tones that follow from it."""

import pytest

from openitb.implant import signal_of
from openitb.implant.firmware.priorities import CRITICAL, EDITION, MATRIX, TABLE, Harm, Onset, priority_of
from openitb.protocol import AlarmCondition

AGREED = {
    "low reservoir": "medium",
    "empty reservoir": "high",
    "stopped long": "medium",
    "stopped too long": "high",
    "elective replacement": "medium",
    "end of service": "high",
    "delivery guard": "high",
    "motor stall": "high",
    "settings lost": "high",
    "clock lost": "medium",
    "over-delivery": "high",
    "under-delivery": "high",
    "control hung": "high",
    "level doubtful": "medium",
    "emergency reduction": "medium",
    "withdrawal clock": "high",
}


@pytest.mark.requirement("ALM-01")
def test_each_condition_has_the_priority_that_was_agreed_in_this_edition() -> None:
    assert EDITION == 1
    assert {condition.value: priority_of(condition).value for condition in AlarmCondition} == AGREED


@pytest.mark.requirement("ALM-01")
def test_the_matrix_is_the_standards_and_never_falls_with_harm_or_haste() -> None:
    rows = [[MATRIX[harm, onset].value for onset in Onset] for harm in Harm]
    assert rows == [["high", "high", "medium"], ["high", "medium", "low"], ["medium", "low", "low"]]


@pytest.mark.requirement("ALM-01")
def test_whatever_can_kill_before_a_visit_by_chance_is_critical() -> None:
    deadly = {condition for condition, (harm, onset) in TABLE.items() if harm is Harm.DEATH}
    assert deadly - CRITICAL == {c for c in deadly if TABLE[c][1] is Onset.DELAYED}


@pytest.mark.requirement("ALM-01", "ALM-03")
@pytest.mark.parametrize("condition", AlarmCondition)
def test_the_tone_follows_the_priority(condition: AlarmCondition) -> None:
    assert signal_of((condition,)).tones == (2 if AGREED[condition.value] == "high" else 1)
