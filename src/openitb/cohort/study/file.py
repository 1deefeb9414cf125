"""The study file as written: tables and keys of version 1, checked for shape before meaning.

A study says what is common (question, people, horizon, outcomes) and how people are treated; an arm says
in which keys it differs. `read` turns TOML into these tables and every arm into a whole `Setup`.
"""

import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError
from pydantic_core import ErrorDetails

from openitb.cohort.study.errors import StudyError

VERSION = 1

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Factor = Annotated[Number, Field(ge=0)]
Loose = dict[str, Any]
Checked = TypeVar("Checked", bound="Table")


class Table(BaseModel):
    """A table of the study file: no unknown keys, no coercion."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PopulationTable(Table):
    """`[population]`: how many people, and from what they are drawn."""

    people: StrictInt
    causes: Annotated[dict[str, Number] | None, Field(description="share of each cause")] = None
    dispersion: Literal["well_mixed", "poorly_mixed"] = "well_mixed"


class SystemTable(Table):
    """`system`: pump, catheter and what goes into them."""

    pump: str
    catheter: str
    implanted_length: str
    tip: str
    concentration: str
    fill: Annotated[str, Field(description="in the reservoir after each fill, all in all")]
    alarm_volume: Annotated[str | None, Field(description="of the low-reservoir alarm; the pump's own")] = (
        None
    )


class StartTable(Table):
    """`start`: people who are new to the pump, or whose dose was found long ago."""

    state: Literal["new", "established"]
    dose: Annotated[str | None, Field(description="the same for all; needed for new people")] = None
    goal: Annotated[
        Number | None, Field(ge=1, le=5, description="leg Ashworth, 1 to 5, that the found dose holds")
    ] = None


class PartTable(Table):
    """One step of a flex day: from when, and which part of the mean rate."""

    from_: Annotated[str, Field(alias="from")]
    part: Annotated[Number, Field(gt=0)]


class DeliveryTable(Table):
    """`delivery`: how a daily dose is spread over the day."""

    mode: Literal["simple continuous", "flex"] = "simple continuous"
    steps: tuple[PartTable, ...] = ()


class VisitsTable(Table):
    """`visits`: how appointments come about; what is left out is the catalogue's `clinic-process`."""

    every: Annotated[str | None, Field(description="between check-ups")] = None
    delay: Annotated[str | None, Field(description="mean slip of an appointment")] = None
    no_show: Annotated[str | None, Field(description="such as '8 %'")] = None
    rebooked: str | None = None
    absence: Annotated[str | None, Field(description="visits without staff, such as '3 %'")] = None
    absence_lasts: str | None = None
    hears_alarm: str | None = None
    answer: Annotated[str | None, Field(description="mean from an alarm or call to the visit")] = None
    calls: Annotated[StrictBool, Field(description="does who is in withdrawal call?")] = True


class StrengthTable(Table):
    """`refill.change`: from a refill on, another concentration."""

    at_refill: Annotated[StrictInt, Field(ge=1)]
    concentration: str
    bridge: StrictBool = True


class RefillTable(Table):
    """`refill`: when refills happen beside the planned date."""

    late: Annotated[str, Field(description="against its planned date, besides the slip of a visit")] = "0 day"
    late_only: Annotated[StrictInt | None, Field(ge=1, description="this refill; all if left out")] = None
    change: StrengthTable | None = None


class StepTable(Table):
    """One step of a fixed schedule."""

    day: Annotated[str, Field(description="first check-up at or after it, such as '28 day'")]
    dose: str


class PolicyTable(Table):
    """`policy`: who decides about the dose."""

    kind: Literal["hold", "clinic rule", "fixed", "python"]
    goal: Annotated[Number | None, Field(ge=0, le=4, description="leg Ashworth, 0 to 4, as rated")] = None
    steps: tuple[StepTable, ...] = ()
    function: Annotated[str | None, Field(description="'module:function' or 'file.py:function'")] = None


class EventsTable(Table):
    """`events`: what befalls people, as factors on the catalogue's hazards; nothing unless asked for."""

    catheter: Factor = 0.0
    pump: Factor = 0.0
    infection: Factor = 0.0
    csf_leak: Factor = 0.0
    drug: Factor = 0.0
    overdose: Factor = 0.0
    silicone: StrictBool = False
    pump_spread: Annotated[StrictBool, Field(description="do pumps deliver a little off their count?")] = True


