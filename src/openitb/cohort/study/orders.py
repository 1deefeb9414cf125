"""Orders of a study: every one through the one gate, compiled for the pump as any other."""

from dataclasses import dataclass
from datetime import date, timedelta

from openitb import catalogue
from openitb.cohort.study.design import Arm, System
from openitb.prescription.answers import CalculationError, fact_number, practice
from openitb.prescription.calculators import bridge, refill
from openitb.prescription.gate import GateRefusal, GateRequest, PatientLimits
from openitb.prescription.guardrails import check
from openitb.prescription.modes import OrderError
from openitb.prescription.program import Program
from openitb.units import MS_PER_H

FIRST_DAY = date(2001, 1, 1)  # a Monday, as the engine's first day


@dataclass(frozen=True, slots=True)
class Asked:
    """A dose somebody asks for, at an hour since the start, and what is in force.

    `last_increase_h` is None before the first order.
    """

    dose_pg: int
    at_h: float
    ug_per_ml: int
    last_pg: int | None
    last_increase_h: float | None
    reason: str = ""


def admitted(arm: Arm, limits: PatientLimits, asked: Asked) -> Program:
    """The program of an order that the gate lets pass; `GateRefusal` with its one line otherwise."""
    since = asked.last_increase_h
    try:
        verdict = check(
            GateRequest(
                order=arm.delivery.order(asked.dose_pg),
                concentration_ug_per_ml=asked.ug_per_ml,
                pump=arm.system.pump,
                patient=limits,
                last_effective_dose_pg_per_day=asked.last_pg,
                last_increase_ms=None if since is None else round(since * MS_PER_H),
                at_ms=round(asked.at_h * MS_PER_H),
            )
        )
    except OrderError as error:
        raise GateRefusal(str(error)) from None
    verdict.admit(asked.reason)
    if verdict.program is None:
        raise GateRefusal("order.dose: the pump cannot run it")
    return verdict.program


def bridge_h(system: System, old: int, new: int, dose_pg: int) -> float:
    """How long the old flow goes on after a change of concentration, by the calculator."""
    return float(bridge(system.path, old, new, dose_pg, system.pump).duration_h)


@dataclass(frozen=True, slots=True)
class Reservoir:
    """What the clinic believes of a reservoir: filled on a day, holding so much at the start of another."""

    filled_day: int
    day: int
    believed_nl: int
    ug_per_ml: int
    dose_pg: int


def refill_by_day(system: System, now: Reservoir) -> int:
    """The day by which the reservoir is planned to be refilled, also one that has passed.

    The calculator's low-reservoir date less its margin, and no longer after the fill than drug and clinic
    allow.
    """
    start = FIRST_DAY + timedelta(days=now.day)
    try:
        answer = refill(now.believed_nl, system.alarm_nl, now.ug_per_ml, now.dose_pg, start, system.pump)
    except CalculationError:  # at the alarm volume already
        return now.day
    margin = int(fact_number(practice("refill"), "margin", "day"))
    return min((answer.low_reservoir_date - FIRST_DAY).days - margin, now.filled_day + _longest_days())


def _longest_days() -> int:
    stability = fact_number(catalogue.load().drug(), "in_pump_stability", "day")
    return int(min(stability, fact_number(practice("refill"), "clinic_maximum_interval", "day")))
