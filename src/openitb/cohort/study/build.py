"""From the tables of a study file to the study: every quantity read, everything that can be wrong found.

`load` reads a file, `build` takes tables that are read already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from openitb import catalogue, units
from openitb.body import typical_adult
from openitb.body.anatomy import position_cm
from openitb.catalogue import Pump
from openitb.cohort.engine.watch import Threshold, Watch
from openitb.cohort.people import Population
from openitb.cohort.people.events import Hazards
from openitb.cohort.study import file
from openitb.cohort.study.design import (
    MINUTES,
    PERCENT,
    SERIES,
    Arm,
    Delivery,
    Outcome,
    Planned,
    Start,
    Strength,
    Study,
    System,
    Visits,
    lowest_dose_ug,
    number,
    part,
)
from openitb.cohort.study.errors import StudyError
from openitb.cohort.study.measures import DAYS, measures
from openitb.cohort.study.policies import Code, Fixed, clinic_rule, code, hold
from openitb.cohort.study.seen import Policy
from openitb.implant.faults import choose
from openitb.prescription.calculators.path import path_through, tubing_of_pump
from openitb.units import MS_PER_DAY


@dataclass(frozen=True, slots=True)
class Changed:
    """What the command line may set in place of the file."""

    people: int | None = None
    seed: int | None = None


def load(path: Path, changed: Changed | None = None) -> Study:
    """Read and check a study file; `StudyError` with one line for anything that cannot be run."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise StudyError(f"study file: {path.name} is no text, expected TOML") from None
    return build(_with(file.parsed(text), changed or Changed()), path.parent)


def build(tables: Mapping[str, Any], folder: Path, codes: Mapping[str, Code] | None = None) -> Study:
    """A study from its tables; policies come from files beside `folder`, or from `codes` by their names."""
    written = file.checked(file.StudyFile, tables)
    found = dict(codes or {})
    population = written.population
    outcomes = tuple(_outcome(outcome) for outcome in written.outcome)
    return Study(
        title=written.title,
        question=written.question,
        notes=written.notes,
        seed=written.seed,
        days=_horizon(written.horizon),
        people=_people(population.people),
        population=Population(**_shares(population), dispersion=population.dispersion),
        axis=written.axis,
        arms=_arms(written, folder, found),
        watch=Watch(SERIES, tuple(_thresholds(written.outcome))),
        outcomes=outcomes,
        primary=_primary(written, outcomes),
        plots=_plots(written, outcomes),
        tables=tables,
        codes=found,
    )


def _with(tables: dict[str, Any], changed: Changed) -> dict[str, Any]:
    if changed.people is not None and isinstance(tables.get("population"), dict):
        tables = {**tables, "population": {**tables["population"], "people": changed.people}}
    return tables if changed.seed is None else {**tables, "seed": changed.seed}


def _shares(population: file.PopulationTable) -> dict[str, Any]:
    return {} if population.causes is None else {"shares": population.causes}


def _people(count: int) -> int:
    most = int(number("study", "most_people"))
    if not 1 <= count <= most:
        raise StudyError(f"population.people: got {count}, expected a whole number from 1 to {most}")
    return count


def _horizon(text: str) -> int:
    days, most = _days(text, "horizon"), number("study", "longest", "day")
    if not (1 <= days <= most and days == int(days)):
        raise StudyError(f"horizon: got {text!r}, expected whole days, 1 to {most:g}")
    return int(days)


def _arms(written: file.StudyFile, folder: Path, codes: dict[str, Code]) -> tuple[Arm, ...]:
    made = []
    for table, setup in written.arms():
        try:
            made.append(_arm(table, setup, folder, codes))
        except ValueError as error:
            raise StudyError(f"arm {table.name!r}: {error}" if written.arm else str(error)) from None
    names = [arm.name for arm in made]
    if len(set(names)) < len(names):
        raise StudyError(f"arm: got {', '.join(names)}, expected names that differ")
    return tuple(made)


def _arm(table: file.ArmTable, setup: file.Setup, folder: Path, codes: dict[str, Code]) -> Arm:
    delivery = _delivery(setup.delivery)
    system = _system(setup)
    hazards = setup.events.model_dump(exclude={"pump_spread"})
    return Arm(
        name=table.name,
        value=table.value,
        system=system,
        start=_start(setup.start, system, delivery),
        delivery=delivery,
        visits=_visits(setup),
        policy_kind=setup.policy.kind,
        policy=_policy(setup.policy, folder, codes),
        hazards=Hazards(**hazards, leaving=0.0) if any(hazards.values()) else None,
        pump_spread=setup.events.pump_spread,
        faults=tuple(_planned(fault, f"fault {k}") for k, fault in enumerate(setup.fault, start=1)),
    )


