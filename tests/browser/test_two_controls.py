"""The order on the page: a dose is typed, the flow beside it follows and takes nothing."""

from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from openitb.clinic.people.accounts import new_staff
from openitb.clinic.record.models import Patient, System

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def order(live_server: Any, pump: Any, desk_screen: Page) -> Page:
    """The page of a new order, at 500 µg/mL."""
    patient = Patient.objects.create(
        number="T-1",
        given_name="Ada",
        family_name="Test",
        birth_date=date(1980, 5, 1),
        cause="spinal-cord-injury",
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
    desk_screen.goto(f"{live_server.url}/patients/{patient.key}/program/")
    desk_screen.click("main form button[type=submit]")
    desk_screen.wait_for_selector("[data-order-form]")
    return desk_screen


@pytest.mark.requirement("PRG-08")
def test_the_flow_follows_the_dose_and_is_what_the_review_tells(order: Page) -> None:
    flow = order.locator("[data-flow]")
    expect(flow).to_have_text("0.4 mL/day")
    order.fill("#dose", "210")
    expect(flow).to_have_text("0.42 mL/day")
    order.fill("#dose", "much")
    expect(flow).to_have_text("told at the review")
    order.fill("#dose", "210")
    order.click("[data-order-form] button[type=submit]")
    expect(order.locator("table.compare tr", has_text="Mean flow")).to_contain_text("0.42 mL/day")


@pytest.mark.requirement("PRG-08")
def test_the_flow_takes_no_key_and_is_not_sent(order: Page) -> None:
    flow = order.locator("[data-flow]")
    flow.click()
    order.keyboard.type("9")
    expect(flow).to_have_text("0.4 mL/day")
    assert flow.evaluate("e => [e.tagName, e.tabIndex, e.isContentEditable]") == ["OUTPUT", -1, False]
    entered = order.evaluate("[...new FormData(document.querySelector('[data-order-form]')).keys()]")
    assert not [name for name in entered if "flow" in name]
    boxes = order.locator("[data-order-form] :is(input, textarea, select):visible:not([type=radio])")
    assert [box.get_attribute("name") for box in boxes.all()] == ["dose"]


@pytest.mark.requirement("PRG-08")
@pytest.mark.hazard("INC-13")
def test_a_flow_typed_as_a_dose_is_refused(order: Page, pump: Any) -> None:
    order.fill("#dose", "0.42 mL/day")
    order.click("[data-order-form] button[type=submit]")
    expect(order.locator("#dose-error")).to_contain_text("0.42 mL/day")
    assert pump.sent == []
