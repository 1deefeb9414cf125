"""A clinic's record as a TOML file of version 1: `load(path)` and `parse(text)` give a `ClinicRecord`.

Wrong shape or meaning is refused with `TwinError`: one line with the place, what came and what was expected.
"""

import tomllib
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, StrictBool, StrictInt, ValidationError
from pydantic_core import ErrorDetails

from openitb import catalogue, units
from openitb.body import BodyError
from openitb.catalogue import CatalogueError
from openitb.prescription import OrderError, compile_order, parse_order
from openitb.prescription.calculators import CalculationError, path_through, tubing_of_pump
from openitb.twin.errors import TwinError
from openitb.twin.record import (
    SCALES,
    ClinicRecord,
    Entry,
    Implanted,
    Ordered,
    Refilled,
    Reported,
    Scored,
    TrialBolus,
    Whom,
)
from openitb.units import UnitError
from openitb.world.casefile import CaseError, OrderTable, StartTable, Table, When
from openitb.world.reading import instant_ms, level, when_ms, zone_offset_ms

VERSION = 1
SPASM_SCALE = "penn-frequency"
_ENTRIES = ("trial", "scores", "asked", "refill", "order")

Made = TypeVar("Made")


class PatientTable(Table):
    """`[patient]`: who is treated. `treated` says for how long the first order had been running."""

    cause: str
    age: str | None = None
    weight: str | None = None
    treated: str | None = None


class SystemTable(Table):
    """`[system]`: what is implanted; `concentration` fills it all at the start."""

    pump: str
    catheter: str
    implanted_length: str
    tip: str
    concentration: str


class TrialTable(Table):
    """`trial = { … }`: a bolus by lumbar puncture."""

    dose: str


class ScoresTable(Table):
    """`scores = { … }`: levels as written, such as `1+`."""

    scale: Literal["modified-ashworth", "ashworth"] = "modified-ashworth"
    leg: str | None = None
    arm: str | None = None
    spasm: Annotated[str | None, Field(description="Penn spasm frequency")] = None
    rater: str = ""


class AskedTable(Table):
    """`asked = { … }`: what the patient answered; a key left out was not asked."""

    drowsy: StrictBool | None = None
    withdrawal: StrictBool | None = None


class RefillTable(Table):
    """`refill = { … }`: expected by the pump, drawn out, filled in."""

    volume: str
    concentration: str
    expected: str | None = None
    aspirated: str | None = None


class EventTable(Table):
    """`[[event]]`: when, and what was seen or done, in the order trial, scores, asked, refill, order."""

    at: When
    trial: TrialTable | None = None
    scores: ScoresTable | None = None
    asked: AskedTable | None = None
    refill: RefillTable | None = None
    order: OrderTable | None = None


class RecordFile(Table):
    """The whole file."""

    version: Annotated[StrictInt, Field(ge=VERSION, le=VERSION)]
    title: str = ""
    patient: PatientTable
    system: SystemTable
    start: StartTable
    event: tuple[EventTable, ...] = ()


