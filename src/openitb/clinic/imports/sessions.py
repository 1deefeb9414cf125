"""Sessions of real pumps into the record: each held to the patient, the pump and what was known before.

Good rows are kept and bad ones told by line, or nothing is kept if any is bad. A session that is there
already is left as it is, so that the same file may be brought in again.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from openitb import catalogue, units
from openitb.clinic.imports.rows import RowRefused, Session, check_header, read
from openitb.clinic.record import bulk
from openitb.clinic.record.models import DoseRecord, Interrogation, RefillRecord, Source, System
from openitb.clinic.record.models.doses import DoseOutcome
from openitb.units import MS_PER_S

Progress = Callable[[int], None]

TEN_FOLD = 10
AHEAD = timedelta(minutes=15)  # a watch may be fast
_SHAPE = 1
_TOLD_EVERY = 1000


class ImportRefused(ValueError):  # noqa: N818  a refusal is an answer, not a fault
    """The whole file is not taken; one line for a person."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not taken: its line in the file, and why."""

    line: int
    why: str


@dataclass(slots=True)
class Imported:
    """What became of a file: sessions added, there already, and refused."""

    added: int = 0
    already: int = 0
    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the record says of a pump: whose it is, since when, which sessions are there."""

    system: System
    number: str
    capacity_nl: int
    there: set[datetime]


def import_file(
    path: Path, zone: ZoneInfo, *, all_or_nothing: bool = False, progress: Progress | None = None
) -> Imported:
    """Bring in a CSV file; `ImportRefused` for one that cannot be read, or with a bad row if asked so."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(_lines(file))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise ImportRefused(f"FILE: {path.name} cannot be read ({fault}), expected CSV in UTF-8") from fault
    return _import(lines, zone, all_or_nothing=all_or_nothing, progress=progress)


def _import(
    lines: list[tuple[int, Mapping[str, str]]],
    zone: ZoneInfo,
    *,
    all_or_nothing: bool,
    progress: Progress | None,
) -> Imported:
    done = Imported()
    taken: list[tuple[int, Session]] = []
    for count, (line, row) in enumerate(lines, start=1):
        try:
            taken.append((line, read(row, zone)))
        except RowRefused as refused:
            done.refused.append(Refusal(line, str(refused)))
        if progress and count % _TOLD_EVERY == 0:
            progress(count)
    with transaction.atomic():
        good = list(_held(taken, done))
        if all_or_nothing and done.refused:
            first = min(done.refused, key=lambda refusal: refusal.line)
            raise ImportRefused(
                f"line {first.line}: {first.why}; {len(done.refused)} bad rows, nothing was kept"
            )
        _write(good)
    done.added = len(good)
    done.refused.sort(key=lambda refusal: refusal.line)
    if progress:
        progress(len(lines))
    return done


