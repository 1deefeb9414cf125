"""Looking the record through: what is found becomes work, what is no longer so is closed, nothing twice."""

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from openitb.clinic.record.models import Patient, Sweep, TrailHead, Work
from openitb.clinic.work.found import Found, found, together
from openitb.units import MS_PER_S

GONE = "no longer so by the record"
_AT_ONCE = 2000


def sweep(now: datetime | None = None) -> Sweep:
    """Look through everybody's record; two at once wait for each other."""
    now, started = now or timezone.now(), time.monotonic()
    with transaction.atomic():
        TrailHead.objects.select_for_update().get_or_create(pk=1)
        _bring(now, None)
        took = round((time.monotonic() - started) * MS_PER_S)
        return Sweep.objects.create(at=now, patients=Patient.objects.count(), took_ms=took)


def look_at(patient: Patient, now: datetime | None = None) -> None:
    """Look through one person's record, after something was written in it."""
    with transaction.atomic():
        _bring(now or timezone.now(), patient.pk)


def _bring(now: datetime, patient_id: int | None) -> None:
    """Bring the open work to what is found now."""
    fresh = together(found(now, ZoneInfo(settings.TIME_ZONE), patient_id))
    rows = Work.objects.filter(closed_at__isnull=True)
    if patient_id is not None:
        rows = rows.filter(patient_id=patient_id)
    there = {(one.patient_id, one.key): one for one in rows}
    gone = [one for key, one in there.items() if key not in fresh]
    for one in gone:
        one.closed_at, one.note = now, GONE
    Work.objects.bulk_update(gone, ["closed_at", "note"], batch_size=_AT_ONCE)
    changed = [one for key, one in there.items() if key in fresh and _take(one, fresh[key])]
    Work.objects.bulk_update(changed, _TOLD, batch_size=_AT_ONCE)
    new = [_work(one, now) for key, one in fresh.items() if key not in there]
    Work.objects.bulk_create(new, batch_size=_AT_ONCE)


_TOLD = ["kind", "due_at", "harm_at", "why", "step"]


def _take(work: Work, one: Found) -> bool:
    """Write what is found now into the work; True if that changes it."""
    values = _values(one)
    if all(getattr(work, name) == value for name, value in values.items()):
        return False
    for name, value in values.items():
        setattr(work, name, value)
    return True


def _work(one: Found, now: datetime) -> Work:
    return Work(patient_id=one.patient_id, key=one.key, raised_at=now, **_values(one))


def _values(one: Found) -> dict[str, object]:
    return {
        "kind": one.kind,
        "due_at": _at(one.due_ms),
        "harm_at": None if one.harm_ms is None else _at(one.harm_ms),
        "why": one.why[:240],
        "step": one.step,
    }


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / MS_PER_S, UTC)
