"""Over- and under-delivery at the outlet, told by volume: what is found, how soon, and what never is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.implant import Specimen, Spell, SpellKind, advance, latched_alarms, pump_state, with_spells
from openitb.implant.build import outlet_meter
from openitb.implant.detection import hours_to_notice, page
from openitb.implant.firmware.surveillance import MILLION, UNREMARKABLE, meter_of, noticed_after_nl
from openitb.prescription import MinimumRate, SimpleContinuous, Stopped
from openitb.protocol import AlarmCondition, Applied, LogKind, PumpState, Refused

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
START_MS = 1_767_571_200_000
SIMPLE = SimpleContinuous(200_000_000)  # 0.4 mL/day of 500 µg/mL
DOCS = Path(__file__).parents[2] / "docs"
METER = outlet_meter(catalogue.load().pump("synchromed-ii-20"))
OVER, UNDER = AlarmCondition.OVER_DELIVERY, AlarmCondition.UNDER_DELIVERY


def metered(make_bench: Callable, gain_percent: int = 0, meter_percent: int = 0) -> object:
    specimen = Specimen(gain_percent * 10_000, metered=True, meter_ppm=meter_percent * 10_000)
    bench = make_bench(specimen=specimen)
    bench.order(SIMPLE)
    return bench


def raised_ms(bench: object, condition: AlarmCondition) -> int | None:
    return next(
        (a.since_ms - START_MS for a in bench.implant.firmware.alarms if a.condition is condition), None
    )


def test_the_band_is_pump_and_meter_wrong_the_same_way_at_once() -> None:
    assert meter_of(145_000, 20_000, 5_000) == METER
    assert (METER.low_ppm, METER.high_ppm) == (837_900, 1_167_900)


@pytest.mark.requirement("DEL-09", "ALM-09")
@pytest.mark.parametrize("percent", [17, 20, 30, 50, 100, 200, 300])
def test_too_much_is_noticed_at_the_very_stroke_the_page_says_and_stops_the_motor(
    percent: int, make_bench: Callable
) -> None:
    bench = metered(make_bench, percent)
    due_ms = int(hours_to_notice(percent, 400_000) * HOUR)
    bench.run_to(due_ms - 1)
    assert OVER not in latched_alarms(bench.implant)
    bench.run_to(due_ms + DAY)
    assert raised_ms(bench, OVER) == due_ms
    assert pump_state(bench.implant) is PumpState.GUARD_STOP
    assert bench.delivered_nl(due_ms, due_ms + DAY) == 0
    assert AlarmCondition.DELIVERY_GUARD not in latched_alarms(bench.implant)


@pytest.mark.requirement("DEL-10", "ALM-09")
@pytest.mark.parametrize("percent", [-17, -20, -30, -50, -90])
def test_too_little_is_noticed_at_the_very_stroke_the_page_says_and_delivery_goes_on(
    percent: int, make_bench: Callable
) -> None:
    bench = metered(make_bench, percent)
    due_ms = int(hours_to_notice(percent, 400_000) * HOUR)
    bench.run_to(due_ms - 1)
    assert UNDER not in latched_alarms(bench.implant)
    bench.run_to(due_ms)
    assert raised_ms(bench, UNDER) == due_ms
    assert pump_state(bench.implant) is PumpState.RUNNING
    assert sum(p.volume_nl for p in bench.run_days(1)) > 0


@pytest.mark.requirement("DEL-09", "DEL-10", "ALM-11")
@pytest.mark.parametrize(("gain", "meter"), [(14, 2), (-14, -2), (14, -2), (-14, 2), (0, 0)])
def test_a_healthy_pump_never_alarms_however_its_meter_errs(
    gain: int, meter: int, make_bench: Callable
) -> None:
    bench = metered(make_bench, gain, meter)
    for _ in range(75):
        bench.run_days(35)
        bench.refill(18_000_000, 500)
        if AlarmCondition.ELECTIVE_REPLACEMENT in latched_alarms(bench.implant):
            break
    assert bench.now_ms > 6 * 365 * DAY
    assert {OVER, UNDER}.isdisjoint(latched_alarms(bench.implant))
    kinds = [e.get("condition") for e in bench.implant.firmware.log.entries if e.kind is LogKind.ALARM_RAISED]
    assert {"over-delivery", "under-delivery"}.isdisjoint(kinds)


@pytest.mark.requirement("DEL-10")
def test_a_reservoir_that_runs_dry_unseen_by_the_count_is_noticed_by_the_meter(make_bench: Callable) -> None:
    bench = metered(make_bench, 14)
    bench.run_days(44)
    assert UNDER in latched_alarms(bench.implant)
    assert AlarmCondition.EMPTY_RESERVOIR not in latched_alarms(bench.implant)


def test_without_a_meter_the_pump_notices_none_of_it(make_bench: Callable) -> None:
    bench = make_bench(specimen=Specimen(gain_ppm=500_000))
    bench.order(SIMPLE)
    bench.run_days(10)
    assert latched_alarms(bench.implant) == ()


@pytest.mark.requirement("DEL-09")
@given(cuts=st.lists(st.integers(1, 3 * HOUR), max_size=8), gain=st.sampled_from([-30, 20, 50, 300]))
def test_the_alarm_falls_at_the_same_stroke_however_time_is_cut(
    make_bench: Callable, cuts: list[int], gain: int
) -> None:
    start = metered(make_bench, gain).implant
    whole = advance(start, START_MS + 30 * HOUR).implant
    for ms in cuts:
        start = advance(start, start.now_ms + ms).implant
    assert advance(start, START_MS + 30 * HOUR).implant == whole


@given(parts=st.lists(st.integers(0, 400), min_size=1, max_size=20), ppm=st.integers(0, 4 * MILLION))
def test_an_even_flow_adds_up_the_same_in_any_parts(parts: list[int], ppm: int) -> None:
    seen = UNREMARKABLE
    for strokes in parts:
        seen = seen.after(METER, strokes * 250, strokes * 250 * ppm)
    whole = UNREMARKABLE.after(METER, sum(parts) * 250, sum(parts) * 250 * ppm)
    noticed = (whole.is_above(METER), whole.is_below(METER))
    assert (seen.is_above(METER), seen.is_below(METER)) == noticed
    assert seen == whole or any(noticed)  # once noticed nothing more is added up


@given(ppm=st.integers(0, 4 * MILLION))
def test_the_stroke_foretold_is_the_first_at_which_it_is_noticed(ppm: int) -> None:
    foretold = UNREMARKABLE.strokes_to_notice(METER, 250, 250 * ppm)
    counted_nl = noticed_after_nl(METER, ppm - MILLION)
    if foretold is None:
        assert METER.low_ppm <= ppm <= METER.high_ppm
        assert counted_nl is None
        return
    before, at = (UNREMARKABLE.after(METER, n * 250, n * 250 * ppm) for n in (foretold - 1, foretold))
    assert (before.is_above(METER), before.is_below(METER)) == (False, False)
    assert at.is_above(METER) or at.is_below(METER)
    assert foretold == -(-counted_nl // 250)


@pytest.mark.requirement("DEL-09", "ALM-09")
@pytest.mark.parametrize("rate_nl_per_day", [100_000, 1_000_000])
def test_free_flow_is_noticed_after_5_microlitres_even_where_nothing_is_asked_for(
    rate_nl_per_day: int, make_bench: Callable
) -> None:
    bench = metered(make_bench)
    bench.order(Stopped())
    bench.implant = with_spells(
        bench.implant, [Spell(SpellKind.FREE_FLOW, START_MS + HOUR, None, rate_nl_per_day)]
    )
    bench.run_days(1)
    assert raised_ms(bench, OVER) == HOUR + 5_000 * DAY // rate_nl_per_day


@pytest.mark.requirement("DEL-09")
@given(cuts=st.lists(st.integers(1, 2 * HOUR), max_size=8))
def test_free_flow_is_noticed_at_the_same_tick_however_time_is_cut(
    make_bench: Callable, cuts: list[int]
) -> None:
    start = metered(make_bench).implant
    start = with_spells(start, [Spell(SpellKind.FREE_FLOW, START_MS + HOUR, START_MS + 9 * HOUR, 77_777)])
    whole = advance(start, START_MS + 20 * HOUR).implant
    assert OVER in latched_alarms(whole)
    for ms in cuts:
        start = advance(start, start.now_ms + ms).implant
    assert advance(start, START_MS + 20 * HOUR).implant == whole


@pytest.mark.requirement("DEL-10")
def test_a_blocked_outlet_that_the_rotor_does_not_feel_is_noticed_by_the_meter(make_bench: Callable) -> None:
    bench = metered(make_bench)
    bench.implant = with_spells(bench.implant, [Spell(SpellKind.SHUT, START_MS + HOUR)])
    bench.run_days(1)
    assert UNDER in latched_alarms(bench.implant)
    assert AlarmCondition.MOTOR_STALL not in latched_alarms(bench.implant)


# --- the same alarm again and again ----------------------------------------------------------------------


@pytest.mark.requirement("ALM-10")
def test_the_third_time_within_a_day_that_an_alarm_stops_the_pump_it_cannot_be_started_again(
    make_bench: Callable,
) -> None:
    bench = metered(make_bench, 90)
    for _ in range(2):
        bench.run(HOUR)
        assert pump_state(bench.implant) is PumpState.GUARD_STOP
        assert isinstance(bench.order(SIMPLE), Applied)
    bench.run(HOUR)
    refused = bench.order(SIMPLE)
    assert isinstance(refused, Refused)
    assert refused.field == "state"
    assert pump_state(bench.implant) is PumpState.GUARD_STOP


@pytest.mark.requirement("ALM-10")
@pytest.mark.parametrize("order", [MinimumRate(), Stopped()])
def test_minimum_rate_and_stop_stay_open_to_a_pump_that_was_stopped_three_times(
    order: object, make_bench: Callable
) -> None:
    bench = metered(make_bench, 90)
    for _ in range(2):
        bench.run(HOUR)
        bench.order(SIMPLE)
    bench.run(HOUR)
    assert isinstance(bench.order(order), Applied)


@pytest.mark.requirement("ALM-10")
def test_after_a_day_without_a_repeat_the_pump_can_be_started_again(make_bench: Callable) -> None:
    bench = metered(make_bench, 90)
    for _ in range(2):
        bench.run(HOUR)
        bench.order(SIMPLE)
    bench.run(25 * HOUR)
    assert isinstance(bench.order(SIMPLE), Applied)


def test_the_detection_page_is_what_the_code_says() -> None:
    assert (DOCS / "detection.md").read_text(encoding="utf-8") == page()
