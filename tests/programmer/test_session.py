"""Sessions with a live implant over the wand: applied, refused, unknown; asserted at the actuator."""

from dataclasses import replace

import pytest

from openitb import programmer, units
from openitb.implant.firmware.commands import ANSWERS_KEPT
from openitb.prescription.guardrails import PatientLimits
from openitb.prescription.orders import MinimumRate, SimpleContinuous, Stopped, parse_order
from openitb.programmer import (
    Applied,
    Errand,
    Partly,
    Reading,
    Refused,
    Review,
    Unknown,
    Unreachable,
    fates,
    sending,
)
from openitb.programmer.fates import ORDER, Fate, Sent
from openitb.programmer.session import ask, contact
from openitb.protocol import (
    CommitStaged,
    LogKind,
    NoAnswerKept,
    ReadAnswer,
    ReadStaged,
    SetLowReservoirAlarm,
    decode_reply,
    decode_request,
    encode,
)
from openitb.telemetry import Channel, LinkDown, NoAnswer

ADULT = PatientLimits("spinal", 40.0)


def _dose(ug_per_day: int) -> SimpleContinuous:
    return SimpleContinuous(ug_per_day * units.PG_PER_UG)


def _read(bench) -> Reading:
    reading = programmer.interrogate(bench.wand, bench.sender)
    assert isinstance(reading, Reading)
    return reading


def _review(bench, order) -> Review:
    return programmer.review(_read(bench), order, ADULT, bench.clock())


def _delivered_nl(bench) -> int:
    return bench.service.implant(bench.wand.serial).hardware.delivered_nl


def test_an_order_that_is_committed_is_what_the_pump_delivers(bench) -> None:
    outcome = programmer.commit(bench.wand, _review(bench, _dose(100)), "c-1", bench.sender)
    assert isinstance(outcome, Applied)
    bench.clock.now_ms += 10 * units.MS_PER_DAY
    # 100 µg/day at 500 µg/mL is 0.2 mL/day, 2 mL in ten days
    assert _delivered_nl(bench) == 2 * units.NL_PER_ML


@pytest.mark.requirement("TEL-05")
def test_the_same_command_twice_is_carried_out_once(bench) -> None:
    review = _review(bench, _dose(100))
    for _ in range(2):
        assert isinstance(programmer.commit(bench.wand, review, "c-1", bench.sender), Applied)
    kinds = [entry.kind.value for entry in _read(bench).log]
    assert kinds.count("program changed") == 1


@pytest.mark.requirement("PRG-10")
@pytest.mark.hazard("INC-19", "HAZ-29")
def test_a_review_of_a_program_that_has_changed_is_refused(bench) -> None:
    stale = _review(bench, _dose(100))
    assert isinstance(programmer.commit(bench.wand, _review(bench, _dose(80)), "c-1", bench.sender), Applied)
    outcome = programmer.commit(bench.wand, stale, "c-2", bench.sender)
    assert isinstance(outcome, Refused)
    assert outcome.field == "expected_digest"
    assert _read(bench).interrogation.order == _dose(80)


@pytest.mark.requirement("PRG-11")
def test_nobody_at_the_port_means_nothing_was_sent(bench) -> None:
    review = _review(bench, _dose(100))
    bench.service.stop()
    outcome = programmer.commit(bench.wand, review, "c-1", bench.sender)
    assert isinstance(outcome, Refused)
    assert outcome.field == "link"
    assert isinstance(programmer.interrogate(bench.wand, bench.sender), Unreachable)


@pytest.mark.requirement("PRG-11")
@pytest.mark.hazard("HAZ-23")
@pytest.mark.parametrize("acted", [True, False])
def test_no_answer_is_unknown_until_the_pump_is_read_back(bench, monkeypatch, acted: bool) -> None:
    review = _review(bench, _dose(100))
    lose_from_the_commit_on(monkeypatch, acted=acted)
    outcome = programmer.commit(bench.wand, review, "c-1", bench.sender)
    assert isinstance(outcome, Unknown)
    monkeypatch.undo()
    settled = programmer.settle(bench.wand, Errand((Sent(ORDER, "c-1"),), review.new_digest), bench.sender)
    assert isinstance(settled, Applied if acted else Refused)


