"""Where belief becomes truth: strokes that the firmware makes, and what really leaves for them."""

from collections.abc import Iterator, Sequence

from openitb import units
from openitb.implant.build import Build
from openitb.implant.firmware.state import Firmware
from openitb.implant.firmware.strokes import Made, Train
from openitb.implant.hardware.motor import MILLION, Motor
from openitb.implant.hardware.parts import Hardware
from openitb.implant.hardware.spells import IN_ORDER
from openitb.records import replace
from openitb.timeline import Parcel

LEVEL_EVERY_MS = units.MS_PER_H  # of a pump that has a sensor for it


class Outlet:
    """Collects what leaves between two true instants, stretch by stretch of unchanging condition."""

    def __init__(self, hardware: Hardware, start_ms: int, end_ms: int) -> None:
        self.hardware = hardware
        self._condition = IN_ORDER
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._parts: list[tuple[int, int, int]] = []  # end, volume, mass

    def enter(self, at_ms: int) -> None:
        """Begin a stretch: from now on the condition is the one of `at_ms`."""
        self._condition = self.hardware.condition(at_ms)
        crystal = self.hardware.crystal.aged(at_ms, self._condition.drift_ppm)
        if crystal is not self.hardware.crystal:
            self.hardware = replace(self.hardware, crystal=crystal)

    @property
    def turns(self) -> bool:
        """True if a stroke is felt to have been made, as far as this stretch goes."""
        now = self._condition
        return (now.turning or now.unfelt) and not now.missed

    @property
    def is_sound(self) -> bool:
        """True if every stroke moves fluid and is felt, and nothing leaves but by strokes."""
        now = self._condition
        return now.turning and self.turns and not now.shut and not now.free_nl_per_day

    def ticks_that_matter(self, firmware: Firmware, build: Build) -> Iterator[int]:
        """When free flow has emptied the reservoir, when a meter has noticed it, when a level is read."""
        free, left_nl = self._free_nl_per_day, self.hardware.reservoir.available_nl
        now = firmware.counter.tick_ms
        if build.level_tolerance_nl is not None:
            yield (now // LEVEL_EVERY_MS + 1) * LEVEL_EVERY_MS
        if not free:
            return
        yield now - (self.hardware.seeped - left_nl * units.MS_PER_DAY) // free
        noticed_ms = firmware.surveillance.ms_to_notice(build.meter, free) if build.meter else None
        if noticed_ms is not None:
            yield now + noticed_ms

    def until_noticed(self, train: Train, firmware: Firmware, build: Build) -> Train:
        """The train, ended at the stroke that leaves the pump dry or lets its meter notice a fault.

        A pump without a meter notices neither, and its trains stay whole.
        """
        if build.meter is None or not train.count:
            return train
        wet = self._wet(train.count, build.stroke_nl)
        counted_nl = build.stroke_nl if self.turns else 0
        each = self._read(build.stroke_nl) if wet else 0
        noticed = firmware.surveillance.strokes_to_notice(build.meter, counted_nl, each)
        ends = [strokes for strokes in (wet, noticed) if strokes is not None and 0 < strokes <= train.count]
        return train.until(train.tick_of(min(ends))) if ends else train

    def turn(self, train: Train, stroke_nl: int) -> Made:
        """Make the strokes of a train; gives what rotor and meter felt of it.

        Holds: DEL-08.
        """
        strokes = train.count if self._condition.turning else 0
        wet = self._wet(strokes, stroke_nl)
        confirmed = train.count if self.turns else 0
        measured, loose = wet * self._read(stroke_nl), self._free_nl_per_day * (train.end_ms - train.start_ms)
        begun_ms = train.start_ms
        if 0 < wet < strokes:
            begun_ms = train.tick_of(wet)
            self._leave(train.start_ms, begun_ms, wet * stroke_nl)
            strokes -= wet
        self._leave(begun_ms, train.end_ms, strokes * stroke_nl)
        level_nl = self.hardware.reservoir.volume_nl + self._condition.level_nl
        return Made(confirmed, measured, loose, level_nl)

    def turn_whole(self, trains: Sequence[Train], stroke_nl: int) -> None:
        """Make the strokes of trains one after the other, through a sound outlet: what `turn` does, at once.

        Holds: DEL-08.
        """
        wet = self._turn_wet(trains, stroke_nl)
        for train in trains[wet:]:
            self.turn(train, stroke_nl)

    def parcels(self) -> tuple[Parcel, ...]:
        """The parcels so far, the last one drawn out to the end of the span."""
        made: list[Parcel] = []
        start = self._start_ms
        if not self._parts and start < self._end_ms:
            return (Parcel(start, self._end_ms, 0, 0),)
        for index, (end, volume_nl, mass_pg) in enumerate(self._parts, start=1):
            until = self._end_ms if index == len(self._parts) else end
            if until > start:
                made.append(Parcel(start, until, volume_nl, mass_pg))
            else:  # two ticks of a fast crystal in one true ms
                last = made.pop()
                made.append(Parcel(last.start_ms, until, last.volume_nl + volume_nl, last.mass_pg + mass_pg))
            start = until
        return tuple(made)

    @property
    def _free_nl_per_day(self) -> int:
        """What leaves without strokes now."""
        wet = self.hardware.reservoir.available_nl and not self._condition.shut
        return self._condition.free_nl_per_day if wet else 0

    def _wet(self, strokes: int, stroke_nl: int) -> int:
        """How many of so many strokes move fluid."""
        wear, available_nl = self._condition.gain_ppm, self.hardware.reservoir.available_nl
        if self._condition.shut or not self._condition.turning:
            return 0
        last = self.hardware.motor.strokes_for(available_nl, stroke_nl, wear)
        return strokes if last is None else min(max(0, last), strokes)

    def _turn_wet(self, trains: Sequence[Train], stroke_nl: int) -> int:
        """Make the trains that leave something in the reservoir; gives how many of them did."""
        before, tank = self.hardware, self.hardware.reservoir
        per_stroke = stroke_nl * before.motor.share_ppm(self._condition.gain_ppm)
        carried, volume_nl, mass_pg = before.motor.carried, tank.volume_nl, tank.mass_pg
        wet = 0
        for train in trains:
            drawn_nl, owed = divmod(carried + train.count * per_stroke, MILLION)
            if drawn_nl >= volume_nl - tank.residual_nl:
                break
            carried, volume_nl, left_pg = owed, volume_nl - drawn_nl, tank.mass_at(volume_nl - drawn_nl)
            self._parts.append((before.crystal.instant_ms(train.end_ms), drawn_nl, mass_pg - left_pg))
            mass_pg, wet = left_pg, wet + 1
        self.hardware = replace(
            before,
            reservoir=replace(tank, volume_nl=volume_nl),
            motor=before.motor.owing(carried),
            delivered_nl=before.delivered_nl + tank.volume_nl - volume_nl,
            delivered_pg=before.delivered_pg + tank.mass_pg - mass_pg,
        )
        return wet

    def _read(self, stroke_nl: int) -> int:
        """What the meter reads for one stroke that moves fluid."""
        true = stroke_nl * self.hardware.motor.share_ppm(self._condition.gain_ppm)
        return true * (MILLION + self.hardware.meter_ppm) // MILLION

    def _leave(self, begun_ms: int, end_ms: int, nominal_nl: int) -> None:
        before = self.hardware
        motor, seeped, asked_nl = self._asked(nominal_nl, end_ms - begun_ms)
        volume_nl = min(asked_nl, before.reservoir.available_nl)
        if volume_nl == before.reservoir.available_nl:  # nothing is owed by an empty reservoir
            motor, seeped = motor.owing(0), 0
        reservoir, mass_pg = before.reservoir.without(volume_nl)
        self.hardware = replace(
            before,
            reservoir=reservoir,
            motor=motor,
            seeped=seeped,
            delivered_nl=before.delivered_nl + volume_nl,
            delivered_pg=before.delivered_pg + mass_pg,
        )
        self._parts.append((before.crystal.instant_ms(end_ms), volume_nl, mass_pg))

    def _asked(self, nominal_nl: int, ticks_ms: int) -> tuple[Motor, int, int]:
        """Motor, what has seeped, and the whole nL they would let out, were there enough in the reservoir."""
        if self._condition.shut:
            return self.hardware.motor, self.hardware.seeped, 0
        motor, driven_nl = self.hardware.motor.moved(nominal_nl, self._condition.gain_ppm)
        free = self.hardware.seeped + self._condition.free_nl_per_day * ticks_ms
        free_nl, seeped = divmod(free, units.MS_PER_DAY)
        return motor, seeped, driven_nl + free_nl
