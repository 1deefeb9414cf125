"""Passkeys, the lock and the pages of people, in a browser."""

import re
from datetime import date

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.utils import timezone

from openitb.clinic.people import glass
from openitb.clinic.people.accounts import new_staff
from openitb.clinic.people.clinics import only_clinic
from openitb.clinic.people.models import Clinic, User
from openitb.clinic.people.roles import Role
from openitb.clinic.record.models import Patient

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EVERYTHING = (Role.PRESCRIBER, Role.ADMINISTRATOR, Role.AUDITOR)


@pytest.fixture(autouse=True)
def _nobody_tried_before() -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _seals_of_this_test(settings, tmp_path) -> None:
    settings.CLINIC_SEALS = tmp_path / "seals"


def patient(**changes: object) -> Patient:
    values = {"number": "T-1", "given_name": "Ada", "family_name": "Berg", "birth_date": date(1980, 5, 1)}
    values |= {"is_synthetic": True, "cause": "stroke", "origin": "cerebral", "stage": "titration"}
    return Patient.objects.create(**values | changes)


def sign_in(screen, home: str, name: str, password: str) -> None:
    screen.goto(f"{home}/sign-in/")
    screen.fill("#id_username", name)
    screen.fill("#id_password", password)
    screen.click(".sign-in__fields button[type=submit]")
    screen.wait_for_load_state("networkidle")


def check(screen) -> None:
    """No rule of axe is broken, nothing overflows sideways, nothing complained in the console."""
    screen.wait_for_load_state("networkidle")
    broken = Axe().run(screen).response["violations"]
    assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in broken] == []
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert screen.evaluate(width) <= 0
    assert screen.complaints == []


def device(screen) -> None:
    """A device that keeps passkeys and whose person agrees to everything."""
    devices = screen.context.new_cdp_session(screen)
    devices.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    options |= {"hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def confirmed(screen, password: str) -> None:
    screen.fill("#confirm-password", password)
    screen.click("main button[type=submit]")


def test_every_page_of_people(live_server, screen) -> None:
    one, home = patient(), live_server.url
    new_staff("olga", clinic=elsewhere())
    olga = User.objects.get(username="olga")
    glass.open_record(olga, one, "unconscious in our emergency room", timezone.now())
    password = new_staff("mira", *EVERYTHING, full_name="Mira Olsen", clinic=one.clinic)
    sign_in(screen, home, "mira", password)
    pages = ["account", "accounts", "trail", "reviews", "emergency", "account/password", "account/sessions"]
    pages += [f"accounts/{User.objects.get(username='mira').pk}", f"clinics/{one.clinic.pk}"]
    pages += [f"patients/{one.key}/access"]
    for page in pages:
        screen.goto(f"{home}/{page}/")
        check(screen)


def elsewhere() -> Clinic:
    only_clinic()
    return Clinic.objects.create(name="Elsewhere", zone="UTC")


def test_a_passkey_is_added_and_then_signs_in_alone(live_server, screen) -> None:
    home, password = live_server.url, new_staff("mira")
    device(screen)
    sign_in(screen, home, "mira", password)
    screen.goto(f"{home}/account/passkeys/add/")
    check(screen)
    confirmed(screen, password)
    screen.wait_for_selector("#id_name")
    check(screen)
    screen.fill("#id_name", "Laptop")
    screen.click("main button[type=submit]")
    screen.wait_for_selector(".recovery")
    check(screen)
    screen.goto(f"{home}/account/")
    assert "Laptop" in screen.inner_text("main")
    check(screen)
    screen.click(".itb-header__out")
    screen.wait_for_selector("text=Sign in with a passkey")
    check(screen)
    screen.click("text=Sign in with a passkey")
    screen.wait_for_selector(".page-head")
    assert screen.url == f"{home}/"
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def test_a_passkey_is_a_second_factor_and_confirms_a_deed(live_server, desk_screen, settings) -> None:
    home, password = live_server.url, new_staff("mira", *EVERYTHING)
    screen = desk_screen
    device(screen)
    sign_in(screen, home, "mira", password)
    screen.goto(f"{home}/account/passkeys/add/")
    confirmed(screen, password)
    screen.fill("#id_name", "Key")
    screen.uncheck("[name=passwordless]")
    screen.click("main button[type=submit]")
    screen.wait_for_selector(".recovery")
    screen.click(".itb-header__out")
    sign_in(screen, home, "mira", password)
    screen.wait_for_selector("text=Second factor")
    check(screen)
    screen.click("text=Use a passkey")
    screen.wait_for_selector(".page-head")
    settings.CLINIC_CONFIRM_SECONDS = 0
    screen.goto(f"{home}/accounts/")
    screen.fill("#id_full_name", "Kim Vale")
    screen.fill("#id_username", "kim")
    screen.check("[name=roles][value=nurse]")
    settings.CLINIC_CONFIRM_SECONDS = 5
    screen.click("text=Use a passkey")
    screen.wait_for_selector("[data-link]")
    check(screen)


def test_an_authenticator_app_is_added_and_asked_for(live_server, screen) -> None:
    home, password = live_server.url, new_staff("mira")
    sign_in(screen, home, "mira", password)
    assert screen.locator("text=Add a second factor").count() == 1
    screen.goto(f"{home}/account/codes/")
    confirmed(screen, password)
    screen.wait_for_selector(".qr")
    check(screen)
    secret = screen.inner_text("[data-secret]")
    code = format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))
    screen.fill("#id_code", code)
    screen.click("main button[type=submit]")
    screen.wait_for_selector(".recovery")
    spare = screen.inner_text(".recovery li")
    assert screen.locator("text=Add a second factor").count() == 0
    screen.click(".itb-header__out")
    sign_in(screen, home, "mira", password)
    screen.fill("#id_code", "000000")
    screen.click("text=Go on")
    screen.wait_for_selector("text=That code is not right")
    check(screen)
    screen.fill("#id_code", spare)
    screen.click("text=Go on")
    screen.wait_for_selector(".page-head")


