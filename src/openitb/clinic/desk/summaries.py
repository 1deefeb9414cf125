"""A compiled program as the figures the pages compare."""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction

from openitb import units
from openitb.clinic.desk.ports import DayProfile, DayStep, ProgramSummary
from openitb.prescription.modes import EVERY_DAY, Flex, FlexPattern, format_days
from openitb.prescription.order_text import order_to_mapping
from openitb.prescription.program import Program


@dataclass(frozen=True, slots=True)
class ReservoirDates:
    """Until when a reservoir lasts under a program; fields as in `ProgramSummary`."""

    low_reservoir_at_ms: int | None = None
    refill_by: str = ""
    undated: str = ""
    empty_at_ms: int | None = None


UNKNOWN_DATES = ReservoirDates()


def program_summary(program: Program, dates: ReservoirDates = UNKNOWN_DATES) -> ProgramSummary:
    """The figures of a program; the dates depend on the reservoir and come from whoever knows it."""
    mapping = order_to_mapping(program.order)
    return ProgramSummary(
        order=mapping,
        mode=str(mapping["mode"]),
        concentration_ug_per_ml=program.concentration_ug_per_ml,
        daily_dose_pg=program.daily_dose_pg,
        mean_flow_nl_per_day=units.divide_nearest(*program.flow_nl_per_day.as_integer_ratio()),
        digest=program.digest,
        days=_days(program),
        rounding=_rounding(program.rounding_remainder),
        low_reservoir_at_ms=dates.low_reservoir_at_ms,
        refill_by=dates.refill_by,
        undated=dates.undated,
        empty_at_ms=dates.empty_at_ms,
    )


def _days(program: Program) -> tuple[DayProfile, ...]:
    if isinstance(program.order, Flex):
        return tuple(_pattern(program, pattern) for pattern in program.order.patterns)
    starts = (step.from_ms_of_week for step in program.week if step.from_ms_of_week < units.MS_PER_DAY)
    return (DayProfile("every day", tuple(_step(program, 0, start) for start in starts)),)


def _pattern(program: Program, pattern: FlexPattern) -> DayProfile:
    label = "every day" if pattern.days == EVERY_DAY else format_days(pattern.days)
    starts = (step.from_ms_of_day for step in pattern.steps)
    return DayProfile(label, tuple(_step(program, pattern.days[0], start) for start in starts))


def _step(program: Program, weekday: int, from_ms_of_day: int) -> DayStep:
    """What flows from that time on; the dose rate is the one delivered, after rounding the flow."""
    starts = [step.from_ms_of_week for step in program.week]
    at = weekday * units.MS_PER_DAY + from_ms_of_day
    flow = program.week[bisect_right(starts, at) - 1].rate_nl_per_day
    rate = units.divide_nearest(flow * program.concentration_ug_per_ml, units.HOURS_PER_DAY)
    return DayStep(from_ms_of_day, rate, flow)


def _rounding(remainder: Fraction) -> str:
    """Ordered less delivered, in words; empty where the flow is exact."""
    if not remainder:
        return ""
    pg = units.format_number(float(abs(remainder)), 0)
    return f"delivers {pg} pg/day {'less' if remainder > 0 else 'more'} than ordered"
