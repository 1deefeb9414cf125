"""Options that several verbs share, and the readings of text that `units` does not do."""

import re
from datetime import date
from fractions import Fraction
from typing import Annotated, Literal

import typer

from openitb import catalogue, units
from openitb.catalogue import Pump

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MicroSign = Annotated[
    Literal["ug", "mcg"],
    typer.Option("--micro", envvar="OPENITB_MICRO", help="Write micrograms as µg (ug) or as mcg."),
]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_BARE_NUMBER = re.compile(r"\d+(\.\d+)?")


class OptionError(ValueError):
    """An option's text cannot be taken; one line for a person."""


def read_date(text: str, field: str) -> date:
    """A calendar date such as `2026-01-05`; `OptionError` for anything else."""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise OptionError(f"{field}: got {text!r}, expected a date such as 2026-01-05")


def read_age(text: str, field: str) -> Fraction:
    """An age in years, exact; `45 years`, `18 months`, and a bare number as years of age."""
    given = f"{text} year" if _BARE_NUMBER.fullmatch(text.strip()) else text
    return Fraction(units.quantity(given, "year", field, at_least=0))


def read_length_cm(text: str, field: str) -> Fraction:
    """A length such as `80 cm`, exact, in cm."""
    return Fraction(units.quantity(text, "cm", field, at_least=0))


def read_volume_per_length(text: str, field: str) -> Fraction:
    """A volume per length such as `0.0022 mL/cm`, exact, in mL/cm."""
    return Fraction(units.quantity(text, "mL/cm", field, at_least=0))


def pump_or_none(pump_id: str | None) -> Pump | None:
    """The pump model of an option that may be left out."""
    return None if pump_id is None else catalogue.load().pump(pump_id, "--pump")
