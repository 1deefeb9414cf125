"""Periodic boluses: doses by the clock over a basal rate, every one of them once."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.catalogue import Pump
from openitb.prescription import OrderError, Periodic, compile_order, daily_dose_pg, peak_day_dose_pg
from openitb.prescription.orders import describe_order, format_duration, order_to_mapping, parse_order

U = units.PG_PER_UG
DAY, WEEK, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_WEEK, units.MS_PER_H, units.MS_PER_MIN
MONDAY = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1000)
SIX_HOURLY = Periodic(20 * U, 30 * MINUTE, 6 * HOUR, 100 * U, 2 * HOUR)
DIVISORS = [minutes for minutes in range(15, 1441) if 1440 % minutes == 0]


@st.composite
def periodics(draw: st.DrawFn) -> Periodic:
    interval = draw(st.sampled_from(DIVISORS))
    duration = draw(st.integers(1, interval - 1))
    first = draw(st.integers(0, interval - 1))
    dose, basal = draw(st.integers(1, 200 * U)), draw(st.one_of(st.just(0), st.integers(1, 900 * U)))
    return Periodic(dose, duration * MINUTE, interval * MINUTE, basal, first * MINUTE)


def wide(pump: Pump) -> Pump:
    """A pump of any flow, so that only the arithmetic is under test."""
    low, high = pump.fact("lowest_programmable_flow"), pump.fact("highest_flow")
    opened = {
        "lowest_programmable_flow": low.model_copy(update={"value": Decimal(0)}),
        "highest_flow": high.model_copy(update={"value": Decimal(10**6)}),
    }
    return pump.model_copy(update={"facts": {**pump.facts, **opened}})


def test_twenty_micrograms_every_six_hours_over_a_basal_of_a_hundred(pump: Pump) -> None:
    program = compile_order(SIX_HOURLY, 500, pump)
    rates = [
        program.rate_at(MONDAY + at, 0) for at in (0, 2 * HOUR, 150 * MINUTE - 1, 150 * MINUTE, 8 * HOUR)
    ]
    # 100 µg/day is 200,000 nL/day; 20 µg in half an hour is 40,000 nL x 48 more
    assert rates == [200_000, 2_120_000, 2_120_000, 200_000, 2_120_000]
    assert program.daily_dose_pg == 180 * U
    assert program.rounding_remainder == 0


def test_without_a_basal_dose_nothing_flows_between(pump: Pump) -> None:
    program = compile_order(Periodic(20 * U, 30 * MINUTE, 6 * HOUR), 500, pump)
    assert program.rate_at(MONDAY + HOUR, 0) == 0
    assert program.flow_nl_per_day == 4 * 40_000


@pytest.mark.requirement("DEL-18")
def test_a_dose_that_runs_past_midnight_goes_on_and_is_given_once(pump: Pump) -> None:
    late = Periodic(20 * U, 60 * MINUTE, 24 * HOUR, 0, 23 * HOUR + 30 * MINUTE)
    program = compile_order(late, 500, pump)
    tuesday = MONDAY + DAY
    assert [program.rate_at(tuesday + at, 0) for at in (0, 30 * MINUTE - 1, 30 * MINUTE)] == [
        960_000,
        960_000,
        0,
    ]
    assert program.flow_nl_per_day == 40_000


@pytest.mark.requirement("DEL-18", "DEL-19")
@given(order=periodics(), strength=st.sampled_from([500, 1000, 2000]))
def test_every_minute_of_the_week_flows_as_the_clock_says(order: Periodic, strength: int) -> None:
    program = compile_order(order, strength, wide(catalogue.load().pump("synchromed-ii-20")))
    between = units.divide_nearest(order.basal_pg_per_day, strength)
    dosing = units.divide_nearest(
        order.basal_pg_per_day * order.duration_ms + order.dose_pg * DAY, strength * order.duration_ms
    )
    for minute in range(0, 1440, 7):
        into = (minute * MINUTE - order.first_ms_of_day) % order.interval_ms
        expected = dosing if into < order.duration_ms else between
        assert program.rate_at(MONDAY + minute * MINUTE, 0) == expected
        assert program.rate_at(MONDAY + 6 * DAY + minute * MINUTE, 0) == expected


@pytest.mark.requirement("DEL-19")
@given(order=periodics(), strength=st.sampled_from([500, 1000, 2000]))
def test_the_doses_of_a_day_add_up_to_the_flow_and_its_remainder(order: Periodic, strength: int) -> None:
    program = compile_order(order, strength, wide(catalogue.load().pump("synchromed-ii-20")))
    exact = Fraction(order.dose_pg * DAY, order.interval_ms) + order.basal_pg_per_day
    assert daily_dose_pg(order) == peak_day_dose_pg(order) == exact
    assert program.flow_nl_per_day * strength + program.rounding_remainder == exact
    assert abs(program.rounding_remainder) <= strength  # each flow is rounded by half a nL/day at most


@given(order=periodics(), at=st.integers(0, 10**12), zone=st.sampled_from([0, HOUR, -5 * HOUR]))
def test_the_next_change_is_the_first_instant_with_another_flow(order: Periodic, at: int, zone: int) -> None:
    program = compile_order(order, 500, wide(catalogue.load().pump("synchromed-ii-20")))
    change = program.next_change_ms(at, zone)
    if change is None:  # doses too small to show in whole nL/day
        assert len(program.week) == 1
        return
    before = program.rate_at(at, zone)
    assert program.rate_at(change - 1, zone) == before != program.rate_at(change, zone)
    grid = range(at - at % MINUTE + MINUTE, change, 17 * MINUTE)
    assert all(program.rate_at(instant, zone) == before for instant in grid)


@given(periodics())
def test_a_periodic_order_is_written_in_one_form_and_read_back(order: Periodic) -> None:
    written = order_to_mapping(order)
    assert parse_order(written) == order
    assert order_to_mapping(parse_order(written)) == written


def test_the_interval_is_told_in_words_and_doses_a_day() -> None:
    assert describe_order(SIX_HOURLY) == (
        "periodic bolus, 20 µg over 30 min every 6 h from 02:00 (4 a day, together 80 µg/day), "
        "basal 100 µg/day"
    )


def test_six_minutes_for_six_hours_reads_as_240_doses_a_day() -> None:
    slipped = {"mode": "periodic bolus", "dose": "20 ug", "duration": "3 min", "interval": "6 min"}
    assert "every 6 min from 00:00 (240 a day, together 4800 µg/day)" in describe_order(parse_order(slipped))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"interval": "5 h"}, "order.interval: got 5 h, expected one that divides a day"),
        ({"interval": "48 h"}, "order.interval: got 48 h, expected whole minutes"),
        ({"duration": "6 h"}, "order.duration: got 6 h with an interval of 6 h"),
        ({"duration": "90 s"}, "order.duration: got 1 min 30 s, expected whole minutes"),
        ({"duration": "0 min"}, "order.duration: got 0 min, expected whole minutes, 1 min to 24 h"),
        ({"duration": "30"}, "order.duration: got '30' (the unit is missing)"),
        ({"dose": "0 ug"}, "order.dose: got 0 µg, expected above zero"),
        ({"dose": "20 ug/day"}, "order.dose: got '20 ug/day', expected a unit that converts to ug"),
        ({"first": "06:00"}, "order.first: got 6 h with an interval of 6 h"),
        ({"basal": "4 ug/h"}, "order.basal: got 4 ug/h, expected a value per day"),
        ({"every": "6 h"}, "order: got unknown key 'every'"),
    ],
)
def test_what_is_no_periodic_order_is_refused_in_one_line(changed: dict[str, str], told: str) -> None:
    usual = {"mode": "periodic bolus", "dose": "20 ug", "duration": "30 min", "interval": "6 h"}
    with pytest.raises(OrderError) as refused:
        parse_order({**usual, **changed})
    assert str(refused.value).startswith(told)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("missing", ["dose", "duration", "interval"])
def test_nothing_of_a_dose_is_left_to_a_default(missing: str) -> None:
    usual = {"mode": "periodic bolus", "dose": "20 ug", "duration": "30 min", "interval": "6 h"}
    with pytest.raises(OrderError, match=f"order.{missing}: missing"):
        parse_order({key: value for key, value in usual.items() if key != missing})


@pytest.mark.requirement("DEL-04")
def test_a_dose_that_with_the_basal_rate_exceeds_the_pump_is_refused(pump: Pump) -> None:
    # 24 mL/day is 1 mL/h, 16,666.7 nL a minute; with 0.2 mL/day below it
    fits = Periodic(8 * U, MINUTE, 6 * HOUR, 100 * U)
    compile_order(fits, 500, pump)
    with pytest.raises(OrderError, match=r"expected a flow of 0\.048 mL/day to 24 mL/day"):
        compile_order(Periodic(8_300_000, MINUTE, 6 * HOUR, 100 * U), 500, pump)


def test_a_basal_rate_below_the_pump_is_refused(pump: Pump) -> None:
    with pytest.raises(OrderError, match=r"expected a flow of 0\.048"):
        compile_order(Periodic(8 * U, MINUTE, 6 * HOUR, 10 * U), 500, pump)


@pytest.mark.parametrize(
    ("given_ms", "told"),
    [(0, "0 min"), (30_000, "30 s"), (90 * MINUTE, "1 h 30 min"), (DAY, "24 h"), (61_500, "1 min 1.5 s")],
)
def test_durations_in_words(given_ms: int, told: str) -> None:
    assert format_duration(given_ms) == told


@pytest.mark.parametrize("key", ["delay", "start", "at"])
def test_no_order_begins_later_than_it_is_given(key: str) -> None:
    with pytest.raises(OrderError, match=f"got unknown key '{key}'"):
        parse_order({"mode": "simple continuous", "dose": "200 ug/day", key: "6 h"})
