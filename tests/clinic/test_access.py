"""Owner, colleague, outsider: who sees which page."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from openitb.clinic.people.accounts import new_staff
from openitb.clinic.people.models import User
from openitb.clinic.record.models import DoseRecord

OPEN_TO_ALL = {"sign-in", "sign-out"}


def every_page(patient_key: object) -> list[str]:
    """The address of each named page, with a real patient where it needs one."""
    addresses = []
    for name in get_resolver().reverse_dict:
        if not isinstance(name, str) or name in OPEN_TO_ALL:
            continue
        needs = get_resolver().reverse_dict.getlist(name)[0][0][0][1]
        known = {"key": patient_key, "command_id": uuid4()}
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


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_signed_in_person_who_is_not_staff_is_refused_every_page(client: Client, make, method) -> None:
    client.force_login(User.objects.create_user("visitor"))
    for address in every_page(make.system().patient.key):
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
    wrong = client.post(reverse("sign-in"), {"username": "kim", "password": "kim"})
    assert wrong.status_code == 200
    assert b"is not right" in wrong.content
    right = client.post(reverse("sign-in"), {"username": "kim", "password": password})
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
    client.post(reverse("sign-in"), {"username": "kim", "password": new_staff("kim")})
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Strict", "")
