"""Who may see pages: signed-in staff, nobody else."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

View = Callable[..., HttpResponse]


class StaffOnlyMiddleware(MiddlewareMixin):
    """Refuses a signed-in person who is not staff, on every view that requires signing in."""

    def process_view(self, request: HttpRequest, view: View, _args: Any, _kwargs: Any) -> None:
        """Runs after `LoginRequiredMiddleware`, which has already turned strangers away."""
        if not getattr(view, "login_required", True):
            return
        if not (request.user.is_active and getattr(request.user, "is_staff", False)):
            raise PermissionDenied("This account is not a staff account of this clinic.")
