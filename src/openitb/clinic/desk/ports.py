"""What the pages need from the implant and the model, as plain values: the one seam of the desk.

`link()` returns the object named by the setting CLINIC_LINK. Views call nothing else of the core
for a live system, so that pages are the same whatever stands behind them. Units as in the core:
volume nL, drug pg, flow nL/day, instants ms since the Unix epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from openitb.clinic.desk.instants import from_ms
from openitb.clinic.record.models import System

OrderMapping = Mapping[str, Any]  # the textual form of the case file, see openitb.prescription
Level = Literal["critical", "warning", "notice"]


@dataclass(frozen=True, slots=True)
class LinkFailure:
    """The pump could not be reached or read: why, and what to try."""

    reason: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class AlarmState:
    """An alarm the pump reports as present; `words` name its priority, what it is and what to do."""

    code: str
    level: Level
    text: str
    since_ms: int
    words: str = ""


@dataclass(frozen=True, slots=True)
class Caution:
    """What the state of the pump means for any order to it, beside the gate's findings on this one."""

    level: Level
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of the pump's own log."""

    number: int
    at_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A value as printed, with how it is known: `confidence` as in the catalogue, "" if measured."""

    text: str
    confidence: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class DayStep:
    """A dose rate, and the flow it takes, from a time of day on."""

    from_ms_of_day: int
    dose_rate_pg_per_h: int
    flow_nl_per_day: int


@dataclass(frozen=True, slots=True)
class DayProfile:
    """The course of some weekdays, steps from 00:00 of the pump clock."""

    label: str  # "every day", "mon, tue"
    steps: tuple[DayStep, ...]


@dataclass(frozen=True, slots=True)
class ProgramSummary:
    """A program with the figures a clinician compares."""

    order: OrderMapping
    mode: str
    concentration_ug_per_ml: int
    daily_dose_pg: int
    mean_flow_nl_per_day: int
    digest: str
    days: tuple[DayProfile, ...] = ()
    rounding: str = ""
    low_reservoir_at_ms: int | None = None
    refill_by: str = ""  # ISO date
    undated: str = ""  # why there are no dates: "empty", "low already"
    empty_at_ms: int | None = None  # by the pump's count, if this program goes on


@dataclass(frozen=True, slots=True)
class PumpReading:
    """One interrogation: what the pump believes, when it said so and when we heard it."""

    at_ms: int
    received_at_ms: int
    serial: str
    program: ProgramSummary
    rate_now_nl_per_day: int
    reservoir_nl: int
    capacity_nl: int
    low_reservoir_alarm_nl: int
    battery: Figure
    alarms: tuple[AlarmState, ...] = ()
    light: str = ""  # the priority that the alarms light; empty without any
    log: tuple[LogLine, ...] = ()
    extra: tuple[tuple[str, Figure], ...] = ()  # further rows of the state card
    zone_offset_ms: int = 0  # pump clock ahead of UTC
    snapshot: Mapping[str, Any] = field(default_factory=dict)  # the whole answer, for the record

    @property
    def clock(self) -> str:
        """What the pump's own clock showed."""
        return f"{from_ms(self.at_ms + self.zone_offset_ms):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of the gate."""

    level: Literal["hard", "soft", "note"]
    rule: str
    field: str
    message: str
    sources: tuple[str, ...] = ()
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """No program can be made of the order. Without findings it does not read, and `message` is one line
    that names field, what came and what was expected; with findings the pump cannot run it.
    """

    message: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """An order that reads, beside the program that runs. `digest` identifies exactly this review."""

    digest: str
    old: ProgramSummary
    new: ProgramSummary
    outcome: Literal["accepted", "needs reason", "refused"]
    findings: tuple[Finding, ...] = ()
    cautions: tuple[Caution, ...] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """What the person agreed to send. The link sends it only if a fresh review has this digest."""

    order: OrderMapping
    review_digest: str
    command_id: UUID
    override: str
    by: str
    compared: bool = False  # the person said so of old and new


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command; `reading` is the read-back where there was one."""

    kind: Literal["applied", "refused", "unknown"]
    text: str
    reading: PumpReading | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """One predicted quantity over time: the middle and the bounds between which most people lie."""

    key: str
    label: str
    unit: str
    at_ms: tuple[int, ...]
    middle: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    scale_min: float | None = None
    scale_max: float | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """Bands around `now_ms`, what the band means and what the prediction rests on."""

    bands: tuple[Band, ...]
    now_ms: int
    band_means: str
    band_name: str
    rests_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One predicted figure now, and later under either order, as printed; `band` is that of the new one.

    `size` is the difference on the figure's own scale, `differs` says that it is worth a look.
    """

    group: str
    name: str
    now: str
    as_now: str
    new: str
    band: str
    size: float
    differs: bool


@dataclass(frozen=True, slots=True)
class Outlook:
    """The coming days as the pump runs and, where an order was asked about, under that order;
    `headline` tells the main consequence in words, `changes` the figures.
    """

    as_now: Prediction
    proposed: Prediction | None = None
    headline: str = ""
    changes: tuple[Change, ...] = ()

    @property
    def shown(self) -> Prediction:
        """The one that was asked for."""
        return self.proposed or self.as_now


@dataclass(frozen=True, slots=True)
class NoOutlook:
    """Nothing can be said about the coming days, and why."""

    reason: str


class Link(Protocol):
    """The live side of a patient's page."""

    def read_pump(self, system: System, /) -> PumpReading | LinkFailure:
        """Interrogate."""

    def review(
        self, system: System, order: OrderMapping, override: str, /
    ) -> Review | OrderRefused | LinkFailure:
        """Compile `order` for the pump as it is now and pass it through the gate; changes nothing."""

    def commit(self, system: System, commit: Commit, /) -> Outcome:
        """Send, then read back. A command id that was sent before is not sent again."""

    def read_back(self, system: System, command_id: UUID, /) -> Outcome:
        """Find out what became of a command whose outcome is unknown; sends nothing."""

    def outlook(self, system: System, order: OrderMapping | None, /) -> Outlook | NoOutlook:
        """The coming days as the pump runs and, if an order is given, under that; virtual pumps only."""


def link() -> Link:
    """The link this clinic is set up with."""
    connected: Link = import_string(settings.CLINIC_LINK)()
    return connected
