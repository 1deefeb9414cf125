"""The patient's handheld at a live pump: the pump's answer, or unknown; asserted at the outlet."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openitb import units
from openitb.prescription.orders import Stopped
from openitb.programmer.handheld import (
    Card,
    Denied,
    Granted,
    NoContact,
    NotSent,
    Status,
    Unanswered,
    Unit,
    alarm_words,
    check,
    press_bolus,
    press_step,
    status,
    wait_text,
)
from openitb.programmer.handheld.words import in_order, words
from openitb.programmer.sending import send
from openitb.programmer.session import ask, contact
from openitb.protocol import (
    AlarmCondition,
    AlarmReport,
    EnablePatientAdjustment,
    EnablePatientBolus,
    ProgramPump,
    Refused,
    Role,
    SetClock,
    SetLowReservoirAlarm,
)
from openitb.telemetry import Channel, NoAnswer

CALL = "Call 555 0100."
BOLUS_NL = 10_000  # 5 µg at 500 µg/mL
SEND = Channel.send


@pytest.fixture
def allowed(bench):
    """A pump at 100 µg/day whose patient may ask for 5 µg over 15 min, every 4 h, 3 a day."""
    bench.order(100)
    permissions = [
        EnablePatientBolus("dr", "p-1", 5 * units.PG_PER_UG, 15 * units.MS_PER_MIN, 4 * units.MS_PER_H, 3),
        EnablePatientAdjustment("dr", "p-2", 10, 80 * units.PG_PER_UG, 120 * units.PG_PER_UG),
    ]
    with contact(bench.wand) as channel:
        for permission in permissions:
            assert not isinstance(ask(channel, permission), Refused)
    return bench


@pytest.fixture
def card(allowed) -> Card:
    keys = allowed.home.programmer_keys(allowed.wand.serial, Role.PATIENT)
    numbers = count(1)
    return Card(replace(allowed.wand, keys=keys), CALL, allowed.clock, lambda: f"r-{next(numbers)}")


def _extra_nl(bench, run: Callable[[], object]) -> int:
    """What came out in the hour after, beyond the program's own 100 µg/day."""
    before = bench.implant.hardware.delivered_nl
    run()
    bench.clock.now_ms += 12 * units.MS_PER_H
    return bench.implant.hardware.delivered_nl - before - 100_000  # half of 0.2 mL/day


def _lossy(monkeypatch, acted: bool) -> None:
    def lost(channel: Channel, request: bytes) -> bytes:
        if acted:
            SEND(channel, request)
        raise NoAnswer("lost")

    monkeypatch.setattr(Channel, "send", lost)


@pytest.mark.requirement("PAT-01")
def test_status_says_what_is_allowed_and_when(allowed, card) -> None:
    said = status(card)
    assert isinstance(said, Status)
    now = card.running()
    expected = "Extra dose of 5 µg over 15 min, 0 of 3 given in 24 h. You may ask now; the pump decides."
    assert said.bolus.line(now) == expected
    assert said.adjustment.line(now).startswith("Daily dose 100 µg/day, yours to move by 10 % between 80")
    press_bolus(Unit(), card)
    later = status(card).bolus
    assert later.line(now) == "Extra dose of 5 µg over 15 min, 1 of 3 given in 24 h. Next in 4 h."
    assert later.line(now + units.MS_PER_H).endswith("Next in 3 h.")


@pytest.mark.requirement("PAT-01")
def test_a_granted_bolus_comes_out_of_the_pump_once(allowed, card) -> None:
    made = []
    extra = _extra_nl(allowed, lambda: made.append(press_bolus(Unit(), card)))
    assert isinstance(made[0].answer, Granted)
    assert extra == BOLUS_NL


@pytest.mark.requirement("PAT-01", "PAT-02")
def test_a_second_request_within_the_lockout_is_the_pumps_no_with_the_time_left(allowed, card) -> None:
    unit = press_bolus(Unit(), card)
    allowed.clock.now_ms += units.MS_PER_H
    unit = press_bolus(unit, card)
    assert isinstance(unit.answer, Denied)
    assert unit.answer.wait_ms == 3 * units.MS_PER_H
    assert unit.answer.text.endswith("Next in 3 h.")


@pytest.mark.requirement("PAT-01")
@pytest.mark.parametrize(
    "command",
    [
        ProgramPump("p", "x-1", "", Stopped()),
        SetLowReservoirAlarm("p", "x-2", 3_000_000),
        SetClock("p", "x-3", 0, 0),
        EnablePatientBolus("p", "x-4", 10**7, 900_000, 3_600_000, 9),
        EnablePatientAdjustment("p", "x-5", 50, 1, 10**9),
    ],
    ids=lambda command: type(command).__name__,
)
def test_the_handhelds_keys_open_nothing_else_at_the_pump(allowed, card, command) -> None:
    before = allowed.implant.firmware.controller.program.digest
    with contact(card.wand) as channel:
        reply = ask(channel, command)
    assert isinstance(reply, Refused)
    assert allowed.implant.firmware.controller.program.digest == before


