"""The idle lock: after some minutes without a hand on it the page locks, and what was typed stays.

The browser covers the page and tells us; if it cannot, the next request finds the session locked. A form
sent meanwhile is held on this side and offered again once the person has shown that it is them.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from openitb.clinic.people import identity
from openitb.clinic.people.middleware import for_every_account

LOCKED, LAST, HELD = "is_locked", "last_seen", "held_form"
LOCKED_STATUS = 423
REMEMBER_EVERY = timedelta(seconds=20)  # a write of the session for every request would be too many
LONGEST_HELD = 200_000  # characters of a form held back
NOT_HELD = ("csrfmiddlewaretoken", *identity.FIELDS)

View = Callable[..., HttpResponse]


def open_when_locked(view: View) -> View:
    """A view that a locked session may still reach: unlocking, and signing out."""
    view.is_open_when_locked = True  # type: ignore[attr-defined]
    return for_every_account(view)


def begin(session: SessionBase, now: datetime) -> None:
    """The session is open and was in use just now."""
    session.pop(LOCKED, None)
    session[LAST] = now.timestamp()


def is_locked(session: SessionBase, now: datetime) -> bool:
    """Whether the session was locked, or not used for too long."""
    last = session.get(LAST, now.timestamp())
    return bool(session.get(LOCKED)) or now.timestamp() - last > settings.CLINIC_IDLE_SECONDS


class IdleLockMiddleware(MiddlewareMixin):
    """Refuses everything but unlocking to a session nobody has used for some minutes."""

    def process_view(self, request: HttpRequest, view: View, _args: Any, _kwargs: Any) -> HttpResponse | None:
        """Runs after `LoginRequiredMiddleware`."""
        if not request.user.is_authenticated or getattr(view, "is_open_when_locked", False):
            return None
        now = timezone.now()
        if is_locked(request.session, now):
            return _refused(request)
        if "HX-Request" not in request.headers:  # parts of a page fetch themselves, nobody's hand is on them
            _remember(request.session, now)
        return None


@open_when_locked
@require_POST
def lock_now(request: HttpRequest) -> HttpResponse:
    """Lock this session: the person asked for it, or the browser saw nobody."""
    request.session[LOCKED] = True
    return HttpResponse(status=204) if "X-Lock" in request.headers else redirect("panel")


@for_every_account
@require_POST
def alive(request: HttpRequest) -> HttpResponse:
    """A hand moved: somebody is typing, though nothing is sent yet."""
    _remember(request.session, timezone.now())
    return HttpResponse(status=204)


@open_when_locked
@require_POST
def unlock(request: HttpRequest) -> HttpResponse:
    """Open the session again for who proves to be its person."""
    reason = identity.prove(request)
    in_page = "X-Lock" in request.headers
    if reason:
        return (
            HttpResponse(reason, status=403, content_type="text/plain") if in_page else _page(request, reason)
        )
    begin(request.session, timezone.now())
    if in_page:
        return HttpResponse(status=204)
    held = request.session.pop(HELD, None)
    return render(request, "people/held.html", {"held": held}) if held else redirect(_next(request))


def _remember(session: SessionBase, now: datetime) -> None:
    if now.timestamp() - session.get(LAST, 0) > REMEMBER_EVERY.total_seconds():
        session[LAST] = now.timestamp()


def _refused(request: HttpRequest) -> HttpResponse:
    request.session[LOCKED] = True
    if "HX-Request" in request.headers or "X-Lock" in request.headers:
        return HttpResponse(status=LOCKED_STATUS)
    if request.method == "POST":
        _hold(request)
    return _page(request)


def _hold(request: HttpRequest) -> None:
    """Keep what a form sent, once, until its person is back."""
    fields = [[name, text] for name in request.POST for text in request.POST.getlist(name)]
    fields = [pair for pair in fields if pair[0] not in NOT_HELD]
    if sum(len(name) + len(text) for name, text in fields) <= LONGEST_HELD:
        request.session[HELD] = {"path": request.get_full_path(), "fields": fields}


def _page(request: HttpRequest, reason: str = "") -> HttpResponse:
    is_ours = request.resolver_match is not None and request.resolver_match.func is unlock
    context = {
        "reason": reason,
        "next": _next(request) if is_ours else request.get_full_path() if request.method == "GET" else "/",
        "is_held": HELD in request.session,
    }
    return render(request, "people/locked.html", context, status=LOCKED_STATUS)


def _next(request: HttpRequest) -> str:
    """Where to go on; never to another site."""
    address = request.POST.get("next", "")
    return address if url_has_allowed_host_and_scheme(address, {request.get_host()}) else "/"
