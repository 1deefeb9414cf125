"""What became of each command, by its id: from the pump's log, then from the answer it keeps.

Holds: PRG-11.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from openitb.programmer.outcomes import Reading, Unreachable
from openitb.programmer.session import Sender, Wand, ask, contact
from openitb.programmer.transfer import Transfer, stage_id
from openitb.protocol import (
    Applied,
    Command,
    CommitStaged,
    ConfirmProgram,
    DeliverBolus,
    DisablePatientAdjustment,
    DisablePatientBolus,
    EnablePatientAdjustment,
    EnablePatientBolus,
    LogKind,
    NoAnswerKept,
    ProtocolError,
    ReadAnswer,
    RecordRefill,
    ReduceToMinimum,
    Refused,
    Reply,
    RevokeKey,
    SetClock,
    SetLowReservoirAlarm,
    SilenceAlarm,
    SoundTone,
    StageProgram,
    UpdateLibrary,
)
from openitb.telemetry import LinkDown, NoAnswer

ORDER = "order"
LINK = "link"  # the field of a halt that the pump did not ask for

_NAMES: dict[type, str] = {
    Transfer: ORDER,
    StageProgram: ORDER,
    CommitStaged: ORDER,
    RecordRefill: "refill",
    SetClock: "pump clock",
    SetLowReservoirAlarm: "low-reservoir alarm",
    DeliverBolus: "bolus",
    EnablePatientBolus: "bolus on request",
    DisablePatientBolus: "bolus on request",
    EnablePatientAdjustment: "adjustment on request",
    DisablePatientAdjustment: "adjustment on request",
    ReduceToMinimum: "emergency reduction",
    SilenceAlarm: "silence",
    SoundTone: "test tone",
    RevokeKey: "revocation",
    UpdateLibrary: "drug library",
    ConfirmProgram: "confirmation",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A command that was sent: what it was in words, and its id."""

    what: str
    command_id: str


@dataclass(frozen=True, slots=True)
class Halt:
    """What stopped the sending; `wait_ms` is how long it is until asking again can help."""

    field: str
    reason: str
    wait_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What the pump says of one command. `forgotten`: it no longer knows."""

    done: bool = False
    refused: Refused | None = None
    forgotten: bool = False

    def is_done(self, *, runs: bool) -> bool:
        """True if it was carried out; for a forgotten one what `runs` now has to tell."""
        return self.done or (self.forgotten and runs)


def of(
    wand: Wand, commands: Sequence[Sent], reading: Reading, sender: Sender
) -> tuple[Fate, ...] | Unreachable:
    """The fate of each command; `Unreachable` if the pump had to be asked and could not be."""
    known = [_logged(sent.command_id, reading) for sent in commands]
    if None not in known:
        return tuple(fate for fate in known if fate)
    try:
        with contact(wand) as channel:
            kept = [
                fate or _kept(ask(channel, ReadAnswer(sender.actor, sent.command_id)))
                for sent, fate in zip(commands, known, strict=True)
            ]
    except (LinkDown, NoAnswer, ProtocolError) as error:
        return Unreachable(str(error))
    return tuple(kept)


def sent(item: Command | Transfer) -> Sent:
    """A command as it is told of afterwards."""
    return Sent(what(item), item.command_id)


def what(item: object) -> str:
    """A command in words."""
    return _NAMES[type(item)]


def refusal(name: str, said: Refused) -> Halt:
    """The pump's refusal of a command."""
    return Halt(said.field, f"the pump refused the {name}: {said.reason}", said.wait_ms)


def _logged(command_id: str, reading: Reading) -> Fate | None:
    """What a sound log tells of a command; None if it tells nothing."""
    if reading.log_fault:
        return None
    return next(_told(command_id, reading), None)


def _told(command_id: str, reading: Reading) -> Iterator[Fate]:
    ids = {command_id, stage_id(command_id)}
    for entry in reversed(reading.log):
        named = entry.get("command_id")
        if named == command_id and not entry.kind.is_intent and entry.kind is not LogKind.REFUSED:
            yield Fate(done=True)
        elif named in ids and entry.kind is LogKind.REFUSED:
            yield Fate(refused=Refused(str(entry.get("field")), str(entry.get("reason"))))


def _kept(reply: Reply) -> Fate:
    match reply:
        case Applied():
            return Fate(done=True)
        case NoAnswerKept(may_be_forgotten=True):
            return Fate(forgotten=True)
        case Refused():
            return Fate(refused=reply)
        case _:
            return Fate()
