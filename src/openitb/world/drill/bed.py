"""One implant as the drill follows it: what was last seen, and what must be by the exact reference."""

from dataclasses import dataclass, field
from enum import StrEnum

from openitb import units
from openitb.catalogue import Pump
from openitb.implant import Advanced, Contents, Implant, Specimen, advance, new_implant
from openitb.protocol import Applied, Command, LogEntry, ReadRequest, decode_reply, decode_request
from openitb.timeline import Parcel
from openitb.world.drill.expected import MILLION, Expected, Fluid, specs_of
from openitb.world.drill.ward import Heard

EXACT = Specimen()


@dataclass
class Accounts:
    """All fluid and drug that went in and came out by needle, and the fullest window of time so far.

    `level` is a vessel that leaks at the highest flow: it never holds more than the most that any
    window, of whatever length, had beyond what that flow delivers in it; in nL/day x ms.
    """

    in_nl: int
    in_pg: int
    out_nl: int = 0
    out_pg: int = 0
    level: int = 0
    peak: int = 0

    def flowed(self, parcel: Parcel, leak_nl_per_day: int) -> None:
        """Pass a parcel through the vessel."""
        drained = leak_nl_per_day * (parcel.end_ms - parcel.start_ms)
        self.level = max(0, self.level + parcel.volume_nl * units.MS_PER_DAY - drained)
        self.peak = max(self.peak, self.level)


@dataclass
class Bed:
    """One implant. `kept` is the state its process keeps, `seen` that state advanced to the last look."""

    kept: Implant
    seen: Implant
    expected: Expected
    accounts: Accounts
    done: set[str] = field(default_factory=set)
    replies: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def serial(self) -> str:
        """Its serial number."""
        return self.seen.serial

    @property
    def leak_nl_per_day(self) -> int:
        """The highest flow of this specimen in true time, rounded up."""
        crystal, motor = self.seen.hardware.crystal, self.seen.hardware.motor
        factor = (MILLION + crystal.drift_ppm) * (MILLION + motor.gain_ppm)
        return -(-self.expected.specs.highest_nl_per_day * factor // MILLION**2)


class Cause(StrEnum):
    """Why a process may keep another state than before."""

    NOTHING = "nothing"
    REQUEST = "request"
    SAVED = "saved or read back"
    MASKED = "read back from one slot, the other being damaged"
    NEEDLE = "needle"


@dataclass(frozen=True, slots=True)
class Event:
    """What a step did to one implant's process: `kept` is the state it keeps now.

    `heard` is the request that reached it, `sound` whether that made sense.
    """

    kept: Implant
    cause: Cause
    heard: Heard | None = None
    sound: bool = True


@dataclass(frozen=True, slots=True)
class Newborn:
    """What a pump is implanted with, when, in which zone, and how it differs from its model."""

    serial: str
    contents: Contents
    at_ms: int
    zone_ms: int = 0
    specimen: Specimen = EXACT


def new_bed(newborn: Newborn, pump: Pump) -> Bed:
    """A pump just implanted, stopped, and the reference that will live beside it."""
    contents, specimen = newborn.contents, newborn.specimen
    at_ms, volume_nl, drug = newborn.at_ms, contents.volume_nl, contents.concentration_ug_per_ml
    implant = new_implant(newborn.serial, pump, contents, at_ms, newborn.zone_ms, specimen)
    expected = Expected(
        specs=specs_of(pump, specimen.gain_ppm),
        fluid=Fluid(volume_nl),
        concentration=drug,
        clock_ms=at_ms,
        zone_ms=newborn.zone_ms,
        believed_nl=volume_nl,
        low_alarm_nl=pump.low_reservoir_alarm_nl,
    )
    return Bed(implant, implant, expected, Accounts(volume_nl, volume_nl * drug))


@dataclass(frozen=True, slots=True)
class Scene:
    """What one step did to one implant, for the invariants to judge.

    `last` is the implant at the last look, `before` just before the step's event, `after` now; `new`
    are the log entries since the last look. `command` was carried out if `applied`; `moved` is true if
    the process keeps another state than before.
    """

    bed: Bed
    event: Event
    last: Implant
    before: Implant
    after: Implant
    parcels: tuple[Parcel, ...]
    new: tuple[LogEntry, ...]
    command: Command | None
    applied: bool
    moved: bool


def look(bed: Bed, event: Event, now_ms: int) -> Scene:
    """Follow an implant to `now_ms`: time first, then what its process did, then time again."""
    last, kept, moved = bed.seen, event.kept, event.kept is not bed.kept
    until_ms = max(now_ms, last.now_ms, kept.now_ms)
    event_ms = max(last.now_ms, kept.now_ms) if moved else until_ms
    first = advance(last, event_ms)
    rest = advance(kept, until_ms) if moved else Advanced(first.implant, ())
    new = _entries_since(last, rest.implant)
    command = _command(event.heard)
    applied = command is not None and _tells_of(new, command.command_id)
    _follow(bed, event_ms, command if applied else None, until_ms)
    parcels = (*first.delivered, *rest.delivered)
    for parcel in parcels:
        bed.accounts.flowed(parcel, bed.leak_nl_per_day)
    bed.kept, bed.seen = kept, rest.implant
    return Scene(bed, event, last, first.implant, rest.implant, parcels, new, command, applied, moved)


def _follow(bed: Bed, event_ms: int, command: Command | None, until_ms: int) -> None:
    """Let the reference live through the same."""
    crystal = bed.seen.hardware.crystal
    expected = bed.expected.at(crystal.tick_ms(event_ms))
    if command is not None:
        expected = expected.after(command)
    bed.expected = expected.at(crystal.tick_ms(until_ms))


def _tells_of(entries: tuple[LogEntry, ...], command_id: str) -> bool:
    return any(entry.kind.value in OUTCOMES and entry.get("command_id") == command_id for entry in entries)


# An effect on the pump: the entry that tells of it, and the one that must come first.
OUTCOMES = {
    "program changed": "program intended",
    "refill recorded": "refill intended",
    "alarm setting changed": "alarm setting intended",
    "clock set": "clock intended",
}


def was_applied(heard: Heard) -> bool:
    """True if the implant said that it carried the request out."""
    return isinstance(decode_reply(heard.reply), Applied)


def _command(heard: Heard | None) -> Command | None:
    if heard is None:
        return None
    request = decode_request(heard.request)
    return None if isinstance(request, ReadRequest) else request


def _entries_since(before: Implant, after: Implant) -> tuple[LogEntry, ...]:
    old, log = before.firmware.log.head.number, after.firmware.log
    if log.entries is before.firmware.log.entries or log.head.number == old:
        return ()
    return tuple(entry for entry in log.entries[-(log.head.number - old) :] if entry.number > old)
