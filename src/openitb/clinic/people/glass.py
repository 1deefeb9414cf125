"""Breaking the glass: a record opened in an emergency, loudly, for some hours, and reviewed afterwards.

Who asks has to know whom they look for, by record number and date of birth: nothing here can be browsed.
"""

from datetime import datetime, timedelta
from typing import Any

from allauth.core import ratelimit
from django import forms
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from openitb.clinic.people import access, footprints, identity
from openitb.clinic.people.access import Act
from openitb.clinic.people.models import EmergencyAccess, User, Verdict
from openitb.clinic.people.roles import grants
from openitb.clinic.record import plain, trail
from openitb.clinic.record.models import Action, Patient
from openitb.clinic.record.trail import Deed

SHORTEST_REASON = 10
CLOSED_SHOWN = 50
NOBODY = "Nobody with this record number and date of birth. Check both."
TOO_OFTEN = "Too many attempts. Call the clinic's administrator."


class EmergencyForm(forms.Form):
    """Whom one looks for, and why."""

    number = forms.CharField(max_length=24, strip=True)
    birth_date = forms.DateField()
    reason = forms.CharField(min_length=SHORTEST_REASON, max_length=1000, strip=True)

    def patient(self) -> Patient | None:
        """Who that is, None for nobody."""
        known = self.cleaned_data
        found: Patient | None = Patient.objects.filter(
            number__iexact=known["number"], birth_date=known["birth_date"]
        ).first()
        return found


class ReviewForm(forms.Form):
    """How a review ends."""

    verdict = forms.ChoiceField(choices=Verdict.choices)
    note = forms.CharField(min_length=SHORTEST_REASON, max_length=2000, strip=True)


@require_http_methods(["GET", "POST"])
def emergency(request: HttpRequest) -> HttpResponse:
    """Ask for a record one may not see otherwise; opened at once, told on the trail, reviewed later."""
    access.require_anywhere(request, Act.EMERGENCY)
    if request.method == "GET":
        return _ask(request, EmergencyForm())
    form = EmergencyForm(request.POST)
    if not form.is_valid():
        return _ask(request, form)
    if not ratelimit.consume(request, action="emergency", user=request.user):
        return _ask(request, form, TOO_OFTEN)
    if reason := identity.confirm(request):
        return _ask(request, form, reason)
    patient = form.patient()
    if patient is None:
        footprints.refused(request, None, Act.EMERGENCY)
        return _ask(request, form, NOBODY)
    if not access.may(request.user, patient):
        open_record(_person(request), patient, form.cleaned_data["reason"], timezone.now())
    return redirect("patient", key=patient.key)


def open_record(by: User, patient: Patient, reason: str, now: datetime) -> EmergencyAccess:
    """Give a person a record for some hours, and say so where nobody overlooks it."""
    until = now + grants().emergency_lasts
    with transaction.atomic():
        opened: EmergencyAccess = EmergencyAccess.objects.create(
            by=by, patient=patient, at=now, until=until, reason=reason
        )
        content = {"access": plain.subject(opened), "until": plain.spelled(until)}
        trail.append(Deed(Action.BROKE_GLASS, plain.subject(patient), patient.key, reason, content))
    return opened


@require_GET
def reviews(request: HttpRequest) -> HttpResponse:
    """Emergency accesses to review, and those whose review is closed."""
    access.require_anywhere(request, Act.AUDIT)
    return _list(request)


@require_POST
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Close a review with a verdict; never one's own."""
    access.require_anywhere(request, Act.AUDIT)
    opened: EmergencyAccess = get_object_or_404(_reviewable(_person(request)), pk=pk)
    form = ReviewForm(request.POST)
    if opened.by_id == request.user.pk:
        footprints.refused(request, opened.patient, Act.AUDIT)
        raise PermissionDenied("Nobody reviews their own emergency access.")
    if not form.is_valid():
        return _list(request, opened, form)
    if not opened.reviewed_at:
        close(opened, _person(request), Verdict(form.cleaned_data["verdict"]), form.cleaned_data["note"])
    return redirect("reviews")


def close(opened: EmergencyAccess, by: User, verdict: Verdict, note: str) -> None:
    """Write the verdict; access that still lasts ends if it was not justified."""
    with transaction.atomic():
        opened.reviewed_by, opened.reviewed_at = by, timezone.now()
        opened.verdict, opened.review_note = verdict, note
        if verdict == Verdict.NOT_JUSTIFIED:
            opened.until = min(opened.until, opened.reviewed_at)
        opened.save(reason=note)
        content = {"access": plain.subject(opened), "verdict": str(verdict)}
        trail.append(Deed(Action.REVIEWED, plain.subject(opened.patient), opened.patient.key, note, content))


def open_reviews(user: User) -> int:
    """How many emergency accesses wait for this person's review."""
    return _reviewable(user).filter(reviewed_at__isnull=True).exclude(by=user).count()


def _reviewable(user: User) -> "QuerySet[EmergencyAccess]":
    clinics = user.clinics_where(Act.AUDIT)
    rows: QuerySet[EmergencyAccess] = EmergencyAccess.objects.filter(patient__clinic__in=clinics)
    return rows.select_related("patient", "by", "reviewed_by")


def _list(
    request: HttpRequest, refused: EmergencyAccess | None = None, form: ReviewForm | None = None
) -> HttpResponse:
    rows = _reviewable(_person(request))
    context: dict[str, Any] = {
        "waiting": rows.filter(reviewed_at__isnull=True).order_by("at"),
        "closed": rows.filter(reviewed_at__isnull=False)[:CLOSED_SHOWN],
        "refused": refused,
        "form": form,
        "verdicts": Verdict.choices,
    }
    return render(request, "people/reviews.html", context, status=422 if refused else 200)


def _ask(request: HttpRequest, form: EmergencyForm, problem: str = "") -> HttpResponse:
    hours = grants().emergency_lasts // timedelta(hours=1)
    context = {"form": form, "problem": problem, "hours": hours}
    return render(request, "people/emergency.html", context, status=422 if form.is_bound else 200)


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied("Only a signed-in person does this.")
    return request.user
