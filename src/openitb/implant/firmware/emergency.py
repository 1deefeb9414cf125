"""Break-glass: reduce by attestation, silence within bounds, and the clock of the withdrawal to come.

The way down is the only way: a reduction is refused unless it lowers the flow, and nothing here can
raise it again. It is undone by a clinician's order alone.

Holds: TEL-10, ALM-04, ALM-05, ALM-06.
"""

from openitb import catalogue, units
from openitb.implant.firmware.change import Change
from openitb.implant.firmware.link_memory import Emergency, HourCount, Silence
from openitb.implant.firmware.refusal import require
from openitb.implant.firmware.signals import accounted
from openitb.implant.firmware.state import PUMP, Firmware, logged
from openitb.prescription import MinimumRate
from openitb.protocol import (
    AlarmCondition,
    LogKind,
    ProgramPump,
    PumpState,
    ReduceToMinimum,
    Role,
    SilenceAlarm,
)
from openitb.protocol.chain import Detail
from openitb.protocol.messages import MAX_NAME
from openitb.records import replace

BEYOND_PROGRAM = frozenset({PumpState.PRIME, PumpState.BOLUS})  # flow more than the program asks for


def as_program(firmware: Firmware, command: ReduceToMinimum) -> ProgramPump:
    """The order that a reduction amounts to, whatever program runs."""
    running, why = firmware.controller.program.digest, f"overdose attested by {command.attestation.name}"
    return ProgramPump(command.actor, command.command_id, running, MinimumRate(), reason=why)


def require_reducible(firmware: Firmware, command: ReduceToMinimum, minimum_nl_per_day: int) -> None:
    """`RefusalError` unless an overdose is attested and the minimum rate is less than what flows."""
    attested = command.attestation
    require(bool(attested.signs), "attestation", "got no sign of overdose, expected at least one")
    for field, text in (("name", attested.name), ("place", attested.place)):
        fits = 0 < len(text) <= MAX_NAME and text.isprintable()
        require(fits, f"attestation.{field}", f"got {text!r:.40}, expected 1 to {MAX_NAME} characters")
    state = firmware.controller.state
    may_be_halted = state not in {PumpState.STOPPED, PumpState.GUARD_STOP, PumpState.END_OF_SERVICE}
    require(may_be_halted, "state", f"got {state.value}, expected a pump that delivers")
    flow = firmware.controller.mean_flow_nl_per_day
    above = state is not PumpState.MINIMUM_RATE and flow > minimum_nl_per_day
    lowers = above or state in BEYOND_PROGRAM
    require(lowers, "state", "the pump is at its minimum rate or below already")


def reduce(firmware: Firmware, command: ReduceToMinimum, digest: str, at_once: Change) -> Change:
    """The change to the minimum rate, whose program has `digest`, with the withdrawal clock started.

    A bolus under way ends, and the patient may ask for nothing until a clinician allows it again.
    """
    after_ms = catalogue.load().practice["emergency"].fact("withdrawal_alarm_after").whole("ms")
    tick_ms = firmware.counter.tick_ms
    emergency = Emergency(tick_ms, tick_ms + after_ms, digest)
    attested = command.attestation
    asked: Detail = (
        ("attested_by", attested.name),
        ("place", attested.place),
        ("signs", ", ".join(sign.value for sign in attested.signs)),
        *at_once.asked,
    )

    def effect(now: Firmware) -> Firmware:
        reduced = at_once.effect(now)
        link = replace(reduced.link, emergency=emergency, staged=None)
        return replace(reduced, patient=reduced.patient.withheld(), link=link)

    withheld = (LogKind.PATIENT_CONTROL_CHANGED,) if firmware.patient.allows_anything else ()
    outcomes = (*dict.fromkeys((*at_once.outcomes, *withheld)), LogKind.REDUCED_IN_EMERGENCY)
    return Change(LogKind.EMERGENCY_REDUCTION_INTENDED, asked, outcomes, effect)


