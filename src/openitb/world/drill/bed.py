"""One implant as the drill follows it: what was last seen, and what must be by the exact reference."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from openitb import units
from openitb.catalogue import Pump
from openitb.implant import (
    Advanced,
    Contents,
    Implant,
    Specimen,
    Spell,
    SpellKind,
    advance,
    new_implant,
    with_spells,
)
from openitb.implant.faults import Needle
from openitb.implant.firmware.credits import Credit
from openitb.implant.hardware.spells import condition_at, next_edge_ms
from openitb.implant.senses import Supply
from openitb.protocol import (
    AlarmCondition,
    Command,
    LogEntry,
    LogKind,
    ReadRequest,
)
from openitb.records import quick
from openitb.timeline import Parcel
from openitb.world.drill import told
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
class Ticks:
    """The crystal by a reckoning of its own: its count at an instant, and how fast it runs since."""

    at_ms: int
    count: int
    ppm: int

    def tick_ms(self, at_ms: int) -> int:
        """The count at a true instant."""
        return self.count + (at_ms - self.at_ms) * (MILLION + self.ppm) // MILLION

    def run_at(self, at_ms: int, ppm: int) -> None:
        """From an instant on it runs so fast."""
        if ppm != self.ppm:
            self.at_ms, self.count, self.ppm = at_ms, self.tick_ms(at_ms), ppm


@dataclass
class Bed:
    """One implant. `kept` is the state its process keeps, `seen` that state advanced to the last look.

    `spells` and `needles` are the faults that were laid on it, `lived_ms` how far the reference is,
    `most_ppm` and `loose_nl_per_day` the worst that faults have made of a stroke and of the outlet.
    """

    kept: Implant
    seen: Implant
    expected: Expected
    accounts: Accounts
    ticks: Ticks
    lived_ms: int
    spells: tuple[Spell, ...] = ()
    needles: tuple[Needle, ...] = ()
    most_ppm: int = 0
    loose_nl_per_day: int = 0
    done: set[str] = field(default_factory=set)
    replies: dict[bytes, bytes] = field(default_factory=dict)
    credits: dict[int, Credit] = field(default_factory=dict)

    @property
    def serial(self) -> str:
        """Its serial number."""
        return self.seen.serial

    @property
    def stroke_ppm(self) -> int:
        """The most that a stroke of this specimen has ever moved, in millionths of the nominal."""
        return MILLION + self.expected.specs.gain_ppm + self.most_ppm

    @property
    def leak_nl_per_day(self) -> int:
        """The highest flow of this specimen in true time, rounded up."""
        factor = (MILLION + max(self.ticks.ppm, self.seen.hardware.crystal.drift_ppm)) * self.stroke_ppm
        highest = self.expected.specs.highest_nl_per_day
        return -(-highest * factor // MILLION**2) + self.loose_nl_per_day

    def lay(self, spells: Iterable[Spell], needles: Iterable[Needle]) -> Implant:
        """Lay faults on it; gives the implant that its process is to keep."""
        laid = tuple(spells)
        self.spells, self.needles = (*self.spells, *laid), (*self.needles, *needles)
        gains = sum(spell.amount for spell in laid if spell.kind is SpellKind.GAIN and spell.amount > 0)
        flows = sum(spell.amount for spell in laid if spell.kind is SpellKind.FREE_FLOW)
        self.most_ppm, self.loose_nl_per_day = self.most_ppm + gains, self.loose_nl_per_day + flows
        return with_spells(self.seen, laid)

    def live(self, until_ms: int) -> None:
        """Let the reference live to a true instant, through every edge of what is wrong."""
        while self.lived_ms < until_ms:
            self.meet()
            edge = next_edge_ms(self.spells, self.lived_ms)
            self.lived_ms = until_ms if edge is None else min(edge, until_ms)
            self.expected.at(self.ticks.tick_ms(self.lived_ms))

    def meet(self) -> None:
        """Let the reference feel what is wrong now."""
        if not self.spells:
            return
        now, felt = condition_at(self.spells, self.lived_ms), self.expected.felt
        drift = self.seen.hardware.crystal.drift_ppm
        self.ticks.run_at(self.lived_ms, drift + now.drift_ppm)
        before, felt.wrong = felt.wrong.senses, now
        if now.senses.reset and not before.reset:
            told.reset(self.expected)
        if now.senses.supply is Supply.WEAK and felt.weak_since_ms is None:
            felt.weak_since_ms = self.expected.tick_ms
        felt.clock_lost |= before.clock_kept and not now.senses.clock_kept
        if now.senses != before:
            self.expected.settle()


class Cause(StrEnum):
    """Why a process may keep another state than before."""

    NOTHING = "nothing"
    REQUEST = "request"
    SAVED = "saved or read back"
    MASKED = "read back from one slot, the other being damaged"
    LOST = "read back from two slots, both damaged"
    NEEDLE = "needle"
    FAULT = "fault laid on the parts"
    LEFT = "its caller has gone"


@quick
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
    expected.settle()
    ticks = Ticks(at_ms, 0, specimen.drift_ppm)
    return Bed(implant, implant, expected, Accounts(volume_nl, volume_nl * drug), ticks, at_ms)


@quick
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
    # What is read back may be older than the last look: what was seen to leave since is not seen again.
    rest = advance(advance(kept, event_ms).implant, until_ms) if moved else Advanced(first.implant, ())
    new = _entries_since(last, rest.implant)
    command = _command(event.heard)
    applied = command is not None and _tells_of(new, command.command_id)
    _follow(bed, event, new, event_ms)
    if applied and command is not None:
        staged = kept.firmware.link.staged
        told.told(bed.expected, command, staged.digest if staged else "")
    _live(bed, new, until_ms)
    parcels = (*first.delivered, *rest.delivered)
    for parcel in parcels:
        if parcel.volume_nl or bed.accounts.level:
            bed.accounts.flowed(parcel, bed.leak_nl_per_day)
    bed.kept, bed.seen = kept, rest.implant
    return Scene(bed, event, last, first.implant, rest.implant, parcels, new, command, applied, moved)


def _follow(bed: Bed, event: Event, new: tuple[LogEntry, ...], event_ms: int) -> None:
    """Let the reference live to the event, and through it but for a command."""
    _live(bed, new, event_ms)
    if event.heard is not None:
        bed.meet()
        if any(entry.kind is LogKind.TELEMETRY_RELEASED for entry in new):
            bed.expected.felt.captured = False
            bed.expected.settle()
    if event.cause is Cause.LOST:
        told.forgotten(bed.expected)


def _live(bed: Bed, new: tuple[LogEntry, ...], until_ms: int) -> None:
    """Time passes; where the guard stopped the pump, so does the reference, and says if it should have."""
    for entry in new:
        if entry.get("condition") == AlarmCondition.DELIVERY_GUARD and entry.kind is LogKind.ALARM_RAISED:
            expected, at_ms = bed.expected, bed.seen.hardware.crystal.instant_ms(entry.tick_ms)
            if bed.lived_ms <= at_ms <= until_ms and not expected.halted:
                bed.live(at_ms)
                expected.halted = True
                expected.settle()
    bed.live(until_ms)


def _tells_of(entries: tuple[LogEntry, ...], command_id: str) -> bool:
    return any(
        entry.kind is not LogKind.REFUSED and entry.get("command_id") == command_id for entry in entries
    )


def _command(heard: Heard | None) -> Command | None:
    if heard is None:
        return None
    return None if isinstance(heard.asked, ReadRequest) else heard.asked


def _entries_since(before: Implant, after: Implant) -> tuple[LogEntry, ...]:
    log = after.firmware.log
    if log.entries is before.firmware.log.entries:
        return ()
    old = before.firmware.log.head.number
    if log.head.number == old:
        return ()
    return tuple(entry for entry in log.entries[-(log.head.number - old) :] if entry.number > old)
