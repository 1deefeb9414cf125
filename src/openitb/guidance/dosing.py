"""First daily dose after a screening trial, and the size of the next step."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from openitb import catalogue, units
from openitb.catalogue import Entry, Limits
from openitb.prescription.answers import (
    Answer,
    CalculationError,
    SourceNote,
    Step,
    fact_number,
    notes,
    number,
    practice,
    source_note,
)
from openitb.prescription.calculators.path import require_dose
from openitb.prescription.gate import ORIGINS, Origin
from openitb.prescription.gate_case import every_patient, step_limits

Phase = Literal["first-24h", "titration", "maintenance", "decrease"]

PHASES: tuple[Phase, ...] = get_args(Phase)

_FACTS: dict[Phase, tuple[str, str]] = {
    "titration": ("titration_increase_low", "titration_increase_high"),
    "maintenance": ("maintenance_increase_low", "maintenance_increase_high"),
    "decrease": ("decrease_low", "decrease_high"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDoseAnswer(Answer):
    """The first daily dose and the multiple of the bolus it is."""

    dose_ug_per_day: Fraction
    multiple: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class TitrationAnswer(Answer):
    """The range the next daily dose should lie in, both ends included; `group` says whose rule."""

    low_ug_per_day: Fraction
    high_ug_per_day: Fraction
    group: str


def start_dose(
    effective_bolus_pg: int, effect_duration_ms: int, *, adverse_reaction: bool
) -> StartDoseAnswer:
    """Twice the effective screening bolus a day; once after a long effect or an adverse reaction.

    Source: label and best practice (clinical.md 1.4, 2.3). Refuses with `CalculationError` a bolus or
    a duration that is not above zero or beyond anything plausible.
    """
    start, screening = (catalogue.load().limits[name] for name in ("start", "screening"))
    bolus = Fraction(effective_bolus_pg, units.PG_PER_UG)
    hours = Fraction(effect_duration_ms, units.MS_PER_H)
    _require("effective-bolus", bolus, screening, "highest_plausible_bolus", "ug")
    if not bolus:
        raise CalculationError("effective-bolus: got 0 µg, expected above zero")
    if not effect_duration_ms:
        raise CalculationError("effect-duration: got 0 h, expected above zero")
    _require("effect-duration", hours, screening, "highest_plausible_effect", "hour")
    is_cautious = adverse_reaction or hours > fact_number(start, "long_effect", "hour")
    name = "bolus_multiple_cautious" if is_cautious else "bolus_multiple"
    multiple = fact_number(start, name, "1")
    return StartDoseAnswer(
        dose_ug_per_day=bolus * multiple,
        multiple=multiple,
        steps=(
            Step(_why(start, hours, adverse_reaction), multiple, "times the bolus a day"),
            Step(f"first daily dose = {number(multiple)} × {number(bolus)} ug", bolus * multiple, "ug/day"),
        ),
        sources=notes(start, name, "long_effect", "observation"),
    )


def titration_step(
    dose_pg_per_day: int, origin: Origin, age_years: Fraction, phase: Phase
) -> TitrationAnswer:
    """The range of the next daily dose by origin, age and phase (clinical.md 1.4).

    In the first 24 h the dose stays; children of any origin follow one rule; a decrease gives a lower
    range. Refuses with `CalculationError` an unknown origin or phase and an impossible age or dose.
    """
    dose = require_dose(dose_pg_per_day)
    _require_choice("origin", origin, ORIGINS)
    _require_choice("phase", phase, PHASES)
    _require("age", age_years, practice("plausibility"), "age", "year")
    limits = step_limits(origin, float(age_years))
    if phase == "first-24h":
        return _unchanged(dose, limits)
    percents = [_signed_percent(limits, name, phase) for name in _FACTS[phase]]
    low, high = sorted(dose * (1 + percent / 100) for percent in percents)
    return TitrationAnswer(
        low_ug_per_day=low,
        high_ug_per_day=high,
        group=limits.name.lower(),
        steps=tuple(_changed(dose, percent, limits) for percent in percents),
        sources=(*notes(limits, *_FACTS[phase]), *_age_note(limits), *_interval_note(phase)),
    )


def _why(start: Limits, hours: Fraction, adverse_reaction: bool) -> str:
    long = fact_number(start, "long_effect", "hour")
    lasted = "longer than" if hours > long else "not longer than"
    reaction = "an adverse reaction" if adverse_reaction else "no adverse reaction"
    return f"the effect lasted {number(hours)} h, {lasted} {number(long)} h, with {reaction}"


def _signed_percent(limits: Limits, name: str, phase: Phase) -> Fraction:
    return fact_number(limits, name, "percent") * (-1 if phase == "decrease" else 1)


def _changed(dose_ug: Fraction, percent: Fraction, limits: Limits) -> Step:
    text = f"{number(dose_ug)} ug/day {'−' if percent < 0 else '+'} {number(abs(percent))} %"
    return Step(f"{limits.name.lower()}: {text}", dose_ug * (1 + percent / 100), "ug/day")


def _unchanged(dose: Fraction, limits: Limits) -> TitrationAnswer:
    return TitrationAnswer(
        low_ug_per_day=dose,
        high_ug_per_day=dose,
        group=limits.name.lower(),
        steps=(Step("no increase in the first 24 h after the start", dose, "ug/day"),),
        sources=(source_note(every_patient(), "increase_interval"),),
    )


def _age_note(limits: Limits) -> tuple[SourceNote, ...]:
    return notes(limits, "step_age_below") if "step_age_below" in limits.facts else ()


def _interval_note(phase: Phase) -> tuple[SourceNote, ...]:
    return notes(every_patient(), "increase_interval") if phase == "titration" else ()


def _require(field: str, value: Fraction, limits: Entry, name: str, unit: str) -> None:
    highest = fact_number(limits, name, unit)
    if not 0 <= value <= highest:
        raise CalculationError(f"{field}: got {number(value)} {unit}, expected 0 to {number(highest)} {unit}")


def _require_choice(field: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise CalculationError(f"{field}: got {given!r}, expected one of {', '.join(known)}")