def load(path: Path) -> ClinicRecord:
    """Read a record file; `TwinError` for one that is missing, not text or wrong."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TwinError(f"record file: cannot read {str(path)!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TwinError(f"record file: {str(path)!r} is not UTF-8 text") from None


def parse(text: str) -> ClinicRecord:
    """Turn the text of a record file into a record; `TwinError` names the first place that is wrong."""
    try:
        file = RecordFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise TwinError(f"record file: not readable as TOML: {error}") from None
    except ValidationError as error:
        raise TwinError(_line(error.errors()[0])) from None
    return _reading("", lambda: _record(file))


def _record(file: RecordFile) -> ClinicRecord:
    start_ms = instant_ms(file.start.at, "start.at")
    system = _system(file.system)
    entries, strength = list[Entry](), system.ug_per_ml
    for number, table in enumerate(file.event, start=1):
        place = f"event {number}"
        at_ms = when_ms(table.at, start_ms, f"{place}: at")
        reading = partial(_entries, table, at_ms, system, strength)
        for entry in _reading(f"{place}: ", reading):
            strength = entry.ug_per_ml if isinstance(entry, Refilled) else strength
            entries.append(entry)
    treated = file.patient.treated
    return ClinicRecord(
        _whom(file.patient),
        system,
        start_ms,
        tuple(entries),
        zone_offset_ms(file.start.zone),
        0 if treated is None else units.duration_ms(treated, "patient.treated"),
    )


def _whom(table: PatientTable) -> Whom:
    age = None if table.age is None else float(units.quantity(table.age, "year", "patient.age"))
    weight = None if table.weight is None else float(units.quantity(table.weight, "kg", "patient.weight"))
    return Whom(table.cause, age, weight)


def _system(table: SystemTable) -> Implanted:
    known = catalogue.load()
    pump, catheter = known.pump(table.pump, "system.pump"), known.catheter(table.catheter, "system.catheter")
    length = units.quantity(table.implanted_length, "cm", "system.implanted_length", at_least=1)
    path = path_through(tubing_of_pump(pump), catheter, Fraction(length))
    strength = units.concentration_ug_per_ml(table.concentration, "system.concentration")
    return Implanted(pump, round(path.volume_ml * units.NL_PER_ML), level(table.tip, "system.tip"), strength)


def _entries(table: EventTable, at_ms: int, system: Implanted, ug_per_ml: int) -> tuple[Entry, ...]:
    return tuple(_each(table, at_ms, system, ug_per_ml))


def _each(table: EventTable, at_ms: int, system: Implanted, ug_per_ml: int) -> Iterator[Entry]:
    if not any(getattr(table, name) is not None for name in _ENTRIES):
        raise TwinError(f"got nothing, expected at least one of {', '.join(_ENTRIES)}")
    if table.trial:
        yield TrialBolus(at_ms, units.mass_pg(table.trial.dose, "trial.dose") / units.PG_PER_UG)
    if table.scores:
        yield _scored(at_ms, table.scores)
    if table.asked:
        yield Reported(at_ms, table.asked.drowsy, table.asked.withdrawal)
    if table.refill:
        refill = _refilled(at_ms, table.refill)
        ug_per_ml = refill.ug_per_ml
        yield refill
    if table.order:
        written = table.order.model_dump(mode="json", by_alias=True, exclude_none=True)
        yield Ordered(at_ms, compile_order(parse_order(written, "order"), ug_per_ml, system.pump))


def _scored(at_ms: int, table: ScoresTable) -> Scored:
    levels: dict[str, tuple[str, int]] = {}
    for what in SCALES:
        code = getattr(table, what)
        if code is not None:
            scale = SPASM_SCALE if what == "spasm" else table.scale
            known = {each.code: each.ordinal for each in catalogue.load().scales[scale].levels}
            if code not in known:
                raise TwinError(f"scores.{what}: got {code!r}, expected one of {', '.join(known)}")
            levels[what] = scale, known[code]
    if not levels:
        raise TwinError(f"scores: got none, expected some of {', '.join(SCALES)}")
    return Scored(at_ms, levels, table.rater)


def _refilled(at_ms: int, table: RefillTable) -> Refilled:
    def volume(name: str) -> int | None:
        text = getattr(table, name)
        return None if text is None else units.volume_nl(text, f"refill.{name}")

    return Refilled(
        at_ms,
        units.volume_nl(table.volume, "refill.volume"),
        units.concentration_ug_per_ml(table.concentration, "refill.concentration"),
        volume("expected"),
        volume("aspirated"),
    )


def _reading(place: str, read: Callable[[], Made]) -> Made:
    """What any room refuses becomes a `TwinError` at this place."""
    try:
        return read()
    except (
        UnitError,
        OrderError,
        CatalogueError,
        CaseError,
        BodyError,
        CalculationError,
        TwinError,
    ) as error:
        raise TwinError(f"{place}{error}") from None


def _line(error: ErrorDetails) -> str:
    place = _place(error["loc"])
    if error["type"] == "missing":
        return f"{place}: missing, expected a value"
    if error["type"] == "extra_forbidden":
        return f"{place}: unknown key, expected one the record file has"
    message: Any = error["msg"]
    expected = str(message).removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{place}: got {error['input']!r}, expected {expected}"


def _place(loc: tuple[int | str, ...]) -> str:
    if loc[:1] == ("event",) and len(loc) > 1:
        return f"event {int(loc[1]) + 1}: {'.'.join(map(str, loc[2:]))}".rstrip(": ")
    return ".".join(map(str, loc))
