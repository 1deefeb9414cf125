"""The delivery check: what refills say, what they do not, and that it says which."""

from datetime import timedelta

import pytest
from django.urls import reverse

from openitb.clinic.desk.delivery import delivery_check
from openitb.clinic.desk.ports import link
from openitb.clinic.record.models import RefillRecord
from openitb.units import MS_PER_DAY

ML = 1_000_000


@pytest.fixture
def system(make, pump, noon):
    """A system behind a pump that says 12.4 mL, read twenty days after noon."""
    pump.now_ms = int(noon.timestamp() * 1000) + 20 * MS_PER_DAY
    return make.system()


def refilled(system, noon, drawn: list[float | None], expected: float = 4.0) -> None:
    """Refills of 16 mL, 30 days apart, the last one at noon; None where nothing was expected."""
    for number, drawn_ml in enumerate(drawn):
        RefillRecord.objects.create(
            system=system,
            at=noon - timedelta(days=30 * (len(drawn) - 1 - number)),
            expected_nl=None if drawn_ml is None else round(expected * ML),
            aspirated_nl=round((drawn_ml or 0) * ML),
            injected_nl=16 * ML,
            new_concentration_ug_per_ml=500,
        )


def checked(system):
    return delivery_check(system, link().read_pump(system))


def fact(check, label: str) -> str:
    return next(figure.text for name, figure in check.facts if name.startswith(label))


def card(desk, system) -> str:
    return desk.get(reverse("patient-pump", args=[system.patient.key])).content.decode()


@pytest.mark.parametrize("refills", [0, 1])
def test_fewer_than_two_refills_have_no_check(desk, system, noon, refills) -> None:
    refilled(system, noon, [4.0] * refills)
    assert checked(system) is None
    assert "Delivery check" not in card(desk, system)


def test_volumes_as_expected_add_up_and_do_not_clear_the_catheter(desk, system, noon) -> None:
    refilled(system, noon, [4.0, 4.1, 3.9, 4.0])
    check = checked(system)
    assert not check.is_in_doubt
    assert len(check.residuals) == 3
    assert abs(float(fact(check, "Flow error").removesuffix(" %"))) < 1
    page = card(desk, system)
    assert "adds up" in page
    assert "does not clear the catheter" in page


def test_too_little_left_time_after_time_means_over_delivery_and_is_looked_into(desk, system, noon) -> None:
    refilled(system, noon, [4.0, 1.6, 1.5, 1.4])
    check = checked(system)
    assert check.escalates
    assert float(fact(check, "Flow error").removesuffix(" %")) > 10
    page = card(desk, system)
    assert "twice in a row" in page
    assert "Too little left at the last refill" in page
    assert "Was the syringe misread?" in page


def test_the_true_reservoir_lies_below_the_count_of_a_pump_that_delivers_too_much(system, noon) -> None:
    refilled(system, noon, [4.0, 2.5, 2.5, 2.5])
    check = checked(system)
    assert fact(check, "Reservoir by the pump") == "12.4 mL"
    assert float(fact(check, "Truly").removesuffix(" mL")) < 12.4


def test_what_is_inferred_is_marked_as_resting_on_assumed_spreads(desk, system, noon) -> None:
    refilled(system, noon, [4.0, 4.0])
    assert {figure.confidence for label, figure in checked(system).facts if "count" not in label} == {
        "assumed"
    }
    assert 'class="unsourced"' in card(desk, system)


def test_without_a_reading_since_the_last_refill_no_reservoir_is_predicted(system, noon, pump) -> None:
    refilled(system, noon, [4.0, 4.0])
    pump.now_ms -= 25 * MS_PER_DAY
    check = checked(system)
    assert "was not read since the last refill" in check.nothing
    assert not [label for label, _ in check.facts if "Reservoir" in label]


def test_refills_with_nothing_expected_say_nothing_and_say_so(system, noon) -> None:
    refilled(system, noon, [None, None, None])
    check = checked(system)
    assert check.residuals == ()
    assert "Nothing can be inferred about the flow" in check.nothing


def test_a_record_that_cannot_be_is_said_to_be_instead_of_computed(desk, system, noon) -> None:
    refilled(system, noon, [4.0, 4.0], expected=18.0)  # more than was filled
    check = checked(system)
    assert "do not make sense together" in check.nothing
    assert check.facts == ()
    assert "do not make sense" in card(desk, system)
