"""What a calculation gives back: the values, every step of the way, and what each step rests on.

Values and texts here spell micrograms `ug`; `shown` and `to_json` write the clinic's own sign.
"""

import re
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Literal

from openitb import catalogue, units
from openitb.catalogue import Confidence, Entry

MicroCode = Literal["ug", "mcg"]
Value = Fraction | int | str | date

_MICRO = re.compile(r"\bug\b")
_PRINTED: dict[MicroCode, units.Micro] = {"ug": "µg", "mcg": "mcg"}


class CalculationError(ValueError):
    """A calculation was asked for with values it must not take; one line for a person."""


@dataclass(frozen=True, slots=True)
class Step:
    """One worked line: what was done, with its numbers, and what came out."""

    text: str
    value: Value
    unit: str


@dataclass(frozen=True, slots=True)
class Cited:
    """One place a value was read, as the catalogue lists it."""

    citation: str
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class SourceNote:
    """A catalogue value a result rests on: where it was read and how far it may be trusted."""

    name: str
    value: str
    citations: tuple[Cited, ...]
    confidence: Confidence
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The contract of every calculation: its own fields, then `steps` and `sources`."""

    steps: tuple[Step, ...]
    sources: tuple[SourceNote, ...]

    @property
    def confidence(self) -> Confidence:
        """That of the least trusted catalogue value it rests on."""
        return weakest(tuple(note.confidence for note in self.sources))

    def to_json(self, micro: MicroCode = "ug") -> dict[str, object]:
        """Plain values for JSON; the keys never change with the micro sign, the texts do."""
        own = [field.name for field in fields(self) if field.name not in {"steps", "sources"}]
        return {name: _plain(getattr(self, name), micro) for name in (*own, "steps", "sources")}


def source_note(entry: Entry, name: str) -> SourceNote:
    """The note of one fact of a catalogue entry."""
    fact, listed = entry.fact(name), catalogue.load().citations
    cited = tuple(Cited(key, listed[key].title, listed[key].address) for key in fact.source)
    return SourceNote(f"{entry.entry_id}.{name}", fact.text(), cited, fact.confidence, fact.note)


def notes(entry: Entry, *names: str) -> tuple[SourceNote, ...]:
    """The notes of several facts of one entry."""
    return tuple(source_note(entry, name) for name in names)


def fact_number(entry: Entry, name: str, unit: str) -> Fraction:
    """A catalogue number in `unit`, exact."""
    return Fraction(entry.fact(name).number(unit))


def practice(entry_id: str) -> Entry:
    """An entry of the catalogue's practice file."""
    return catalogue.load().practice[entry_id]


def weakest(confidences: tuple[Confidence, ...]) -> Confidence:
    """The least trusted of several; READ if there is none."""
    order = list(Confidence)
    return max(confidences, key=order.index, default=Confidence.READ)


def number(value: Fraction | int | Decimal, places: int = 3) -> str:
    """A number for a person, without trailing zeros."""
    exact = Fraction(value)
    return units.format_number(Decimal(exact.numerator) / Decimal(exact.denominator), places)


def number_apart(value: Fraction, limit: Fraction, places: int) -> str:
    """A number that passed a limit, with as many more places as it takes to show that it did."""
    while number(value, places) == number(limit, places) and value != limit:
        places += 1
    return number(value, places)


def shown(text: str, micro: MicroCode) -> str:
    """A text with every `ug` in the clinic's own sign: `µg` or `mcg`."""
    return _MICRO.sub(_PRINTED[micro], text)


def _plain(value: object, micro: MicroCode) -> object:
    match value:
        case Fraction():
            return value.numerator if value.denominator == 1 else float(value)
        case date():
            return value.isoformat()
        case Enum():
            return value.value
        case str():
            return _MICRO.sub(micro, value)
        case tuple():
            return [_plain(item, micro) for item in value]
        case _ if is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name), micro) for field in fields(value)}
        case _:
            return value
