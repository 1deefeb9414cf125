"""The light on the pump's card: what Chromium draws is what the programmer's indicator asks for."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from openitb.clinic.desk.ports import AlarmState
from openitb.clinic.people.accounts import new_staff
from openitb.clinic.record.models import Patient, System
from openitb.implant.firmware.priorities import Priority
from openitb.programmer.indicator import light_for

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WORDS = "high priority: Your pump does not move. Call now."
STALL = AlarmState("motor-stall", "critical", "Motor stall (two-tone alarm)", 1_767_600_000_000, WORDS)
RGB = {"red": "rgb(255, 0, 0)", "yellow": "rgb(255, 255, 0)", "cyan": "rgb(0, 255, 255)"}
FIRST_MS, STEP_MS = 3, 20  # between the edges


@pytest.fixture(params=["no-preference", "reduce"])
def card(live_server: Any, pump: Any, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Opens a page whose pump lights one priority, for those who mind motion and those who do not."""
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
    context = chromium.new_context(reduced_motion=request.param)
    screen = context.new_page()
    screen.goto(f"{live_server.url}/sign-in/")
    screen.fill("#id_username", "mira")
    screen.fill("#id_password", new_staff("mira"))
    screen.click("button[type=submit]")

    def opened(priority: str) -> tuple[Page, bool]:
        pump.light, pump.alarms = priority, (STALL,) if priority else ()
        screen.goto(f"{live_server.url}/patients/{patient.key}/")
        expect(screen.locator("#pump-card")).to_contain_text("read now")
        return screen, request.param == "reduce"

    yield opened
    context.close()


def drawn(screen: Page, span_ms: int) -> list[str]:
    """The colour of the lamp at each step of its own clock."""
    return screen.evaluate(
        """([first, span, step]) => {
            const lamp = document.querySelector(".alarm-light__lamp");
            const seen = [];
            for (let at = first; at < span; at += step) {
                for (const one of lamp.getAnimations()) { one.pause(); one.currentTime = at; }
                seen.push(getComputedStyle(lamp).backgroundColor);
            }
            return seen;
        }""",
        [FIRST_MS, span_ms, STEP_MS],
    )


@pytest.mark.requirement("ALM-02")
@pytest.mark.parametrize("priority", [one.value for one in Priority])
def test_the_lamp_shines_in_colour_and_rhythm_of_its_priority_or_stands_lit(card: Any, priority: str) -> None:
    screen, is_still = card(priority)
    light = light_for(Priority(priority))
    span_ms = 4 * (light.period_ms or 500)
    lit = [colour == RGB[light.colour] for colour in drawn(screen, span_ms)]
    asked = [is_still or light.is_lit(at) for at in range(FIRST_MS, span_ms, STEP_MS)]
    assert lit == asked
    if light.period_ms and not is_still:
        assert sum(now and not before for before, now in pairwise([False, *lit])) == 4


@pytest.mark.requirement("ALM-02")
def test_the_words_beside_the_lamp_name_the_priority_and_what_to_do(card: Any) -> None:
    screen, _ = card("high")
    expect(screen.locator("#pump-card .alarm-light")).to_have_text("High priority alarm")
    expect(screen.locator("#pump-card .notice")).to_contain_text(WORDS[1:])
    screen, _ = card("")
    expect(screen.locator(".alarm-light")).to_have_count(0)
