"""The auditor's page: the trail by patient, person, time and action, and its head to keep elsewhere."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_POST

from openitb.clinic.people import access
from openitb.clinic.people.access import Act
from openitb.clinic.people.models import Clinic, Membership, User
from openitb.clinic.record import plain, seals, trail
from openitb.clinic.record.models import Action, Patient, TrailEntry
from openitb.clinic.record.trail import Deed

PAGE = 50


@require_GET
def trail_page(request: HttpRequest) -> HttpResponse:
    """Entries, newest first; contents only of patients one may see."""
    access.require_anywhere(request, Act.AUDIT)
    problems: list[str] = []
    entries = list(_filtered(_theirs(request.user), request.GET, problems)[: PAGE + 1])
    context = {
        "entries": _told(request, entries[:PAGE]),
        "earlier": entries[PAGE - 1].number if len(entries) > PAGE else None,
        "actions": Action.choices,
        "problems": problems,
    }
    return render(request, "people/trail.html", context)


@require_POST
def export_head(request: HttpRequest) -> HttpResponse:
    """The end of the chain, sealed: kept elsewhere, it shows later that nothing was cut off or rewritten."""
    access.require_anywhere(request, Act.AUDIT)
    user: Any = request.user
    clinic = Clinic.objects.filter(pk__in=user.clinics_where(Act.AUDIT)).first()
    entry = trail.append(Deed(Action.EXPORTED, "record.trailhead:1", content={"what": "head of the trail"}))
    head = {
        "number": entry.number,
        "digest": entry.digest,
        "at": plain.spelled(entry.at),
        "clinic": str(clinic.key) if clinic else "",
    }
    key = seals.public_key(clinic) if clinic else None
    whole = {
        "head": head,
        "seal": seals.sealed(clinic, head) if clinic else "",
        "public_key": seals.public_pem(key) if key else "",
    }
    answer = JsonResponse(whole, json_dumps_params={"indent": 1})
    answer["Content-Disposition"] = f'attachment; filename="trail-head-{entry.number}.json"'
    return answer


def head_holds(head: Mapping[str, Any], seal: str) -> bool:
    """Whether an exported head is ours and still stands in the chain as it did."""
    there = TrailEntry.objects.filter(number=head["number"], digest=head["digest"]).exists()
    return there and seals.holds(head, seal)


def _theirs(user: Any) -> "QuerySet[TrailEntry]":
    """What concerns the clinics a person audits: their patients, and deeds on nobody by their people."""
    entries: QuerySet[TrailEntry] = TrailEntry.objects.select_related("by")
    clinics = user.clinics_where(Act.AUDIT)
    if not Clinic.objects.exclude(pk__in=clinics).exists():
        return entries
    patients = Patient.objects.filter(clinic__in=clinics).values("key")
    people = Membership.objects.filter(clinic__in=clinics).values("user")
    on_nobody = Q(patient_key__isnull=True) & (Q(by__in=people) | Q(by__isnull=True))
    return entries.filter(Q(patient_key__in=patients) | on_nobody)


def _filtered(
    entries: "QuerySet[TrailEntry]", asked: Mapping[str, str], problems: list[str]
) -> "QuerySet[TrailEntry]":
    if number := asked.get("patient", "").strip():
        keys = Patient.objects.filter(number__iexact=number).values("key")
        entries = entries.filter(patient_key__in=keys)
    if name := asked.get("person", "").strip():
        entries = entries.filter(by__in=User.objects.filter(username__iexact=name))
    if action := asked.get("action", ""):
        entries = entries.filter(action=action)
    if first := _day(asked, "from", problems):
        entries = entries.filter(at__gte=_midnight(first))
    if last := _day(asked, "until", problems):
        entries = entries.filter(at__lt=_midnight(last + timedelta(days=1)))
    if asked.get("before", "").isdecimal():
        entries = entries.filter(number__lt=int(asked["before"]))
    return entries.order_by("-number")


def _day(asked: Mapping[str, str], name: str, problems: list[str]) -> date | None:
    text = asked.get(name, "")
    try:
        day = parse_date(text) if text else None
    except ValueError:
        day = None
    if text and day is None:
        problems.append(f"{name}: got {text!r}, expected a day such as 2026-03-29")
    return day


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _told(request: HttpRequest, entries: list[TrailEntry]) -> list[dict[str, Any]]:
    keys = {entry.patient_key for entry in entries if entry.patient_key}
    patients: dict[UUID | None, Patient] = {
        patient.key: patient for patient in Patient.objects.filter(key__in=keys)
    }
    seen = set(access.patients_for(request.user).filter(key__in=keys).values_list("key", flat=True))
    return [
        {
            "entry": entry,
            "patient": patients.get(entry.patient_key),
            "is_open": entry.patient_key is None or entry.patient_key in seen,
            "action": Action(entry.action).label,
        }
        for entry in entries
    ]
