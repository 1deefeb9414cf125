"""Signatures hold for exactly what was shown, by exactly whom, and a second person is another."""

import stat

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from openitb.clinic.people.accounts import new_staff
from openitb.clinic.people.models import User
from openitb.clinic.people.roles import Role
from openitb.clinic.record import seals, signatures
from openitb.clinic.record.models import Action, Meaning, Patient, SealKey, Sheet, Signature, TrailEntry
from openitb.clinic.record.signatures import SignatureError, Signing, sign, verify
from openitb.clinic.record.verification import verify as verify_record

SHOWN = "Telephone triage\nWhat was said: it beeps"


@pytest.fixture(autouse=True)
def _seals_of_this_test(settings, tmp_path) -> None:
    settings.CLINIC_SEALS = tmp_path / "seals"


def call(patient: Patient, by: User, **changes: object) -> Sheet:
    now = timezone.now()
    values = {"kind": "desk.call", "at": now, "written_at": now, "content": {"said": "it beeps"}}
    return Sheet.objects.create(patient=patient, by=by, **values | changes)


@pytest.fixture
def sheet(make, staff) -> Sheet:
    return call(make.patient(), staff)


def signing(sheet: Sheet, meaning: Meaning = Meaning.WRITTEN, shown: str = SHOWN) -> Signing:
    return Signing(sheet, shown, meaning, "password")


