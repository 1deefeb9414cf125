"""Emergency access and its review, accounts and roles, the trail's page, policy of second factors."""

import json
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from openitb.clinic.people import glass
from openitb.clinic.people.access import Act, may
from openitb.clinic.people.accounts import new_staff
from openitb.clinic.people.clinics import ClinicError, only_clinic
from openitb.clinic.people.models import EmergencyAccess, Membership, User
from openitb.clinic.people.roles import Role, grants
from openitb.clinic.people.trail_page import head_holds
from openitb.clinic.record.models import Action, Patient, TrailEntry
from openitb.clinic.record.verification import verify

REASON = "unconscious in our emergency room, pump beeps"


@pytest.fixture
def entered(client: Client, make):
    """Signs somebody in by their password, as people do."""

    def enter(username: str, *roles: Role, clinic=None) -> Client:
        password = new_staff(username, *roles, clinic=clinic or only_clinic())
        browser = Client()
        answer = browser.post(reverse("sign-in"), {"login": username, "password": password})
        assert answer.status_code == 302
        return browser

    return enter


def asked(patient: Patient, **changes: str) -> dict[str, str]:
    return {"number": patient.number, "birth_date": str(patient.birth_date), "reason": REASON} | changes


def test_a_stranger_opens_a_record_in_an_emergency_and_everybody_can_tell(make, entered) -> None:
    patient = make.system().patient
    outsider = entered("olga", Role.PRESCRIBER, clinic=make.clinic())
    page = reverse("patient", args=[patient.key])
    assert outsider.get(page).status_code == 404
    assert outsider.post(reverse("emergency"), asked(patient)).headers["Location"] == page
    assert b"Opened in an emergency" in outsider.get(page).content
    entry = TrailEntry.objects.get(action=Action.BROKE_GLASS)
    assert (entry.by.username, entry.patient_key, entry.reason) == ("olga", patient.key, REASON)
    assert verify().faults == ()


def test_emergency_access_ends_by_itself(make, entered) -> None:
    patient = make.patient()
    outsider = entered("olga", clinic=make.clinic())
    outsider.post(reverse("emergency"), asked(patient))
    opened = EmergencyAccess.objects.get()
    assert opened.until - opened.at == grants().emergency_lasts
    opened.until = timezone.now() - timedelta(seconds=1)
    opened.save()
    assert outsider.get(reverse("patient", args=[patient.key])).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"number": "T-9999"}, {"birth_date": "1980-05-18"}, {"reason": "curious"}, {"birth_date": "May"}],
)
def test_an_emergency_opens_nothing_for_who_does_not_know_whom_and_why(make, entered, wrong) -> None:
    patient = make.patient()
    outsider = entered("olga", clinic=make.clinic())
    answer = outsider.post(reverse("emergency"), asked(patient, **wrong))
    assert answer.status_code == 422
    assert not EmergencyAccess.objects.exists()
    assert outsider.get(reverse("patient", args=[patient.key])).status_code == 404


def test_emergency_records_cannot_be_guessed_at_will(make, entered) -> None:
    outsider = entered("olga", clinic=make.clinic())
    patient = make.patient(clinic=make.clinic())
    for day in range(10, 21):
        answer = outsider.post(reverse("emergency"), asked(patient, birth_date=f"1970-01-{day}"))
    assert b"Too many attempts" in answer.content


def test_an_emergency_lends_no_more_than_the_persons_own_role(make) -> None:
    patient = make.patient()
    therapist, nurse = (
        make.staff(str(role), role, clinic=make.clinic()) for role in (Role.THERAPIST, Role.NURSE)
    )
    for user in (therapist, nurse):
        glass.open_record(user, patient, REASON, timezone.now())
    assert (may(therapist, patient, Act.WRITE), may(therapist, patient, Act.PROGRAM)) == (True, False)
    assert (may(nurse, patient, Act.PROGRAM), may(nurse, patient, Act.EXPORT)) == (True, False)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.THERAPIST, Role.ADMINISTRATOR, Role.ENGINEER])
def test_only_who_treats_may_break_the_glass(make, entered, role) -> None:
    patient = make.patient()
    assert (
        entered("x", role, clinic=make.clinic()).post(reverse("emergency"), asked(patient)).status_code == 403
    )
    assert not EmergencyAccess.objects.exists()


def test_who_may_see_the_record_anyway_is_led_to_it_and_nothing_is_broken(make, entered) -> None:
    patient = make.patient()
    answer = entered("nils", Role.NURSE).post(reverse("emergency"), asked(patient))
    assert answer.headers["Location"] == reverse("patient", args=[patient.key])
    assert not EmergencyAccess.objects.exists()