@pytest.mark.requirement("PAT-02", "PAT-03")
@pytest.mark.parametrize("acted", [True, False])
def test_no_answer_is_unknown_and_pressing_again_sends_nothing_until_it_is_checked(
    allowed, card, monkeypatch, acted: bool
) -> None:
    def run() -> None:
        _lossy(monkeypatch, acted)
        unit = press_bolus(Unit(), card)
        assert unit.answer == Unanswered()
        assert "Unknown, check" in unit.answer.text
        monkeypatch.undo()
        allowed.clock.now_ms += 1_000
        unit = press_bolus(unit, card)
        assert isinstance(unit.answer, NotSent)
        assert unit.pending == "r-1"
        unit = check(unit, card)
        assert isinstance(unit.answer, Granted if acted else NotSent)
        assert unit.pending is None

    assert _extra_nl(allowed, run) == (BOLUS_NL if acted else 0)


@pytest.mark.requirement("PAT-02")
def test_a_check_that_gets_no_answer_stays_unknown(allowed, card, monkeypatch) -> None:
    _lossy(monkeypatch, acted=True)
    unit = check(press_bolus(Unit(), card), card)
    assert unit.answer == Unanswered()
    assert unit.pending == "r-1"


@pytest.mark.requirement("PAT-03")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 120), min_size=1, max_size=4))
def test_bounces_of_a_key_move_the_dose_by_one_step(allowed, card, gaps: list[int]) -> None:
    unit = press_step(Unit(), card, -1)
    assert isinstance(unit.answer, Granted), unit.answer
    dose = allowed.implant.firmware.controller.program.daily_dose_pg
    for gap in gaps:
        allowed.clock.now_ms += gap // len(gaps)
        unit = press_step(unit, card, -1)
    assert allowed.implant.firmware.controller.program.daily_dose_pg == dose
    allowed.clock.now_ms += 2 * units.MS_PER_DAY
    assert isinstance(press_step(Unit(), card, 1).answer, Granted)


@pytest.mark.requirement("PAT-06")
@pytest.mark.parametrize("jump_ms", [-(10**12), -units.MS_PER_DAY, units.MS_PER_DAY, 10**12])
def test_a_handheld_with_a_wrong_clock_changes_no_lockout(allowed, card, jump_ms: int) -> None:
    press_bolus(Unit(), card)
    allowed.clock.now_ms += units.MS_PER_H
    other = replace(card, running=lambda: allowed.clock() + jump_ms)
    assert isinstance(press_bolus(Unit(), other).answer, Denied)
    said = status(other)
    assert said.bolus.left_ms(other.running()) == 3 * units.MS_PER_H


@pytest.mark.requirement("PAT-02")
def test_no_contact_rules_out_no_alarm_and_sends_nothing(allowed, card) -> None:
    allowed.service.stop()
    said = status(card)
    assert isinstance(said, NoContact)
    assert "unknown, check" in said.text
    assert isinstance(press_bolus(Unit(), card).answer, NotSent)


@pytest.mark.requirement("PAT-05")
@pytest.mark.parametrize("condition", AlarmCondition)
def test_every_alarm_says_what_it_is_what_to_do_and_whom_to_call(condition: AlarmCondition) -> None:
    assert condition.value in words(), f"words for {condition.value!r} are missing"
    told = alarm_words(AlarmReport(condition, critical=True, since_ms=0), CALL)
    assert told.text.endswith(CALL)
    assert told.do


@pytest.mark.requirement("PAT-05", "ALM-07")
def test_urgent_alarms_come_first_and_none_is_left_out() -> None:
    reports = (
        AlarmReport(AlarmCondition.LOW_RESERVOIR, critical=False, since_ms=1),
        AlarmReport(AlarmCondition.DELIVERY_GUARD, critical=True, since_ms=3),
        AlarmReport(AlarmCondition.EMPTY_RESERVOIR, critical=True, since_ms=2),
    )
    order = [alarm.condition.value for alarm in in_order(reports)]
    assert order == ["empty reservoir", "delivery guard", "low reservoir"]


@pytest.mark.requirement("PAT-05")
def test_the_pumps_alarms_are_shown_in_words(allowed, card) -> None:
    send(allowed.wand, [SetLowReservoirAlarm("dr", "c-9", 19_000_000)], "", allowed.sender)
    said = status(card)
    assert [alarm.what for alarm in said.alarms] == ["The medicine in your pump is getting low."]


@pytest.mark.parametrize(
    ("wait_ms", "text"),
    [(1, "1 min"), (60_000, "1 min"), (60_001, "2 min"), (4_800_000, "1 h 20 min"), (3_600_000, "1 h")],
)
def test_waiting_is_rounded_up(wait_ms: int, text: str) -> None:
    assert wait_text(wait_ms) == text
