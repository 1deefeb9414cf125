"""Every page at both widths in both themes: accessible, nothing cut off, nothing blocked."""

from datetime import date, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

from openitb.clinic.people.accounts import new_staff
from openitb.clinic.record.models import Alarm, DoseRecord, Encounter, Patient, RefillRecord, Score, System

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def clinic(live_server, pump, screen):
    """A signed-in screen and a patient with something of everything."""
    patient = Patient.objects.create(
        number="T-1",
        is_synthetic=True,
        given_name="Ada",
        family_name="Berg",
        birth_date=date(1980, 5, 1),
        cause="stroke",
        origin="cerebral",
        stage="titration",
        next_step="Titrate",
        notes="Lives alone",
    )
    now = timezone.now()
    system = System.objects.create(
        patient=patient,
        pump_id="synchromed-ii-20",
        serial="V1",
        catheter_id="ascenda-8780",
        tip_level="T10",
        implanted_on=date(2025, 1, 1),
        link_address="pump-1",
        refill_by=timezone.localdate() - timedelta(days=2),
    )
    for days in (40, 20):
        at = now - timedelta(days=days)
        DoseRecord.objects.create(
            system=system,
            at=at,
            order={"mode": "simple continuous", "dose": "200 ug/day"},
            settled_at=at,
            concentration_ug_per_ml=500,
            program_digest="a" * 64,
            daily_dose_pg=200_000_000,
            outcome="applied",
        )
        Score.objects.create(
            patient=patient, at=at, scale_id="ashworth", muscle_group="Leg", code="3", value=3
        )
        RefillRecord.objects.create(
            system=system,
            at=at,
            expected_nl=12_000_000,
            aspirated_nl=2_000_000,
            injected_nl=18_000_000,
            new_concentration_ug_per_ml=500,
        )
        Encounter.objects.create(patient=patient, at=at, kind="check-up", text="Walks further")
    Alarm.objects.create(system=system, at=now, code="low", level="warning", text="Low reservoir")
    pump.now_ms = int(now.timestamp() * 1000)
    screen.goto(f"{live_server.url}/sign-in/")
    check(screen)
    screen.fill("#id_username", "mira")
    screen.fill("#id_password", new_staff("mira"))
    screen.click("button[type=submit]")
    return screen, live_server.url, f"{live_server.url}/patients/{patient.key}/"


def check(screen) -> None:
    """No rule of axe is broken, nothing overflows sideways, nothing complained in the console."""
    screen.wait_for_load_state("networkidle")
    broken = Axe().run(screen).response["violations"]
    assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in broken] == []
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert screen.evaluate(width) <= 0
    assert screen.complaints == []


def test_pages_to_read(clinic) -> None:
    screen, home, patient = clinic
    for address in (
        home,
        f"{home}/?q=nobody",
        f"{home}/help/",
        patient,
        f"{patient}history/",
        f"{patient}program/",
    ):
        screen.goto(address)
        check(screen)


def test_charts_are_drawn_and_their_tables_open(clinic) -> None:
    screen, _, patient = clinic
    screen.goto(patient)
    screen.wait_for_selector("#prediction canvas")
    assert screen.locator("canvas").count() == 2
    for summary in screen.locator("details.tables > summary").all():
        summary.click()
    check(screen)


def test_a_refusal_marks_its_field(clinic) -> None:
    screen, _, patient = clinic
    screen.goto(f"{patient}program/")
    screen.click("form.actions button[type=submit]")
    screen.fill("#dose", "lots")
    screen.click("[data-order-form] button[type=submit]")
    screen.wait_for_selector("#dose[aria-invalid=true]")
    assert "expected a number and a unit" in screen.inner_text("#dose-error")
    screen.complaints.clear()  # the console tells of the 422
    check(screen)


