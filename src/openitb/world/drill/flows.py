"""What an order means as flow through the week: exact fractions, rounded once to whole nL/day."""

from bisect import bisect_right
from fractions import Fraction

from openitb import units
from openitb.prescription import Flex, MinimumRate, Order, Periodic, SimpleContinuous, Stopped
from openitb.records import remembered

DAY, WEEK = units.MS_PER_DAY, units.MS_PER_WEEK
MONDAY_MS = 4 * DAY  # 5 January 1970
FAR_MS = 1 << 62

Flows = tuple[tuple[int, int], ...]  # (from ms of week, nL/day)


def flows_of(order: Order, concentration: int, minimum_nl_per_day: int) -> Flows:
    """The flow of an order through the week, Monday first, in whole nL/day."""
    known, key = _known(order), (concentration, minimum_nl_per_day)
    if key not in known:
        known[key] = _flows(order, *key)
    return known[key]


@remembered
def _known(_order: Order) -> dict[tuple[int, int], Flows]:
    """The flows of an order that were worked out so far, by drug and minimum rate."""
    return {}


def _flows(order: Order, concentration: int, minimum_nl_per_day: int) -> Flows:
    match order:
        case Stopped():
            return ((0, 0),)
        case MinimumRate():
            return ((0, minimum_nl_per_day),)
        case SimpleContinuous(dose):
            return ((0, half_down(Fraction(dose, concentration))),)
        case Flex():
            return _flex(order, concentration)
        case Periodic():
            return _periodic(order, concentration)


@remembered
def mean_of(flows: Flows) -> int:
    """The flow that gives the week's volume without a clock, rounded up."""
    ends = [start for start, _ in flows[1:]] + [WEEK]
    volume = sum(flow * (end - start) for (start, flow), end in zip(flows, ends, strict=True))
    return -(-volume // WEEK)


def flow_at(flows: Flows, at_ms: int) -> tuple[int, int]:
    """The flow at an instant of the pump's wall time, and the ms until it may change."""
    if len(flows) == 1:
        return flows[0][1], FAR_MS
    into = (at_ms - MONDAY_MS) % WEEK
    place = bisect_right(flows, (into, FAR_MS))
    edge = flows[place][0] if place < len(flows) else WEEK
    return flows[place - 1][1], edge - into


def half_down(value: Fraction) -> int:
    """The nearest whole number, the lower one of two."""
    return -int((Fraction(1, 2) - value) // 1)


def nearest(volume_nl: int, stroke_nl: int) -> int:
    """The number of strokes nearest to a volume."""
    return half_down(Fraction(volume_nl, stroke_nl))


def _flex(order: Flex, concentration: int) -> Flows:
    per_hour = Fraction(units.HOURS_PER_DAY, concentration)
    return tuple(
        sorted(
            (day * DAY + step.from_ms_of_day, half_down(step.dose_rate_pg_per_h * per_hour))
            for pattern in order.patterns
            for day in pattern.days
            for step in pattern.steps
        )
    )


def _periodic(order: Periodic, concentration: int) -> Flows:
    """A day of doses, seven times over; a dose that runs past midnight goes on there."""
    basal = Fraction(order.basal_pg_per_day, concentration)
    dosing = basal + Fraction(order.dose_pg * DAY, order.duration_ms * concentration)
    starts = range(order.first_ms_of_day, DAY, order.interval_ms)
    day = {0} | {at % DAY for start in starts for at in (start, start + order.duration_ms)}
    week: list[tuple[int, int]] = []
    for at_ms in (number * DAY + edge for number in range(7) for edge in sorted(day)):
        into = (at_ms % DAY - order.first_ms_of_day) % order.interval_ms
        week.append((at_ms, half_down(dosing if into < order.duration_ms else basal)))
    return tuple(week)
