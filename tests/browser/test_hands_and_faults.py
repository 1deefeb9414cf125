"""Without a mouse, with a name that does not fit, with a server that fails, after the session ended."""

from datetime import date
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from openitb.clinic.people.accounts import new_staff
from openitb.clinic.record.models import Patient, System

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(live_server: Any, pump: Any, desk_screen: Page) -> tuple[Page, str]:
    """A signed-in screen, and the address of somebody with the longest name there can be."""
    patient = Patient.objects.create(
        number="T-1",
        given_name="Maximiliana" * 7,
        family_name="Wolfeschlegelsteinhausen" * 3,
        birth_date=date(1980, 5, 1),
        cause="hereditary",
        diagnosis="x" * 200,
        next_step="y" * 240,
        origin="spinal",
        stage="titration",
    )
    System.objects.create(
        patient=patient,
        pump_id="synchromed-ii-20",
        serial="V1",
        implanted_on=date(2025, 1, 1),
        link_address="pump-1",
    )
    desk_screen.goto(f"{live_server.url}/sign-in/")
    desk_screen.fill("#id_username", "mira")
    desk_screen.fill("#id_password", new_staff("mira"))
    desk_screen.click("button[type=submit]")
    return desk_screen, f"{live_server.url}/patients/{patient.key}/"


def tab_to(screen: Page, selector: str) -> None:
    """Press Tab until it is reached; where the focus is must be seen."""
    for _ in range(60):
        screen.keyboard.press("Tab")
        if screen.evaluate("selector => document.activeElement.matches(selector)", selector):
            assert screen.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    pytest.fail(f"{selector} is not reached by Tab")


def test_a_dose_is_changed_without_a_mouse(page: tuple[Page, str], pump: Any) -> None:
    screen, patient = page
    screen.goto(patient)
    tab_to(screen, "a.cds--btn--primary")
    screen.keyboard.press("Enter")
    expect(screen).to_have_url(f"{patient}program/")
    tab_to(screen, "main form button[type=submit]")
    screen.keyboard.press("Enter")
    screen.wait_for_selector("[data-order-form]")
    tab_to(screen, "#dose")
    screen.keyboard.press("Control+a")
    screen.keyboard.type("210")
    screen.keyboard.press("Enter")
    screen.wait_for_selector(".agree input")
    tab_to(screen, ".agree input")
    screen.keyboard.press("Space")
    tab_to(screen, "button[form=commit]")
    screen.keyboard.press("Enter")
    expect(screen.locator("main")).to_contain_text("Applied: the pump runs the new program")
    assert [program.daily_dose_pg for program in pump.programs.values()] == [210_000_000]


def test_the_first_tab_offers_to_skip_to_the_content(page: tuple[Page, str]) -> None:
    screen, patient = page
    screen.goto(patient)
    screen.keyboard.press("Tab")
    screen.keyboard.press("Enter")
    assert screen.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("width", [1440, 390])
def test_the_longest_names_do_not_push_a_page_sideways(page: tuple[Page, str], width: int) -> None:
    screen, patient = page
    screen.set_viewport_size({"width": width, "height": 844})
    for address in (patient, f"{patient}program/", f"{patient}history/", patient.split("/patients/")[0]):
        screen.goto(address)
        screen.wait_for_load_state("networkidle")
        over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert screen.evaluate(over) <= 0, address


def test_a_part_of_a_page_that_fails_says_so_in_its_place(
    page: tuple[Page, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen, patient = page

    def fails(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("scripted_link.ScriptedLink.outlook", fails)
    screen.goto(patient)
    expect(screen.locator("#prediction [role=alert]")).to_contain_text("could not be fetched")
    expect(screen.locator("main")).to_have_count(1)
    expect(screen.locator("#pump-card")).to_contain_text("read now")


def test_after_the_session_ended_reading_again_asks_to_sign_in(page: tuple[Page, str]) -> None:
    screen, patient = page
    screen.goto(patient)
    screen.wait_for_selector("#pump-card .pump__dose")
    Session.objects.all().delete()
    screen.click("text=Read again")
    screen.wait_for_selector("#id_password")
    expect(screen.locator("main")).to_have_count(1)
    assert "/sign-in/?next=/patients/" in screen.url
