"""A program: an order compiled into the flow of one pump, hour by hour through the week.

A dose becomes a flow by dividing by the label concentration: pg/day over µg/mL is nL/day exactly, and
what does not divide is rounded to the nearest nL/day (the smaller on a tie) and shown as a remainder.

Holds: DEL-03, DEL-18, DEL-19, TIM-03, TIM-04.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter

from openitb import units
from openitb.catalogue import Pump
from openitb.prescription.modes import (
    EVERY_DAY,
    Flex,
    MinimumRate,
    Order,
    OrderError,
    Periodic,
    SimpleContinuous,
    Stopped,
    daily_dose_pg,
    exact_daily_dose_pg,
    peak_day_dose_pg,
)
from openitb.prescription.order_text import order_to_mapping
from openitb.records import quick, remembered
from openitb.timeline import Segment, Timeline, join

FLOW_UNIT = "nL/day"

_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday


@quick
@dataclass(frozen=True, slots=True)
class WeekStep:
    """A flow from an instant of the pump's week on, in ms after Monday 00:00 of its own clock."""

    from_ms_of_week: int
    rate_nl_per_day: int


@dataclass(frozen=True, slots=True)
class FlowRange:
    """The lowest and highest flow an order asks for, exact, in nL/day."""

    lowest_nl_per_day: Fraction
    highest_nl_per_day: Fraction


@dataclass(frozen=True, slots=True)
class Program:
    """What a pump runs: the order it came from and the flow through the week.

    `week` starts at Monday 00:00 pump time and holds only real changes; one step means a constant
    flow. Built by `compile_order`, which refuses what the pump cannot run.
    """

    order: Order
    pump_id: str
    concentration_ug_per_ml: int
    week: tuple[WeekStep, ...]

    @property
    def daily_dose_pg(self) -> int:
        """Drug per day as ordered, the mean over a week; at minimum rate what the flow carries."""
        return _daily_dose_pg(self)

    @property
    def is_still(self) -> bool:
        """True if nothing ever flows: stopped, and minimum rate on a pump that needs none to keep turning."""
        return all(step.rate_nl_per_day == 0 for step in self.week)

    @property
    def flow_nl_per_day(self) -> Fraction:
        """Mean flow over a week, exact."""
        return _flow_nl_per_day(self)

    @property
    def rounding_remainder(self) -> Fraction:
        """Ordered dose less the dose the whole-nL flow carries, in pg/day; shown, never hidden."""
        if isinstance(self.order, MinimumRate):
            return Fraction(0)
        return exact_daily_dose_pg(self.order) - self.flow_nl_per_day * self.concentration_ug_per_ml

    @property
    def digest(self) -> str:
        """SHA-256 in hex of everything that decides what flows; equal programs have equal digests."""
        return _digest(self)

    def rate_at(self, at_ms: int, zone_offset_ms: int) -> int:
        """Flow in nL/day at an instant, on a pump clock `zone_offset_ms` ahead of UTC."""
        return self.week[self._after(_ms_of_week(at_ms, zone_offset_ms)) - 1].rate_nl_per_day

    def next_change_ms(self, at_ms: int, zone_offset_ms: int) -> int | None:
        """The first instant after `at_ms` at which the flow changes; None if it never does."""
        return next(self.flows(at_ms, zone_offset_ms))[1]

    def flows(self, at_ms: int, zone_offset_ms: int) -> Iterator[tuple[int, int | None]]:
        """The flows from an instant on, without end: each in nL/day with the instant at which it changes.

        A constant flow is one, and changes never (None).
        """
        if len(self.week) == 1:
            yield self.week[0].rate_nl_per_day, None
            return
        ms_of_week = _ms_of_week(at_ms, zone_offset_ms)
        monday_ms, index = at_ms - ms_of_week, self._after(ms_of_week) - 1
        goes_on = self.week[0].rate_nl_per_day == self.week[-1].rate_nl_per_day
        while True:
            rate, index = self.week[index].rate_nl_per_day, index + 1
            if index == len(self.week):
                monday_ms, index = monday_ms + units.MS_PER_WEEK, int(goes_on)
            yield rate, monday_ms + self.week[index].from_ms_of_week

    def timeline(self, start_ms: int, end_ms: int, zone_offset_ms: int) -> Timeline:
        """The flow between two instants, in nL/day; `TimelineError` if the span is empty."""
        segments, at = list[Segment](), start_ms
        for rate, change in self.flows(start_ms, zone_offset_ms):
            if at >= end_ms:
                break
            until = end_ms if change is None else min(change, end_ms)
            segments.append(Segment(at, until, rate))
            at = until
        return join(segments, FLOW_UNIT)

    def _after(self, ms_of_week: int) -> int:
        """The index of the first step later than an instant of the week."""
        return bisect_right(self.week, ms_of_week, key=attrgetter("from_ms_of_week"))


