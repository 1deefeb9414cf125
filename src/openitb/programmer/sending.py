"""The one way in which anything is sent to a pump, and the truth about each command afterwards.

Whatever happens on the way, what is said of a command comes from the pump: its log names every
command it carried out or refused, and what the log no longer holds it is asked by the command's id.
*Changed* and *not changed* are never guessed. An order goes in by transfer, and is confirmed to the
pump once it was read back.

Holds: PRG-10, PRG-11, PRG-20, TEL-06.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from openitb import catalogue
from openitb.programmer import fates
from openitb.programmer.fates import Fate, Halt, Sent
from openitb.programmer.outcomes import Applied, Outcome, Partly, Reading, Refused, Unknown, Unreachable
from openitb.programmer.plan import Item
from openitb.programmer.review import Review, pump_time
from openitb.programmer.session import Sender, Wand, ask, contact, interrogate, read_on, staleness
from openitb.programmer.transfer import Ordered, Transfer, confirmation, logged_reason
from openitb.protocol import Applied as PumpApplied
from openitb.protocol import Command, ProtocolError, ReadStaged, TransferReport
from openitb.protocol import Refused as PumpRefused
from openitb.telemetry import Channel, LinkDown, NoAnswer

UNCONFIRMED = "committed, not yet confirmed by read-back"


@dataclass(frozen=True, slots=True)
class Errand:
    """What was sent, and the digest of the program that has to run afterwards: enough to settle it."""

    sent: tuple[Sent, ...]
    due_digest: str

    @property
    def order_id(self) -> str:
        """The id of the order among them; empty if there is none."""
        return next((sent.command_id for sent in self.sent if sent.what == fates.ORDER), "")


def commit(wand: Wand, reviewed: Review, command_id: str, sender: Sender, reason: str = "") -> Outcome:
    """Transfer one reviewed order and read the pump back; `reason` is why limits are passed or it stops.

    A review of a reading that has grown old is not sent, nor is an order the pump cannot run.
    """
    stale = staleness(reviewed.read_at_ms, sender.clock())
    if stale or reviewed.new is None:
        return Refused("reading" if stale else "order", f"nothing was sent: {stale or 'it does not compile'}")
    why = logged_reason(reason) if reviewed.new.is_still else ""
    ordered = Ordered(reviewed.expected_digest, reviewed.order, reason=why)
    return send(
        wand, (Transfer(sender.actor, command_id, ordered, reviewed.new),), reviewed.new_digest, sender
    )


def send(wand: Wand, items: Sequence[Item], due_digest: str, sender: Sender) -> Outcome:
    """Send in order, stop at the first that is not carried out, read the pump back, confirm an order.

    `Applied` only if the pump names all of them, the program read back is `due_digest` and the pump
    knows that it was read back; `Refused` if none was carried out; `Partly` for anything between;
    `Unknown` while the pump cannot be read.
    """
    errand = Errand(tuple(fates.sent(item) for item in items), due_digest)
    try:
        channel = contact(wand)
    except LinkDown as error:
        return Refused(fates.LINK, f"not changed: nothing was sent: {error}")
    with channel:
        halt = _carried(channel, items)
    return settle(wand, errand, sender, halt)


def settle(wand: Wand, errand: Errand, sender: Sender, halt: Halt | None = None) -> Outcome:
    """Find out by reading what became of what was sent, and confirm an order that runs; sends no order.

    `halt` is what stopped the sending, if anything was heard.
    """
    reading = _read_some_times(wand, sender)
    known = fates.of(wand, errand.sent, reading, sender) if isinstance(reading, Reading) else reading
    if isinstance(reading, Unreachable) or isinstance(known, Unreachable):
        first = errand.sent[0].command_id if errand.sent else ""
        return Unknown(first, f"unknown, check: {_heard(errand, halt)}")
    outcome = judge(errand, reading, known, halt)
    return _confirmed(wand, errand, sender, outcome) if errand.order_id else outcome


def judge(errand: Errand, reading: Reading, known: Sequence[Fate], halt: Halt | None = None) -> Outcome:
    """What a reading and the fates of commands amount to; `halt` is what was heard on the way."""
    pairs = list(zip(errand.sent, known, strict=True))
    runs = reading.interrogation.program_digest == errand.due_digest
    done = tuple(sent.what for sent, fate in pairs if fate.is_done(runs=runs))
    not_done = tuple(sent.what for sent, fate in pairs if not fate.is_done(runs=runs))
    stopped = halt if halt and halt.field != fates.LINK else _refusal(pairs) or halt
    if errand.sent and not done:
        return _refused(stopped, reading)
    if not_done:
        why = _told(stopped, reading) if stopped else "the contact was lost"
        return Partly(reading, done, not_done, f"changed in part: {why}")
    if not runs:
        text = "changed, but the program read back is not the one reviewed: somebody changed it since"
        return Partly(reading, done, (), text)
    return Applied(reading)


def _refused(stopped: Halt | None, reading: Reading) -> Refused:
    if stopped is None:
        return Refused("pump", "not changed: the pump carried out nothing", reading)
    return Refused(stopped.field, f"not changed: {_told(stopped, reading)}", reading)


def _told(stopped: Halt, reading: Reading) -> str:
    """Why it stopped, and when asking again is worth it."""
    if stopped.wait_ms is None:
        return stopped.reason
    read = reading.interrogation
    return f"{stopped.reason}; next allowed at {pump_time(read.at_ms + stopped.wait_ms, read.zone_offset_ms)}"


def _refusal(pairs: Sequence[tuple[Sent, Fate]]) -> Halt | None:
    refused = ((sent, fate.refused) for sent, fate in pairs if fate.refused)
    return next((fates.refusal(sent.what, said) for sent, said in refused), None)


def _heard(errand: Errand, halt: Halt | None) -> str:
    if halt is not None:
        return halt.reason
    return UNCONFIRMED if errand.order_id else "not read back"


def _carried(channel: Channel, items: Sequence[Item]) -> Halt | None:
    """Send until the first that is not acknowledged; what stopped it, None if nothing did."""
    try:
        for item in items:
            halt = _transferred(channel, item) if isinstance(item, Transfer) else _tell(channel, item)
            if halt is not None:
                return halt
    except (LinkDown, NoAnswer, ProtocolError) as error:
        return Halt(fates.LINK, f"contact was lost: {error}")
    return None


def _transferred(channel: Channel, order: Transfer) -> Halt | None:
    return _tell(channel, order.stage) or _compared(channel, order) or _tell(channel, order.commit)


def _compared(channel: Channel, order: Transfer) -> Halt | None:
    """Read back what is staged and hold it against the review."""
    read = ask(channel, ReadStaged(order.actor))
    wrong = order.differences(read) if isinstance(read, TransferReport) else ("no report",)
    if not wrong:
        return None
    return Halt("staged", f"what lies staged is not what was reviewed ({', '.join(wrong)}); not committed")


def _tell(channel: Channel, command: Command) -> Halt | None:
    reply = ask(channel, command)
    if isinstance(reply, PumpRefused):
        return fates.refusal(fates.what(command), reply)
    return None


def _confirmed(wand: Wand, errand: Errand, sender: Sender, outcome: Outcome) -> Outcome:
    """Tell the pump that the program that runs was read back and is the one that was meant."""
    if not isinstance(outcome, Applied | Partly) or not _is_due(errand, outcome.reading):
        return outcome
    command = confirmation(sender.actor, errand.order_id, errand.due_digest)
    for _ in range(_tries()):
        try:
            with contact(wand) as channel:
                if isinstance(ask(channel, command), PumpApplied):
                    return replace(outcome, reading=_afterwards(channel, outcome.reading, sender))
        except (LinkDown, NoAnswer, ProtocolError):
            continue
    return Unknown(errand.order_id, f"{UNCONFIRMED}: the contact was lost")


def _afterwards(channel: Channel, reading: Reading, sender: Sender) -> Reading:
    """A reading with what was written since; where that cannot be read, with the confirmation noted."""
    try:
        return read_on(channel, reading, sender)
    except (LinkDown, NoAnswer, ProtocolError):
        known = reading.transfer and replace(reading.transfer, confirmed=True)
        return replace(reading, transfer=known)


def _is_due(errand: Errand, reading: Reading) -> bool:
    """True if the order runs and the pump still waits to be told that it was read back."""
    waits = reading.transfer is not None and not reading.transfer.confirmed
    return waits and reading.interrogation.program_digest == errand.due_digest


def _read_some_times(wand: Wand, sender: Sender) -> Reading | Unreachable:
    reading: Reading | Unreachable = Unreachable("not tried")
    for _ in range(_tries()):
        reading = interrogate(wand, sender)
        if isinstance(reading, Reading):
            break
    return reading


def _tries() -> int:
    return catalogue.load().practice["programmer"].fact("answer_retries").whole("1")
