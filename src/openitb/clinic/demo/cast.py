"""The people of the demo clinic as data: who they are, how their bodies differ, what is planned for them.

`load_cast()` reads `cast.toml`. Rules of the therapy are not in it: the first dose, the size of a step
and the refill date are worked out by `story` from guidance and calculators. Days count from the day of
implantation, or backwards from now where the name says `ago`.
"""

import tomllib
from datetime import timedelta
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from openitb import units

Sex = Literal["female", "male", "other"]
Phase = Literal["titration", "maintenance", "decrease"]
Kind = Literal[
    "evaluation",
    "screening trial",
    "surgery",
    "recovery check",
    "titration visit",
    "refill visit",
    "check-up",
    "telephone",
    "emergency",
]


class CastError(ValueError):
    """The cast does not read; one line that names the place in it."""


class Table(BaseModel):
    """A table of the cast: no unknown keys, no coercion of what is no number."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _clock(text: str) -> str:
    _time_of_day(text)
    return text


ClockTime = Annotated[str, AfterValidator(_clock)]
Days = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class House(Table):
    """Habits of the clinic: times of day (UTC) and how finely its courses are simulated."""

    surgery_at: ClockTime
    first_order_at: ClockTime
    round_at: ClockTime
    visit_at: ClockTime
    evaluation_before_trial_days: Days
    stay_days: Days
    trial_checks_h: tuple[float, ...]
    sampled_every: str
    trial_sampled_every: str
    read_again_after_min: Annotated[int, Field(ge=1)]
    syringe_graduation: str
    rater_sd: Annotated[float, Field(ge=0, description="standard deviation of a rating, in levels")]


class Body(Table):
    """Untreated scores, and what differs from the typical adult: parameters with their unit."""

    leg_ashworth: float
    arm_ashworth: float = 1.0
    spasm_score: float = 0.0
    tolerance: float = 1.0
    dispersion: Literal["well_mixed", "poorly_mixed"] = "well_mixed"
    overrides: dict[str, str] = {}


class Trial(Table):
    """A screening trial: when its first bolus was, how many were given, what the last one did."""

    before_implant_days: int | None = None
    days_ago: int | None = None
    hours_ago: float | None = None
    boluses: Annotated[int, Field(ge=1, le=4)]
    is_small_child: bool = False
    level: str = "L3"
    effect_hours: float = 6.0
    adverse_reaction: bool = False


class Due(Table):
    """Places a story in time by its refill date: after so many refills the next is due in `in_days`."""

    after_refills: int
    in_days: int


class Pump(Table):
    """The implanted system and when it was implanted."""

    model: str
    catheter: str
    implanted_length: str
    tip: str
    fill: str
    serial: str
    zone: str = "UTC"
    flow_error: str | None = None
    implanted_days_ago: int | None = None
    due: Due | None = None


class Titration(Table):
    """Steps within the guideline's range: from a day on, every so many days, until a dose is reached.

    `pace` says where in the range each step lies, 0 at the smallest and 1 at the largest.
    """

    from_day: int
    every_days: Annotated[int, Field(ge=1)]
    until_day: int | None = None
    to: str
    pace: Annotated[float, Field(ge=0, le=1)]
    phase: Phase = "titration"


class Refills(Table):
    """How this person comes to refills: what is injected, and how many days before the date."""

    volume: str
    early_days: int = 2


class Change(Table):
    """A change of concentration at a refill, counted from 1."""

    refill: int
    concentration: str
    bridge: bool


class Happening(Table):
    """Something that befell this person alone, written as in a case file; `day` from implantation."""

    day: int
    at: ClockTime | None = None
    kind: Kind = "check-up"
    order: dict[str, Any] | None = None
    oral: dict[str, Any] | None = None
    stop: dict[str, Any] | None = None
    override: str | None = None


class Told(Table):
    """Words of the record that no simulation can find: a complaint, or a contact of a kind."""

    text: str
    day: float | None = None
    days_ago: float | None = None
    kind: Kind | None = None


class Person(Table):
    """One synthetic person."""

    number: str
    given_name: str
    family_name: str
    age_years: Annotated[int, Field(ge=0, le=120)]
    birthday: Annotated[str, Field(pattern=r"^\d\d-\d\d$")]
    sex: Sex
    cause: str
    diagnosis: str
    origin: Literal["spinal", "cerebral"]
    stage: str
    seed: int
    next_step: str
    look_in_days: float | None = None
    notes: str = ""
    dose_cap: str | None = None
    evaluated_days_ago: int | None = None
    explanted_after_days: int | None = None
    body: Body
    trial: Trial | None = None
    pump: Pump | None = None
    refills: Refills | None = None
    titration: tuple[Titration, ...] = ()
    change: tuple[Change, ...] = ()
    event: tuple[Happening, ...] = ()
    complaint: tuple[Told, ...] = ()
    contact: tuple[Told, ...] = ()


class Cast(Table):
    """The whole clinic."""

    version: Literal[1]
    house: House
    person: tuple[Person, ...]


def load_cast() -> Cast:
    """The cast that is shipped; `CastError` names the first place that is wrong."""
    return read(files("openitb.clinic.demo").joinpath("cast.toml").read_text(encoding="utf-8"))


def read(text: str) -> Cast:
    """A cast from TOML; `CastError` names the first place that is wrong."""
    try:
        return Cast.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CastError(f"cast: not readable as TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CastError(f"cast: {place}: {first['msg']}") from None


def of_day_ms(text: str) -> int:
    """A time of day such as `09:30` in ms."""
    return _time_of_day(text) // timedelta(milliseconds=1)


def _time_of_day(text: str) -> timedelta:
    hours, _, minutes = text.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal()):
        raise ValueError(f"got {text!r}, expected a time of day such as 09:30")
    moment = timedelta(hours=int(hours), minutes=int(minutes))
    if moment >= timedelta(days=1):
        raise ValueError(f"got {text!r}, expected a time before 24:00")
    return moment


def days_ms(days: float) -> int:
    """Days in ms, nearest."""
    return round(days * units.MS_PER_DAY)
