"""The virtual implant: one value that holds hardware truth and firmware belief, and its life.

Time passes in `advance`, a message comes in through `handle`, a needle through `fill` and
`withdraw`. All are pure: state in, state and outputs out. Instants are true time, whole ms UTC;
volumes whole nL, drug whole pg. What the firmware counts and what really leaves the outlet meet in
one place only, `_stroke`, with the delivery guard between them.
"""

from dataclasses import dataclass, replace

from openitb.catalogue import Pump
from openitb.implant.build import Build, build_of
from openitb.implant.errors import ImplantError
from openitb.implant.firmware.commands import execute
from openitb.implant.firmware.controller import new_controller
from openitb.implant.firmware.credits import Issuer, key_of
from openitb.implant.firmware.guard import Guard, Limits
from openitb.implant.firmware.log import new_log
from openitb.implant.firmware.state import PUMP, BelievedReservoir, Firmware, WallClock, logged
from openitb.implant.firmware.strokes import Counter, Train
from openitb.implant.firmware.watch import next_train, ran, settled, vetoed
from openitb.implant.hardware.clock import Crystal
from openitb.implant.hardware.motor import MILLION, Motor
from openitb.implant.hardware.reservoir import Reservoir
from openitb.prescription import Stopped, compile_order
from openitb.protocol import LogKind, Reply, Request, Role
from openitb.timeline import Parcel


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a reservoir by its label: total volume in nL, concentration in µg/mL (pg/nL)."""

    volume_nl: int
    concentration_ug_per_ml: int


@dataclass(frozen=True, slots=True)
class Specimen:
    """How one pump differs from its model: stroke volume and crystal, in ppm, true and unknown to it.

    `metered` fits the virtual meter at the outlet, which reads `meter_ppm` too much.
    """

    gain_ppm: int = 0
    drift_ppm: int = 0
    metered: bool = False
    meter_ppm: int = 0


@dataclass(frozen=True, slots=True)
class Hardware:
    """Truth: the parts, and all that has left the outlet since implantation."""

    reservoir: Reservoir
    motor: Motor
    crystal: Crystal
    delivered_nl: int = 0
    delivered_pg: int = 0
    meter_ppm: int = 0


@dataclass(frozen=True, slots=True)
class Implant:
    """One implanted pump at the true instant `now_ms`."""

    build: Build
    hardware: Hardware
    firmware: Firmware
    now_ms: int

    @property
    def serial(self) -> str:
        """Its serial number."""
        return self.build.serial

    @property
    def reservoir(self) -> Reservoir:
        """What is truly in it."""
        return self.hardware.reservoir


@dataclass(frozen=True, slots=True)
class Advanced:
    """An implant later, and what left its outlet meanwhile, in order and without a gap."""

    implant: Implant
    delivered: tuple[Parcel, ...]


EXACT = Specimen()


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
    build = build_of(serial, pump, specimen.metered)
    mass_pg = contents.volume_nl * contents.concentration_ug_per_ml
    reservoir = Reservoir(
        contents.volume_nl, contents.volume_nl, mass_pg, build.capacity_nl, build.residual_nl
    )
    crystal = Crystal(at_ms, specimen.drift_ppm)
    hardware = Hardware(reservoir, Motor(specimen.gain_ppm), crystal, meter_ppm=specimen.meter_ppm)
    firmware = _new_firmware(build, pump, contents, WallClock(at_ms, zone_offset_ms))
    return Implant(build, hardware, settled(firmware, build), at_ms)


def advance(implant: Implant, to_ms: int) -> Advanced:
    """The implant at `to_ms`, and the parcels it delivered since `now_ms`, contiguous in time.

    Takes one step per change of flow, stage end and alarm, however long that is. However a span is
    cut, the implant at its end is the same and the parcels add up to the same. Each parcel lies within
    one stretch of constant flow. Raises `ImplantError` for an instant in the past.
    """
    if to_ms < implant.now_ms:
        raise ImplantError(f"time: got {to_ms} ms, expected no earlier than {implant.now_ms} ms")
    until_tick = implant.hardware.crystal.tick_ms(to_ms)
    outlet = _Outlet(implant.hardware, implant.now_ms, to_ms)
    firmware = implant.firmware
    while firmware.counter.tick_ms < until_tick:
        train = outlet.until_noticed(next_train(firmware, implant.build, until_tick), firmware, implant.build)
        admitted = firmware.guard.admitted(train, firmware.controller.charges(train.rate_nl_per_day))
        if admitted is None:
            firmware = vetoed(firmware, implant.build)
        else:
            measured = outlet.turn(admitted, implant.build.stroke_nl)
            firmware = ran(firmware, implant.build, admitted, measured)
    return Advanced(
        replace(implant, hardware=outlet.hardware, firmware=firmware, now_ms=to_ms), outlet.parcels()
    )


def handle(
    implant: Implant, request: Request, at_ms: int, role: Role = Role.CLINICIAN
) -> tuple[Implant, Reply]:
    """The implant after a request at `at_ms` by a holder of `role`, and its reply.

    Bad requests are `Refused`, never raised. Advances first: who needs the parcels delivered until
    then calls `advance` to `at_ms` before.
    """
    now = advance(implant, at_ms).implant
    firmware, reply = execute(now.firmware, now.build, request, role)
    return replace(now, firmware=firmware), reply


def fill(implant: Implant, volume_nl: int, mass_pg: int, at_ms: int) -> Implant:
    """The implant after a needle put fluid into its reservoir; the firmware does not notice.

    Advances first, as `handle` does. Raises `ImplantError` above the capacity.
    """
    now = advance(implant, at_ms).implant
    return _with_reservoir(now, now.hardware.reservoir.filled(volume_nl, mass_pg))


def withdraw(implant: Implant, at_ms: int) -> tuple[Implant, int, int]:
    """The implant after a needle emptied it down to the residual volume, and the nL and pg taken out.

    Advances first, as `handle` does; the firmware does not notice.
    """
    now = advance(implant, at_ms).implant
    volume_nl = now.hardware.reservoir.available_nl
    reservoir, mass_pg = now.hardware.reservoir.without(volume_nl)
    return _with_reservoir(now, reservoir), volume_nl, mass_pg


class _Outlet:
    """Collects what leaves the outlet between two true instants, stretch by stretch."""

    def __init__(self, hardware: Hardware, start_ms: int, end_ms: int) -> None:
        self.hardware = hardware
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._parts: list[tuple[int, int, int]] = []  # end, volume, mass

    def until_noticed(self, train: Train, firmware: Firmware, build: Build) -> Train:
        """The train, ended at the stroke that leaves the pump dry or lets its meter notice a fault.

        A pump without a meter notices neither, and its trains stay whole.
        """
        if build.meter is None or not train.count:
            return train
        wet = self._last_wet(build.stroke_nl)
        each = self._read(build.stroke_nl) if wet > 0 else 0
        noticed = firmware.surveillance.strokes_to_notice(build.meter, build.stroke_nl, each)
        ends = [strokes for strokes in (wet, noticed) if strokes is not None and 0 < strokes <= train.count]
        return train.until(train.tick_of(min(ends))) if ends else train

    def turn(self, train: Train, stroke_nl: int) -> int:
        """Make the strokes of a train: the one place where belief becomes truth.

        Returns what a meter at the outlet would read, in millionths of a nL.
        """
        strokes = train.count
        wet = min(max(0, self._last_wet(stroke_nl)), strokes)
        if 0 < wet < strokes:
            self._stroke(train.tick_of(wet), wet, stroke_nl)
            strokes -= wet
        self._stroke(train.end_ms, strokes, stroke_nl)
        return wet * self._read(stroke_nl)

    def parcels(self) -> tuple[Parcel, ...]:
        """The parcels so far, the last one drawn out to the end of the span."""
        made: list[Parcel] = []
        start = self._start_ms
        if not self._parts and start < self._end_ms:
            return (Parcel(start, self._end_ms, 0, 0),)
        for index, (end, volume_nl, mass_pg) in enumerate(self._parts, start=1):
            until = self._end_ms if index == len(self._parts) else end
            if until == start:  # two ticks of a fast crystal in one true ms
                last = made.pop()
                made.append(Parcel(last.start_ms, until, last.volume_nl + volume_nl, last.mass_pg + mass_pg))
            else:
                made.append(Parcel(start, until, volume_nl, mass_pg))
            start = until
        return tuple(made)

    def _last_wet(self, stroke_nl: int) -> int:
        return self.hardware.motor.strokes_for(self.hardware.reservoir.available_nl, stroke_nl)

    def _read(self, stroke_nl: int) -> int:
        """What the meter reads for one stroke that moves fluid."""
        true = stroke_nl * (MILLION + self.hardware.motor.gain_ppm)
        return true * (MILLION + self.hardware.meter_ppm) // MILLION

    def _stroke(self, end_tick: int, strokes: int, stroke_nl: int) -> None:
        before = self.hardware
        motor, asked_nl = before.motor.moved(strokes * stroke_nl)
        volume_nl = min(asked_nl, before.reservoir.available_nl)
        if volume_nl < asked_nl:
            motor = replace(motor, carried=0)  # nothing is owed by an empty reservoir
        reservoir, mass_pg = before.reservoir.without(volume_nl)
        self.hardware = Hardware(
            reservoir,
            motor,
            before.crystal,
            before.delivered_nl + volume_nl,
            before.delivered_pg + mass_pg,
        )
        self._parts.append((before.crystal.instant_ms(end_tick), volume_nl, mass_pg))


def _new_firmware(build: Build, pump: Pump, contents: Contents, clock: WallClock) -> Firmware:
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
    detail = (("pump", build.pump_id), ("volume_nl", volume_nl), ("concentration_ug_per_ml", label))
    return logged(firmware, LogKind.IMPLANTED, PUMP, detail)


def _new_guard(build: Build) -> Guard:
    shortest_interval_ms = build.stroke_cost // build.highest_flow_nl_per_day
    limits = Limits(highest_nl_per_day=0, memory_ms=max(build.guard_windows_ms))
    return Guard(shortest_interval_ms, key_of(build.serial), limits)


def _with_reservoir(implant: Implant, reservoir: Reservoir) -> Implant:
    return replace(implant, hardware=replace(implant.hardware, reservoir=reservoir))
