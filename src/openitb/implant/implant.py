"""The virtual implant: one value that holds hardware truth and firmware belief, and its life.

Time passes in `advance`, a message comes in through `handle`, a needle through `fill` and
`withdraw`. All are pure: state in, state and outputs out. Instants are true time, whole ms UTC;
volumes whole nL, drug whole pg. What the firmware counts and what really leaves the outlet meet in
one place only, `Outlet.turn`, with the delivery guard between them; what the parts let the firmware
feel comes back by one narrow door, `Senses`. Faults are `Spell`s laid on the parts beforehand.

Holds: SYS-10, TIM-04.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from openitb.catalogue import Pump
from openitb.implant.build import Build, build_of
from openitb.implant.errors import ImplantError
from openitb.implant.firmware.authority import authorised_by_senses
from openitb.implant.firmware.commands import execute
from openitb.implant.firmware.controller import new_controller
from openitb.implant.firmware.credits import Issuer, key_of
from openitb.implant.firmware.guard import Guard, Limits
from openitb.implant.firmware.log import new_log
from openitb.implant.firmware.perception import before_reading, feel
from openitb.implant.firmware.seal import sealed
from openitb.implant.firmware.self_test import agreed, check_due_ms, proven
from openitb.implant.firmware.state import PUMP, BelievedReservoir, Firmware, WallClock, logged
from openitb.implant.firmware.strokes import Counter
from openitb.implant.firmware.watch import charges, next_train, ran, ran_whole, settled, trains_ahead, vetoed
from openitb.implant.hardware.clock import Crystal
from openitb.implant.hardware.motor import Motor
from openitb.implant.hardware.outlet import Outlet
from openitb.implant.hardware.parts import Hardware
from openitb.implant.hardware.reservoir import Reservoir
from openitb.implant.hardware.spells import Spell
from openitb.implant.senses import Senses
from openitb.prescription import Stopped, compile_order
from openitb.protocol import Interrogate, LogKind, Refused, Reply, Request, Role
from openitb.records import quick, replace
from openitb.timeline import Parcel


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a reservoir by its label: total volume in nL, concentration in µg/mL (pg/nL)."""

    volume_nl: int
    concentration_ug_per_ml: int


@dataclass(frozen=True, slots=True)
class Specimen:
    """How one pump differs from its model: stroke volume and crystal, in ppm, true and unknown to it.

    `metered` fits the virtual meter at the outlet, which reads `meter_ppm` too much, `sensed` a sensor of
    the level in the reservoir.
    """

    gain_ppm: int = 0
    drift_ppm: int = 0
    metered: bool = False
    meter_ppm: int = 0
    sensed: bool = False


class _Twice:
    """The second copy of what memory holds: no field, so whoever makes an implant writes both alike."""

    __slots__ = ("second",)
    second: Firmware


@quick
@dataclass(frozen=True, slots=True)
class Implant(_Twice):
    """One implanted pump at the true instant `now_ms`.

    Its memory holds the firmware twice, written alike at the end of each step; `second` is the other copy.
    """

    build: Build
    hardware: Hardware
    firmware: Firmware
    now_ms: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "second", self.firmware)

    @property
    def serial(self) -> str:
        """Its serial number."""
        return self.build.serial

    @property
    def reservoir(self) -> Reservoir:
        """What is truly in it."""
        return self.hardware.reservoir


@quick
@dataclass(frozen=True, slots=True)
class Advanced:
    """An implant later, and what left its outlet meanwhile, in order and without a gap."""

    implant: Implant
    delivered: tuple[Parcel, ...]


EXACT = Specimen()
LOCKED = "error code: it cannot be read or programmed, therapy goes on; only its maker can release it"


