"""The programmer in the page, with a scripted pump: what is asserted is what reached the pump."""

import json
import re
from uuid import uuid4

import pytest
from django.urls import reverse

from openitb.clinic.desk.ports import Finding, OrderRefused, link
from openitb.clinic.record.models import DoseRecord, Interrogation

SIMPLE = {"mode": "simple continuous", "dose": "240"}


@pytest.fixture
def system(make, pump):
    return make.system()


def at(name: str, system, *more: object) -> str:
    return reverse(name, args=[system.patient.key, *more])


def hidden(page: str) -> dict[str, str]:
    """What the commit form of a review page carries."""
    form = page[page.index('id="commit"') :]
    found = re.findall(r'name="(order|review_digest|command_id)" value="([^"]*)"', form)
    return {name: value.replace("&quot;", '"') for name, value in found[:3]} | {"compared": "yes"}


def reviewed(desk, system, order: dict[str, object] = SIMPLE) -> dict[str, str]:
    answer = desk.post(at("program-review", system), order)
    assert answer.status_code == 200, answer.content.decode()
    return hidden(answer.content.decode())


def committed(desk, system, **changes: str):
    return desk.post(at("program-commit", system), reviewed(desk, system) | changes, follow=True)


def test_interrogating_keeps_the_reading_and_opens_the_order(desk, system) -> None:
    answer = desk.post(at("program", system))
    assert b"Daily dose" in answer.content
    assert b'value="200"' in answer.content
    assert Interrogation.objects.get(system=system).reservoir_nl == 12_400_000


def test_looking_at_the_programmer_reads_and_keeps_nothing(desk, system) -> None:
    desk.get(at("program", system))
    assert not Interrogation.objects.exists()


def test_a_pump_out_of_reach_changes_nothing_and_says_so(desk, system, pump) -> None:
    pump.reachable = False
    answer = desk.post(at("program", system))
    assert b"does not reach" in answer.content
    assert b"Nothing was changed" in answer.content
    assert not Interrogation.objects.exists()


@pytest.mark.parametrize(
    ("order", "complaint"),
    [
        ({"mode": "simple continuous", "dose": ""}, "Daily dose: got "),
        ({"mode": "simple continuous", "dose": "-5"}, "Daily dose: got "),
        ({"mode": "simple continuous", "dose": "200 mL/day"}, "Daily dose: got "),
        ({"mode": "simple continuous", "dose": "nan"}, "Daily dose: got "),
        ({"mode": "mystery"}, "Infusion mode: got "),
        (
            {"mode": "flex", "pattern": "1", "days-1": "mon", "from-1": "00:00", "rate-1": "12"},
            "Weekdays: got mon",
        ),
    ],
)
def test_an_order_that_does_not_read_comes_back_as_typed_with_one_line(
    desk, system, order, complaint
) -> None:
    answer = desk.post(at("program-review", system), order)
    assert answer.status_code == 422
    assert complaint in answer.content.decode().split('id="order-error"')[1][:600]
    assert not DoseRecord.objects.exists()


@pytest.mark.requirement("PRG-03", "DEL-05")
def test_a_review_shows_old_beside_new_and_sends_nothing(desk, system, pump) -> None:
    page = desk.post(at("program-review", system), SIMPLE).content.decode()
    assert "200 µg/day" in page
    assert "240 µg/day" in page
    assert "+20 %" in page
    assert "0.4 mL/day" in page
    assert "0.48 mL/day" in page
    assert not DoseRecord.objects.exists()
    assert pump.sent == []


def test_a_unit_may_be_typed_and_mcg_is_a_microgram(desk, system) -> None:
    order = json.loads(reviewed(desk, system, {"mode": "simple continuous", "dose": "0.24 mg/day"})["order"])
    assert order == json.loads(
        reviewed(desk, system, {"mode": "simple continuous", "dose": "240 mcg/day"})["order"]
    )


def test_a_flex_order_by_weekday_reaches_the_review(desk, system) -> None:
    week = ["mon", "tue", "wed", "thu", "fri"]
    typed = {
        "mode": "flex",
        "pattern": ["1", "n1"],
        "days-1": week,
        "from-1": ["00:00", "08:00", ""],
        "rate-1": ["12", "6", ""],
        "days-n1": ["sat", "sun"],
        "from-n1": ["00:00"],
        "rate-n1": ["9"],
    }
    order = json.loads(reviewed(desk, system, typed)["order"])
    assert [pattern["days"] for pattern in order["patterns"]] == [week, ["sat", "sun"]]
    assert [step["from"] for step in order["patterns"][0]["steps"]] == ["00:00", "08:00"]


def test_applied_is_read_back_and_becomes_the_running_dose(desk, system, pump, staff) -> None:
    answer = committed(desk, system)
    record = DoseRecord.objects.get()
    assert b"Applied" in answer.content
    assert b"same" in answer.content
    assert (record.outcome, record.daily_dose_pg, record.by) == ("applied", 240_000_000, staff)
    assert pump.programs[system.serial].daily_dose_pg == 240_000_000
    assert record.read_back
    assert record.read_back.snapshot["program"]["digest"] == record.program_digest


