"""Time passes: what is delivered, when alarms fall, and that no cut through time changes it."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb import units
from openitb.implant import ImplantError, Specimen, advance, believed_volume_nl, latched_alarms, pump_state
from openitb.implant.firmware.controller import Stage
from openitb.implant.firmware.strokes import Counter
from openitb.prescription import Flex, FlexPattern, FlexStep, MinimumRate, SimpleContinuous, Stopped, WeekStep
from openitb.protocol import (
    AlarmCondition,
    Applied,
    LogKind,
    PumpState,
    Refused,
    SetClock,
    SetLowReservoirAlarm,
)

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
EVERY_DAY = tuple(range(7))
SIMPLE = SimpleContinuous(200_000_000)  # 0.4 mL/day of 500 µg/mL
FLEX = Flex((FlexPattern(EVERY_DAY, (FlexStep(0, 12_000_000), FlexStep(8 * HOUR, 6_000_000))),))
START_MS = 1_767_571_200_000


def raised(bench: object) -> dict[AlarmCondition, int]:
    """Alarm conditions and when they were raised, in ms from the start."""
    return {alarm.condition: alarm.since_ms - START_MS for alarm in bench.read().alarms}


def test_a_new_pump_is_stopped_and_delivers_nothing(bench: object) -> None:
    assert pump_state(bench.implant) is PumpState.STOPPED
    (parcel,) = bench.run_days(1)
    assert (parcel.start_ms, parcel.end_ms, parcel.volume_nl) == (START_MS, START_MS + DAY, 0)


@pytest.mark.requirement("DEL-01", "DEL-02")
def test_a_constant_dose_is_one_parcel_of_whole_strokes(bench: object) -> None:
    bench.order(SIMPLE)
    (parcel,) = bench.run_days(10)
    assert (parcel.volume_nl, parcel.mass_pg) == (4_000_000, 2_000_000_000)
    bench.check_accounts()


@pytest.mark.requirement("DEL-18")
def test_a_flex_day_delivers_each_step_in_its_hours(bench: object) -> None:
    bench.order(FLEX)
    night, day = bench.run_days(1)
    assert (night.end_ms - START_MS, night.mass_pg) == (8 * HOUR, 96_000_000)
    assert (day.end_ms - START_MS, day.mass_pg) == (24 * HOUR, 96_000_000)


def test_flex_follows_the_wall_clock_of_the_pump(make_bench: Callable) -> None:
    bench = make_bench(zone_offset_ms=2 * HOUR)
    bench.order(FLEX)
    ends = [parcel.end_ms - START_MS for parcel in bench.run_days(1)]
    assert ends == [6 * HOUR, 22 * HOUR, 24 * HOUR]


@pytest.mark.requirement("DEL-11", "TIM-01")
def test_setting_the_clock_moves_the_flex_pattern_and_makes_nothing_up(bench: object) -> None:
    bench.order(FLEX)
    bench.run(4 * HOUR)
    bench.tell(SetClock("nurse", "clock", START_MS + 7 * HOUR, 0))
    first, second = bench.run(4 * HOUR)
    assert first.end_ms - START_MS == 5 * HOUR
    assert (first.mass_pg, second.mass_pg) == (12_000_000, 18_000_000)


@pytest.mark.requirement("DEL-18")
def test_weekday_patterns_begin_at_monday_of_the_pump(bench: object) -> None:
    weekdays = FlexPattern((0, 1, 2, 3, 4), (FlexStep(0, 12_000_000),))
    weekend = FlexPattern((5, 6), (FlexStep(0, 6_000_000),))
    bench.order(Flex((weekdays, weekend)))
    week, days_off = bench.run_days(7)
    assert (week.end_ms - START_MS, week.mass_pg) == (5 * DAY, 5 * 288_000_000)
    assert days_off.mass_pg == 2 * 144_000_000


def test_minimum_rate_is_a_stroke_each_hour(bench: object) -> None:
    bench.order(MinimumRate())
    assert pump_state(bench.implant) is PumpState.MINIMUM_RATE
    (parcel,) = bench.run_days(1)
    assert parcel.volume_nl == 24 * 250


@pytest.mark.requirement("DEL-11")
def test_a_stop_delivers_nothing_and_missed_volume_is_not_made_up(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(1)
    bench.order(Stopped())
    bench.run_days(1)
    bench.order(SIMPLE)
    bench.run_days(1)
    assert [parcel.volume_nl for parcel in bench.parcels] == [400_000, 0, 400_000]


def test_an_instant_in_the_past_is_refused(bench: object) -> None:
    with pytest.raises(ImplantError, match="expected no earlier than"):
        advance(bench.implant, START_MS - 1)


@pytest.mark.requirement("RES-02")
def test_20_ml_at_400_microlitres_a_day_reach_2_ml_after_45_days_to_the_millisecond(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_to(45 * DAY - 1)
    assert raised(bench) == {}
    bench.run(1)
    assert raised(bench) == {AlarmCondition.LOW_RESERVOIR: 45 * DAY}
    assert believed_volume_nl(bench.implant) == 2_000_000


def test_an_alarm_is_dated_at_its_stroke_however_late_the_pump_is_looked_at(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_to(45 * DAY + 53_999)  # one millisecond before the next stroke
    assert raised(bench) == {AlarmCondition.LOW_RESERVOIR: 45 * DAY}


@pytest.mark.requirement("RES-02")
@pytest.mark.hazard("HAZ-04")
def test_the_empty_alarm_falls_at_the_residual_volume_of_1400_microlitres(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(60)
    assert raised(bench)[AlarmCondition.EMPTY_RESERVOIR] == 46 * DAY + DAY // 2
    assert bench.delivered_nl() == 18_600_000
    assert bench.implant.reservoir.volume_nl == 1_400_000
    bench.check_accounts()


def test_the_outlet_runs_dry_at_the_stroke_that_reaches_the_residual(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(60)
    last_wet = [parcel for parcel in bench.parcels if parcel.volume_nl][-1]
    assert last_wet.end_ms - START_MS == 46 * DAY + DAY // 2


def test_the_motor_goes_on_turning_when_the_count_says_empty(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(60)
    assert bench.read().rate_nl_per_day == 400_000
    assert bench.implant.firmware.counter.strokes == 60 * 1600
    assert believed_volume_nl(bench.implant) == 0


def test_alarms_are_latched_in_the_log_with_the_believed_volume(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(60)
    entries = [e for e in bench.implant.firmware.log.entries if e.kind is LogKind.ALARM_RAISED]
    told = [(e.at_ms - START_MS, e.get("condition"), e.get("believed_nl")) for e in entries]
    assert told == [
        (45 * DAY, "low reservoir", 2_000_000),
        (46 * DAY + DAY // 2, "empty reservoir", 1_400_000),
    ]


@pytest.mark.hazard("HAZ-02", without="surveillance of delivery")
def test_a_pump_that_gives_too_much_runs_dry_without_an_alarm(make_bench: Callable) -> None:
    bench = make_bench(specimen=Specimen(gain_ppm=145_000))
    bench.order(SIMPLE)
    bench.run_days(44)
    assert bench.implant.reservoir.available_nl == 0
    assert latched_alarms(bench.implant) == ()
    bench.check_accounts()


def test_a_pump_that_gives_too_little_still_holds_drug_when_it_sounds_empty(make_bench: Callable) -> None:
    bench = make_bench(specimen=Specimen(gain_ppm=-100_000))
    bench.order(SIMPLE)
    bench.run_days(47)
    assert AlarmCondition.EMPTY_RESERVOIR in latched_alarms(bench.implant)
    bench.run_days(1)
    assert bench.parcels[-1].volume_nl == 360_000
    bench.check_accounts()


def test_a_lower_alarm_volume_clears_the_alarm_and_moves_it(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(45)
    bench.tell(SetLowReservoirAlarm("nurse", "alarm", 1_600_000))
    assert raised(bench) == {}
    bench.run_days(1)
    assert raised(bench) == {AlarmCondition.LOW_RESERVOIR: 46 * DAY}


def test_a_higher_alarm_volume_raises_the_alarm_at_once(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(40)
    bench.tell(SetLowReservoirAlarm("nurse", "alarm", 4_000_000))
    assert raised(bench) == {AlarmCondition.LOW_RESERVOIR: 40 * DAY}


@pytest.mark.requirement("DEL-13")
@pytest.mark.hazard("HAZ-03")
def test_a_stop_warns_after_24_hours_and_alarms_after_48_until_the_pump_is_started(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(3)
    bench.order(Stopped())
    bench.run(24 * HOUR - 1)
    assert raised(bench) == {}
    bench.run(1)
    assert raised(bench) == {AlarmCondition.STOPPED_LONG: 4 * DAY}
    assert not any(alarm.critical for alarm in bench.read().alarms)
    bench.run(24 * HOUR)
    both = {AlarmCondition.STOPPED_LONG: 4 * DAY, AlarmCondition.STOPPED_TOO_LONG: 5 * DAY}
    assert raised(bench) == both
    assert any(alarm.critical for alarm in bench.read().alarms)
    bench.order(SIMPLE)
    assert raised(bench) == {}


@pytest.mark.requirement("DEL-13")
def test_a_second_stop_does_not_start_the_48_hours_again(bench: object) -> None:
    bench.order(Stopped())
    bench.run(24 * HOUR)
    bench.order(Stopped())
    bench.run(24 * HOUR)
    assert raised(bench)[AlarmCondition.STOPPED_TOO_LONG] == 2 * DAY


@pytest.mark.requirement("ALM-08")
def test_an_interrogation_clears_no_alarm(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(45)
    bench.read()
    assert latched_alarms(bench.implant) == (AlarmCondition.LOW_RESERVOIR,)


def test_a_refill_clears_the_reservoir_alarms_and_the_count_begins_anew(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(47)
    bench.refill(18_600_000, 500)
    assert raised(bench) == {}
    bench.run_days(45)
    assert raised(bench) == {AlarmCondition.LOW_RESERVOIR: 92 * DAY}
    bench.check_accounts()


def test_a_fast_clock_delivers_and_alarms_early_by_its_drift(make_bench: Callable) -> None:
    bench = make_bench(specimen=Specimen(drift_ppm=1000))
    bench.order(SIMPLE)
    bench.run_to(45 * DAY)
    entry = bench.implant.firmware.log.entries[-1]
    assert (entry.get("condition"), entry.tick_ms) == ("low reservoir", 45 * DAY)
    assert bench.delivered_nl() == int(Fraction(18_000_000 * 1001, 1000)) // 250 * 250
    bench.check_accounts()


@pytest.mark.parametrize("drift_ppm", [-900_000, 900_000])
def test_parcels_stay_contiguous_under_an_absurd_drift(drift_ppm: int, make_bench: Callable) -> None:
    bench = make_bench(specimen=Specimen(drift_ppm=drift_ppm))
    bench.order(FLEX)
    for ms in (1, 1, 2, 3, DAY, 1, 7 * DAY):
        bench.run(ms)
    bench.check_accounts()
    assert bench.parcels[0].start_ms == START_MS
    assert bench.parcels[-1].end_ms == bench.implant.now_ms


@pytest.mark.requirement("SYS-10")
@settings(max_examples=60)
@given(
    order=st.sampled_from([SIMPLE, FLEX, MinimumRate()]),
    specimen=st.builds(Specimen, st.integers(-145_000, 145_000), st.integers(-3000, 3000)),
    volume=st.integers(1_500_000, 4_000_000),
    bridge=st.integers(0, 500_000),
    cuts=st.lists(st.integers(0, 9 * DAY), max_size=12).map(sorted),
)
def test_an_implant_is_the_same_however_its_time_is_cut(
    make_bench: Callable,
    order: object,
    specimen: Specimen,
    volume: int,
    bridge: int,
    cuts: list[int],
) -> None:
    whole, parts = (make_bench(volume_nl=volume, specimen=specimen) for _ in range(2))
    for bench in (whole, parts):
        assert isinstance(bench.order(order, prime_nl=140_000), Applied)
        assert isinstance(bench.record(volume, 550, bridge), Applied)
    whole.run_to(9 * DAY)
    for cut in (*cuts, 9 * DAY):
        parts.run_to(cut)
    assert parts.implant == whole.implant
    for parcel in whole.parcels:
        inside = [p for p in parts.parcels if parcel.start_ms <= p.start_ms and p.end_ms <= parcel.end_ms]
        assert sum(p.volume_nl for p in inside) == parcel.volume_nl
        assert sum(p.mass_pg for p in inside) == parcel.mass_pg


def corrupted(bench: object, **changes: object) -> None:
    firmware = bench.implant.firmware
    control = replace(firmware.controller, **changes)
    bench.implant = replace(bench.implant, firmware=replace(firmware, controller=control))


@pytest.mark.requirement("DEL-07")
@pytest.mark.hazard("HAZ-01")
def test_a_corrupted_flow_is_stopped_at_the_motor_with_a_critical_alarm(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run(HOUR)
    program = bench.implant.firmware.controller.program
    corrupted(bench, program=replace(program, week=(WeekStep(0, 400_000_000),)))
    before = bench.delivered_nl()
    bench.run_days(3)
    assert bench.delivered_nl() == before
    assert raised(bench)[AlarmCondition.DELIVERY_GUARD] == HOUR
    assert bench.read().state is PumpState.GUARD_STOP
    assert next(a for a in bench.read().alarms if a.condition is AlarmCondition.DELIVERY_GUARD).critical


@pytest.mark.requirement("DEL-08")
@pytest.mark.hazard("HAZ-06")
def test_a_corrupted_flow_below_zero_moves_nothing_back(bench: object) -> None:
    bench.order(SIMPLE)
    program = bench.implant.firmware.controller.program
    corrupted(bench, program=replace(program, week=(WeekStep(0, -400_000),)))
    bench.run_days(1)
    assert bench.delivered_nl() == 0
    assert AlarmCondition.DELIVERY_GUARD in latched_alarms(bench.implant)


@pytest.mark.requirement("DEL-07")
@pytest.mark.hazard("HAZ-06")
def test_a_corrupted_count_makes_no_strokes_up(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run(HOUR)
    firmware = bench.implant.firmware
    cost = bench.implant.build.stroke_cost
    bad = replace(firmware, counter=Counter(firmware.counter.tick_ms, firmware.counter.strokes, 1000 * cost))
    bench.implant = replace(bench.implant, firmware=bad)
    before = bench.delivered_nl()
    bench.run_days(1)
    assert bench.delivered_nl() == before


def test_a_guard_stop_ends_when_a_clinician_programs_the_pump(bench: object) -> None:
    bench.order(SIMPLE)
    stage = Stage(
        "bridge", replace(bench.implant.firmware.controller.program, week=(WeekStep(0, 10**9),)), 10
    )
    corrupted(bench, stages=(stage,))
    bench.run_days(1)
    assert pump_state(bench.implant) is PumpState.GUARD_STOP
    bench.order(MinimumRate())
    corrupted(bench, stages=())
    assert latched_alarms(bench.implant) == ()
    (parcel,) = bench.run_days(1)
    assert parcel.volume_nl == 6000


@pytest.mark.requirement("BAT-02")
@pytest.mark.hazard("HAZ-09")
def test_the_service_life_ends_at_84_months_with_90_days_of_warning(bench: object) -> None:
    life = 84 * Fraction("30.4375") * DAY
    bench.order(MinimumRate())
    bench.run_to(int(life) + DAY)
    assert raised(bench)[AlarmCondition.ELECTIVE_REPLACEMENT] == life - 90 * DAY
    assert raised(bench)[AlarmCondition.END_OF_SERVICE] == life
    assert bench.read().state is PumpState.END_OF_SERVICE
    assert bench.delivered_nl() == int(life) // HOUR * 250


def test_a_pump_past_its_end_of_service_cannot_be_programmed(bench: object) -> None:
    bench.order(MinimumRate())
    bench.run_days(2600)
    refused = bench.order(SIMPLE)
    assert isinstance(refused, Refused)
    assert refused.field == "state"
    assert "end of service" in refused.reason


def test_a_pump_at_4_ml_a_day_lasts_39_months_by_the_placeholder_curve(bench: object) -> None:
    month = Fraction("30.4375") * DAY
    expected = Fraction(6500, 62 + 26 * 4) * month
    bench.order(SimpleContinuous(2_000_000_000))
    bench.run_to(int(expected) + DAY)
    ends = raised(bench)[AlarmCondition.END_OF_SERVICE]
    assert 0 <= ends - expected < 1
    assert raised(bench)[AlarmCondition.ELECTIVE_REPLACEMENT] == ends - 90 * DAY


@pytest.mark.requirement("BAT-03")
@pytest.mark.hazard("INC-04")
def test_a_higher_flow_never_moves_the_replacement_date_later(make_bench: Callable) -> None:
    dates = []
    for flow in (100_000, 1_000_000, 4_000_000, 24_000_000):
        bench = make_bench()
        bench.order(SimpleContinuous(flow * 500))
        dates.append(bench.read().battery.replacement_indicator_ms)
    assert dates == sorted(dates, reverse=True)
    assert len(set(dates)) > 1


@pytest.mark.requirement("BAT-03")
def test_the_forecast_of_a_constant_flow_comes_true(bench: object) -> None:
    bench.order(SimpleContinuous(2_000_000_000))
    forecast = bench.read().battery
    bench.run_to(forecast.end_of_service_ms - START_MS)
    after = bench.read()
    assert after.battery.end_of_service_ms == forecast.end_of_service_ms
    assert after.state is PumpState.END_OF_SERVICE


@pytest.mark.requirement("DEL-12")
@pytest.mark.parametrize("at_ms", [1, 53_999, 54_000, 54_001, 81_000, HOUR])
def test_a_stop_at_any_phase_of_a_stroke_leaves_whole_strokes_each_counted_once(
    at_ms: int, bench: object
) -> None:
    bench.order(SIMPLE)  # a stroke every 54 s
    bench.run(at_ms)
    bench.order(Stopped())
    bench.run_days(1)
    assert bench.delivered_nl() == bench.implant.firmware.counter.strokes * 250 == at_ms // 54_000 * 250


@pytest.mark.requirement("DEL-12")
@pytest.mark.parametrize("at_ms", [53_999, 54_000, 81_000])
def test_a_fault_stop_starts_no_other_stroke(at_ms: int, bench: object) -> None:
    bench.order(SIMPLE)
    bench.run(at_ms)
    program = bench.implant.firmware.controller.program
    corrupted(bench, program=replace(program, week=(WeekStep(0, 400_001),)))
    bench.run_days(1)
    assert pump_state(bench.implant) is PumpState.GUARD_STOP
    assert bench.delivered_nl() == bench.implant.firmware.counter.strokes * 250 == at_ms // 54_000 * 250
