"""What every request passes: parts of pages after the session ended, who acts, staff only."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from openitb.clinic.people.models import User
from openitb.clinic.people.roles import acts_of
from openitb.clinic.people.surroundings import has_factor
from openitb.clinic.record import trail

View = Callable[..., HttpResponse]
Handler = Callable[[HttpRequest], HttpResponse]


def fragments_ask_to_sign_in(handler: Handler) -> Handler:
    """Middleware: a part of a page asked for after the session has ended is refused with 401.

    A redirect would put the sign-in page inside the page; on 401 the page loads itself again.
    """

    def answered(request: HttpRequest) -> HttpResponse:
        response = handler(request)
        leads_away = isinstance(response, HttpResponseRedirect)
        return HttpResponse(status=401) if leads_away and "HX-Request" in request.headers else response

    return answered


def person_acts(handler: Handler) -> Handler:
    """Middleware: whatever a request writes is by the person who made it; times are those of their clinic."""

    def answered(request: HttpRequest) -> HttpResponse:
        user = request.user if isinstance(request.user, User) else None
        with trail.acting(user), timezone.override(_zone(user)):
            return handler(request)

    return answered


def _zone(user: User | None) -> ZoneInfo:
    """The zone of the clinic a person works at; a patient's page changes to that of the patient's clinic."""
    place = next(iter(user.places), None) if user else None
    return ZoneInfo(place.clinic.zone if place else settings.TIME_ZONE)


def for_every_account(view: View) -> View:
    """A view that patients and caregivers may open too, such as that of their own account."""
    view.needs_staff = False  # type: ignore[attr-defined]
    return view


class StaffOnlyMiddleware(MiddlewareMixin):
    """Refuses a signed-in person whose roles grant nothing, on every view that requires signing in.

    Where the clinic requires a second factor, who has none is led to their account to add one.
    """

    def process_view(self, request: HttpRequest, view: View, _args: Any, _kwargs: Any) -> HttpResponse | None:
        """Runs after `LoginRequiredMiddleware`, which has already turned strangers away."""
        if not getattr(view, "login_required", True) or not getattr(view, "needs_staff", True):
            return None
        if not isinstance(request.user, User) or not is_staff(request.user):
            raise PermissionDenied("This account is not a staff account of this clinic.")
        if settings.CLINIC_SECOND_FACTOR == "required" and not has_factor(request):
            return redirect("account")
        return None


def is_staff(user: User) -> bool:
    """Whether some role held now grants anything."""
    return user.is_active and any(acts_of(place.role) for place in user.places)