def _lines(file: Iterable[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.DictReader(file, restkey="", strict=True)
    try:
        check_header([name.strip() for name in reader.fieldnames or []])
    except RowRefused as refused:
        raise ImportRefused(f"FILE: {refused}") from refused
    for row in reader:
        yield reader.line_num, {(name or "").strip(): value for name, value in row.items()}


def _held(taken: list[tuple[int, Session]], done: Imported) -> Iterator[tuple[_Known, Session]]:
    """Sessions that the record has nothing against, by pump in order of time."""
    known = _known({session.pump_serial for _, session in taken})
    doses = _doses(known)
    for line, session in sorted(taken, key=lambda one: (one[1].pump_serial, one[1].at, one[0])):
        try:
            pump = _pump(session, known)
            if session.at in pump.there:
                done.already += 1
                continue
            _check(session, pump, doses.get(session.pump_serial))
        except RowRefused as refused:
            done.refused.append(Refusal(line, str(refused)))
            continue
        pump.there.add(session.at)
        doses[session.pump_serial] = session.daily_dose_pg
        yield pump, session


def _known(serials: set[str]) -> dict[str, _Known]:
    systems = System.objects.filter(serial__in=serials).select_related("patient")
    there: dict[int, set[datetime]] = {}
    sessions = Interrogation.objects.filter(system__serial__in=serials).values_list("system_id", "at")
    for system_id, at in sessions.iterator():
        there.setdefault(system_id, set()).add(at)
    return {
        system.serial: _Known(system, system.patient.number, _capacity(system), there.get(system.pk, set()))
        for system in systems
    }


def _capacity(system: System) -> int:
    return catalogue.load().pump(system.pump_id).reservoir_capacity_nl


def _doses(known: Mapping[str, _Known]) -> dict[str, int]:
    """The dose last known to run, by serial."""
    applied = DoseRecord.objects.filter(system__serial__in=known, outcome=DoseOutcome.APPLIED)
    return dict(applied.order_by("at", "id").values_list("system__serial", "daily_dose_pg"))


def _pump(session: Session, known: Mapping[str, _Known]) -> _Known:
    pump = known.get(session.pump_serial)
    if pump is None:
        raise RowRefused(f"pump_serial: got {session.pump_serial!r}, expected a pump of the record")
    if pump.number != session.patient_number:
        raise RowRefused(
            f"patient_number: got {session.patient_number!r}, expected whose pump {session.pump_serial} is"
        )
    if pump.system.is_virtual:
        raise RowRefused(f"pump_serial: {session.pump_serial} is a virtual implant, expected a real pump")
    return pump


def _check(session: Session, pump: _Known, dose_before_pg: int | None) -> None:
    if session.at > timezone.now() + AHEAD:
        raise RowRefused(f"at: got {session.at:%Y-%m-%d %H:%M} UTC, expected a time that has come")
    if session.at.date() < pump.system.implanted_on:
        raise RowRefused(
            f"at: got {session.at:%Y-%m-%d}, expected none before the implant, {pump.system.implanted_on}"
        )
    volumes = {"reservoir_ml": session.reservoir_nl}
    if session.refilled:
        volumes |= {"aspirated_ml": session.refilled.aspirated_nl, "filled_ml": session.refilled.filled_nl}
    for name, volume_nl in volumes.items():
        if volume_nl > pump.capacity_nl:
            most, got = (units.format_volume(each) for each in (pump.capacity_nl, volume_nl))
            raise RowRefused(f"{name}: got {got}, expected at most the {most} that this pump holds")
    _check_jump(session, dose_before_pg)


def _check_jump(session: Session, before_pg: int | None) -> None:
    """A dose ten times the last one or a tenth of it is a slip until somebody has looked at the report."""
    now_pg = session.daily_dose_pg
    if before_pg and now_pg and not before_pg < TEN_FOLD * now_pg < TEN_FOLD**2 * before_pg:
        raise RowRefused(
            f"daily_dose_ug: got {units.format_dose(now_pg)} after {units.format_dose(before_pg)}, expected "
            "less than ten-fold; enter it by hand from the report"
        )


def _write(good: list[tuple[_Known, Session]]) -> None:
    readings = [_reading(pump, session) for pump, session in good]
    keys = bulk.add(Interrogation, readings)
    bulk.add(DoseRecord, [_dose(*one, key) for one, key in zip(good, keys, strict=True) if _tells(one[1])])
    bulk.add(RefillRecord, [_refill(pump, session) for pump, session in good if session.refilled])


def _tells(session: Session) -> bool:
    """Does the row say the whole order? A flex row gives the sum of the day and not its steps."""
    return session.mode in ("simple continuous", "minimum rate", "stopped")


def _reading(pump: _Known, session: Session) -> dict[str, Any]:
    at = session.at.astimezone(UTC)
    return {
        "system_id": pump.system.pk,
        "at": at.isoformat(),
        "received_at": at.isoformat(),
        "reservoir_nl": session.reservoir_nl,
        "snapshot": _snapshot(pump, session, round(at.timestamp() * MS_PER_S)),
    }


def _snapshot(pump: _Known, session: Session, at_ms: int) -> dict[str, Any]:
    """In the shape of readings; what the row does not tell is empty or says so."""
    flow_nl = units.divide_nearest(session.daily_dose_pg, session.ug_per_ml)
    battery = {"text": "not in the import", "confidence": "", "source": ""}
    alarms = {"text": session.alarms or "none reported", "confidence": "", "source": ""}
    return {
        "shape": _SHAPE,
        "at_ms": at_ms,
        "received_at_ms": at_ms,
        "serial": pump.system.serial,
        "program": _program(session, at_ms, flow_nl),
        "rate_now_nl_per_day": flow_nl,
        "reservoir_nl": session.reservoir_nl,
        "capacity_nl": pump.capacity_nl,
        "low_reservoir_alarm_nl": catalogue.load().pump(pump.system.pump_id).low_reservoir_alarm_nl,
        "battery": battery,
        "alarms": [],
        "log": [],
        "extra": [["Alarms in the report", alarms]],
        "zone_offset_ms": 0,
        "snapshot": {"imported": session.note},
    }


def _program(session: Session, at_ms: int, flow_nl: int) -> dict[str, Any]:
    empty_ms = at_ms + session.reservoir_nl * units.MS_PER_DAY // flow_nl if flow_nl else None
    return {
        "order": _order(session),
        "mode": session.mode,
        "concentration_ug_per_ml": session.ug_per_ml,
        "daily_dose_pg": session.daily_dose_pg,
        "mean_flow_nl_per_day": flow_nl,
        "digest": "",
        "days": [],
        "rounding": "",
        "low_reservoir_at_ms": None,
        "refill_by": "",
        "undated": "",
        "empty_at_ms": empty_ms,
    }


def _dose(pump: _Known, session: Session, reading: int) -> dict[str, Any]:
    at = session.at.isoformat()
    return {
        "system_id": pump.system.pk,
        "at": at,
        "command_id": str(uuid5(NAMESPACE_URL, f"imported/{pump.system.serial}/{at}")),
        "order": _order(session),
        "concentration_ug_per_ml": session.ug_per_ml,
        "program_digest": "",
        "daily_dose_pg": session.daily_dose_pg,
        "outcome": DoseOutcome.APPLIED.value,
        "outcome_text": "As reported by the pump's own programmer.",
        "settled_at": at,
        "read_back_id": reading,
        "source": Source.IMPORTED.value,
    }


def _refill(pump: _Known, session: Session) -> dict[str, Any]:
    refilled = session.refilled
    assert refilled is not None  # noqa: S101 - the caller looked
    changed = refilled.new_ug_per_ml != session.ug_per_ml
    return {
        "system_id": pump.system.pk,
        "at": session.at.isoformat(),
        "expected_nl": refilled.expected_nl,
        "aspirated_nl": refilled.aspirated_nl,
        "injected_nl": refilled.filled_nl,
        "old_concentration_ug_per_ml": session.ug_per_ml if changed else None,
        "new_concentration_ug_per_ml": refilled.new_ug_per_ml,
        "bridged": None,
        "source": Source.IMPORTED.value,
    }


def _order(session: Session) -> dict[str, str]:
    if session.mode != "simple continuous":
        return {"mode": session.mode}
    return {
        "mode": session.mode,
        "dose": f"{units.format_dose(session.daily_dose_pg, 'mcg').replace('mcg', 'ug')}",
    }
