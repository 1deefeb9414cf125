"""What the catalogue holds: entries, each a name with facts, and the typed readings of them.

A typed reading such as `Pump.residual_volume_nl` converts the fact to the canonical unit of the
exact rooms. The fact itself, with source and confidence, stays at `entry.fact("residual_volume")`.
"""

from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from openitb import units
from openitb.catalogue.facts import Fact


class Entry(BaseModel):
    """A named thing with facts; subclasses state which facts they need and in which unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    required: ClassVar[dict[str, str]] = {}

    entry_id: str
    name: str
    facts: dict[str, Fact]
    note: str = ""

    @model_validator(mode="after")
    def _complete(self) -> "Entry":
        for name, unit in self.required.items():
            if name not in self.facts:
                raise ValueError(f"{name}: missing, expected a fact in {unit}")
            if unit != "text":
                self.facts[name].number(unit)
        return self

    def fact(self, name: str) -> Fact:
        """The fact of that name; `KeyError` names the entry and what it does hold."""
        if name not in self.facts:
            raise KeyError(f"{self.entry_id}: no fact {name!r}; it has {', '.join(sorted(self.facts))}")
        return self.facts[name]

    def _whole(self, name: str, unit: str) -> int:
        return self.fact(name).whole(unit)


class Pump(Entry):
    """An implantable pump model; how its drive meters is stated in the terms of that drive."""

    required: ClassVar[dict[str, str]] = {
        "reservoir_capacity": "mL",
        "residual_volume": "mL",
        "tubing_volume": "mL",
        "minimum_rate": "mL/day",
        "lowest_programmable_flow": "mL/day",
        "highest_flow": "mL/day",
        "flow_accuracy": "percent",
        "flex_changes_per_day": "1",
        "low_reservoir_alarm": "mL",
        "drive": "text",
    }
    metering: ClassVar[dict[str, dict[str, str]]] = {
        "peristaltic": {"stroke_volume": "nL"},
        "valve": {"pulse_volume": "nL", "pulses_per_group": "1"},
    }

    @model_validator(mode="after")
    def _metered(self) -> "Pump":
        drive = str(self.facts["drive"].value)
        if drive not in self.metering:
            raise ValueError(f"drive: got {drive!r}, expected one of {', '.join(self.metering)}")
        for name, unit in self.metering[drive].items():
            if name not in self.facts:
                raise ValueError(f"{name}: missing, expected a fact in {unit} for a {drive} drive")
            self.facts[name].number(unit)
        return self

    @property
    def drive(self) -> str:
        """How it moves fluid: `peristaltic` strokes, or pulses metered by a `valve`."""
        return self.fact("drive").text()

    @property
    def reservoir_capacity_nl(self) -> int:
        """Fluid the full reservoir holds."""
        return self._whole("reservoir_capacity", "nL")

    @property
    def residual_volume_nl(self) -> int:
        """Fluid that neither pump nor needle can take out."""
        return self._whole("residual_volume", "nL")

    @property
    def tubing_volume_nl(self) -> int:
        """Fluid between reservoir and catheter connector."""
        return self._whole("tubing_volume", "nL")

    @property
    def legacy_tubing_volume_nl(self) -> int | None:
        """The constant older programmer software used, where it differs."""
        name = "tubing_volume_legacy"
        return self._whole(name, "nL") if name in self.facts else None

    @property
    def stroke_volume_nl(self) -> int:
        """Smallest volume the drive moves at a time: a stroke, or a group of pulses."""
        return self._whole(self.metering_fact, "nL") * self.pulses_per_group

    @property
    def metering_fact(self) -> str:
        """The name of the fact behind `stroke_volume_nl`, for those who show where it comes from."""
        return next(iter(self.metering[self.drive]))

    @property
    def pulses_per_group(self) -> int:
        """Openings of the valve in a row; 1 for a stroke."""
        return self._whole("pulses_per_group", "1") if self.drive == "valve" else 1

    @property
    def minimum_rate_nl_per_day(self) -> int:
        """Flow in minimum-rate mode."""
        return self._whole("minimum_rate", "nL/day")

    @property
    def lowest_flow_nl_per_day(self) -> int:
        """Lowest flow that can be programmed."""
        return self._whole("lowest_programmable_flow", "nL/day")

    @property
    def highest_flow_nl_per_day(self) -> int:
        """Highest flow that can be programmed."""
        return self._whole("highest_flow", "nL/day")

    @property
    def flow_accuracy(self) -> Fraction:
        """Labelled accuracy as a fraction, 0.145 for ±14.5 %."""
        return Fraction(self.fact("flow_accuracy").number("percent")) / 100

    @property
    def flex_changes_per_day(self) -> int:
        """Most rate changes a flex day may have."""
        return int(self.fact("flex_changes_per_day").number("1"))

    @property
    def low_reservoir_alarm_nl(self) -> int:
        """Default volume at which the low-reservoir alarm sounds."""
        return self._whole("low_reservoir_alarm", "nL")


class Catheter(Entry):
    """A catheter model."""

    required: ClassVar[dict[str, str]] = {"total_length": "cm", "volume_per_length": "mL/cm"}

    def volume_nl(self, implanted_length_cm: Decimal | int | str) -> int:
        """Dead volume of the implanted length, nearest nL."""
        per_cm = self.fact("volume_per_length").number("nL/cm")
        return units.round_half_even(per_cm * Decimal(implanted_length_cm))


class Drug(Entry):
    """A drug with its presentations as facts; one for the pump must say how long it keeps there."""

    required: ClassVar[dict[str, str]] = {"route": "text"}

    @model_validator(mode="after")
    def _stable_in_pump(self) -> "Drug":
        if self.is_intrathecal:
            if "in_pump_stability" not in self.facts:
                raise ValueError("in_pump_stability: missing, expected a fact in day")
            self.facts["in_pump_stability"].number("day")
        return self

    @property
    def is_intrathecal(self) -> bool:
        """True for what may be put into a pump."""
        return self.facts["route"].value == "intrathecal"


class Limits(Entry):
    """Guardrail limits of one group of patients, by origin of spasticity and age."""


class FaultEntry(Entry):
    """Something that has gone wrong before: a notice or an incident, and how it is laid on a system.

    `lays` names the course that does it, with the facts as its parameters. Without one, `same_as`
    names the row that does, or `act` says by what act it is done.
    """

    happened: str
    part: Literal["pump", "catheter", "needle", "programmer", "link", "clinic"]
    lays: str
    onset: str = ""
    course: str = ""
    detectability: str = ""
    log_effect: str = ""
    act: str = ""
    same_as: str = ""
    source: tuple[str, ...]

    @model_validator(mode="after")
    def _laid_somehow(self) -> "FaultEntry":
        if sum(map(bool, (self.lays, self.act, self.same_as))) != 1:
            raise ValueError("expected one of lays, act and same_as")
        return self


class Level(BaseModel):
    """One level of a rating scale: the code as written and what it means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    ordinal: int
    meaning: str


class Scale(BaseModel):
    """A rating scale: ordered levels, each with its code, in our words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry_id: str
    name: str
    levels: tuple[Level, ...]
    source: tuple[str, ...]
    confidence: str
    note: str = ""
