"""Faults laid on the parts: what they do to fluid, and what the firmware makes of it."""

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openitb import units
from openitb.implant import (
    ImplantError,
    Spell,
    SpellKind,
    advance,
    believed_volume_nl,
    from_bytes,
    latched_alarms,
    log_entries,
    pump_state,
    to_bytes,
    with_spells,
)
from openitb.prescription import Flex, FlexPattern, FlexStep, SimpleContinuous
from openitb.protocol import AlarmCondition, LogKind, PumpState, Refused, SetClock

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
START_MS = 1_767_571_200_000
SIMPLE = SimpleContinuous(200_000_000)  # 0.4 mL/day of 500 µg/mL, a stroke every 54 s
FLEX = Flex((FlexPattern(tuple(range(7)), (FlexStep(0, 12_000_000), FlexStep(8 * HOUR, 6_000_000))),))


def lay(bench: object, kind: SpellKind, start: int, end: int | None = None, amount: int = 0) -> None:
    spell = Spell(kind, START_MS + start, None if end is None else START_MS + end, amount)
    bench.implant = with_spells(bench.implant, (spell,))


def kinds(bench: object) -> list[LogKind]:
    return [entry.kind for entry in log_entries(bench.implant)]


def told(bench: object, kind: LogKind) -> list[int]:
    """When entries of a kind were written, in ms from the start."""
    return [e.at_ms - START_MS for e in log_entries(bench.implant) if e.kind is kind]


