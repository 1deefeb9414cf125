"""The low-reservoir alarm has to lead by days: told at the review with the volume that would do."""

import re

import pytest

from openitb import catalogue, units
from openitb.prescription.guardrails import PatientLimits
from openitb.prescription.orders import parse_order
from openitb.programmer import Applied, Refused, review
from openitb.programmer.plan_rules import judged
from openitb.programmer.visit import Consent
from openitb.protocol import AlarmCondition, LogKind

LEAD_MS = catalogue.load().practice["requirement-values"].fact("res_02_lead").whole("ms")
LATE = "low-alarm-lead"


def simple(ug_per_day: int) -> dict[str, str]:
    return {"mode": "simple continuous", "dose": f"{ug_per_day} ug/day"}


UNEVEN = {  # 0.96 mL on two days of the week, 0.24 mL on the others
    "mode": "flex",
    "patterns": [
        {"days": ["sat", "sun"], "steps": [{"from": "00:00", "dose_rate": "20 ug/h"}]},
        {
            "days": ["mon", "tue", "wed", "thu", "fri"],
            "steps": [{"from": "00:00", "dose_rate": "5 ug/h"}],
        },
    ],
}


@pytest.fixture
def running(bench):
    """At 0.1 mL/day, with the alarm at 4 mL."""
    bench.order(50)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    return bench


def late(visit) -> list[tuple[str, str]]:
    return [(found.level, found.message) for found in judged(visit.plan).findings if found.rule == LATE]


def low_and_empty_ms(bench) -> tuple[int, int]:
    """When low and empty were said, the pump left alone until then."""
    bench.clock.now_ms += 120 * units.MS_PER_DAY
    bench.open("review-only")
    raised = {
        entry.get("condition"): entry.tick_ms
        for entry in bench.implant.firmware.log.entries
        if entry.kind is LogKind.ALARM_RAISED
    }
    return raised[AlarmCondition.LOW_RESERVOIR.value], raised[AlarmCondition.EMPTY_RESERVOIR.value]


@pytest.mark.requirement("RES-02")
@pytest.mark.parametrize(("given", "level"), [("2 mL", None), ("1.9 mL", "soft"), ("1.4 mL", "soft")])
def test_an_alarm_volume_alone_is_held_to_the_lead(running, given: str, level: str | None) -> None:
    running.order(60)  # 0.12 mL/day: 0.6 mL last five days
    running.clock.now_ms += 2 * units.MS_PER_DAY
    found = late(running.reviewed("adjust", low_alarm=given))
    assert [each for each, _ in found] == ([level] if level else [])
    assert all("set 2 mL or more" in message for _, message in found)


@pytest.mark.requirement("RES-02")
@pytest.mark.parametrize("order", [simple(120), simple(240), UNEVEN])
def test_an_order_that_makes_the_alarm_late_names_the_volume_that_leads_by_days(running, order) -> None:
    visit = running.reviewed("adjust", order=order, low_alarm="1.5 mL")
    ((level, message),) = late(visit)
    assert level == "soft"
    assert "expected at least 5 day" in message
    refused = running.commit(visit, Consent(visit.plan.digest)).outcome
    assert isinstance(refused, Refused)
    assert "low_alarm" in refused.reason
    enough = re.search(r"set (.+ mL) or more", message)[1]
    again = running.reviewed("adjust", order=order, low_alarm=enough)
    assert late(again) == []
    done = running.commit(again, running.consent(again, "by the test", order=order))
    assert isinstance(done.outcome, Applied), done.outcome
    low_ms, empty_ms = low_and_empty_ms(running)
    assert empty_ms - low_ms >= LEAD_MS


@pytest.mark.requirement("RES-02")
def test_a_lead_that_was_short_before_and_gets_no_shorter_is_only_told(running) -> None:
    short = running.reviewed("adjust", order=simple(120), low_alarm="2 mL")
    running.commit(short, running.consent(short, "refilled within the week", order=simple(120)))
    running.clock.now_ms += 2 * units.MS_PER_DAY
    for visit in (running.reviewed("review-only"), running.reviewed("adjust", order=simple(110))):
        assert [level for level, _ in late(visit)] == ["note"]


@pytest.mark.requirement("RES-02")
def test_a_flow_that_no_alarm_volume_leads_is_told_as_such(running) -> None:
    flow = simple(2_000)  # 4 mL/day: five days are more than the reservoir holds
    ((_, message),) = late(running.reviewed("adjust", order=flow, low_alarm="20 mL"))
    assert "no alarm volume of this reservoir does, plan the refill by its date" in message


@pytest.mark.requirement("RES-02")
def test_the_review_of_a_page_says_the_same_of_an_order(running) -> None:
    limits = PatientLimits(origin="spinal", age_years=40)
    reading = running.open("review-only").reading
    made = {
        dose: review(reading, parse_order(simple(dose)), limits, running.clock()).verdict
        for dose in (60, 300)
    }
    assert not [found for found in made[60].findings if found.rule == LATE]
    (found,) = [found for found in made[300].of("soft") if found.rule == LATE]
    assert "set 4.4 mL or more" in found.message
