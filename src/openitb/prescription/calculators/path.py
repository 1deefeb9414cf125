"""The fluid path from reservoir to catheter tip: pump tubing, then catheter."""

from dataclasses import dataclass
from fractions import Fraction

from openitb import catalogue, units
from openitb.catalogue import Catheter, Entry, Pump
from openitb.prescription.answers import (
    CalculationError,
    SourceNote,
    Step,
    fact_number,
    notes,
    number,
    practice,
    source_note,
)

CURRENT = "tubing_volume"
LEGACY = "tubing_volume_legacy"


@dataclass(frozen=True, slots=True)
class Tubing:
    """A tubing volume, and the other constant that may hold instead of it.

    Programmer software used 0.199 mL for SynchroMed II until 2016-17 and 0.140 mL since; where one of
    them is used the answer has to show what follows if it is the other.
    """

    volume_nl: int
    other_nl: int | None = None
    sources: tuple[SourceNote, ...] = ()


@dataclass(frozen=True, slots=True)
class FluidPath:
    """Tubing and implanted catheter; refuses lengths that cannot be with `CalculationError`."""

    tubing: Tubing
    catheter_length_cm: Fraction
    catheter_ml_per_cm: Fraction
    sources: tuple[SourceNote, ...] = ()

    def __post_init__(self) -> None:
        limit = practice("plausibility")
        _require_within("tubing", _ml(self.tubing.volume_nl), limit, "tubing_volume", "mL")
        _require_within("catheter-length", self.catheter_length_cm, limit, "catheter_length", "cm")
        per_length = "catheter_volume_per_length"
        _require_within("catheter-volume-per-length", self.catheter_ml_per_cm, limit, per_length, "mL/cm")

    @property
    def tubing_ml(self) -> Fraction:
        """Fluid in the pump's tubing."""
        return _ml(self.tubing.volume_nl)

    @property
    def catheter_ml(self) -> Fraction:
        """Fluid in the implanted catheter."""
        return self.catheter_length_cm * self.catheter_ml_per_cm

    @property
    def volume_ml(self) -> Fraction:
        """Fluid from reservoir to tip."""
        return self.tubing_ml + self.catheter_ml

    @property
    def notes(self) -> tuple[SourceNote, ...]:
        """The catalogue values the path rests on."""
        return (*self.tubing.sources, *self.sources)

    @property
    def step(self) -> Step:
        """The worked line of the path volume."""
        length, each = number(self.catheter_length_cm), number(self.catheter_ml_per_cm, 6)
        text = f"path = tubing {number(self.tubing_ml)} mL + catheter {length} cm × {each} mL/cm"
        return Step(text, self.volume_ml, "mL")

    def with_other_tubing(self) -> "FluidPath | None":
        """The same path with the other tubing constant; None where there is none."""
        if self.tubing.other_nl is None:
            return None
        swapped = Tubing(self.tubing.other_nl, self.tubing.volume_nl, self.tubing.sources)
        return FluidPath(swapped, self.catheter_length_cm, self.catheter_ml_per_cm, self.sources)


def path_through(
    tubing: Tubing, catheter: Catheter, implanted_cm: Fraction, ml_per_cm: Fraction | None = None
) -> FluidPath:
    """A path through a catheter model; its own volume per length unless another is given.

    Refuses with `CalculationError` more implanted length than the catheter has.
    """
    total = fact_number(catheter, "total_length", "cm")
    if implanted_cm > total:
        given = f"{number(implanted_cm)} cm"
        raise CalculationError(
            f"catheter-length: got {given}, expected at most {number(total)} cm, all of {catheter.name}"
        )
    own = fact_number(catheter, "volume_per_length", "mL/cm")
    names = ("total_length",) if ml_per_cm is not None else ("volume_per_length", "total_length")
    return FluidPath(tubing, implanted_cm, own if ml_per_cm is None else ml_per_cm, notes(catheter, *names))


def tubing_of_pump(pump: Pump) -> Tubing:
    """The catalogue's tubing volume of a pump model, with the older constant beside it."""
    names = [name for name in (CURRENT, LEGACY) if name in pump.facts]
    sources = tuple(source_note(pump, name) for name in names)
    return Tubing(pump.tubing_volume_nl, pump.legacy_tubing_volume_nl, sources)


def tubing_stated(volume_nl: int, pump: Pump | None = None) -> Tubing:
    """A tubing volume given by hand; recognised if it is one of a pump's two constants."""
    pumps = (pump,) if pump else tuple(catalogue.load().pumps.values())
    for known in pumps:
        constants = (known.tubing_volume_nl, known.legacy_tubing_volume_nl)
        if None not in constants and volume_nl in constants:
            other = constants[1 - constants.index(volume_nl)]
            return Tubing(volume_nl, other, tubing_of_pump(known).sources)
    return Tubing(volume_nl)


def require_flow(flow_ml_per_day: Fraction, pump: Pump, field: str) -> None:
    """Refuse a flow the pump cannot be programmed to, with `CalculationError`."""
    low, high = pump.lowest_flow_nl_per_day, pump.highest_flow_nl_per_day
    if not low <= flow_ml_per_day * units.NL_PER_ML <= high:
        raise CalculationError(
            f"{field}: got a flow of {number(flow_ml_per_day, 6)} mL/day, expected "
            f"{units.format_flow(low)} to {units.format_flow(high)} for {pump.name}"
        )


def require_strength(concentration_ug_per_ml: int, field: str) -> None:
    """Refuse a strength nobody can mean, with `CalculationError`."""
    highest = fact_number(catalogue.load().drug(), "highest_plausible_concentration", "ug/mL")
    if not 0 < concentration_ug_per_ml <= highest:
        given = f"{concentration_ug_per_ml} µg/mL"
        raise CalculationError(f"{field}: got {given}, expected above 0 to {number(highest)} µg/mL")


def require_dose(dose_pg_per_day: int, field: str = "dose") -> Fraction:
    """The dose in ug/day, exact; refuses zero and what nobody can mean with `CalculationError`."""
    dose = Fraction(dose_pg_per_day, units.PG_PER_UG)
    highest = fact_number(catalogue.load().drug(), "highest_plausible_dose", "ug/day")
    if not 0 < dose <= highest:
        given = f"{number(dose, 6)} µg/day"
        raise CalculationError(f"{field}: got {given}, expected above 0 to {number(highest)} µg/day")
    return dose


def _require_within(field: str, value: Fraction, limit: Entry, name: str, unit: str) -> None:
    highest = fact_number(limit, name, unit)
    if not 0 < value <= highest:
        given = number(value, 6)
        raise CalculationError(f"{field}: got {given} {unit}, expected above 0 to {number(highest)} {unit}")


def _ml(volume_nl: int) -> Fraction:
    return Fraction(volume_nl, units.NL_PER_ML)
