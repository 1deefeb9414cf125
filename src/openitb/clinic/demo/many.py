"""Synthetic clinics of any size: people with years of refills, orders, readings, scores and visits.

For trying and measuring the clinic, not for learning from: nobody's body is simulated here, courses are drawn
from plain distributions of our own choice, and pumps are ones whose reports were transcribed. Each person
depends on (seed, number) alone, so that a larger clinic begins with the same people.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from django.db import transaction

from openitb import units
from openitb.clinic.record import bulk
from openitb.clinic.record.models import (
    DoseOutcome,
    DoseRecord,
    Encounter,
    EncounterKind,
    Interrogation,
    Patient,
    RefillRecord,
    Score,
    Source,
    Stage,
    System,
)

Progress = Callable[[int, int], None]
Row = dict[str, Any]

PUMP, CATHETER, TIP = "synchromed-ii-20", "ascenda-8780", "T10"
_NO_DETAIL = {"shape": 0}  # of earlier readings the volume alone was transcribed
AT_ONCE = 250  # people written together
PREFIX = "MANY-"
_GIVEN = ("Ada", "Ben", "Chloe", "Dev", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jona", "Kaya", "Lars")
_FAMILY = ("Abel", "Brandt", "Castro", "Dahl", "Eze", "Fischer", "Gomez", "Hansen", "Ito", "Jansen", "Kowal")
_CAUSES = (
    ("multiple sclerosis", "spinal", 45),
    ("spinal cord injury", "spinal", 40),
    ("cerebral palsy", "cerebral", 18),
    ("brain injury", "cerebral", 38),
    ("stroke", "cerebral", 60),
)
_NEEDLE_LEAVES_NL = 2_000_000
_FILL_NL = 20_000_000
_STRENGTHS = ((150.0, 500), (600.0, 2000), (float("inf"), 2000))  # up to so many µg/day


@dataclass(frozen=True, slots=True)
class Many:
    """How many people, over how many years until `now`, from which seed."""

    patients: int
    years: float
    now: datetime
    seed: int = 1


@dataclass(frozen=True, slots=True)
class _Visit:
    """One refill visit: when, the dose from then on, what was drawn and expected, the leg score."""

    at: datetime
    ug_per_day: float
    expected_nl: int
    drawn_nl: int
    score: int
    changes_dose: bool


def write(many: Many, progress: Progress | None = None) -> int:
    """Write the people who are not there yet; gives how many rows were added."""
    there = Patient.objects.filter(number__startswith=PREFIX).count()
    rows = 0
    for first in range(there, many.patients, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, many.patients))
        with transaction.atomic():
            rows += _write(many, numbers)
        if progress:
            progress(numbers.stop, many.patients)
    return rows


def _write(many: Many, numbers: range) -> int:
    drawn = [_Drawn(many, number) for number in numbers]
    patients = bulk.add(Patient, [one.patient() for one in drawn])
    systems = bulk.add(System, [one.system(patient) for one, patient in zip(drawn, patients, strict=True)])
    whole = list(zip(drawn, patients, systems, strict=True))
    added = [
        bulk.add(Interrogation, [row for one, _, system in whole for row in one.readings(system)]),
        bulk.add(DoseRecord, [row for one, _, system in whole for row in one.doses(system)]),
        bulk.add(RefillRecord, [row for one, _, system in whole for row in one.refills(system)]),
        bulk.add(Score, [row for one, patient, _ in whole for row in one.scores(patient)]),
        bulk.add(Encounter, [row for one, patient, _ in whole for row in one.encounters(patient)]),
    ]
    return len(patients) + len(systems) + sum(map(len, added))


class _Drawn:
    """One person's years, drawn from (seed, number)."""

    def __init__(self, many: Many, number: int) -> None:
        self._many, self._number = many, number
        self._rng = np.random.Generator(np.random.Philox(key=[many.seed, number]))
        cause = _CAUSES[int(self._rng.integers(len(_CAUSES)))]
        self._cause, self._origin = cause[:2]
        self._age = float(np.clip(self._rng.normal(cause[2], 12), 6, 88))
        self._settled_ug = float(np.clip(self._rng.lognormal(np.log(250), 0.5), 60, 900))
        self._serial = f"{PREFIX}{many.seed}-{number:06d}"
        self.visits = tuple(self._lived())

    def patient(self) -> Row:
        born = self._many.now.date() - timedelta(days=round(self._age * 365.25))
        last = self.visits[-1]
        return {
            "number": f"{PREFIX}{self._number:06d}",
            "is_synthetic": True,
            "given_name": _GIVEN[int(self._rng.integers(len(_GIVEN)))],
            "family_name": f"{_FAMILY[int(self._rng.integers(len(_FAMILY)))]} {self._number}",
            "birth_date": born.isoformat(),
            "cause": self._cause,
            "origin": self._origin,
            "stage": Stage.MAINTENANCE,
            "next_step": "Refill",
            "next_look_at": f"{self._refill_by(last)}T00:00:00+00:00",
        }

    def system(self, patient: int) -> Row:
        return {
            "patient_id": patient,
            "pump_id": PUMP,
            "serial": self._serial,
            "catheter_id": CATHETER,
            "implanted_length_mm": 800,
            "tip_level": TIP,
            "implanted_on": self.visits[0].at.date().isoformat(),
            "refill_by": self._refill_by(self.visits[-1]).isoformat(),
        }

    def readings(self, system: int) -> Iterator[Row]:
        for visit in self.visits:
            reservoir_nl = _FILL_NL
            yield {
                "system_id": system,
                "at": visit.at.isoformat(),
                "received_at": visit.at.isoformat(),
                "reservoir_nl": reservoir_nl,
                "snapshot": self._snapshot(visit, reservoir_nl) if visit is self.visits[-1] else _NO_DETAIL,
            }

    def doses(self, system: int) -> Iterator[Row]:
        for k, visit in enumerate(self.visits):
            if visit.changes_dose:
                dose_pg = round(visit.ug_per_day) * units.PG_PER_UG
                yield {
                    "system_id": system,
                    "at": visit.at.isoformat(),
                    "command_id": str(uuid5(NAMESPACE_URL, f"{self._serial}/{k}")),
                    "order": _order(visit),
                    "concentration_ug_per_ml": _strength(visit.ug_per_day),
                    "program_digest": "0" * 64,
                    "daily_dose_pg": dose_pg,
                    "outcome": DoseOutcome.APPLIED,
                    "outcome_text": "Transcribed from the session report.",
                    "settled_at": visit.at.isoformat(),
                    "source": Source.SIMULATED,
                }

    def refills(self, system: int) -> Iterator[Row]:
        for before, visit in zip((None, *self.visits), self.visits, strict=False):
            old = _strength(before.ug_per_day) if before else None
            new = _strength(visit.ug_per_day)
            yield {
                "system_id": system,
                "at": visit.at.isoformat(),
                "expected_nl": visit.expected_nl if before else None,
                "aspirated_nl": visit.drawn_nl,
                "injected_nl": _FILL_NL,
                "old_concentration_ug_per_ml": old,
                "new_concentration_ug_per_ml": new,
                "bridged": True if old not in (None, new) else None,
                "source": Source.SIMULATED,
            }

    def scores(self, patient: int) -> Iterator[Row]:
        for k, visit in enumerate(self.visits):
            yield {
                "patient_id": patient,
                "at": visit.at.isoformat(),
                "scale_id": "ashworth",
                "muscle_group": "Legs",
                "code": str(visit.score),
                "value": str(visit.score),
                "is_baseline": k == 0,
                "source": Source.SIMULATED,
            }

    def encounters(self, patient: int) -> Iterator[Row]:
        for k, visit in enumerate(self.visits):
            kind = EncounterKind.REFILL if k else EncounterKind.SURGERY
            yield {
                "patient_id": patient,
                "at": visit.at.isoformat(),
                "kind": kind,
                "text": "As planned.",
                "source": Source.SIMULATED,
            }

    def _lived(self) -> Iterator[_Visit]:
        """From implant to now, a visit whenever the reservoir asks for one."""
        at = self._many.now - timedelta(days=self._many.years * 365.25 + float(self._rng.uniform(0, 60)))
        ug, before = 60.0, 0.0
        days, flow_nl = 0.0, 0.0
        while at < self._many.now:
            expected = round(_FILL_NL - days * flow_nl) if flow_nl else 0
            drawn = round(max(expected - self._rng.normal(0, 0.03) * days * flow_nl, 0.0))
            score = int(np.clip(round(3.2 - 1.8 * ug / (ug + 80) + self._rng.normal(0, 0.5)), 0, 4))
            yield _Visit(at, ug, expected, drawn, score, ug != before)
            before, flow_nl = ug, ug / _strength(ug) * units.NL_PER_ML
            days = min((_FILL_NL - _NEEDLE_LEAVES_NL) / flow_nl - 7, 175) * float(self._rng.uniform(0.85, 1))
            at += timedelta(days=days)
            if abs(ug - self._settled_ug) > 0.08 * self._settled_ug:
                ug = min(ug * 1.2, self._settled_ug)

    def _refill_by(self, last: _Visit) -> date:
        flow_nl = last.ug_per_day / _strength(last.ug_per_day) * units.NL_PER_ML
        days = min((_FILL_NL - _NEEDLE_LEAVES_NL) / flow_nl, 180)
        return (last.at + timedelta(days=days)).date()

    def _snapshot(self, visit: _Visit, reservoir_nl: int) -> dict[str, Any]:
        """What a transcribed session report tells, in the shape of readings."""
        at_ms = round(visit.at.timestamp() * units.MS_PER_S)
        strength = _strength(visit.ug_per_day)
        flow_nl = round(visit.ug_per_day / strength * units.NL_PER_ML)
        return {
            "shape": 1,
            "at_ms": at_ms,
            "received_at_ms": at_ms,
            "serial": self._serial,
            "program": {
                "order": _order(visit),
                "mode": "simple continuous",
                "concentration_ug_per_ml": strength,
                "daily_dose_pg": round(visit.ug_per_day) * units.PG_PER_UG,
                "mean_flow_nl_per_day": flow_nl,
                "digest": "0" * 64,
                "days": [],
                "rounding": "",
                "low_reservoir_at_ms": None,
                "refill_by": self._refill_by(visit).isoformat(),
                "undated": "",
                "empty_at_ms": at_ms + round(reservoir_nl / flow_nl * units.MS_PER_DAY),
            },
            "rate_now_nl_per_day": flow_nl,
            "reservoir_nl": reservoir_nl,
            "capacity_nl": _FILL_NL,
            "low_reservoir_alarm_nl": _NEEDLE_LEAVES_NL,
            "battery": {"text": "not transcribed", "confidence": "", "source": ""},
            "alarms": [],
            "log": [],
            "extra": [],
            "zone_offset_ms": 0,
            "snapshot": {},
        }


def _order(visit: _Visit) -> dict[str, str]:
    return {"mode": "simple continuous", "dose": f"{round(visit.ug_per_day)} ug/day"}


def _strength(ug_per_day: float) -> int:
    return next(strength for most, strength in _STRENGTHS if ug_per_day <= most)
