"""Sessions with one implant: each opens a channel, asks, and closes it.

Holds: LOG-05.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from openitb import catalogue, units
from openitb.programmer.outcomes import Reading, Unreachable
from openitb.protocol import (
    AccessReport,
    Interrogate,
    Interrogation,
    LogEntry,
    ProtocolError,
    ReadAccess,
    ReadStaged,
    Reply,
    Request,
    Role,
    TransferReport,
    decode_reply,
    encode,
    verify_chain,
)
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
    """Who speaks, by which clock (ms since the epoch, UTC), with a key of which role."""

    actor: str
    clock: Clock
    role: Role = Role.CLINICIAN


def interrogate(wand: Wand, sender: Sender) -> Reading | Unreachable:
    """Read the pump's whole state and log; changes nothing but the pump's log of who read it."""
    try:
        with contact(wand) as channel:
            return _read(channel, sender)
    except (LinkDown, NoAnswer, ProtocolError) as error:
        return Unreachable(str(error))


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


def read_on(channel: Channel, reading: Reading, sender: Sender) -> Reading:
    """A reading of a moment ago with what the pump says and has written since; not noted as another one.

    Raises what the link or the decoder raises.
    """
    since = reading.interrogation.log_head.number
    reply = ask(channel, Interrogate(sender.actor, log_after=since))
    if not isinstance(reply, Interrogation):
        return reading
    first = replace(reading.interrogation, log=reading.log)
    return _with_asides(channel, sender, _whole(reply, [first] if reading.log else [], sender))


def _read(channel: Channel, sender: Sender) -> Reading | Unreachable:
    reply = ask(channel, Interrogate(sender.actor))
    if not isinstance(reply, Interrogation):
        return Unreachable(f"the pump did not let itself be read: {reply}")
    pages = _earlier_pages(channel, sender, reply) if sender.role is Role.CLINICIAN else []
    return _with_asides(channel, sender, _whole(reply, pages, sender))


def _whole(reply: Interrogation, pages: list[Interrogation], sender: Sender) -> Reading:
    log = tuple(entry for page in pages for entry in page.log) + reply.log
    fault = verify_chain(log, pages[0].log_anchor if pages else reply.log_anchor)
    return Reading(reply, sender.clock(), log, fault.problem if fault else "")


def _with_asides(channel: Channel, sender: Sender, reading: Reading) -> Reading:
    """The reading with what a transfer left behind, and with keys and library; a handheld may not ask."""
    if sender.role is Role.PATIENT:
        return reading
    transfer, access = (ask(channel, kind(sender.actor)) for kind in (ReadStaged, ReadAccess))
    return replace(
        reading,
        transfer=transfer if isinstance(transfer, TransferReport) else None,
        access=access if isinstance(access, AccessReport) else None,
    )


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