def new_implant(
    serial: str,
    pump: Pump,
    contents: Contents,
    at_ms: int,
    zone_offset_ms: int = 0,
    specimen: Specimen = EXACT,
) -> Implant:
    """A pump implanted at `at_ms`, filled with `contents`, stopped, believing its label.

    Raises `ImplantError` for an empty serial, contents above the capacity and a specimen that deviates
    by the whole, `OrderError` for a concentration that is not above zero.
    """
    build = build_of(serial, pump, specimen.metered, specimen.sensed)
    mass_pg = contents.volume_nl * contents.concentration_ug_per_ml
    reservoir = Reservoir(
        contents.volume_nl, contents.volume_nl, mass_pg, build.capacity_nl, build.residual_nl
    )
    crystal = Crystal(at_ms, specimen.drift_ppm)
    hardware = Hardware(reservoir, Motor(specimen.gain_ppm), crystal, meter_ppm=specimen.meter_ppm)
    firmware = new_firmware(build, pump, contents, WallClock(at_ms, zone_offset_ms))
    return Implant(build, hardware, settled(firmware, build), at_ms)


def advance(implant: Implant, to_ms: int) -> Advanced:
    """The implant at `to_ms`, and the parcels it delivered since `now_ms`, contiguous in time.

    Takes one step per change of flow, stage end and alarm, however long that is. However a span is
    cut, the implant at its end is the same and the parcels add up to the same. Each parcel lies within
    one stretch of constant flow. Raises `ImplantError` for an instant in the past.
    """
    if to_ms < implant.now_ms:
        raise ImplantError(f"time: got {to_ms} ms, expected no earlier than {implant.now_ms} ms")
    outlet = Outlet(implant.hardware, implant.now_ms, to_ms)
    firmware, at_ms = _remembered(implant), implant.now_ms
    while at_ms < to_ms:
        edge_ms = outlet.hardware.next_edge_ms(at_ms)
        until_ms = to_ms if edge_ms is None else min(edge_ms, to_ms)
        outlet.enter(at_ms)
        firmware = _felt(firmware, implant.build, outlet.hardware.condition(at_ms).senses)
        firmware = _stretch(firmware, implant.build, outlet, outlet.hardware.crystal.tick_ms(until_ms))
        at_ms = until_ms
    hardware = outlet.hardware.lived(to_ms)
    return Advanced(replace(implant, hardware=hardware, firmware=firmware, now_ms=to_ms), outlet.parcels())


def handle(
    implant: Implant, request: Request, at_ms: int, role: Role = Role.CLINICIAN
) -> tuple[Implant, Reply]:
    """The implant after a request at `at_ms` by a holder of `role`, and its reply.

    Bad requests are `Refused`, never raised. Advances first: who needs the parcels delivered until
    then calls `advance` to `at_ms` before.
    """
    now = advance(implant, at_ms).implant
    firmware = _felt(now.firmware, now.build, now.hardware.condition(at_ms).senses)
    if firmware.feeling.senses.locked:
        return replace(now, firmware=firmware), Refused("pump", LOCKED)
    if isinstance(request, Interrogate) and request.log_after is None:
        firmware = before_reading(firmware)
    firmware = proven(firmware, now.build)
    firmware, reply = execute(firmware, now.build, request, role)
    return replace(now, firmware=firmware), reply


def fill(implant: Implant, volume_nl: int, mass_pg: int, at_ms: int) -> Implant:
    """The implant after a needle put fluid into its reservoir; the firmware does not notice.

    Advances first, as `handle` does. Raises `ImplantError` above the capacity.
    """
    now = advance(implant, at_ms).implant
    return _with_reservoir(now, now.hardware.reservoir.filled(volume_nl, mass_pg))


def with_spells(implant: Implant, spells: Iterable[Spell]) -> Implant:
    """The implant with faults laid on its parts; `ImplantError` for one that began in its past.

    Firmware and record learn of it only through what the parts let them feel.
    """
    laid = tuple(spells)
    for spell in laid:
        if spell.from_ms < implant.now_ms:
            raise ImplantError(f"spell: got a start at {spell.from_ms} ms, expected from {implant.now_ms} ms")
    return replace(implant, hardware=implant.hardware.with_spells(laid))


def with_memory_hit(implant: Implant, firmware: Firmware, *, second: bool = False) -> Implant:
    """The implant whose working memory - or its second copy - has changed by nobody's doing."""
    hit = replace(implant, firmware=implant.firmware if second else firmware)
    object.__setattr__(hit, "second", firmware if second else implant.firmware)
    return hit


