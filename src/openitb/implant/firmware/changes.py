"""What each command would change, checked completely before any of it is done.

Holds: RES-06, RES-07, TIM-02.
"""

from openitb import units
from openitb.catalogue import Pump
from openitb.implant.build import Build
from openitb.implant.firmware import access, boluses, emergency, permissions, tones, transfer
from openitb.implant.firmware.alarms import CRITICAL
from openitb.implant.firmware.change import Change, asked_program, require_current, whole_strokes
from openitb.implant.firmware.controller import (
    Stage,
    bridged,
    primed,
    stages_at,
    with_program,
    without_prime,
)
from openitb.implant.firmware.events import require_admitted
from openitb.implant.firmware.refusal import require
from openitb.implant.firmware.state import BelievedReservoir, Firmware
from openitb.prescription import Order, Program, compile_order
from openitb.protocol import (
    BolusCommand,
    CancelBolus,
    Command,
    CommitStaged,
    ConfirmProgram,
    DeliverBolus,
    LinkCommand,
    LogKind,
    ProgramPump,
    RecordRefill,
    ReduceToMinimum,
    RequestPatientBolus,
    RevokeKey,
    SetClock,
    SetDoseLimits,
    SetLowReservoirAlarm,
    SilenceAlarm,
    SoundTone,
    StageProgram,
    UpdateLibrary,
)
from openitb.protocol.chain import Detail
from openitb.protocol.messages import MAX_REASON
from openitb.records import replace

WIDEST_ZONE_MS = 14 * units.MS_PER_H  # the farthest any civil time lies from UTC
LAST_INSTANT_MS = 253_402_300_799_999  # end of year 9999, the last that calendars here can write


def plan(firmware: Firmware, build: Build, command: Command, pump: Pump) -> Change:
    """The change a command asks for; raises `RefusalError` or `OrderError` if it cannot be made."""
    if isinstance(command, LinkCommand):
        return _link(firmware, build, command, pump)
    match command:
        case ProgramPump():
            return _program(firmware, build, command, pump)
        case RecordRefill():
            return _refill(firmware, build, command, pump)
        case SetLowReservoirAlarm():
            return _low_alarm(build, command)
        case SetClock():
            return _clock(firmware, command)
        case SetDoseLimits():
            return _dose_limits(firmware, build, command)
        case SoundTone():
            return tones.sound(firmware, command)
        case _:
            return _bolus(firmware, build, command, pump)


def _bolus(firmware: Firmware, build: Build, command: BolusCommand, pump: Pump) -> Change:
    require_admitted(firmware, build, command)
    match command:
        case DeliverBolus() | CancelBolus() | RequestPatientBolus():
            return boluses.plan(firmware, build, command)
        case _:
            return permissions.plan(firmware, build, command, pump)


def _link(firmware: Firmware, build: Build, command: LinkCommand, pump: Pump) -> Change:
    match command:
        case StageProgram():
            at_once = _program(firmware, build, transfer.as_program(command), pump)
            return transfer.stage(firmware, command, _compiled(firmware, command.order, pump), at_once)
        case CommitStaged():
            return transfer.commit(firmware, command, lambda order: _program(firmware, build, order, pump))
        case ConfirmProgram():
            return transfer.confirm(firmware, command)
        case ReduceToMinimum():
            emergency.require_reducible(firmware, command, pump.minimum_rate_nl_per_day)
            order = emergency.as_program(firmware, command)
            digest = _compiled(firmware, order.order, pump).digest
            return emergency.reduce(firmware, command, digest, _program(firmware, build, order, pump))
        case SilenceAlarm():
            return emergency.silence(firmware, command, is_critical(firmware))
        case RevokeKey():
            return access.revoke(firmware, command)
        case UpdateLibrary():
            return access.update_library(firmware, command)


def is_critical(firmware: Firmware) -> bool:
    """True while a critical alarm is latched."""
    return any(alarm.condition in CRITICAL for alarm in firmware.alarms)


