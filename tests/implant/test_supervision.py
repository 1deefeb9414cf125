"""The pump watches over itself: memory, progress, cell, level, and what happens when one of them fails."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.implant import (
    Specimen,
    Spell,
    SpellKind,
    StoreError,
    from_bytes,
    latched_alarms,
    log_entries,
    pump_state,
    to_bytes,
    with_spells,
)
from openitb.implant.firmware import self_test
from openitb.implant.firmware.cell import NEW_CELL
from openitb.implant.firmware.strokes import Counter
from openitb.prescription import SimpleContinuous, Stopped, WeekStep
from openitb.protocol import (
    AlarmCondition,
    Applied,
    DeliverBolus,
    LogKind,
    PumpState,
    Refused,
    Role,
    SetClock,
    SetLowReservoirAlarm,
)

DAY, HOUR, MINUTE, SECOND = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN, units.MS_PER_S
START_MS = 1_767_571_200_000
SIMPLE = SimpleContinuous(200_000_000)  # 0.4 mL/day of 500 µg/mL, a stroke every 54 s
PER_HOUR_AT_MINIMUM = 250


def lay(bench: object, kind: SpellKind, start: int, end: int | None = None, amount: int = 0) -> None:
    spell = Spell(kind, START_MS + start, None if end is None else START_MS + end, amount)
    bench.implant = with_spells(bench.implant, (spell,))


def changed(bench: object, **parts: object) -> None:
    """A fault in memory that is running."""
    bench.implant = replace(bench.implant, firmware=replace(bench.implant.firmware, **parts))


def half_the_flow(bench: object) -> None:
    """A change no guard can see: less than was ordered."""
    control = bench.implant.firmware.controller
    program = replace(control.program, week=(WeekStep(0, 200_000),))
    changed(bench, controller=replace(control, program=program))


def ticks(bench: object, kind: LogKind) -> list[int]:
    return [entry.tick_ms for entry in log_entries(bench.implant) if entry.kind is kind]


# --- memory ---------------------------------------------------------------------------------------------


@pytest.mark.requirement("SYS-02", "DEL-14")
@pytest.mark.parametrize("cut_ms", [7 * MINUTE, HOUR, 5 * HOUR])
def test_a_program_changed_in_memory_runs_no_longer_than_to_the_next_whole_hour(
    cut_ms: int, bench: object
) -> None:
    bench.order(SIMPLE)
    bench.run(30 * MINUTE)
    half_the_flow(bench)
    while bench.now_ms < 10 * HOUR:
        bench.run(cut_ms)
    assert ticks(bench, LogKind.SELF_TEST_FAILED) == [HOUR]
    assert pump_state(bench.implant) is PumpState.MINIMUM_RATE
    (alarm,) = bench.read().alarms
    assert (alarm.condition, alarm.critical) == (AlarmCondition.SETTINGS_LOST, True)
    bench.order(SIMPLE)
    assert latched_alarms(bench.implant) == ()


@pytest.mark.requirement("SYS-02")
def test_limits_changed_in_memory_are_found_too(bench: object) -> None:
    bench.order(SIMPLE)
    guard = bench.implant.firmware.guard
    changed(bench, guard=replace(guard, limits=replace(guard.limits, highest_nl_per_day=24_000_000)))
    bench.run(2 * HOUR)
    assert ticks(bench, LogKind.SELF_TEST_FAILED) == [HOUR]


@pytest.mark.requirement("SYS-02", "SYS-01")
def test_a_command_to_a_pump_with_changed_memory_is_refused_and_the_change_is_found(bench: object) -> None:
    bench.order(SIMPLE)
    half_the_flow(bench)
    assert isinstance(bench.order(SIMPLE), Refused)
    assert pump_state(bench.implant) is PumpState.MINIMUM_RATE


@pytest.mark.requirement("SYS-01")
def test_a_restart_with_a_changed_program_delivers_the_minimum_only_and_sounds(bench: object) -> None:
    bench.order(SIMPLE)
    half_the_flow(bench)
    bench.implant = from_bytes(to_bytes(bench.implant))
    bench.run(10 * HOUR)
    assert bench.delivered_nl() == 10 * PER_HOUR_AT_MINIMUM
    assert latched_alarms(bench.implant) == (AlarmCondition.SETTINGS_LOST,)


BREAKS: dict[str, Callable[[object], None]] = {
    "counts": lambda bench: changed(
        bench, counter=Counter(bench.implant.firmware.counter.tick_ms, -9_999, 0)
    ),
    "program": half_the_flow,
    "limits": lambda bench: changed(
        bench,
        guard=replace(
            bench.implant.firmware.guard,
            limits=replace(bench.implant.firmware.guard.limits, highest_nl_per_day=-1),
        ),
    ),
    "clock": lambda bench: felt(bench, SpellKind.CLOCK_LOST),
    "battery": lambda bench: felt(bench, SpellKind.SPENT),
    "motor": lambda bench: felt(bench, SpellKind.STILL),
}


def felt(bench: object, kind: SpellKind) -> None:
    lay(bench, kind, bench.now_ms)
    bench.run(30 * MINUTE)


@pytest.mark.requirement("SYS-01")
@pytest.mark.parametrize("part", BREAKS)
def test_each_part_is_tested_in_order_and_its_failure_sounds(part: str, bench: object) -> None:
    bench.order(SIMPLE)
    BREAKS[part](bench)
    if part == "limits":  # the seal covers them too and is looked at first
        assert not dict(self_test.CHECKS)["limits"](bench.implant.firmware, bench.implant.build)
    else:
        assert self_test.first_failure(bench.implant.firmware, bench.implant.build) == part
    bench.run(HOUR)
    assert latched_alarms(bench.implant)


@pytest.mark.requirement("SYS-01")
def test_the_first_failure_ends_the_rest(bench: object, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def check(name: str, good: bool) -> tuple[str, Callable[..., bool]]:
        return name, lambda *_: (asked.append(name), good)[1]

    checks = (check("counts", True), check("program", False), check("limits", True))
    monkeypatch.setattr(self_test, "CHECKS", checks)
    assert self_test.first_failure(bench.implant.firmware, bench.implant.build) == "program"
    assert asked == ["counts", "program"]


@pytest.mark.requirement("SYS-01")
def test_delivery_does_not_begin_and_no_bolus_is_given_while_the_test_fails(bench: object) -> None:
    lay(bench, SpellKind.SPENT, 0)
    bench.run(1)
    assert isinstance(bench.order(SIMPLE), Refused)
    broken = DeliverBolus("nurse", "bolus", bench.read().program_digest, 10_000, 10 * MINUTE)
    assert isinstance(bench.tell(broken), Refused)
    bench.run_days(1)
    assert bench.delivered_nl() == 0


@pytest.mark.requirement("SYS-01")
def test_a_failing_test_at_the_start_of_delivery_refuses_the_order(
    bench: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_test, "CHECKS", (("motor", lambda *_: False),))
    refused = bench.order(SIMPLE)
    assert isinstance(refused, Refused)
    assert refused.field == "self test"
    monkeypatch.undo()
    assert isinstance(bench.order(SIMPLE), Applied)


# --- progress -------------------------------------------------------------------------------------------


@pytest.mark.requirement("SYS-04", "DEL-11")
def test_a_hang_ends_with_a_restart_into_the_program_and_nothing_is_made_up(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.HUNG, HOUR, HOUR + 100 * SECOND)
    bench.run_to(HOUR + 100 * SECOND)
    assert bench.parcels[-1].volume_nl == 0
    bench.run_to(2 * HOUR)
    assert ticks(bench, LogKind.RESTARTED) == [HOUR + 90 * SECOND]
    assert pump_state(bench.implant) is PumpState.RUNNING
    assert latched_alarms(bench.implant) == ()
    full = 2 * HOUR // 54_000 * 250
    assert full - 3 * 250 <= bench.delivered_nl() < full


@pytest.mark.requirement("SYS-04")
def test_no_progress_for_three_minutes_sounds_and_not_before(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.HUNG, HOUR, HOUR + 200 * SECOND)
    bench.run_to(HOUR + 180 * SECOND - 1)
    assert latched_alarms(bench.implant) == ()
    bench.run(1)
    (alarm,) = bench.read().alarms
    assert (alarm.condition, alarm.critical) == (AlarmCondition.CONTROL_HUNG, True)
    bench.run_to(2 * HOUR)
    assert latched_alarms(bench.implant) == (AlarmCondition.CONTROL_HUNG,)  # latched, though it runs again
    bench.tell(SetLowReservoirAlarm("nurse", "seen", 2_000_000))
    assert latched_alarms(bench.implant) == ()


@pytest.mark.requirement("SYS-07")
def test_the_third_restart_within_an_hour_ends_at_minimum_rate_with_a_critical_alarm(bench: object) -> None:
    bench.order(SIMPLE)
    for minute in (60, 75, 90):
        lay(bench, SpellKind.HUNG, minute * MINUTE, minute * MINUTE + 91 * SECOND)
    bench.run_to(91 * MINUTE)
    assert pump_state(bench.implant) is PumpState.RUNNING
    bench.run_to(3 * HOUR)
    assert len(ticks(bench, LogKind.RESTARTED)) == 3
    assert ticks(bench, LogKind.RESTARTED_TOO_OFTEN) == [90 * MINUTE + 90 * SECOND]
    assert pump_state(bench.implant) is PumpState.MINIMUM_RATE
    assert latched_alarms(bench.implant) == (AlarmCondition.SETTINGS_LOST,)


@pytest.mark.requirement("SYS-07")
def test_restarts_further_apart_than_an_hour_do_not_add_up(bench: object) -> None:
    bench.order(SIMPLE)
    for minute in (60, 95, 130):
        lay(bench, SpellKind.HUNG, minute * MINUTE, minute * MINUTE + 91 * SECOND)
    bench.run_to(4 * HOUR)
    assert len(ticks(bench, LogKind.RESTARTED)) == 3
    assert pump_state(bench.implant) is PumpState.RUNNING


@pytest.mark.requirement("SYS-07")
def test_a_pump_that_hangs_for_good_goes_on_at_minimum_rate(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.HUNG, 0)
    bench.run_days(1)
    assert bench.delivered_nl() in {23 * PER_HOUR_AT_MINIMUM, 24 * PER_HOUR_AT_MINIMUM}
    critical = {AlarmCondition.SETTINGS_LOST, AlarmCondition.CONTROL_HUNG}
    assert set(latched_alarms(bench.implant)) == critical


# --- the cell -------------------------------------------------------------------------------------------

dips = st.lists(st.tuples(st.integers(1, 8 * HOUR), st.integers(1, 8 * HOUR)), max_size=20)


@pytest.mark.requirement("BAT-01")
@given(dips)
def test_the_cell_is_weak_only_by_the_sum_of_its_weak_less_its_good_moments(
    spans: list[tuple[int, int]],
) -> None:
    cell, tick, expected = NEW_CELL, 0, 0
    for weak_ms, good_ms in spans:
        cell = cell.seen(True, tick)
        tick, expected = tick + weak_ms, expected + weak_ms
        assert cell.at(tick) == expected
        cell = cell.seen(False, tick)
        tick, expected = tick + good_ms, max(0, expected - good_ms)
        assert cell.at(tick) == expected


@pytest.mark.requirement("BAT-01")
def test_one_deep_dip_alarms_nobody_and_a_sagging_cell_does(bench: object, make_bench: Callable) -> None:
    sagging = make_bench()
    lay(bench, SpellKind.WEAK, DAY, 2 * DAY - 1)
    for day in range(1, 30):
        lay(sagging, SpellKind.WEAK, day * DAY, day * DAY + 14 * HOUR)
    for each in (bench, sagging):
        each.order(SIMPLE)
        each.run_days(29)
    assert latched_alarms(bench.implant) == ()
    assert AlarmCondition.ELECTIVE_REPLACEMENT in latched_alarms(sagging.implant)


# --- the level ------------------------------------------------------------------------------------------


@pytest.mark.requirement("RES-10")
@pytest.mark.parametrize(("off_nl", "told"), [(-1_000_000, False), (-1_000_001, True), (1_000_001, True)])
def test_level_and_count_may_differ_by_a_millilitre_and_no_more(
    off_nl: int, told: bool, make_bench: Callable
) -> None:
    bench = make_bench(specimen=Specimen(sensed=True))
    bench.order(SIMPLE)
    lay(bench, SpellKind.LEVEL, DAY, amount=off_nl)
    bench.run_days(2)
    assert (AlarmCondition.LEVEL_DOUBTFUL in latched_alarms(bench.implant)) is told


@pytest.mark.requirement("RES-10")
def test_the_earlier_of_level_and_count_is_what_dates_reckon_with(make_bench: Callable) -> None:
    bench = make_bench(specimen=Specimen(sensed=True, gain_ppm=500_000))  # gives half as much again
    bench.order(SIMPLE)
    bench.run_days(31)  # 0.6 mL/day leave, 0.4 are counted
    assert bench.read().reservoir.volume_nl == bench.implant.reservoir.volume_nl
    assert AlarmCondition.LOW_RESERVOIR in latched_alarms(bench.implant)


def test_a_pump_without_a_sensor_knows_its_count_only(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.LEVEL, 0, amount=-5_000_000)
    bench.run_days(2)
    assert latched_alarms(bench.implant) == ()


@pytest.mark.requirement("DEL-11", "SYS-06")
def test_a_hang_and_a_stop_survive_a_restart_of_the_process(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.HUNG, HOUR)
    bench.run_to(HOUR + 2 * MINUTE)
    bench.implant = from_bytes(to_bytes(bench.implant))
    bench.run_to(2 * HOUR)
    assert pump_state(bench.implant) is PumpState.MINIMUM_RATE
    assert isinstance(bench.order(Stopped()), Applied | Refused)


def test_damaged_bytes_are_still_refused_before_any_test(bench: object) -> None:
    with pytest.raises(StoreError):
        from_bytes(to_bytes(bench.implant)[:-1])


# --- over a restart, and after a bolus --------------------------------------------------------------------


@pytest.mark.requirement("ALM-08")
def test_a_latched_alarm_survives_a_restart_until_a_clinician_acts_and_its_cause_is_gone(
    bench: object,
) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.STILL, HOUR, 3 * HOUR)
    bench.run_to(2 * HOUR)
    bench.implant = from_bytes(to_bytes(bench.implant))
    setting = SetLowReservoirAlarm("nurse", "while it stands", 2_000_000)
    bench.tell(setting)
    assert latched_alarms(bench.implant) == (AlarmCondition.MOTOR_STALL,)  # the cause is still there
    bench.run_to(4 * HOUR)
    bench.tell(replace(setting, command_id="reader"), Role.READ_ONLY)
    assert latched_alarms(bench.implant) == (AlarmCondition.MOTOR_STALL,)  # not a clinician
    bench.tell(replace(setting, command_id="clinician"))
    assert latched_alarms(bench.implant) == ()


@pytest.mark.requirement("TIM-01")
def test_elapsed_time_goes_on_over_a_restart_whatever_the_clock_says(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run(HOUR)
    bench.tell(SetClock("nurse", "clock", START_MS - 400 * DAY, 0))
    bench.implant = from_bytes(to_bytes(bench.implant))
    bench.run(HOUR)
    assert bench.read().age_ms == 2 * HOUR
    assert bench.implant.firmware.at_ms == START_MS - 400 * DAY + HOUR


@pytest.mark.requirement("RES-01")
def test_a_bolus_brings_the_low_reservoir_alarm_nearer_by_its_volume(
    bench: object, make_bench: Callable
) -> None:
    control = make_bench()
    for each in (bench, control):
        each.order(SIMPLE)
    digest = bench.read().program_digest
    bench.tell(DeliverBolus("nurse", "bolus", digest, 100_000, 30 * MINUTE))
    since = []
    for each in (bench, control):
        each.run_days(46)
        alarm = next(a for a in each.read().alarms if a.condition is AlarmCondition.LOW_RESERVOIR)
        since.append(alarm.since_ms)
    assert abs(since[1] - since[0] - 100_000 * DAY // 400_000) <= 54_000
