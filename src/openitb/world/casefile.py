"""The case file as written: tables and keys of version 1, checked for shape before meaning.

`read(text)` turns TOML into these tables or raises `CaseError` with one line that names the place,
what was given and what was expected. Meaning (quantities, models, order of events) is given to the
tables by `openitb.world.case`. The JSON Schema shipped beside this file is generated from here.
"""

import tomllib
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, ValidationError
from pydantic_core import ErrorDetails

VERSION = 1

Score = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class CaseError(ValueError):
    """A case file cannot be read; the message is one line naming the place in it."""


def _no_bare_number(given: object) -> object:
    if isinstance(given, bool | int | float):
        raise ValueError(_BARE)
    return given


_BARE = "an instant such as 2026-01-05T08:00:00Z"
Instant = Annotated[datetime, BeforeValidator(_no_bare_number)]
When = Annotated[
    str | datetime,
    BeforeValidator(_no_bare_number),
    Field(description="offset from the start such as '10 day', or an instant"),
]
TimeOfDay = Annotated[
    str, Field(description="such as '08:00'", json_schema_extra={"pattern": r"^([01]\d|2[0-3]):[0-5]\d$"})
]


class Table(BaseModel):
    """A table of the case file: no unknown keys, no coercion."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PatientTable(Table):
    """`[patient]`: who is simulated. Any body parameter may follow as an override with its unit."""

    model_config = ConfigDict(extra="allow", frozen=True)

    preset: Literal["typical-adult"]
    dispersion: Literal["well_mixed", "poorly_mixed"] = "well_mixed"
    baseline_leg_ashworth: Annotated[Score, Field(ge=1, le=5, description="published 1-5 form")]
    baseline_arm_ashworth: Annotated[Score, Field(ge=1, le=5, description="published 1-5 form")]
    baseline_spasm_score: Annotated[Score, Field(ge=0, le=4)]
    tolerance: Annotated[Score, Field(ge=1, le=10, description="initial value, 1 for never treated")] = 1.0
    origin: Literal["spinal", "cerebral"] | None = None
    hearing: Literal["normal", "impaired"] = "normal"
    age: Annotated[str | None, Field(description="such as '34 year'; picks the limits for the gate")] = None
    dose_cap: Annotated[str | None, Field(description="the prescriber's hard cap such as '800 ug/day'")] = (
        None
    )


class SystemTable(Table):
    """`[system]`: pump, catheter and what they hold at the start."""

    pump: str
    catheter: str
    implanted_length: str
    tip: str
    concentration: Annotated[str, Field(description="in reservoir, tubing and catheter at the start")]
    fill: Annotated[str, Field(description="total in the reservoir at the start")]
    flow_error: Annotated[
        str | None, Field(description="how far the pump truly delivers off its count, such as '-8 %'")
    ] = None
    front: Annotated[
        Literal["plug", "dispersed"],
        Field(description="how a front travels to the tip; dispersed smears it, most at priming speed"),
    ] = "plug"


class StartTable(Table):
    """`[start]`: the instant and the pump clock's fixed offset."""

    at: Instant
    zone: Annotated[str, Field(description="'UTC' or a fixed offset such as '+01:00'")] = "UTC"


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class StepTable(Table):
    """One step of a flex day, on some weekdays or, without `days`, on each."""

    from_: Annotated[TimeOfDay, Field(alias="from")]
    dose_rate: str
    days: tuple[Day, ...] | None = None


class PatternTable(Table):
    """A flex pattern of its own for some weekdays."""

    days: tuple[Day, ...]
    steps: tuple[StepTable, ...]


class OrderTable(Table):
    """`order = { … }`: what the pump is told to do."""

    mode: Literal["stopped", "minimum rate", "simple continuous", "flex", "periodic bolus"]
    dose: str | None = None
    duration: Annotated[str | None, Field(description="of each periodic dose, such as '30 min'")] = None
    interval: Annotated[str | None, Field(description="divides the day, such as '6 h'")] = None
    basal: Annotated[str | None, Field(description="between periodic doses, such as '100 ug/day'")] = None
    first: Annotated[TimeOfDay | None, Field(description="when the first periodic dose of a day begins")] = (
        None
    )
    days: tuple[Day, ...] | None = None
    steps: tuple[StepTable, ...] | None = None
    patterns: tuple[PatternTable, ...] | None = None


class RefillTable(Table):
    """`refill = { … }`: empty down to the residual volume, inject, tell the pump."""

    volume: str
    concentration: str
    bridge: StrictBool | None = None


class LumbarBolusTable(Table):
    """`lumbar_bolus = { … }`: drug injected by lumbar puncture."""

    dose: str
    level: str


