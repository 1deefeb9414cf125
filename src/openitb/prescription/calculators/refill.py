"""When the reservoir runs low and by when it has to be refilled.

Holds: RES-03, TIM-06.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import floor

from openitb import catalogue, units
from openitb.catalogue import Pump
from openitb.prescription.answers import (
    Answer,
    CalculationError,
    Step,
    fact_number,
    notes,
    number,
    practice,
    source_note,
)
from openitb.prescription.calculators.path import require_dose, require_flow, require_strength


@dataclass(frozen=True, slots=True, kw_only=True)
class RefillAnswer(Answer):
    """Days as an exact number, dates as whole calendar days, always rounded to the earlier one.

    `earliest_low_reservoir_date` counts with the most the pump may run fast by its labelled accuracy.
    `limited_by` says what `refill_by` rests on.
    """

    days_to_low_reservoir: Fraction
    low_reservoir_date: date
    earliest_low_reservoir_date: date
    refill_by: date
    limited_by: str
    flow_ml_per_day: Fraction
    warning: str


def refill(
    volume_nl: int,
    alarm_volume_nl: int,
    concentration_ug_per_ml: int,
    dose_pg_per_day: int,
    start: date,
    pump: Pump,
) -> RefillAnswer:
    """Low-reservoir dates and refill date of a reservoir that holds `volume_nl` in all.

    `refill_by` is the earliest of the low date less the clinic's margin, the drug's stability in the
    pump and the clinic's longest interval (clinical.md 1.8). Refuses with `CalculationError` a volume
    above the pump's capacity or not above the alarm volume, and a flow the pump cannot run.
    """
    _require_volume(volume_nl, alarm_volume_nl, pump)
    require_strength(concentration_ug_per_ml, "concentration")
    dose = require_dose(dose_pg_per_day)
    flow = dose / concentration_ug_per_ml
    require_flow(flow, pump, "dose")
    plan = _Plan(start, volume_nl, alarm_volume_nl, dose, concentration_ug_per_ml, pump)
    limits = _limits(start, plan.low_date)
    limited_by = min(limits, key=lambda name: limits[name])
    refill_by = max(start, limits[limited_by])
    return RefillAnswer(
        days_to_low_reservoir=plan.days,
        low_reservoir_date=plan.low_date,
        earliest_low_reservoir_date=plan.earliest_date,
        refill_by=refill_by,
        limited_by=limited_by,
        flow_ml_per_day=flow,
        warning=_warning(refill_by, plan),
        steps=(*_steps(plan), *(Step(name, day, "date") for name, day in limits.items())),
        sources=(
            source_note(pump, "flow_accuracy"),
            source_note(catalogue.load().drug(), "in_pump_stability"),
            *notes(practice("refill"), "margin", "clinic_maximum_interval"),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """A reservoir being used up from one day on."""

    start: date
    volume_nl: int
    alarm_volume_nl: int
    dose_ug: Fraction
    strength: int
    pump: Pump

    @property
    def flow(self) -> Fraction:
        return self.dose_ug / self.strength

    @property
    def fast_flow(self) -> Fraction:
        return self.flow * (1 + self.pump.flow_accuracy)

    @property
    def usable_ml(self) -> Fraction:
        return Fraction(self.volume_nl - self.alarm_volume_nl, units.NL_PER_ML)

    @property
    def days(self) -> Fraction:
        return self.usable_ml / self.flow

    @property
    def low_date(self) -> date:
        return _after(self.start, self.days)

    @property
    def earliest_date(self) -> date:
        return _after(self.start, self.usable_ml / self.fast_flow)


def _steps(plan: _Plan) -> tuple[Step, ...]:
    volume, alarm = (units.format_volume(each) for each in (plan.volume_nl, plan.alarm_volume_nl))
    flow, usable = number(plan.flow, 6), number(plan.usable_ml)
    accuracy = number(plan.pump.flow_accuracy * 100)
    return (
        Step(f"flow = {number(plan.dose_ug)} ug/day ÷ {plan.strength} ug/mL", plan.flow, "mL/day"),
        Step(f"usable = {volume} − {alarm}", plan.usable_ml, "mL"),
        Step(f"days to low reservoir = {usable} mL ÷ {flow} mL/day", plan.days, "day"),
        Step(f"low-reservoir date = {plan.start} + {floor(plan.days)} whole days", plan.low_date, "date"),
        Step(f"flow if the pump runs fast = {flow} mL/day × (1 + {accuracy} %)", plan.fast_flow, "mL/day"),
        Step("earliest low-reservoir date, at that flow", plan.earliest_date, "date"),
    )


def _warning(refill_by: date, plan: _Plan) -> str:
    if refill_by <= plan.earliest_date:
        return ""
    return f"a pump that runs fast may reach the alarm volume by {plan.earliest_date}, before the refill date"


def _limits(start: date, low: date) -> dict[str, date]:
    rules = practice("refill")
    margin, longest = (fact_number(rules, name, "day") for name in ("margin", "clinic_maximum_interval"))
    stability = fact_number(catalogue.load().drug(), "in_pump_stability", "day")
    return {
        f"low-reservoir date less {number(margin)} days": _after(low, -margin),
        f"drug stability, {number(stability)} days": _after(start, stability),
        f"clinic maximum, {number(longest)} days": _after(start, longest),
    }


def _after(start: date, days: Fraction) -> date:
    try:
        return start + timedelta(days=floor(days))
    except OverflowError:
        raise CalculationError(f"from: got {start}, expected a date the calendar can count on from") from None


def _require_volume(volume_nl: int, alarm_volume_nl: int, pump: Pump) -> None:
    if volume_nl > pump.reservoir_capacity_nl:
        raise CalculationError(
            f"volume: got {units.format_volume(volume_nl)}, expected at most "
            f"{units.format_volume(pump.reservoir_capacity_nl)}, the reservoir of {pump.name}"
        )
    if alarm_volume_nl >= volume_nl:
        raise CalculationError(
            f"alarm-volume: got {units.format_volume(alarm_volume_nl)}, expected less than the "
            f"{units.format_volume(volume_nl)} in the reservoir"
        )
