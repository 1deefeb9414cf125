"""The idle lock, and proving who one is before a pump is programmed or a sheet signed."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client
from django.urls import reverse

from openitb.clinic.people.accounts import new_staff
from openitb.clinic.people.models import User
from openitb.clinic.people.roles import Role
from openitb.clinic.record.models import Action, DoseRecord, TrailEntry

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def password(db) -> str:
    return new_staff("nils")


@pytest.fixture
def browser(client: Client, password: str) -> Client:
    client.post(reverse("sign-in"), {"login": "nils", "password": password})
    return client


def code() -> str:
    return format_hotp_value(hotp_value(SECRET, next(yield_hotp_counters_from_time())))


def age(browser: Client, seconds: float) -> None:
    """Let time pass for a session: everything it remembers happened so much earlier."""
    session = browser.session
    session["last_seen"] -= seconds
    for record in session["account_authentication_methods"]:
        record["at"] -= seconds
    session.save()


def test_a_session_nobody_used_for_the_set_time_is_locked(browser: Client, settings) -> None:
    age(browser, settings.CLINIC_IDLE_SECONDS - 30)
    assert browser.get(reverse("panel")).status_code == 200
    age(browser, settings.CLINIC_IDLE_SECONDS + 1)
    answer = browser.get(reverse("panel"))
    assert answer.status_code == 423
    assert b"It opens again for" in answer.content


def test_fetching_parts_of_a_page_does_not_count_as_a_hand_on_it(browser: Client, settings) -> None:
    for _ in range(3):
        age(browser, settings.CLINIC_IDLE_SECONDS / 2)
        status = browser.get(reverse("panel"), headers={"HX-Request": "true"}).status_code
    assert status == 423


def test_typing_counts_though_nothing_is_sent(browser: Client, settings) -> None:
    for _ in range(3):
        age(browser, settings.CLINIC_IDLE_SECONDS / 2)
        assert browser.post(reverse("alive")).status_code == 204
    assert browser.get(reverse("panel")).status_code == 200


def test_a_locked_page_opens_for_its_person_only(browser: Client, password: str) -> None:
    browser.post(reverse("lock"))
    wrong = browser.post(reverse("unlock"), {"identity_password": "guess", "next": "/help/"})
    assert wrong.status_code == 423
    assert browser.get(reverse("panel")).status_code == 423
    right = browser.post(reverse("unlock"), {"identity_password": password, "next": "/help/"})
    assert right.headers["Location"] == "/help/"
    assert browser.get(reverse("panel")).status_code == 200


def test_unlocking_leads_to_no_other_site(browser: Client, password: str) -> None:
    browser.post(reverse("lock"))
    answer = browser.post(reverse("unlock"), {"identity_password": password, "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/"


def test_a_form_sent_to_a_locked_page_is_kept_and_offered_again(
    browser: Client, password: str, make, settings
) -> None:
    page = reverse("sheet-new", args=[make.patient().key, "desk.call"])
    age(browser, settings.CLINIC_IDLE_SECONDS + 1)
    answer = browser.post(page, {"said": "it beeps <twice>", "identity_password": "typed elsewhere"})
    assert answer.status_code == 423
    again = browser.post(reverse("unlock"), {"identity_password": password}).content.decode()
    assert 'name="said" value="it beeps &lt;twice&gt;"' in again
    assert f'action="{page}"' in again
    assert "typed elsewhere" not in again


def test_nothing_is_programmed_through_a_lock(browser: Client, make, pump) -> None:
    system = make.system()
    browser.post(reverse("lock"))
    answer = browser.post(reverse("program-commit", args=[system.patient.key]), {"compared": "yes"})
    assert answer.status_code == 423
    assert pump.sent == []


def reviewed(browser: Client, system) -> dict[str, str]:
    """A review's own form, filled to be sent."""
    address = reverse("program-review", args=[system.patient.key])
    answer = browser.post(address, {"mode": "simple continuous", "dose": "210", "dose_unit": "ug/day"})
    context = answer.context
    return {
        "order": context["order_json"],
        "review_digest": context["review"].digest,
        "command_id": str(context["command_id"]),
        "compared": "yes",
        "override": "",
    }


