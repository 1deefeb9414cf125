"""What strength the reservoir really holds after fresh drug joins what could not be taken out."""

from dataclasses import dataclass
from fractions import Fraction

from openitb import catalogue, units
from openitb.catalogue import Pump
from openitb.prescription.answers import Answer, CalculationError, Step, fact_number, number, source_note
from openitb.prescription.calculators.path import require_strength


@dataclass(frozen=True, slots=True, kw_only=True)
class MixAnswer(Answer):
    """The mixture, and how far it lies from the strength on the label."""

    concentration_ug_per_ml: Fraction
    volume_ml: Fraction
    difference_percent: Fraction


def mix(
    residual_nl: int,
    old_concentration_ug_per_ml: int,
    volume_nl: int,
    new_concentration_ug_per_ml: int,
) -> MixAnswer:
    """Mix `volume_nl` of new drug into the residual of old: drug over fluid (device.md 3.5).

    Refuses with `CalculationError` an addition of nothing and more fluid than any reservoir holds.
    """
    require_strength(old_concentration_ug_per_ml, "old-concentration")
    require_strength(new_concentration_ug_per_ml, "new-concentration")
    largest = max(catalogue.load().pumps.values(), key=lambda pump: pump.reservoir_capacity_nl)
    _require_room(residual_nl, volume_nl, largest)
    old = _Part(Fraction(residual_nl, units.NL_PER_ML), old_concentration_ug_per_ml)
    new = _Part(Fraction(volume_nl, units.NL_PER_ML), new_concentration_ug_per_ml)
    mixed = (old.drug_ug + new.drug_ug) / (old.volume_ml + new.volume_ml)
    return MixAnswer(
        concentration_ug_per_ml=mixed,
        volume_ml=old.volume_ml + new.volume_ml,
        difference_percent=(mixed / new.strength - 1) * 100,
        steps=_steps(old, new, mixed),
        sources=(
            source_note(catalogue.load().drug(), "label_tolerance"),
            source_note(largest, "reservoir_capacity"),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the two fluids; strength in ug/mL."""

    volume_ml: Fraction
    strength: int

    @property
    def drug_ug(self) -> Fraction:
        return self.volume_ml * self.strength

    @property
    def text(self) -> str:
        return f"{number(self.volume_ml)} mL × {self.strength} ug/mL"


def _steps(old: _Part, new: _Part, mixed: Fraction) -> tuple[Step, ...]:
    drug, volume = old.drug_ug + new.drug_ug, old.volume_ml + new.volume_ml
    tolerance = fact_number(catalogue.load().drug(), "label_tolerance", "percent")
    label = (
        f"difference from the label's {new.strength} ug/mL, which itself holds within {number(tolerance)} %"
    )
    return (
        Step(f"drug = {old.text} + {new.text}", drug, "ug"),
        Step(f"volume = {number(old.volume_ml)} mL + {number(new.volume_ml)} mL", volume, "mL"),
        Step(f"mixture = {number(drug)} ug ÷ {number(volume)} mL", mixed, "ug/mL"),
        Step(label, (mixed / new.strength - 1) * 100, "percent"),
    )


def _require_room(residual_nl: int, volume_nl: int, largest: Pump) -> None:
    if volume_nl <= 0:
        raise CalculationError(f"volume: got {units.format_volume(volume_nl)}, expected above 0 mL")
    if residual_nl + volume_nl > largest.reservoir_capacity_nl:
        most = units.format_volume(largest.reservoir_capacity_nl)
        raise CalculationError(
            f"volume: got {units.format_volume(volume_nl)} on top of {units.format_volume(residual_nl)}, "
            f"expected at most {most} in all, the largest reservoir"
        )
