"""Pages of the path: all stages of a person, and one stage with its steps and panels."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from openitb.clinic.path import stages
from openitb.clinic.people.access import patient_or_404
from openitb.clinic.record.models import Patient
from openitb.clinic.record.queries import active_system

Panel = Callable[[Patient], Mapping[str, Any] | None]
_PANELS: dict[str, list[tuple[str, Panel]]] = {}


def panel(stage_id: str, template: str) -> Callable[[Panel], Panel]:
    """Make a function what fills a panel of a stage's page; None leaves the panel out."""

    def kept(fill: Panel) -> Panel:
        _PANELS.setdefault(stage_id, []).append((template, fill))
        return fill

    return kept


@require_GET
def path(request: HttpRequest, key: UUID) -> HttpResponse:
    """All stages with how far the person is in each."""
    patient = patient_or_404(request, key)
    return render(request, "path/path.html", _header(patient) | {"stages": stages.progress(patient)})


@require_GET
def stage(request: HttpRequest, key: UUID, stage_id: str) -> HttpResponse:
    """One stage: its steps, what is next, and its panels."""
    patient = patient_or_404(request, key)
    try:
        stages.stage(stage_id)
    except stages.StageError as fault:
        raise Http404(str(fault)) from fault
    everything = stages.progress(patient)
    panels = [(template, fill(patient)) for template, fill in _PANELS.get(stage_id, [])]
    context = _header(patient) | {
        "stages": everything,
        "now_stage": next(one for one in everything if one.stage.id == stage_id),
        "panels": [(template, told) for template, told in panels if told is not None],
    }
    return render(request, "path/stage.html", context)


def _header(patient: Patient) -> dict[str, Any]:
    return {"patient": patient, "system": active_system(patient), "tab": "path"}