def forged(statement: str, *values: object) -> None:
    """A hand on the database that knows how to get past the triggers."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO record_openerasure (at) VALUES (%s)", [timezone.now()])
        cursor.execute(statement, values)
        cursor.execute("DELETE FROM record_openerasure")


def test_a_signature_holds_and_says_who_when_and_what_it_means(sheet, staff) -> None:
    given = sign(signing(sheet), staff)
    kept = Signature.objects.get()
    assert verify(kept) == ()
    assert (kept.signer, kept.meaning, kept.shown, kept.method) == (
        "Nora Lind (ITB nurse)",
        "written by",
        SHOWN,
        "password",
    )
    entry = TrailEntry.objects.filter(action=Action.SIGNED).get()
    assert entry.subject == f"record.signature:{given.pk}"
    assert verify_record().faults == ()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ('UPDATE record_sheet SET content = \'{"said": "all is well"}\'', "seal does not fit"),
        ("UPDATE record_sheet SET reason = 'x'", "seal does not fit"),
        ("UPDATE record_signature SET meaning = 'ordered by'", "seal does not fit"),
        ("UPDATE record_signature SET signer = 'Somebody Else'", "seal does not fit"),
        ("UPDATE record_signature SET method = 'webauthn'", "seal does not fit"),
        ("UPDATE record_signature SET shown = 'all is well'", "what was shown is not"),
        ("UPDATE record_sealkey SET public_key = '00'", "seal does not fit"),
    ],
)
def test_any_change_afterwards_breaks_it(sheet, staff, statement, fault) -> None:
    sign(signing(sheet), staff)
    forged(statement)
    assert any(fault in each for each in verify(Signature.objects.get()))


def test_a_signature_cannot_be_moved_to_another_sheet_or_person(sheet, staff, make) -> None:
    given = sign(signing(sheet), staff)
    twin = call(sheet.patient, staff, at=sheet.at, written_at=sheet.written_at)
    other = make.staff("other")
    forged("UPDATE record_signature SET sheet_id = %s", twin.pk)
    assert verify(Signature.objects.get())
    forged("UPDATE record_signature SET sheet_id = %s, by_id = %s", sheet.pk, other.pk)
    assert verify(Signature.objects.get())
    forged("UPDATE record_signature SET by_id = %s", staff.pk)
    assert verify(Signature.objects.get(pk=given.pk)) == ()


def test_the_database_refuses_to_rewrite_a_signature(sheet, staff) -> None:
    sign(signing(sheet), staff)
    for statement in ("UPDATE record_signature SET signer = 'x'", "DELETE FROM record_sealkey"):
        with pytest.raises(DatabaseError, match="not rewritten"), transaction.atomic():
            connection.cursor().execute(statement)


def test_a_second_person_is_another(sheet, staff, make) -> None:
    with pytest.raises(SignatureError, match="another than who wrote"):
        sign(signing(sheet, Meaning.VERIFIED), staff)
    prescriber = make.staff("paula", Role.PRESCRIBER)
    sign(signing(sheet, Meaning.ORDERED), prescriber)
    with pytest.raises(SignatureError, match="another than who wrote or ordered"):
        sign(signing(sheet, Meaning.VERIFIED), prescriber)
    second = make.staff("sven")
    sign(signing(sheet, Meaning.VERIFIED), second)
    with pytest.raises(SignatureError, match="does not also answer"):
        sign(signing(sheet, Meaning.ORDERED), second)
    assert [verify(one) for one in Signature.objects.all()] == [(), ()]


def test_what_cannot_be_signed_is_refused_in_a_line(sheet, staff, make) -> None:
    other = make.staff("other")
    refused = {
        "nothing was shown": (signing(sheet, shown=" \n"), staff),
        "written by another person": (signing(sheet), other),
        "not granted": (signing(sheet, Meaning.ORDERED), make.staff("eng", Role.ENGINEER)),
        "to verify is not granted": (signing(sheet, Meaning.VERIFIED), make.staff("th", Role.THERAPIST)),
    }
    for line, (asked, by) in refused.items():
        with pytest.raises(SignatureError, match=line):
            sign(asked, by)
    sign(signing(sheet), staff)
    with pytest.raises(SignatureError, match="already written by this person"):
        sign(signing(sheet), staff)


def test_a_corrected_sheet_is_signed_anew_and_the_old_signature_still_holds_for_the_old(sheet, staff) -> None:
    old = sign(signing(sheet), staff)
    new = call(sheet.patient, staff, content={"said": "twice"}, supersedes=sheet, reason="misheard")
    with pytest.raises(SignatureError, match="corrected meanwhile"):
        sign(signing(sheet, Meaning.ORDERED), staff)
    assert verify(sign(signing(new), staff)) == verify(old) == ()


def test_the_key_is_its_owners_alone_and_each_clinic_has_its_own(make, settings) -> None:
    here, there = make.clinic(), make.clinic()
    assert len({seals.public_key(clinic).fingerprint for clinic in (here, there, here)}) == 2
    files = list(settings.CLINIC_SEALS.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(settings.CLINIC_SEALS.stat().st_mode) == 0o700
    assert SealKey.objects.count() == 2


def test_a_lost_key_is_followed_by_a_new_one_and_old_seals_still_hold(make, settings) -> None:
    clinic = make.clinic()
    before = seals.sealed(clinic, {"a": 1})
    next(settings.CLINIC_SEALS.iterdir()).unlink()
    after = seals.sealed(clinic, {"a": 1})
    assert before.split(":")[1] != after.split(":")[1]
    assert seals.holds({"a": 1}, before)
    assert seals.holds({"a": 1}, after)
    assert not seals.holds({"a": 2}, after)


@pytest.mark.parametrize("seal", ["", "ed25519", "ed25519:x:y", "rsa:1:2", "::"])
def test_what_is_no_seal_does_not_hold(db, seal) -> None:
    assert not seals.holds({"a": 1}, seal)


def test_a_sheet_is_signed_on_its_page_and_by_a_second_person_only_if_asked_for(make) -> None:
    password = new_staff("wanda", Role.NURSE)
    browser = Client()
    browser.post(reverse("sign-in"), {"login": "wanda", "password": password})
    sheet = call(make.patient(), User.objects.get(username="wanda"))
    address = [sheet.patient.key, sheet.key]
    assert "Sign: written by me" in browser.get(reverse("sheet", args=address)).content.decode()
    for refused in ("verified by", "king"):
        assert browser.post(reverse("sheet-sign", args=address), {"meaning": refused}).status_code == 422
    assert browser.post(reverse("sheet-sign", args=address), {"meaning": "written by"}).status_code == 302
    page = browser.get(reverse("sheet", args=address)).content.decode()
    assert "wanda (ITB nurse)" in page
    assert "Sign: written by me" not in page
    assert signatures.verify(Signature.objects.get()) == ()


def test_a_sheet_is_not_signed_by_who_did_not_just_prove_who_they_are(sheet, staff, client) -> None:
    client.force_login(staff)
    address = reverse("sheet-sign", args=[sheet.patient.key, sheet.key])
    assert client.post(address, {"meaning": "written by"}).status_code == 403
    assert not Signature.objects.exists()
