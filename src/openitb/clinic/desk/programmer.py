"""The programmer in the page: interrogate, edit, review, commit, read back.

Nothing is remembered between the steps but the record: the review travels as its digest, and the
commit is written down before it is sent. Three outcomes: applied, refused, unknown.

Holds: PRG-03, PRG-11.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from openitb.clinic.desk import dayplot, order_form, readings
from openitb.clinic.desk.cautions import cautions
from openitb.clinic.desk.commands import NotCommitted, resolve, send
from openitb.clinic.desk.form_errors import form_error, shown_patterns
from openitb.clinic.desk.order_form import OrderForm
from openitb.clinic.desk.ports import Commit, LinkFailure, OrderRefused, Review, link
from openitb.clinic.people import identity
from openitb.clinic.people.access import Act, patient_or_404
from openitb.clinic.people.models import User
from openitb.clinic.record.models import DoseRecord, Patient, System
from openitb.clinic.record.queries import running_dose, unsettled_dose
from openitb.prescription.modes import DAY_NAMES

STEPS = ("Interrogate", "Edit", "Review", "Commit", "Read back")

View = Callable[..., HttpResponse]


def reached_by_form(view: View) -> View:
    """A step that only a form of ours leads to; who comes by Back or a bookmark begins at the start."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def stepped(request: HttpRequest, key: UUID, **more: UUID) -> HttpResponse:
        return view(request, key, **more) if request.method == "POST" else redirect("program", key=key)

    return stepped


@require_http_methods(["GET", "POST"])
def interrogate(request: HttpRequest, key: UUID) -> HttpResponse:
    """GET: what is known, and the button. POST: read the pump, keep the reading, open the order."""
    patient, system = _subject(request, key)
    if request.method == "GET" or unsettled_dose(system):
        return _start(request, patient, system)
    return _edit(request, patient, system, form=_carried_form(request), keep=True)


@reached_by_form
def review(request: HttpRequest, key: UUID) -> HttpResponse:
    """The typed order, read, compiled and gated, beside the program that runs."""
    patient, system = _subject(request, key)
    form = order_form.from_post(request.POST)
    answer = link().review(system, form.to_mapping(), "")
    if isinstance(answer, OrderRefused):
        return _edit(request, patient, system, form=form, refused=answer)
    if isinstance(answer, LinkFailure):
        return _start(request, patient, system, failure=answer)
    return _show_review(request, patient, system, answer)


@reached_by_form
def commit(request: HttpRequest, key: UUID) -> HttpResponse:
    """Send what was reviewed; a second post of the same review shows the first one's outcome."""
    patient, system = _subject(request, key)
    asked = _asked(request)
    if not _is_recorded(asked):
        if reason := identity.confirm(request):
            return _unconfirmed(request, patient, system, asked, reason)
        answer = send(system, asked, _user(request))
        if isinstance(answer, NotCommitted) and not _is_recorded(asked):
            return _not_committed(request, patient, system, answer)
    return redirect("command", key=key, command_id=asked.command_id)


@require_GET
def command(request: HttpRequest, key: UUID, command_id: UUID) -> HttpResponse:
    """What became of an order."""
    patient, system = _subject(request, key, Act.SEE)
    record = get_object_or_404(
        DoseRecord.objects.select_related("by", "read_back"), system=system, command_id=command_id
    )
    read_back = readings.from_snapshot(record.read_back.snapshot) if record.read_back else None
    context = _page(patient, system, 5) | {"record": record, "read_back": read_back}
    return render(request, "desk/program_outcome.html", context)


@reached_by_form
def read_back(request: HttpRequest, key: UUID, command_id: UUID) -> HttpResponse:
    """Ask the pump what became of an order whose outcome is unknown."""
    _, system = _subject(request, key)
    record = get_object_or_404(DoseRecord, system=system, command_id=command_id)
    if record.settled_at is None:
        resolve(record)
    return redirect("command", key=key, command_id=command_id)


