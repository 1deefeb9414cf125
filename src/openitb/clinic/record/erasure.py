"""Lawful erasure: a person's record goes, and a marked gap that anyone can verify stays.

Rows are deleted, the person's name becomes a placeholder, and the contents of their trail entries go; the
entries' digests stay, so that the chain still holds and says what was erased, when, by whom and why.
"""

from dataclasses import dataclass
from datetime import date

from django.apps import apps
from django.db import models, transaction
from django.utils import timezone

from openitb.clinic.record import plain, trail
from openitb.clinic.record.models import Action, Kept, OpenErasure, Patient, TrailEntry
from openitb.clinic.record.models.bases import EntryError

PLACEHOLDER = "erased"


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows and contents went, and the trail entry that says so."""

    rows: int
    contents: int
    entry: TrailEntry


def erase(patient: Patient, reason: str) -> Erased:
    """Erase a person's record. Needs a reason; raises `EntryError` without one, and for a pump in place."""
    if not reason.strip():
        raise EntryError("reason: got nothing, expected the law or order that asks for the erasure")
    if patient.systems.filter(explanted_on__isnull=True).exists():
        raise EntryError("patient: has a pump in place, expected none: its record keeps them safe")
    with transaction.atomic():
        pass_through = OpenErasure.objects.create(at=timezone.now())
        subjects = _deleted(patient)
        contents = _emptied(patient)
        _nameless(patient)
        entry = trail.append(_deed(patient, reason, subjects))
        pass_through.delete()
    return Erased(len(subjects), contents, entry)


def _deed(patient: Patient, reason: str, subjects: list[str]) -> trail.Deed:
    content = {"subjects": subjects, "rows": {plain.subject(patient): plain.row_digest(patient)}}
    return trail.Deed(Action.ERASED, plain.subject(patient), patient.key, reason, content)


def _deleted(patient: Patient) -> list[str]:
    """Delete everything that hangs on the person, what nothing else points to first."""
    subjects: list[str] = []
    for model in reversed(_in_order()):
        rows = _theirs(model, patient)
        if rows is None:
            continue
        subjects += [f"{model._meta.label_lower}:{key}" for key in rows.values_list("pk", flat=True)]
        rows._raw_delete(rows.db)
    return subjects


def _in_order() -> list[type[models.Model]]:
    """Models of the record, each after those it points to."""
    done: list[type[models.Model]] = []
    left = [model for model in apps.get_models() if issubclass(model, Kept) and model is not Patient]
    while left:
        free = [model for model in left if not _points_to(model) & (set(left) - {model})]
        done += free
        left = [model for model in left if model not in free]
    return done


def _points_to(model: type[models.Model]) -> set[type[models.Model]]:
    return {field.related_model for field in model._meta.concrete_fields if field.is_relation}  # type: ignore[misc]


def _theirs(model: type[models.Model], patient: Patient) -> "models.QuerySet[models.Model] | None":
    """Rows of this person, straight or by the system or sheet they hang on."""
    names = {field.name for field in model._meta.concrete_fields}
    rows: models.QuerySet[models.Model] = models.QuerySet(model)
    if "patient" in names:
        return rows.filter(patient=patient)
    return rows.filter(system__patient=patient) if "system" in names else None


def _emptied(patient: Patient) -> int:
    """Take the contents of their trail entries, but for what erasures themselves say."""
    entries = TrailEntry.objects.filter(patient_key=patient.key).exclude(action=Action.ERASED)
    return entries.update(content=None)


def _nameless(patient: Patient) -> None:
    blank = {
        "given_name": PLACEHOLDER,
        "family_name": f"{PLACEHOLDER} {patient.pk}",
        "number": f"{PLACEHOLDER}-{patient.pk}",
        "birth_date": date(patient.birth_date.year, 1, 1),
        "diagnosis": "",
        "notes": "",
        "next_step": "",
        "next_look_at": None,
        "dose_cap_pg_per_day": None,
        "version": patient.version + 1,
    }
    for name, value in blank.items():
        setattr(patient, name, value)
    models.Model.save(patient)