def _compiled(firmware: Firmware, order: Order, pump: Pump) -> Program:
    return compile_order(order, firmware.controller.program.concentration_ug_per_ml, pump)


def _program(firmware: Firmware, build: Build, command: ProgramPump, pump: Pump) -> Change:
    require_admitted(firmware, build, command)
    require_current(firmware, command.expected_digest)
    _require_stage("prime_nl", command.prime_nl, build)
    program = _compiled(firmware, command.order, pump)
    is_stop = program.is_still
    require(not (is_stop and command.prime_nl), "prime_nl", "got a prime with a stop, expected 0 nL")
    _require_reason(command.reason, is_stop)
    access.require_within_library(firmware, program)
    stages = stages_at(program, firmware.controller.stages, pump)
    strokes = firmware.counter.strokes
    stages = primed(stages, strokes, whole_strokes(command.prime_nl, build))
    controller = with_program(firmware.controller, program, stages, firmware.counter.tick_ms)
    asked: Detail = (
        *asked_program(program, command.expected_digest),
        ("prime_nl", command.prime_nl),
        *((("reason", command.reason),) if command.reason else ()),
    )
    outcomes: tuple[LogKind, ...] = (LogKind.PROGRAM_CHANGED, *((LogKind.STOPPED,) if is_stop else ()))
    if firmware.patient.adjustment is not None:  # it was allowed around another dose
        outcomes = (*outcomes, LogKind.PATIENT_CONTROL_CHANGED)
    return Change(
        LogKind.PROGRAM_INTENDED,
        asked,
        outcomes,
        lambda now: permissions.without_adjustment(replace(now, controller=controller)),
    )


def _refill(firmware: Firmware, build: Build, command: RecordRefill, pump: Pump) -> Change:
    require_admitted(firmware, build, command)
    require_current(firmware, command.expected_digest)
    fits = build.residual_nl <= command.volume_nl <= build.capacity_nl
    limits = f"{units.format_volume(build.residual_nl)} to {units.format_volume(build.capacity_nl)}"
    require(fits, "volume_nl", f"got {units.format_volume(command.volume_nl, 6)}, expected {limits} in all")
    stages = _stages_after_refill(firmware, build, command)
    program = compile_order(firmware.controller.program.order, command.concentration_ug_per_ml, pump)
    access.require_within_library(firmware, program)
    controller = replace(
        with_program(firmware.controller, program, stages, firmware.counter.tick_ms),
        halt=firmware.controller.halt,
    )
    reservoir = _refilled(firmware, build, command)
    asked: Detail = (
        *asked_program(program, command.expected_digest),
        ("believed_before_nl", firmware.believed_nl(build)),
        ("volume_nl", command.volume_nl),
        ("bridge_nl", command.bridge_nl if command.bridge_nl is not None else "not needed"),
    )
    return Change(
        LogKind.REFILL_INTENDED,
        asked,
        (LogKind.REFILL_RECORDED,),
        lambda now: replace(now, controller=controller, reservoir=reservoir),
    )


def _stages_after_refill(firmware: Firmware, build: Build, command: RecordRefill) -> tuple[Stage, ...]:
    old = firmware.controller.program.concentration_ug_per_ml
    if command.concentration_ug_per_ml == old:
        reason = f"got a bridge, expected none where the concentration stays {old} µg/mL"
        require(command.bridge_nl is None, "bridge_nl", reason)
        return without_prime(firmware.controller.stages)
    change = f"{old} to {command.concentration_ug_per_ml} µg/mL"
    require(command.bridge_nl is not None, "bridge_nl", f"missing, expected a volume or 0 for {change}")
    bridge_nl = command.bridge_nl or 0
    _require_stage("bridge_nl", bridge_nl, build)
    return bridged(firmware.controller, firmware.counter.strokes, whole_strokes(bridge_nl, build))


