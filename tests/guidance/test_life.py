"""Battery, access port and restart: the early side, the bolus that must not happen, never above before."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.guidance.calendar import months_after
from openitb.guidance.life import Battery, Interruption, access_port, battery_forecast, restart
from openitb.prescription.answers import CalculationError
from openitb.prescription.calculators import path_through, tubing_of_pump

LOADED = catalogue.load()
PUMP, PROMETRA = LOADED.pump("synchromed-ii-20"), LOADED.pump("prometra-ii-20")
U, ML, H = units.PG_PER_UG, units.NL_PER_ML, units.MS_PER_H
ON, TODAY = date(2020, 1, 31), date(2026, 6, 1)
F = Fraction


@pytest.mark.requirement("BAT-03")
@pytest.mark.parametrize(
    ("known", "earliest", "expected", "latest"),
    [
        # nothing read: five years typical at the shortest, seven at the most
        (Battery(PUMP, ON), date(2025, 1, 31), date(2025, 1, 31), date(2027, 1, 31)),
        # 6500 / (62 + 26 × 0.9) = 76.1 months
        (Battery(PUMP, ON, 900_000), date(2025, 1, 31), date(2026, 5, 31), date(2027, 1, 31)),
        # 6500 / (62 + 26 × 4) = 39.2 months
        (Battery(PUMP, ON, 4 * ML), date(2023, 4, 30), date(2023, 4, 30), date(2027, 1, 31)),
        # 10 months read: 8 less one, 12 and one, cut off by the service life
        (
            Battery(PUMP, ON, None, 10, date(2026, 6, 1)),
            date(2027, 1, 1),
            date(2027, 1, 31),
            date(2027, 1, 31),
        ),
        (Battery(PUMP, ON, None, 10, date(2025, 6, 1)), date(2026, 1, 1), date(2026, 4, 1), date(2026, 7, 1)),
        (Battery(PUMP, ON, None, 0, date(2025, 6, 1)), date(2025, 6, 1), date(2025, 6, 1), date(2025, 7, 1)),
        # the indicator: 90 days at the most, and it has been less
        (
            Battery(PUMP, ON, None, 40, date(2025, 6, 1), date(2025, 7, 1)),
            date(2025, 7, 1),
            date(2025, 9, 29),
            date(2025, 9, 29),
        ),
        (Battery(PROMETRA, ON), date(2028, 1, 31), date(2030, 1, 31), date(2030, 1, 31)),
    ],
)
def test_the_end_of_a_pump_as_a_band(known: Battery, earliest: date, expected: date, latest: date) -> None:
    answer = battery_forecast(known, TODAY)
    assert (answer.earliest, answer.expected, answer.latest) == (earliest, expected, latest)
    assert answer.plan_by == months_after(earliest, -3)


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (date(2025, 9, 30), "later"),
        (date(2025, 10, 1), "plan now"),
        (date(2025, 12, 31), "plan now"),
        (date(2026, 1, 1), "replace now"),
    ],
)
def test_a_replacement_is_arranged_three_months_before_the_earliest_end(today: date, state: str) -> None:
    assert battery_forecast(Battery(PUMP, ON, None, 10, date(2025, 6, 1)), today).state == state


DAYS = st.dates(date(2015, 1, 1), date(2035, 12, 31))


@pytest.mark.requirement("BAT-03")
@given(DAYS, st.integers(0, 2000), st.integers(0, 90), st.one_of(st.none(), st.integers(0, 10 * ML)), DAYS)
def test_the_plan_is_before_the_worst_case_and_the_band_in_order(
    on: date, read_after: int, months: int, flow: int | None, indicator: date
) -> None:
    read_on = date.fromordinal(on.toordinal() + read_after)
    seen = indicator if indicator >= on else None
    for known in (
        Battery(PUMP, on, flow),
        Battery(PUMP, on, flow, months, read_on),
        Battery(PUMP, on, flow, months, read_on, seen),
    ):
        answer = battery_forecast(known, TODAY)
        assert answer.plan_by < answer.earliest <= answer.expected <= answer.latest
        assert answer.latest <= months_after(on, 84)


@given(st.integers(0, 84), st.integers(1, 20))
def test_fewer_months_read_never_end_later(months: int, fewer: int) -> None:
    day = date(2025, 6, 1)
    more, less = (
        battery_forecast(Battery(PUMP, ON, None, m, day), TODAY) for m in (months, max(0, months - fewer))
    )
    assert (less.earliest, less.expected, less.latest) <= (more.earliest, more.expected, more.latest)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Battery(PUMP, ON, None, 10), "months-read: got months or their day alone"),
        (lambda: Battery(PUMP, ON, None, -1, TODAY), "months-read: got -1"),
        (
            lambda: Battery(PUMP, ON, None, 10, date(2019, 1, 1)),
            "read-on: got 2019-01-01, expected 2020-01-31",
        ),
        (lambda: Battery(PUMP, ON, indicator_on=date(2019, 1, 1)), "indicator-on: got 2019-01-01"),
    ],
)
def test_a_battery_that_cannot_be_is_refused(make: object, named: str) -> None:
    with pytest.raises(CalculationError, match=named):
        make()  # type: ignore[operator]


PATH = path_through(tubing_of_pump(PUMP), LOADED.catheter("indura-8709sc"), F(80))


def test_what_stands_in_the_port_and_catheter_is_a_bolus_if_injected() -> None:
    answer = access_port(PATH, PUMP, 2000, 0)
    assert answer.holds_ml == F(176, 1000) + F(14, 100)  # 80 cm × 0.0022 mL/cm + 0.14 mL
    assert answer.bolus_ug == 632
    assert (answer.aspirate_ml, answer.left_bolus_ug) == (F(2), F(632))
    assert answer.may_inject.verdict == "not met"
    assert any("never inject drug through the port" in action.what for action in answer.actions)


@pytest.mark.parametrize(
    ("drawn_ml", "verdict", "left_ug"),
    [(0.3, "not met", 32), (0.316, "not met", 0), (1.999, "not met", 0), (2, "met", 0), (3, "met", 0)],
)
def test_injection_waits_until_enough_was_drawn(drawn_ml: float, verdict: str, left_ug: int) -> None:
    answer = access_port(PATH, PUMP, 2000, round(drawn_ml * ML))
    assert (answer.may_inject.verdict, answer.left_bolus_ug) == (verdict, F(left_ug))


@given(st.integers(0, 5 * ML), st.integers(1, 140))
def test_an_injection_that_is_allowed_never_gives_drug(drawn_nl: int, cm: int) -> None:
    path = path_through(tubing_of_pump(PUMP), LOADED.catheter("ascenda-8781"), F(cm))
    answer = access_port(path, PUMP, 500, drawn_nl)
    assert answer.may_inject.verdict == "not met" or answer.left_bolus_ug == 0


def test_a_pump_whose_port_is_not_described_counts_with_an_assumed_one() -> None:
    assert access_port(PATH, PROMETRA, 500, 0).holds_ml == access_port(PATH, PUMP, 500, 0).holds_ml
    with pytest.raises(CalculationError, match="aspirated: got -1 mL"):
        access_port(PATH, PUMP, 500, -ML)


def stopped(hours: float | None, dose: int = 400, first: int | None = 100) -> Interruption:
    since = None if hours is None else -round(hours * H)
    return Interruption(dose * U, since, 0, None if first is None else first * U)


@pytest.mark.parametrize(
    ("known", "length", "highest"),
    [
        (stopped(0), "short", 400),
        (stopped(24), "short", 400),
        (stopped(24.01), "medium", 200),
        (stopped(72), "medium", 200),
        (stopped(72.01), "long", 100),
        (stopped(None), "long", 100),
        (stopped(48, 150), "medium", 100),  # half would be less than the first dose
        (stopped(48, 60), "medium", 60),
        (stopped(100, 60), "long", 60),
        (stopped(100, first=None), "long", 50),
        (stopped(100, first=2000), "long", 200),  # a first dose is 200 µg/day at the most
    ],
)
def test_a_restart_by_the_length_of_the_interruption(known: Interruption, length: str, highest: int) -> None:
    answer = restart(known)
    assert (answer.interrupted, answer.highest_ug_per_day) == (length, F(highest))
    assert answer.actions[0].what.startswith("a new order")


@given(
    st.integers(0, 200), st.integers(0, 100), st.integers(1, 2000), st.one_of(st.none(), st.integers(1, 300))
)
def test_a_longer_interruption_never_allows_more_and_none_more_than_before(
    hours: int, longer: int, dose: int, first: int | None
) -> None:
    short, long = restart(stopped(hours, dose, first)), restart(stopped(hours + longer, dose, first))
    assert long.highest_ug_per_day <= short.highest_ug_per_day <= dose
    assert restart(stopped(None, dose, first)).highest_ug_per_day <= long.highest_ug_per_day


def test_a_restart_rests_on_assumptions_and_says_so() -> None:
    assert not restart(stopped(10)).confidence.is_sourced
    with pytest.raises(CalculationError, match="stopped: got a time after now"):
        restart(stopped(-1))
