"""The table of workflows holds what every visit has to hold."""

import pytest

from openitb.programmer.entry import EntryError
from openitb.programmer.workflow import (
    CHANGING,
    COMMIT,
    IDENTITY,
    READ,
    READ_BACK,
    REVIEW,
    SECOND,
    parse,
    workflow,
    workflows,
)

ALL = workflows().values()
NO_RISE = {  # none of these can raise what is delivered
    "emergency",
    "emergency-stop",
    "patient-bolus-off",
    "patient-adjustment-off",
    "silence-alarm",
    "alarm-test",
    "revoke-key",
    "drug-library",
    "confirm",
}
named = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.workflow_id)


@pytest.mark.requirement("PRG-09", "PRG-03")
@named
def test_every_workflow_begins_with_reading_and_knowing_the_patient_and_ends_in_review_commit_read_back(
    kind,
) -> None:
    ids = [step.step_id for step in kind.steps]
    assert ids[:2] == [READ, IDENTITY]
    ending = [step for step in ids if step in {REVIEW, SECOND, COMMIT, READ_BACK}]
    assert ending in ([REVIEW, SECOND, COMMIT, READ_BACK], [REVIEW, COMMIT, READ_BACK])


@pytest.mark.requirement("PRG-03")
@named
def test_nothing_that_changes_the_pump_is_asked_after_the_review(kind) -> None:
    assert not CHANGING & set(kind.afterwards)


@pytest.mark.requirement("PRG-19")
@named
def test_whatever_changes_the_pump_has_a_place_for_the_second_person_except_what_can_raise_nothing(
    kind,
) -> None:
    assert kind.has_second_person == (kind.may_change and kind.workflow_id not in NO_RISE)


@pytest.mark.requirement("RES-07")
def test_concentration_is_reached_only_through_filling() -> None:
    for kind in ALL:
        assert ("concentration" in kind.fields) == ("injected_volume" in kind.fields)


def test_every_kind_of_visit_are_there() -> None:
    assert set(workflows()) == {
        "initial-implant",
        "refill-and-adjust",
        "adjust",
        "catheter-revision",
        "pump-replacement",
        "emergency",
        "single-bolus",
        "patient-bolus",
        "patient-bolus-off",
        "patient-adjustment",
        "patient-adjustment-off",
        "emergency-stop",
        "silence-alarm",
        "revoke-key",
        "drug-library",
        "confirm",
        "mri-before",
        "mri-after",
        "alarm-test",
        "review-only",
    }
    assert workflow("Refill and adjust") is workflow("refill-and-adjust")
    with pytest.raises(EntryError, match="expected one of"):
        workflow("anything")


@pytest.mark.parametrize(
    "text",
    [
        '[step.a]\ntitle="t"\nsays="s"\nasks=["nothing"]\n[workflow.w]\ntitle="t"\npurpose="p"\nsteps=["a"]',
        '[step.a]\ntitle="t"\nsays="s"\nother=1\n[workflow.w]\ntitle="t"\npurpose="p"\nsteps=["a"]',
        '[step.a]\ntitle="t"\nsays="s"\n[workflow.w]\ntitle="t"\npurpose="p"\nsteps=["b"]',
    ],
)
def test_a_table_with_unknown_names_does_not_load(text: str) -> None:
    with pytest.raises(EntryError):
        parse(text)