def test_applied_moves_the_refill_date_of_the_list(desk, system) -> None:
    committed(desk, system)
    system.refresh_from_db()
    assert str(system.refill_by) == "2026-02-10"
    assert system.low_reservoir_at


def test_refused_says_the_pump_runs_what_it_ran(desk, system, pump) -> None:
    pump.next_outcome = "refused"
    answer = committed(desk, system)
    assert b"Refused: the pump runs what it ran before" in answer.content
    assert DoseRecord.objects.get().outcome == "refused"


@pytest.mark.requirement("PRG-11")
@pytest.mark.hazard("HAZ-23")
def test_unknown_forbids_sending_again_until_read_back(desk, system, pump) -> None:
    pump.next_outcome = "unknown"
    answer = committed(desk, system)
    assert b"Do not send it again" in answer.content
    assert b"earlier command is unresolved" in desk.post(at("program", system)).content
    again = desk.post(at("program-commit", system), reviewed(desk, system) | {"command_id": str(uuid4())})
    assert b"unresolved" in again.content
    assert len(pump.sent) == 1


@pytest.mark.requirement("PRG-11")
@pytest.mark.parametrize("found", ["applied", "refused"])
def test_reading_back_resolves_unknown(desk, system, pump, found) -> None:
    pump.next_outcome, pump.read_back_outcome = "unknown", found
    committed(desk, system)
    record = DoseRecord.objects.get()
    desk.post(at("read-back", system, record.command_id))
    record.refresh_from_db()
    assert record.outcome == found
    assert record.settled_at
    assert b"unresolved" not in desk.post(at("program", system)).content


@pytest.mark.requirement("PRG-11")
def test_reading_back_in_vain_leaves_unknown(desk, system, pump) -> None:
    pump.next_outcome = pump.read_back_outcome = "unknown"
    committed(desk, system)
    record = DoseRecord.objects.get()
    desk.post(at("read-back", system, record.command_id))
    record.refresh_from_db()
    assert record.outcome == "unknown"
    assert record.settled_at is None


@pytest.mark.requirement("PRG-07")
def test_the_same_commit_twice_is_sent_once(desk, system, pump) -> None:
    form = reviewed(desk, system)
    first = desk.post(at("program-commit", system), form)
    second = desk.post(at("program-commit", system), form)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(pump.sent) == 1
    assert DoseRecord.objects.count() == 1


@pytest.mark.requirement("PRG-07")
def test_a_second_click_while_the_first_is_under_way_shows_the_firsts_outcome(
    desk, system, pump, monkeypatch
) -> None:
    form = reviewed(desk, system)
    truly = type(link()).review
    clicks = iter([lambda: desk.post(at("program-commit", system), form)])

    def review(self, *asked):
        next(clicks, lambda: None)()
        return truly(self, *asked)

    monkeypatch.setattr(type(link()), "review", review)
    answer = desk.post(at("program-commit", system), form)
    assert answer.headers["Location"] == at("command", system, DoseRecord.objects.get().command_id)
    assert len(pump.sent) == 1


@pytest.mark.requirement("PRG-10")
@pytest.mark.hazard("HAZ-29")
def test_a_pump_reprogrammed_since_the_review_is_compared_again(desk, system, pump) -> None:
    stale = reviewed(desk, system)
    committed(desk, system)
    answer = desk.post(at("program-commit", system), stale)
    assert b"changed since this review" in answer.content
    assert len(pump.sent) == 1


def test_an_order_changed_under_way_is_not_sent(desk, system, pump) -> None:
    swapped = json.dumps({"mode": "simple continuous", "dose": "999 ug/day"})
    committed(desk, system, order=swapped)
    assert pump.sent == []
    assert not DoseRecord.objects.exists()


@pytest.mark.parametrize("order", ["", "[]", "{", '{"mode": 3}', "null"])
def test_a_commit_of_nonsense_sends_nothing(desk, system, pump, order) -> None:
    assert committed(desk, system, order=order).status_code == 200
    assert pump.sent == []


@pytest.mark.requirement("PRG-04")
def test_an_order_that_needs_a_reason_is_sent_only_with_one(desk, system, pump) -> None:
    pump.review_outcome = "needs reason"
    pump.findings = (Finding("soft", "step limit", "dose", "More than the step", ("label",)),)
    assert b"needs a reason" in committed(desk, system, override="  ").content
    assert pump.sent == []
    committed(desk, system, override="Severe spasms since the fall")
    record = DoseRecord.objects.get()
    assert record.override_reason == "Severe spasms since the fall"
    assert record.findings[0]["message"] == "More than the step"


