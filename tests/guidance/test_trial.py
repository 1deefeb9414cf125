"""Boluses of a screening trial, its response and its outcome, by clinical.md 1.3 and 2.2."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.guidance.candidacy import MuscleTone
from openitb.guidance.trial import (
    Bolus,
    Infusion,
    Scores,
    next_bolus,
    next_infusion_step,
    ready,
    response,
    suggested_start,
)
from openitb.prescription.answers import CalculationError, practice

U, H, DAY = units.PG_PER_UG, units.MS_PER_H, units.MS_PER_DAY


def bolus(dose_ug: int, responded: bool | None = False, at_ms: int = 0, adverse: bool = False) -> Bolus:
    return Bolus(dose_ug * U, at_ms, responded, adverse)


@pytest.mark.parametrize(
    ("given", "small", "now_h", "state", "dose", "earliest_h"),
    [
        ((), False, 0, "give", 50, 0),
        ((), True, 0, "give", 25, 0),
        ((bolus(25),), True, 24, "give", 50, 24),
        ((bolus(50),), False, 24, "give", 75, 24),
        ((bolus(50),), False, 23.99, "wait", 75, 24),
        ((bolus(75),), False, 30, "give", 100, 24),
        ((bolus(60),), False, 30, "give", 75, 24),
        ((bolus(100),), False, 30, "no pump", None, None),
        ((bolus(100, None),), False, 30, "judge first", None, None),
        ((bolus(50, True),), False, 5, "responder", None, None),
        ((bolus(50, False, adverse=True),), False, 30, "decide", None, None),
        ((bolus(50, True, adverse=True),), False, 30, "responder", None, None),
    ],
)
def test_the_next_bolus_follows_the_ladder(
    given: tuple[Bolus, ...], small: bool, now_h: float, state: str, dose: Any, earliest_h: Any
) -> None:
    answer = next_bolus(given, small_start=small, now_ms=round(now_h * H))
    assert (answer.state, answer.dose_ug) == (state, dose)
    if earliest_h and answer.dose_ug and given:
        assert answer.earliest_ms == earliest_h * H
    assert answer.sources


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((bolus(50, at_ms=5), bolus(75, at_ms=1)), "boluses: got times out of order"),
        ((bolus(50, at_ms=DAY),), "boluses: got times out of order or after now"),
        ((bolus(0),), "boluses: got a dose not above 0"),
    ],
)
def test_boluses_that_cannot_be_are_refused(given: tuple[Bolus, ...], named: str) -> None:
    with pytest.raises(CalculationError, match=named):
        next_bolus(given, small_start=False, now_ms=10)


@given(st.integers(1, 150), st.booleans(), st.booleans(), st.integers(0, 100))
def test_no_bolus_is_given_within_a_day_nor_above_the_highest(
    dose: int, small: bool, adverse: bool, now_h: int
) -> None:
    answer = next_bolus((bolus(dose, False, adverse=adverse),), small_start=small, now_ms=now_h * H)
    assert answer.state != "give" or (now_h >= 24 and not adverse)
    assert answer.dose_ug is None or dose < answer.dose_ug <= 100


def tone(code: str, muscle: str = "adductors", scale: str = "modified-ashworth") -> MuscleTone:
    return MuscleTone(muscle, "left", scale, code)


BEFORE = Scores(-H, (tone("3"), tone("3", "hamstrings")), 3)


def scored(hours: float, code: str, second: str = "3", **more: Any) -> Scores:
    return Scores(round(hours * H), (tone(code), tone(second, "hamstrings")), **more)


@pytest.mark.parametrize(
    ("after", "responded", "fall"),
    [
        ((), None, None),
        ((scored(2, "3"),), None, 0),
        ((scored(2, "3"), scored(4, "3")), False, 0),
        ((scored(2, "3"), scored(5, "3")), None, 0),  # the second one came after 4 h
        ((scored(2, "2", "2"),), True, 1),
        ((scored(2, "2", "3"), scored(4, "2", "3")), False, Fraction(1, 2)),
        ((scored(2, "1+", "2"),), True, Fraction(5, 4)),  # 3 − 1.5 and 3 − 2
        ((scored(0.25, "0", "0"),), None, None),  # before any effect can show
        ((scored(2, "3", penn=2), scored(4, "3")), True, 0),
        ((scored(2, "3", penn=3), scored(4, "3", penn=4)), False, 0),
        ((scored(2, "3", goal_met=True),), True, 0),
    ],
)
def test_a_response_is_a_fall_of_tone_or_spasm_or_a_goal_met(
    after: tuple[Scores, ...], responded: bool | None, fall: Any
) -> None:
    answer = response(0, BEFORE, after)
    assert (answer.responded, answer.tone_fall) == (responded, fall)


def test_muscles_scored_once_or_on_another_scale_are_not_compared() -> None:
    after = Scores(2 * H, (tone("0", "calf"), tone("0", scale="ashworth")))
    assert response(0, BEFORE, (after,)).tone_fall is None


def test_a_function_that_was_lost_is_told_beside_the_gain() -> None:
    answer = response(0, BEFORE, (scored(2, "1", "1", lost=True), scored(4, "1", "1", lost=False)))
    assert (answer.responded, answer.lost_function) == (True, True)
    assert response(0, BEFORE, (scored(2, "1", "1"),)).lost_function is None


def test_the_rule_for_a_response_is_shown_as_recalled() -> None:
    assert not response(0, BEFORE, ()).confidence.is_sourced


@pytest.mark.parametrize(
    ("hours", "codes", "dose"),
    [
        ((2, 4, 6, 8), "1233", 100),  # gone at 6 h
        ((2, 4, 8), "113", 100),  # gone by 8 h
        ((2, 4, 9), "113", 50),  # may have lasted longer than 8 h
        ((2, 4, 8), "111", 50),  # its end was not seen
    ],
)
def test_the_start_is_twice_the_bolus_unless_the_effect_may_have_been_long(
    hours: tuple[int, ...], codes: str, dose: int
) -> None:
    after = tuple(scored(h, c, c) for h, c in zip(hours, codes, strict=True))
    assert suggested_start(bolus(50, True), response(0, BEFORE, after)).dose_ug_per_day == dose


def test_an_adverse_reaction_halves_the_start_and_no_response_has_none() -> None:
    seen = response(0, BEFORE, (scored(2, "1", "1"), scored(4, "3")))
    assert suggested_start(bolus(50, True, adverse=True), seen).dose_ug_per_day == 50
    with pytest.raises(CalculationError, match="responded: got no response"):
        suggested_start(bolus(50, False), seen)


def test_a_code_no_scale_holds_is_refused() -> None:
    with pytest.raises(CalculationError, match="adductors left: got '9', expected 0, 1, 1"):
        response(0, BEFORE, (Scores(H, (tone("9"),)),))


RUNNING = Infusion(100 * U, 0, 0, False)


@pytest.mark.parametrize(
    ("running", "now_h", "state", "dose"),
    [
        (None, 0, "give", 50),
        (RUNNING, 24, "give", 150),
        (RUNNING, 23, "wait", None),
        (replace(RUNNING, responded=None), 24, "judge first", None),
        (replace(RUNNING, responded=True), 1, "responder", None),
        (replace(RUNNING, adverse_reaction=True), 30, "decide", None),
        (replace(RUNNING, dose_pg_per_day=280 * U), 24, "give", 300),
        (replace(RUNNING, dose_pg_per_day=300 * U), 24, "no pump", None),
        (RUNNING, 120, "decide", None),  # the catheter has lain for 5 days
    ],
)
def test_a_trial_infusion_is_raised_by_the_day(
    running: Infusion | None, now_h: int, state: str, dose: int | None
) -> None:
    answer = next_infusion_step(running, now_h * H)
    assert (answer.state, answer.dose_ug) == (state, dose)


def test_a_trial_infusion_from_the_future_is_refused() -> None:
    with pytest.raises(CalculationError, match="since: got a time after now"):
        next_infusion_step(replace(RUNNING, since_ms=5), 1)


def test_a_bolus_waits_for_everything_to_be_ready() -> None:
    names = frozenset(practice("trial-ready").facts)
    assert ready(names, frozenset())[0] is True
    assert ready(names - {"line_in"}, frozenset())[0] is None
    assert ready(names - {"line_in"}, frozenset({"line_in"}))[0] is False
    with pytest.raises(CalculationError, match="line_in: got yes and no"):
        ready(names, frozenset({"line_in"}))