@pytest.mark.parametrize(("verdict", "still_open"), [("justified", True), ("not justified", False)])
def test_a_review_is_closed_with_a_verdict_by_somebody_else(make, entered, verdict, still_open) -> None:
    patient, olga = make.patient(), make.staff("olga", clinic=make.clinic())
    opened = glass.open_record(olga, patient, REASON, timezone.now())
    auditor = entered("aud", Role.AUDITOR, clinic=patient.clinic)
    address = reverse("review", args=[opened.pk])
    assert auditor.post(address, {"verdict": verdict, "note": "ok"}).status_code == 422
    note = "Called the emergency room, the patient was there."
    assert auditor.post(address, {"verdict": verdict, "note": note}).status_code == 302
    opened.refresh_from_db()
    assert (opened.verdict, opened.reviewed_by.username, opened.review_note) == (verdict, "aud", note)
    assert may(User.objects.get(pk=olga.pk), patient) == still_open
    assert TrailEntry.objects.filter(action=Action.REVIEWED, patient_key=patient.key).count() == 1
    auditor.post(address, {"verdict": "justified", "note": "changed my mind about it"})
    opened.refresh_from_db()
    assert opened.verdict == verdict


def test_nobody_reviews_their_own_emergency_access_nor_that_of_another_clinic(make, entered) -> None:
    patient = make.patient()
    elsewhere = make.clinic()
    both = entered("both", Role.PRESCRIBER, Role.AUDITOR, clinic=elsewhere)
    user = User.objects.get(username="both")
    Membership.objects.create(user=user, clinic=patient.clinic, role=Role.AUDITOR)
    opened = glass.open_record(user, patient, REASON, timezone.now())
    verdict = {"verdict": "justified", "note": "it was I, and I was right"}
    assert both.post(reverse("review", args=[opened.pk]), verdict).status_code == 403
    stranger = entered("else", Role.AUDITOR, clinic=elsewhere)
    assert stranger.post(reverse("review", args=[opened.pk]), verdict).status_code == 404
    assert b"Nothing waits" in stranger.get(reverse("reviews")).content


def link_of(answer) -> str:
    return re.search(r"http://testserver(/welcome/[^<\s]+)", answer.content.decode())[1]


def invitation(**changes: object) -> dict[str, object]:
    told = {"username": "kim", "full_name": "Kim Vale", "clinic": only_clinic().pk, "roles": ["nurse"]}
    return told | changes


def test_an_invited_person_sets_a_password_with_a_link_that_holds_once(make, entered) -> None:
    link = link_of(entered("adm", Role.ADMINISTRATOR).post(reverse("accounts"), invitation()))
    kim = Client()
    form = kim.get(link, follow=True)
    words = {"new_password1": "a hut by the lake", "new_password2": "a hut by the lake"}
    assert kim.post(form.redirect_chain[-1][0], words).headers["Location"] == reverse("sign-in")
    kim.post(reverse("sign-in"), {"login": "kim", "password": "a hut by the lake"})
    assert kim.get(reverse("panel")).status_code == 200
    assert b"no longer holds" in Client().get(link, follow=True).content
    assert User.objects.get(username="kim").shown_roles == "ITB nurse"


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": "ADM"},
        {"username": "a b"},
        {"roles": []},
        {"roles": ["king"]},
        {"clinic": 999},
        {"full_name": ""},
    ],
)
def test_an_invitation_that_cannot_be_makes_no_account(make, entered, wrong) -> None:
    answer = entered("adm", Role.ADMINISTRATOR).post(reverse("accounts"), invitation(**wrong))
    assert answer.status_code == 422
    assert User.objects.count() == 1


def test_an_administrator_changes_roles_and_it_holds_at_once(make, entered) -> None:
    admin, nurse = entered("adm", Role.ADMINISTRATOR), entered("nils", Role.NURSE)
    user = User.objects.get(username="nils")
    change = reverse("person-change", args=[user.pk])
    admin.post(change, {"do": "give role", "role": "auditor", "clinic": only_clinic().pk})
    assert nurse.get(reverse("trail")).status_code == 200
    place = user.memberships.get(role="auditor")
    assert admin.post(change, {"do": "end role", "membership": place.pk}).status_code == 422
    admin.post(change, {"do": "end role", "membership": place.pk, "reason": "trainee time over"})
    assert nurse.get(reverse("trail")).status_code == 403
    told = TrailEntry.objects.filter(subject=f"people.membership:{place.pk}", action=Action.CHANGED).get()
    assert (told.by.username, told.reason) == ("adm", "trainee time over")
    admin.post(change, {"do": "end account", "reason": "left"})
    assert nurse.get(reverse("panel")).status_code == 403