class FaultTable(Table):
    """`[[fault]]`: a row of the fault catalogue laid on everybody, or on some; parameters may follow."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: str
    at: str
    share: str = "100 %"


class OutcomeTable(Table):
    """`[[outcome]]`: a number of each person: hours beyond a threshold, or a measure by name."""

    name: str
    series: str | None = None
    at_least: Number | None = None
    below: Number | None = None
    measure: str | None = None
    show: Annotated[
        Literal["mean", "median", "share"], Field(description="share: of people in whom it is above 0")
    ] = "mean"
    unit: str = ""


class PlotTable(Table):
    """`[[plot]]`: what the report draws."""

    kind: Annotated[
        Literal["arms", "course", "day", "found"],
        Field(description="outcomes by arm, a series over time, over the last day, share found by a day"),
    ]
    of: Annotated[tuple[str, ...], Field(description="names of outcomes, series or measures")]
    title: str = ""


class ArmTable(Table):
    """`[[arm]]`: a name, perhaps a number to draw it at, and the keys in which it differs."""

    name: str
    value: Number | None = None
    system: Loose = {}
    start: Loose = {}
    delivery: Loose = {}
    visits: Loose = {}
    refill: Loose = {}
    events: Loose = {}
    policy: Loose | None = None
    fault: tuple[Loose, ...] | None = None


class Setup(Table):
    """How the people of one arm are treated, whole."""

    system: SystemTable
    start: StartTable
    delivery: DeliveryTable = DeliveryTable()
    visits: VisitsTable = VisitsTable()
    refill: RefillTable = RefillTable()
    events: EventsTable = EventsTable()
    policy: PolicyTable = PolicyTable(kind="hold")
    fault: tuple[FaultTable, ...] = ()


class StudyFile(Table):
    """The whole file; what arms may change is still loose."""

    study: Annotated[StrictInt, Field(ge=VERSION, le=VERSION)]
    title: str
    question: str
    seed: Annotated[StrictInt, Field(ge=0)]
    horizon: str
    primary: Annotated[str, Field(description="the outcome that answers the question")]
    notes: tuple[str, ...] = ()
    axis: Annotated[str, Field(description="what the numbers of the arms are, with unit")] = ""
    population: PopulationTable
    system: Loose = {}
    start: Loose = {}
    delivery: Loose = {}
    visits: Loose = {}
    refill: Loose = {}
    events: Loose = {}
    policy: Loose | None = None
    fault: tuple[Loose, ...] | None = None
    arm: tuple[ArmTable, ...] = ()
    outcome: Annotated[tuple[OutcomeTable, ...], Field(min_length=1)]
    plot: tuple[PlotTable, ...] = ()

    def arms(self) -> tuple[tuple[ArmTable, Setup], ...]:
        """Each arm with its whole set-up; `StudyError` names arm and key of what is wrong."""
        arms = self.arm or (ArmTable(name="everybody"),)
        return tuple((arm, self._setup(arm)) for arm in arms)

    def _setup(self, arm: ArmTable) -> Setup:
        merged: Loose = {}
        for name in Setup.model_fields:
            common, own = getattr(self, name), getattr(arm, name)
            if isinstance(own, dict) and name != "policy":
                merged[name] = {**common, **own}
            elif own is not None or common is not None:
                merged[name] = common if own is None else own
        return checked(Setup, merged, f"arm {arm.name!r}: " if self.arm else "")


def read(text: str) -> StudyFile:
    """Parse TOML `text`; `StudyError` names the first place that is wrong."""
    return checked(StudyFile, parsed(text))


def parsed(text: str) -> Loose:
    """TOML as plain tables; `StudyError` for what is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"study file: not readable as TOML: {error}") from None


def checked(kind: type[Checked], data: Mapping[str, Any], where: str = "") -> Checked:
    """The tables of `data`; `StudyError` with one line that names the first place that is wrong."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise StudyError(where + _line(kind, error.errors()[0])) from None


def _line(kind: type[Table], error: ErrorDetails) -> str:
    place = _place(error["loc"])
    if error["type"] == "missing":
        return f"{place}: missing, expected a value"
    if error["type"] == "extra_forbidden":
        known = ", ".join(_keys(kind, error["loc"]))
        return f"{place}: unknown key, expected one of {known}"
    expected = _EXPECTED.get(error["type"], error["msg"].removeprefix("Input should be "))
    return f"{place}: got {error['input']!r}, expected {expected}"


_EXPECTED = {
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "model_type": "a table",
    "dict_type": "a table",
    "tuple_type": "a list",
    "too_short": "at least one",
}


def _place(loc: tuple[int | str, ...]) -> str:
    """`("outcome", 1, "name")` reads `outcome 2: name`."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f" {part + 1}"
        else:
            text += f"{': ' if text[-1:].isdigit() else '.' if text else ''}{part}"
    return text


def _keys(kind: type[Table], loc: tuple[int | str, ...]) -> list[str]:
    """The keys of the table in which the unknown one stands."""
    table = kind
    for part in loc[:-1]:
        if isinstance(part, str):
            table = _TABLES.get(part, table)
    return [field.alias or name for name, field in table.model_fields.items()]


_TABLES: dict[str, type[Table]] = {
    "population": PopulationTable,
    "system": SystemTable,
    "start": StartTable,
    "delivery": DeliveryTable,
    "visits": VisitsTable,
    "refill": RefillTable,
    "change": StrengthTable,
    "events": EventsTable,
    "policy": PolicyTable,
    "steps": PartTable,
    "fault": FaultTable,
    "arm": ArmTable,
    "outcome": OutcomeTable,
    "plot": PlotTable,
}