@remembered
def _daily_dose_pg(program: Program) -> int:
    if isinstance(program.order, MinimumRate):
        return program.week[0].rate_nl_per_day * program.concentration_ug_per_ml
    return daily_dose_pg(program.order)


@remembered
def _flow_nl_per_day(program: Program) -> Fraction:
    ends = (*(step.from_ms_of_week for step in program.week[1:]), units.MS_PER_WEEK)
    parts = zip(program.week, ends, strict=True)
    whole = sum(step.rate_nl_per_day * (end - step.from_ms_of_week) for step, end in parts)
    return Fraction(whole, units.MS_PER_WEEK)


@remembered
def _digest(program: Program) -> str:
    form = {
        "concentration_ug_per_ml": program.concentration_ug_per_ml,
        "order": order_to_mapping(program.order),
        "pump": program.pump_id,
        "week": [[step.from_ms_of_week, step.rate_nl_per_day] for step in program.week],
    }
    text = json.dumps(form, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"openitb program 1\n{text}".encode()).hexdigest()


def compile_order(order: Order, concentration_ug_per_ml: int, pump: Pump) -> Program:
    """Turn an order into the flow of `pump` at a label concentration in µg/mL.

    Raises `OrderError`, naming the field and the limit, for a concentration that is not above zero, a
    flow outside the pump's programmable range (the exact flow counts, not the rounded one) and more
    flex changes a day than the pump can hold.
    """
    _require_concentration(concentration_ug_per_ml)
    _require_changes(order, pump)
    _require_flow(order, concentration_ug_per_ml, pump)
    return Program(order, pump.entry_id, concentration_ug_per_ml, _week(order, concentration_ug_per_ml, pump))


def flow_range(order: Order, concentration_ug_per_ml: int) -> FlowRange | None:
    """The exact flows an order asks for; None for stopped and minimum rate, which ask for none."""
    match order:
        case SimpleContinuous(dose):
            flow = Fraction(dose, concentration_ug_per_ml)
            return FlowRange(flow, flow)
        case Flex(patterns):
            rates = [step.dose_rate_pg_per_h for pattern in patterns for step in pattern.steps]
            per_rate = Fraction(units.HOURS_PER_DAY, concentration_ug_per_ml)
            return FlowRange(min(rates) * per_rate, max(rates) * per_rate)
        case Periodic():
            basal, dosing = _periodic_flows(order, concentration_ug_per_ml)
            return FlowRange(basal or dosing, dosing)
        case _:
            return None


def most_changes_per_day(order: Order) -> int:
    """The most flex steps of any weekday; each step, the one at 00:00 included, is a change."""
    return max(len(pattern.steps) for pattern in order.patterns) if isinstance(order, Flex) else 0


def program_peak_day_pg(program: Program) -> int:
    """Drug of the weekday with the most, nearest pg."""
    if isinstance(program.order, MinimumRate):
        return program.daily_dose_pg
    return peak_day_dose_pg(program.order)


def _week(order: Order, concentration_ug_per_ml: int, pump: Pump) -> tuple[WeekStep, ...]:
    match order:
        case Stopped():
            return (WeekStep(0, 0),)
        case MinimumRate():
            return (WeekStep(0, pump.minimum_rate_nl_per_day),)
        case SimpleContinuous(dose):
            return (WeekStep(0, units.divide_nearest(dose, concentration_ug_per_ml)),)
        case Flex():
            return _only_changes(_flex_week(order, concentration_ug_per_ml))
        case Periodic():
            return _only_changes(_periodic_week(order, concentration_ug_per_ml))


