"""Bridge bolus: the old drug in the path goes out at the old dose before the new strength's flow starts.

Holds: BOL-12.
"""

from dataclasses import dataclass
from fractions import Fraction

from openitb import units
from openitb.catalogue import Pump
from openitb.prescription.answers import Answer, CalculationError, Step, notes, number, practice
from openitb.prescription.calculators.path import (
    FluidPath,
    require_dose,
    require_flow,
    require_strength,
)


@dataclass(frozen=True, slots=True)
class WrongDose:
    """What reaches the patient instead of the dose ordered, for how long."""

    text: str
    dose_ug_per_day: Fraction
    duration_h: Fraction


@dataclass(frozen=True, slots=True)
class OtherTubing:
    """The same bridge with the other tubing constant, and what mistaking one for the other does."""

    tubing_ml: Fraction
    volume_ml: Fraction
    dose_ug: Fraction
    duration_h: Fraction
    if_other_is_true: WrongDose
    if_other_is_used_wrongly: WrongDose


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeAnswer(Answer):
    """The bridge, the flow after it, and what happens if it is forgotten or the tubing is another."""

    volume_ml: Fraction
    dose_ug: Fraction
    rate_ml_per_day: Fraction
    duration_h: Fraction
    then_rate_ml_per_day: Fraction
    if_forgotten: WrongDose
    other_tubing: OtherTubing | None


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of strength at one daily dose."""

    dose_ug: Fraction
    old: int
    new: int

    @property
    def old_flow(self) -> Fraction:
        return self.dose_ug / self.old

    @property
    def new_flow(self) -> Fraction:
        return self.dose_ug / self.new


def bridge(
    path: FluidPath,
    old_concentration_ug_per_ml: int,
    new_concentration_ug_per_ml: int,
    dose_pg_per_day: int,
    pump: Pump | None = None,
) -> BridgeAnswer:
    """The bridge bolus for a change of concentration at an unchanged daily dose (device.md 3.4).

    Refuses with `CalculationError` equal concentrations, which need no bridge, and with a `pump` also
    flows it cannot run before or after.
    """
    require_strength(old_concentration_ug_per_ml, "old-concentration")
    require_strength(new_concentration_ug_per_ml, "new-concentration")
    change = _Change(require_dose(dose_pg_per_day), old_concentration_ug_per_ml, new_concentration_ug_per_ml)
    _require_change(change, pump)
    volume, carried = path.volume_ml, path.volume_ml * change.old
    return BridgeAnswer(
        volume_ml=volume,
        dose_ug=carried,
        rate_ml_per_day=change.old_flow,
        duration_h=_hours(volume, change.old_flow),
        then_rate_ml_per_day=change.new_flow,
        if_forgotten=_old_drug_at_new_flow("without the bridge", volume, change),
        other_tubing=_other_tubing(path, change),
        steps=_steps(path, change),
        sources=(*path.notes, *notes(practice("concentration-change"), "bridge_required")),
    )


def _steps(path: FluidPath, change: _Change) -> tuple[Step, ...]:
    volume, flow, dose = path.volume_ml, change.old_flow, number(change.dose_ug)
    hours = _hours(volume, flow)
    return (
        path.step,
        Step(f"dose carried = {number(volume)} mL × {change.old} ug/mL", volume * change.old, "ug"),
        Step(f"flow during the bridge = {dose} ug/day ÷ {change.old} ug/mL", flow, "mL/day"),
        Step(f"duration = {number(volume)} mL ÷ {number(flow, 6)} mL/day × 24 h/day", hours, "h"),
        Step(f"flow afterwards = {dose} ug/day ÷ {change.new} ug/mL", change.new_flow, "mL/day"),
    )


def _other_tubing(path: FluidPath, change: _Change) -> OtherTubing | None:
    other = path.with_other_tubing()
    if other is None:
        return None
    return OtherTubing(
        tubing_ml=other.tubing_ml,
        volume_ml=other.volume_ml,
        dose_ug=other.volume_ml * change.old,
        duration_h=_hours(other.volume_ml, change.old_flow),
        if_other_is_true=_mistimed(path, other, change),
        if_other_is_used_wrongly=_mistimed(other, path, change),
    )


def _mistimed(programmed: FluidPath, true: FluidPath, change: _Change) -> WrongDose:
    """A bridge of one length through a path of another."""
    case = f"bridge for {number(programmed.tubing_ml)} mL tubing, in truth {number(true.tubing_ml)} mL"
    excess = programmed.volume_ml - true.volume_ml
    if excess < 0:
        return _old_drug_at_new_flow(case, -excess, change)
    dose = change.old_flow * change.new
    return _wrong_dose(f"{case}: the new drug runs at the old flow", dose, excess / change.old_flow, change)


def _old_drug_at_new_flow(case: str, volume_ml: Fraction, change: _Change) -> WrongDose:
    dose = change.new_flow * change.old
    return _wrong_dose(
        f"{case}: the old drug runs at the new flow", dose, volume_ml / change.new_flow, change
    )


def _wrong_dose(case: str, dose_ug: Fraction, days: Fraction, change: _Change) -> WrongDose:
    hours = days * units.HOURS_PER_DAY
    danger = "overdose" if dose_ug > change.dose_ug else "withdrawal"
    text = (
        f"{case}, {number(dose_ug, 1)} ug/day instead of {number(change.dose_ug, 1)} ug/day for "
        f"{number(hours, 1)} h: {danger}"
    )
    return WrongDose(text, dose_ug, hours)


def _require_change(change: _Change, pump: Pump | None) -> None:
    if change.old == change.new:
        given = f"{change.new} µg/mL, the same as the old"
        raise CalculationError(f"new-concentration: got {given}, expected another: no bridge is needed")
    if pump is not None:
        require_flow(change.old_flow, pump, "dose at the old concentration")
        require_flow(change.new_flow, pump, "dose at the new concentration")


def _hours(volume_ml: Fraction, flow_ml_per_day: Fraction) -> Fraction:
    return volume_ml / flow_ml_per_day * units.HOURS_PER_DAY
