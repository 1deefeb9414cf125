"""Sessions with one implant: each opens a channel, asks, and closes it.

Holds: LOG-05, PRG-11.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from openitb import catalogue, units
from openitb.programmer.outcomes import Applied, Outcome, Reading, Refused, Unknown, Unreachable
from openitb.programmer.review import Review
from openitb.protocol import (
    Interrogate,
    Interrogation,
    LogEntry,
    ProgramPump,
    ProtocolError,
    Reply,
    Request,
    decode_reply,
    encode,
    verify_chain,
)
from openitb.protocol import Refused as PumpRefused
from openitb.telemetry import Address, Channel, Keys, LinkDown, NoAnswer, connect

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Wand:
    """How to reach one implant: where, which serial, and the keys both sides have pinned."""

    address: Address
    serial: str
    keys: Keys


@dataclass(frozen=True, slots=True)
class Sender:
    """Who speaks, by which clock (ms since the epoch, UTC)."""

    actor: str
    clock: Clock


def interrogate(wand: Wand, sender: Sender) -> Reading | Unreachable:
    """Read the pump's whole state and log; changes nothing but the pump's log of who read it."""
    try:
        with contact(wand) as channel:
            return _read(channel, sender)
    except (LinkDown, NoAnswer, ProtocolError) as error:
        return Unreachable(str(error))


def commit(wand: Wand, reviewed: Review, command_id: str, sender: Sender) -> Outcome:
    """Send a reviewed order, then read the pump back.

    `Applied` only if the read-back shows the new program. `Refused` if the pump refused, or if
    nothing could be sent. The pump itself refuses if its program is no longer the one reviewed, and a
    review of a reading that has grown old is not sent at all.

    Holds: PRG-10, PRG-11.
    """
    stale = staleness(reviewed.read_at_ms, sender.clock())
    if stale:
        return Refused("reading", f"nothing was sent: {stale}")
    command = ProgramPump(sender.actor, command_id, reviewed.expected_digest, reviewed.order)
    try:
        with contact(wand) as channel:
            reply = ask(channel, command)
    except LinkDown as error:
        return Refused("link", f"nothing was sent: {error}")
    except (NoAnswer, ProtocolError) as error:
        return Unknown(command_id, str(error))
    if isinstance(reply, PumpRefused):
        return Refused(reply.field, reply.reason)
    return settle(wand, reviewed.new_digest, command_id, sender)


def settle(wand: Wand, new_digest: str, command_id: str, sender: Sender) -> Outcome:
    """Find out what became of a command by reading the pump; sends no order."""
    reading = interrogate(wand, sender)
    if isinstance(reading, Unreachable):
        return Unknown(command_id, f"not read back: {reading.reason}")
    if reading.interrogation.program_digest == new_digest:
        return Applied(reading)
    return Refused("program", "read back: the pump does not run the new program, the order was not applied")


def contact(wand: Wand) -> Channel:
    """A channel to the implant and no other; `LinkDown` if there is none. Close it when done."""
    return connect(wand.address, wand.serial, wand.keys)


def staleness(read_at_ms: int, now_ms: int) -> str:
    """Why a reading is too old to act on; empty while it is fresh. A clock that went back is no excuse."""
    limit_ms = catalogue.load().practice["programmer"].fact("reading_age").whole("ms")
    age_ms = now_ms - read_at_ms
    if 0 <= age_ms <= limit_ms:
        return ""
    minutes = units.format_number(age_ms / units.MS_PER_MIN, 1)
    longest = units.format_number(limit_ms / units.MS_PER_MIN)
    return f"the pump was read {minutes} min ago, expected at most {longest} min: read it again and review"


def ask(channel: Channel, request: Request) -> Reply:
    """One request and its reply; raises what the link or the decoder raises."""
    return decode_reply(channel.send(encode(request)))


def _read(channel: Channel, sender: Sender) -> Reading | Unreachable:
    reply = ask(channel, Interrogate(sender.actor))
    if not isinstance(reply, Interrogation):
        return Unreachable(f"the pump did not let itself be read: {reply}")
    pages = _earlier_pages(channel, sender, reply)
    log = tuple(entry for page in pages for entry in page.log) + reply.log
    fault = verify_chain(log, pages[0].log_anchor if pages else reply.log_anchor)
    return Reading(reply, sender.clock(), log, fault.problem if fault else "")


def _earlier_pages(channel: Channel, sender: Sender, latest: Interrogation) -> list[Interrogation]:
    """The log before the latest page, oldest first; each page hangs from the end of the one before."""
    pages: list[Interrogation] = []
    after = 0
    while after < latest.log_anchor.number:
        page = ask(channel, Interrogate(sender.actor, log_after=after))
        if not isinstance(page, Interrogation) or not page.log:
            break
        kept = _up_to(page.log, latest.log_anchor.number)
        pages.append(replace(page, log=kept))
        after = page.log[-1].number
    return pages


def _up_to(entries: tuple[LogEntry, ...], last: int) -> tuple[LogEntry, ...]:
    return tuple(entry for entry in entries if entry.number <= last)
