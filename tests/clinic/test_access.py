"""Owner, colleague, outsider: who sees which page."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from openitb.clinic.people.access import may, patients_for
from openitb.clinic.people.accounts import join, new_staff
from openitb.clinic.people.clinics import only_clinic
from openitb.clinic.people.models import TeamPlace, User
from openitb.clinic.people.roles import Act, Role
from openitb.clinic.record.models import Action, DoseRecord, Interrogation, TrailEntry

OPEN_TO_ALL = {
    "sign-in",
    "account_login",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "account_inactive",
    "welcome",
    "sign-out",
    "account_logout",
}
OWN_ACCOUNT = {
    "account",
    "account_change_password",
    "account_reauthenticate",
    "alive",
    "lock",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_deactivate_totp",
    "mfa_generate_recovery_codes",
    "mfa_index",
    "mfa_list_webauthn",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_remove_webauthn",
    "mfa_view_recovery_codes",
    "passkey-options",
    "unlock",
    "usersessions_list",
}

SOME = {
    "command_id": uuid4(),
    "sheet_key": uuid4(),
    "kind_id": "desk.call",
    "stage_id": "contact",
    "work_id": 1,
    "pk": 1,
    "uidb64": "MQ",
    "token": "x",
}


def every_page(patient_key: object, but: set[str] = OPEN_TO_ALL) -> list[str]:
    """The address of each named page, with a real patient where it needs one."""
    known = SOME | {"key": patient_key}
    addresses = []
    for name in get_resolver().reverse_dict:
        if isinstance(name, str) and name not in but:
            needs = get_resolver().reverse_dict.getlist(name)[0][0][0][1]
            addresses.append(reverse(name, kwargs={each: known[each] for each in needs}))
    return addresses


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_to_sign_in_from_every_page(client: Client, make, method) -> None:
    addresses = every_page(make.system().patient.key)
    assert len(addresses) >= 10
    for address in addresses:
        answer = getattr(client, method)(address)
        assert (answer.status_code, answer.headers.get("Location", "").split("?")[0]) == (302, "/sign-in/"), (
            address
        )


def test_a_part_of_a_page_is_refused_to_a_stranger_instead_of_led_to_sign_in(client: Client, make) -> None:
    address = reverse("patient-pump", args=[make.system().patient.key])
    answer = client.get(address, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (401, b"")


def test_nobody_is_signed_out_on_a_get(desk: Client) -> None:
    assert desk.get(reverse("sign-out")).status_code == 405


@pytest.mark.parametrize("name", ["program-review", "program-commit"])
def test_nothing_is_programmed_on_a_get(desk: Client, make, pump, name) -> None:
    key = make.system().patient.key
    order = {"order": '{"mode": "stopped"}', "mode": "stopped", "compared": "yes"}
    answer = desk.get(reverse(name, args=[key]), order)
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("program", args=[key]))
    assert pump.sent == []
    assert not DoseRecord.objects.exists()


def test_a_read_back_is_not_done_on_a_get(desk: Client, make) -> None:
    record = make.dose(make.system(), outcome="unknown", settled_at=None)
    address = reverse("read-back", args=[record.system.patient.key, record.command_id])
    assert desk.get(address).status_code == 302
    record.refresh_from_db()
    assert record.outcome == "unknown"


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_unknown_methods_are_refused_by_the_pages_of_a_patient(desk: Client, make, method) -> None:
    assert getattr(desk, method)(reverse("program", args=[make.system().patient.key])).status_code == 405


def patient_pages() -> list[str]:
    """Names of the pages whose address names a patient."""
    names = get_resolver().reverse_dict
    return [n for n in names if isinstance(n, str) and "key" in names.getlist(n)[0][0][0][1]]


def status(client: Client, name: str, key: object, method: str = "get") -> int:
    """What a named page of a patient answers."""
    needs = get_resolver().reverse_dict.getlist(name)[0][0][0][1]
    known = SOME | {"key": key}
    return getattr(client, method)(reverse(name, kwargs={n: known[n] for n in needs})).status_code


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_works_at_another_clinic_is_told_the_same_as_of_nobody(make, pump, method) -> None:
    patient = make.system().patient
    outsider = signed_in(make.staff("olga", Role.PRESCRIBER, Role.AUDITOR, clinic=make.clinic()))
    for name in patient_pages():
        told = status(outsider, name, patient.key, method)
        assert told == status(outsider, name, uuid4(), method), name
        assert told in (302, 404, 405), name  # led to the start, which is not found; or never allowed
    refused = TrailEntry.objects.filter(action=Action.REFUSED, patient_key=patient.key)
    assert {entry.by.username for entry in refused} == {"olga"}
    assert not Interrogation.objects.exists()


def test_each_clinic_lists_its_own_patients(make) -> None:
    here = make.patient(family_name="Here")
    there = make.patient(family_name="There", clinic=make.clinic())
    nurse, other = (make.staff(str(p.clinic_id), clinic=p.clinic) for p in (here, there))
    for user, mine, theirs in ((nurse, here, there), (other, there, here)):
        page = signed_in(user).get(reverse("panel")).content.decode()
        assert (mine.family_name in page, theirs.family_name in page) == (True, False)


@pytest.mark.parametrize(
    ("role", "sees", "programs"),
    [
        (Role.NURSE, True, True),
        (Role.PRESCRIBER, True, True),
        (Role.SURGEON, True, True),
        (Role.PHARMACIST, True, False),
        (Role.THERAPIST, True, False),
        (Role.AUDITOR, True, False),
        (Role.ENGINEER, True, False),
        (Role.ADMINISTRATOR, False, False),
    ],
)
def test_a_role_opens_what_its_work_needs(make, pump, role, sees, programs) -> None:
    patient = make.system().patient
    client = signed_in(make.staff("kim", role))
    seen = status(client, "patient", patient.key)
    assert seen == (200 if sees else 404)
    programmed = status(client, "program", patient.key, "post")
    assert programmed == (200 if programs else 403 if sees else 404)
    assert Interrogation.objects.exists() == programs


def test_a_record_restricted_to_a_care_team_is_seen_by_it_and_by_the_auditor(make) -> None:
    patient = make.patient(is_restricted=True)
    on_team, colleague = make.staff("tea"), make.staff("col")
    TeamPlace.objects.create(patient=patient, user=on_team)
    auditor = make.staff("aud", Role.AUDITOR)
    assert [status(signed_in(user), "patient", patient.key) for user in (on_team, colleague, auditor)] == [
        200,
        404,
        200,
    ]
    listed = [patients_for(user).contains(patient) for user in (on_team, colleague, auditor)]
    assert listed == [True, False, True]


def test_who_left_a_care_team_or_a_clinic_sees_the_record_no_more(make) -> None:
    patient = make.patient(is_restricted=True)
    user = make.staff("tea")
    place = TeamPlace.objects.create(patient=patient, user=user)
    client = signed_in(user)
    assert status(client, "patient", patient.key) == 200
    place.end("moved to another ward")
    assert status(client, "patient", patient.key) == 404
    user.memberships.get().end("left")
    assert client.get(reverse("panel")).status_code == 403


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("role", Role)
def test_the_list_and_the_page_agree_on_who_may_what(make, role, act) -> None:
    user = make.staff("kim", role)
    patients = [make.patient(), make.patient(is_restricted=True), make.patient(clinic=make.clinic())]
    TeamPlace.objects.create(patient=patients[1], user=user)
    listed = set(patients_for(user, act))
    assert listed == {patient for patient in patients if may(user, patient, act)}


def test_a_view_of_a_record_is_on_the_trail_once_in_some_minutes(desk: Client, make, staff) -> None:
    patient = make.system().patient
    for name in ("patient", "patient", "patient-history"):
        assert status(desk, name, patient.key) == 200
    seen = TrailEntry.objects.filter(action=Action.VIEWED, patient_key=patient.key)
    assert [entry.by for entry in seen] == [staff]


def test_what_a_request_writes_is_by_the_person_who_made_it(desk: Client, make, pump, staff) -> None:
    patient = make.system().patient
    assert status(desk, "program", patient.key, "post") == 200
    reading = TrailEntry.objects.filter(subject__startswith="record.interrogation").first()
    assert reading.by == staff


@pytest.mark.parametrize("role", [None, Role.PATIENT, Role.CAREGIVER])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_signed_in_person_who_is_not_staff_is_refused_every_page(
    client: Client, make, method, role
) -> None:
    visitor = User.objects.create_user("visitor")
    join(visitor, only_clinic(), *([role] if role else []))
    client.force_login(visitor)
    for address in every_page(make.system().patient.key, OPEN_TO_ALL | OWN_ACCOUNT):
        assert getattr(client, method)(address).status_code == 403, address


def test_a_member_of_staff_who_has_left_is_a_stranger(client: Client, staff) -> None:
    client.force_login(staff)
    User.objects.filter(pk=staff.pk).update(is_active=False)
    assert client.get(reverse("panel")).status_code == 302


def test_staff_open_the_list_and_a_patient(desk: Client, make) -> None:
    patient = make.patient()
    for address in (reverse("panel"), reverse("help"), reverse("patient", args=[patient.key])):
        assert desk.get(address).status_code == 200


def test_who_is_not_staff_can_still_sign_out(client: Client, db) -> None:
    client.force_login(User.objects.create_user("visitor"))
    assert client.post(reverse("sign-out")).headers["Location"] == reverse("sign-in")
    assert client.get(reverse("panel")).headers["Location"].startswith(reverse("sign-in"))


def test_the_generated_password_signs_in_and_no_other_does(client: Client, db) -> None:
    password = new_staff("kim", full_name="Kim Vale")
    assert len(password) >= 16
    wrong = client.post(reverse("sign-in"), {"login": "kim", "password": "kim"})
    assert wrong.status_code == 200
    assert b"is not right" in wrong.content
    right = client.post(reverse("sign-in"), {"login": "kim", "password": password})
    assert right.headers["Location"] == reverse("panel")
    assert User.objects.get(username="kim").shown_name == "Kim Vale"


def test_a_post_without_its_token_is_refused(make, staff) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(staff)
    answer = strict.post(reverse("program", args=[make.system().patient.key]))
    assert answer.status_code == 403
    assert b"has expired" in answer.content


def test_a_patient_that_does_not_exist_is_not_found(desk: Client) -> None:
    answer = desk.get(reverse("patient", args=[uuid4()]))
    assert answer.status_code == 404
    assert b"Nothing here" in answer.content


def test_pages_allow_only_our_own_scripts_and_are_not_cached(desk: Client) -> None:
    answer = desk.get(reverse("panel"))
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(client: Client, db) -> None:
    client.post(reverse("sign-in"), {"login": "kim", "password": new_staff("kim")})
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Strict", "")
