"""Everything written is on the trail, the trail cannot be altered unseen, and stale edits are refused."""

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from openitb.clinic.record import trail
from openitb.clinic.record.erasure import erase
from openitb.clinic.record.models import (
    Action,
    Complaint,
    EntryError,
    Patient,
    Score,
    Sheet,
    StaleEditError,
    TrailEntry,
    TrailHead,
)
from openitb.clinic.record.verification import verify


def sheet(patient: Patient, **changes: object) -> Sheet:
    now = timezone.now()
    values = {
        "patient": patient,
        "kind": "phone",
        "at": now,
        "written_at": now,
        "content": {"said": "a beep"},
    }
    return Sheet.objects.create(**values | changes)


def raw(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def forged(statement: str, *values: object) -> None:
    """A hand on the database that knows how to get past the triggers."""
    with transaction.atomic():
        raw("INSERT INTO record_openerasure (at) VALUES (%s)", timezone.now())
        raw(statement, *values)
        raw("DELETE FROM record_openerasure")


def test_who_did_what_before_and_after_is_told(make, staff) -> None:
    patient = make.patient(notes="calm")
    with trail.acting(staff):
        patient.notes = "sleepy since the refill"
        patient.save(reason="wife telephoned")
    entry = TrailEntry.objects.first()
    assert (entry.by, entry.action, entry.patient_key) == (staff, Action.CHANGED, patient.key)
    assert entry.reason == "wife telephoned"
    assert entry.content["before"] == {"notes": "calm", "version": 1}
    assert entry.content["after"] == {"notes": "sleepy since the refill", "version": 2}


def test_a_record_that_nobody_touched_verifies(make) -> None:
    patient = make.patient()
    make.dose(make.system(patient)).system.save()
    sheet(patient)
    found = verify()
    assert found.faults == ()
    assert (found.entries, found.head) == (TrailEntry.objects.count(), TrailEntry.objects.first().digest)


def test_rows_added_together_are_one_entry_and_verify(make) -> None:
    patient = make.patient()
    now = timezone.now()
    Complaint.objects.bulk_create(Complaint(patient=patient, at=now, text=f"no {k}") for k in range(5))
    assert TrailEntry.objects.first().subject == "record.complaint:*"
    assert verify().faults == ()
    forged("UPDATE record_complaint SET text = 'fine' WHERE text = 'no 3'")
    assert [fault for fault in verify().faults if "record.complaint" in fault]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE record_patient SET notes = 'forged'", "record.patient"),
        ("UPDATE record_sheet SET content = '{}'", "record.sheet"),
        ("DELETE FROM record_sheet", "is missing"),
        ("UPDATE record_trailentry SET reason = 'x' WHERE number = 1", "was changed after it was written"),
        ("UPDATE record_trailentry SET content = '{}' WHERE number = 1", "its content was changed"),
        ("DELETE FROM record_trailentry WHERE number = 1", "entries are missing"),
        ("DELETE FROM record_trailentry WHERE number = 3", "ends at entry 2, expected 3"),
    ],
)
def test_a_hand_on_the_database_is_found(make, statement: str, told: str) -> None:
    sheet(make.patient())
    assert verify().faults == ()
    forged(statement)
    assert any(told in fault for fault in verify().faults)


def test_a_row_put_in_by_hand_is_found(make) -> None:
    patient = make.patient()
    models.Model.save(Complaint(patient=patient, at=timezone.now(), text="never said"))
    assert [fault for fault in verify().faults if fault.endswith("is not on the trail")]


@pytest.mark.parametrize("deed", ["UPDATE record_sheet SET kind = 'other'", "DELETE FROM record_sheet"])
def test_the_database_itself_refuses_to_rewrite_an_entry(make, deed: str) -> None:
    sheet(make.patient())
    with pytest.raises(DatabaseError, match="not rewritten"), transaction.atomic():
        raw(deed)
    assert verify().faults == ()


def test_an_edit_of_an_old_copy_is_refused_and_shows_what_stands_now(make) -> None:
    patient = make.patient(notes="first")
    mine, theirs = (Patient.objects.get(pk=patient.pk) for _ in range(2))
    theirs.notes = "theirs"
    theirs.save()
    mine.notes = "mine"
    with pytest.raises(StaleEditError) as stale:
        mine.save()
    assert stale.value.now.notes == "theirs"
    patient.refresh_from_db()
    assert patient.notes == "theirs"


def test_what_failed_is_not_on_the_trail(make) -> None:
    patient = make.patient()
    before = TrailEntry.objects.count()

    def half_done() -> None:
        with transaction.atomic():
            sheet(patient)
            make.patient(number=patient.number)

    with pytest.raises(DatabaseError):
        half_done()
    assert TrailEntry.objects.count() == before == TrailHead.objects.get().number


def test_nothing_is_changed_or_deleted_past_the_trail(make) -> None:
    patient = make.patient()
    for deed in (
        lambda: Patient.objects.filter(pk=patient.pk).update(notes="x"),
        lambda: Patient.objects.all().delete(),
        patient.delete,
        lambda: sheet(patient).save(),
    ):
        with pytest.raises(EntryError):
            deed()


def test_a_sheet_is_corrected_once_and_with_a_reason(make) -> None:
    patient = make.patient()
    first = sheet(patient)
    second = sheet(patient, supersedes=first, reason="wrong day")
    assert TrailEntry.objects.first().action == Action.CORRECTED
    assert first.superseded_by == second
    with pytest.raises(DatabaseError), transaction.atomic():
        sheet(patient, supersedes=first, reason="somebody else was late")
    with pytest.raises(DatabaseError), transaction.atomic():
        sheet(patient, supersedes=second)


def test_erasure_leaves_a_marked_gap_that_verifies(make, staff) -> None:
    other, patient = make.patient(), make.patient(given_name="Rosa", notes="secret")
    sheet(patient)
    sheet(other)
    Score.objects.create(
        patient=patient, at=timezone.now(), scale_id="penn", code="2", value=2, source="recorded"
    )
    with trail.acting(staff):
        gone = erase(patient, "request under article 17")
    assert (gone.rows, gone.entry.reason, gone.entry.by) == (2, "request under article 17", staff)
    assert Sheet.objects.get().patient == other
    assert "Rosa" not in str([entry.content for entry in TrailEntry.objects.all()])
    found = verify()
    assert (found.faults, found.erased) == ((), 3)


def test_a_gap_that_no_erasure_made_is_a_fault(make) -> None:
    patient = make.patient()
    sheet(patient)
    forged("UPDATE record_trailentry SET content = NULL")
    assert any("is not on the trail" in fault for fault in verify().faults)


def test_a_person_with_a_pump_in_place_is_not_erased(make) -> None:
    system = make.system()
    with pytest.raises(EntryError, match="pump in place"):
        erase(system.patient, "request")
    with pytest.raises(EntryError, match="reason"):
        erase(make.patient(), " ")
