"""A fact: one value with its unit, where it was read, and how far it may be trusted."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from openitb import units


class Confidence(StrEnum):
    """How a value came to be known."""

    READ = "read"  # seen in a primary source
    SECONDARY = "secondary"  # seen in a secondary copy
    DERIVED = "derived"  # computed by us from values that were seen
    CALIBRATED = "calibrated"  # fitted by us to published observations
    RECALLED = "recalled"  # general knowledge, not seen in a source
    ASSUMED = "assumed"  # our choice, free to change

    @property
    def is_sourced(self) -> bool:
        """True if somebody can look the value up; anything else is shown as what it is."""
        return self in {Confidence.READ, Confidence.SECONDARY, Confidence.DERIVED}


Scalar = bool | Decimal | str


class Fact(BaseModel):
    """A catalogue value: number, flag or text; `unit` is "1" for a pure number, "text" for words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Scalar
    unit: str = "1"
    source: tuple[str, ...]
    confidence: Confidence
    note: str = ""
    between_subject_sd: Annotated[Decimal | None, Field(ge=0)] = None  # log-normal SD

    @field_validator("value", mode="before")
    @classmethod
    def _exact(cls, value: object) -> object:
        """Keep the decimal digits as written instead of a binary neighbour."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return Decimal(str(value)) if is_number else value

    @field_validator("value")
    @classmethod
    def _finite(cls, value: Scalar) -> Scalar:
        if isinstance(value, Decimal) and not value.is_finite():
            raise ValueError("expected a finite number")
        return value

    def number(self, unit: str | None = None) -> Decimal:
        """The value as an exact number of `unit`.

        `TypeError` if it is words or a flag, `UnitError` if it measures something else.
        """
        if not isinstance(self.value, Decimal):
            raise TypeError(f"expected a number, the catalogue holds {self.value!r}")
        return self.value if unit in {None, self.unit} else units.convert(self.value, self.unit, unit or "1")

    def whole(self, unit: str) -> int:
        """The value as a whole number of `unit`, nearest."""
        return units.round_half_even(self.number(unit))

    def text(self) -> str:
        """The value as it is printed, unit included."""
        if isinstance(self.value, Decimal):
            shown = f"{self.value:f}"
            return shown if self.unit == "1" else f"{shown} {self.unit}"
        return {True: "yes", False: "no"}[self.value] if isinstance(self.value, bool) else self.value


Facts = Mapping[str, Fact]
