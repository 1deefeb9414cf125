"""The drill: implants, programmers, an adversary, power loss and time, all drawn from one seed.

One thread and a virtual clock. Each step is one row of `ACTIONS`, drawn by weight; after it every
invariant is checked on each implant it touched, and no other may have changed.
"""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from openitb import catalogue, units
from openitb.catalogue import Pump
from openitb.implant import Contents, Implant, Specimen, StoreError, handle, program_digest
from openitb.implant.faults import Laid
from openitb.implant.radio import with_publisher
from openitb.protocol import Applied, LogKind, ProgramPump, Role
from openitb.records import replace
from openitb.world.drill import told
from openitb.world.drill.bed import Bed, Cause, Event, Newborn, look, new_bed
from openitb.world.drill.caller import Caller
from openitb.world.drill.disk import Disk
from openitb.world.drill.editions import PUBLISHER
from openitb.world.drill.invariants import problems
from openitb.world.drill.mood import drawn_mood
from openitb.world.drill.orders import drawn_order
from openitb.world.drill.outcome import Broken, Report, Trace
from openitb.world.drill.troubles import Trouble
from openitb.world.drill.ward import DiskHome, Ward
from openitb.world.drill.wishes import BY_ROLE

UG, DAY = units.PG_PER_UG, units.MS_PER_DAY
PUMPS = ("synchromed-ii-20", "synchromed-ii-40")
CALLERS = (
    ("anna", Role.CLINICIAN, 10),
    ("ben", Role.CLINICIAN, 10),
    ("rita", Role.READ_ONLY, 3),
    ("pia", Role.PATIENT, 12),
    ("gil", Role.BREAK_GLASS, 2),
)


class Start(NamedTuple):
    """An instant before which runs begin, and how often."""

    weight: int
    name: str
    at_ms: int


