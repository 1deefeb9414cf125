"""Orders drawn at random, within what a pump can do."""

import random
from collections.abc import Callable

from openitb import units
from openitb.catalogue import Pump
from openitb.prescription import (
    Flex,
    FlexPattern,
    FlexStep,
    MinimumRate,
    Order,
    Periodic,
    SimpleContinuous,
)

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
EVERY_DAY = tuple(range(7))
INTERVALS_H = (1, 2, 3, 4, 6, 8, 12, 24)

Drawn = Callable[[random.Random, Pump, int], Order]


def drawn_order(draw: random.Random, pump: Pump, concentration_ug_per_ml: int) -> Order:
    """An order within the flow limits of a pump."""
    make: Drawn = draw.choices((_constant, _flex, _periodic, _minimum), (5, 4, 3, 1))[0]
    return make(draw, pump, concentration_ug_per_ml)


def _minimum(_draw: random.Random, _pump: Pump, _drug: int) -> Order:
    return MinimumRate()


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
    steps = tuple(FlexStep(minute * MINUTE, int(lowest * draw.uniform(1.01, 8)) + 1) for minute in minutes)
    return FlexPattern(days, steps)


def _periodic(draw: random.Random, pump: Pump, drug: int) -> Order:
    """Doses at up to twenty times the lowest flow, with or without a basal rate."""
    interval_ms = draw.choice(INTERVALS_H) * HOUR
    duration_ms = draw.randrange(MINUTE, min(interval_ms, 4 * HOUR), MINUTE)
    lowest = pump.lowest_flow_nl_per_day
    dose_pg = int(lowest * draw.uniform(1.1, 20)) * drug * duration_ms // DAY + drug
    basal = draw.choice((0, int(lowest * draw.uniform(1.1, 4)) * drug))
    return Periodic(dose_pg, duration_ms, interval_ms, basal, draw.randrange(0, interval_ms, MINUTE))
