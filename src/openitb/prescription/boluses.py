"""Doses beside an order, in drug; how they become volume, and how an order is scaled as a whole.

A dose becomes a volume of whole strokes that never holds more than the dose. What the drive cannot
meter is left out and shown, as the rounding of a flow is.
"""

from dataclasses import dataclass, replace

from openitb import units
from openitb.prescription.modes import (
    Flex,
    FlexPattern,
    Order,
    OrderError,
    Periodic,
    SimpleContinuous,
    format_duration,
)

PERCENT = 100


@dataclass(frozen=True, slots=True)
class SingleBolus:
    """A dose given once over `duration_ms`; refuses what is not above zero with `OrderError`."""

    dose_pg: int
    duration_ms: int

    def __post_init__(self) -> None:
        _require_dose_and_duration(self.dose_pg, self.duration_ms)

    @property
    def most_pg_in_day(self) -> int:
        """What it adds to a day."""
        return self.dose_pg


@dataclass(frozen=True, slots=True)
class PatientBolus:
    """A dose the patient may ask for: again after `lockout_ms`, at most `most_per_day` in any 24 h.

    Refuses with `OrderError` a lock-out shorter than the bolus, and a number below one.
    """

    dose_pg: int
    duration_ms: int
    lockout_ms: int
    most_per_day: int

    def __post_init__(self) -> None:
        _require_dose_and_duration(self.dose_pg, self.duration_ms)
        if self.lockout_ms < self.duration_ms:
            shown = f"{format_duration(self.lockout_ms)} with a bolus of {format_duration(self.duration_ms)}"
            raise OrderError(f"lockout: got {shown}, expected at least the duration of the bolus")
        if self.most_per_day < 1:
            raise OrderError(f"most_per_day: got {self.most_per_day}, expected 1 or more")

    @property
    def most_pg_in_day(self) -> int:
        """What it can add to any 24 h; the lock-out may allow fewer than the number does."""
        by_lockout = -(-units.MS_PER_DAY // self.lockout_ms)
        return self.dose_pg * min(self.most_per_day, by_lockout)


def bolus_volume_nl(dose_pg: int, concentration_ug_per_ml: int, stroke_nl: int) -> int:
    """The most whole strokes that hold no more than the dose, in nL; zero if one stroke holds more."""
    return dose_pg // concentration_ug_per_ml // stroke_nl * stroke_nl


def adjusted(order: Order, percent: int) -> Order:
    """An order with every dose at `percent` of what it was, rounded down to the pg.

    Raises `OrderError` for an order without a dose and where nothing would be left.
    """
    match order:
        case SimpleContinuous(dose):
            return SimpleContinuous(dose * percent // PERCENT)
        case Flex(patterns):
            return Flex(tuple(_adjusted_pattern(pattern, percent) for pattern in patterns))
        case Periodic():
            basal = order.basal_pg_per_day * percent // PERCENT
            return replace(order, dose_pg=order.dose_pg * percent // PERCENT, basal_pg_per_day=basal)
        case _:
            raise OrderError("order: expected one with a daily dose, stopped and minimum rate have none")


def _adjusted_pattern(pattern: FlexPattern, percent: int) -> FlexPattern:
    rates = (step.dose_rate_pg_per_h * percent // PERCENT for step in pattern.steps)
    steps = (replace(step, dose_rate_pg_per_h=rate) for step, rate in zip(pattern.steps, rates, strict=True))
    return replace(pattern, steps=tuple(steps))


def _require_dose_and_duration(dose_pg: int, duration_ms: int) -> None:
    if dose_pg <= 0:
        raise OrderError(f"dose: got {units.format_mass(dose_pg)}, expected above zero")
    if duration_ms <= 0:
        raise OrderError(f"duration: got {duration_ms} ms, expected above zero")
