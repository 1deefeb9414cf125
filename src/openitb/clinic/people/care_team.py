"""A patient's care team, and whether the record is restricted to it."""

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from openitb.clinic.people import access
from openitb.clinic.people.access import Act
from openitb.clinic.people.models import Membership, TeamPlace, User
from openitb.clinic.people.roles import Role, grants
from openitb.clinic.record.models import Action, Patient, StaleEditError, TrailEntry
from openitb.clinic.record.queries import active_system

RECENT = 20
NO_REASON = "reason: got nothing, expected why the record is restricted or opened"
STALE = "Somebody else changed this patient meanwhile. Look again."


@require_http_methods(["GET", "POST"])
def care_team(request: HttpRequest, key: UUID) -> HttpResponse:
    """Who is on the team, who else has seen the record; POST changes one thing."""
    act = Act.SEE if request.method == "GET" else Act.WRITE
    patient = access.patient_or_404(request, key, act)
    if request.method == "GET":
        return _show(request, patient)
    change = _CHANGES.get(request.POST.get("do", ""))
    if change is None:
        return _show(request, patient, "do: got nothing known, expected one of the buttons")
    with transaction.atomic():
        problem = change(request, patient)
    return _show(request, patient, problem) if problem else redirect("care-team", key=key)


def _restrict(request: HttpRequest, patient: Patient) -> str:
    """Only the team sees the record from now on; who restricts it stays on the team."""
    return _set(request, patient, is_restricted=True)


def _open(request: HttpRequest, patient: Patient) -> str:
    return _set(request, patient, is_restricted=False)


def _set(request: HttpRequest, patient: Patient, *, is_restricted: bool) -> str:
    reason = request.POST.get("reason", "").strip()
    if not reason:
        return NO_REASON
    if is_restricted:
        _put(patient, _person(request))
    patient.is_restricted = is_restricted
    try:
        patient.save(reason=reason)
    except StaleEditError:
        return STALE
    return ""


def _add(request: HttpRequest, patient: Patient) -> str:
    _put(patient, get_object_or_404(_colleagues(patient), pk=_number(request, "person")))
    return ""


def _take(request: HttpRequest, patient: Patient) -> str:
    held = TeamPlace.held().filter(patient=patient)
    place = get_object_or_404(held, pk=_number(request, "place"))
    if patient.is_restricted and held.count() == 1:
        return "The team of a restricted record keeps at least one person."
    place.end(request.POST.get("reason", "").strip())
    return ""


_CHANGES = {"restrict": _restrict, "open": _open, "add": _add, "take": _take}


def _put(patient: Patient, user: User) -> None:
    if not TeamPlace.held().filter(patient=patient, user=user).exists():
        TeamPlace.objects.create(patient=patient, user=user)


def _show(request: HttpRequest, patient: Patient, problem: str = "") -> HttpResponse:
    seen = TrailEntry.objects.filter(patient_key=patient.key, action__in=(Action.VIEWED, Action.BROKE_GLASS))
    context = {
        "patient": patient,
        "system": active_system(patient),
        "tab": "access",
        "team": TeamPlace.held().filter(patient=patient).select_related("user"),
        "colleagues": _colleagues(patient),
        "seen": seen.select_related("by")[:RECENT],
        "problem": problem,
    }
    return render(request, "people/care_team.html", context, status=422 if problem else 200)


def _colleagues(patient: Patient) -> "QuerySet[User]":
    """Who may see the clinic's patients, and is not on the team yet."""
    roles = [role for role in Role if Act.SEE in grants().by_role[role]]
    here = Membership.held().filter(clinic=patient.clinic_id, role__in=roles).values("user")
    on_team = TeamPlace.held().filter(patient=patient).values("user")
    people = User.objects.filter(pk__in=here, is_active=True).exclude(pk__in=on_team)
    return people.order_by("last_name", "first_name", "username")


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied("Only a signed-in person does this.")
    return request.user


def _number(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() else 0
