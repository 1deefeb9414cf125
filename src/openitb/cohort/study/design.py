"""A study as it will be run: what is common to its people, and how each arm treats them; canonical units."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from openitb import __version__, catalogue, units
from openitb.catalogue import Pump
from openitb.cohort.engine.watch import Watch
from openitb.cohort.people import Population
from openitb.cohort.people.events import Hazards
from openitb.cohort.study.file import PlotTable
from openitb.cohort.study.policies import Code
from openitb.cohort.study.seen import Policy
from openitb.implant.faults.parameters import Parameters
from openitb.prescription.calculators.path import FluidPath
from openitb.prescription.modes import Flex, FlexPattern, FlexStep, Order, SimpleContinuous
from openitb.units import MS_PER_DAY, NL_PER_ML

SERIES = ("leg_ashworth", "arm_ashworth", "spasm_score", "sedation", "sedation_tolerant", "withdrawal")
PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Strength:
    """From a refill on, another concentration, with a bridge or without."""

    at_refill: int
    ug_per_ml: int
    bridge: bool


@dataclass(frozen=True, slots=True)
class System:
    """Pump, path and what goes into them."""

    pump: Pump
    catheter_id: str
    path: FluidPath
    tip: str | float
    ug_per_ml: int
    fill_nl: int
    alarm_nl: int
    change: Strength | None

    @property
    def path_nl(self) -> int:
        """Fluid from reservoir to tip."""
        return round(self.path.volume_ml * NL_PER_ML)

    @property
    def strongest_ug_per_ml(self) -> int:
        """The highest concentration that is ever in the reservoir."""
        return max(self.ug_per_ml, self.change.ug_per_ml if self.change else 0)


@dataclass(frozen=True, slots=True)
class Start:
    """`established` people hold a leg score of `goal` (1 to 5) at doses of their own; `dose_ug`, where given,
    is everybody's.
    """

    established: bool
    goal: float
    dose_ug: float | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a daily dose is spread over the day: minutes of the day, parts of the mean rate; none is evenly."""

    steps: tuple[tuple[int, float], ...] = ()

    @property
    def least(self) -> float:
        """The lowest rate as a part of the mean one."""
        return min((part for _, part in self.parts()), default=1.0)

    def parts(self) -> tuple[tuple[int, float], ...]:
        """The steps, scaled so that they make up the whole dose."""
        if not self.steps:
            return ()
        ends = [*(at for at, _ in self.steps[1:]), MINUTES]
        whole = sum(part * (end - at) for (at, part), end in zip(self.steps, ends, strict=True)) / MINUTES
        return tuple((at, part / whole) for at, part in self.steps)

    def order(self, dose_pg_per_day: int) -> Order:
        """The order for a daily dose; `OrderError` for one that has no meaning."""
        if not self.steps:
            return SimpleContinuous(dose_pg_per_day)
        hourly = dose_pg_per_day / units.HOURS_PER_DAY
        steps = (FlexStep(at * units.MS_PER_MIN, round(hourly * part)) for at, part in self.parts())
        return Flex((FlexPattern(tuple(range(7)), tuple(steps)),))


MINUTES = MS_PER_DAY // units.MS_PER_MIN


@dataclass(frozen=True, slots=True)
class Visits:
    """How appointments come about; times in days, chances as parts of 1."""

    every: float
    delay: float
    no_show: float
    rebooked: float
    absence: float
    absence_lasts: float
    hears_alarm: float
    answer: float
    calls: bool
    refills_late: float
    late_only: int | None


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault that is laid on a part of the people at a day."""

    chosen: Parameters
    at_day: float
    share: float


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to treat the people of a study. `value` is where it stands on the study's axis."""

    name: str
    value: float | None
    system: System
    start: Start
    delivery: Delivery
    visits: Visits
    policy_kind: str
    policy: Policy
    hazards: Hazards | None
    pump_spread: bool
    faults: tuple[Planned, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A number of each person under a name, and how it is told of many."""

    name: str
    column: str
    show: str
    unit: str


@dataclass(frozen=True, slots=True)
class Study:
    """A whole study. `tables` is the file it came from, `codes` the policies somebody wrote."""

    title: str
    question: str
    notes: tuple[str, ...]
    seed: int
    days: int
    people: int
    population: Population
    axis: str
    arms: tuple[Arm, ...]
    watch: Watch
    outcomes: tuple[Outcome, ...]
    primary: Outcome
    plots: tuple[PlotTable, ...]
    tables: Mapping[str, Any]
    codes: Mapping[str, Code]

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all that decides the results: file, policies, program and catalogue."""
        facts = catalogue.load().facts()
        known = [(kind, entry.entry_id, name, fact.text()) for kind, entry, name, fact in facts]
        written = {place: asdict(code) for place, code in self.codes.items()}
        form = [__version__, self.tables, written, known]
        return hashlib.sha256(json.dumps(form, sort_keys=True, default=str).encode()).hexdigest()


def lowest_dose_ug(system: System, delivery: Delivery) -> float:
    """The lowest daily dose the pump can run at every concentration of the study."""
    flow = system.pump.lowest_flow_nl_per_day * system.strongest_ug_per_ml / units.PG_PER_UG
    return flow / delivery.least


def number(entry: str, name: str, unit: str | None = None) -> float:
    """A number of the catalogue's practice."""
    return float(catalogue.load().practice[entry].fact(name).number(unit))


def part(text: str, field: str) -> float:
    """A share such as `8 %` as a part of 1."""
    return float(units.quantity(text, "percent", field, at_least=0, at_most=100)) / PERCENT