def _refilled(firmware: Firmware, build: Build, command: RecordRefill) -> BelievedReservoir:
    strokes = firmware.counter.strokes
    return BelievedReservoir(
        filled_nl=command.volume_nl,
        filled_at_stroke=strokes,
        label_ug_per_ml=command.concentration_ug_per_ml,
        low_alarm_nl=firmware.reservoir.low_alarm_nl,
        earlier_pg=firmware.reservoir.delivered_pg(strokes, build.stroke_nl),
    )


def _low_alarm(build: Build, command: SetLowReservoirAlarm) -> Change:
    fits = build.residual_nl <= command.volume_nl <= build.capacity_nl
    limits = f"{units.format_volume(build.residual_nl)} to {units.format_volume(build.capacity_nl)}"
    require(fits, "volume_nl", f"got {units.format_volume(command.volume_nl, 6)}, expected {limits}")
    return Change(
        LogKind.ALARM_SETTING_INTENDED,
        (("volume_nl", command.volume_nl),),
        (LogKind.ALARM_SETTING_CHANGED,),
        lambda now: replace(now, reservoir=replace(now.reservoir, low_alarm_nl=command.volume_nl)),
    )


def _clock(firmware: Firmware, command: SetClock) -> Change:
    at, zone = command.at_ms, command.zone_offset_ms
    require(0 <= at <= LAST_INSTANT_MS, "at_ms", f"got {at} ms, expected 0 to {LAST_INSTANT_MS} ms")
    in_zone = abs(zone) <= WIDEST_ZONE_MS
    require(in_zone, "zone_offset_ms", f"got {zone} ms, expected at most {WIDEST_ZONE_MS} ms either way")
    clock = replace(firmware.clock, offset_ms=at - firmware.counter.tick_ms, zone_offset_ms=zone)
    asked: Detail = (
        ("at_before_ms", firmware.at_ms),
        ("at_ms", at),
        ("zone_offset_before_ms", firmware.clock.zone_offset_ms),
        ("zone_offset_ms", zone),
    )
    outcomes = (LogKind.CLOCK_SET,)
    return Change(LogKind.CLOCK_INTENDED, asked, outcomes, lambda now: replace(now, clock=clock))


def _dose_limits(firmware: Firmware, build: Build, command: SetDoseLimits) -> Change:
    require_current(firmware, command.expected_digest)
    windows = [limit.window_ms for limit in command.limits]
    known = ", ".join(str(window_ms) for window_ms in build.guard_windows_ms)
    fits = set(windows) <= set(build.guard_windows_ms) and len(set(windows)) == len(windows)
    require(fits, "limits", f"got windows of {windows} ms, expected each at most once of {known} ms")
    lowest = min((limit.most_pg for limit in command.limits), default=1)
    require(lowest > 0, "limits", f"got {lowest} pg, expected more than 0 pg")
    asked = tuple((f"most_in_{limit.window_ms}_ms_pg", limit.most_pg) for limit in command.limits)
    return Change(
        LogKind.LIMITS_INTENDED,
        asked or (("limits", "none"),),
        (LogKind.LIMITS_SET,),
        lambda now: replace(now, dose_limits=command.limits),
    )


def _require_stage(field: str, volume_nl: int, build: Build) -> None:
    given = units.format_volume(volume_nl, 6)
    limit = units.format_volume(build.largest_stage_nl)
    require(0 <= volume_nl <= build.largest_stage_nl, field, f"got {given}, expected 0 to {limit}")


def _require_reason(reason: str, is_stop: bool) -> None:
    """Whoever finds a pump stopped has to learn why. Holds: DEL-13."""
    require(bool(reason) or not is_stop, "reason", "missing, expected why the pump is to stop")
    fits = len(reason) <= MAX_REASON and (reason.isprintable() or not reason)
    require(fits, "reason", f"got {reason!r:.40}, expected at most {MAX_REASON} printable characters")
