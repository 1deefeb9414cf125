"""Infusion modes a clinician can order, as values, and the doses that follow from them.

Their textual form, used in case files, on the wire and in the web page, is in `order_text`.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from openitb import units

DAYS_PER_WEEK = units.MS_PER_WEEK // units.MS_PER_DAY
EVERY_DAY = tuple(range(DAYS_PER_WEEK))
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class OrderError(ValueError):
    """An order has no meaning or the pump cannot run it; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """No delivery at all."""


@dataclass(frozen=True, slots=True)
class MinimumRate:
    """The pump's own lowest rate: keeps the drive turning, too little drug to treat."""


@dataclass(frozen=True, slots=True)
class SimpleContinuous:
    """One constant rate; refuses a dose that is not above zero with `OrderError`."""

    dose_pg_per_day: int

    def __post_init__(self) -> None:
        _require_above_zero("dose", self.dose_pg_per_day, units.format_dose(self.dose_pg_per_day))


@dataclass(frozen=True, slots=True)
class FlexStep:
    """A dose rate from a time of day on, in ms after 00:00 of the pump's own clock, whole minutes."""

    from_ms_of_day: int
    dose_rate_pg_per_h: int

    def __post_init__(self) -> None:
        inside = 0 <= self.from_ms_of_day < units.MS_PER_DAY
        if not inside or self.from_ms_of_day % units.MS_PER_MIN:
            raise OrderError(f"from: got {self.from_ms_of_day} ms, expected a whole minute of the day")
        shown = units.format_dose_rate(self.dose_rate_pg_per_h)
        _require_above_zero("dose_rate", self.dose_rate_pg_per_h, shown)


@dataclass(frozen=True, slots=True)
class FlexPattern:
    """The steps of some weekdays, Monday 0; refuses steps that do not start at 00:00 and increase."""

    days: tuple[int, ...]
    steps: tuple[FlexStep, ...]

    def __post_init__(self) -> None:
        _require_days(self.days)
        starts = [step.from_ms_of_day for step in self.steps]
        if not starts or starts[0] != 0:
            given = format_time_of_day(starts[0]) if starts else "no step"
            raise OrderError(f"steps: got {given} first, expected the first step at 00:00 pump time")
        for earlier, later in pairwise(starts):
            _require_later(earlier, later)

    @property
    def daily_dose_pg(self) -> Fraction:
        """Drug of one such day, exact."""
        ends = (*(step.from_ms_of_day for step in self.steps[1:]), units.MS_PER_DAY)
        parts = zip(self.steps, ends, strict=True)
        whole = sum(step.dose_rate_pg_per_h * (end - step.from_ms_of_day) for step, end in parts)
        return Fraction(whole, units.MS_PER_H)


