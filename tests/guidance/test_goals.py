"""Goal Attainment Scaling by the corrected formula, worked by hand."""

from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.guidance.goals import Goal, goal_attainment
from openitb.prescription.answers import CalculationError

GOALS = st.lists(
    st.builds(Goal, st.just("goal"), st.integers(-2, 2), st.integers(-2, 2), st.integers(1, 9).map(Fraction)),
    min_size=1,
    max_size=6,
).map(tuple)


@pytest.mark.parametrize(
    ("goals", "t"),
    [
        ([(1, 1), (1, 1)], 62.403),  # 50 + 20 / sqrt(0.7 × 2 + 0.3 × 4), the test vector of clinical.md 3.7
        ([(1, 0)], 50),
        ([(1, 1)], 60),  # one goal: the weight drops out
        ([(9, 1)], 60),
        ([(1, -1), (1, -1), (1, -1)], 36.307),  # 50 − 30 / sqrt(0.7 × 3 + 0.3 × 9)
        ([(2, 1), (1, -1)], 54.016),  # 50 + 10 / sqrt(0.7 × 5 + 0.3 × 9)
    ],
)
def test_t_is_that_of_the_corrected_formula(goals: list[tuple[int, int]], t: float) -> None:
    answer = goal_attainment(tuple(Goal("goal", -1, score, Fraction(weight)) for weight, score in goals))
    assert answer.t_now is not None
    expected = 50 + 10 * sum(w * x for w, x in goals) / sqrt(
        0.7 * sum(w * w for w, _ in goals) + 0.3 * sum(w for w, _ in goals) ** 2
    )
    assert float(answer.t_now) == pytest.approx(expected)
    assert float(answer.t_now) == pytest.approx(t, abs=0.005)


def test_the_change_is_from_before_to_now_and_counts_what_reached_the_expected_level() -> None:
    answer = goal_attainment((Goal("sits", -1, 0), Goal("sleeps", -2, -1)))
    assert float(answer.change or 0) == pytest.approx(10 * 2 / sqrt(0.7 * 2 + 0.3 * 4))
    assert (answer.reached, answer.rated, answer.goals) == (1, 2, 2)


def test_a_goal_not_rated_yet_leaves_the_score_unknown_and_never_zero() -> None:
    answer = goal_attainment((Goal("sits", -1, 0), Goal("sleeps", -2, None)))
    assert answer.t_now is None
    assert answer.change is None
    assert (answer.reached, answer.rated) == (1, 1)


@given(GOALS, st.integers(0, 5))
def test_a_better_score_never_lowers_t(goals: tuple[Goal, ...], which: int) -> None:
    chosen = goals[which % len(goals)]
    if chosen.achieved is None or chosen.achieved == 2:
        return
    better = Goal(chosen.what, chosen.baseline, chosen.achieved + 1, chosen.weight)
    raised = tuple(better if goal is chosen else goal for goal in goals)
    before, after = goal_attainment(goals).t_now, goal_attainment(raised).t_now
    assert before is not None
    assert after is not None
    assert after > before


@given(GOALS)
def test_weights_matter_only_beside_each_other(goals: tuple[Goal, ...]) -> None:
    halved = tuple(Goal(g.what, g.baseline, g.achieved, g.weight / 2) for g in goals)
    assert float(goal_attainment(goals).t_now or 0) == pytest.approx(
        float(goal_attainment(halved).t_now or 0)
    )


@pytest.mark.parametrize(
    ("goals", "named"),
    [
        (lambda: (), "goals: got 0 with no weight"),
        (lambda: (Goal("g", -1, 0, Fraction(0)),), "goals: got 1 with no weight"),
        (lambda: (Goal("g", -3, 0),), "baseline: got -3, expected -2 to 2"),
        (lambda: (Goal("g", -1, 3),), "achieved: got 3"),
        (lambda: (Goal("g", -1, 0, Fraction(10)),), "weight: got 10, expected 0 to 9"),
    ],
)
def test_scores_that_cannot_be_are_refused(goals: object, named: str) -> None:
    with pytest.raises(CalculationError, match=named):
        goal_attainment(goals())  # type: ignore[operator]
