"""Commands: each is checked whole, written to the log as an intent, carried out, answered.

A command has an id. Sent again with the same content it is answered again and not repeated; sent
with other content it is refused. A refused command changes nothing but the log. Nothing raises.

Holds: LOG-01, PRG-10, TEL-05.
"""

import hashlib

from openitb import catalogue
from openitb.implant.build import Build
from openitb.implant.firmware import access, alarms, changes, emergency, report, roles, transfer
from openitb.implant.firmware.authority import authorised
from openitb.implant.firmware.dose_limits import require_dose_limits
from openitb.implant.firmware.refusal import RefusalError, require
from openitb.implant.firmware.repeats import require_not_repeated
from openitb.implant.firmware.self_test import require_fit_to_start
from openitb.implant.firmware.state import Answer, Firmware, logged
from openitb.implant.firmware.watch import bolus_ended_early, settled
from openitb.prescription import OrderError
from openitb.protocol import (
    Applied,
    Command,
    Interrogate,
    LogKind,
    NoAnswerKept,
    ProtocolError,
    ReadAccess,
    ReadAnswer,
    ReadRequest,
    ReadStaged,
    Refused,
    Reply,
    Request,
    Role,
    SilenceAlarm,
    StageKind,
    decode_reply,
    decode_request,
    encode,
)
from openitb.protocol.chain import Detail
from openitb.protocol.messages import MAX_COMMAND_ID, MAX_NAME
from openitb.records import replace

ANSWERS_KEPT = 64
MAX_REASON = 300


def execute(firmware: Firmware, build: Build, request: Request, role: Role) -> tuple[Firmware, Reply]:
    """What the firmware is after a request, and its reply; what a role may ask is decided here."""
    try:
        _require_wire_form(request)
        _require_name("actor", request.actor, MAX_NAME)
        if role is Role.BREAK_GLASS:
            firmware = emergency.counted(firmware)
        if isinstance(request, ReadRequest):
            return _read(firmware, build, request, role)
        _require_name("command_id", request.command_id, MAX_COMMAND_ID)
    except RefusalError as refusal:
        return firmware, refusal.reply
    earlier = _answered(firmware, request.command_id)
    if earlier is not None:
        return firmware, _repeated(earlier, request)
    return _commanded(firmware, build, request, role)


def _read(firmware: Firmware, build: Build, request: ReadRequest, role: Role) -> tuple[Firmware, Reply]:
    roles.require_permitted(role, request)
    match request:
        case Interrogate():
            return _interrogated(firmware, build, request, role)
        case ReadStaged():
            return firmware, transfer.report(firmware)
        case ReadAccess():
            return firmware, access.report(firmware)
        case ReadAnswer():
            return firmware, _kept(firmware, request.command_id)


def _kept(firmware: Firmware, command_id: str) -> Reply:
    """The answer given to a command, as it was given. Holds: PAT-02."""
    answer = _answered(firmware, command_id)
    if answer is not None:
        return decode_reply(answer.reply)
    return NoAnswerKept(command_id, may_be_forgotten=len(firmware.answers) >= ANSWERS_KEPT)


def _answered(firmware: Firmware, command_id: str) -> Answer | None:
    return next((a for a in firmware.answers if a.command_id == command_id), None)


def _interrogated(
    firmware: Firmware, build: Build, request: Interrogate, role: Role
) -> tuple[Firmware, Reply]:
    report.require_page(firmware, request.log_after)
    if request.log_after is None:  # further pages belong to the reading that began there
        kind = LogKind.EMERGENCY_READ if role is Role.BREAK_GLASS else LogKind.INTERROGATED
        firmware = logged(firmware, kind, _by(request, role))
    reading = report.interrogation(firmware, build, request.log_after)
    if role not in roles.READS_LOG:
        reading = replace(reading, log_anchor=reading.log_head, log=())
    return firmware, reading


def _repeated(earlier: Answer, command: Command) -> Reply:
    if earlier.digest != _digest(command):
        return Refused("command_id", f"got {command.command_id!r} again for a different command")
    return decode_reply(earlier.reply)


def _commanded(firmware: Firmware, build: Build, command: Command, role: Role) -> tuple[Firmware, Reply]:
    try:
        roles.require_permitted(role, command)
        if isinstance(command, SilenceAlarm):
            emergency.require_silenceable(firmware, command, role, changes.is_critical(firmware))
        after = _carried_out(firmware, build, command, _by(command, role))
    except RefusalError as refusal:
        return _refused(firmware, command, role, refusal.reply)
    except OrderError as error:
        field, _, reason = str(error).partition(": ")
        return _refused(firmware, command, role, Refused(field, reason))
    applied = Applied(command.command_id, after.controller.program.digest, after.log.head)
    return _remembered(after, command, applied), applied


def _carried_out(firmware: Firmware, build: Build, command: Command, actor: str) -> Firmware:
    """Intent, effect, outcome. Raises before anything is kept if the command cannot be carried out."""
    pump = catalogue.load().pump(build.pump_id)
    change = changes.plan(firmware, build, command, pump)
    asked: Detail = (("command_id", command.command_id), *change.asked)
    intended = logged(firmware, change.intent, actor, asked)
    done = _given_up(intended, change.effect(intended), build, actor)
    for kind in change.outcomes:
        done = logged(done, kind, actor, asked)
    done = authorised(firmware, done, build)
    require_not_repeated(firmware, done, build)
    require_fit_to_start(firmware, done, build)
    require_dose_limits(done, build)
    return settled(alarms.clear_gone(done, build, actor), build)


def _given_up(before: Firmware, after: Firmware, build: Build, actor: str) -> Firmware:
    """The firmware after a change, with entries for a prime and a bolus that it ended early.

    Holds: BOL-08.
    """
    for stage in before.controller.stages:
        if stage.kind is StageKind.PRIME and stage not in after.controller.stages:
            left_nl = (stage.until_stroke - before.counter.strokes) * build.stroke_nl
            detail = (("stage", stage.kind.value), ("left_nl", left_nl))
            after = logged(after, LogKind.STAGE_GIVEN_UP, actor, detail)
    bolus = before.controller.bolus
    return bolus_ended_early(after, bolus, actor) if bolus and not after.controller.bolus else after


def _refused(firmware: Firmware, command: Command, role: Role, refused: Refused) -> tuple[Firmware, Reply]:
    detail = (
        ("command", type(command).__name__),
        ("command_id", command.command_id),
        ("field", refused.field[:MAX_NAME]),
        ("reason", refused.reason[:MAX_REASON]),
    )
    firmware = logged(firmware, LogKind.REFUSED, _by(command, role), detail)
    return _remembered(firmware, command, refused), refused


def _remembered(firmware: Firmware, command: Command, reply: Reply) -> Firmware:
    answer = Answer(command.command_id, _digest(command), encode(reply))
    return replace(firmware, answers=(*firmware.answers, answer)[-ANSWERS_KEPT:])


def _digest(command: Command) -> bytes:
    return hashlib.sha256(encode(command)).digest()


def _by(request: Request, role: Role) -> str:
    return f"{role.value}: {request.actor}"


def _require_wire_form(request: Request) -> None:
    """Only what could have come over the link is let in, whoever built the message."""
    try:
        decode_request(encode(request))
    except ProtocolError as error:
        raise RefusalError(error.field, error.problem) from None


def _require_name(field: str, text: str, longest: int) -> None:
    fits = 0 < len(text) <= longest and text.isprintable()
    require(fits, field, f"got {text!r:.40}, expected 1 to {longest} printable characters")