def _system(setup: file.Setup) -> System:
    table, known = setup.system, catalogue.load()
    pump = known.pump(table.pump, "system.pump")
    catheter = known.catheter(table.catheter, "system.catheter")
    position_cm(typical_adult(), table.tip, "system.tip")  # refuses what is no level
    length = units.quantity(table.implanted_length, "cm", "system.implanted_length", at_least=0)
    alarm = pump.low_reservoir_alarm_nl
    if table.alarm_volume is not None:
        alarm = units.volume_nl(table.alarm_volume, "system.alarm_volume")
    fill = units.volume_nl(table.fill, "system.fill")
    _check_volumes(fill, alarm, pump)
    strength = units.concentration_ug_per_ml(table.concentration, "system.concentration")
    change = setup.refill.change
    return System(
        pump=pump,
        catheter_id=catheter.entry_id,
        path=path_through(tubing_of_pump(pump), catheter, Fraction(length)),
        tip=table.tip,
        ug_per_ml=strength,
        fill_nl=fill,
        alarm_nl=alarm,
        change=None if change is None else _strength(change, strength),
    )


def _strength(change: file.StrengthTable, old: int) -> Strength:
    new = units.concentration_ug_per_ml(change.concentration, "refill.change.concentration")
    if new == old:
        raise StudyError(f"refill.change.concentration: got {change.concentration}, expected another")
    return Strength(change.at_refill, new, change.bridge)


def _check_volumes(fill_nl: int, alarm_nl: int, pump: Pump) -> None:
    if fill_nl > pump.reservoir_capacity_nl:
        most = units.format_volume(pump.reservoir_capacity_nl)
        raise StudyError(f"system.fill: got {units.format_volume(fill_nl)}, expected at most {most}")
    if not pump.residual_volume_nl < alarm_nl < fill_nl:
        ends = f"{units.format_volume(pump.residual_volume_nl)} and {units.format_volume(fill_nl)}"
        raise StudyError(f"system.alarm_volume: got {units.format_volume(alarm_nl)}, expected between {ends}")


def _start(table: file.StartTable, system: System, delivery: Delivery) -> Start:
    if table.state == "new" and table.dose is None:
        raise StudyError("start.dose: missing, expected the first daily dose of new people")
    if table.goal is not None and (table.state == "new" or table.dose is not None):
        raise StudyError("start.goal: got one beside a dose, expected it for established people without one")
    dose = None if table.dose is None else units.dose_pg_per_day(table.dose, "start.dose") / units.PG_PER_UG
    lowest = lowest_dose_ug(system, delivery)
    if dose is not None and dose < lowest:
        told = f"at least {lowest:g} µg/day, the lowest flow of {system.pump.name} at this concentration"
        raise StudyError(f"start.dose: got {table.dose}, expected {told}")
    goal = number("study", "goal") if table.goal is None else table.goal
    return Start(table.state == "established", goal, dose)


def _delivery(table: file.DeliveryTable) -> Delivery:
    if (table.mode == "flex") != bool(table.steps):
        raise StudyError(
            f"delivery.steps: got {len(table.steps)} with {table.mode!r}, expected steps for flex only"
        )
    delivery = Delivery(tuple((_minute(step.from_), step.part) for step in table.steps))
    delivery.order(units.PG_PER_UG * units.MS_PER_MIN)  # refuses times out of order
    return delivery


