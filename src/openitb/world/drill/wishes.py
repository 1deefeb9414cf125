"""What programmers ask for: a table of requests with weights, sense and nonsense alike.

To widen the workload add a row to `WISHES`: how often, a name, and a function that makes the request
from the drawn numbers and the last reading. `sound=False` marks what a pump must never carry out.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from openitb import units
from openitb.catalogue import Pump
from openitb.prescription import Flex, FlexPattern, FlexStep, MinimumRate, Order, SimpleContinuous, Stopped
from openitb.protocol import (
    Interrogate,
    Interrogation,
    ProgramPump,
    ReadRequest,
    RecordRefill,
    Request,
    SetClock,
    SetLowReservoirAlarm,
)

UG, DAY, HOUR = units.PG_PER_UG, units.MS_PER_DAY, units.MS_PER_H
EVERY_DAY = tuple(range(7))
CONCENTRATIONS = (500, 1000, 2000, 501, 1999)
# Instants at which clocks wrap: 2^31 s, 2^32 s, the end of a century's leap rule, 1970, year 9999.
EDGES_MS = (2**31 * 1000, 2**32 * 1000, 4_107_456_000_000, 0, 253_402_300_799_999)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a programmer has before it when it decides: the dice, its name, the last reading, an id."""

    draw: random.Random
    actor: str
    read: Interrogation
    pump: Pump
    command_id: str


@dataclass(frozen=True, slots=True)
class Wish:
    """A request; `command_id` is empty for a reading."""

    name: str
    request: Request
    sound: bool = True

    @property
    def command_id(self) -> str:
        """The id that ties it to its effect."""
        return "" if isinstance(self.request, ReadRequest) else self.request.command_id


class Row(NamedTuple):
    """One kind of request: its share among the others, its name, how it is made, whether it makes sense."""

    weight: int
    name: str
    make: Callable[[Desk], Request]
    sound: bool = True


def reading(actor: str) -> Wish:
    """The wish to read a pump."""
    return Wish("read", Interrogate(actor))


def drawn_wish(desk: Desk) -> Wish:
    """One row of the table, by its weight."""
    row = desk.draw.choices(WISHES, _WEIGHTS)[0]
    return Wish(row.name, row.make(desk), row.sound)


def drawn_order(draw: random.Random, pump: Pump, concentration_ug_per_ml: int) -> Order:
    """An order within the flow limits of a pump."""
    make = draw.choices((_constant, _flex, _minimum), (5, 4, 1))[0]
    return make(draw, pump, concentration_ug_per_ml)


def _minimum(_draw: random.Random, _pump: Pump, _drug: int) -> Order:
    return MinimumRate()


def _read(desk: Desk) -> Request:
    return Interrogate(desk.actor)


def _read_old(desk: Desk) -> Request:
    return Interrogate(desk.actor, desk.draw.randint(0, desk.read.log_head.number + 1))


def _order(desk: Desk, order: Order, prime_nl: int = 0) -> Request:
    reason = "a drill" if isinstance(order, Stopped) else ""
    return ProgramPump(desk.actor, desk.command_id, desk.read.program_digest, order, prime_nl, reason)


def _constant(draw: random.Random, pump: Pump, drug: int) -> Order:
    flow = int(pump.lowest_flow_nl_per_day * 10 ** draw.uniform(0.01, 1.5))
    return SimpleContinuous(flow * drug + draw.randrange(500))


def _flex(draw: random.Random, pump: Pump, drug: int) -> Order:
    if draw.random() < 0.5:
        return Flex((_pattern(draw, pump, drug, EVERY_DAY),))
    first = draw.randint(1, 6)
    days = EVERY_DAY[:first], EVERY_DAY[first:]
    return Flex(tuple(_pattern(draw, pump, drug, part) for part in days))


def _pattern(draw: random.Random, pump: Pump, drug: int, days: tuple[int, ...]) -> FlexPattern:
    lowest = pump.lowest_flow_nl_per_day * drug // 24
    minutes = sorted({0, *(draw.randrange(1440) for _ in range(draw.randint(0, 5)))})
    steps = tuple(
        FlexStep(minute * units.MS_PER_MIN, int(lowest * draw.uniform(1.01, 8)) + 1) for minute in minutes
    )
    return FlexPattern(days, steps)


def _any_order(desk: Desk) -> Order:
    return drawn_order(desk.draw, desk.pump, desk.read.concentration_ug_per_ml)


def _refill(desk: Desk, volume_nl: int | None = None) -> Request:
    lowest, highest = desk.read.reservoir.residual_nl, desk.read.reservoir.capacity_nl
    volume = desk.draw.randint(lowest, highest) if volume_nl is None else volume_nl
    same = desk.read.concentration_ug_per_ml
    return RecordRefill(desk.actor, desk.command_id, desk.read.program_digest, volume, same)


