"""What an implant must have done: an exact reference that shares no code with the firmware.

It knows orders, drugs and strokes and nothing of programs, stages, trains or alarms. Flow in exact
fractions is rounded once, to whole nL/day, as an order is; from there on everything is whole numbers.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from openitb import catalogue, units
from openitb.catalogue import Pump
from openitb.prescription import Flex, MinimumRate, Order, SimpleContinuous, Stopped
from openitb.protocol import Command, ProgramPump, RecordRefill, SetClock, SetLowReservoirAlarm

DAY, WEEK = units.MS_PER_DAY, units.MS_PER_WEEK
MILLION = 1_000_000
MONDAY_MS = 4 * DAY  # 5 January 1970

Flows = tuple[tuple[int, int], ...]  # (from ms of week, nL/day)


@dataclass(frozen=True, slots=True)
class Specs:
    """What the reference knows of a pump: its data sheet, and how the specimen differs in truth."""

    stroke_nl: int
    residual_nl: int
    minimum_nl_per_day: int
    highest_nl_per_day: int
    stopped_long_ms: int
    stopped_too_long_ms: int
    gain_ppm: int = 0


def specs_of(pump: Pump, gain_ppm: int) -> Specs:
    """The specs of a catalogue model and one specimen of it."""
    practice = catalogue.load().practice
    return Specs(
        pump.stroke_volume_nl,
        pump.residual_volume_nl,
        pump.minimum_rate_nl_per_day,
        pump.highest_flow_nl_per_day,
        practice["stop"].fact("warning").whole("ms"),
        practice["alarms"].fact("stopped_too_long").whole("ms"),
        gain_ppm,
    )


@dataclass(frozen=True, slots=True)
class Fluid:
    """The true reservoir: what is in it, what has left the outlet, and millionths of a nL owed."""

    volume_nl: int
    delivered_nl: int = 0
    owed: int = 0

    def pumped(self, strokes: int, specs: Specs) -> "Fluid":
        """After so many strokes; an empty reservoir owes nothing."""
        asked = self.owed + strokes * specs.stroke_nl * (MILLION + specs.gain_ppm)
        moved = min(asked // MILLION, max(0, self.volume_nl - specs.residual_nl))
        owed = asked - moved * MILLION if moved == asked // MILLION else 0
        return Fluid(self.volume_nl - moved, self.delivered_nl + moved, owed)


@dataclass(frozen=True, slots=True)
class Expected:
    """One implant's state after `tick_ms` of its own life.

    `ahead` are the drugs between reservoir and tip that must come out at their own flow, in strokes;
    `prime` the strokes still to be made at the highest flow; `phase` flow towards the next stroke in
    nL/day x ms.
    """

    specs: Specs
    fluid: Fluid
    concentration: int
    clock_ms: int
    zone_ms: int
    believed_nl: int
    low_alarm_nl: int
    order: Order = Stopped()  # noqa: RUF009 - a frozen value
    tick_ms: int = 0
    phase: int = 0
    strokes: int = 0
    prime: int = 0
    ahead: tuple[tuple[int, int], ...] = ()
    stopped_at_ms: int | None = 0

    def at(self, tick_ms: int) -> "Expected":
        """The state at a later tick."""
        state = self
        while state.tick_ms < tick_ms:
            state = state._stretch(tick_ms)
        return state

    def after(self, command: Command) -> "Expected":
        """The state after a command that was carried out now."""
        match command:
            case ProgramPump():
                return self._programmed(command)
            case RecordRefill():
                return self._refilled(command)
            case SetLowReservoirAlarm(volume_nl=volume):
                return replace(self, low_alarm_nl=volume)
            case SetClock(at_ms=at, zone_offset_ms=zone):
                return replace(self, clock_ms=at - self.tick_ms, zone_ms=zone)
            case _:
                raise NotImplementedError(f"the reference knows no {type(command).__name__} yet")

    def refilled_by_needle(self, out_nl: int, in_nl: int) -> "Expected":
        """The state after a needle drew some fluid and gave some; nothing in the firmware notices."""
        return replace(self, fluid=replace(self.fluid, volume_nl=self.fluid.volume_nl - out_nl + in_nl))

    @property
    def flows(self) -> Flows:
        """The flow through the week that the order means at the label concentration."""
        return flows_of(self.order, self.concentration, self.specs.minimum_nl_per_day)

    @property
    def flow(self) -> int:
        """The flow due now, nL/day."""
        return self._flow_and_edge()[0]

    @property
    def conditions(self) -> frozenset[str]:
        """The alarm conditions that hold by the count and the clock."""
        since = self.stopped_at_ms
        held = {
            "low reservoir": self.believed_nl <= self.low_alarm_nl,
            "empty reservoir": self.believed_nl <= self.specs.residual_nl,
            "stopped long": since is not None and self.tick_ms - since >= self.specs.stopped_long_ms,
            "stopped too long": since is not None and self.tick_ms - since >= self.specs.stopped_too_long_ms,
        }
        return frozenset(name for name, holds in held.items() if holds)

    def _stretch(self, tick_ms: int) -> "Expected":
        """On to the next edge of the pattern, end of a prime or a drug, or `tick_ms`."""
        flow, edge = self._flow_and_edge()
        end, cost = min(tick_ms, self.tick_ms + edge), self.specs.stroke_nl * DAY
        wanted = self.prime or (self.ahead[0][0] if self.ahead else 0)
        if isinstance(self.order, Stopped):
            wanted = 0
        whole = self.phase + flow * (end - self.tick_ms)
        if wanted and whole >= wanted * cost:
            end = self.tick_ms - (self.phase - wanted * cost) // flow
            whole = self.phase + flow * (end - self.tick_ms)
        strokes, phase = divmod(whole, cost)
        return self._after_strokes(strokes, phase, end)

    def _after_strokes(self, strokes: int, phase: int, end: int) -> "Expected":
        if not strokes:
            return replace(self, tick_ms=end, phase=phase)
        return replace(
            self,
            tick_ms=end,
            phase=phase,
            strokes=self.strokes + strokes,
            prime=max(0, self.prime - strokes),
            ahead=_moved_on(self.ahead, strokes) if self.ahead else (),
            believed_nl=self.believed_nl - strokes * self.specs.stroke_nl,
            fluid=self.fluid.pumped(strokes, self.specs),
        )

    def _flow_and_edge(self) -> tuple[int, int]:
        """The flow now, and the ms until the order may change it."""
        if isinstance(self.order, Stopped):
            return 0, WEEK
        if self.prime:
            return self.specs.highest_nl_per_day, WEEK
        drug = self.ahead[0][1] if self.ahead else self.concentration
        flows = flows_of(self.order, drug, self.specs.minimum_nl_per_day)
        if len(flows) == 1:
            return flows[0][1], WEEK
        into = (self.tick_ms + self.clock_ms + self.zone_ms - MONDAY_MS) % WEEK
        place = bisect_right(flows, (into, WEEK * DAY))
        edge = flows[place][0] if place < len(flows) else WEEK
        return flows[place - 1][1], edge - into

    def _programmed(self, command: ProgramPump) -> "Expected":
        stopped = isinstance(command.order, Stopped)
        since = self.tick_ms if self.stopped_at_ms is None else self.stopped_at_ms
        prime = _nearest(command.prime_nl, self.specs.stroke_nl)
        return replace(self, order=command.order, prime=prime, stopped_at_ms=since if stopped else None)

    def _refilled(self, command: RecordRefill) -> "Expected":
        state = replace(self, believed_nl=command.volume_nl, prime=0)
        if command.concentration_ug_per_ml == self.concentration:
            return state
        left, kept = _nearest(command.bridge_nl or 0, self.specs.stroke_nl), []
        for count, drug in self.ahead:
            taken = min(count, left)
            kept += [(taken, drug)] if taken else []
            left -= taken
        ahead = (*kept, (left, self.concentration)) if left else tuple(kept)
        return replace(state, ahead=ahead, concentration=command.concentration_ug_per_ml)


@lru_cache(maxsize=4096)
def flows_of(order: Order, concentration: int, minimum_nl_per_day: int) -> Flows:
    """The flow of an order through the week, Monday first, in whole nL/day."""
    match order:
        case Stopped():
            return ((0, 0),)
        case MinimumRate():
            return ((0, minimum_nl_per_day),)
        case SimpleContinuous(dose):
            return ((0, _half_down(Fraction(dose, concentration))),)
        case Flex(patterns):
            week = [
                (
                    day * DAY + step.from_ms_of_day,
                    _hourly(step.dose_rate_pg_per_h, concentration),
                )
                for pattern in patterns
                for day in pattern.days
                for step in pattern.steps
            ]
            return tuple(sorted(week))
        case _:
            raise NotImplementedError(f"the reference knows no {type(order).__name__} yet")


def _moved_on(ahead: tuple[tuple[int, int], ...], strokes: int) -> tuple[tuple[int, int], ...]:
    left = []
    for count, drug in ahead:
        gone = min(count, strokes)
        strokes -= gone
        left += [(count - gone, drug)] if count > gone else []
    return tuple(left)


def _hourly(dose_rate_pg_per_h: int, concentration: int) -> int:
    return _half_down(Fraction(units.HOURS_PER_DAY * dose_rate_pg_per_h, concentration))


def _half_down(value: Fraction) -> int:
    return -int((Fraction(1, 2) - value) // 1)


def _nearest(volume_nl: int, stroke_nl: int) -> int:
    return _half_down(Fraction(volume_nl, stroke_nl))