def test_an_idle_page_locks_and_what_was_typed_is_still_there(live_server, screen, settings) -> None:
    one, home, password = patient(), live_server.url, new_staff("mira")
    sign_in(screen, home, "mira", password)
    settings.CLINIC_IDLE_SECONDS = 8
    screen.goto(f"{home}/patients/{one.key}/sheets/new/desk.call/")
    text = screen.locator("main textarea").first
    text.fill("beeps since noon, no fever")
    screen.wait_for_selector("dialog[open]", timeout=20_000)
    assert not text.is_visible()
    screen.keyboard.press("Escape")
    screen.keyboard.press("Escape")
    screen.wait_for_selector("dialog[open]")
    check(screen)
    screen.fill("#lock-password", "guess")
    screen.click("dialog button")
    screen.wait_for_selector("text=That is not right")
    screen.complaints.clear()  # the console tells of the 403
    settings.CLINIC_IDLE_SECONDS = 900
    screen.fill("#lock-password", password)
    screen.click("dialog button")
    screen.wait_for_selector("dialog", state="hidden")
    assert text.input_value() == "beeps since noon, no fever"
    assert screen.complaints == []
    screen.reload()
    assert screen.locator("main textarea").count() > 0


def test_a_lock_covers_the_other_tab_too(live_server, desk_screen) -> None:
    home, password = live_server.url, new_staff("mira")
    sign_in(desk_screen, home, "mira", password)
    other = desk_screen.context.new_page()
    other.goto(f"{home}/help/")
    desk_screen.evaluate("document.dispatchEvent(new Event('itb:locked'))")
    desk_screen.evaluate("localStorage.setItem('itb-covered', 'yes')")
    other.wait_for_selector("dialog[open]")
    other.fill("#lock-password", password)
    other.click("dialog button")
    desk_screen.wait_for_selector("dialog", state="hidden")


def test_a_record_of_another_clinic_is_opened_in_an_emergency_and_reviewed(live_server, screen) -> None:
    one, home = patient(), live_server.url
    password = new_staff("olga", clinic=elsewhere())
    reviewer = new_staff("aud", Role.AUDITOR, clinic=one.clinic)
    sign_in(screen, home, "olga", password)
    screen.goto(f"{home}/patients/{one.key}/")
    screen.wait_for_selector("text=Nothing here")
    screen.complaints.clear()  # the console tells of the 404
    check(screen)
    screen.click("main >> text=open the record")
    screen.fill("#id_number", "T-1")
    screen.fill("#id_birth_date", "1980-05-01")
    screen.fill("#id_reason", "unconscious in our emergency room")
    screen.click("text=Open the record")
    screen.wait_for_selector("text=Opened in an emergency")
    check(screen)
    screen.click(".itb-header__out")
    sign_in(screen, home, "aud", reviewer)
    screen.goto(f"{home}/account/")
    screen.click("text=to review")
    screen.check("[name=verdict][value=justified]")
    screen.fill("textarea", "Called them, the patient was there.")
    screen.click("text=Close the review")
    screen.wait_for_selector("text=Nothing waits for a review")
    check(screen)


def test_an_invited_person_comes_in_by_the_link(live_server, screen) -> None:
    home = live_server.url
    sign_in(screen, home, "adm", new_staff("adm", Role.ADMINISTRATOR))
    assert screen.url == f"{home}/account/"
    screen.goto(f"{home}/accounts/")
    screen.fill("#id_full_name", "Kim Vale")
    screen.fill("#id_username", "kim")
    screen.check("[name=roles][value=nurse]")
    screen.click("text=Invite >> nth=-1")
    screen.wait_for_selector("[data-link]")
    check(screen)
    link = re.sub(r"\s", "", screen.inner_text("[data-link]"))
    screen.click(".itb-header__out")
    screen.goto(link)
    check(screen)
    for box in ("#id_new_password1", "#id_new_password2"):
        screen.fill(box, "a hut by the lake")
    screen.click("main button[type=submit]")
    sign_in(screen, home, "kim", "a hut by the lake")
    assert screen.url == f"{home}/"