def withdraw(implant: Implant, at_ms: int) -> tuple[Implant, int, int]:
    """The implant after a needle emptied it down to the residual volume, and the nL and pg taken out.

    Advances first, as `handle` does; the firmware does not notice.
    """
    now = advance(implant, at_ms).implant
    volume_nl = now.hardware.reservoir.available_nl
    reservoir, mass_pg = now.hardware.reservoir.without(volume_nl)
    return _with_reservoir(now, reservoir), volume_nl, mass_pg


def self_tested(implant: Implant) -> Implant:
    """The implant after its start-up test."""
    return replace(implant, firmware=proven(implant.firmware, implant.build))


def _remembered(implant: Implant) -> Firmware:
    """The firmware as both copies of it agree on; an implant that was copied as a value holds one."""
    tick_ms = implant.hardware.crystal.tick_ms(implant.now_ms)
    return agreed(implant.firmware, getattr(implant, "second", implant.firmware), implant.build, tick_ms)


def _felt(firmware: Firmware, build: Build, senses: Senses) -> Firmware:
    """The firmware with all that follows at once from what it feels now."""
    if senses == firmware.feeling.senses:
        return firmware
    return settled(authorised_by_senses(firmware, feel(firmware, build, senses), build), build)


def _stretch(firmware: Firmware, build: Build, outlet: Outlet, until_tick: int) -> Firmware:
    """The firmware after a stretch in which nothing changes but what it does itself.

    Within one nobody else touches memory, so what a check at its first whole hour would find is known at its
    beginning, and where there is nothing to find no stroke is parted from the next.
    """
    check_tick = check_due_ms(firmware, build, until_tick)
    while firmware.counter.tick_ms < until_tick:
        end_tick = min(check_tick or until_tick, until_tick)
        ahead = trains_ahead(firmware, build, end_tick) if outlet.is_sound else ()
        trains = firmware.guard.whole(ahead)
        if trains:
            outlet.turn_whole(trains, build.stroke_nl)
            firmware = ran_whole(firmware, build, trains)
        else:
            firmware = _step(firmware, build, outlet, end_tick)
        if firmware.counter.tick_ms == check_tick:
            firmware, check_tick = proven(firmware, build), None
    return firmware


def _step(firmware: Firmware, build: Build, outlet: Outlet, until_tick: int) -> Firmware:
    """The firmware at the next moment that matters."""
    end_tick = min((until_tick, *outlet.ticks_that_matter(firmware, build)))
    train = outlet.until_noticed(next_train(firmware, build, end_tick, outlet.turns), firmware, build)
    admitted = firmware.guard.admitted(train, charges(firmware, build, train))
    if admitted is None:
        return vetoed(firmware, build)
    return ran(firmware, build, admitted, outlet.turn(admitted, build.stroke_nl))


def new_firmware(build: Build, pump: Pump, contents: Contents, clock: WallClock) -> Firmware:
    """What a pump believes when it is made: stopped, filled with what its label says."""
    volume_nl, label = contents.volume_nl, contents.concentration_ug_per_ml
    firmware = Firmware(
        clock=clock,
        controller=new_controller(compile_order(Stopped(), label, pump)),
        counter=Counter(),
        guard=_new_guard(build),
        reservoir=BelievedReservoir(volume_nl, 0, label, build.default_low_alarm_nl),
        log=new_log(build.serial),
        issuer=Issuer(key_of(build.serial)),
    )
    firmware = sealed(firmware)
    detail = (("pump", build.pump_id), ("volume_nl", volume_nl), ("concentration_ug_per_ml", label))
    return logged(firmware, LogKind.IMPLANTED, PUMP, detail)


def _new_guard(build: Build) -> Guard:
    shortest_interval_ms = build.stroke_cost // build.highest_flow_nl_per_day
    limits = Limits(highest_nl_per_day=0, memory_ms=max(build.guard_windows_ms))
    return Guard(shortest_interval_ms, key_of(build.serial), limits)


def _with_reservoir(implant: Implant, reservoir: Reservoir) -> Implant:
    return replace(implant, hardware=replace(implant.hardware, reservoir=reservoir))
