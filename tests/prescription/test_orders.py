"""An order is read from one textual form, refused in one line, and written back unchanged."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.prescription.orders import (
    DAY_NAMES,
    Flex,
    FlexPattern,
    FlexStep,
    MinimumRate,
    Order,
    OrderError,
    SimpleContinuous,
    Stopped,
    daily_dose_pg,
    describe_order,
    order_to_mapping,
    parse_order,
    peak_day_dose_pg,
)

U = units.PG_PER_UG
HOUR = units.MS_PER_H
MINUTES_PER_DAY = units.MS_PER_DAY // units.MS_PER_MIN
ALL_DAYS = tuple(range(7))


def steps(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"from": start, "dose_rate": rate} for start, rate in pairs]


@st.composite
def step_lists(draw: st.DrawFn) -> tuple[FlexStep, ...]:
    minutes = draw(st.sets(st.integers(1, MINUTES_PER_DAY - 1), max_size=12))
    rates = st.integers(1, 10**9)
    return tuple(FlexStep(m * units.MS_PER_MIN, draw(rates)) for m in (0, *sorted(minutes)))


@st.composite
def flexes(draw: st.DrawFn) -> Flex:
    group = draw(st.lists(st.integers(0, 2), min_size=7, max_size=7))
    lists = [draw(step_lists()) for _ in range(3)]
    chosen = [(tuple(d for d in ALL_DAYS if group[d] == g), lists[g]) for g in range(3)]
    return Flex(tuple(FlexPattern(days, listed) for days, listed in chosen if days))


orders = st.one_of(
    st.just(Stopped()),
    st.just(MinimumRate()),
    st.builds(SimpleContinuous, st.integers(1, 10**12)),
    flexes(),
)


def test_a_delayed_start_is_refused_in_one_line_that_names_every_model_that_lacks_it() -> None:
    with pytest.raises(OrderError) as refused:
        parse_order({"mode": "delayed start", "dose": "100 ug/day", "from": "08:00"})
    told = str(refused.value)
    assert told.startswith("order.mode: got 'delayed start', expected a mode that the pump offers; none of ")
    pumps = catalogue.load().pumps.values()
    assert [pump.name for pump in pumps if pump.name in told] == [pump.name for pump in pumps]
    assert "\n" not in told


def test_each_mode_reads_as_what_it_says() -> None:
    assert parse_order({"mode": "stopped"}) == Stopped()
    assert parse_order({"mode": "minimum rate"}) == MinimumRate()
    assert parse_order({"mode": "simple continuous", "dose": "200 mcg/day"}) == SimpleContinuous(200 * U)
    flex = parse_order({"mode": "flex", "steps": steps(("00:00", "12 ug/h"), ("08:00", "6 ug/h"))})
    assert flex == Flex((FlexPattern(ALL_DAYS, (FlexStep(0, 12 * U), FlexStep(8 * HOUR, 6 * U))),))


def test_patterns_by_weekday_and_days_on_each_step_say_the_same() -> None:
    weekend = ["sat", "sun"]
    weekdays = [day for day in DAY_NAMES if day not in weekend]
    by_pattern = parse_order(
        {
            "mode": "flex",
            "patterns": [
                {"days": weekend, "steps": steps(("00:00", "5 ug/h"))},
                {"days": weekdays, "steps": steps(("00:00", "12 ug/h"), ("08:00", "6 ug/h"))},
            ],
        }
    )
    by_step = parse_order(
        {
            "mode": "flex",
            "steps": [
                {"from": "00:00", "dose_rate": "5 ug/h", "days": weekend},
                {"from": "00:00", "dose_rate": "12 ug/h", "days": weekdays},
                {"from": "08:00", "dose_rate": "6 ug/h", "days": weekdays},
            ],
        }
    )
    assert by_pattern == by_step


def test_days_beside_steps_may_name_the_whole_week() -> None:
    listed = steps(("00:00", "12 ug/h"))
    with_days = parse_order({"mode": "flex", "steps": listed, "days": list(DAY_NAMES)})
    assert with_days == parse_order({"mode": "flex", "steps": listed})


def test_patterns_that_flow_alike_are_one_pattern() -> None:
    alike = (FlexStep(0, 12 * U),)
    split = Flex((FlexPattern((0, 1, 2), alike), FlexPattern((3, 4, 5, 6), alike)))
    assert split == Flex((FlexPattern(ALL_DAYS, alike),))


@given(orders)
def test_an_order_written_and_read_back_is_the_same_order(order: Order) -> None:
    assert parse_order(order_to_mapping(order)) == order


@given(orders)
def test_the_written_form_is_canonical(order: Order) -> None:
    written = order_to_mapping(order)
    assert order_to_mapping(parse_order(written)) == written


def test_the_daily_dose_of_a_flex_order_by_hand() -> None:
    order = parse_order({"mode": "flex", "steps": steps(("00:00", "12 ug/h"), ("08:00", "6 ug/h"))})
    assert daily_dose_pg(order) == (12 * 8 + 6 * 16) * U


def test_the_daily_dose_of_weekday_patterns_is_the_mean_and_the_peak_the_largest_day() -> None:
    order = Flex(
        (FlexPattern((0,), (FlexStep(0, 24 * U),)), FlexPattern((1, 2, 3, 4, 5, 6), (FlexStep(0, 10 * U),)))
    )
    assert daily_dose_pg(order) == round(Fraction((24 + 6 * 10) * 24 * U, 7))
    assert peak_day_dose_pg(order) == 24 * 24 * U


@pytest.mark.requirement("DEL-19")
@given(flexes())
def test_the_daily_dose_agrees_with_counting_every_minute_of_the_week(order: Flex) -> None:
    total = Fraction(0)
    for day in ALL_DAYS:
        listed = order.pattern_of(day).steps
        for index, step in enumerate(listed):
            end = listed[index + 1].from_ms_of_day if index + 1 < len(listed) else units.MS_PER_DAY
            total += Fraction(step.dose_rate_pg_per_h * (end - step.from_ms_of_day), HOUR)
    assert abs(daily_dose_pg(order) - total / 7) <= Fraction(1, 2)


def test_stopped_doses_nothing_and_minimum_rate_depends_on_the_pump() -> None:
    assert daily_dose_pg(Stopped()) == 0
    with pytest.raises(OrderError, match="depends on pump and concentration"):
        daily_dose_pg(MinimumRate())


@pytest.mark.requirement("PRG-01")
@pytest.mark.parametrize(
    ("given_order", "field", "named"),
    [
        ("stopped", "order", "expected a table"),
        ({}, "order.mode", "missing"),
        ({"mode": "turbo"}, "order.mode", "'simple continuous'"),
        ({"mode": ["flex"]}, "order.mode", "expected one of"),
        ({"mode": "stopped", "dose": "1 ug/day"}, "order", "unknown key 'dose'"),
        ({"mode": "minimum rate", "rate": "0.1 mL/day"}, "order", "unknown key 'rate'"),
        ({"mode": "simple continuous"}, "order.dose", "missing"),
        ({"mode": "simple continuous", "dose": "200"}, "order.dose", "unit is missing"),
        ({"mode": "simple continuous", "dose": 200}, "order.dose", "expected text"),
        ({"mode": "simple continuous", "dose": "200 mL/day"}, "order.dose", "ug/day"),
        ({"mode": "simple continuous", "dose": "8 ug/h"}, "order.dose", "per day"),
        ({"mode": "simple continuous", "dose": "-200 ug/day"}, "order.dose", "at least 0"),
        ({"mode": "simple continuous", "dose": "0 ug/day"}, "order.dose", "above zero"),
        ({"mode": "simple continuous", "dose": "nan ug/day"}, "order.dose", "expected a number"),
        ({"mode": "simple continuous", "dose": "200000000 ug/day"}, "order.dose", "at most"),
        ({"mode": "flex"}, "order", "neither of steps and patterns"),
        ({"mode": "flex", "steps": [], "patterns": []}, "order", "both of steps and patterns"),
        ({"mode": "flex", "steps": []}, "order.steps", "list of steps"),
        ({"mode": "flex", "steps": "12 ug/h"}, "order.steps", "list of steps"),
        ({"mode": "flex", "steps": ["12 ug/h"]}, "order.steps[0]", "table with from"),
        ({"mode": "flex", "steps": [{"from": "00:00"}]}, "order.steps[0].dose_rate", "missing"),
        ({"mode": "flex", "steps": steps(("8:00", "6 ug/h"))}, "order.steps[0].from", "'08:00'"),
        ({"mode": "flex", "steps": steps(("24:00", "6 ug/h"))}, "order.steps[0].from", "'08:00'"),
        ({"mode": "flex", "steps": [{"from": 0, "dose_rate": "6 ug/h"}]}, "order.steps[0].from", "'08:00'"),
        ({"mode": "flex", "steps": steps(("00:00", "6 ug/day"))}, "order.steps[0].dose_rate", "per h"),
        ({"mode": "flex", "steps": steps(("00:00", "0 ug/h"))}, "order.steps[0].dose_rate", "above zero"),
        ({"mode": "flex", "steps": steps(("06:00", "6 ug/h"))}, "order.steps", "first step at 00:00"),
        (
            {"mode": "flex", "steps": steps(("00:00", "6 ug/h"), ("09:00", "5 ug/h"), ("08:00", "4 ug/h"))},
            "order.steps",
            "times that increase",
        ),
        (
            {"mode": "flex", "steps": steps(("00:00", "6 ug/h"), ("08:00", "5 ug/h"), ("08:00", "4 ug/h"))},
            "order.steps",
            "08:00 twice",
        ),
        (
            {"mode": "flex", "days": ["mon"], "steps": steps(("00:00", "6 ug/h"))},
            "order.days",
            "tue, wed, thu, fri, sat, sun",
        ),
        (
            {"mode": "flex", "patterns": [{"days": ["mon"], "steps": steps(("00:00", "6 ug/h"))}]},
            "order.patterns.days",
            "every weekday exactly once",
        ),
        (
            {"mode": "flex", "patterns": [{"days": ["monday"], "steps": steps(("00:00", "6 ug/h"))}]},
            "order.patterns[0].days",
            "weekdays from mon",
        ),
        (
            {"mode": "flex", "patterns": [{"days": ["mon", "mon"], "steps": steps(("00:00", "6 ug/h"))}]},
            "order.patterns[0].days",
            "twice",
        ),
        (
            {"mode": "flex", "days": ["mon"], "patterns": [{"steps": []}]},
            "order",
            "unknown key 'days'",
        ),
    ],
)
def test_a_malformed_order_is_refused_in_one_line_that_names_the_field(
    given_order: Any, field: str, named: str
) -> None:
    with pytest.raises(OrderError) as refusal:
        parse_order(given_order)
    message = str(refusal.value)
    assert message.startswith(f"{field}: "), message
    assert named in message
    assert "\n" not in message


def test_the_field_of_the_caller_leads_the_refusal() -> None:
    with pytest.raises(OrderError, match=r"^event\[2\]\.order\.mode: got 'x'"):
        parse_order({"mode": "x"}, "event[2].order")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
shaped = st.fixed_dictionaries(
    {"mode": st.sampled_from(["stopped", "minimum rate", "simple continuous", "flex"])},
    optional={"dose": json_like, "steps": json_like, "patterns": json_like, "days": json_like},
)


@given(json_like | shaped)
def test_anything_is_an_order_or_an_order_error(anything: object) -> None:
    try:
        order = parse_order(anything)
    except OrderError:
        return
    assert parse_order(order_to_mapping(order)) == order


def test_weekdays_are_named_once_each_in_the_value_too() -> None:
    listed = (FlexStep(0, U),)
    for days in ((), (0, 0), (1, 0), (7,)):
        with pytest.raises(OrderError, match="days"):
            FlexPattern(days, listed)


def test_a_step_starts_on_a_whole_minute_of_the_day() -> None:
    for start in (-1, 30_000, units.MS_PER_DAY):
        with pytest.raises(OrderError, match="whole minute"):
            FlexStep(start, U)


def test_orders_are_described_for_a_person_with_the_clinics_own_sign() -> None:
    flex = parse_order({"mode": "flex", "steps": steps(("00:00", "12 ug/h"), ("08:00", "6.5 ug/h"))})
    assert describe_order(flex) == "flex, 00:00 12 µg/h, 08:00 6.5 µg/h"
    assert describe_order(SimpleContinuous(200 * U), "mcg") == "simple continuous, 200 mcg/day"
    assert describe_order(Stopped()) == "stopped"
