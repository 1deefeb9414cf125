"""Volume drawn out at a refill against volume expected: when to accept it, and what to ask when not.

Holds: RES-05.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from openitb import units
from openitb.prescription.answers import Answer, CalculationError, Step, fact_number, notes, number, practice

Judgement = Literal["accept", "evaluate"]
Direction = Literal["as expected", "too much left", "too little left"]

_FIRST_ASKED = (
    "Was the syringe misread?",
    "Was the reservoir emptied completely?",
    "Was the volume at the last fill programmed wrongly?",
)
_THEN_ASKED: dict[Direction, tuple[str, ...]] = {
    "as expected": (),
    "too much left": ("Under-delivery: look for a pump stall or an occlusion, and for withdrawal.",),
    "too little left": (
        "Over-delivery, a leak of the reservoir, an incomplete previous fill or a pocket fill: check for "
        "overdose, test the flow, account for the drug.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyAnswer(Answer):
    """What a difference calls for. `difference_ml` is drawn less expected, above zero for too much left;
    `percent_of_delivered` is None where nothing was delivered. `asks` is empty for one that is accepted.
    """

    difference_ml: Fraction
    percent_of_delivered: Fraction | None
    judgement: Judgement
    direction: Direction
    asks: tuple[str, ...]


def volume_discrepancy(expected_nl: int, aspirated_nl: int, delivered_nl: int) -> DiscrepancyAnswer:
    """Accept up to 1 mL, and up to 2 mL within the device's stated accuracy; evaluate everything else.

    `delivered_nl` is what the pump counts as delivered since the last fill. Source: clinical.md 6.2.
    Refuses negative volumes with `CalculationError`.
    """
    _require(expected=expected_nl, aspirated=aspirated_nl, delivered=delivered_nl)
    difference = Fraction(aspirated_nl - expected_nl, units.NL_PER_ML)
    percent = Fraction(100 * abs(aspirated_nl - expected_nl), delivered_nl) if delivered_nl else None
    is_accepted = _accepted(abs(difference), percent)
    direction = _direction(difference)
    return DiscrepancyAnswer(
        difference_ml=difference,
        percent_of_delivered=percent,
        judgement="accept" if is_accepted else "evaluate",
        direction=direction,
        asks=() if is_accepted else (*_FIRST_ASKED, *_THEN_ASKED[direction]),
        steps=_steps(difference, percent),
        sources=notes(practice("volume-discrepancy"), "accept", "evaluate", "evaluate_fraction"),
    )


def calls_for_escalation(judged: tuple[DiscrepancyAnswer, ...]) -> bool:
    """Two refills in a row to be evaluated, both in the same direction; oldest first, the last two count."""
    last = judged[-2:]
    both = len(last) > 1 and all(answer.judgement == "evaluate" for answer in last)
    return both and last[0].direction == last[1].direction


def _accepted(size_ml: Fraction, percent: Fraction | None) -> bool:
    rule = practice("volume-discrepancy")
    if size_ml <= fact_number(rule, "accept", "mL"):
        return True
    is_within_accuracy = percent is not None and percent <= fact_number(rule, "evaluate_fraction", "percent")
    return is_within_accuracy and size_ml <= fact_number(rule, "evaluate", "mL")


def _direction(difference: Fraction) -> Direction:
    if not difference:
        return "as expected"
    return "too much left" if difference > 0 else "too little left"


def _steps(difference: Fraction, percent: Fraction | None) -> tuple[Step, ...]:
    drawn = Step("drawn out less expected", difference, "mL")
    if percent is None:
        return (drawn,)
    return drawn, Step(f"{number(abs(difference))} mL of the volume delivered", percent, "percent")


def _require(**volumes_nl: int) -> None:
    for field, volume_nl in volumes_nl.items():
        if volume_nl < 0:
            raise CalculationError(f"{field}: got {units.format_volume(volume_nl)}, expected at least 0 mL")