def lose_from_the_commit_on(monkeypatch, *, acted: bool) -> None:
    """The commit and all that follows is lost, the commit after the pump acted on it or before."""
    send, lost = Channel.send, []

    def sent(channel: Channel, request: bytes) -> bytes:
        is_commit = isinstance(decode_request(request), CommitStaged)
        if is_commit and acted:
            send(channel, request)
        if is_commit or lost:
            lost.append(request)
            raise NoAnswer("the answer was lost")
        return send(channel, request)

    monkeypatch.setattr(Channel, "send", sent)


@pytest.mark.requirement("PRG-11")
def test_an_order_is_settled_by_its_id_and_not_by_what_happens_to_run(bench) -> None:
    review = _review(bench, _dose(100))
    assert isinstance(programmer.commit(bench.wand, review, "c-1", bench.sender), Applied)
    never_sent = Errand((Sent(ORDER, "c-2"),), review.new_digest)
    assert isinstance(programmer.settle(bench.wand, never_sent, bench.sender), Refused)
    assert isinstance(programmer.commit(bench.wand, _review(bench, _dose(80)), "c-3", bench.sender), Applied)
    replaced = programmer.settle(bench.wand, Errand((Sent(ORDER, "c-1"),), review.new_digest), bench.sender)
    assert isinstance(replaced, Partly)
    assert replaced.done == ("order",)


@pytest.mark.requirement("PRG-11")
def test_what_a_wrapped_log_no_longer_tells_is_asked_of_the_pump_by_its_id(bench, monkeypatch) -> None:
    review = _review(bench, _dose(100))
    programmer.commit(bench.wand, review, "c-1", bench.sender)
    reading = replace(_read(bench), log=())
    monkeypatch.setattr(sending, "interrogate", lambda *_: reading)
    for command_id, kind in (("c-1", Applied), ("c-2", Refused)):
        errand = Errand((Sent(ORDER, command_id),), review.new_digest)
        assert isinstance(programmer.settle(bench.wand, errand, bench.sender), kind)


@pytest.mark.requirement("TEL-06")
@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("order", MinimumRate()),
        ("prime_nl", 250),
        ("reason", "x"),
        ("concentration_ug_per_ml", 2000),
        ("dose_pg_per_day", 1),
        ("program_digest", "0" * 64),
        ("against_digest", "0" * 64),
        ("staged_digest", "0" * 64),
    ],
)
def test_what_reads_back_otherwise_than_reviewed_is_not_committed(
    bench, monkeypatch, name: str, other: object
) -> None:
    before = _read(bench).interrogation.program_digest
    send = Channel.send

    def altered(channel: Channel, request: bytes) -> bytes:
        reply = send(channel, request)
        if not isinstance(decode_request(request), ReadStaged):
            return reply
        read = decode_reply(reply)
        staged = read.staged and replace(read.staged, **{name: other})
        return encode(replace(read, staged=staged))

    monkeypatch.setattr(Channel, "send", altered)
    outcome = programmer.commit(bench.wand, _review(bench, _dose(100)), "c-1", bench.sender)
    assert isinstance(outcome, Refused)
    assert outcome.field == "staged"
    assert "not what was reviewed" in outcome.reason
    assert _read(bench).interrogation.program_digest == before


@pytest.mark.requirement("DEL-13")
def test_a_stop_needs_a_reason_which_the_pump_keeps(bench) -> None:
    programmer.commit(bench.wand, _review(bench, _dose(100)), "c-1", bench.sender)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    review = _review(bench, Stopped())
    assert review.verdict.outcome == "needs reason"
    assert isinstance(programmer.commit(bench.wand, review, "c-2", bench.sender), Refused)
    done = programmer.commit(bench.wand, review, "c-3", bench.sender, "pocket\n opened")
    assert isinstance(done, Applied)
    stops = [entry for entry in done.reading.log if entry.kind is LogKind.STOPPED]
    assert [entry.get("reason") for entry in stops] == ["pocket opened"]


@pytest.mark.requirement("TEL-12")
def test_the_wrong_serial_is_not_reached(bench) -> None:
    answer = programmer.interrogate(replace(bench.wand, serial="NGP-TEST-2"), bench.sender)
    assert isinstance(answer, Unreachable)