def test_a_clinic_keeps_an_administrator(make, entered) -> None:
    admin = entered("adm", Role.ADMINISTRATOR, Role.NURSE)
    user = User.objects.get(username="adm")
    answer = admin.post(reverse("person-change", args=[user.pk]), {"do": "end account", "reason": "left"})
    assert b"without an administrator" in answer.content
    assert len(User.objects.get(username="adm").places) == 2


def test_an_administrator_reaches_nobody_of_another_clinic(make, entered) -> None:
    admin = entered("adm", Role.ADMINISTRATOR)
    elsewhere = make.clinic()
    stranger = make.staff("olga", clinic=elsewhere)
    for address in (reverse("person", args=[stranger.pk]), reverse("person-change", args=[stranger.pk])):
        assert admin.get(address).status_code in (404, 405)
        assert admin.post(address, {"do": "give link"}).status_code in (404, 405)
    Membership.objects.create(
        user=stranger, clinic=Membership.objects.get(role="administrator").clinic, role="nurse"
    )
    answer = admin.post(reverse("person-change", args=[stranger.pk]), {"do": "give link"})
    assert b"also works at a clinic you do not administer" in answer.content
    answer = admin.post(
        reverse("person-change", args=[stranger.pk]),
        {"do": "give role", "role": "auditor", "clinic": elsewhere.pk},
    )
    assert answer.status_code == 422
    assert not stranger.memberships.filter(role="auditor").exists()


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.ADMINISTRATOR,)])
def test_accounts_are_the_administrators(make, role) -> None:
    client = Client()
    client.force_login(make.staff("x", role))
    assert client.get(reverse("accounts")).status_code == 403
    assert client.post(reverse("accounts"), invitation()).status_code == 403


@pytest.mark.parametrize("role", Role)
def test_the_trail_and_the_reviews_are_for_who_audits(make, role) -> None:
    client = Client()
    client.force_login(make.staff("x", role))
    expected = 200 if role in (Role.AUDITOR, Role.ADMINISTRATOR) else 403
    assert client.get(reverse("trail")).status_code == expected
    assert client.get(reverse("reviews")).status_code == expected
    assert client.post(reverse("trail-head")).status_code == expected


def test_the_trail_is_filtered_by_patient_person_day_and_action(make, entered) -> None:
    one, other = make.patient(), make.patient()
    nurse = entered("nils", Role.NURSE)
    for patient in (one, other):
        nurse.get(reverse("patient", args=[patient.key]))
    auditor = entered("aud", Role.AUDITOR)

    def numbers(**asked: str) -> set[int]:
        answer = auditor.get(reverse("trail"), asked)
        return {told["entry"].number for told in answer.context["entries"]}

    mine = set(TrailEntry.objects.filter(patient_key=one.key).values_list("number", flat=True))
    assert numbers(patient=one.number.lower()) == mine
    assert numbers(patient=one.number, action="viewed", person="nils") < mine
    assert numbers(person="nobody") == set()
    assert numbers(until="2020-01-01") == set()
    assert numbers(**{"from": "2020-01-01"}) >= mine
    assert b"expected a day such as" in auditor.get(reverse("trail"), {"from": "2020-13-01"}).content
    newest = TrailEntry.objects.first().number
    assert max(numbers(before=str(newest))) < newest


def test_an_administrator_reads_who_did_what_but_not_what_the_record_says(make, entered) -> None:
    make.patient(notes="a secret of hers")
    assert b"a secret of hers" in entered("aud", Role.AUDITOR).get(reverse("trail")).content
    page = entered("adm", Role.ADMINISTRATOR).get(reverse("trail")).content
    assert b"a secret of hers" not in page
    assert b"content not shown" in page


def test_the_trail_of_another_clinic_is_not_shown(make, entered) -> None:
    patient = make.patient()
    auditor = entered("aud", Role.AUDITOR, clinic=make.clinic())
    assert patient.number.encode() not in auditor.get(reverse("trail")).content


def test_the_exported_head_holds_until_the_chain_is_cut(make, entered) -> None:
    make.patient()
    answer = entered("aud", Role.AUDITOR).post(reverse("trail-head"))
    told = json.loads(answer.content)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert head_holds(told["head"], told["seal"])
    assert not head_holds(told["head"] | {"number": 1}, told["seal"])
    assert not head_holds(told["head"] | {"at": "2020-01-01T00:00:00+00:00"}, told["seal"])
    assert "BEGIN PUBLIC KEY" in told["public_key"]