def test_a_pump_is_programmed_only_by_who_just_proved_who_they_are(
    browser: Client, password: str, make, pump, settings
) -> None:
    system = make.system()
    age(browser, settings.CLINIC_CONFIRM_SECONDS + 1)
    order = reviewed(browser, system)
    commit = reverse("program-commit", args=[system.patient.key])
    for proof in ({}, {"identity_password": "guess"}):
        answer = browser.post(commit, order | proof)
        assert answer.status_code == 200
        assert b"identity_password" in answer.content
        assert not DoseRecord.objects.exists()
    assert browser.post(commit, order | {"identity_password": password}).status_code == 302
    assert DoseRecord.objects.get().by.username == "nils"


def test_who_signed_in_a_moment_ago_is_not_asked_again(browser: Client, make, pump) -> None:
    system = make.system()
    answer = browser.post(reverse("program-commit", args=[system.patient.key]), reviewed(browser, system))
    assert answer.status_code == 302


def test_guesses_at_a_password_are_counted(browser: Client, make) -> None:
    for _ in range(11):
        answer = browser.post(reverse("unlock"), {"identity_password": "guess"})
    assert b"Too many attempts" in answer.content
    refused = TrailEntry.objects.filter(action=Action.REFUSED, content__act="prove who they are")
    assert refused.count() == 10


def with_app(user: User) -> None:
    TOTP.activate(user, SECRET)
    RecoveryCodes.activate(user)


def test_a_code_of_the_app_is_asked_for_at_sign_in_and_holds_once(client: Client, password: str) -> None:
    with_app(User.objects.get(username="nils"))
    answer = client.post(reverse("sign-in"), {"login": "nils", "password": password})
    assert answer.headers["Location"] == reverse("mfa_authenticate")
    assert client.get(reverse("panel")).status_code == 302
    now = code()
    assert client.post(reverse("mfa_authenticate"), {"code": "000000"}).status_code == 200
    assert client.post(reverse("mfa_authenticate"), {"code": now}).headers["Location"] == reverse("panel")
    assert client.get(reverse("panel")).status_code == 200
    client.post(reverse("sign-out"))
    client.post(reverse("sign-in"), {"login": "nils", "password": password})
    assert client.post(reverse("mfa_authenticate"), {"code": now}).status_code == 200
    assert client.get(reverse("panel")).status_code == 302


def test_a_recovery_code_opens_the_account_once(client: Client, password: str) -> None:
    user = User.objects.get(username="nils")
    with_app(user)
    spare = RecoveryCodes(Authenticator.objects.get(user=user, type="recovery_codes")).get_unused_codes()[0]
    for expected in (302, 200):
        client.post(reverse("sign-in"), {"login": "nils", "password": password})
        assert client.post(reverse("mfa_authenticate"), {"code": spare}).status_code == expected
        client.post(reverse("sign-out"))


def test_the_secret_of_an_app_is_not_kept_in_clear(password: str) -> None:
    with_app(User.objects.get(username="nils"))
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert SECRET not in kept


def test_where_the_clinic_asks_for_a_factor_to_program_a_password_is_not_enough(
    browser: Client, password: str, make, pump, settings
) -> None:
    settings.CLINIC_SECOND_FACTOR = "signing"
    system = make.system()
    commit = reverse("program-commit", args=[system.patient.key])
    order = reviewed(browser, system)
    answer = browser.post(commit, order | {"identity_password": password})
    assert b"A second factor is asked for here" in answer.content
    with_app(User.objects.get(username="nils"))
    answer = browser.post(commit, order | {"identity_password": password})
    assert b"use a code or a passkey" in answer.content
    assert not DoseRecord.objects.exists()
    assert browser.post(commit, order | {"identity_code": code()}).status_code == 302


def test_a_lost_factor_is_taken_away_by_the_administrator(make, client: Client, password: str) -> None:
    user = User.objects.get(username="nils")
    with_app(user)
    admin = Client()
    admin.post(reverse("sign-in"), {"login": "adm", "password": new_staff("adm", Role.ADMINISTRATOR)})
    admin.post(reverse("person-change", args=[user.pk]), {"do": "take factors"})
    assert not Authenticator.objects.exists()
    client.post(reverse("sign-in"), {"login": "nils", "password": password})
    assert client.get(reverse("panel")).status_code == 200


def test_factors_are_changed_only_by_who_just_proved_who_they_are(browser: Client, settings) -> None:
    age(browser, settings.CLINIC_CONFIRM_SECONDS + 1)
    answer = browser.get(reverse("mfa_activate_totp"))
    assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