def _minute(text: str) -> int:
    hours, colon, minutes = text.partition(":")
    if colon and hours.isdigit() and minutes.isdigit() and len(minutes) == 2:
        return int(hours) * (MINUTES // units.HOURS_PER_DAY) + int(minutes)
    raise StudyError(f"delivery.steps: from: got {text!r}, expected a time such as '06:00'")


def _visits(setup: file.Setup) -> Visits:
    table = setup.visits
    usual = {
        "every": "checkup_every", "delay": "delay", "rebooked": "rebooked",
        "absence_lasts": "absence_lasts", "answer": "answer",
    }  # fmt: skip
    chances = {"absence": "absence", "hears_alarm": "hears_alarm"}
    days = {ours: _days_or(getattr(table, ours), f"visits.{ours}", fact) for ours, fact in usual.items()}
    parts = {ours: _part_or(getattr(table, ours), f"visits.{ours}", fact) for ours, fact in chances.items()}
    if days["every"] < 1:
        raise StudyError(f"visits.every: got {table.every!r}, expected at least 1 day")
    no_show = number("rating", "missed_visit", "percent") / PERCENT
    if table.no_show is not None:
        no_show = part(table.no_show, "visits.no_show")
    return Visits(
        **days,
        **parts,
        no_show=no_show,
        calls=table.calls,
        refills_late=_days(setup.refill.late, "refill.late"),
        late_only=setup.refill.late_only,
    )


def _policy(table: file.PolicyTable, folder: Path, codes: dict[str, Code]) -> Policy:
    if table.kind == "clinic rule":
        return clinic_rule(table.goal)
    if table.kind == "hold":
        return hold
    if table.kind == "fixed":
        steps = ((_days(s.day, "policy.steps: day"), _dose(s.dose)) for s in table.steps)
        return Fixed(tuple(sorted((int(day), dose) for day, dose in steps)))
    name = table.function or ""
    if name not in codes:
        codes[name] = code(table.function, folder)
    return codes[name].policy()


def _dose(text: str) -> float:
    return units.dose_pg_per_day(text, "policy.steps: dose") / units.PG_PER_UG


def _planned(table: file.FaultTable, field: str) -> Planned:
    chosen = choose(table.id, table.model_extra or {}, field)
    return Planned(chosen, _days(table.at, f"{field}: at"), part(table.share, f"{field}: share"))


def _outcome(table: file.OutcomeTable) -> Outcome:
    is_threshold = table.at_least is not None or table.below is not None
    if (table.series is None) == (table.measure is None) or (table.series is not None) != is_threshold:
        told = "series with at_least or below, or a measure"
        raise StudyError(f"outcome {table.name!r}: expected {told}")
    if table.measure is not None and table.measure not in measures(SERIES):
        told = f"one of {', '.join(measures(SERIES))}"
        raise StudyError(f"outcome {table.name!r}: measure: got {table.measure!r}, expected {told}")
    column = f"hours {table.name}" if table.measure is None else table.measure
    return Outcome(table.name, column, table.show, table.unit or ("h" if table.measure is None else ""))


def _thresholds(tables: tuple[file.OutcomeTable, ...]) -> list[Threshold]:
    found = []
    for table in tables:
        if table.series is None:
            continue
        if table.series not in SERIES or (table.at_least is None) == (table.below is None):
            told = f"one of {', '.join(SERIES)} with at_least or below"
            raise StudyError(f"outcome {table.name!r}: series: got {table.series!r}, expected {told}")
        value = table.below if table.at_least is None else table.at_least
        found.append(Threshold(table.name, table.series, float(value or 0.0), below=table.at_least is None))
    return found


def _primary(written: file.StudyFile, outcomes: tuple[Outcome, ...]) -> Outcome:
    names = [outcome.name for outcome in outcomes]
    if len(set(names)) < len(names) or written.primary not in names:
        raise StudyError(f"primary: got {written.primary!r}, expected one of {', '.join(names)}, each once")
    return outcomes[names.index(written.primary)]


def _plots(written: file.StudyFile, outcomes: tuple[Outcome, ...]) -> tuple[file.PlotTable, ...]:
    known = {
        "arms": [outcome.name for outcome in outcomes],
        "course": [*SERIES, "dose"],
        "day": [*SERIES],
        "found": [name for name in DAYS if name.endswith("_day")],
    }
    for number_, plot in enumerate(written.plot, start=1):
        for name in plot.of:
            if name not in known[plot.kind]:
                told = ", ".join(known[plot.kind])
                raise StudyError(f"plot {number_}: of: got {name!r}, expected one of {told}")
    return written.plot


def _part_or(text: str | None, field: str, fact: str) -> float:
    return number("clinic-process", fact, "percent") / PERCENT if text is None else part(text, field)


def _days(text: str, field: str) -> float:
    return units.duration_ms(text, field) / MS_PER_DAY


def _days_or(text: str | None, field: str, fact: str) -> float:
    return number("clinic-process", fact, "day") if text is None else _days(text, field)
