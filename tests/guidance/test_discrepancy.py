"""Volume drawn at a refill against volume expected, by the rule of clinical.md 6.2."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.guidance import calls_for_escalation, volume_discrepancy
from openitb.guidance.discrepancy import DiscrepancyAnswer
from openitb.prescription.answers import CalculationError

ML = units.NL_PER_ML
VOLUMES = st.integers(0, 40 * ML)


def judged(off_ml: float, delivered_ml: float = 14) -> DiscrepancyAnswer:
    return volume_discrepancy(5 * ML, round((5 + off_ml) * ML), round(delivered_ml * ML))


@pytest.mark.requirement("RES-05")
@pytest.mark.hazard("INC-07")
@pytest.mark.parametrize(
    ("off_ml", "delivered_ml", "judgement"),
    [
        (0, 14, "accept"),
        (1, 2, "accept"),  # accepted whatever the percentage
        (-1, 0, "accept"),
        (2, 14, "accept"),  # 14.3 %
        (-2, 13, "evaluate"),  # 15.4 %
        (1.5, 0, "evaluate"),  # no percentage without a delivery
        (2.1, 36, "evaluate"),  # 5.8 %, but more than 2 mL
        (-3, 14, "evaluate"),
    ],
)
def test_small_differences_are_accepted_and_others_evaluated(
    off_ml: float, delivered_ml: float, judgement: str
) -> None:
    assert judged(off_ml, delivered_ml).judgement == judgement


def test_too_much_left_points_to_under_delivery_and_too_little_to_over_delivery() -> None:
    assert judged(3).direction == "too much left"
    assert "stall" in judged(3).asks[-1]
    assert judged(-3).direction == "too little left"
    assert "pocket fill" in judged(-3).asks[-1]


def test_the_simple_causes_are_asked_first_and_nothing_is_asked_of_what_is_accepted() -> None:
    assert judged(-3).asks[0] == "Was the syringe misread?"
    assert judged(0.4).asks == ()


def test_the_numbers_are_shown_with_their_sources() -> None:
    answer = volume_discrepancy(5 * ML, 8 * ML, 12 * ML)
    assert [(step.value, step.unit) for step in answer.steps] == [(3, "mL"), (25, "percent")]
    assert {note.name for note in answer.sources} == {
        "volume-discrepancy.accept",
        "volume-discrepancy.evaluate",
        "volume-discrepancy.evaluate_fraction",
    }


@pytest.mark.parametrize(
    ("offs", "escalates"),
    [
        ((), False),
        ((3,), False),
        ((3, 3), True),
        ((3, -3), False),
        ((3, 0.2), False),
        ((0.2, -3, -2.5), True),
    ],
)
def test_two_excursions_in_a_row_the_same_way_call_for_escalation(
    offs: tuple[float, ...], escalates: bool
) -> None:
    assert calls_for_escalation(tuple(judged(off) for off in offs)) is escalates


@pytest.mark.requirement("RES-05")
@given(expected=VOLUMES, off=st.integers(0, 20 * ML), delivered=VOLUMES)
def test_the_sign_of_a_difference_never_changes_whether_it_is_accepted(
    expected: int, off: int, delivered: int
) -> None:
    above = volume_discrepancy(expected + off, expected + 2 * off, delivered)
    below = volume_discrepancy(expected + off, expected, delivered)
    assert above.judgement == below.judgement
    assert above.difference_ml == -below.difference_ml == Fraction(off, ML)


@given(off=st.integers(0, 10 * ML), more=st.integers(0, 10 * ML), delivered=VOLUMES)
def test_a_larger_difference_is_never_accepted_where_a_smaller_is_not(
    off: int, more: int, delivered: int
) -> None:
    smaller = volume_discrepancy(0, off, delivered).judgement
    assert (smaller, volume_discrepancy(0, off + more, delivered).judgement) != ("evaluate", "accept")


def test_a_negative_volume_is_refused() -> None:
    with pytest.raises(CalculationError, match=r"aspirated: got -1 mL, expected at least 0 mL"):
        volume_discrepancy(ML, -ML, ML)
