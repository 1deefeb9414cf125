"""The clinic's memory. Models hold no therapy rules: volumes are nL, drug is pg, as in the core."""

from openitb.clinic.record.models.bases import Entry, EntryError, Kept, Origin, Source, StaleEditError
from openitb.clinic.record.models.doses import DoseOutcome, DoseRecord, RefillRecord, TrialBolus
from openitb.clinic.record.models.observations import Complaint, Encounter, EncounterKind, Score, Side
from openitb.clinic.record.models.patient import Cause, Patient, Sex, Stage
from openitb.clinic.record.models.seals import SealKey
from openitb.clinic.record.models.sheets import Meaning, Sheet, Signature
from openitb.clinic.record.models.system import Alarm, AlarmLevel, Interrogation, System
from openitb.clinic.record.models.trail import Action, OpenErasure, TrailEntry, TrailHead
from openitb.clinic.record.models.work import Sweep, Work

__all__ = [
    "Action",
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
    "Kept",
    "Meaning",
    "OpenErasure",
    "Origin",
    "Patient",
    "RefillRecord",
    "Score",
    "SealKey",
    "Sex",
    "Sheet",
    "Side",
    "Signature",
    "Source",
    "Stage",
    "StaleEditError",
    "Sweep",
    "System",
    "TrailEntry",
    "TrailHead",
    "TrialBolus",
    "Work",
]
