"""Writing sheets: once each, corrected by a new one, withdrawn with a reason; the newest of a chain holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from openitb.clinic.record.models import Patient, Sheet
from openitb.clinic.record.models.bases import StaleEditError


@dataclass(frozen=True, slots=True)
class Draft:
    """A sheet about to be written: `key` makes a second send of the same page the same sheet."""

    key: UUID
    patient: Patient
    kind: str
    at: datetime
    by: Any
    content: dict[str, Any]
    findings: list[dict[str, Any]]


def write(draft: Draft) -> Sheet:
    """Write a sheet; if the same page was sent before, the sheet it became."""
    try:
        with transaction.atomic():
            return _new(draft)
    except IntegrityError:
        same = Sheet.objects.filter(key=draft.key, patient=draft.patient, kind=draft.kind)
        kept: Sheet | None = same.first()
        if kept is None:
            raise
        return kept


def correct(draft: Draft, old: Sheet, reason: str, *, withdraw: bool = False) -> Sheet:
    """Supersede a sheet; `StaleEditError` with the newer one if somebody else was quicker."""
    with transaction.atomic():
        newest = in_chain(old)[-1]
        if newest.key == draft.key:
            return newest
        if newest != old:
            raise StaleEditError(newest)
        return _new(draft, supersedes=old, reason=reason, is_withdrawn=withdraw)


def in_force(patient: Patient, *kinds: str) -> QuerySet[Sheet]:
    """The sheets that hold, newest first: neither superseded nor withdrawn."""
    sheets = Sheet.objects.filter(patient=patient, superseded_by__isnull=True, is_withdrawn=False)
    found: QuerySet[Sheet] = sheets.filter(kind__in=kinds) if kinds else sheets
    return found.select_related("by")


def latest(patient: Patient, kind: str) -> Sheet | None:
    """The newest sheet of a kind that holds."""
    return in_force(patient, kind).first()


def in_chain(sheet: Sheet) -> list[Sheet]:
    """A sheet with all it supersedes and all that supersede it, oldest first."""
    chain = [sheet]
    while chain[0].supersedes_id:
        chain.insert(0, Sheet.objects.get(pk=chain[0].supersedes_id))
    while later := Sheet.objects.filter(supersedes=chain[-1]).first():
        chain.append(later)
    return chain


def _new(draft: Draft, **more: Any) -> Sheet:
    sheet: Sheet = Sheet.objects.create(
        key=draft.key,
        patient=draft.patient,
        kind=draft.kind,
        at=draft.at,
        written_at=timezone.now(),
        by=draft.by,
        content=draft.content,
        findings=draft.findings,
        **more,
    )
    return sheet
