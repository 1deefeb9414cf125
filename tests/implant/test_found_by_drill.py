"""What drills of the whole system have found, each told alone."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from openitb import units
from openitb.implant import Spell, SpellKind, latched_alarms, program_digest, pump_state, with_spells
from openitb.implant.firmware.seal import sealed
from openitb.prescription import Flex, FlexPattern, FlexStep, MinimumRate, SimpleContinuous
from openitb.prescription.program import WeekStep
from openitb.protocol import (
    AlarmCondition,
    Applied,
    DeliverBolus,
    LogKind,
    OverdoseAttestation,
    OverdoseSign,
    PumpState,
    ReduceToMinimum,
    Refused,
    SetDoseLimits,
    WindowDose,
)

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
UG = units.PG_PER_UG
CONSTANT = SimpleContinuous(200 * UG)
DAY_AND_NIGHT = Flex(
    (
        FlexPattern(
            tuple(range(7)), (FlexStep(0, 4 * UG), FlexStep(8 * HOUR, 20 * UG), FlexStep(20 * HOUR, 4 * UG))
        ),
    )
)


def lay(bench: Any, kind: SpellKind, after_ms: int, until_ms: int | None = None) -> None:
    start = bench.implant.now_ms
    until = None if until_ms is None else start + until_ms
    bench.implant = with_spells(bench.implant, [Spell(kind, start + after_ms, until)])


def bolus(bench: Any, volume_nl: int, duration_ms: int) -> Any:
    digest = program_digest(bench.implant)
    return bench.tell(DeliverBolus("nurse", bench.command_id(), digest, volume_nl, duration_ms))


def limit(bench: Any, most_pg: int, window_ms: int = DAY) -> Any:
    limits = (WindowDose(window_ms, most_pg),)
    return bench.tell(SetDoseLimits("nurse", bench.command_id(), program_digest(bench.implant), limits))


@pytest.mark.requirement("BOL-13", "DEL-07")
def test_the_credit_of_a_bolus_that_an_alarm_ended_is_worth_nothing(bench: Any) -> None:
    bench.order(CONSTANT)
    bolus(bench, 100_000, 4 * HOUR)
    credit = bench.implant.firmware.controller.bolus.credit
    lay(bench, SpellKind.STILL, MINUTE, HOUR)
    bench.run(40 * MINUTE)
    assert AlarmCondition.MOTOR_STALL in latched_alarms(bench.implant)
    guard = bench.implant.firmware.guard
    assert guard.granted(credit).ledger.left(credit) == 0


@pytest.mark.requirement("TEL-10")
def test_an_emergency_that_an_order_ended_does_not_come_back_with_a_reset(bench: Any) -> None:
    bench.order(CONSTANT)
    seen = OverdoseAttestation("Dr Lin", "emergency room", (OverdoseSign.DROWSY,))
    assert isinstance(bench.tell(ReduceToMinimum("nurse", "reduce", seen)), Applied)
    bench.run(HOUR)
    bench.order(CONSTANT)
    lay(bench, SpellKind.RESET, DAY, DAY + 1_000)
    bench.run(2 * DAY)
    assert latched_alarms(bench.implant) == (AlarmCondition.SETTINGS_LOST,)


@pytest.mark.requirement("DEL-06", "TIM-05")
def test_limits_on_dose_can_be_set_while_the_clock_is_lost(bench: Any) -> None:
    bench.order(DAY_AND_NIGHT)
    lay(bench, SpellKind.CLOCK_LOST, 44 * HOUR, 45 * HOUR)  # the night goes on at the mean of the day
    bench.run(55 * HOUR)
    assert isinstance(limit(bench, 300 * UG), Applied)
    bench.run(4 * DAY)
    assert pump_state(bench.implant) is PumpState.RUNNING


@pytest.mark.requirement("DEL-06", "BOL-01")
def test_a_bolus_over_minimum_rate_is_held_to_the_limits_before_it_is_begun(bench: Any) -> None:
    bench.order(MinimumRate())
    limit(bench, 30 * UG)
    refused = bolus(bench, 100_000, HOUR)  # 50 ug at 500 ug/mL
    assert isinstance(refused, Refused)
    assert refused.field == "limits"


@pytest.mark.requirement("DEL-06", "DEL-11")
@pytest.mark.parametrize("most_pg", [1, 40 * UG])
def test_a_pump_that_gave_all_it_may_falls_back_to_minimum_rate_and_not_to_a_stop(
    bench: Any, most_pg: int
) -> None:
    bench.order(MinimumRate())
    assert isinstance(limit(bench, most_pg), Applied)
    bolus(bench, 70_000, HOUR)
    bench.run(2 * HOUR)
    bench.order(MinimumRate())
    bench.run(3 * DAY)
    assert pump_state(bench.implant) is PumpState.MINIMUM_RATE


@pytest.mark.requirement("SYS-10")
def test_a_reading_in_the_noise_frees_nothing_however_time_is_cut(make_bench: Callable[[], Any]) -> None:
    whole, cut = make_bench(), make_bench()
    for bench in (whole, cut):
        bench.order(CONSTANT)
        bench.run(HOUR)
        low = bench.implant.firmware.reservoir
        alarming = replace(low, low_alarm_nl=low.filled_nl)
        bench.implant = replace(bench.implant, firmware=replace(bench.implant.firmware, reservoir=alarming))
        lay(bench, SpellKind.CAPTURED, MINUTE, 5 * HOUR)
        bench.run(HOUR)
        bench.read()
    whole.run(3 * HOUR)
    for _ in range(180):
        cut.run(MINUTE)
    assert cut.implant == whole.implant
    kinds = [entry.kind for entry in whole.implant.firmware.log.entries]
    assert kinds.count(LogKind.TELEMETRY_CAPTURED) == 1
    assert LogKind.TELEMETRY_RELEASED not in kinds


@pytest.mark.requirement("DEL-04")
def test_a_controller_that_went_wrong_is_not_authorised_by_a_passing_magnet(bench: Any) -> None:
    bench.order(DAY_AND_NIGHT)
    bench.run(DAY)
    program = bench.implant.firmware.controller.program
    highest = max(step.rate_nl_per_day for step in program.week)
    wrong = replace(program, week=(WeekStep(0, 3 * highest),))
    controller = replace(bench.implant.firmware.controller, program=wrong)
    firmware = sealed(replace(bench.implant.firmware, controller=controller))
    bench.implant = replace(bench.implant, firmware=firmware)
    lay(bench, SpellKind.DISTURBED, 0, MINUTE)
    bench.run(MINUTE)
    assert pump_state(bench.implant) is PumpState.GUARD_STOP


@pytest.mark.requirement("DEL-04", "SYS-01")
def test_strokes_that_wait_while_nothing_flows_are_refused_and_nothing_fails(bench: Any) -> None:
    counter = replace(bench.implant.firmware.counter, phase=100_000 * bench.implant.build.stroke_cost)
    bench.implant = replace(bench.implant, firmware=replace(bench.implant.firmware, counter=counter))
    bench.run(DAY)
    assert bench.implant.firmware.counter.strokes == 0