def test_the_delivery_check_fits_its_panel(clinic) -> None:
    screen, _, patient = clinic
    screen.goto(patient)
    screen.wait_for_selector(".delivery__residuals")
    over = "element => element.scrollWidth - element.clientWidth"
    assert screen.locator(".delivery").evaluate(over) <= 0
    table, panel = (screen.locator(name).bounding_box() for name in (".delivery__residuals", ".delivery"))
    assert table["x"] + table["width"] <= panel["x"] + panel["width"]


def test_going_back_after_a_commit_leads_to_the_start(clinic) -> None:
    screen, _, patient = clinic
    screen.goto(f"{patient}program/review/")
    assert screen.url == f"{patient}program/"
    screen.wait_for_selector("text=Interrogate the pump")
    check(screen)


def test_the_reservoir_goes_on_to_the_reading_shown_beside_it(clinic, pump) -> None:
    screen, _, patient = clinic
    screen.goto(f"{patient}program/")
    screen.click("form.actions button[type=submit]")
    screen.wait_for_selector("[data-order-form]")
    pump.reservoir_nl, pump.now_ms = 11_900_000, pump.now_ms + 3_600_000
    screen.goto(patient)
    screen.wait_for_selector("#pump-card .pump__dose")
    drawn = """() => echarts.getInstanceByDom(document.querySelector("[data-chart=history-data]")).getOption()
        .series.find((one) => one.name.startsWith("Read from pump")).data"""
    assert [value for _, value in screen.evaluate(drawn)] == [12.4, 11.9]


def test_the_search_narrows_the_list_as_one_types(clinic) -> None:
    screen, home, _ = clinic
    screen.goto(home)
    screen.fill("#q", "nobody")
    screen.wait_for_selector("text=Nobody matches")
    screen.fill("#q", "berg")
    screen.wait_for_selector(".name-link")
    assert "q=berg" in screen.url
    check(screen)


def test_a_flex_order_is_typed_reviewed_and_sent(clinic, pump) -> None:
    screen, _, patient = clinic
    screen.goto(f"{patient}program/")
    screen.click("text=Interrogate >> visible=true >> nth=-1")
    screen.check("input[value=flex]")
    check(screen)
    total = screen.locator("[data-total]").first
    screen.fill("[name=rate-1]", "200")
    assert total.inner_text() == "4800 µg/day, +2300 % against now"
    warning = screen.locator("[data-step-warning]").first
    assert "This step alone gives 4800 µg: more than the whole day now (200 µg)" in warning.inner_text()
    check(screen)
    screen.fill("[name=rate-1]", "12")
    screen.click("[data-add-step]")
    assert total.inner_text() == "288 µg/day, +44 % against now"
    screen.fill("[name=from-1] >> nth=1", "08:00")
    assert total.inner_text().startswith("Adds up once every step has a time and a rate")
    screen.fill("[name=rate-1] >> nth=1", "6")
    assert total.inner_text() == "192 µg/day, -4 % against now"
    assert warning.inner_text() == ""
    screen.click("[data-order-form] button[type=submit]")
    screen.wait_for_selector("#prediction canvas")
    check(screen)
    table, panel = (screen.locator(name).bounding_box() for name in ("table.changes", "#prediction"))
    assert table["x"] + table["width"] <= panel["x"] + panel["width"]
    screen.check(".agree input")
    screen.click("text=Program the pump")
    screen.wait_for_selector("text=Applied: the pump runs the new program")
    check(screen)
    assert [program.daily_dose_pg for program in pump.programs.values()] == [192_000_000]


def test_an_unknown_outcome_is_read_back(clinic, pump) -> None:
    screen, _, patient = clinic
    pump.next_outcome = "unknown"
    screen.goto(f"{patient}program/")
    screen.click("form.actions button[type=submit]")
    screen.fill("#dose", "210")
    screen.click("[data-order-form] button[type=submit]")
    screen.check(".agree input")
    screen.click("text=Program the pump")
    screen.wait_for_selector("text=Do not send it again")
    check(screen)
    screen.click("text=Read back now")
    screen.wait_for_selector("text=Applied: the pump runs the new program")
    check(screen)