class OralTable(Table):
    """`oral = { … }`: tablets, first at `at`, last before `at` + `for`."""

    dose: str
    every: str
    for_: Annotated[str, Field(alias="for")]


class StopTable(Table):
    """`stop = {}`: a commanded stop."""


class FaultTable(Table):
    """`fault = { … }`: a row of the catalogue's faults; its parameters may follow by name."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: Annotated[str, Field(description="such as 'F-03'; see the page on faults")]


class EventTable(Table):
    """`[[event]]`: when, one action, and for an action of the gate an override reason."""

    at: When
    order: OrderTable | None = None
    refill: RefillTable | None = None
    lumbar_bolus: LumbarBolusTable | None = None
    oral: OralTable | None = None
    stop: StopTable | None = None
    fault: FaultTable | None = None
    override: str | None = None
    mistake: Annotated[
        dict[str, Any] | None,
        Field(description="keys of the action as they really happened; changes the truth, not the belief"),
    ] = None


class ChanceTable(Table):
    """`[chance]`: faults that come by themselves, at the catalogue's hazards."""

    seed: StrictInt
    faults: tuple[str, ...]
    times: Annotated[
        float, Field(strict=True, gt=0, allow_inf_nan=False, description="multiplies every hazard")
    ] = 1.0


class OutputTable(Table):
    """`[output]`: how far and how finely."""

    until: When
    every: str


class CaseFile(Table):
    """The whole file."""

    version: Annotated[StrictInt, Field(ge=VERSION, le=VERSION, json_schema_extra={"const": VERSION})]
    title: str = ""
    patient: PatientTable
    system: SystemTable | None = None
    start: StartTable
    event: tuple[EventTable, ...] = ()
    chance: ChanceTable | None = None
    output: OutputTable


def read(text: str) -> CaseFile:
    """Parse TOML `text` into a `CaseFile`; `CaseError` names the first place that is wrong."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CaseError(f"case file: not readable as TOML: {error}") from None
    return validated(data)


def validated(data: dict[str, Any]) -> CaseFile:
    """Check already parsed tables; `CaseError` names the first place that is wrong."""
    try:
        return CaseFile.model_validate(data)
    except ValidationError as error:
        raise CaseError(_line(error.errors()[0])) from None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a case file."""
    return CaseFile.model_json_schema(by_alias=True)


def _line(error: ErrorDetails) -> str:
    place = _place(error["loc"])
    if error["type"] == "missing":
        return f"{place}: missing, expected a value"
    if error["type"] == "extra_forbidden":
        return _unknown(place, error["loc"])
    if place == "version":
        return _given(place, error, str(VERSION))
    return _given(place, error, _EXPECTED.get(error["type"], _message(error)))


def _given(place: str, error: ErrorDetails, expected: str) -> str:
    return f"{place}: got {error['input']!r}, expected {expected}"


def _message(error: ErrorDetails) -> str:
    return error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")


def _unknown(place: str, loc: tuple[int | str, ...]) -> str:
    known = ", ".join(_siblings(loc))
    return f"{place}: unknown key, expected {f'one of {known}' if known else 'no keys'}"


_EXPECTED = {
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "model_type": "a table",
    "dict_type": "a table",
    "tuple_type": "a list",
}


def _place(loc: tuple[int | str, ...]) -> str:
    """`("event", 2, "refill", "volume")` reads `event 3: refill.volume`; branches of unions vanish."""
    if loc[:1] == ("event",) and len(loc) > 1:
        inner = _dotted(loc[2:])
        return f"event {int(loc[1]) + 1}: {inner}" if inner else f"event {int(loc[1]) + 1}"
    return _dotted(loc)


def _dotted(loc: tuple[int | str, ...]) -> str:
    names = (f"[{part}]" if isinstance(part, int) else part for part in loc)
    return ".".join(n for n in names if n not in {"str", "datetime"}).replace(".[", "[")


def _siblings(loc: tuple[int | str, ...]) -> list[str]:
    tables: dict[str, type[Table]] = {
        "patient": PatientTable,
        "system": SystemTable,
        "start": StartTable,
        "output": OutputTable,
        "order": OrderTable,
        "refill": RefillTable,
        "lumbar_bolus": LumbarBolusTable,
        "oral": OralTable,
        "stop": StopTable,
        "fault": FaultTable,
        "chance": ChanceTable,
        "steps": StepTable,
        "patterns": PatternTable,
        "event": EventTable,
    }
    named = [tables[part] for part in loc[:-1] if isinstance(part, str) and part in tables]
    table = named[-1] if named else CaseFile
    return [field.alias or name for name, field in table.model_fields.items()]
