"""An order on the table of the gate: its dose, the dose before it and the limits that hold."""

from dataclasses import dataclass
from fractions import Fraction

from openitb import catalogue, units
from openitb.catalogue import Entry, Limits
from openitb.prescription.answers import Step, number_apart, weakest
from openitb.prescription.gate import Finding, GateRequest, Level
from openitb.prescription.modes import (
    MinimumRate,
    OrderError,
    Stopped,
    daily_dose_pg,
    peak_day_dose_pg,
)
from openitb.prescription.program import flow_range

UG_PER_DAY = "ug/day"


@dataclass(frozen=True, slots=True)
class Judged:
    """An order with what the rules ask of it.

    Doses are exact, in ug/day; `last_ug` is None where no dose was in force.
    """

    request: GateRequest
    dose_ug: Fraction
    peak_day_ug: Fraction
    last_ug: Fraction | None
    steps: Limits
    ranges: Limits

    @property
    def is_delivering(self) -> bool:
        """True unless the order is to stop or to idle at minimum rate."""
        return not isinstance(self.request.order, Stopped | MinimumRate)

    @property
    def is_raising(self) -> bool:
        """True for a first dose and for more than the last."""
        return self.is_delivering and (self.last_ug is None or self.dose_ug > self.last_ug)

    @property
    def soft_if_raising(self) -> Level:
        """A dose out of range needs a reason on the way up and only a word on the way down."""
        return "soft" if self.is_raising else "note"

    @property
    def change_percent(self) -> Fraction | None:
        """Change from the last effective dose, negative for a reduction; None without one."""
        return None if self.last_ug is None else (self.dose_ug / self.last_ug - 1) * 100

    @property
    def since_increase_h(self) -> Fraction | None:
        """Hours since the dose last went up; None if it never did."""
        last = self.request.last_increase_ms
        return None if last is None else Fraction(self.request.at_ms - last, units.MS_PER_H)

    @property
    def peak_rate_ug(self) -> Fraction:
        """The highest rate of any step, as ug/day."""
        asked = flow_range(self.request.order, self.request.concentration_ug_per_ml)
        if asked is None:
            return self.dose_ug
        return asked.highest_nl_per_day * self.request.concentration_ug_per_ml / units.PG_PER_UG


def judged(request: GateRequest) -> Judged:
    """Work out dose, last dose and limits; `OrderError` for a concentration not above zero."""
    if request.concentration_ug_per_ml <= 0:
        given = f"{request.concentration_ug_per_ml} µg/mL"
        raise OrderError(f"concentration: got {given}, expected above zero")
    daily, peak = _doses_pg(request)
    last, patient = request.last_effective_dose_pg_per_day, request.patient
    return Judged(
        request,
        ug(daily),
        ug(peak),
        ug(last) if last else None,
        step_limits(patient.origin, patient.age_years),
        range_limits(patient.origin, patient.age_years),
    )


def step_limits(origin: str, age_years: float | None) -> Limits:
    """The group whose step limits hold: children of any origin together, adults by origin."""
    return _group(origin, age_years, "step_age_below")


def range_limits(origin: str, age_years: float | None) -> Limits:
    """The group whose dose range holds: younger children together, everyone else by origin."""
    return _group(origin, age_years, "range_age_below")


def every_patient() -> Limits:
    """The limits that hold for every patient."""
    return catalogue.load().limits["every-patient"]


def finding(
    level: Level,
    rule: str,
    field: str,
    message: str,
    values: tuple[Step, ...],
    facts: tuple[tuple[Entry, str], ...] = (),
) -> Finding:
    """A finding whose sources and confidence are those of the catalogue facts behind it."""
    held = [entry.fact(name) for entry, name in facts]
    sources = tuple(dict.fromkeys(source for fact in held for source in fact.source))
    return Finding(level, rule, field, message, sources, weakest(tuple(f.confidence for f in held)), values)


def limit_step(entry: Entry, name: str, unit: str) -> Step:
    """The limit itself, as one of the values a finding carries."""
    return Step(f"limit: {entry.entry_id}.{name}", Fraction(entry.fact(name).number(unit)), unit)


def ug(amount_pg: int) -> Fraction:
    """Picograms as exact micrograms."""
    return Fraction(amount_pg, units.PG_PER_UG)


def dose_text(dose_ug: Fraction, limit_ug: Fraction | None = None) -> str:
    """A daily dose for a message; beside a limit it passed, with the places it takes to show that."""
    return f"{number_apart(dose_ug, dose_ug if limit_ug is None else limit_ug, 2)} µg/day"


def _doses_pg(request: GateRequest) -> tuple[int, int]:
    if isinstance(request.order, MinimumRate):
        idle = request.pump.minimum_rate_nl_per_day * request.concentration_ug_per_ml
        return idle, idle
    return daily_dose_pg(request.order), peak_day_dose_pg(request.order)


def _group(origin: str, age_years: float | None, boundary: str) -> Limits:
    limits = catalogue.load().limits
    child = limits["child"]
    if age_years is not None and age_years < float(child.fact(boundary).number("year")):
        return child
    return limits[f"{origin}-adult"]
