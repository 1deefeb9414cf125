"""The first dose and the next step, by the rules of the label and best practice."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.guidance import PHASES, start_dose, titration_step
from openitb.prescription.answers import CalculationError
from openitb.prescription.guardrails import GateRequest, PatientLimits, check
from openitb.prescription.orders import SimpleContinuous

U = units.PG_PER_UG
HOUR = units.MS_PER_H


@pytest.mark.parametrize(
    ("bolus", "hours", "adverse", "expected"),
    [
        (50, 6, False, 100),
        (50, 8, False, 100),
        (50, 8.01, False, 50),
        (100, 4, True, 100),
        (25, 12, True, 25),
    ],
)
def test_twice_the_bolus_unless_it_lasted_long_or_was_not_tolerated(
    bolus: int, hours: float, adverse: bool, expected: int
) -> None:
    answer = start_dose(bolus * U, round(hours * HOUR), adverse_reaction=adverse)
    assert answer.dose_ug_per_day == expected


@pytest.mark.parametrize(
    ("bolus", "hours", "named"),
    [
        (0, 6, "effective-bolus: got 0"),
        (201, 6, "effective-bolus: got 201"),
        (50, 97, "effect-duration: got 97"),
    ],
)
def test_a_trial_that_cannot_be_is_refused(bolus: int, hours: int, named: str) -> None:
    with pytest.raises(CalculationError, match=named):
        start_dose(bolus * U, hours * HOUR, adverse_reaction=False)


@pytest.mark.parametrize(
    ("origin", "age", "phase", "low", "high"),
    [
        ("spinal", 45, "first-24h", 200, 200),
        ("spinal", 45, "titration", 220, 260),
        ("spinal", 45, "maintenance", 220, 280),
        ("spinal", 45, "decrease", 160, 180),
        ("cerebral", 45, "first-24h", 200, 200),
        ("cerebral", 45, "titration", 210, 230),
        ("cerebral", 45, "maintenance", 210, 240),
        ("cerebral", 45, "decrease", 160, 180),
        ("spinal", 10, "first-24h", 200, 200),
        ("spinal", 10, "titration", 210, 230),
        ("spinal", 10, "maintenance", 210, 240),
        ("cerebral", 17, "titration", 210, 230),
        ("spinal", 18, "titration", 220, 260),
    ],
)
def test_the_next_dose_by_origin_age_and_phase(
    origin: Any, age: int, phase: Any, low: int, high: int
) -> None:
    answer = titration_step(200 * U, origin, Fraction(age), phase)
    assert answer.low_ug_per_day == low
    assert answer.high_ug_per_day == high


@pytest.mark.parametrize(
    ("dose", "origin", "age", "phase", "named"),
    [
        (0, "spinal", 40, "titration", "dose: got 0"),
        (200, "brain", 40, "titration", "origin: got 'brain', expected one of spinal, cerebral"),
        (200, "spinal", 40, "later", "phase: got 'later', expected one of first-24h"),
        (200, "spinal", 121, "titration", "age: got 121 year"),
        (200, "spinal", -1, "titration", "age: got -1 year"),
    ],
)
def test_a_step_that_cannot_be_is_refused(dose: int, origin: Any, age: int, phase: Any, named: str) -> None:
    with pytest.raises(CalculationError, match=named):
        titration_step(dose * U, origin, Fraction(age), phase)


@given(
    st.integers(30, 900),
    st.sampled_from(["spinal", "cerebral"]),
    st.integers(4, 90),
    st.sampled_from(["titration", "decrease", "first-24h"]),
)
def test_what_the_guidance_advises_passes_the_step_limit_of_the_gate(
    dose: int, origin: Any, age: int, phase: Any
) -> None:
    answer = titration_step(dose * U, origin, Fraction(age), phase)
    pump = catalogue.load().pump("synchromed-ii-20")
    order = SimpleContinuous(int(answer.high_ug_per_day * U))
    patient = PatientLimits(origin, float(age))
    verdict = check(GateRequest(order, 500, pump, patient, dose * U, None, 0))
    assert "step-limit" not in {finding.rule for finding in verdict.findings}


def test_every_phase_shows_its_work_and_sources() -> None:
    for phase in PHASES:
        answer = titration_step(200 * U, "spinal", Fraction(45), phase)
        assert answer.steps
        assert answer.sources


def test_the_age_that_makes_a_child_is_shown_as_assumed() -> None:
    names = {note.name: note for note in titration_step(200 * U, "spinal", Fraction(10), "titration").sources}
    assert not names["child.step_age_below"].confidence.is_sourced