def test_signing_in_and_out_and_failing_to_is_on_the_trail(make, entered) -> None:
    browser = entered("nils", Role.NURSE)
    browser.post(reverse("sign-out"))
    browser.post(reverse("sign-in"), {"login": "nils", "password": "wrong"})
    browser.post(reverse("sign-in"), {"login": "my own password", "password": "wrong"})
    user = User.objects.get(username="nils")
    told = (
        TrailEntry.objects.filter(patient_key=None).exclude(subject__startswith="people.m").order_by("number")
    )
    assert [(entry.action, entry.subject) for entry in told][-4:] == [
        (Action.SIGNED_IN, f"people.user:{user.pk}"),
        (Action.SIGNED_OUT, f"people.user:{user.pk}"),
        (Action.REFUSED, f"people.user:{user.pk}"),
        (Action.REFUSED, "account:unknown"),
    ]
    assert "my own password" not in str(list(told.values()))


def test_passwords_cannot_be_guessed_at_will(make, entered) -> None:
    entered("nils", Role.NURSE)
    for _ in range(6):
        answer = Client().post(reverse("sign-in"), {"login": "nils", "password": "wrong"})
    assert b"Too many attempts" in answer.content
    cache.clear()


def test_an_installation_of_several_clinics_asks_which_one(make) -> None:
    make.patient()
    make.clinic()
    with pytest.raises(ClinicError):
        make.patient()


def test_where_the_clinic_requires_a_second_factor_nothing_opens_before_it_is_there(
    make, entered, settings
) -> None:
    browser = entered("nils", Role.NURSE)
    settings.CLINIC_SECOND_FACTOR = "required"
    assert browser.get(reverse("panel")).headers["Location"] == reverse("account")
    assert browser.get(reverse("account")).status_code == 200


def test_a_record_is_restricted_to_a_team_and_opened_again_with_a_reason(make, entered) -> None:
    patient, colleague = make.patient(), entered("col", Role.NURSE)
    nurse, page = entered("nils", Role.NURSE), reverse("patient", args=[patient.key])
    address = reverse("care-team", args=[patient.key])
    assert nurse.post(address, {"do": "restrict"}).status_code == 422
    assert nurse.post(address, {"do": "restrict", "reason": "works here"}).status_code == 302
    assert (nurse.get(page).status_code, colleague.get(page).status_code) == (200, 404)
    colleague_pk = User.objects.get(username="col").pk
    nurse.post(address, {"do": "add", "person": colleague_pk})
    assert colleague.get(page).status_code == 200
    place = patient.team.get(user=colleague_pk)
    colleague.post(address, {"do": "take", "place": place.pk})
    assert colleague.get(page).status_code == 404
    last = patient.team.get(user__username="nils")
    assert nurse.post(address, {"do": "take", "place": last.pk}).status_code == 422
    nurse.post(address, {"do": "open", "reason": "no longer works here"})
    assert colleague.get(page).status_code == 200


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ENGINEER])
def test_who_only_reads_changes_no_team(make, entered, role) -> None:
    patient = make.patient()
    browser, address = entered("x", role), reverse("care-team", args=[patient.key])
    assert browser.get(address).status_code == 200
    assert browser.post(address, {"do": "restrict", "reason": "curious"}).status_code == 403


def test_nobody_of_another_clinic_is_put_on_a_team(make, entered) -> None:
    patient, nurse = make.patient(), entered("nils", Role.NURSE)
    stranger = make.staff("olga", clinic=make.clinic())
    address = reverse("care-team", args=[patient.key])
    assert nurse.post(address, {"do": "add", "person": stranger.pk}).status_code == 404


def test_an_administrator_changes_the_clinic_and_nobody_elses(make, entered) -> None:
    admin, clinic = entered("adm", Role.ADMINISTRATOR), only_clinic()
    told = {"name": "Harbour clinic", "zone": "Europe/Berlin", "line": "+49 40 1", "version": clinic.version}
    address = reverse("clinic", args=[clinic.pk])
    assert admin.post(address, told | {"zone": "Mars/Olympus"}).status_code == 422
    assert admin.post(address, told).status_code == 302
    assert admin.post(address, told | {"line": "2"}).status_code == 422  # an old copy
    clinic.refresh_from_db()
    assert (clinic.name, clinic.zone, clinic.line) == ("Harbour clinic", "Europe/Berlin", "+49 40 1")
    assert admin.get(reverse("clinic", args=[make.clinic().pk])).status_code == 404


def test_times_are_those_of_the_patients_clinic(make, entered) -> None:
    far = make.clinic(zone="Pacific/Auckland")
    near = make.clinic(zone="Europe/Berlin")
    both = entered("both", Role.NURSE, clinic=near)
    Membership.objects.create(user=User.objects.get(username="both"), clinic=far, role=Role.NURSE)
    for clinic, sign in ((far, "NZ"), (near, "CE")):
        patient = make.patient(clinic=clinic)
        page = both.get(reverse("patient-history", args=[patient.key])).content.decode()
        assert f"Times in {sign}" in page
