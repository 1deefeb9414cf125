"""Days that are not like others: no gap, no burst, and the dose that was defined."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.implant import (
    Contents,
    advance,
    from_bytes,
    handle,
    latched_alarms,
    new_implant,
    program_digest,
    to_bytes,
)
from openitb.implant.firmware.service_life import replacement_due_ms
from openitb.implant.firmware.strokes import Counter
from openitb.prescription import Flex, FlexPattern, FlexStep, SimpleContinuous
from openitb.protocol import Applied, Interrogate, ProgramPump, SetClock

DAY, HOUR, WEEK = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_WEEK
UG = units.PG_PER_UG
NIGHT_UG_PER_H, DAY_UG_PER_H = 12, 6
FLEX = Flex(
    (FlexPattern(tuple(range(7)), (FlexStep(0, NIGHT_UG_PER_H * UG), FlexStep(8 * HOUR, DAY_UG_PER_H * UG))),)
)
START_MS = 1_767_571_200_000
PUMP, FULL = catalogue.load().pump("synchromed-ii-20"), Contents(20_000_000, 500)


def ms(at: datetime) -> int:
    return round((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


# --- days of 23 and 25 hours --------------------------------------------------------------------------

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Adelaide", "Australia/Lord_Howe", "America/St_Johns"]


def changes(zone: ZoneInfo) -> list[datetime]:
    """The midnights before the two days of 2026 that are not 24 h long."""
    nights = [datetime(2026, 1, 1, tzinfo=zone) + timedelta(days=n) for n in range(365)]
    return [night for night in nights if night.utcoffset() != (night + timedelta(days=1)).utcoffset()]


def by_clock_on_the_wall_ug(start_ms: int, end_ms: int, offset_ms: int) -> int:
    """The dose of a span by the minutes of a clock that keeps its offset, minute by minute."""
    minutes = range(start_ms, end_ms, units.MS_PER_MIN)
    night = sum((at + offset_ms) % DAY < 8 * HOUR for at in minutes)
    return (night * NIGHT_UG_PER_H + (len(minutes) - night) * DAY_UG_PER_H) // 60


@pytest.mark.requirement("TIM-03")
@pytest.mark.hazard("INC-14")
@pytest.mark.parametrize("name", ZONES)
def test_on_days_of_23_and_25_hours_the_pumps_own_clock_decides(name: str) -> None:
    zone = ZoneInfo(name)
    assert len(changes(zone)) == 2
    for midnight in changes(zone):
        year, month, day = (midnight + timedelta(days=1)).timetuple()[:3]
        start_ms, end_ms = ms(midnight), ms(datetime(year, month, day, tzinfo=zone))
        assert end_ms - start_ms != DAY
        offset_ms = round(midnight.utcoffset() / timedelta(milliseconds=1))
        implant = ordered(new_implant("NGP1", PUMP, FULL, start_ms - 2 * DAY, offset_ms), FLEX)
        before = advance(implant, start_ms).implant
        given_pg = advance(before, end_ms).implant.hardware.delivered_pg - before.hardware.delivered_pg
        assert abs(given_pg / UG - by_clock_on_the_wall_ug(start_ms, end_ms, offset_ms)) <= 1


@pytest.mark.requirement("TIM-03", "TIM-02")
@pytest.mark.parametrize("shift_ms", [HOUR, -HOUR, HOUR // 2])
def test_setting_the_zone_moves_the_steps_and_no_day_holds_more_than_its_fullest(
    shift_ms: int, bench: object
) -> None:
    bench.order(FLEX)
    bench.run_days(3)
    before = bench.implant.hardware.delivered_pg
    bench.tell(SetClock("nurse", "zone", bench.implant.now_ms, shift_ms))
    bench.run_days(1)
    given_ug = (bench.implant.hardware.delivered_pg - before) / UG
    assert abs(given_ug - 192) <= 1  # 24 h hold the whole pattern wherever they begin
    assert latched_alarms(bench.implant) == ()
    entry = next(e for e in bench.implant.firmware.log.entries if e.get("zone_offset_ms") == shift_ms)
    assert (entry.get("at_before_ms"), entry.get("zone_offset_before_ms")) == (START_MS + 3 * DAY, 0)


# --- calendar ends and counter wraps --------------------------------------------------------------------

MONDAYS_BEFORE = {
    "29 February": datetime(2028, 2, 28, tzinfo=UTC),
    "year's end": datetime(2029, 12, 31, tzinfo=UTC),
    "January 2038": datetime(2038, 1, 18, tzinfo=UTC),
    "2^32 s": datetime(2106, 2, 1, tzinfo=UTC),
    "February 2100, which has 28 days": datetime(2100, 2, 22, tzinfo=UTC),
}


def week_from(start_ms: int) -> list[tuple[int, int, int]]:
    """What leaves in a week of flex, by time since its beginning."""
    implant = ordered(new_implant("NGP1", PUMP, FULL, start_ms), FLEX)
    parcels = []
    for hour in range(0, WEEK, 7 * HOUR):
        advanced = advance(implant, start_ms + min(WEEK, hour + 7 * HOUR))
        implant = from_bytes(to_bytes(advanced.implant))
        parcels += advanced.delivered
    assert all(before.end_ms == after.start_ms for before, after in pairwise(parcels))
    assert latched_alarms(implant) == ()
    return [(p.start_ms - start_ms, p.end_ms - start_ms, p.volume_nl) for p in parcels]


def ordered(implant: object, order: object) -> object:
    command = ProgramPump("nurse", "start", program_digest(implant), order)
    implant, reply = handle(implant, command, implant.now_ms)
    assert isinstance(reply, Applied)
    return implant


@pytest.mark.requirement("TIM-04")
@pytest.mark.hazard("INC-14", "INC-15")
@pytest.mark.parametrize("name", MONDAYS_BEFORE)
def test_a_week_over_an_odd_date_is_a_week_like_any_other(name: str) -> None:
    monday = MONDAYS_BEFORE[name]
    assert monday.weekday() == 0
    assert week_from(ms(monday)) == week_from(START_MS)


@pytest.mark.requirement("TIM-04")
@pytest.mark.parametrize("wrap_ms", [2**31, 2**32])
def test_a_counter_of_milliseconds_passes_where_it_would_wrap(wrap_ms: int, bench: object) -> None:
    bench.order(SimpleContinuous(50 * UG))  # 0.1 mL/day
    bench.run_to(wrap_ms - HOUR)
    before = bench.implant.hardware.delivered_nl
    for _ in range(8):
        bench.run(HOUR // 4)
        bench.implant = from_bytes(to_bytes(bench.implant))
    assert bench.implant.firmware.counter.tick_ms == wrap_ms + HOUR
    assert abs(bench.implant.hardware.delivered_nl - before - 100_000 * 2 // 24) <= 250
    assert latched_alarms(bench.implant) == ()


# --- the day on which the pump has to be replaced ------------------------------------------------------


class Whole(int):
    """A whole number that will not be made a float, or divided into one."""

    def __float__(self) -> float:
        raise AssertionError("a date passed through floating point")

    def __truediv__(self, _other: object) -> float:
        raise AssertionError("a date passed through floating point")

    __rtruediv__ = __truediv__


@pytest.mark.requirement("TIM-06")
@given(
    st.integers(0, 80 * 30 * DAY),
    st.integers(0, 10**9),
    st.integers(0, 24_000_000),
    st.integers(0, 24_000_000),
)
def test_the_replacement_falls_due_at_the_first_tick_at_which_the_charge_is_short(
    tick_ms: int, strokes: int, mean: int, rate: int
) -> None:
    build = new_implant("NGP1", PUMP, FULL, START_MS).build
    design, cost = build.battery, build.stroke_cost
    counter = Counter(Whole(tick_ms), Whole(strokes))
    due_ms = replacement_due_ms(design, counter, cost, Whole(mean), Whole(rate))
    latest_ms = design.service_life_ms - design.eri_to_eos_ms
    reserve = design.drain_per_ms(mean) * design.eri_to_eos_ms

    def is_short(at_ms: int) -> bool:
        used = design.used(tick_ms, strokes * cost) + (at_ms - tick_ms) * design.drain_per_ms(rate)
        return design.capacity - used <= reserve

    assert due_ms <= latest_ms
    assert due_ms == latest_ms or (is_short(int(due_ms)) and not is_short(int(due_ms) - 1))
    assert design.capacity > 2**53  # more than a float holds to the unit


@pytest.mark.requirement("TIM-06")
def test_the_dates_of_the_battery_are_read_as_whole_numbers() -> None:
    _, reply = handle(new_implant("NGP1", PUMP, FULL, START_MS), Interrogate("nurse"), START_MS)
    assert {type(reply.battery.replacement_indicator_ms), type(reply.battery.end_of_service_ms)} == {int}