def _subject(request: HttpRequest, key: UUID, act: Act = Act.PROGRAM) -> tuple[Patient, System]:
    patient = patient_or_404(request, key, act)
    system = get_object_or_404(System, patient=patient, explanted_on__isnull=True)
    system.patient = patient  # already read
    return patient, system


def _page(patient: Patient, system: System, step: int) -> dict[str, Any]:
    return {"patient": patient, "system": system, "tab": "program", "steps": STEPS, "step": step}


def _start(
    request: HttpRequest, patient: Patient, system: System, failure: LinkFailure | None = None
) -> HttpResponse:
    context = _page(patient, system, 1) | {
        "failure": failure,
        "reading": readings.last_kept(system),
        "running": running_dose(system),
        "unsettled": unsettled_dose(system),
    }
    return render(request, "desk/program_start.html", context)


def _edit(
    request: HttpRequest,
    patient: Patient,
    system: System,
    *,
    form: OrderForm | None = None,
    refused: OrderRefused | None = None,
    keep: bool = False,
) -> HttpResponse:
    reading = link().read_pump(system)
    if isinstance(reading, LinkFailure):
        return _start(request, patient, system, failure=reading)
    if keep:
        readings.keep(system, reading)
    form = form or order_form.from_mapping(reading.program.order)
    error = form_error(refused.message, settings.CLINIC_MICRO) if refused and not refused.findings else None
    context = _page(patient, system, 2) | {
        "reading": reading,
        "cautions": cautions(reading.alarms),
        "form": form,
        "patterns": shown_patterns(form, error),
        "error": error,
        "dose_error": error.at("dose") if error else "",
        "refused": refused,
        "modes": order_form.MODES,
        "day_names": DAY_NAMES,
        "blank": order_form.PatternRows(days=()),
    }
    return render(request, "desk/program_edit.html", context, status=422 if refused else 200)


def _carried_form(request: HttpRequest) -> OrderForm | None:
    carried = order_form.order_from_json(request.POST.get("order", ""))
    return order_form.from_mapping(carried) if carried else None


def _show_review(
    request: HttpRequest, patient: Patient, system: System, answer: Review, notice: str = ""
) -> HttpResponse:
    context = _page(patient, system, 3) | {
        "review": answer,
        "notice": notice,
        "order_json": json.dumps(answer.new.order),
        "command_id": uuid4(),
        "override": request.POST.get("override", ""),
        "change": _percent_change(answer),
        "day_plots": dayplot.compare(answer.old.days, answer.new.days),
    }
    return render(request, "desk/program_review.html", context)


def _not_committed(
    request: HttpRequest, patient: Patient, system: System, refused: NotCommitted
) -> HttpResponse:
    if refused.review is None:
        return _start(request, patient, system, failure=LinkFailure(refused.reason))
    return _show_review(request, patient, system, refused.review, notice=refused.reason)


def _unconfirmed(
    request: HttpRequest, patient: Patient, system: System, asked: Commit, reason: str
) -> HttpResponse:
    """The review once more, with what proves that it is still this person asked for."""
    answer = link().review(system, asked.order, asked.override)
    if isinstance(answer, Review):
        return _show_review(request, patient, system, answer, notice=reason)
    told = answer if isinstance(answer, LinkFailure) else LinkFailure(answer.message)
    return _start(request, patient, system, failure=told)


def _asked(request: HttpRequest) -> Commit:
    return Commit(
        order=order_form.order_from_json(request.POST.get("order", "")),
        review_digest=request.POST.get("review_digest", ""),
        command_id=_uuid(request.POST.get("command_id", "")),
        override=request.POST.get("override", "").strip(),
        by=request.user.get_username(),
        compared=request.POST.get("compared") == "yes",
    )


def _is_recorded(asked: Commit) -> bool:
    """Whether this very commit was sent before, or meanwhile by a second click."""
    return DoseRecord.objects.filter(command_id=asked.command_id).exists()


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid4()


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied("Only a signed-in person can program a pump.")
    return request.user


def _percent_change(answer: Review) -> float | None:
    old = answer.old.daily_dose_pg
    return None if old == 0 else 100 * (answer.new.daily_dose_pg - old) / old
