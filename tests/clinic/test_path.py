"""Stages and steps: what is done, what is next, what waits."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from openitb.clinic.path import stages
from openitb.clinic.path.stages import Stage, StageError, Step, stage_progress
from openitb.clinic.record.models import Sheet, Signature
from openitb.clinic.sheets import kinds


def sheet(patient, kind: str, **more: object) -> Sheet:
    now = timezone.now()
    return Sheet.objects.create(patient=patient, kind=kind, at=now, written_at=now, content={}, **more)


@pytest.fixture
def two_steps(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage of two kinds, the second of which needs two signatures."""
    section = kinds.Section(title="S", field=(kinds.SheetField(id="x", label="X", type="text"),))
    made = {
        "s.first": kinds.Kind(id="s.first", stage="s", title="First", writers=("nurse",), section=(section,)),
        "s.second": kinds.Kind(
            id="s.second",
            stage="s",
            title="Second",
            writers=("nurse",),
            signed="written by",
            verified="verified by",
            section=(section,),
        ),
    }
    monkeypatch.setattr(kinds, "kinds", lambda: made)
    steps = (Step(kind="s.first"), Step(kind="s.second", after=("s.first",)))
    return Stage(id="s", title="S", about="", step=steps)


def states(stage: Stage, *sheets: Sheet) -> list[str]:
    by_kind: dict[str, list[Sheet]] = {}
    for one in sheets:
        by_kind.setdefault(one.kind, []).append(one)
    return [step.state for step in stage_progress(stage, by_kind).steps]


def test_a_step_waits_for_the_one_before_it(make, two_steps: Stage) -> None:
    patient = make.patient()
    assert states(two_steps) == ["next", "waiting"]
    assert states(two_steps, sheet(patient, "s.first")) == ["done", "next"]


def test_a_step_is_done_once_everybody_has_signed(make, staff, two_steps: Stage) -> None:
    patient = make.patient()
    first, second = sheet(patient, "s.first"), sheet(patient, "s.second")
    assert states(two_steps, first, second) == ["done", "unsigned"]
    for meaning in ("written by", "verified by"):
        Signature.objects.create(
            sheet=second, patient=patient, by=staff, at=timezone.now(), meaning=meaning, shown_digest="",
            method="password", seal="",
        )  # fmt: skip
    assert states(two_steps, first, second) == ["done", "done"]


def test_what_was_written_out_of_order_counts(make, two_steps: Stage) -> None:
    assert states(two_steps, sheet(make.patient(), "s.second"))[1] == "unsigned"


def test_every_shipped_stage_names_kinds_that_exist() -> None:
    assert stages.stages()
    with pytest.raises(StageError, match="expected one of"):
        stages.stage("nowhere")


def test_every_stage_of_a_person_opens(desk: Client, make) -> None:
    patient = make.patient()
    sheet(patient, "desk.call")
    assert desk.get(reverse("path", args=[patient.key])).status_code == 200
    for stage in stages.stages():
        assert desk.get(reverse("stage", args=[patient.key, stage.id])).status_code == 200
    assert desk.get(reverse("stage", args=[patient.key, "nowhere"])).status_code == 404


def test_a_withdrawn_sheet_does_no_step(make) -> None:
    patient = make.patient()
    one = sheet(patient, "desk.call")
    sheet(patient, "desk.call", supersedes=one, reason="another patient", is_withdrawn=True)
    contact = next(each for each in stages.progress(patient) if each.stage.id == "contact")
    assert contact.steps[0].state == "optional"
