"""A case: the case file with its meaning. Quantities parsed, models looked up, events in order.

`load(path)` and `parse(text)` give a `Case` or raise `CaseError` with one line. Nothing is
simulated here; a case that loads can be run.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from openitb import catalogue, units
from openitb.body import BodyParameters, typical_adult, with_overrides
from openitb.catalogue import Catheter, Pump
from openitb.implant import Specimen
from openitb.prescription.guardrails import PatientLimits
from openitb.world import casefile
from openitb.world.actions import Action, Event, LayFault, LumbarBolus, Oral, Refill, SetOrder, read_event
from openitb.world.casefile import CaseError, CaseFile, SystemTable
from openitb.world.chance import drawn_events
from openitb.world.reading import instant_ms, level, reading, when_ms, zone_offset_ms

__all__ = [
    "Action",
    "Case",
    "Event",
    "LayFault",
    "LumbarBolus",
    "Oral",
    "Patient",
    "Refill",
    "SetOrder",
    "System",
    "build",
    "load",
    "parse",
    "shortened",
    "with_event",
]

LONGEST_H = 100 * 366 * 24
MOST_SAMPLES = 1_000_000
_PPM_PER_PERCENT = 10_000


@dataclass(frozen=True, slots=True)
class Patient:
    """Who is simulated: body parameters, untreated scores and the limits the gate applies."""

    parameters: BodyParameters
    leg_ashworth: float
    arm_ashworth: float
    spasm_score: float
    tolerance: float
    limits: PatientLimits
    hears_badly: bool = False


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
    front: str = "plug"

    @property
    def catheter_volume_nl(self) -> int:
        """Dead volume of the implanted catheter."""
        return self.catheter.volume_nl(self.implanted_length_cm)

    @property
    def path_volume_nl(self) -> int:
        """Dead volume from reservoir to tip: pump tubing and catheter."""
        return self.pump.tubing_volume_nl + self.catheter_volume_nl


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
    start_ms = instant_ms(file.start.at, "start.at")
    zone_ms = zone_offset_ms(file.start.zone)
    patient, assumptions = _patient(file)
    system = _system(file)
    until_ms = when_ms(file.output.until, start_ms, "output.until")
    every_ms = _every(file.output.every, until_ms - start_ms)
    numbered = (read_event(n, table, start_ms) for n, table in enumerate(file.event, start=1))
    written = list(numbered)
    by_chance = drawn_events(file.chance, written, start_ms, until_ms) if file.chance and system else []
    events = tuple(sorted((*by_chance, *written), key=lambda event: event.at_ms))
    case = Case(file.title, patient, system, start_ms, zone_ms, events, until_ms, every_ms, assumptions)
    _check_events(case)
    return case


def _patient(file: CaseFile) -> tuple[Patient, tuple[str, ...]]:
    table = file.patient
    parameters = reading("patient.", lambda: typical_adult(table.dispersion))
    overrides = dict(table.model_extra or {})
    parameters = reading("patient.", lambda: with_overrides(parameters, overrides))
    origin = table.origin or "spinal"
    assumptions = () if table.origin else ("patient.origin not stated: the limits for spinal origin apply",)
    limits = PatientLimits(
        origin=origin,
        age_years=_age(table.age),
        cap_pg_per_day=units.dose_pg_per_day(table.dose_cap, "patient.dose_cap") if table.dose_cap else None,
    )
    scores = (table.baseline_leg_ashworth, table.baseline_arm_ashworth, table.baseline_spasm_score)
    hears_badly = table.hearing == "impaired"
    return Patient(parameters, *scores, table.tolerance, limits, hears_badly), assumptions


def _age(text: str | None) -> float | None:
    if text is None:
        return None
    return float(reading("", lambda: units.quantity(text, "year", "patient.age", at_least=0, at_most=120)))


def _system(file: CaseFile) -> System | None:
    table = file.system
    if table is None:
        return None
    known = catalogue.load()
    pump = reading("", lambda: known.pump(table.pump, "system.pump"))
    catheter = reading("", lambda: known.catheter(table.catheter, "system.catheter"))
    return reading(
        "",
        lambda: System(
            pump,
            catheter,
            _implanted_length_cm(table.implanted_length, catheter),
            level(table.tip, "system.tip"),
            units.concentration_ug_per_ml(table.concentration, "system.concentration"),
            _fill_nl(table.fill, pump),
            _specimen(table),
            table.front,
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


def _check_events(case: Case) -> None:
    concentration = case.system.concentration_ug_per_ml if case.system else None
    for event in case.events:
        place = f"event {event.number}"
        if event.at_ms > case.until_ms:
            given, last = (_from_start(case, at_ms) for at_ms in (event.at_ms, case.until_ms))
            raise CaseError(f"{place}: at: got {given} from the start, expected at most {last}, output.until")
        if isinstance(event.action, SetOrder | Refill | LayFault) and case.system is None:
            kind = {SetOrder: "order", Refill: "refill", LayFault: "fault"}[type(event.action)]
            raise CaseError(f"{place}: {kind}: got one without a pump, expected a [system] table")
        if case.system and isinstance(event.action, Refill):
            _check_refill(place, event, case.system.pump, concentration)
            concentration = event.action.concentration_ug_per_ml


def _from_start(case: Case, at_ms: int) -> str:
    return f"{units.format_number((at_ms - case.start_ms) / units.MS_PER_H)} h"


def _check_refill(place: str, event: Event, pump: Pump, concentration: int | None) -> None:
    for key, refill in (("refill", event.action), ("mistake", event.truth)):
        assert isinstance(refill, Refill)  # noqa: S101 - narrowed by the caller, for the type checker
        _require_room(f"{place}: {key}.volume", refill.volume_nl, pump)
        if refill.bridge is None and refill.concentration_ug_per_ml != concentration and key == "refill":
            raise CaseError(
                f"{place}: refill.bridge: missing, expected true or false because the concentration "
                f"changes from {concentration} to {refill.concentration_ug_per_ml} µg/mL"
            )


def _require_room(field: str, volume_nl: int, pump: Pump) -> None:
    capacity_nl, residual_nl = pump.reservoir_capacity_nl, pump.residual_volume_nl
    if not 0 < volume_nl <= capacity_nl - residual_nl:
        given, most, capacity, residual = (
            units.format_volume(nl) for nl in (volume_nl, capacity_nl - residual_nl, capacity_nl, residual_nl)
        )
        raise CaseError(
            f"{field}: got {given}, expected above 0 and at most {most} (capacity {capacity} less "
            f"residual {residual})"
        )


def _every(text: str, span_ms: int) -> int:
    every_ms = reading("", lambda: units.duration_ms(text, "output.every"))
    if span_ms <= 0:
        raise CaseError("output.until: got an instant not after start.at, expected a later one")
    if span_ms > LONGEST_H * units.MS_PER_H:
        raise CaseError("output.until: lies more than 100 years after start.at, expected less")
    if every_ms < units.MS_PER_S or span_ms // every_ms > MOST_SAMPLES:
        raise CaseError(
            f"output.every: got {text}, expected at least 1 s and at most {MOST_SAMPLES} samples in all"
        )
    return every_ms


def shortened(case: Case, until_ms: int) -> Case:
    """The same case cut off at `until_ms`, events after it left out."""
    return replace(case, until_ms=until_ms, events=tuple(e for e in case.events if e.at_ms <= until_ms))


def with_event(case: Case, at_ms: int, action: Action, override: str | None = None) -> Case:
    """The same case with one event more, after everything at or before its instant."""
    event = Event(len(case.events) + 1, at_ms, action, action, override)
    earlier = tuple(e for e in case.events if e.at_ms <= at_ms)
    later = tuple(e for e in case.events if e.at_ms > at_ms)
    return replace(case, events=(*earlier, event, *later))
