"""Goal Attainment Scaling: several goals of one person as one score, and how far it moved.

T = 50 + 10 Σwx / sqrt((1 − ρ) Σw² + ρ (Σw)²) with ρ = 0.3, the form of the guide's erratum; the first
printing had it wrong (clinical.md 3.7).
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from openitb.prescription.answers import Answer, CalculationError, Step, fact_number, notes, number, practice


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal with its weight and its scores, −2 to 2, where 0 is the level that was expected.

    `achieved` is None until it was rated. Refuses with `CalculationError` other scores and weights.
    """

    what: str
    baseline: int
    achieved: int | None
    weight: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        rules = practice("goals")
        most, heaviest = (fact_number(rules, name, "1") for name in ("score_most", "weight_most"))
        for field, score in (("baseline", self.baseline), ("achieved", self.achieved)):
            if score is not None and abs(score) > most:
                raise CalculationError(f"{field}: got {score}, expected -{number(most)} to {number(most)}")
        if not 0 <= self.weight <= heaviest:
            given = number(self.weight)
            raise CalculationError(f"weight: got {given}, expected 0 to {number(heaviest)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalsAnswer(Answer):
    """T before and now, their difference, and how many goals reached what was expected, of how many.

    `t_now` and `change` are None while a goal that counts is not rated.
    """

    t_baseline: Fraction
    t_now: Fraction | None
    change: Fraction | None
    reached: int
    rated: int
    goals: int


def goal_attainment(goals: tuple[Goal, ...]) -> GoalsAnswer:
    """The score of all goals together; refuses none at all and none that weighs anything."""
    if not any(goal.weight for goal in goals):
        raise CalculationError(f"goals: got {len(goals)} with no weight, expected one that counts")
    rated = tuple(goal.achieved for goal in goals if goal.achieved is not None)
    before = _t_score(goals, tuple(goal.baseline for goal in goals))
    now = _t_score(goals, rated) if len(rated) == len(goals) else None
    change = None if now is None else now - before
    return GoalsAnswer(
        t_baseline=before,
        t_now=now,
        change=change,
        reached=sum(score >= 0 for score in rated),
        rated=len(rated),
        goals=len(goals),
        steps=(*_step("T before", before), *_step("T now", now), *_step("change of T", change)),
        sources=notes(practice("goals"), "correlation", "mean", "scale", "score_most"),
    )


def _t_score(goals: tuple[Goal, ...], scores: tuple[int, ...]) -> Fraction:
    rules = practice("goals")
    rho, mean, scale = (fact_number(rules, name, "1") for name in ("correlation", "mean", "scale"))
    weights = [goal.weight for goal in goals]
    weighed = sum((w * x for w, x in zip(weights, scores, strict=True)), Fraction(0))
    spread = (1 - rho) * sum(w * w for w in weights) + rho * sum(weights) ** 2
    return mean + scale * weighed / _root(spread)


def _root(square: Fraction) -> Fraction:
    return Fraction((Decimal(square.numerator) / Decimal(square.denominator)).sqrt())


def _step(text: str, value: Fraction | None) -> tuple[Step, ...]:
    return () if value is None else (Step(text, value, "1"),)