def _flex_week(order: Flex, concentration_ug_per_ml: int) -> Iterator[WeekStep]:
    for day in EVERY_DAY:
        for step in order.pattern_of(day).steps:
            dose_pg_per_day = step.dose_rate_pg_per_h * units.HOURS_PER_DAY
            rate = units.divide_nearest(dose_pg_per_day, concentration_ug_per_ml)
            yield WeekStep(day * units.MS_PER_DAY + step.from_ms_of_day, rate)


def _periodic_week(order: Periodic, concentration_ug_per_ml: int) -> Iterator[WeekStep]:
    """Each dose begins and ends once; one that runs past midnight is cut there and goes on."""
    flows = _periodic_flows(order, concentration_ug_per_ml)
    between, dosing = (units.divide_nearest(*flow.as_integer_ratio()) for flow in flows)
    starts = range(order.first_ms_of_day, units.MS_PER_DAY, order.interval_ms)
    ends = ((start + order.duration_ms) % units.MS_PER_DAY for start in starts)
    edges = sorted({0, *starts, *ends})
    for day in EVERY_DAY:
        for edge in edges:
            is_dosing = (edge - order.first_ms_of_day) % order.interval_ms < order.duration_ms
            yield WeekStep(day * units.MS_PER_DAY + edge, dosing if is_dosing else between)


def _periodic_flows(order: Periodic, concentration_ug_per_ml: int) -> tuple[Fraction, Fraction]:
    """The exact flows between and during doses, in nL/day."""
    basal = Fraction(order.basal_pg_per_day, concentration_ug_per_ml)
    return basal, basal + Fraction(
        order.dose_pg * units.MS_PER_DAY, concentration_ug_per_ml * order.duration_ms
    )


def _only_changes(steps: Iterator[WeekStep]) -> tuple[WeekStep, ...]:
    kept: list[WeekStep] = []
    for step in steps:
        if not kept or step.rate_nl_per_day != kept[-1].rate_nl_per_day:
            kept.append(step)
    return tuple(kept)


def _ms_of_week(at_ms: int, zone_offset_ms: int) -> int:
    return (at_ms + zone_offset_ms + _EPOCH_WEEKDAY * units.MS_PER_DAY) % units.MS_PER_WEEK


def _require_concentration(concentration_ug_per_ml: int) -> None:
    if concentration_ug_per_ml <= 0:
        raise OrderError(f"concentration: got {concentration_ug_per_ml} µg/mL, expected above zero")


def _require_changes(order: Order, pump: Pump) -> None:
    changes = most_changes_per_day(order)
    if changes > pump.flex_changes_per_day:
        raise OrderError(
            f"order.steps: got {changes} changes a day, expected at most {pump.flex_changes_per_day} "
            f"for {pump.name}"
        )


def _require_flow(order: Order, concentration_ug_per_ml: int, pump: Pump) -> None:
    asked = flow_range(order, concentration_ug_per_ml)
    if asked is None:
        return
    for flow in (asked.lowest_nl_per_day, asked.highest_nl_per_day):
        if not pump.lowest_flow_nl_per_day <= flow <= pump.highest_flow_nl_per_day:
            raise OrderError(
                f"order.dose: got {_dose_and_flow(flow, concentration_ug_per_ml)}, expected a flow of "
                f"{units.format_flow(pump.lowest_flow_nl_per_day)} to "
                f"{units.format_flow(pump.highest_flow_nl_per_day)} for {pump.name}"
            )


def _dose_and_flow(flow_nl_per_day: Fraction, concentration_ug_per_ml: int) -> str:
    dose = units.format_dose(round(flow_nl_per_day * concentration_ug_per_ml))
    flow = units.format_flow(round(flow_nl_per_day), places=6)
    return f"{dose} at {units.format_concentration(concentration_ug_per_ml)}, {flow}"