def test_a_healthy_pump_has_no_spells_and_feels_nothing(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(30)
    assert bench.implant.hardware.spells == ()
    assert bench.implant.firmware.feeling.still_since_ms is None


@pytest.mark.requirement("DEL-10", "DEL-11", "DEL-16")
def test_a_stall_delivers_nothing_is_not_counted_and_never_made_up(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.STILL, DAY, DAY + 6 * HOUR)
    bench.run_days(2)
    assert bench.delivered_nl() == 800_000 - 100_000
    assert believed_volume_nl(bench.implant) == bench.implant.reservoir.volume_nl
    assert bench.implant.firmware.counter.strokes * 250 == bench.implant.hardware.delivered_nl
    bench.check_accounts()


@pytest.mark.requirement("DEL-10")
def test_a_stall_sounds_after_its_qualifying_time_and_not_before(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.STILL, DAY)
    first_missed = DAY + 54_000
    bench.run_to(first_missed + 20 * MINUTE - 1)
    assert latched_alarms(bench.implant) == ()
    bench.run(1)
    assert latched_alarms(bench.implant) == (AlarmCondition.MOTOR_STALL,)
    assert told(bench, LogKind.MOTOR_STALLED) == [first_missed + 20 * MINUTE]
    assert pump_state(bench.implant) is PumpState.MOTOR_STALL


@pytest.mark.requirement("LOG-01", "ALM-08")
def test_a_stall_that_ends_is_logged_and_its_alarm_stays_until_a_clinician_acts(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.STILL, DAY, DAY + 6 * HOUR)
    bench.run_days(2)
    assert told(bench, LogKind.MOTOR_RECOVERED) == [DAY + 6 * HOUR + 54_000]
    assert latched_alarms(bench.implant) == (AlarmCondition.MOTOR_STALL,)
    assert pump_state(bench.implant) is PumpState.RUNNING
    bench.order(SIMPLE)
    assert latched_alarms(bench.implant) == ()


def test_a_stall_during_a_bridge_keeps_the_bridge_for_what_is_still_in_the_path(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, 375_000)
    lay(bench, SpellKind.STILL, 9 * HOUR, 15 * HOUR)
    bench.run_to(28 * HOUR + 29 * MINUTE)
    assert pump_state(bench.implant) is PumpState.BRIDGE
    bench.run(MINUTE)
    assert pump_state(bench.implant) is PumpState.RUNNING
    assert bench.delivered_nl() == 375_000


def test_a_stall_that_the_feedback_does_not_show_is_counted_as_delivered(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.STILL, DAY)
    lay(bench, SpellKind.UNFELT, DAY)
    bench.run_days(3)
    assert bench.delivered_nl() == 400_000
    assert believed_volume_nl(bench.implant) == 20_000_000 - 1_200_000
    assert latched_alarms(bench.implant) == ()


def test_a_shut_outlet_keeps_the_fluid_and_the_pump_counts_on(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.SHUT, DAY)
    bench.run_days(3)
    assert bench.delivered_nl() == 400_000
    assert bench.implant.reservoir.volume_nl - believed_volume_nl(bench.implant) == 800_000


def test_a_worn_drive_moves_more_and_runs_dry_without_a_low_reservoir_alarm(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.GAIN, 0, None, 1_000_000)
    bench.run_days(24)
    assert bench.delivered_nl() == 18_600_000
    assert latched_alarms(bench.implant) == ()
    bench.check_accounts()


@pytest.mark.requirement("DEL-08")
def test_wear_that_takes_everything_moves_nothing_and_never_turns_round(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.GAIN, 0, None, -5_000_000)
    bench.run_days(1)
    assert bench.delivered_nl() == 0


def test_free_flow_empties_the_reservoir_whatever_the_program(bench: object) -> None:
    lay(bench, SpellKind.FREE_FLOW, HOUR, None, 18_600_000 * 24)  # the whole reservoir in an hour
    bench.run_days(1)
    wet = [p for p in bench.parcels if p.volume_nl]
    assert bench.delivered_nl() == 18_600_000
    assert wet[-1].end_ms - START_MS == 2 * HOUR
    bench.check_accounts()


def test_free_flow_adds_to_the_strokes(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.FREE_FLOW, 0, DAY, 10_000)
    bench.run_days(2)
    assert bench.delivered_nl() == 810_000


def test_a_crystal_that_ages_runs_on_from_its_count(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.DRIFT, DAY, 2 * DAY, 100_000)
    bench.run_days(3)
    assert bench.implant.firmware.counter.tick_ms == 3 * DAY + DAY // 10
    assert bench.delivered_nl() == 400_000 + 440_000 + 400_000


@pytest.mark.requirement("TIM-05", "DEL-17")
def test_a_lost_clock_runs_flex_at_its_mean_until_a_clinician_sets_it(bench: object) -> None:
    bench.order(FLEX)
    lay(bench, SpellKind.CLOCK_LOST, DAY)
    bench.run_days(2)
    second_day = [p.volume_nl for p in bench.parcels if p.start_ms >= START_MS + DAY]
    assert second_day == [384_000]
    assert latched_alarms(bench.implant) == (AlarmCondition.CLOCK_LOST,)
    bench.tell(SetClock("nurse", "clock", START_MS + 2 * DAY, 0))
    assert latched_alarms(bench.implant) == ()
    bench.run_days(1)
    assert [p.volume_nl for p in bench.parcels[-2:]] == [192_000, 192_000]


@pytest.mark.requirement("BAT-04", "DEL-11")
def test_a_low_battery_reset_ends_at_minimum_rate_with_a_critical_alarm(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.RESET, DAY, DAY + 1)
    bench.run_days(2)
    (alarm,) = bench.read().alarms
    told_alarm = (alarm.condition, alarm.critical, alarm.since_ms - START_MS)
    assert told_alarm == (AlarmCondition.SETTINGS_LOST, True, DAY)
    assert pump_state(bench.implant) is PumpState.MINIMUM_RATE
    assert bench.delivered_nl() == 400_000 + 24 * 250
    bench.order(SIMPLE)
    assert latched_alarms(bench.implant) == ()


@pytest.mark.requirement("BAT-02")
def test_a_cell_that_fails_early_is_told_of_and_a_spent_one_ends_service_without_warning(
    make_bench: Callable,
) -> None:
    weak, spent = make_bench(), make_bench()
    for bench in (weak, spent):
        bench.order(SIMPLE)
    lay(weak, SpellKind.WEAK, DAY)
    lay(spent, SpellKind.SPENT, DAY)
    weak.run_to(DAY + DAY + 90 * DAY - 1)  # a day until it is believed
    assert AlarmCondition.ELECTIVE_REPLACEMENT in latched_alarms(weak.implant)
    assert pump_state(weak.implant) is PumpState.RUNNING
    weak.run(1)
    assert pump_state(weak.implant) is PumpState.END_OF_SERVICE
    spent.run_days(2)
    assert latched_alarms(spent.implant) == (AlarmCondition.END_OF_SERVICE,)
    assert spent.delivered_nl() == 400_000


def test_noise_delays_the_entry_of_a_recovery_to_the_second_reading(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.STILL, HOUR, 2 * HOUR)
    lay(bench, SpellKind.DISTURBED, HOUR, 3 * HOUR)
    bench.run_to(4 * HOUR)
    assert LogKind.MOTOR_RECOVERED not in kinds(bench)
    bench.read()
    assert LogKind.MOTOR_RECOVERED not in kinds(bench)
    bench.read()
    (entry,) = (e for e in log_entries(bench.implant) if e.kind is LogKind.MOTOR_RECOVERED)
    assert entry.get("still_since_tick_ms") == 67 * 54_000


def test_noise_during_an_alarm_holds_delivery_until_somebody_reads_the_pump(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.STILL, HOUR, 2 * HOUR)
    lay(bench, SpellKind.CAPTURED, HOUR, 2 * HOUR)
    bench.run_days(1)
    assert AlarmCondition.MOTOR_STALL in latched_alarms(bench.implant)
    assert bench.delivered_nl() == HOUR // 54_000 * 250
    bench.read()
    bench.run_days(1)
    assert bench.delivered_nl() == HOUR // 54_000 * 250 + 400_000
    assert {LogKind.TELEMETRY_CAPTURED, LogKind.TELEMETRY_RELEASED} <= set(kinds(bench))


def test_noise_without_an_alarm_holds_nothing(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.CAPTURED, HOUR, 2 * HOUR)
    bench.run_days(1)
    assert bench.delivered_nl() == 400_000


def test_a_locked_pump_refuses_everybody_and_treats_on(bench: object) -> None:
    bench.order(SIMPLE)
    lay(bench, SpellKind.LOCKED, DAY)
    bench.run_days(2)
    before = bench.implant
    assert isinstance(bench.order(SimpleContinuous(1_000_000)), Refused)
    assert isinstance(bench.read(), Refused)
    assert bench.implant.firmware.log == before.firmware.log
    bench.run_days(1)
    assert bench.delivered_nl() == 1_200_000


def test_a_spell_in_the_past_is_refused(bench: object) -> None:
    bench.run_days(1)
    with pytest.raises(ImplantError, match="spell: got a start at"):
        lay(bench, SpellKind.STILL, DAY - 1)


@pytest.mark.parametrize(
    ("kind", "start", "end", "amount", "told"),
    [
        (SpellKind.STILL, 5, 5, 0, "got an end at 5 ms, expected after 5 ms"),
        (SpellKind.FREE_FLOW, 0, None, -1, "got a free flow of -1 nL/day, expected 0 or more"),
        (SpellKind.RESET, 0, 1, 7, "got 7 for reset, which has no amount"),
    ],
)
def test_an_impossible_spell_is_refused(
    kind: SpellKind, start: int, end: int | None, amount: int, told: str
) -> None:
    with pytest.raises(ImplantError, match=told):
        Spell(kind, start, end, amount)


AMOUNTS = {
    SpellKind.GAIN: st.integers(-1_200_000, 3_000_000),
    SpellKind.FREE_FLOW: st.integers(0, 40_000_000),
    SpellKind.DRIFT: st.integers(-5_000, 5_000),
}


@st.composite
def spells(draw: st.DrawFn) -> Spell:
    kind = draw(st.sampled_from(SpellKind))
    start = draw(st.integers(0, 3 * DAY))
    end = draw(st.none() | st.integers(start + 1, start + 3 * DAY))
    return Spell(
        kind, START_MS + start, None if end is None else START_MS + end, draw(AMOUNTS.get(kind, st.just(0)))
    )


# A free flow that empties the reservoir to the last nL, looked at in between.
EMPTIED = [
    Spell(SpellKind.STILL, START_MS, None, 0),
    Spell(SpellKind.FREE_FLOW, START_MS, None, 166_667),
]


@settings(max_examples=50)
@given(laid=st.lists(spells(), max_size=6), cuts=st.lists(st.integers(0, 6 * DAY), max_size=8))
@example(laid=EMPTIED, cuts=[518_399_482])
def test_however_a_span_with_faults_is_cut_its_end_is_the_same(
    make_bench: Callable, laid: list[Spell], cuts: list[int]
) -> None:
    bench = make_bench(volume_nl=2_400_000)
    bench.order(FLEX)
    faulty = with_spells(bench.implant, laid)
    whole = advance(faulty, START_MS + 6 * DAY)
    cut, volume, mass = faulty, 0, 0
    for at in [*sorted(cuts), 6 * DAY]:
        step = advance(cut, START_MS + at)
        cut = from_bytes(to_bytes(step.implant))
        volume += sum(p.volume_nl for p in step.delivered)
        mass += sum(p.mass_pg for p in step.delivered)
    assert cut == whole.implant
    assert volume == sum(p.volume_nl for p in whole.delivered) == cut.hardware.delivered_nl
    assert mass == sum(p.mass_pg for p in whole.delivered) == cut.hardware.delivered_pg
