"""The invariants of the whole system, each a small function: empty text if it holds, else what is wrong.

Checked after every step on the implant that the step touched; that it touched no other is checked
apart (`untouched`). To add one, write the function and name it in `INVARIANTS`.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from openitb import units
from openitb.implant import Implant, advance, latched_alarms, pump_state
from openitb.prescription import MinimumRate, Stopped
from openitb.prescription.modes import exact_daily_dose_pg
from openitb.protocol import AlarmCondition, PumpState, Role, verify_chain
from openitb.world.drill.bed import OUTCOMES, Cause, Scene, was_applied

CRITICAL_HALTS = {
    PumpState.GUARD_STOP: AlarmCondition.DELIVERY_GUARD,
    PumpState.END_OF_SERVICE: AlarmCondition.END_OF_SERVICE,
}
BY_AGE = {"elective replacement", "end of service"}


def every_window_is_within_the_highest_flow(scene: Scene) -> str:
    """INV-1: no window of any length holds more than the highest flow and one stroke."""
    specs = scene.bed.expected.specs
    stroke = -(-specs.stroke_nl * (1_000_000 + specs.gain_ppm) // 1_000_000) + 1  # and one nL carried
    peak_nl = scene.bed.accounts.peak // units.MS_PER_DAY
    return "" if peak_nl <= stroke else f"a window held {peak_nl} nL beyond the highest flow"


def delivery_is_the_authorised_one(scene: Scene) -> str:
    """INV-2: strokes, and volume at the outlet, are those of the exact reference."""
    truth, expected = scene.after.hardware.delivered_nl, scene.bed.expected
    strokes = scene.after.firmware.counter.strokes
    if strokes != expected.strokes:
        return f"made {strokes} strokes, expected {expected.strokes}"
    wanted = expected.fluid.delivered_nl
    return "" if truth == wanted else f"delivered {truth} nL, expected {wanted} nL"


def nothing_is_made_or_lost(scene: Scene) -> str:
    """INV-3: nothing flows back, and what went in is in the reservoir or came out, fluid and drug."""
    truth, before, sums = scene.after.hardware, scene.before.hardware, scene.bed.accounts
    if any(parcel.volume_nl < 0 or parcel.mass_pg < 0 for parcel in scene.parcels):
        return "a parcel below zero"
    if truth.delivered_nl < before.delivered_nl or truth.delivered_pg < before.delivered_pg:
        return "delivered volume or drug went down"
    left_nl = sums.in_nl - sums.out_nl - truth.delivered_nl
    left_pg = sums.in_pg - sums.out_pg - truth.delivered_pg
    if (left_nl, left_pg) != (truth.reservoir.volume_nl, truth.reservoir.mass_pg):
        return f"reservoir holds {truth.reservoir.volume_nl} nL, accounts say {left_nl} nL"
    believed = scene.after.firmware.believed_nl(scene.after.build)
    counted = max(0, scene.bed.expected.believed_nl)
    return "" if believed == counted else f"believes {believed} nL, fill less strokes is {counted} nL"


def a_command_acts_once(scene: Scene) -> str:
    """INV-4: no command id has two outcomes in the log, and what is repeated is answered alike."""
    told = [
        str(entry.get("command_id"))
        for entry in scene.new
        if entry.kind.value in OUTCOMES and entry.get("command_id")
    ]
    again = [command_id for command_id in told if command_id in scene.bed.done or told.count(command_id) > 1]
    scene.bed.done.update(told)
    if again:
        return f"command {again[0]} was carried out twice"
    heard = scene.event.heard
    if heard is None or scene.command is None or not heard.reply:
        return ""
    first = scene.bed.replies.setdefault(heard.request, heard.reply)
    is_same = first == heard.reply
    return "" if is_same else f"command {scene.command.command_id} got another answer the second time"


def the_last_committed_program_runs(scene: Scene) -> str:
    """INV-5: order, drug and weekly flow are those of the last command carried out, bit for bit."""
    program, expected = scene.after.firmware.controller.program, scene.bed.expected
    if program is scene.before.firmware.controller.program and not scene.moved:
        return ""
    if (program.order, program.concentration_ug_per_ml) != (expected.order, expected.concentration):
        return f"runs {program.order} at {program.concentration_ug_per_ml} µg/mL, expected {expected.order}"
    weekly = [(step.from_ms_of_week, step.rate_nl_per_day) for step in program.week]
    kept = [flow for i, flow in enumerate(expected.flows) if not i or flow[1] != expected.flows[i - 1][1]]
    return "" if weekly == kept else f"flows {weekly}, expected {kept}"


def silence_of_the_motor_sounds(scene: Scene) -> str:
    """INV-6: where delivery is expected and nothing flows, a critical alarm stands."""
    state, latched = pump_state(scene.after), latched_alarms(scene.after)
    if state in CRITICAL_HALTS:
        return "" if CRITICAL_HALTS[state] in latched else f"{state.value} without its alarm"
    is_off = state is PumpState.STOPPED
    return (
        ""
        if is_off == (scene.bed.expected.flow == 0)
        else f"{state.value}, expected {scene.bed.expected.order}"
    )


def alarms_follow_from_state(scene: Scene) -> str:
    """INV-7: the latched conditions are exactly those that hold."""
    latched = {condition.value for condition in latched_alarms(scene.after)} - BY_AGE
    held = scene.bed.expected.conditions
    return "" if latched == held else f"alarms {sorted(latched)}, expected {sorted(held)}"


def the_log_grows_by_links(scene: Scene) -> str:
    """INV-8: entries follow the old ones without gap; every effect is told, its intent before it."""
    log, old = scene.after.firmware.log, scene.last.firmware.log
    if log.entries is not old.entries:
        kept = len(log.entries) - (log.head.number - old.head.number)
        if kept < 0 or log.entries[:kept] != old.entries[len(old.entries) - kept :]:
            return "earlier entries have changed"
        fault = verify_chain(log.entries[kept:], old.head)
        if fault is not None:
            return fault.problem
    return _untold_effect(scene)


def saving_and_starting_change_nothing(scene: Scene) -> str:
    """INV-9: saved, read back and caught up with, an implant is as if it had only lived on."""
    if not scene.moved or scene.event.cause is not Cause.SAVED or scene.applied or scene.event.heard:
        return ""
    lived = advance(scene.before, scene.after.now_ms).implant
    return "" if lived == scene.after else "read back, it is not what it was"


def a_clock_setting_delivers_nothing(scene: Scene) -> str:
    """INV-10: a command moves no fluid, and only a set clock moves the clock."""
    before, kept = scene.before, scene.event.kept
    if scene.moved and kept.now_ms == before.now_ms:
        moved_nl = kept.hardware.delivered_nl - before.hardware.delivered_nl
        if moved_nl or kept.firmware.counter != before.firmware.counter:
            return f"a request moved {moved_nl} nL, or strokes or time"
    clock, expected = scene.after.firmware.clock, scene.bed.expected
    is_kept = (clock.offset_ms, clock.zone_offset_ms) == (expected.clock_ms, expected.zone_ms)
    return "" if is_kept else f"clock {clock}, expected {expected.clock_ms} and {expected.zone_ms} ms"


def only_who_may_changes_anything(scene: Scene) -> str:
    """INV-11: without a request, or by a reader, nothing is commanded; the answer tells what was done."""
    heard = scene.event.heard
    if heard is None:
        is_changed = scene.moved and scene.event.cause in {Cause.NOTHING, Cause.REQUEST}
        return "its state was replaced without a request" if is_changed else ""
    if scene.applied and heard.role is not Role.CLINICIAN:
        return f"a command by {heard.role.value if heard.role else 'nobody'} was carried out"
    if scene.applied and heard.reply and not was_applied(heard):
        return "a command was carried out and answered otherwise"
    return ""


def nonsense_is_not_carried_out(scene: Scene) -> str:
    """DEL-03: what no pump may do is refused, whoever asks."""
    return "a request without sense was carried out" if scene.applied and not scene.event.sound else ""


def dose_shown_is_dose_given(scene: Scene) -> str:
    """INV-13: ordered dose and weekly flow differ by less than a nL/day, and the remainder is shown."""
    program = scene.after.firmware.controller.program
    if program is scene.before.firmware.controller.program or isinstance(
        program.order, Stopped | MinimumRate
    ):
        return ""
    given = program.flow_nl_per_day * program.concentration_ug_per_ml
    remainder = exact_daily_dose_pg(program.order) - given
    if abs(remainder) > Fraction(program.concentration_ug_per_ml, 2):
        return f"dose and flow are {float(remainder)} pg/day apart"
    return "" if remainder == program.rounding_remainder else "the remainder shown is another"


class Invariant(NamedTuple):
    """One rule: its id in the safety reference, and the function that judges a scene."""

    rule: str
    problem: Callable[[Scene], str]


INVARIANTS = (
    Invariant("INV-1", every_window_is_within_the_highest_flow),
    Invariant("INV-2", delivery_is_the_authorised_one),
    Invariant("INV-3", nothing_is_made_or_lost),
    Invariant("INV-4", a_command_acts_once),
    Invariant("INV-5", the_last_committed_program_runs),
    Invariant("INV-6", silence_of_the_motor_sounds),
    Invariant("INV-7", alarms_follow_from_state),
    Invariant("INV-8", the_log_grows_by_links),
    Invariant("INV-9", saving_and_starting_change_nothing),
    Invariant("INV-10", a_clock_setting_delivers_nothing),
    Invariant("INV-11", only_who_may_changes_anything),
    Invariant("INV-13", dose_shown_is_dose_given),
    Invariant("DEL-03", nonsense_is_not_carried_out),
)


def problems(scene: Scene) -> dict[str, str]:
    """The rules that do not hold, and how; empty if all do."""
    return {rule: found for rule, problem in INVARIANTS if (found := problem(scene))}


def _untold_effect(scene: Scene) -> str:
    """An effect without its entry, or an entry without its intent before it."""
    kinds = [entry.kind.value for entry in scene.new]
    for entry in scene.new:
        intent = OUTCOMES.get(entry.kind.value)
        if intent and not _was_intended(scene, entry.number, intent, entry.get("command_id")):
            return f"entry {entry.number}, {entry.kind.value}, has no intent before it"
    for name, outcomes in _TOLD_BY.items():
        changed = _settings(scene.last)[name] != _settings(scene.after)[name]
        if changed and not set(outcomes).intersection(kinds):
            return f"{name} changed and the log does not tell"
    return ""


_TOLD_BY = {
    "program": ("program changed", "refill recorded"),
    "filled volume": ("refill recorded",),
    "low alarm": ("alarm setting changed",),
    "clock": ("clock set",),
    "alarms raised": ("alarm raised", "alarm cleared"),
}


def _settings(implant: Implant) -> dict[str, object]:
    firmware = implant.firmware
    return {
        "program": firmware.controller.program,
        "filled volume": (firmware.reservoir.filled_nl, firmware.reservoir.filled_at_stroke),
        "low alarm": firmware.reservoir.low_alarm_nl,
        "clock": firmware.clock,
        "alarms raised": firmware.alarms,
    }


def _was_intended(scene: Scene, number: int, intent: str, command_id: object) -> bool:
    return any(
        entry.number < number and entry.kind.value == intent and entry.get("command_id") == command_id
        for entry in scene.new
    )
