"""Several commands in one contact, and the truth about each of them afterwards.

Whatever happens on the way, what is said of a command comes from the pump's own log, which names
every command it carried out: *changed* and *not changed* are never guessed.

Holds: PRG-11, PRG-20.
"""

from collections.abc import Sequence

from openitb import catalogue
from openitb.programmer.outcomes import Applied, Partly, Reading, Refused, Unknown, Unreachable, VisitOutcome
from openitb.programmer.session import Sender, Wand, ask, contact, interrogate
from openitb.protocol import (
    Command,
    DeliverBolus,
    LogKind,
    ProgramPump,
    ProtocolError,
    RecordRefill,
    SetClock,
    SetLowReservoirAlarm,
)
from openitb.protocol import Refused as PumpRefused
from openitb.telemetry import LinkDown, NoAnswer

_DONE = frozenset(
    {
        LogKind.PROGRAM_CHANGED,
        LogKind.REFILL_RECORDED,
        LogKind.ALARM_SETTING_CHANGED,
        LogKind.CLOCK_SET,
        LogKind.BOLUS_STARTED,
        LogKind.PATIENT_CONTROL_CHANGED,
    }
)


def send(wand: Wand, commands: Sequence[Command], new_digest: str, sender: Sender) -> VisitOutcome:
    """Send commands in order, stop at the first that is not carried out, then read the pump back.

    `Applied` only if the log names all of them and the program read back is `new_digest`; `Refused` if
    none was carried out; `Partly` for anything between; `Unknown` while the pump cannot be read.
    """
    reason = _sent(wand, commands)
    return settle_all(wand, commands, new_digest, sender, reason)


def settle_all(
    wand: Wand, commands: Sequence[Command], new_digest: str, sender: Sender, reason: str = ""
) -> VisitOutcome:
    """Find out by reading what became of commands that were sent; sends none."""
    reading = _read_some_times(wand, sender)
    if isinstance(reading, Unreachable):
        why = reason or f"not read back: {reading.reason}"
        return Unknown(commands[0].command_id if commands else "", f"unknown, check: {why}")
    return judge(commands, new_digest, reading, reason)


def judge(commands: Sequence[Command], new_digest: str, reading: Reading, reason: str = "") -> VisitOutcome:
    """What a reading says of commands; `reason` is what was heard on the way, if anything."""
    carried_out = done_ids(reading)
    done = tuple(name(command) for command in commands if command.command_id in carried_out)
    not_done = tuple(name(command) for command in commands if command.command_id not in carried_out)
    if commands and not done:
        return Refused("pump", f"not changed: {reason or 'the pump carried out nothing'}", reading)
    if not_done:
        text = f"changed in part: {reason or 'the contact was lost'}"
        return Partly(reading, done, not_done, text)
    if reading.interrogation.program_digest != new_digest:
        text = "changed, but the program read back is not the one reviewed: somebody changed it since"
        return Partly(reading, done, (), text)
    return Applied(reading)


def done_ids(reading: Reading) -> frozenset[str]:
    """The ids of the commands the pump's log says were carried out."""
    named = (entry.get("command_id") for entry in reading.log if entry.kind in _DONE)
    return frozenset(command_id for command_id in named if isinstance(command_id, str))


def name(command: Command) -> str:
    """A command in words."""
    match command:
        case ProgramPump():
            return "order"
        case RecordRefill():
            return "refill"
        case SetClock():
            return "pump clock"
        case SetLowReservoirAlarm():
            return "low-reservoir alarm"
        case DeliverBolus():
            return "bolus"
        case _:
            return "what the patient may ask for"


def _sent(wand: Wand, commands: Sequence[Command]) -> str:
    """Send until the first that is not acknowledged; gives what stopped it, empty if nothing did."""
    try:
        with contact(wand) as channel:
            for command in commands:
                reply = ask(channel, command)
                if isinstance(reply, PumpRefused):
                    return f"the pump refused the {name(command)}: {reply.field}: {reply.reason}"
    except LinkDown as error:
        return f"no contact, nothing was sent: {error}"
    except (NoAnswer, ProtocolError) as error:
        return f"contact was lost: {error}"
    return ""


def _read_some_times(wand: Wand, sender: Sender) -> Reading | Unreachable:
    tries = catalogue.load().practice["programmer"].fact("answer_retries").whole("1")
    for _ in range(tries - 1):
        reading = interrogate(wand, sender)
        if isinstance(reading, Reading):
            return reading
    return interrogate(wand, sender)
