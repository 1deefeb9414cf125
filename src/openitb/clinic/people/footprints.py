"""What people do that changes no row, told on the trail all the same: views, refusals, signing in and out."""

from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from openitb.clinic.people.models import User
from openitb.clinic.record import plain, trail
from openitb.clinic.record.models import Action, Patient
from openitb.clinic.record.trail import Deed

SECONDS_PER_MINUTE = 60
LONGEST_SUBJECT = 80


def viewed(request: HttpRequest, patient: Patient) -> None:
    """A person saw a record: one entry for each person and patient in some minutes."""
    mark = f"viewed:{request.user.pk}:{patient.key}"
    if cache.get(mark):
        return
    trail.append(Deed(Action.VIEWED, plain.subject(patient), patient.key, content={"page": _page(request)}))
    cache.set(mark, True, settings.CLINIC_VIEW_MINUTES * SECONDS_PER_MINUTE)


def refused(request: HttpRequest, patient: Patient | None, act: str) -> None:
    """A person was turned away."""
    content = {"act": str(act), "page": _page(request), "method": request.method}
    key = patient.key if patient else None
    trail.append(Deed(Action.REFUSED, f"page:{_page(request)}"[:LONGEST_SUBJECT], key, content=content))


def of_account(action: Action, user: User, reason: str = "", **content: Any) -> None:
    """Something happened to an account, or with it."""
    trail.append(Deed(action, plain.subject(user), None, reason, content))


def _page(request: HttpRequest) -> str:
    match = request.resolver_match
    return (match.view_name if match else "") or "unnamed"
