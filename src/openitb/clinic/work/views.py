"""The worklist page: what waits by earliest harm, claimed, handed over and done by people."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from openitb import catalogue, units
from openitb.clinic.people.access import Act, patients_for, require, require_anywhere
from openitb.clinic.people.models import Membership, User
from openitb.clinic.people.roles import Role, acts_of
from openitb.clinic.record import trail
from openitb.clinic.record.models import Action, Sweep, Work
from openitb.clinic.work.sweep import sweep
from openitb.guidance.worklist import KINDS

MOST_NOTE = 400


@require_GET
def worklist(request: HttpRequest) -> HttpResponse:
    """Open work, filtered by `whose` and `kind`; swept anew first if the last sweep is too old to trust."""
    require_anywhere(request, Act.SEE)
    last = _fresh(timezone.now())
    work = _asked(request)
    page = Paginator(work, settings.CLINIC_PATIENTS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "swept": last,
        "counts": _counts(request),
        "whose": request.GET.get("whose", ""),
        "kind": request.GET.get("kind", ""),
        "now": timezone.now(),
        "colleagues": _colleagues(_clinics(request)),
    }
    return render(request, "work/worklist.html", context)


@require_POST
def act(request: HttpRequest, work_id: int) -> HttpResponse:
    """Claim, hand over, give back or close one thing; who is too late is told, and nothing changes."""
    require_anywhere(request, Act.WRITE)
    deed = request.POST.get("deed", "")
    # Before the transaction: a refusal is told on the trail and must not be rolled back with it.
    require(request, get_object_or_404(Work.objects.select_related("patient"), pk=work_id).patient, Act.WRITE)
    with transaction.atomic():
        work = get_object_or_404(Work.objects.select_for_update(of=("self",)), pk=work_id)
        told = _DEEDS[deed](request, work) if deed in _DEEDS and work.closed_at is None else _TOO_LATE
        if not told:
            work.save()
            _tell(work, deed)
    if told:
        return render(request, "work/refused.html", {"work": work, "told": told}, status=409)
    return redirect(_back(request))


_TOO_LATE = "This is closed already, or the page was out of date. Nothing was changed."


def _claim(request: HttpRequest, work: Work) -> str:
    if work.claimed_by and work.claimed_by != request.user:
        return f"{work.claimed_by.shown_name} was quicker. Nothing was changed."
    work.claimed_by, work.claimed_at = _user(request), timezone.now()
    return ""


def _hand_over(request: HttpRequest, work: Work) -> str:
    theirs = _colleagues(frozenset({work.patient.clinic.pk}))
    to = theirs.filter(pk=_whole(request.POST.get("to", ""))).first()
    if to is None:
        return "to: got nobody, expected a colleague. Nothing was changed."
    work.claimed_by, work.claimed_at = to, timezone.now()
    return ""


def _give_back(request: HttpRequest, work: Work) -> str:
    if work.claimed_by != request.user:
        return "This is not yours to give back. Nothing was changed."
    work.claimed_by = work.claimed_at = None
    return ""


def _done(request: HttpRequest, work: Work) -> str:
    note = request.POST.get("note", "").strip()[:MOST_NOTE]
    if not note:
        return "note: got nothing, expected what was done. Nothing was changed."
    work.closed_at, work.closed_by, work.note = timezone.now(), _user(request), note
    return ""


_DEEDS = {"claim": _claim, "hand over": _hand_over, "give back": _give_back, "done": _done}


def _tell(work: Work, deed: str) -> None:
    content = {"deed": deed, "kind": work.kind, "key": work.key, "to": work.claimed_by_id, "note": work.note}
    trail.append(trail.Deed(Action.CHANGED, f"record.work:{work.pk}", work.patient.key, work.note, content))


def _asked(request: HttpRequest) -> QuerySet[Work]:
    work = _open(request).select_related("patient", "claimed_by")
    whose, kind = request.GET.get("whose", ""), request.GET.get("kind", "")
    if whose == "mine":
        work = work.filter(claimed_by=_user(request))
    if whose == "nobody":
        work = work.filter(claimed_by__isnull=True)
    return work.filter(kind=kind) if kind in KINDS else work


def _open(request: HttpRequest) -> QuerySet[Work]:
    """Work on those whose record this person may see."""
    return Work.objects.filter(closed_at__isnull=True, patient__in=patients_for(request.user))


def _counts(request: HttpRequest) -> list[tuple[str, int]]:
    """How many of each kind wait, gravest kind first."""
    counted = dict(_open(request).values_list("kind").annotate(count=Count("pk")).order_by())
    return [(kind, counted[kind]) for kind in KINDS if kind in counted]


def _fresh(now: datetime) -> Sweep:
    """The last sweep, made anew if it is older than half of what the rules trust."""
    trusted = catalogue.load().practice["worklist"].fact("stale_list").whole("ms") / units.MS_PER_S
    last = Sweep.objects.first()
    if last is None or now - last.at > timedelta(seconds=trusted / 2):
        return sweep(now)
    return last


def _clinics(request: HttpRequest) -> frozenset[int]:
    return _user(request).clinics_where(Act.WRITE) if isinstance(request.user, User) else frozenset()


def _colleagues(clinics: frozenset[int]) -> QuerySet[User]:
    """People who may write at one of these clinics now."""
    roles = [role for role in Role if Act.WRITE in acts_of(role)]
    held = Membership.held().filter(clinic__in=clinics, role__in=roles)
    who = User.objects.filter(pk__in=held.values("user_id"), is_active=True)
    return who.order_by("last_name", "username")


def _user(request: HttpRequest) -> Any:
    return request.user


def _whole(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _back(request: HttpRequest) -> str:
    """Where the person came from, if that is a page of ours."""
    back = request.POST.get("back", "")
    return back if back.startswith("/") and not back.startswith("//") else reverse("worklist")