def _new_drug(desk: Desk) -> Request:
    draw, read = desk.draw, desk.read
    volume = draw.randint(read.reservoir.residual_nl, read.reservoir.capacity_nl)
    drug = draw.choice(CONCENTRATIONS)
    bridge = None if drug == read.concentration_ug_per_ml else draw.choice((0, draw.randint(0, 400_000)))
    return RecordRefill(desk.actor, desk.command_id, read.program_digest, volume, drug, bridge)


def _low_alarm(desk: Desk) -> Request:
    read = desk.read.reservoir
    return SetLowReservoirAlarm(
        desk.actor, desk.command_id, desk.draw.randint(read.residual_nl, read.capacity_nl)
    )


def _clock(desk: Desk) -> Request:
    at_ms = max(0, desk.read.at_ms + desk.draw.randint(-3 * HOUR, 3 * HOUR))
    zone_ms = desk.draw.choice((0, HOUR, 2 * HOUR, -8 * HOUR, 5 * HOUR + HOUR // 2))
    return SetClock(desk.actor, desk.command_id, at_ms, zone_ms)


def _clock_to_an_edge(desk: Desk) -> Request:
    at_ms = min(max(0, desk.draw.choice(EDGES_MS) - desk.draw.randint(0, DAY)), EDGES_MS[-1])
    return SetClock(desk.actor, desk.command_id, at_ms, 0)


def _beyond_flow(desk: Desk) -> Request:
    flow = desk.draw.choice((desk.pump.highest_flow_nl_per_day + 1, desk.pump.lowest_flow_nl_per_day - 1))
    factor = desk.draw.choice((1, 1, 10)) if flow > desk.pump.highest_flow_nl_per_day else 1
    return _order(desk, SimpleContinuous(factor * flow * desk.read.concentration_ug_per_ml))


def _too_many_changes(desk: Desk) -> Request:
    lowest = desk.pump.lowest_flow_nl_per_day * desk.read.concentration_ug_per_ml // 24
    count = desk.pump.flex_changes_per_day + 1
    steps = tuple(FlexStep(n * HOUR, 2 * lowest + n) for n in range(count))
    return _order(desk, Flex((FlexPattern(EVERY_DAY, steps),)))


def _absurd_prime(desk: Desk) -> Request:
    return _order(desk, _any_order(desk), desk.draw.choice((-1, 20_000_001, 2**62)))


def _stop_with_prime(desk: Desk) -> Request:
    return _order(desk, Stopped(), 50_000)


def _forgotten_bridge(desk: Desk) -> Request:
    drug = desk.read.concentration_ug_per_ml + desk.draw.choice((1, 500))
    volume = desk.read.reservoir.capacity_nl
    return RecordRefill(desk.actor, desk.command_id, desk.read.program_digest, volume, drug)


def _overfull(desk: Desk) -> Request:
    return _refill(desk, desk.draw.choice((-1, 0, desk.read.reservoir.capacity_nl + 1, 2**62)))


def _other_program(desk: Desk) -> Request:
    return ProgramPump(desk.actor, desk.command_id, "0" * 64, _any_order(desk))


def _nameless(desk: Desk) -> Request:
    return SetLowReservoirAlarm(desk.draw.choice(("", "a\nb", "x" * 81)), desk.command_id, 2_000_000)


def _absurd_clock(desk: Desk) -> Request:
    at_ms = desk.draw.choice((-1, EDGES_MS[-1] + 1, 2**62))
    return SetClock(desk.actor, desk.command_id, at_ms, desk.draw.choice((0, 15 * HOUR)))


WISHES: tuple[Row, ...] = (
    Row(8, "read", _read),
    Row(2, "read old entries", _read_old),
    Row(12, "order", lambda desk: _order(desk, _any_order(desk))),
    Row(3, "stop", lambda desk: _order(desk, Stopped())),
    Row(4, "order with prime", lambda desk: _order(desk, _any_order(desk), desk.draw.randint(1, 500_000))),
    Row(4, "record refill", _refill),
    Row(4, "record a new drug with bridge", _new_drug),
    Row(3, "set low alarm", _low_alarm),
    Row(3, "set clock", _clock),
    Row(1, "set clock to an edge", _clock_to_an_edge),
    Row(1, "order beyond the flow limits", _beyond_flow, sound=False),
    Row(1, "order too many changes", _too_many_changes, sound=False),
    Row(1, "order an absurd prime", _absurd_prime, sound=False),
    Row(1, "stop with a prime", _stop_with_prime, sound=False),
    Row(1, "forget the bridge", _forgotten_bridge, sound=False),
    Row(1, "record an impossible volume", _overfull, sound=False),
    Row(1, "order for another program", _other_program, sound=False),
    Row(1, "speak without a name", _nameless, sound=False),
    Row(1, "set an absurd clock", _absurd_clock, sound=False),
)
_WEIGHTS = [row.weight for row in WISHES]
