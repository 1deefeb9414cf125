"""Guard, credits and dose limits in a pump that lives: at the outlet, and over restarts."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.implant import (
    Spell,
    SpellKind,
    advance,
    from_bytes,
    latched_alarms,
    pump_state,
    to_bytes,
    with_spells,
)
from openitb.implant.firmware.authority import fullest
from openitb.implant.firmware.controller import Stage
from openitb.implant.store import salvaged
from openitb.prescription import Flex, FlexPattern, FlexStep, MinimumRate, SimpleContinuous, Stopped, WeekStep
from openitb.protocol import (
    AlarmCondition,
    Applied,
    DeliverBolus,
    LogKind,
    ProgramPump,
    PumpState,
    Refused,
    SetClock,
    SetDoseLimits,
    StageKind,
    WindowDose,
)

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
START_MS = 1_767_571_200_000
SIMPLE = SimpleContinuous(200_000_000)  # 0.4 mL/day of 500 µg/mL
EVERY_DAY = tuple(range(7))
FLEX = Flex((FlexPattern(EVERY_DAY, (FlexStep(0, 12_000_000), FlexStep(8 * HOUR, 6_000_000))),))
UG = units.PG_PER_UG


def corrupted(bench: object, **changes: object) -> None:
    firmware = bench.implant.firmware
    control = replace(firmware.controller, **changes)
    bench.implant = replace(bench.implant, firmware=replace(firmware, controller=control))


def running_flow(bench: object, week: tuple[WeekStep, ...]) -> None:
    """A fault in memory: the controller runs other flows than those committed."""
    corrupted(bench, program=replace(bench.implant.firmware.controller.program, week=week))


def limits(bench: object, **most_ug: int) -> Applied | Refused:
    """Limits on dose in µg, by hours: `h24=500`."""
    windows = tuple(WindowDose(int(name[1:]) * HOUR, ug * UG) for name, ug in most_ug.items())
    digest = bench.implant.firmware.controller.program.digest
    return bench.tell(SetDoseLimits("nurse", bench.command_id(), digest, windows))


# --- a faulty controller -------------------------------------------------------------------------------


@pytest.mark.requirement("DEL-07")
def test_a_flow_the_pump_could_give_but_nobody_ordered_is_stopped_before_its_first_stroke(
    bench: object,
) -> None:
    bench.order(SIMPLE)
    bench.run(HOUR)
    running_flow(bench, (WeekStep(0, 400_001),))
    assert sum(p.volume_nl for p in bench.run_days(1)) == 0
    assert pump_state(bench.implant) is PumpState.GUARD_STOP
    assert AlarmCondition.DELIVERY_GUARD in latched_alarms(bench.implant)


@pytest.mark.requirement("DEL-06", "DEL-07")
def test_a_peak_that_does_not_end_is_stopped_when_a_window_holds_more_than_the_program_ever_would(
    bench: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openitb.implant.implant.check_due_ms", lambda *_: None)
    bench.order(FLEX)
    bench.run(4 * HOUR)
    running_flow(bench, (WeekStep(0, 576_000),))  # the night's flow for ever
    bench.run_days(3)
    fullest_day = 576_000 * 8 // 24 + 288_000 * 16 // 24
    assert bench.delivered_nl() <= fullest_day + 250
    # 8 h of night flow make up the fullest 8 h, after which only the day's flow was authorised
    halted = next(e for e in bench.implant.firmware.log.entries if e.get("condition") == "delivery guard")
    assert 8 * HOUR <= halted.tick_ms <= 16 * HOUR


@pytest.mark.requirement("DEL-07", "BOL-13")
def test_a_prime_that_a_faulty_controller_makes_up_is_not_delivered(bench: object) -> None:
    bench.order(SIMPLE)
    strokes = bench.implant.firmware.counter.strokes
    corrupted(bench, stages=(Stage(StageKind.PRIME, None, strokes + 1264),))
    assert sum(p.volume_nl for p in bench.run(HOUR)) == 0
    assert pump_state(bench.implant) is PumpState.GUARD_STOP


@pytest.mark.requirement("DEL-07", "BOL-13")
def test_the_stage_of_a_prime_put_back_after_it_was_given_is_worth_nothing(bench: object) -> None:
    bench.order(SIMPLE, prime_nl=316_000)
    (stage,) = bench.implant.firmware.controller.stages
    bench.run(20 * MINUTE)
    given = bench.implant.hardware.delivered_nl
    again = replace(stage, until_stroke=stage.until_stroke + 1264)
    corrupted(bench, stages=(again,))
    bench.run(HOUR)
    assert bench.implant.hardware.delivered_nl <= given + 250
    assert pump_state(bench.implant) is PumpState.GUARD_STOP


@pytest.mark.requirement("BOL-13", "SYS-06")
@pytest.mark.parametrize("at_s", [0, 1, 5, 300, 1100, 1138, 1200])
def test_a_prime_is_given_once_whenever_the_pump_is_stored_and_read_back(at_s: int, bench: object) -> None:
    bench.order(SIMPLE, prime_nl=316_000)
    bench.run(at_s * 1000)
    bench.implant = from_bytes(to_bytes(bench.implant))
    bench.run_to(30 * MINUTE)
    assert 316_000 <= bench.delivered_nl() <= 316_000 + 400_000 * 30 // 1440 + 250
    assert latched_alarms(bench.implant) == ()


@pytest.mark.requirement("ALM-11")
@pytest.mark.parametrize("order", [SIMPLE, FLEX, MinimumRate()])
def test_an_honest_controller_is_never_vetoed_by_changes_of_order_clock_and_stop(
    order: object, bench: object
) -> None:
    for number, following in enumerate((FLEX, order, Stopped(), SimpleContinuous(24_000_000), order)):
        bench.order(following, prime_nl=0 if isinstance(following, Stopped) else 100_000)
        bench.run(7 * HOUR)
        at_ms = bench.implant.firmware.at_ms
        bench.tell(SetClock("nurse", f"clock-{number}", at_ms - 5 * HOUR, 3 * HOUR))
        bench.run(5 * HOUR)
    bench.run_days(2)
    assert latched_alarms(bench.implant) == ()


@pytest.mark.requirement("DEL-06")
@given(st.lists(st.integers(1, 5 * HOUR), min_size=1, max_size=6))
def test_a_veto_falls_at_the_same_tick_however_time_is_cut(make_bench: Callable, cuts: list[int]) -> None:
    bench = make_bench()
    bench.order(FLEX)
    bench.run(4 * HOUR)
    running_flow(bench, (WeekStep(0, 576_000),))
    whole = advance(bench.implant, START_MS + 40 * HOUR).implant
    cut = bench.implant
    for ms in cuts:
        cut = advance(cut, cut.now_ms + ms).implant
    assert advance(cut, START_MS + 40 * HOUR).implant == whole


def test_the_fullest_window_of_a_flex_program_is_the_one_worked_out_by_hand(bench: object) -> None:
    bench.order(FLEX)  # at 500 µg/mL: 576,000 nL/day for 8 h, 288,000 for 16 h
    program = bench.implant.firmware.controller.program
    assert fullest(program, HOUR) == 576_000 * HOUR
    assert fullest(program, 12 * HOUR) == 576_000 * 8 * HOUR + 288_000 * 4 * HOUR
    assert fullest(program, DAY) == 576_000 * 8 * HOUR + 288_000 * 16 * HOUR


# --- limits on dose --------------------------------------------------------------------------------------


@pytest.mark.requirement("DEL-06")
def test_a_program_that_alone_breaks_a_dose_limit_is_refused_and_the_old_one_runs_on(bench: object) -> None:
    bench.order(SIMPLE)
    assert isinstance(limits(bench, h24=300), Applied)
    refused = bench.order(SimpleContinuous(301 * UG))
    assert isinstance(refused, Refused)
    assert refused.field == "limits"
    assert bench.read().order == SIMPLE
    assert isinstance(bench.order(SimpleContinuous(300 * UG)), Applied)


@pytest.mark.requirement("DEL-06")
def test_a_limit_below_the_running_program_is_refused(bench: object) -> None:
    bench.order(SIMPLE)
    assert isinstance(limits(bench, h24=199), Refused)
    assert isinstance(limits(bench, h24=200, h4=34), Applied)
    assert bench.read().dose_limits == (WindowDose(DAY, 200 * UG), WindowDose(4 * HOUR, 34 * UG))


@pytest.mark.requirement("DEL-06")
def test_an_order_that_the_past_hours_leave_no_room_for_is_refused_and_told_why(bench: object) -> None:
    high_at_night = Flex((FlexPattern(EVERY_DAY, (FlexStep(0, 20_000_000), FlexStep(4 * HOUR, 2_000_000))),))
    bench.order(high_at_night)
    assert isinstance(limits(bench, h24=120), Applied)  # the program holds 80 + 40
    bench.run(DAY + 4 * HOUR)
    refused = bench.order(SimpleContinuous(115 * UG))
    assert isinstance(refused, Refused)
    assert refused.field == "limits"
    assert "was delivered before" in refused.reason
    bench.order(MinimumRate())
    bench.run(10 * HOUR)
    assert isinstance(bench.order(SimpleContinuous(60 * UG)), Applied)


@pytest.mark.requirement("DEL-06")
def test_a_stop_and_minimum_rate_are_never_held_up_by_a_limit(bench: object) -> None:
    bench.order(SIMPLE)
    limits(bench, h24=200)
    bench.run(DAY)
    for order in (MinimumRate(), Stopped()):
        assert isinstance(bench.order(order), Applied)


@pytest.mark.requirement("DEL-06")
def test_a_limit_on_drug_becomes_one_on_volume_with_each_concentration(bench: object) -> None:
    bench.order(SIMPLE)
    limits(bench, h24=200)
    bench.run_days(2)
    assert isinstance(bench.refill(15_000_000, 2000, bridge_nl=316_000), Applied)
    assert isinstance(bench.order(SimpleContinuous(201 * UG)), Refused)
    bench.run_days(10)
    assert latched_alarms(bench.implant) == ()


@pytest.mark.parametrize(
    "windows",
    [
        (WindowDose(DAY, 10**9), WindowDose(DAY, 10**9)),
        (WindowDose(2 * HOUR, 10**9),),
        (WindowDose(DAY, 0),),
    ],
    ids=["twice", "no such window", "nothing at all"],
)
def test_limits_that_make_no_sense_are_refused(windows: tuple[WindowDose, ...], bench: object) -> None:
    digest = bench.implant.firmware.controller.program.digest
    assert isinstance(bench.tell(SetDoseLimits("nurse", "limits", digest, windows)), Refused)


def test_setting_and_ending_limits_is_told_in_the_log(bench: object) -> None:
    bench.order(SIMPLE)
    limits(bench, h24=250)
    limits(bench)
    kinds = [entry.kind for entry in bench.read().log]
    assert kinds.count(LogKind.LIMITS_INTENDED) == kinds.count(LogKind.LIMITS_SET) == 2
    assert bench.read().dose_limits == ()
    digest = bench.implant.firmware.controller.program.digest
    assert isinstance(bench.tell(ProgramPump("n", "more", digest, SimpleContinuous(900 * UG))), Applied)


# --- boluses ---------------------------------------------------------------------------------------------


def bolus(bench: object, volume_nl: int, minutes: int = 10) -> Applied | Refused:
    digest = bench.implant.firmware.controller.program.digest
    return bench.tell(DeliverBolus("nurse", bench.command_id(), digest, volume_nl, minutes * MINUTE))


@pytest.mark.requirement("DEL-06", "BOL-01")
def test_a_bolus_that_fits_now_and_not_with_the_flow_to_come_is_refused(bench: object) -> None:
    """Incident 20 in the proportions of an implant: the pump was off, so the last hours are empty."""
    bench.order(SIMPLE)  # 66.7 µL and 33.3 µg in 4 h
    assert isinstance(limits(bench, h4=50), Applied)
    bench.order(Stopped())
    bench.run(5 * HOUR)
    bench.order(SIMPLE)
    bench.run(HOUR)
    assert isinstance(bolus(bench, 25_000), Applied)
    bench.run(HOUR)
    refused = bolus(bench, 25_000)  # 16.7 + 12.5 + 12.5 µg are in the window now, 58.3 will be
    assert isinstance(refused, Refused)
    assert refused.field == "limits"
    bench.run(2 * HOUR + 15 * MINUTE)  # the first bolus leaves every window to come
    bench.run(HOUR)
    assert isinstance(bolus(bench, 25_000), Applied)
    bench.run(DAY)
    assert latched_alarms(bench.implant) == ()


@pytest.mark.requirement("DEL-07", "BOL-13")
def test_a_bolus_that_a_faulty_controller_makes_up_or_repeats_is_not_delivered(bench: object) -> None:
    bench.order(SIMPLE)
    assert isinstance(bolus(bench, 50_000), Applied)
    under_way = bench.implant.firmware.controller.bolus
    bench.run(10 * MINUTE)
    given = bench.implant.hardware.delivered_nl
    corrupted(bench, bolus=under_way)
    bench.run(HOUR)
    assert bench.implant.hardware.delivered_nl <= given + 250
    assert pump_state(bench.implant) is PumpState.GUARD_STOP


# --- stalls, lost clocks and lost memory ---------------------------------------------------------------


@pytest.mark.requirement("DEL-11", "BOL-13")
@pytest.mark.parametrize("minutes", [1, 7, 17])
def test_a_stall_during_a_prime_costs_none_of_its_volume_and_ends_in_no_veto(
    minutes: int, bench: object
) -> None:
    bench.order(SIMPLE, prime_nl=316_000)
    still = Spell(SpellKind.STILL, START_MS + 5 * MINUTE + 333, START_MS + (5 + minutes) * MINUTE)
    bench.implant = with_spells(bench.implant, [still])
    bench.run_to((5 + minutes) * MINUTE)
    for _ in range(60):
        bench.run(MINUTE)
    assert AlarmCondition.DELIVERY_GUARD not in latched_alarms(bench.implant)
    assert bench.read().stages == ()
    assert bench.implant.hardware.delivered_nl >= 316_000


@pytest.mark.requirement("DEL-11", "DEL-10")
def test_a_stall_of_a_day_after_mri_during_a_bridge_ends_in_no_veto(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, bridge_nl=316_000)
    still = Spell(SpellKind.STILL, START_MS + HOUR, START_MS + 25 * HOUR)
    bench.implant = with_spells(bench.implant, [still])
    bench.run_days(4)
    assert AlarmCondition.DELIVERY_GUARD not in latched_alarms(bench.implant)
    assert bench.read().stages == ()


@pytest.mark.requirement("DEL-07")
def test_feedback_that_lies_about_a_prime_can_at_most_double_it(bench: object) -> None:
    bench.order(SIMPLE, prime_nl=316_000)
    bench.implant = with_spells(bench.implant, [Spell(SpellKind.MISSED, START_MS + 1)])
    bench.run(6 * HOUR)
    assert bench.implant.hardware.delivered_nl <= 2 * 316_000 + 500
    assert pump_state(bench.implant) is PumpState.GUARD_STOP


@pytest.mark.requirement("TIM-05", "DEL-17")
def test_a_clock_lost_and_set_again_during_a_flex_pattern_ends_in_no_veto(bench: object) -> None:
    bench.order(FLEX)
    bench.implant = with_spells(bench.implant, [Spell(SpellKind.CLOCK_LOST, START_MS + DAY + 8 * HOUR)])
    bench.run_days(3)
    bench.tell(SetClock("nurse", "clock", bench.implant.firmware.at_ms, 0))
    bench.run_days(3)
    assert AlarmCondition.DELIVERY_GUARD not in latched_alarms(bench.implant)


@pytest.mark.requirement("BAT-04", "DEL-14")
@pytest.mark.parametrize("order", [SIMPLE, FLEX, Stopped()])
def test_a_reset_ends_at_a_minimum_rate_that_the_guard_lets_through(order: object, bench: object) -> None:
    bench.order(order)
    bench.implant = with_spells(bench.implant, [Spell(SpellKind.RESET, START_MS + HOUR, START_MS + HOUR + 1)])
    bench.run_to(DAY)
    assert pump_state(bench.implant) is PumpState.MINIMUM_RATE
    assert bench.delivered_nl(HOUR + 1, DAY) in range(22 * 250, 25 * 250)


@pytest.mark.requirement("DEL-14", "BOL-13", "SYS-06")
def test_credits_used_before_memory_was_lost_stay_used(bench: object) -> None:
    bench.order(SIMPLE, prime_nl=316_000)
    (stage,) = bench.implant.firmware.controller.stages
    bench.run(20 * MINUTE)
    saved = salvaged(to_bytes(bench.implant))
    guard = saved.firmware.guard
    assert guard.granted(stage.credit) == guard
    assert saved.firmware.issuer.last_number >= stage.credit.number
