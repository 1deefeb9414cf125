"""An order becomes the flow of one pump, and nothing of the dose is lost on the way unseen."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.catalogue import Pump
from openitb.prescription.orders import (
    Flex,
    FlexPattern,
    FlexStep,
    MinimumRate,
    Order,
    OrderError,
    Periodic,
    SimpleContinuous,
    Stopped,
    daily_dose_pg,
    parse_order,
)
from openitb.prescription.program import Program, compile_order

U = units.PG_PER_UG
DAY, WEEK, HOUR = units.MS_PER_DAY, units.MS_PER_WEEK, units.MS_PER_H
PUMP = catalogue.load().pump("synchromed-ii-20")
MONDAY = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1000)
NIGHT_AND_DAY = parse_order(
    {
        "mode": "flex",
        "steps": [{"from": "00:00", "dose_rate": "12 ug/h"}, {"from": "08:00", "dose_rate": "6 ug/h"}],
    }
)
WEEKEND = Flex(
    (
        FlexPattern((0, 1, 2, 3, 4), (FlexStep(0, 12 * U), FlexStep(8 * HOUR, 6 * U))),
        FlexPattern((5, 6), (FlexStep(0, 12 * U),)),
    )
)

doses = st.integers(50 * U, 2000 * U)
strengths = st.sampled_from([100, 500, 1000, 2000])
instants = st.integers(0, 4 * 10**12)
zones = st.sampled_from([0, 1, -5, 12]).map(lambda hours: hours * HOUR)


@st.composite
def flexes(draw: st.DrawFn) -> Flex:
    patterns = []
    split = draw(st.integers(1, 6))
    for days in (range(split), range(split, 7)):
        minutes = sorted({0} | draw(st.sets(st.integers(1, 1439), max_size=4)))
        listed = tuple(FlexStep(m * units.MS_PER_MIN, draw(st.integers(2 * U, 40 * U))) for m in minutes)
        patterns.append(FlexPattern(tuple(days), listed))
    return Flex(tuple(patterns))


PERIODIC = Periodic(20 * U, 30 * units.MS_PER_MIN, 6 * HOUR, 100 * U, 5 * HOUR + 45 * units.MS_PER_MIN)
orders = st.one_of(
    st.builds(SimpleContinuous, doses), flexes(), st.sampled_from([Stopped(), MinimumRate(), PERIODIC])
)


def compiled(order: Order, strength: int) -> Program:
    """On a pump wide open, so that only the arithmetic is under test."""
    fact = PUMP.fact("lowest_programmable_flow").model_copy(update={"value": Decimal(0)})
    wide = PUMP.model_copy(update={"facts": {**PUMP.facts, "lowest_programmable_flow": fact}})
    return compile_order(order, strength, wide)


def test_two_hundred_micrograms_a_day_of_five_hundred_is_point_four_millilitres() -> None:
    program = compile_order(SimpleContinuous(200 * U), 500, PUMP)
    assert program.rate_at(MONDAY, 0) == 400_000
    assert program.daily_dose_pg == 200 * U
    assert program.rounding_remainder == 0
    assert program.next_change_ms(MONDAY, 0) is None


@pytest.mark.requirement("DEL-19")
def test_a_dose_that_does_not_divide_leaves_its_remainder_in_sight() -> None:
    program = compile_order(SimpleContinuous(200 * U), 1895, PUMP)
    assert program.rate_at(MONDAY, 0) == 105_541
    assert program.rounding_remainder == 200 * U - 105_541 * 1895


def test_stopped_flows_nothing_and_minimum_rate_the_pumps_own() -> None:
    assert compile_order(Stopped(), 500, PUMP).flow_nl_per_day == 0
    idle = compile_order(MinimumRate(), 500, PUMP)
    assert idle.flow_nl_per_day == PUMP.minimum_rate_nl_per_day
    assert idle.daily_dose_pg == 3 * U


@pytest.mark.requirement("DEL-18")
def test_flex_changes_at_the_pumps_own_hours() -> None:
    program = compile_order(NIGHT_AND_DAY, 500, PUMP)
    assert program.rate_at(MONDAY, 0) == 576_000
    assert program.rate_at(MONDAY + 8 * HOUR - 1, 0) == 576_000
    assert program.rate_at(MONDAY + 8 * HOUR, 0) == 288_000
    assert program.next_change_ms(MONDAY, 0) == MONDAY + 8 * HOUR
    assert program.next_change_ms(MONDAY + 8 * HOUR, 0) == MONDAY + DAY


def test_a_pump_clock_two_hours_ahead_changes_two_hours_earlier() -> None:
    program = compile_order(NIGHT_AND_DAY, 500, PUMP)
    assert program.rate_at(MONDAY + 6 * HOUR, 2 * HOUR) == 288_000
    assert program.next_change_ms(MONDAY, 2 * HOUR) == MONDAY + 6 * HOUR


def test_weekday_patterns_follow_the_calendar() -> None:
    program = compile_order(WEEKEND, 500, PUMP)
    noons = [program.rate_at(MONDAY + day * DAY + 12 * HOUR, 0) for day in range(7)]
    assert noons == [288_000] * 5 + [576_000] * 2
    friday_night = MONDAY + 5 * DAY
    assert program.next_change_ms(friday_night, 0) == MONDAY + WEEK + 8 * HOUR


def test_a_flex_order_with_one_rate_never_changes() -> None:
    order = Flex((FlexPattern(tuple(range(7)), (FlexStep(0, 10 * U), FlexStep(DAY // 2, 10 * U))),))
    assert compile_order(order, 500, PUMP).next_change_ms(MONDAY, 0) is None


@pytest.mark.requirement("DEL-18")
@pytest.mark.hazard("HAZ-32")
@given(orders, strengths, instants, zones)
def test_the_next_change_is_the_first_instant_with_another_rate(
    order: Order, strength: int, at: int, zone: int
) -> None:
    program = compiled(order, strength)
    change = program.next_change_ms(at, zone)
    minutes = range(
        at - at % units.MS_PER_MIN + units.MS_PER_MIN, at + WEEK + 2 * units.MS_PER_MIN, 60 * 60_000
    )
    if change is None:
        assert {program.rate_at(minute, zone) for minute in minutes} == {program.rate_at(at, zone)}
        return
    assert change > at
    assert program.rate_at(change - 1, zone) == program.rate_at(at, zone) != program.rate_at(change, zone)


@pytest.mark.requirement("DEL-18", "DEL-19")
@pytest.mark.hazard("HAZ-32")
@given(orders, strengths, instants, zones)
def test_a_week_of_flow_carries_the_weeks_dose_to_within_the_remainder(
    order: Order, strength: int, at: int, zone: int
) -> None:
    program = compiled(order, strength)
    flow = program.timeline(at, at + WEEK, zone).integral()
    assert isinstance(flow, int)
    flowed = Fraction(flow, DAY) * strength
    assert flowed == 7 * (program.flow_nl_per_day * strength)
    if not isinstance(order, MinimumRate):
        assert abs(flowed / 7 + program.rounding_remainder - daily_dose_pg(order)) <= Fraction(1, 2)
    assert abs(program.rounding_remainder) <= Fraction(strength, 2)


@pytest.mark.requirement("DEL-18")
@given(orders, strengths, instants, st.integers(1, WEEK), st.integers(1, WEEK), zones)
def test_the_timeline_is_the_same_however_it_is_cut(
    order: Order, strength: int, at: int, first: int, second: int, zone: int
) -> None:
    program = compiled(order, strength)
    whole = program.timeline(at, at + first + second, zone)
    left = program.timeline(at, at + first, zone)
    right = program.timeline(at + first, at + first + second, zone)
    assert left.merge(right) == whole


@given(flexes(), strengths, instants, st.integers(-50, 50))
def test_a_week_later_everything_repeats(order: Flex, strength: int, at: int, weeks: int) -> None:
    program = compiled(order, strength)
    assert program.rate_at(at, 0) == program.rate_at(at + weeks * WEEK, 0)


@given(doses, strengths)
def test_twice_the_strength_at_twice_the_dose_is_the_same_flow(dose: int, strength: int) -> None:
    one, two = compiled(SimpleContinuous(dose), strength), compiled(SimpleContinuous(2 * dose), 2 * strength)
    assert one.week == two.week


@pytest.mark.requirement("DEL-03")
def test_the_pumps_own_limits_are_inside_and_a_hair_beyond_is_refused() -> None:
    lowest, highest = PUMP.lowest_flow_nl_per_day * 500, PUMP.highest_flow_nl_per_day * 500
    assert compile_order(SimpleContinuous(lowest), 500, PUMP).flow_nl_per_day == PUMP.lowest_flow_nl_per_day
    assert compile_order(SimpleContinuous(highest), 500, PUMP).flow_nl_per_day == PUMP.highest_flow_nl_per_day
    for beyond in (lowest - 1, highest + 1):
        with pytest.raises(OrderError, match=r"expected a flow of 0\.048 mL/day to 24 mL/day"):
            compile_order(SimpleContinuous(beyond), 500, PUMP)


@pytest.mark.requirement("DEL-03")
def test_one_flex_step_out_of_range_refuses_the_whole_order() -> None:
    order = Flex((FlexPattern(tuple(range(7)), (FlexStep(0, 12 * U), FlexStep(DAY // 2, U // 2))),))
    with pytest.raises(OrderError, match="12 µg/day at 500 µg/mL"):
        compile_order(order, 500, PUMP)


def test_as_many_changes_as_the_pump_holds_and_not_one_more() -> None:
    def order(count: int) -> Flex:
        listed = tuple(FlexStep(hour * HOUR, (10 + hour) * U) for hour in range(count))
        return Flex((FlexPattern(tuple(range(7)), listed),))

    assert len(compile_order(order(13), 500, PUMP).week) == 7 * 13
    with pytest.raises(OrderError, match="got 14 changes a day, expected at most 13"):
        compile_order(order(14), 500, PUMP)


@pytest.mark.parametrize("strength", [0, -500])
def test_a_concentration_that_is_not_above_zero_is_refused(strength: int) -> None:
    with pytest.raises(OrderError, match="concentration: got"):
        compile_order(SimpleContinuous(U), strength, PUMP)


def test_equal_orders_have_one_digest_and_any_difference_another(pump: Pump) -> None:
    program = compile_order(NIGHT_AND_DAY, 500, pump)
    assert program.digest == compile_order(NIGHT_AND_DAY, 500, pump).digest
    larger = catalogue.load().pump("synchromed-ii-40")
    others = [
        compile_order(NIGHT_AND_DAY, 1000, pump),
        compile_order(NIGHT_AND_DAY, 500, larger),
        compile_order(SimpleContinuous(192 * U), 500, pump),
        replace(program, week=program.week[:-1]),
    ]
    assert len({program.digest, *(other.digest for other in others)}) == 5


def test_the_digest_of_a_known_program_stays_what_saved_pumps_hold(pump: Pump) -> None:
    program = compile_order(SimpleContinuous(200 * U), 500, pump)
    assert program.digest == "37ec8f6b421460e9c82daf0b449588741780ad1661ae17b9e68ac8d70ebb7d48"


@pytest.mark.requirement("DEL-18")
@given(flexes(), strengths)
def test_the_steps_of_a_week_follow_each_other_without_gap_or_overlap(order: Flex, strength: int) -> None:
    program = compiled(order, strength)
    line = program.timeline(MONDAY, MONDAY + WEEK, 0)
    segments = list(line.segments())
    assert (segments[0].start_ms, segments[-1].end_ms) == (MONDAY, MONDAY + WEEK)
    assert all(before.end_ms == after.start_ms for before, after in pairwise(segments))
    for day in range(7):
        for step in order.pattern_of(day).steps:
            at = MONDAY + day * DAY + step.from_ms_of_day
            expected = units.divide_nearest(step.dose_rate_pg_per_h * 24, strength)
            assert program.rate_at(at, 0) == expected


@pytest.mark.requirement("DEL-18")
def test_a_step_of_one_minute_at_the_edge_of_midnight_flows_its_minute() -> None:
    last = 23 * HOUR + 59 * units.MS_PER_MIN
    order = Flex((FlexPattern(tuple(range(7)), (FlexStep(0, 12 * U), FlexStep(last, 36 * U))),))
    program = compile_order(order, 500, PUMP)
    tuesday = MONDAY + DAY
    rates = [program.rate_at(at, 0) for at in (tuesday - 60_001, tuesday - 60_000, tuesday - 1, tuesday)]
    assert rates == [576_000, 1_728_000, 1_728_000, 576_000]


def test_a_program_that_moves_nothing_is_still() -> None:
    valve = catalogue.load().pump("prometra-ii-20")
    still = (compile_order(Stopped(), 500, PUMP), compile_order(MinimumRate(), 500, valve))
    moving = (compile_order(MinimumRate(), 500, PUMP), compile_order(Periodic(U, HOUR, DAY), 500, valve))
    assert all(program.is_still for program in still)
    assert not any(program.is_still for program in moving)