STARTS = (
    Start(6, "an ordinary Monday", 1_767_571_200_000),
    Start(1, "the end of 2^31 s, 19 January 2038", 2**31 * 1000),
    Start(1, "the end of 2^32 s, 7 February 2106", 2**32 * 1000),
    Start(1, "29 February 2028", 1_835_395_200_000),
    Start(1, "the 29 February that 2100 does not have", 4_107_542_400_000),
    Start(1, "the end of a year", 1_798_761_600_000),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides a drill: its seed and length; equal plans run equally.

    `troubles` are laid on the first implant, `shares` give actions another weight than their own.
    """

    seed: int
    steps: int = 60
    most_pumps: int = 3
    troubles: tuple[Trouble, ...] = ()
    shares: tuple[tuple[str, int], ...] = ()


class Drill:
    """A system under way. `draw` is the only source of chance, `now_ms` the only clock."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.draw = random.Random(plan.seed)  # noqa: S311 - a repeatable history, not a secret
        self.trace = Trace(plan.seed, plan.steps, plan.most_pumps)
        self.mood = drawn_mood(self.draw, BY_ROLE)
        start = self.draw.choices(STARTS, [start.weight for start in STARTS])[0]
        self.start_ms = self.now_ms = start.at_ms - self.draw.randint(0, 3 * DAY)
        self.disk = Disk()
        self.home = DiskHome(Path("drill"), self.disk)
        self.beds = {bed.serial: bed for bed in self._implanted(self.draw.randint(1, plan.most_pumps))}
        self.callers = [Caller(name, role) for name, role, _ in CALLERS]
        self.talking: Caller | None = None
        self.caller_weights = [weight for _, _, weight in CALLERS]
        self.old_frames: list[bytes] = []
        self.sound: dict[bytes, bool] = {}
        self.ids = 0
        self.ward = self.started()
        for trouble in plan.troubles:
            self.lay(next(iter(self.beds)), trouble.laid(self.start_ms))

    def started(self) -> Ward:
        """A new process over the disk as it is; `StoreError` if an implant on it is damaged."""
        self.disk.disarm()
        self.ward = Ward(self.home, lambda: self.now_ms, self.draw.random)
        self.ward.catch_up()
        self.observe_saved()
        return self.ward

    def lay(self, serial: str, laid: Laid) -> None:
        """Lay a fault on an implant; nothing in its firmware or record is told."""
        self.disk.disarm()
        self.observe(serial)
        bed = self.beds[serial]
        self.ward.replace(bed.lay(laid.pump, laid.needle))
        self.observe(serial, Event(self.ward.kept(serial), Cause.FAULT))

    def observe_saved(self) -> None:
        """Look at every implant after the process saved or loaded it: nothing may have changed by that."""
        for serial in self.beds:
            self.observe(serial, Event(self.ward.kept(serial), Cause.SAVED))

    def fresh(self) -> bytes:
        """Thirty-two bytes for a key of one session."""
        return self.draw.randbytes(32)

    def pump(self, serial: str) -> Pump:
        """The catalogue's entry of an implant's model."""
        return catalogue.load().pump(self.beds[serial].seen.build.pump_id)

    def any_serial(self) -> str:
        """One implant, drawn."""
        return self.draw.choice(list(self.beds))

    def observe(self, serial: str, event: Event | None = None) -> None:
        """Look at an implant and judge it; raises `Broken`."""
        bed = self.beds[serial]
        scene = look(bed, event or Event(self.ward.kept(serial), Cause.NOTHING), self.now_ms)
        found = problems(scene)
        if found:
            raise Broken(found, self.trace)
        self.trace.seen.update(entry.kind.value for entry in scene.new)
        self.trace.seen.add(scene.after.firmware.state.value)
        if scene.moved:
            self.trace.mix(bed.seen.firmware.log.head.digest)

    def settle(self, serial: str) -> Implant:
        """What a disk holds after a mishap: as last saved or as it was being saved, bit for bit (INV-9).

        A slot torn by it is masked by the other, and the log tells; that entry is left out here.
        """
        try:
            found = self.home.load(serial)
        except (StoreError, KeyError) as error:
            raise self.broken("INV-9", f"{serial} is lost: {error}") from None
        states = (self.home.committed[serial], self.home.saving.pop(serial, None))
        bare = found if found in states else _without_mask(found)
        if bare not in states:
            raise self.broken("INV-9", f"{serial} is neither as it was nor as it was being saved")
        self.home.committed[serial] = bare
        return bare

    def observe_others(self, touched: str) -> None:
        """No other implant's process state may have changed: INV-11 and TEL-12."""
        for serial, bed in self.beds.items():
            if serial != touched and self.ward.kept(serial) is not bed.kept:
                raise self.broken("INV-11", f"{serial} changed though only {touched} was touched")

    def broken(self, rule: str, problem: str) -> Broken:
        """The finding that a rule did not hold."""
        return Broken({rule: problem}, self.trace)

    def report(self) -> Report:
        """How far it came."""
        days = (self.now_ms - self.start_ms) / DAY
        trace = self.trace
        seen = frozenset(trace.seen | trace.actions.keys())
        return Report(self.plan.seed, trace.step, trace.digest, trace.actions, days, seen)

    def _implanted(self, count: int) -> list[Bed]:
        return [self._bed(f"NGP{number:06d}") for number in range(1, count + 1)]

    def _bed(self, serial: str) -> Bed:
        draw = self.draw
        pump = catalogue.load().pump(draw.choice(PUMPS))
        fullest_nl = draw.choice((pump.reservoir_capacity_nl, 2 * pump.low_reservoir_alarm_nl))
        volume_nl = draw.randint(pump.residual_volume_nl, fullest_nl)
        drug = draw.choice((500, 1000, 2000))
        specimen = Specimen(draw.choice((0, 0, 30_001, -99_999)), draw.choice((0, 0, 20, -50)))
        zone_ms = draw.choice((0, units.MS_PER_H, -8 * units.MS_PER_H))
        newborn = Newborn(serial, Contents(volume_nl, drug), self.now_ms, zone_ms, specimen)
        return self._begun(new_bed(newborn, pump))

    def _begun(self, bed: Bed) -> Bed:
        """A pump is mostly running when it is met: with a first order, if it takes it."""
        order = drawn_order(
            self.draw, catalogue.load().pump(bed.seen.build.pump_id), bed.expected.concentration
        )
        command = ProgramPump("surgeon", "first", program_digest(bed.seen), order)
        implant, reply = handle(bed.seen, command, self.now_ms)
        if isinstance(reply, Applied):
            told.told(bed.expected, command)
        bed.kept = bed.seen = with_publisher(implant, PUBLISHER.public)
        implant = bed.kept
        self.home.save(implant)
        return bed


def _without_mask(implant: Implant) -> Implant:
    """The implant without the last entry of its log, where that tells of a masked slot."""
    firmware = implant.firmware
    *earlier, last = firmware.log.entries
    if last.kind is not LogKind.MEMORY_MASKED:
        return implant
    log = replace(firmware.log, entries=tuple(earlier))
    return replace(implant, firmware=replace(firmware, log=log))
