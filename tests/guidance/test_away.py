"""Magnetic resonance by pump model, the check after it, and travel across zones."""

from datetime import date
from fractions import Fraction

import pytest

from openitb import catalogue, units
from openitb.guidance.away import MriReading, Trip, mri, mri_check, travel
from openitb.prescription.answers import CalculationError

PUMP, PROMETRA = (catalogue.load().pump(name) for name in ("synchromed-ii-20", "prometra-ii-20"))
H = units.MS_PER_H
F = Fraction


@pytest.mark.parametrize(
    ("pump", "tesla", "verdict"),
    [
        (PUMP, F(3), "met"),
        (PUMP, F(7), "not met"),
        (PUMP, None, "unknown"),
        (PROMETRA, F(3, 2), "met"),
        (PROMETRA, F(3), "not met"),
        (None, F(3, 2), "unknown"),
    ],
)
def test_the_field_a_pump_may_enter(
    pump: catalogue.Pump | None, tesla: Fraction | None, verdict: str
) -> None:
    assert mri(pump, tesla).field.verdict == verdict


@pytest.mark.hazard("INC-10")
def test_a_valve_pump_is_emptied_first_and_a_roller_pump_is_not_stopped() -> None:
    valve = " ".join(step.what for step in mri(PROMETRA, F(1)).before)
    roller = " ".join(step.what for step in mri(PUMP, F(1)).before)
    assert "empty the reservoir" in valve
    assert "empty" not in roller
    assert "do not program a stop" in roller
    assert any("a second time" in step.what for step in mri(PUMP, F(1)).after)


def test_a_pump_nobody_can_name_is_not_scanned() -> None:
    answer = mri(None, F(1))
    assert "no scan until the model is known" in answer.before[0].what
    assert answer.after == ()


@pytest.mark.parametrize("pump", catalogue.load().pumps.values(), ids=lambda pump: pump.entry_id)
def test_every_pump_of_the_catalogue_has_its_steps(pump: catalogue.Pump) -> None:
    answer = mri(pump, F(1))
    assert answer.before
    assert answer.after


def read(hour: float, stalled: bool = True, recovered: bool = True) -> MriReading:
    return MriReading(round(hour * H), stalled, recovered)


@pytest.mark.hazard("INC-05")
@pytest.mark.parametrize(
    ("readings", "now", "state", "due"),
    [
        ((), 0.5, "interrogate", 1),
        ((read(-1),), 0.5, "interrogate", 1),  # a reading before the scan says nothing
        ((read(1, False, False),), 1, "interrogate again", 2),
        ((read(1),), 1, "interrogate again", 2),
        ((read(1), read(2)), 2, "done", None),
        ((read(1), read(2, recovered=False)), 2, "not recovered", 3),
        ((read(1, recovered=False),), 24, "not recovered", 2),
        ((read(1, recovered=False),), 24.01, "fault", 24.01),
        ((read(1, recovered=False), read(5)), 30, "done", None),
    ],
)
def test_a_pump_is_read_twice_and_until_it_runs(
    readings: tuple[MriReading, ...], now: float, state: str, due: float | None
) -> None:
    answer = mri_check(0, readings, round(now * H))
    assert answer.state == state
    assert answer.due_ms == (None if due is None else round(due * H))


def trip(away: str, flex: bool | None = True, days: int = 20, home: str = "Europe/Berlin") -> Trip:
    return Trip(date(2026, 7, 1), date.fromordinal(date(2026, 7, 1).toordinal() + days), home, away, flex)


def told(given: Trip, refill_by: date = date(2027, 1, 1)) -> list[str]:
    return [action.rule.removeprefix("travel.") for action in travel(given, refill_by).actions]


@pytest.mark.parametrize(
    ("refill_by", "first"),
    [(date(2026, 7, 27), True), (date(2026, 7, 28), False), (date(2026, 6, 1), True)],
)
def test_the_refill_reaches_a_week_beyond_the_return(refill_by: date, first: bool) -> None:
    answer = travel(trip("Asia/Tokyo"), refill_by)
    assert answer.refill_needed_by == date(2026, 7, 28)
    assert answer.refill_first is first
    assert (answer.actions[0].rule == "travel.refill_first") is first


@pytest.mark.parametrize(
    ("given", "shift", "clock"),
    [
        (trip("Asia/Tokyo"), 7, "clock_set"),
        (trip("Asia/Tokyo", days=6), 7, "clock_home"),
        (trip("Asia/Tokyo", days=7), 7, "clock_set"),
        (trip("Asia/Tokyo", flex=False), 7, "clock_none"),
        (trip("Asia/Tokyo", flex=None), 7, "clock_ask"),
        (trip("Asia/Kolkata"), F(7, 2), "clock_set"),
        (trip("Europe/Moscow"), 1, "clock_home"),
        (trip("Africa/Johannesburg", days=150), 1, "clock_home"),  # home leaves summer time meanwhile
        (trip("America/New_York"), -6, "clock_set"),
        (trip("Europe/Berlin"), 0, "clock_home"),
    ],
)
def test_the_clock_by_shift_stay_and_mode(given: Trip, shift: Fraction, clock: str) -> None:
    assert travel(given, date(2027, 6, 1)).shift_h == shift
    assert told(given)[0] == clock


def test_the_plan_says_what_to_carry() -> None:
    assert told(trip("Asia/Tokyo"))[1:] == ["local_clinic", "card", "rescue", "flight", "diving", "heat"]


def test_a_journey_that_cannot_be_is_refused() -> None:
    with pytest.raises(CalculationError, match="returns: got 2026-06-30, expected 2026-07-01"):
        trip("Asia/Tokyo", days=-1)
    with pytest.raises(CalculationError, match="away-zone: got 'Moon/Sea', expected a zone"):
        travel(trip("Moon/Sea"), date(2027, 1, 1))
