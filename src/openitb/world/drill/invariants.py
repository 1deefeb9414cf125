"""The invariants of the whole system, each a small function: empty text if it holds, else what is wrong.

Checked after every step on the implant that the step touched; that it touched no other is checked
apart (`untouched`). To add one, write the function and name it in `INVARIANTS`.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from openitb import units
from openitb.implant import Implant, advance, latched_alarms, pump_state
from openitb.prescription import MinimumRate, Order, Program, Stopped
from openitb.prescription.modes import exact_daily_dose_pg
from openitb.protocol import (
    AlarmCondition,
    Applied,
    Interrogate,
    Interrogation,
    LogEntry,
    LogKind,
    NoAnswerKept,
    PumpState,
    ReadAnswer,
    Refused,
    Reply,
    Role,
    verify_chain,
)
from openitb.records import remembered
from openitb.world.drill.bed import Cause, Scene
from openitb.world.drill.expected import MILLION, Caps
from openitb.world.drill.flows import Flows
from openitb.world.drill.ward import Heard

CRITICAL_HALTS = {
    PumpState.GUARD_STOP: AlarmCondition.DELIVERY_GUARD,
    PumpState.END_OF_SERVICE: AlarmCondition.END_OF_SERVICE,
    PumpState.MOTOR_STALL: AlarmCondition.MOTOR_STALL,
}
BY_AGE = {"elective replacement"}  # the reference keeps no account of charge

READS = {"Interrogate", "ReadStaged", "ReadAccess", "ReadAnswer"}
# What each role may have carried out, said once more: the firmware's own table is not asked.
MAY: dict[Role | None, set[str]] = {
    Role.PATIENT: {"RequestPatientBolus", "RequestPatientAdjustment"},
    Role.READ_ONLY: set(),
    Role.BREAK_GLASS: {"ReduceToMinimum", "SilenceAlarm"},
}
LOOKED_BACK_MS = units.MS_PER_DAY


def every_window_is_within_the_highest_flow(scene: Scene) -> str:
    """INV-1: no window of any length holds more than the highest flow and one stroke."""
    bed = scene.bed
    stroke = -(-bed.expected.specs.stroke_nl * bed.stroke_ppm // MILLION) + 2  # and the nL carried
    peak_nl = bed.accounts.peak // units.MS_PER_DAY
    return "" if peak_nl <= stroke else f"a window held {peak_nl} nL beyond the highest flow"


def no_window_holds_more_than_the_dose_limit(scene: Scene) -> str:
    """INV-1: no window since a limit on dose was set holds more of program and bolus than it allows."""
    caps, now_ms, specs = scene.bed.expected.caps, scene.bed.expected.tick_ms, scene.bed.expected.specs
    if not caps.most:
        return ""
    caps.asked = [run for run in caps.asked if run.end_ms > now_ms - 2 * LOOKED_BACK_MS]
    new = [run.end_ms for run in caps.asked if run.end_ms > caps.judged_ms]  # the past holds what it held
    caps.judged_ms = now_ms
    for window_ms, most in caps.most.items():
        ends = (end_ms for end_ms in new if end_ms - window_ms >= caps.since_ms)
        held = max((_held(caps, end_ms, window_ms) for end_ms in ends), default=0)
        if held > most + specs.minimum_nl_per_day * window_ms:  # minimum rate is never held back
            return (
                f"{held // units.MS_PER_DAY} nL in {window_ms} ms, the limit is {most // units.MS_PER_DAY} nL"
            )
    return ""


def _held(caps: Caps, end_ms: int, window_ms: int) -> int:
    begin_ms = end_ms - window_ms
    spans = ((min(run.end_ms, end_ms) - max(run.start_ms, begin_ms), run) for run in caps.asked)
    return sum(ms * run.flow_nl_per_day for ms, run in spans if ms > 0)


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
    told = [str(entry.get("command_id")) for entry in scene.new if _is_intent(entry)]
    again = [command_id for command_id in told if command_id in scene.bed.done or told.count(command_id) > 1]
    scene.bed.done.update(told)
    if again:
        return f"command {again[0]} was carried out twice"
    heard = scene.event.heard
    if heard is not None and heard.reply and _is_forgotten(scene, heard):
        return "a command was carried out and its answer is not known any longer"
    if heard is None or scene.command is None or not heard.reply or _is_kept_by_nobody(heard.told):
        return ""
    first = scene.bed.replies.setdefault(heard.request, heard.reply)
    is_same = first == heard.reply
    return "" if is_same else f"command {scene.command.command_id} got another answer the second time"


def the_last_committed_program_runs(scene: Scene) -> str:
    """INV-5: order, drug and weekly flow are those of the last command carried out, bit for bit."""
    program, expected = scene.after.firmware.controller.program, scene.bed.expected
    if program is scene.before.firmware.controller.program and not scene.moved:
        return ""
    return _otherwise(program, expected.order, expected.concentration, expected.flows)


@remembered
def _otherwise(program: Program, order: Order, concentration: int, flows: Flows) -> str:
    if (program.order, program.concentration_ug_per_ml) != (order, concentration):
        return f"runs {program.order} at {program.concentration_ug_per_ml} µg/mL, expected {order}"
    weekly = [(step.from_ms_of_week, step.rate_nl_per_day) for step in program.week]
    kept = [flow for i, flow in enumerate(flows) if not i or flow[1] != flows[i - 1][1]]
    return "" if weekly == kept else f"flows {weekly}, expected {kept}"


def silence_of_the_motor_sounds(scene: Scene) -> str:
    """INV-6: where delivery is expected and nothing flows, a critical alarm stands."""
    state, latched = pump_state(scene.after), latched_alarms(scene.after)
    expected = scene.bed.expected
    if state in CRITICAL_HALTS and CRITICAL_HALTS[state] not in latched:
        return f"{state.value} without its alarm"
    if (state is PumpState.GUARD_STOP) != (expected.halted and not expected.is_over):
        return f"{state.value}, expected {'a guard stop' if expected.halted else 'none'}"
    if state is PumpState.GUARD_STOP and not expected.given_back:
        return "the guard has stopped a pump that did what was ordered"
    still = expected.felt.still_since_ms
    if still is not None and expected.tick_ms - still >= expected.specs.stall_ms and not latched:
        return "nothing is driven, and nothing sounds"
    is_off = state in {PumpState.STOPPED, PumpState.GUARD_STOP, PumpState.END_OF_SERVICE}
    is_meant = expected.is_still or expected.halted or expected.is_over
    return "" if is_off == is_meant else f"{state.value}, expected {expected.order}"


def alarms_follow_from_state(scene: Scene) -> str:
    """INV-7: the latched conditions are exactly those that hold."""
    latched = {condition.value for condition in latched_alarms(scene.after)} - BY_AGE
    held = scene.bed.expected.alarms
    return "" if latched == held else f"alarms {sorted(latched)}, expected {sorted(held)}"


def the_log_grows_by_links(scene: Scene) -> str:
    """INV-8: entries follow the old ones without gap; every effect is told, its intent before it."""
    log, old = scene.after.firmware.log, scene.last.firmware.log
    if scene.event.cause is Cause.LOST:
        fault = verify_chain(log.entries, old.head)
        return "" if fault is None else fault.problem
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
    name = type(scene.command).__name__ if scene.command else ""
    if scene.applied and heard.role is not Role.CLINICIAN and name not in MAY.get(heard.role, set()):
        return f"{name} by {heard.role.value if heard.role else 'nobody'} was carried out"
    if heard.role is Role.PATIENT and heard.reply and _tells_the_log(heard.told):
        return "a patient's handheld was told the log"
    released = any(entry.kind is LogKind.TELEMETRY_RELEASED for entry in scene.new)
    if released and not isinstance(heard.asked, Interrogate):
        return "a telemetry lock was released without a reading"
    if scene.applied and heard.reply and not isinstance(heard.told, Applied):
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


def what_was_allowed_was_done(scene: Scene) -> str:
    """BOL-02, BOL-05, PAT-03, TEL-06: no command was carried out that the reference knows to be barred."""
    return scene.bed.expected.unlawful if scene.applied else ""


def a_credit_is_spent_once(scene: Scene) -> str:
    """INV-4: a credit that was used up or withdrawn is worth nothing, whoever shows it again."""
    firmware, known = scene.after.firmware, scene.bed.credits
    if firmware.controller is scene.before.firmware.controller and not scene.moved:
        return ""
    holders = (*firmware.controller.stages, firmware.controller.bolus)
    held = {holder.credit.number: holder.credit for holder in holders if holder and holder.credit}
    known.update(held)
    for number, credit in tuple(known.items()):
        left = firmware.guard.granted(credit).ledger.left(credit)
        if left > credit.flow + scene.after.build.stroke_cost or (left and number not in held):
            return f"credit {number} of {credit.flow} is still worth {left}"
        if number not in held:
            del known[number]
    return ""


class Invariant(NamedTuple):
    """One rule: its id in the safety reference, and the function that judges a scene."""

    rule: str
    problem: Callable[[Scene], str]


INVARIANTS = (
    Invariant("INV-1", every_window_is_within_the_highest_flow),
    Invariant("INV-1", no_window_holds_more_than_the_dose_limit),
    Invariant("INV-2", delivery_is_the_authorised_one),
    Invariant("INV-3", nothing_is_made_or_lost),
    Invariant("INV-4", a_command_acts_once),
    Invariant("INV-4", a_credit_is_spent_once),
    Invariant("INV-5", the_last_committed_program_runs),
    Invariant("INV-6", silence_of_the_motor_sounds),
    Invariant("INV-7", alarms_follow_from_state),
    Invariant("INV-8", the_log_grows_by_links),
    Invariant("INV-9", saving_and_starting_change_nothing),
    Invariant("INV-10", a_clock_setting_delivers_nothing),
    Invariant("INV-11", only_who_may_changes_anything),
    Invariant("INV-13", dose_shown_is_dose_given),
    Invariant("DEL-03", nonsense_is_not_carried_out),
    Invariant("BOL-02", what_was_allowed_was_done),
)


def problems(scene: Scene) -> dict[str, str]:
    """The rules that do not hold, and how; empty if all do."""
    return {rule: found for rule, problem in INVARIANTS if (found := problem(scene))}


def _untold_effect(scene: Scene) -> str:
    """An effect without its entry, or an entry without its intent before it."""
    if not scene.new and not scene.moved:
        return ""
    kinds = {entry.kind for entry in scene.new}
    for entry in scene.new:
        if entry.get("command_id") and not _is_intended(scene, entry):
            return f"entry {entry.number}, {entry.kind.value}, has no intent before it"
    before, after = _settings(scene.last), _settings(scene.after)
    for name, outcomes in _TOLD_BY.items():
        if before[name] != after[name] and not kinds.intersection(outcomes):
            return f"{name} changed and the log does not tell"
    return ""


_REDUCED = (LogKind.REDUCED_IN_EMERGENCY, LogKind.RESET, LogKind.MEMORY_LOST)
_TOLD_BY: dict[str, tuple[LogKind, ...]] = {
    "program": (LogKind.PROGRAM_CHANGED, LogKind.REFILL_RECORDED, *_REDUCED),
    "filled volume": (LogKind.REFILL_RECORDED,),
    "low alarm": (LogKind.ALARM_SETTING_CHANGED,),
    "clock": (LogKind.CLOCK_SET,),
    "dose limits": (LogKind.LIMITS_SET,),
    "alarms raised": (LogKind.ALARM_RAISED, LogKind.ALARM_CLEARED, LogKind.MEMORY_LOST),
    "patient control": (LogKind.PATIENT_CONTROL_CHANGED, LogKind.PROGRAM_CHANGED, *_REDUCED),
    "keys": (LogKind.KEY_PAIRED, LogKind.KEY_REVOKED),
    "library": (LogKind.LIBRARY_UPDATED,),
}


def _settings(implant: Implant) -> dict[str, object]:
    firmware = implant.firmware
    return {
        "program": firmware.controller.program,
        "filled volume": (firmware.reservoir.filled_nl, firmware.reservoir.filled_at_stroke),
        "low alarm": firmware.reservoir.low_alarm_nl,
        "clock": firmware.clock,
        "dose limits": firmware.dose_limits,
        "alarms raised": firmware.alarms,
        "patient control": (firmware.patient.bolus, firmware.patient.adjustment),
        "keys": (firmware.link.peers, firmware.link.revoked),
        "library": firmware.link.library,
    }


def _is_intent(entry: LogEntry) -> bool:
    return entry.kind.value.endswith("intended")


def _is_intended(scene: Scene, entry: LogEntry) -> bool:
    """True for an intent, a refusal, and an outcome that comes after its intent."""
    if _is_intent(entry) or entry.kind is LogKind.REFUSED:
        return True
    command_id = entry.get("command_id")
    earlier = (other for other in scene.new if other.number < entry.number)
    return any(_is_intent(other) and other.get("command_id") == command_id for other in earlier)


def _is_forgotten(scene: Scene, heard: Heard) -> bool:
    request, reply = heard.asked, heard.told
    if not isinstance(request, ReadAnswer) or request.command_id not in scene.bed.done:
        return False
    return isinstance(reply, NoAnswerKept) and not reply.may_be_forgotten


def _is_kept_by_nobody(told: Reply) -> bool:
    """True for a refusal that comes before a command is looked at: a locked pump, too many requests."""
    return isinstance(told, Refused) and told.field in {"pump", "role"}


def _tells_the_log(told: Reply) -> bool:
    return isinstance(told, Interrogation) and bool(told.log)