@dataclass(frozen=True, slots=True)
class Flex:
    """Rates that vary over the day; every weekday belongs to exactly one pattern.

    Weekdays with equal steps are joined into one pattern, so that equal orders compare equal.
    """

    patterns: tuple[FlexPattern, ...]

    def __post_init__(self) -> None:
        given = sorted(day for pattern in self.patterns for day in pattern.days)
        if given != list(EVERY_DAY):
            raise OrderError(f"days: got {format_days(given) or 'none'}, expected every weekday exactly once")
        object.__setattr__(self, "patterns", _joined(self.patterns))

    def pattern_of(self, weekday: int) -> FlexPattern:
        """The pattern in force on a weekday, Monday 0."""
        return next(pattern for pattern in self.patterns if weekday in pattern.days)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A dose given over `duration_ms` again and again, over a basal rate; by the pump's own clock.

    The interval divides the day, so every day is alike and its dose exact; the first dose of a day
    begins at `first_ms_of_day`, earlier than one interval. Without a basal dose nothing flows between.
    Times are whole minutes. Refuses anything else, and a duration that fills the interval, with
    `OrderError`.

    Holds: DEL-18.
    """

    dose_pg: int
    duration_ms: int
    interval_ms: int
    basal_pg_per_day: int = 0
    first_ms_of_day: int = 0

    def __post_init__(self) -> None:
        _require_above_zero("dose", self.dose_pg, units.format_mass(self.dose_pg))
        for field in ("duration", "interval"):
            _require_minutes(field, getattr(self, f"{field}_ms"), lowest_ms=units.MS_PER_MIN)
        _require_minutes("first", self.first_ms_of_day, lowest_ms=0)
        _require_divides_day(self.interval_ms)
        _require_shorter("duration", self.duration_ms, self.interval_ms)
        _require_shorter("first", self.first_ms_of_day, self.interval_ms)
        if self.basal_pg_per_day < 0:
            shown = units.format_dose(self.basal_pg_per_day)
            raise OrderError(f"basal: got {shown}, expected zero or more")

    @property
    def doses_per_day(self) -> int:
        """How many doses a day has."""
        return units.MS_PER_DAY // self.interval_ms

    @property
    def bolus_pg_per_day(self) -> int:
        """What the doses add to the basal rate in a day."""
        return self.dose_pg * self.doses_per_day


Order = Stopped | MinimumRate | SimpleContinuous | Flex | Periodic


def daily_dose_pg(order: Order) -> int:
    """Drug per day, the mean over a week for weekday patterns, nearest pg; zero when stopped.

    Raises `OrderError` for minimum rate, whose dose depends on pump and concentration: ask the
    compiled `Program`.
    """
    return _nearest(exact_daily_dose_pg(order))


def exact_daily_dose_pg(order: Order) -> Fraction:
    """`daily_dose_pg` before rounding."""
    return sum(_dose_of_each_day(order), Fraction(0)) / DAYS_PER_WEEK


def peak_day_dose_pg(order: Order) -> int:
    """Drug of the weekday with the most, nearest pg; raises as `daily_dose_pg` does."""
    return _nearest(max(_dose_of_each_day(order)))


def format_time_of_day(ms_of_day: int) -> str:
    """`28800000` prints as `08:00`."""
    hours, minutes = divmod(ms_of_day // units.MS_PER_MIN, units.MS_PER_H // units.MS_PER_MIN)
    return f"{hours:02d}:{minutes:02d}"


def format_days(days: list[int] | tuple[int, ...]) -> str:
    """`(0, 4)` prints as `mon, fri`."""
    return ", ".join(DAY_NAMES[day] for day in days)


def format_duration(duration_ms: int) -> str:
    """`23400000` prints as `6 h 30 min`; what is left below a minute prints as seconds."""
    hours, rest = divmod(duration_ms, units.MS_PER_H)
    minutes, rest = divmod(rest, units.MS_PER_MIN)
    seconds = units.format_number(Decimal(rest) / units.MS_PER_S)
    parts = ((hours, "h"), (minutes, "min"), (seconds if rest else 0, "s"))
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount) or "0 min"


def _dose_of_each_day(order: Order) -> tuple[Fraction, ...]:
    match order:
        case Stopped():
            return (Fraction(0),) * DAYS_PER_WEEK
        case SimpleContinuous(dose):
            return (Fraction(dose),) * DAYS_PER_WEEK
        case Flex():
            return tuple(order.pattern_of(day).daily_dose_pg for day in EVERY_DAY)
        case Periodic():
            return (Fraction(order.basal_pg_per_day + order.bolus_pg_per_day),) * DAYS_PER_WEEK
        case MinimumRate():
            raise OrderError("order: the dose of minimum rate depends on pump and concentration")


def _nearest(amount: Fraction) -> int:
    return units.divide_nearest(amount.numerator, amount.denominator)


def _joined(patterns: tuple[FlexPattern, ...]) -> tuple[FlexPattern, ...]:
    steps_of = {day: pattern.steps for pattern in patterns for day in pattern.days}
    days_of: dict[tuple[FlexStep, ...], tuple[int, ...]] = {}
    for day in EVERY_DAY:
        days_of[steps_of[day]] = (*days_of.get(steps_of[day], ()), day)
    return tuple(FlexPattern(days, steps) for steps, days in days_of.items())


def _require_above_zero(field: str, amount: int, shown: str) -> None:
    if amount <= 0:
        raise OrderError(f"{field}: got {shown}, expected above zero (to stop, order mode 'stopped')")


def _require_days(days: tuple[int, ...]) -> None:
    known = all(0 <= day < DAYS_PER_WEEK for day in days)
    if not days or not known or any(later <= earlier for earlier, later in pairwise(days)):
        raise OrderError(f"days: got {days}, expected weekdays in order, each once, Monday 0 to Sunday 6")


def _require_later(earlier: int, later: int) -> None:
    if later == earlier:
        raise OrderError(f"steps: got {format_time_of_day(later)} twice, expected each time once")
    if later < earlier:
        shown = f"{format_time_of_day(later)} after {format_time_of_day(earlier)}"
        raise OrderError(f"steps: got {shown}, expected times that increase")


def _require_minutes(field: str, given_ms: int, lowest_ms: int) -> None:
    if not lowest_ms <= given_ms <= units.MS_PER_DAY or given_ms % units.MS_PER_MIN:
        expected = f"whole minutes, {format_duration(lowest_ms)} to {format_duration(units.MS_PER_DAY)}"
        raise OrderError(f"{field}: got {format_duration(given_ms)}, expected {expected}")


def _require_divides_day(interval_ms: int) -> None:
    if units.MS_PER_DAY % interval_ms:
        shown = format_duration(interval_ms)
        raise OrderError(f"interval: got {shown}, expected one that divides a day, such as 4 h, 6 h or 8 h")


def _require_shorter(field: str, given_ms: int, interval_ms: int) -> None:
    if given_ms >= interval_ms:
        shown = f"{format_duration(given_ms)} with an interval of {format_duration(interval_ms)}"
        raise OrderError(f"{field}: got {shown}, expected less than the interval")
