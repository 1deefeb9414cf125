"""Observations after a screening bolus: the grid, the limits of vital signs, who may go."""

from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.guidance.trial_watch import VITAL_LEVELS, Vitals, discharge, judge_vitals, watch
from openitb.prescription.answers import CalculationError, practice

H, MIN = units.MS_PER_H, units.MS_PER_MIN
F = Fraction
WELL = Vitals(F(14), F(98), F(72), F(120), F(367, 10), F(0))
ASKED = frozenset(practice("discharge").facts)


def states(now_min: float, vitals: tuple[float, ...] = (), scores: tuple[float, ...] = ()) -> dict[Any, str]:
    answer = watch(0, round(now_min * MIN), _ms(vitals), _ms(scores))
    return {(due.kind, due.due_ms // MIN): due.state for due in answer.observations}


def _ms(minutes: tuple[float, ...]) -> tuple[int, ...]:
    return tuple(round(each * MIN) for each in minutes)


def test_vital_signs_are_close_for_two_hours_then_hourly_to_eight() -> None:
    due = [minute for kind, minute in states(0) if kind == "vitals"]
    assert due == [0, 15, 30, 45, 60, 75, 90, 105, 120, 180, 240, 300, 360, 420, 480]


def test_scores_are_taken_before_and_five_times_after() -> None:
    assert [minute for kind, minute in states(0) if kind == "scores"] == [0, 60, 120, 240, 360, 480]


@pytest.mark.parametrize(
    ("now", "done", "state"),
    [
        (9.9, (), "later"),
        (10, (), "due"),
        (20, (), "due"),
        (20.1, (), "late"),
        (24.9, (), "late"),
        (25, (), "missed"),
        (25, (10,), "done"),
        (25, (24.9,), "done"),
        (25, (9.9,), "missed"),  # that one was the first check, early
        (25, (25,), "missed"),
    ],
)
def test_a_check_is_due_late_and_missed_at_its_times(now: float, done: tuple[float, ...], state: str) -> None:
    assert states(now, vitals=done)["vitals", 15] == state


def test_scores_taken_an_hour_before_are_the_baseline() -> None:
    assert states(5, scores=(-60,))["scores", 0] == "done"


def test_the_next_thing_to_do_is_named_until_all_is_done() -> None:
    assert watch(0, 0, (0,), (0,)).next_ms == 15 * MIN
    every = tuple(m * MIN for m in range(0, 481, 15))
    assert watch(0, 9 * H, every, every).next_ms is None


@given(st.integers(0, 600), st.lists(st.integers(-90, 600), max_size=12))
def test_time_alone_never_makes_an_observation_less_late(now: int, done: list[int]) -> None:
    order = ["later", "due", "late", "missed"]
    early, later = (states(minute, tuple(done), tuple(done)) for minute in (now, now + 7))
    for key, state in early.items():
        assert (state == "done") == (later[key] == "done")
        assert state == "done" or order.index(later[key]) >= order.index(state)


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        ({}, "normal"),
        ({"breaths_per_min": F(12)}, "normal"),
        ({"breaths_per_min": F(11)}, "watch"),
        ({"breaths_per_min": F(8)}, "emergency"),
        ({"breaths_per_min": F(21)}, "watch"),
        ({"breaths_per_min": F(25)}, "emergency"),
        ({"oxygen_percent": F(96)}, "normal"),
        ({"oxygen_percent": F(95)}, "watch"),
        ({"oxygen_percent": F(91)}, "emergency"),
        ({"pulse_per_min": F(50)}, "watch"),
        ({"pulse_per_min": F(131)}, "emergency"),
        ({"systolic_mmhg": F(101)}, "normal"),
        ({"systolic_mmhg": F(100)}, "watch"),
        ({"systolic_mmhg": F(90)}, "emergency"),
        ({"temperature_degc": F(35)}, "emergency"),
        ({"temperature_degc": F(381, 10)}, "watch"),
        ({"sedation": F(1)}, "watch"),
        ({"sedation": F(2)}, "emergency"),
        ({"oxygen_percent": None}, "unknown"),
        ({"oxygen_percent": None, "sedation": F(1)}, "watch"),
        ({"oxygen_percent": None, "sedation": F(3)}, "emergency"),
    ],
)
def test_vital_signs_of_an_adult_at_their_limits(changed: dict[str, Any], level: str) -> None:
    assert judge_vitals(replace(WELL, **changed), F(40)).level == level


def test_a_child_has_limits_of_its_own() -> None:
    slow = replace(WELL, breaths_per_min=F(15), pulse_per_min=F(90))
    assert judge_vitals(slow, F(1199, 100)).level == "watch"
    assert judge_vitals(slow, F(12)).level == "normal"


def test_an_emergency_says_what_to_do_and_that_there_is_no_antidote() -> None:
    told = [action.what for action in judge_vitals(replace(WELL, sedation=F(3)), F(40)).actions]
    assert told[0].startswith("call the resuscitation team")
    assert any("no antidote" in line for line in told)
    assert judge_vitals(WELL, F(40)).actions == ()
    assert judge_vitals(Vitals(), F(40)).actions[0].what == "measure what is missing now"


def test_a_sign_to_watch_is_checked_again_in_five_minutes() -> None:
    assert judge_vitals(replace(WELL, sedation=F(1)), F(40)).again_in_ms == 5 * MIN
    assert judge_vitals(WELL, F(40)).again_in_ms is None


SIGN = st.one_of(st.none(), st.integers(0, 230).map(F))


@given(st.builds(Vitals, *([SIGN] * 6)), st.integers(0, 5))
def test_measuring_a_missing_sign_never_hides_another(vitals: Vitals, which: int) -> None:
    name = fields(Vitals)[which].name
    without = judge_vitals(replace(vitals, **{name: None}), F(40))
    known = {level for sign, level in judge_vitals(vitals, F(40)).signs if sign != name.split("_")[0]}
    assert VITAL_LEVELS.index(without.level) >= max(VITAL_LEVELS.index(level) for level in known)


def test_a_sign_below_zero_is_refused() -> None:
    with pytest.raises(CalculationError, match="pulse_per_min: got -1, expected at least 0"):
        Vitals(pulse_per_min=F(-1))


@pytest.mark.parametrize(
    ("hours", "vitals", "yes", "no", "may_go"),
    [
        (4, WELL, ASKED, frozenset(), True),
        (3.99, WELL, ASKED, frozenset(), False),
        (8, None, ASKED, frozenset(), None),
        (8, replace(WELL, sedation=F(1)), ASKED, frozenset(), False),
        (8, replace(WELL, sedation=None), ASKED, frozenset(), None),
        (8, WELL, ASKED - {"escorted"}, frozenset(), None),
        (8, WELL, ASKED - {"escorted"}, frozenset({"escorted"}), False),
        (3, None, frozenset(), frozenset(), False),
    ],
)
def test_nobody_leaves_early_unwell_or_unasked(
    hours: float, vitals: Vitals | None, yes: frozenset[str], no: frozenset[str], may_go: bool | None
) -> None:
    last = None if vitals is None else judge_vitals(vitals, F(40))
    answer = discharge(0, round(hours * H), last, yes, no)
    assert answer.may_go is may_go
    assert len(answer.criteria) == len(ASKED) + 2
