"""A case: the case file with its meaning. Quantities parsed, models looked up, events in order.

`load(path)` and `parse(text)` give a `Case` or raise `CaseError` with one line. Nothing is
simulated here; a case that loads can be run.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from openitb import catalogue, units
from openitb.body import BodyError, BodyParameters, typical_adult, with_overrides
from openitb.body.anatomy import position_cm
from openitb.catalogue import CatalogueError, Catheter, Pump
from openitb.implant import Specimen
from openitb.prescription.guardrails import PatientLimits
from openitb.prescription.orders import Order, OrderError, Stopped, parse_order
from openitb.units import UnitError
from openitb.world import casefile
from openitb.world.casefile import CaseError, CaseFile, EventTable, SystemTable

Read = TypeVar("Read")

LONGEST_H = 100 * 366 * 24
MOST_SAMPLES = 5_000_000
_OFFSET = re.compile(r"(?:UTC)?([+-])(\d{1,2})(?::?([0-5]\d))?")
_PPM_PER_PERCENT = 10_000
_ACTIONS = ("order", "refill", "lumbar_bolus", "oral", "stop")


@dataclass(frozen=True, slots=True)
class Patient:
    """Who is simulated: body parameters, untreated scores and the limits the gate applies."""

    parameters: BodyParameters
    leg_ashworth: float
    arm_ashworth: float
    spasm_score: float
    tolerance: float
    limits: PatientLimits


@dataclass(frozen=True, slots=True)
class System:
    """Pump, catheter and what they hold at the start."""

    pump: Pump
    catheter: Catheter
    implanted_length_cm: Decimal
    tip: str
    concentration_ug_per_ml: int
    fill_nl: int
    specimen: Specimen

    @property
    def catheter_volume_nl(self) -> int:
        """Dead volume of the implanted catheter."""
        return self.catheter.volume_nl(self.implanted_length_cm)

    @property
    def path_volume_nl(self) -> int:
        """Dead volume from reservoir to tip: pump tubing and catheter."""
        return self.pump.tubing_volume_nl + self.catheter_volume_nl


@dataclass(frozen=True, slots=True)
class SetOrder:
    """Program the pump."""

    order: Order


@dataclass(frozen=True, slots=True)
class Refill:
    """Empty down to the residual volume, inject, tell the pump the label concentration."""

    volume_nl: int
    concentration_ug_per_ml: int
    bridge: bool | None


@dataclass(frozen=True, slots=True)
class LumbarBolus:
    """Drug injected by lumbar puncture at a vertebral level."""

    dose_pg: int
    level: str


@dataclass(frozen=True, slots=True)
class Oral:
    """Tablets: first at the event, then every `every_ms`, last before `for_ms` has passed."""

    dose_pg: int
    every_ms: int
    for_ms: int


Action = SetOrder | Refill | LumbarBolus | Oral


@dataclass(frozen=True, slots=True)
class Event:
    """What is meant to happen at an instant, and what truly happens if a mistake is made."""

    number: int
    at_ms: int
    action: Action
    truth: Action
    override: str | None

    @property
    def is_mistake(self) -> bool:
        """True if the truth differs from what everybody believes."""
        return self.truth != self.action


@dataclass(frozen=True, slots=True)
class Case:
    """One patient's course, ready to run. Events are in order of time, ties as written."""

    title: str
    patient: Patient
    system: System | None
    start_ms: int
    zone_offset_ms: int
    events: tuple[Event, ...]
    until_ms: int
    every_ms: int
    assumptions: tuple[str, ...]


