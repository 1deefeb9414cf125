"""The patient page shows what is known, and says what is not."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from openitb.clinic.desk import readings
from openitb.clinic.desk.ports import link
from openitb.clinic.record.models import (
    Alarm,
    Complaint,
    Encounter,
    Interrogation,
    RefillRecord,
    Score,
    TrialBolus,
)


def wall(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def page_of(desk, patient, name: str = "patient") -> str:
    return desk.get(reverse(name, args=[patient.key])).content.decode()


def chart_in(page: str, identity: str) -> dict:
    return json.loads(re.search(rf'id="{identity}"[^>]*>(.*?)</script>', page, re.S)[1])


def test_someone_without_a_history_has_an_empty_page(desk, make) -> None:
    page = page_of(desk, make.patient())
    assert "No history yet" in page
    assert "No pump implanted" in page
    assert "Nothing is planned" in page
    assert "Programmer</a>" not in page


def test_a_synthetic_person_is_marked_and_another_is_not(desk, make) -> None:
    assert "synthetic patient" in page_of(desk, make.patient())
    assert "synthetic patient" not in page_of(desk, make.patient(is_synthetic=False))


def test_the_pump_card_is_read_live(desk, make, pump) -> None:
    card = page_of(desk, make.system().patient, "patient-pump")
    assert "read now" in card
    assert "200 µg/day" in card
    assert "12.4 mL" in card


def test_looking_at_the_pump_card_leaves_no_trace(desk, make, pump) -> None:
    page_of(desk, make.system().patient, "patient-pump")
    assert not Interrogation.objects.exists()


def test_out_of_reach_shows_the_last_reading_as_old(desk, make, pump) -> None:
    system = make.system()
    readings.keep(system, link().read_pump(system))
    pump.reachable = False
    card = page_of(desk, system.patient, "patient-pump")
    assert "does not reach" in card
    assert "These figures are old" in card
    assert "12.4 mL" in card
    assert "read now" not in card


def test_a_pump_never_read_and_out_of_reach_shows_no_figures(desk, make, pump) -> None:
    pump.reachable = False
    card = page_of(desk, make.system().patient, "patient-pump")
    assert "Never read" in card
    assert "mL" not in card


def test_an_assumed_figure_is_marked_as_such(desk, make, pump) -> None:
    card = page_of(desk, make.system().patient, "patient-pump")
    assert re.search(
        r'class="unsourced"[^>]*>2031-05, estimated</span><span class="tag tag--unsourced">assumed', card
    )


def test_prediction_says_what_it_rests_on_one_thing_a_line(desk, make, pump) -> None:
    page = page_of(desk, make.system().patient, "patient-prediction")
    assert "<li>The program read from the pump.</li><li>The typical-adult preset.</li>" in page


def test_prediction_is_made_for_virtual_implants_only(desk, make, pump) -> None:
    real = make.system(link_address="").patient
    assert "for virtual implants only" in page_of(desk, real, "patient-prediction")
    assert "Predicted course" not in page_of(desk, real)


def test_no_prediction_gives_its_reason(desk, make, pump) -> None:
    pump.reachable = False
    page = page_of(desk, make.system().patient, "patient-prediction")
    assert "No prediction" in page
    assert "The wand does not reach the pump." in page


def test_there_is_nothing_to_predict_without_a_pump(desk, make, pump) -> None:
    patient = make.patient()
    assert desk.get(reverse("patient-prediction", args=[patient.key])).status_code == 404


def test_an_order_under_review_is_predicted_beside_the_program_that_runs(desk, make, pump) -> None:
    address = reverse("patient-prediction", args=[make.system().patient.key])
    order = json.dumps({"mode": "simple continuous", "dose": "240 ug/day"})
    page = desk.get(address, {"order": order}).content.decode()
    (first, *_) = chart_in(page, "prediction-data")["panels"]
    assert [series["role"] for series in first["series"]] == ["old", "new"]
    now, ahead = (series["points"][0][1] for series in first["series"])
    assert ahead < now
    assert "new beside as now" in page
    assert "Changes most: leg tone." in page
    row = re.search(r"<tr[^>]*><th[^>]*>highest in 7 days</th>(.*?)</tr>", page, re.S)[1]
    assert re.findall(r">([^<]+)</td>", row) == ["3.33", "3.21", "2.62", "2.22 to 3.04"]


@pytest.mark.requirement("DEL-05")
def test_looking_ahead_sends_nothing(desk, make, pump) -> None:
    system = make.system()
    address = reverse("patient-prediction", args=[system.patient.key])
    desk.get(address, {"order": json.dumps({"mode": "stopped"})})
    assert pump.sent == []
    assert not system.doses.exists()


def test_the_charts_share_one_axis_and_name_their_units(desk, make, noon) -> None:
    system = make.system()
    patient = system.patient
    make.dose(system, at=noon)
    readings_at = {"system": system, "received_at": noon, "snapshot": {}}
    Interrogation.objects.create(at=noon, reservoir_nl=18_000_000, **readings_at)
    RefillRecord.objects.create(
        system=system,
        at=noon,
        aspirated_nl=1_500_000,
        injected_nl=18_000_000,
        new_concentration_ug_per_ml=500,
    )
    Score.objects.create(patient=patient, at=noon, scale_id="ashworth", muscle_group="Hip", code="2", value=2)
    chart = chart_in(page_of(desk, patient), "history-data")
    titles = [(panel["title"], panel["unit"]) for panel in chart["panels"]]
    assert titles == [("Daily dose", "µg/day"), ("Reservoir", "mL"), ("Ashworth", "score"), ("Events", "")]
    at = 1_767_614_400_000
    assert chart["panels"][0]["series"][0]["points"] == [[at, 200.0]]
    assert chart["panels"][1]["series"][0]["points"] == [[at, 18.0]]
    assert chart["panels"][1]["series"][1]["points"] == [[at, 1.5]]


def test_the_dose_ends_with_the_pump_that_gave_it(desk, make) -> None:
    first = make.system(implanted_on="2025-01-10", explanted_on="2025-06-01")
    patient = first.patient
    make.dose(first, at=datetime(2025, 1, 10, 9, tzinfo=UTC))
    chart = chart_in(page_of(desk, patient), "history-data")["panels"][0]["series"][0]
    start, end = (wall(datetime(2025, *day, tzinfo=UTC)) for day in ((1, 10, 9), (6, 1)))
    assert chart["points"] == [[start, 200.0], [end, 200.0], [end, None]]
    assert chart["untilNow"] is False
    second = make.system(patient, implanted_on="2025-06-01")
    make.dose(second, at=datetime(2025, 6, 1, 12, tzinfo=UTC), daily_dose_pg=90_000_000)
    chart = chart_in(page_of(desk, patient), "history-data")["panels"][0]["series"][0]
    assert [value for _, value in chart["points"]] == [200.0, 200.0, None, 90.0]
    assert chart["untilNow"] is True


def test_what_one_pump_held_is_not_joined_to_what_the_next_held(desk, make, noon) -> None:
    first = make.system(explanted_on="2026-01-05")
    second = make.system(first.patient, implanted_on="2026-01-05")
    for hours, system in enumerate((first, second)):
        at = noon + timedelta(hours=hours)
        read = {"at": at, "received_at": at, "snapshot": {}}
        Interrogation.objects.create(system=system, reservoir_nl=9_000_000, **read)
    chart = chart_in(page_of(desk, first.patient), "history-data")
    assert [value for _, value in chart["panels"][0]["series"][0]["points"]] == [9.0, None, 9.0]


def test_the_live_reading_comes_with_its_point_of_the_reservoirs_line(desk, make, pump) -> None:
    system = make.system()
    live = page_of(desk, system.patient, "patient-pump")
    assert chart_in(live, "live-point") == [pump.now_ms, 12.4]
    readings.keep(system, link().read_pump(system))
    pump.reachable = False
    assert "live-point" not in page_of(desk, system.patient, "patient-pump")


def test_charts_show_the_clinics_wall_clock(desk, make, noon) -> None:
    system = make.system()
    system.patient.clinic.zone = "America/New_York"
    system.patient.clinic.save()
    make.dose(system, at=noon)
    chart = chart_in(page_of(desk, system.patient), "history-data")
    assert chart["panels"][0]["series"][0]["points"][0][0] == 1_767_614_400_000 - 5 * 3_600_000


def test_an_order_that_was_refused_does_not_step_the_dose(desk, make) -> None:
    system = make.system()
    make.dose(system)
    make.dose(system, outcome="refused", daily_dose_pg=900_000_000)
    chart = chart_in(page_of(desk, system.patient), "history-data")
    assert [value for _, value in chart["panels"][0]["series"][0]["points"]] == [200.0]


def test_everything_in_the_record_stands_in_its_tables(desk, make, noon) -> None:
    system = make.system()
    patient = system.patient
    make.dose(system, at=noon, override_reason="Restored after a stop")
    Encounter.objects.create(patient=patient, at=noon, kind="check-up", text="Sits better")
    Complaint.objects.create(patient=patient, at=noon, text="Beep at night")
    Alarm.objects.create(system=system, at=noon, code="x", level="warning", text="Battery soon")
    TrialBolus.objects.create(patient=patient, at=noon, dose_pg=50_000_000, level="L3")
    page = page_of(desk, patient, "patient-history")
    for text in (
        "Restored after a stop",
        "Sits better",
        "Beep at night",
        "Battery soon",
        "50 µg",
        "Ascenda 8780",
        "80 cm",
    ):
        assert text in page, text


def test_an_unresolved_command_and_an_alarm_stand_on_top(desk, make) -> None:
    system = make.system()
    make.dose(system, outcome="unknown", settled_at=None)
    Alarm.objects.create(system=system, at=timezone.now(), code="x", level="critical", text="Motor stall")
    page = page_of(desk, system.patient)
    assert "A command to the pump is unresolved" in page
    assert "Critical alarm: Motor stall" in page


def test_what_people_wrote_cannot_become_markup(desk, make) -> None:
    evil = "</script><script>alert(1)</script>"
    patient = make.patient(next_step=evil, notes=evil)
    Complaint.objects.create(patient=patient, at=timezone.now(), text=evil)
    assert evil not in page_of(desk, patient)
    assert evil not in page_of(desk, patient, "patient-history")


def test_the_number_of_queries_does_not_grow_with_the_history(
    desk, make, django_assert_max_num_queries
) -> None:
    system = make.system()
    for day in range(40):
        at = timezone.now() - timedelta(days=day)
        make.dose(system, at=at)
        Encounter.objects.create(patient=system.patient, at=at, kind="check-up")
    page_of(desk, system.patient)  # told on the trail, once in a while
    with django_assert_max_num_queries(18):
        page_of(desk, system.patient)
