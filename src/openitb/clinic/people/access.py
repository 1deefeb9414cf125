"""Who may do what with whose record. Every page that shows a patient asks here.

A person sees the patients of the clinics where they hold a role that grants it, but for those restricted
to a care team they are not on. Whoever may not see a patient is told that there is nobody at that address.
"""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone

from openitb.clinic.people import footprints
from openitb.clinic.people.models import User
from openitb.clinic.people.roles import Act as Act  # named here for who asks
from openitb.clinic.people.roles import acts_of, grants
from openitb.clinic.record.models import Patient


def patients_for(user: Any, act: Act = Act.SEE) -> "QuerySet[Patient]":
    """Patients with whose records this person may do something now."""
    if not _is_person(user):
        return Patient.objects.none()
    theirs = user.clinics_where(act)
    allowed = Q(clinic__in=theirs, is_restricted=False)
    if unrestricted := theirs & user.clinics_where(Act.SEE_RESTRICTED):
        allowed |= Q(clinic__in=unrestricted)
    if user.teams:
        allowed |= Q(pk__in=user.teams, clinic__in=theirs)
    if user.emergencies and _lent(user, act):
        allowed |= Q(pk__in=user.emergencies)
    return Patient.objects.filter(allowed)


def may(user: Any, patient: Patient, act: Act = Act.SEE) -> bool:
    """Whether this person may do something with this patient's record now."""
    if not _is_person(user):
        return False
    return may_by_role(user, patient, act) or (_lent(user, act) and patient.pk in user.emergencies)


def may_by_role(user: User, patient: Patient, act: Act) -> bool:
    """Whether a role at the patient's clinic grants it, without any emergency access."""
    if patient.clinic_id not in user.clinics_where(act):
        return False
    if not patient.is_restricted or patient.clinic_id in user.clinics_where(Act.SEE_RESTRICTED):
        return True
    return patient.pk in user.teams


def may_anywhere(user: Any, act: Act) -> bool:
    """Whether some role this person holds now grants an act, at whatever clinic."""
    return _is_person(user) and any(act in acts_of(place.role) for place in user.places)


def require(request: HttpRequest, patient: Patient, act: Act = Act.SEE) -> None:
    """Let through who may, note that they saw the record, and tell times in the patient's clinic's zone.

    Raises `Http404` for who may not see the patient, `PermissionDenied` for who may see but not do this.
    """
    if not may(request.user, patient):
        footprints.refused(request, patient, Act.SEE)
        raise Http404("no such patient")
    if not may(request.user, patient, act):
        footprints.refused(request, patient, act)
        raise PermissionDenied(f"To {act} is not granted by the roles of this account.")
    footprints.viewed(request, patient)
    timezone.activate(_zone(request.user, patient))  # undone when the request ends


def patient_or_404(request: HttpRequest, key: UUID, act: Act = Act.SEE) -> Patient:
    """The patient at an address, for who may do this with their record; raises as `require` does."""
    patient: Patient | None = Patient.objects.filter(key=key).first()
    if patient is None:
        raise Http404("no such patient")
    require(request, patient, act)
    return patient


def require_anywhere(request: HttpRequest, act: Act) -> None:
    """Let through who may do this at some clinic; raises `PermissionDenied` otherwise."""
    if not may_anywhere(request.user, act):
        footprints.refused(request, None, act)
        raise PermissionDenied(f"To {act} is not granted by the roles of this account.")


def require_role(request: HttpRequest, *roles: str) -> None:
    """Let through who holds one of these roles, everybody where none is named; else `PermissionDenied`."""
    user: Any = request.user
    if roles and not (_is_person(user) and any(place.role in roles for place in user.places)):
        footprints.refused(request, None, f"act as {' or '.join(roles)}")
        raise PermissionDenied("This is not granted to the roles of this account.")


def _is_person(user: Any) -> bool:
    return isinstance(user, User) and user.is_active


def _zone(user: Any, patient: Patient) -> ZoneInfo:
    """The zone of the patient's clinic, mostly one the person works at."""
    known = {place.clinic_id: place.clinic for place in user.places}
    clinic = known.get(patient.clinic_id) or patient.clinic
    return ZoneInfo(clinic.zone)


def _lent(user: User, act: Act) -> bool:
    """An emergency lends what a role of this person grants somewhere, and no more."""
    return act in grants().in_emergency and may_anywhere(user, act)