def running(firmware: Firmware) -> Emergency | None:
    """The emergency reduction that is in force; a new program ends it."""
    emergency = firmware.link.emergency
    holds = emergency is not None and emergency.program_digest == firmware.controller.program.digest
    return emergency if holds else None


def forgotten(firmware: Firmware) -> Firmware:
    """The firmware without memory of a reduction that another program has ended.

    Should the pump come back to minimum rate later, that is no emergency.
    """
    if firmware.link.emergency is None or running(firmware) is not None:
        return firmware
    return replace(firmware, link=replace(firmware.link, emergency=None))


def is_withdrawal_due(firmware: Firmware) -> bool:
    """True once the withdrawal clock has run so long that the alarm turns critical."""
    emergency = running(firmware)
    return emergency is not None and firmware.counter.tick_ms >= emergency.due_ms


def require_silenceable(firmware: Firmware, command: SilenceAlarm, role: Role, critical: bool) -> None:
    """`RefusalError` if nothing is latched, it would last too long, or this role may not."""
    require(bool(firmware.alarms), "alarm", "nothing is latched, expected an alarm")
    may_silence = role is Role.CLINICIAN or not critical
    require(may_silence, "alarm", "a critical alarm is latched, which only a clinician may silence")
    longest_ms = _longest_silence_ms(critical)
    shown = f"{longest_ms // units.MS_PER_MIN} min"
    fits = 0 < command.duration_ms <= longest_ms
    require(fits, "duration_ms", f"got {command.duration_ms} ms, expected more than 0, at most {shown}")


def silence(firmware: Firmware, command: SilenceAlarm, critical: bool) -> Change:
    """The change that keeps the conditions latched now from sounding; conditions are untouched."""
    conditions = tuple(alarm.condition.value for alarm in firmware.alarms)
    quiet = Silence(firmware.counter.tick_ms + command.duration_ms, conditions, with_contact=critical)
    return Change(
        LogKind.SILENCE_INTENDED,
        (("duration_ms", command.duration_ms), ("conditions", ", ".join(conditions))),
        (LogKind.ALARM_SILENCED,),
        lambda now: _silenced(accounted(now), quiet),
    )


def audible(firmware: Firmware) -> tuple[AlarmCondition, ...]:
    """The latched conditions that sound now: all but those silenced and not raised since."""
    quiet = firmware.link.silence
    silent = quiet.conditions if quiet and firmware.counter.tick_ms < quiet.until_ms else ()
    return tuple(alarm.condition for alarm in firmware.alarms if alarm.condition.value not in silent)


def contact_ended(firmware: Firmware) -> Firmware:
    """The firmware once its caller has gone: a silenced critical alarm sounds again."""
    quiet = firmware.link.silence
    if quiet is None or not quiet.with_contact:
        return firmware
    firmware = logged(accounted(firmware), LogKind.SILENCE_ENDED, PUMP, (("because", "contact ended"),))
    return _silenced(firmware, None)


def _silenced(firmware: Firmware, quiet: Silence | None) -> Firmware:
    return replace(firmware, link=replace(firmware.link, silence=quiet))


def counted(firmware: Firmware) -> Firmware:
    """The firmware after one break-glass request more; `RefusalError` if there were too many."""
    most = catalogue.load().practice["emergency"].fact("requests_per_hour").whole("1")
    hour, tick_ms = firmware.link.break_glass, firmware.counter.tick_ms
    if hour is None or tick_ms - hour.began_ms >= units.MS_PER_H:
        hour = HourCount(tick_ms, 0)
    wait_ms = hour.began_ms + units.MS_PER_H - tick_ms
    require(hour.count < most, "role", f"got more than {most} break-glass requests in an hour", wait_ms)
    counted_one = HourCount(hour.began_ms, hour.count + 1)
    return replace(firmware, link=replace(firmware.link, break_glass=counted_one))


def _longest_silence_ms(critical: bool) -> int:
    facts = catalogue.load().practice["silence"]
    return facts.fact("critical_longest" if critical else "other_longest").whole("ms")
