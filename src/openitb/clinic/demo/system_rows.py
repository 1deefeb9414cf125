"""The implanted system of a played story as rows: orders, refills, readings, alarms."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from openitb.clinic.demo.notes import expected_to_draw_nl
from openitb.clinic.demo.play import Played
from openitb.clinic.demo.readings import Kept
from openitb.clinic.demo.story import moment
from openitb.clinic.desk.readings import to_snapshot
from openitb.clinic.record.models import (
    Alarm,
    AlarmLevel,
    DoseOutcome,
    DoseRecord,
    Interrogation,
    Patient,
    RefillRecord,
    Source,
    System,
)
from openitb.implant import Implant, concentration_ug_per_ml, log_entries
from openitb.implant.firmware.alarms import CRITICAL
from openitb.prescription.guardrails import Finding
from openitb.prescription.orders import order_to_mapping
from openitb.protocol import AlarmCondition, LogEntry, LogKind
from openitb.world.case import Refill, SetOrder
from openitb.world.case import System as CaseSystem
from openitb.world.simulate import Visit

READ_BACK = "The pump was read back and runs the new program."
MM_PER_CM = 10


@dataclass(frozen=True, slots=True)
class Visited:
    """What the clinic saw at its visits: readings, volumes drawn by instant, the next refill date."""

    readings: tuple[Kept, ...]
    drawn_nl: dict[int, int]
    refill_by: date | None


def write_system(patient: Patient, played: Played, visited: Visited) -> System:
    """Write a system and all that hangs from it."""
    system = _system(patient, played, visited)
    system.save()
    read = Interrogation.objects.bulk_create(_interrogation(system, kept) for kept in visited.readings)
    after = [row for row, kept in zip(read, visited.readings, strict=True) if kept.after]
    DoseRecord.objects.bulk_create(_doses(system, played, after))
    RefillRecord.objects.bulk_create(_refills(system, played, visited))
    Alarm.objects.bulk_create(_alarms(system, played))
    return system


def link_address(serial: str) -> str:
    """How the record names the wand link of a virtual implant."""
    return f"wand://{serial}"


def _system(patient: Patient, played: Played, visited: Visited) -> System:
    story, built, implant = played.story, _case_system(played), _implant(played)
    is_gone = story.explanted_ms is not None
    low_ms = (
        None if is_gone or not visited.readings else visited.readings[-1].reading.program.low_reservoir_at_ms
    )
    return System(
        patient=patient,
        pump_id=built.pump.entry_id,
        serial=implant.serial,
        catheter_id=built.catheter.entry_id,
        implanted_length_mm=int(built.implanted_length_cm * MM_PER_CM),
        tip_level=built.tip,
        implanted_on=moment(story.implanted_ms or 0).date(),
        explanted_on=moment(story.explanted_ms).date() if story.explanted_ms is not None else None,
        pump_zone_offset_ms=played.therapy.case.zone_offset_ms if played.therapy else 0,
        link_address="" if is_gone else link_address(implant.serial),
        refill_by=visited.refill_by,
        low_reservoir_at=None if low_ms is None else moment(low_ms),
    )


def _interrogation(system: System, kept: Kept) -> Interrogation:
    return Interrogation(
        system=system,
        at=moment(kept.reading.at_ms),
        received_at=moment(kept.reading.received_at_ms),
        reservoir_nl=kept.reading.reservoir_nl,
        snapshot=to_snapshot(kept.reading),
    )


def _doses(system: System, played: Played, after: list[Interrogation]) -> Iterator[DoseRecord]:
    """Every order, and every refill that changed the strength and with it the program."""
    for number, (visit, told) in enumerate(played.visits()):
        program = visit.left.firmware.controller.program
        if not (isinstance(visit.event.action, SetOrder) or _changes_strength(visit)):
            continue
        at = moment(visit.event.at_ms)
        yield DoseRecord(
            system=system,
            at=at,
            command_id=command_id(system.serial, number),
            order=order_to_mapping(program.order),
            concentration_ug_per_ml=program.concentration_ug_per_ml,
            program_digest=program.digest,
            daily_dose_pg=program.daily_dose_pg,
            findings=[_finding(finding) for finding in told.findings],
            override_reason=visit.event.override or "",
            outcome=DoseOutcome.APPLIED,
            outcome_text=READ_BACK,
            settled_at=at,
            read_back=next((row for row in after if row.at >= at), None),
            source=Source.SIMULATED,
        )


def command_id(serial: str, number: int) -> UUID:
    """The same id for the same command at every load."""
    return uuid5(NAMESPACE_URL, f"{link_address(serial)}/{number}")


def _changes_strength(visit: Visit) -> bool:
    is_refill = isinstance(visit.event.action, Refill)
    return is_refill and concentration_ug_per_ml(visit.found) != concentration_ug_per_ml(visit.left)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "level": finding.level,
        "rule": finding.rule,
        "field": finding.field,
        "message": finding.message,
        "sources": list(finding.sources),
        "confidence": finding.confidence.value,
    }


def _refills(system: System, played: Played, visited: Visited) -> Iterator[RefillRecord]:
    for visit, _ in played.visits():
        action = visit.event.action
        if isinstance(action, Refill):
            yield RefillRecord(
                system=system,
                at=moment(visit.event.at_ms),
                expected_nl=expected_to_draw_nl(visit),
                aspirated_nl=visited.drawn_nl[visit.event.at_ms],
                injected_nl=action.volume_nl,
                old_concentration_ug_per_ml=concentration_ug_per_ml(visit.found),
                new_concentration_ug_per_ml=action.concentration_ug_per_ml,
                bridged=bool(action.bridge) if _changes_strength(visit) else None,
                source=Source.SIMULATED,
            )


def _alarms(system: System, played: Played) -> Iterator[Alarm]:
    for entry in log_entries(_implant(played)):
        if entry.kind in {LogKind.ALARM_RAISED, LogKind.ALARM_CLEARED}:
            yield _alarm(system, entry)


def _alarm(system: System, entry: LogEntry) -> Alarm:
    condition = AlarmCondition(str(dict(entry.detail)["condition"]))
    is_critical = condition in CRITICAL
    return Alarm(
        system=system,
        at=moment(entry.at_ms),
        code=condition.value.replace(" ", "-"),
        level=AlarmLevel.CRITICAL if is_critical else AlarmLevel.WARNING,
        text=condition.value.capitalize() + (" (two-tone alarm)" if is_critical else " (single tone)"),
        cleared=entry.kind is LogKind.ALARM_CLEARED,
    )


def _case_system(played: Played) -> CaseSystem:
    assert played.therapy is not None and played.therapy.case.system is not None  # noqa: S101, PT018
    return played.therapy.case.system


def _implant(played: Played) -> Implant:
    assert played.implant is not None  # noqa: S101 - rows are written for stories with a pump
    return played.implant
