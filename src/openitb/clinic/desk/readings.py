"""Keeping a pump reading in the record, and showing a kept one again."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from openitb.clinic.desk import instants
from openitb.clinic.desk.ports import (
    AlarmState,
    DayProfile,
    DayStep,
    Figure,
    LogLine,
    ProgramSummary,
    PumpReading,
)
from openitb.clinic.record.models import Interrogation, System

SHAPE = 1  # of snapshots; raise it whenever what `PumpReading` holds changes its meaning or its names


def keep(system: System, reading: PumpReading) -> Interrogation:
    """Write a reading into the record."""
    return Interrogation.objects.create(
        system=system,
        at=instants.from_ms(reading.at_ms),
        received_at=instants.from_ms(reading.received_at_ms),
        reservoir_nl=reading.reservoir_nl,
        snapshot=to_snapshot(reading),
    )


def last_kept(system: System) -> PumpReading | None:
    """The newest reading in the record; None if the pump was never read, or by a version of another shape."""
    newest = system.interrogations.first()
    return from_snapshot(newest.snapshot) if newest else None


def to_snapshot(reading: PumpReading) -> dict[str, Any]:
    """A reading as plain JSON values; `from_snapshot` gives an equal reading back."""
    return {"shape": SHAPE, **asdict(reading)}


def from_snapshot(snapshot: Mapping[str, Any]) -> PumpReading | None:
    """The reading a snapshot was made of; None for a snapshot of another shape."""
    if snapshot.get("shape") != SHAPE:
        return None
    values = {name: value for name, value in snapshot.items() if name != "shape"}
    nested = {
        "program": _program(snapshot["program"]),
        "battery": Figure(**snapshot["battery"]),
        "alarms": tuple(AlarmState(**alarm) for alarm in snapshot["alarms"]),
        "log": tuple(LogLine(**line) for line in snapshot["log"]),
        "extra": tuple((label, Figure(**figure)) for label, figure in snapshot["extra"]),
    }
    return PumpReading(**{**values, **nested})


def _program(values: Mapping[str, Any]) -> ProgramSummary:
    days = tuple(
        DayProfile(day["label"], tuple(DayStep(**step) for step in day["steps"])) for day in values["days"]
    )
    return ProgramSummary(**{**values, "days": days})
