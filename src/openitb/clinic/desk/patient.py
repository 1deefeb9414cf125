"""A patient's page: who, what next, the pump as it is, what happened, what is likely."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from openitb.clinic.desk import charts, order_form, readings
from openitb.clinic.desk.delivery import delivery_check
from openitb.clinic.desk.ports import LinkFailure, NoOutlook, PumpReading, link
from openitb.clinic.desk.templatetags.clinical import concentration, mass, order_text, volume
from openitb.clinic.people.access import patient_or_404
from openitb.clinic.record.models import (
    Alarm,
    DoseRecord,
    Encounter,
    Interrogation,
    Patient,
    RefillRecord,
    System,
)
from openitb.clinic.record.queries import active_system, open_alarms, running_dose, unsettled_dose

RECENT = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, as the list of recent events shows it."""

    at: datetime
    kind: str
    title: str
    text: str


@require_GET
def overview(request: HttpRequest, key: UUID) -> HttpResponse:
    """The page itself, from the record; pump and prediction are fetched by fragments of their own."""
    patient = patient_or_404(request, key)
    system = active_system(patient)
    history = _history(patient)
    context = {
        **_header(patient, system, tab="overview"),
        **_state(system),
        "history": history,
        "chart": charts.history_chart(history),
        "recent": _recent(history),
    }
    return render(request, "desk/patient.html", context)


@require_GET
def pump(request: HttpRequest, key: UUID) -> HttpResponse:
    """Fragment: the pump read now, or why not beside the last reading kept."""
    patient = patient_or_404(request, key)
    system = get_object_or_404(System, patient=patient, explanted_on__isnull=True)
    answer = link().read_pump(system)
    failure = answer if isinstance(answer, LinkFailure) else None
    reading = readings.last_kept(system) if isinstance(answer, LinkFailure) else answer
    context = {
        "patient": patient,
        "system": system,
        "reading": reading,
        "failure": failure,
        "is_live": failure is None,
        "live_point": charts.live_point(answer) if isinstance(answer, PumpReading) else None,
        "delivery": delivery_check(system, reading),
    }
    return render(request, "desk/pump_card.html", context)


@require_GET
def prediction(request: HttpRequest, key: UUID) -> HttpResponse:
    """Fragment: the coming days as the pump runs, or under `order` (JSON) beside that; virtual only."""
    patient = patient_or_404(request, key)
    system = get_object_or_404(System, patient=patient, explanted_on__isnull=True)
    order = order_form.order_from_json(request.GET.get("order", "")) or None
    answer = link().outlook(system, order)
    context: dict[str, object] = {"patient": patient, "is_comparison": bool(order)}
    if isinstance(answer, NoOutlook):
        return render(request, "desk/prediction.html", context | {"reason": answer.reason})
    behind = answer.as_now if answer.proposed else None
    context |= {"outlook": answer, "chart": charts.prediction_chart(answer.shown, behind)}
    return render(request, "desk/prediction.html", context)


@require_GET
def history(request: HttpRequest, key: UUID) -> HttpResponse:
    """Everything in the record as tables."""
    patient = patient_or_404(request, key)
    context = {
        **_header(patient, active_system(patient), tab="history"),
        "history": _history(patient),
        "systems": patient.systems.all(),
    }
    return render(request, "desk/history.html", context)


def _header(patient: Patient, system: System | None, tab: str) -> dict[str, object]:
    return {"patient": patient, "system": system, "tab": tab}


def _state(system: System | None) -> dict[str, object]:
    if system is None:
        return {}
    return {
        "running": running_dose(system),
        "unsettled": unsettled_dose(system),
        "alarms": list(open_alarms().filter(system=system)),
    }


def _history(patient: Patient) -> charts.History:
    return charts.History(
        doses=list(DoseRecord.objects.filter(system__patient=patient).select_related("by", "system")),
        refills=list(RefillRecord.objects.filter(system__patient=patient).select_related("by")),
        interrogations=list(
            Interrogation.objects.filter(system__patient=patient).select_related("system").defer("snapshot")
        ),
        scores=list(patient.scores.all()),
        encounters=list(Encounter.objects.filter(patient=patient).select_related("by")),
        complaints=list(patient.complaints.all()),
        alarms=list(Alarm.objects.filter(system__patient=patient)),
        boluses=list(patient.trial_boluses.all()),
    )


def _recent(history: charts.History) -> list[Line]:
    """The newest things that happened."""
    lines = [
        *(Line(e.at, "visit", e.get_kind_display(), e.text) for e in history.encounters),
        *(Line(c.at, "complaint", "Complaint", c.text) for c in history.complaints),
        *(Line(a.at, "alarm", _alarm_title(a), a.text) for a in history.alarms),
        *(Line(d.at, "dose", f"Order {d.outcome}", order_text(d.order)) for d in history.doses),
        *(Line(r.at, "refill", "Refill", _refill_text(r)) for r in history.refills),
        *(Line(b.at, "bolus", "Screening bolus", f"{mass(b.dose_pg)} {b.level}") for b in history.boluses),
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:RECENT]


def _alarm_title(alarm: Alarm) -> str:
    return f"{alarm.get_level_display()} alarm{' cleared' if alarm.cleared else ''}"


def _refill_text(refill: RefillRecord) -> str:
    return f"{volume(refill.injected_nl)} of {concentration(refill.new_concentration_ug_per_ml)}"
