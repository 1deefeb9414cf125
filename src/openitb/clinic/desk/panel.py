"""The patient list: who there is, where in the therapy, who is due."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Count, F, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from openitb.clinic.desk.due import soon_until
from openitb.clinic.people.access import Act, may_anywhere, patients_for
from openitb.clinic.record.models import Patient, Stage
from openitb.clinic.record.queries import with_state

NAME = (Lower("family_name"), Lower("given_name"), "pk")
SORTS: dict[str, tuple[str | Combinable, ...]] = {
    "name": NAME,
    "age": ("-birth_date", *NAME),
    "stage": ("stage", *NAME),
    "dose": (F("daily_dose_pg").desc(nulls_last=True), *NAME),
    "refill": (F("refill_by").asc(nulls_last=True), *NAME),
    "contact": (F("last_contact").asc(nulls_first=True), *NAME),
}


@dataclass(frozen=True, slots=True)
class Attention:
    """A reason to look at somebody, as a filter with its count."""

    key: str
    label: str
    icon: str
    count: int


def panel(request: HttpRequest) -> HttpResponse:
    """The list, filtered by `q`, `stage` and `attention`, ordered by `sort`; a fragment for htmx."""
    if not may_anywhere(request.user, Act.SEE):
        return redirect("account")
    mine = patients_for(request.user)
    everyone = with_state(mine)
    today = timezone.localdate()
    found = _filtered(everyone, request, today).order_by(*SORTS.get(_sort(request), SORTS["name"]))
    page = Paginator(found, settings.CLINIC_PATIENTS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "attentions": _attentions(everyone, today),
        "stages": Stage.choices,
        "sort": _sort(request),
        "total": mine.count(),
        "is_filtered": any(request.GET.get(name) for name in ("q", "stage", "attention")),
    }
    return render(request, "desk/panel_rows.html" if _wants_rows(request) else "desk/panel.html", context)


def _sort(request: HttpRequest) -> str:
    asked = request.GET.get("sort", "name")
    return asked if asked in SORTS else "name"


def _wants_rows(request: HttpRequest) -> bool:
    return request.headers.get("HX-Target", "").endswith("panel-rows")


def _filtered(patients: QuerySet[Patient], request: HttpRequest, today: date) -> QuerySet[Patient]:
    for word in request.GET.get("q", "").split():
        named = Q(family_name__icontains=word) | Q(given_name__icontains=word)
        patients = patients.filter(named | Q(number__icontains=word) | Q(diagnosis__icontains=word))
    if stage := request.GET.get("stage", ""):
        patients = patients.filter(stage=stage)
    attention = _conditions(today).get(request.GET.get("attention", ""))
    return patients if attention is None else patients.filter(attention)


def _conditions(today: date) -> dict[str, Q]:
    return {
        "overdue": Q(refill_by__lt=today),
        "soon": Q(refill_by__range=(today, soon_until(today))),
        "alarm": Q(has_alarm=True),
        "unknown": Q(has_unknown=True),
    }


def _attentions(everyone: QuerySet[Patient], today: date) -> list[Attention]:
    conditions = _conditions(today)
    counts = everyone.aggregate(
        **{key: Count("pk", filter=condition) for key, condition in conditions.items()}
    )
    shown = (
        ("overdue", "Refill overdue", "calendar"),
        ("soon", "Refill due soon", "calendar"),
        ("alarm", "Pump alarm", "notification"),
        ("unknown", "Command unresolved", "unknown--filled"),
    )
    return [Attention(key, label, icon, counts[key]) for key, label, icon in shown]
