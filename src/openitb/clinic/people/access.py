"""Who may see pages: signed-in staff, nobody else."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.deprecation import MiddlewareMixin

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


class StaffOnlyMiddleware(MiddlewareMixin):
    """Refuses a signed-in person who is not staff, on every view that requires signing in."""

    def process_view(self, request: HttpRequest, view: View, _args: Any, _kwargs: Any) -> None:
        """Runs after `LoginRequiredMiddleware`, which has already turned strangers away."""
        if not getattr(view, "login_required", True):
            return
        if not (request.user.is_active and getattr(request.user, "is_staff", False)):
            raise PermissionDenied("This account is not a staff account of this clinic.")
