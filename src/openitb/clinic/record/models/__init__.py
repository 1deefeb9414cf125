"""The clinic's memory. Models hold no therapy rules: volumes are nL, drug is pg, as in the core."""

from openitb.clinic.record.models.bases import Entry, EntryError, Origin, Source
from openitb.clinic.record.models.doses import DoseOutcome, DoseRecord, RefillRecord, TrialBolus
from openitb.clinic.record.models.observations import Complaint, Encounter, EncounterKind, Score, Side
from openitb.clinic.record.models.patient import Cause, Patient, Sex, Stage
from openitb.clinic.record.models.system import Alarm, AlarmLevel, Interrogation, System

__all__ = [
    "Alarm",
    "AlarmLevel",
    "Cause",
    "Complaint",
    "DoseOutcome",
    "DoseRecord",
    "Encounter",
    "EncounterKind",
    "Entry",
    "EntryError",
    "Interrogation",
    "Origin",
    "Patient",
    "RefillRecord",
    "Score",
    "Sex",
    "Side",
    "Source",
    "Stage",
    "System",
    "TrialBolus",
]