def load(path: Path) -> Case:
    """Read a case file; `CaseError` for one that is missing, truncated, corrupt or wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CaseError(f"case file: cannot read {str(path)!r}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CaseError(f"case file: {str(path)!r} is not UTF-8 text") from None
    return parse(text)


def parse(text: str) -> Case:
    """Turn the text of a case file into a `Case`; `CaseError` names the first place that is wrong."""
    return build(casefile.read(text))


def build(file: CaseFile) -> Case:
    """Give checked tables their meaning; `CaseError` names the first place that is wrong."""
    start_ms = _instant(file.start.at, "start.at")
    zone_offset_ms = _zone(file.start.zone)
    patient, assumptions = _patient(file)
    system = _system(file)
    until_ms = _when(file.output.until, start_ms, "output.until")
    every_ms = _every(file.output.every, until_ms - start_ms)
    numbered = (_event(n, table, start_ms) for n, table in enumerate(file.event, start=1))
    events = tuple(sorted(numbered, key=lambda event: event.at_ms))
    _check_events(events, system, until_ms)
    return Case(
        file.title, patient, system, start_ms, zone_offset_ms, events, until_ms, every_ms, assumptions
    )


def _patient(file: CaseFile) -> tuple[Patient, tuple[str, ...]]:
    table = file.patient
    parameters = _reading("patient", lambda: typical_adult(table.dispersion))
    overrides = dict(table.model_extra or {})
    parameters = _reading("patient", lambda: with_overrides(parameters, overrides))
    origin = table.origin or "spinal"
    assumptions = () if table.origin else ("patient.origin not stated: the limits for spinal origin apply",)
    limits = PatientLimits(
        origin=origin,
        age_years=_age(table.age),
        cap_pg_per_day=units.dose_pg_per_day(table.dose_cap, "patient.dose_cap") if table.dose_cap else None,
    )
    scores = (table.baseline_leg_ashworth, table.baseline_arm_ashworth, table.baseline_spasm_score)
    return Patient(parameters, *scores, table.tolerance, limits), assumptions


def _age(text: str | None) -> float | None:
    if text is None:
        return None
    return float(_reading("", lambda: units.quantity(text, "year", "patient.age", at_least=0, at_most=120)))


def _system(file: CaseFile) -> System | None:
    table = file.system
    if table is None:
        return None
    known = catalogue.load()
    pump = _reading("", lambda: known.pump(table.pump, "system.pump"))
    catheter = _reading("", lambda: known.catheter(table.catheter, "system.catheter"))
    return _reading(
        "",
        lambda: System(
            pump,
            catheter,
            _implanted_length_cm(table.implanted_length, catheter),
            _level(table.tip, "system.tip"),
            units.concentration_ug_per_ml(table.concentration, "system.concentration"),
            _fill_nl(table.fill, pump),
            _specimen(table),
        ),
    )


def _implanted_length_cm(text: str, catheter: Catheter) -> Decimal:
    total = catheter.fact("total_length").number("cm")
    return units.quantity(text, "cm", "system.implanted_length", at_least=1, at_most=total)


def _fill_nl(text: str, pump: Pump) -> int:
    fill_nl = units.volume_nl(text, "system.fill")
    if not pump.residual_volume_nl <= fill_nl <= pump.reservoir_capacity_nl:
        low, high = (units.format_volume(v) for v in (pump.residual_volume_nl, pump.reservoir_capacity_nl))
        raise CaseError(
            f"system.fill: got {text}, expected {low} (residual) to {high} (capacity of {pump.name})"
        )
    return fill_nl


def _specimen(table: SystemTable) -> Specimen:
    """How far this pump truly is from its model; nothing the pump itself knows."""
    gain = Decimal(0)
    if table.flow_error is not None:
        gain = units.quantity(table.flow_error, "percent", "system.flow_error", at_least=-90, at_most=200)
    return Specimen(gain_ppm=units.round_half_even(gain * _PPM_PER_PERCENT))


def _event(number: int, table: EventTable, start_ms: int) -> Event:
    place = f"event {number}"
    names = [name for name in _ACTIONS if getattr(table, name) is not None]
    if len(names) != 1:
        given = " and ".join(names) or "none"
        raise CaseError(f"{place}: got {given}, expected exactly one of {', '.join(_ACTIONS)}")
    name = names[0]
    written = getattr(table, name).model_dump(by_alias=True, exclude_none=True)
    action = _action(place, name, written)
    truth = _action(f"{place}: mistake", name, _mistaken(place, name, written, table.mistake))
    override = None if table.override is None else table.override.strip() or None
    return Event(number, _when(table.at, start_ms, f"{place}: at"), action, truth, override)


def _mistaken(
    place: str, name: str, written: dict[str, Any], mistake: dict[str, Any] | None
) -> dict[str, Any]:
    if mistake is None:
        return written
    merged = {**written, **mistake}
    probe = {"at": "0 h", name: merged}
    try:
        EventTable.model_validate(probe)
    except ValueError:
        known = ", ".join(written) or "none"
        raise CaseError(f"{place}: mistake: got {mistake!r}, expected keys of {name} ({known})") from None
    return merged


def _action(place: str, name: str, written: Mapping[str, Any]) -> Action:
    readers: dict[str, Callable[[str, Mapping[str, Any]], Action]] = {
        "order": lambda where, table: SetOrder(parse_order(table, f"{where}: order")),
        "stop": lambda _where, _table: SetOrder(Stopped()),
        "refill": _refill,
        "lumbar_bolus": _lumbar_bolus,
        "oral": _oral,
    }
    return _reading(place, lambda: readers[name](place, written))


def _refill(place: str, table: Mapping[str, Any]) -> Refill:
    return Refill(
        units.volume_nl(table["volume"], f"{place}: refill.volume"),
        units.concentration_ug_per_ml(table["concentration"], f"{place}: refill.concentration"),
        table.get("bridge"),
    )


def _lumbar_bolus(place: str, table: Mapping[str, Any]) -> LumbarBolus:
    dose_pg = units.mass_pg(table["dose"], f"{place}: lumbar_bolus.dose")
    return LumbarBolus(dose_pg, _level(table["level"], f"{place}: lumbar_bolus.level"))


def _oral(place: str, table: Mapping[str, Any]) -> Oral:
    every_ms = units.duration_ms(table["every"], f"{place}: oral.every")
    if every_ms < units.MS_PER_MIN:
        raise CaseError(f"{place}: oral.every: got {table['every']}, expected at least 1 min")
    return Oral(
        units.mass_pg(table["dose"], f"{place}: oral.dose"),
        every_ms,
        units.duration_ms(table["for"], f"{place}: oral.for"),
    )


def _check_events(events: tuple[Event, ...], system: System | None, until_ms: int) -> None:
    concentration = system.concentration_ug_per_ml if system else None
    for event in events:
        place = f"event {event.number}"
        if event.at_ms > until_ms:
            raise CaseError(f"{place}: at: lies after output.until, expected an earlier time")
        if isinstance(event.action, SetOrder | Refill) and system is None:
            raise CaseError(f"{place}: needs a pump, expected a [system] table")
        if system and isinstance(event.action, Refill):
            _check_refill(place, event, system, concentration)
            concentration = event.action.concentration_ug_per_ml


def _check_refill(place: str, event: Event, system: System, concentration: int | None) -> None:
    pump = system.pump
    for refill in (event.action, event.truth):
        assert isinstance(refill, Refill)  # noqa: S101 - narrowed by the caller, for the type checker
        room_nl = pump.reservoir_capacity_nl - pump.residual_volume_nl
        if refill.volume_nl > room_nl:
            raise CaseError(
                f"{place}: refill.volume: got {units.format_volume(refill.volume_nl)}, expected at most "
                f"{units.format_volume(room_nl)} (capacity {units.format_volume(pump.reservoir_capacity_nl)} "
                f"less residual {units.format_volume(pump.residual_volume_nl)})"
            )
        if refill.bridge is None and refill.concentration_ug_per_ml != concentration:
            raise CaseError(
                f"{place}: refill.bridge: missing, expected true or false because the concentration "
                f"changes from {concentration} to {refill.concentration_ug_per_ml} µg/mL"
            )


def _level(text: str, field: str) -> str:
    position_cm(typical_adult(), text, field)
    return text


def _when(when: str | datetime, start_ms: int, field: str) -> int:
    if isinstance(when, datetime):
        at_ms = _instant(when, field)
    else:
        at_ms = start_ms + _reading("", lambda: units.duration_ms(when, field))
    if at_ms < start_ms:
        raise CaseError(f"{field}: got {when}, expected an instant not before start.at")
    return at_ms


def _instant(at: datetime, field: str) -> int:
    if at.tzinfo is None:
        raise CaseError(f"{field}: got {at.isoformat()}, expected an offset such as Z or +01:00")
    if not 1970 <= at.year <= 2200:
        raise CaseError(f"{field}: got {at.isoformat()}, expected a year from 1970 to 2200")
    return round(at.timestamp() * units.MS_PER_S)


def _zone(text: str) -> int:
    if text in {"UTC", "Z"}:
        return 0
    match = _OFFSET.fullmatch(text)
    if match is None or int(match[2]) > 14:
        raise CaseError(f"start.zone: got {text!r}, expected UTC or a fixed offset such as +01:00")
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return (minutes if match[1] == "+" else -minutes) * units.MS_PER_MIN


def _every(text: str, span_ms: int) -> int:
    every_ms = _reading("", lambda: units.duration_ms(text, "output.every"))
    if span_ms <= 0:
        raise CaseError("output.until: got an instant not after start.at, expected a later one")
    if span_ms > LONGEST_H * units.MS_PER_H:
        raise CaseError("output.until: lies more than 100 years after start.at, expected less")
    if every_ms < units.MS_PER_S or span_ms // every_ms > MOST_SAMPLES:
        raise CaseError(
            f"output.every: got {text}, expected at least 1 s and at most {MOST_SAMPLES} samples in all"
        )
    return every_ms


def _reading(place: str, read: Callable[[], Read]) -> Read:
    """Run a reader; what any room refuses becomes a `CaseError` at this place."""
    try:
        return read()
    except (UnitError, OrderError, BodyError, CatalogueError) as error:
        text = str(error)
        raise CaseError(text if not place or text.startswith("event") else f"{place}: {text}") from None


def shortened(case: Case, until_ms: int) -> Case:
    """The same case cut off at `until_ms`, events after it left out."""
    return replace(case, until_ms=until_ms, events=tuple(e for e in case.events if e.at_ms <= until_ms))


def with_event(case: Case, at_ms: int, action: Action, override: str | None = None) -> Case:
    """The same case with one event more, after everything at or before its instant."""
    event = Event(len(case.events) + 1, at_ms, action, action, override)
    earlier = tuple(e for e in case.events if e.at_ms <= at_ms)
    later = tuple(e for e in case.events if e.at_ms > at_ms)
    return replace(case, events=(*earlier, event, *later))