@pytest.mark.requirement("LOG-03", "LOG-05")
def test_a_long_log_is_read_whole_and_verified(bench) -> None:
    for number in range(100):
        order = _dose(100 + number % 2)
        programmer.commit(bench.wand, _review(bench, order), f"c-{number}", bench.sender)
    reading = _read(bench)
    assert [entry.number for entry in reading.log] == list(range(1, len(reading.log) + 1))
    assert reading.log_fault == ""


def test_step_limits_count_from_the_last_dose_that_was_given(bench) -> None:
    programmer.commit(bench.wand, _review(bench, _dose(100)), "c-1", bench.sender)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    programmer.commit(bench.wand, _review(bench, Stopped()), "c-2", bench.sender, "theatre")
    bench.clock.now_ms += units.MS_PER_DAY
    history = programmer.dose_history(_read(bench).log, _pump(bench))
    assert history.last_effective_dose_pg_per_day == 100 * units.PG_PER_UG
    assert history.interrupted
    assert _review(bench, _dose(300)).verdict.outcome != "accepted"


def test_minimum_rate_is_no_dose_to_count_from(bench) -> None:
    programmer.commit(bench.wand, _review(bench, MinimumRate()), "c-1", bench.sender)
    assert programmer.dose_history(_read(bench).log, _pump(bench)).last_effective_dose_pg_per_day is None


@pytest.mark.requirement("PRG-03", "RES-01")
def test_a_review_sets_old_beside_new_with_dates(bench) -> None:
    programmer.commit(bench.wand, _review(bench, _dose(100)), "c-1", bench.sender)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    order = parse_order(
        {
            "mode": "flex",
            "steps": [{"from": "00:00", "dose_rate": "6 ug/h"}, {"from": "08:00", "dose_rate": "4 ug/h"}],
        }
    )
    review = _review(bench, order)
    assert review.new is not None
    assert (review.old.daily_dose_pg, review.new.daily_dose_pg) == (10**8, 112 * 10**6)
    assert review.old_refill is not None
    assert review.new_refill is not None
    assert review.new_refill.low_reservoir_date < review.old_refill.low_reservoir_date


@pytest.mark.requirement("DEL-03")
def test_an_order_beyond_the_pump_has_no_program_and_a_hard_finding(bench) -> None:
    review = _review(bench, _dose(1))
    assert review.new is None
    assert review.verdict.outcome == "refused"


def test_a_closed_link_is_told_apart_from_a_lost_answer() -> None:
    assert not issubclass(LinkDown, NoAnswer)


def _pump(bench):
    from openitb import catalogue

    return catalogue.load().pump(_read(bench).interrogation.pump_id)


@pytest.mark.requirement("PRG-11")
def test_what_the_pump_no_longer_answers_for_its_log_still_tells(bench) -> None:
    review = _review(bench, _dose(100))
    programmer.commit(bench.wand, review, "c-1", bench.sender)
    with contact(bench.wand) as channel:
        for number in range(ANSWERS_KEPT):
            ask(channel, SetLowReservoirAlarm("nurse", f"low-{number}", 2_000_000 + number))
        assert isinstance(ask(channel, ReadAnswer("nurse", "c-1")), NoAnswerKept)
    reading = _read(bench)
    assert fates.of(bench.wand, (Sent(ORDER, "c-1"),), reading, bench.sender) == (Fate(done=True),)


@pytest.mark.requirement("PRG-11")
def test_an_intent_in_the_log_is_no_sign_that_it_was_carried_out(bench) -> None:
    programmer.commit(bench.wand, _review(bench, _dose(100)), "c-1", bench.sender)
    reading = _read(bench)
    cut = next(at for at, entry in enumerate(reading.log) if entry.kind is LogKind.PROGRAM_CHANGED)
    never = replace(bench.wand, serial="NGP-TEST-2")  # whoever is asked does not answer
    found = fates.of(never, (Sent(ORDER, "c-1"),), replace(reading, log=reading.log[:cut]), bench.sender)
    assert isinstance(found, Unreachable)