@pytest.mark.requirement("PRG-03")
@pytest.mark.hazard("HAZ-33")
@pytest.mark.parametrize("ticked", ["", "no"])
def test_nothing_is_sent_before_somebody_says_that_old_and_new_were_compared(
    desk, system, pump, ticked
) -> None:
    pump.review_outcome = "needs reason"
    answer = committed(desk, system, compared=ticked, override="Severe spasms since the fall")
    assert b"Compare old and new and tick that you did" in answer.content
    assert b">Severe spasms since the fall</textarea>" in answer.content
    assert pump.sent == []
    assert not DoseRecord.objects.exists()


@pytest.mark.requirement("PRG-04")
def test_a_refused_order_offers_no_button_and_cannot_be_forced(desk, system, pump) -> None:
    form = reviewed(desk, system)
    pump.review_outcome = "refused"
    assert b"Program the pump" not in desk.post(at("program-review", system), SIMPLE).content
    desk.post(at("program-commit", system), form | {"override": "please"})
    assert pump.sent == []
    assert not DoseRecord.objects.exists()


def test_an_order_the_pump_cannot_run_comes_back_with_the_rule_that_refuses(
    desk, system, pump, monkeypatch
) -> None:
    finding = Finding("hard", "pump-flow", "dose", "needs 40 mL/day, the pump makes at most 24", ("manual",))
    refusal = OrderRefused("dose: too much", (finding,))
    monkeypatch.setattr(type(link()), "review", lambda *_: refusal)
    answer = desk.post(at("program-review", system), SIMPLE)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "The pump cannot run this order" in page
    assert "the pump makes at most 24" in page
    assert "cannot be read" not in page
    assert 'value="240"' in page


def test_a_command_of_another_patient_is_not_found(desk, system, make) -> None:
    committed(desk, system)
    other = make.system()
    assert desk.get(at("command", other, DoseRecord.objects.get().command_id)).status_code == 404


def test_a_clinic_without_a_wand_refuses_and_records_nothing(desk, make, settings) -> None:
    settings.CLINIC_LINK = "openitb.clinic.desk.unconnected.Unconnected"
    system = make.system()
    assert b"No wand is connected" in desk.post(at("program", system)).content
    answer = desk.post(at("program-commit", system), {"order": json.dumps({"mode": "stopped"})})
    assert b"No wand is connected" in answer.content
    assert not DoseRecord.objects.exists()


def test_an_explanted_pump_cannot_be_programmed(desk, make, pump) -> None:
    gone = make.system(explanted_on="2026-01-01")
    assert desk.post(at("program", gone)).status_code == 404


@pytest.mark.parametrize("name", ["program-review", "program-commit", "read-back"])
def test_going_back_to_a_step_that_a_form_leads_to_begins_at_the_start(desk, system, pump, name) -> None:
    more = [uuid4()] if name == "read-back" else []
    answer = desk.get(at(name, system, *more))
    assert (answer.status_code, answer.headers["Location"]) == (302, at("program", system))
    assert pump.sent == []


def field_of(page: str, name: str, number: int = 0) -> str:
    """The tag of an input, with what stands between it and the next cell."""
    cell_ends = r'(?=</td>|</div>\s*<p class="quiet")'
    return re.findall(rf'<input[^>]*name="{name}"[^>]*>.*?{cell_ends}', page, re.S)[number]


def test_a_refusal_speaks_the_words_of_the_form_and_marks_the_field(desk, system) -> None:
    typed = {
        "mode": "flex",
        "pattern": "1",
        "days-1": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        "from-1": ["00:00", "08:00"],
        "rate-1": ["12", ""],
    }
    page = desk.post(at("program-review", system), typed).content.decode()
    assert "Pattern 1, step 2, dose rate: got nothing, expected a number and a unit" in page
    assert "patterns[0]" not in page
    assert "ug/h" not in page
    assert 'aria-invalid="true"' not in field_of(page, "rate-1", 0)
    assert 'aria-invalid="true"' in field_of(page, "rate-1", 1)
    assert 'class="field-error"' in field_of(page, "rate-1", 1)


@pytest.mark.parametrize(("dose", "invalid"), [("", True), ("lots", True), ("240", False)])
def test_the_daily_dose_is_marked_where_it_does_not_read(desk, system, dose, invalid) -> None:
    order = {"mode": "simple continuous", "dose": dose} | ({} if invalid else {"mode": "mystery"})
    page = desk.post(at("program-review", system), order).content.decode()
    assert ('aria-invalid="true"' in field_of(page, "dose")) is invalid
    assert "cannot be read" in page
    assert ("Daily dose: got " if invalid else "Infusion mode: got &#x27;mystery&#x27;") in page


def test_a_clinic_that_writes_mcg_is_refused_in_mcg(desk, system, settings) -> None:
    settings.CLINIC_MICRO = "mcg"
    page = desk.post(at("program-review", system), {"mode": "simple continuous", "dose": "0"})
    assert "Daily dose: got 0 mcg/day, expected above zero" in page.content.decode()
