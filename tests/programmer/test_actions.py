"""What a visit does besides orders: emergency, silence, keys, library, tones, permissions, confirmation."""

from dataclasses import replace

import pytest

from openitb import catalogue, units
from openitb.implant import latched_alarms
from openitb.implant.pairing import open_gate
from openitb.implant.radio import audible_alarms
from openitb.prescription.orders import MinimumRate
from openitb.programmer import Applied, Partly, Reading, Refused, interrogate
from openitb.programmer.actions import read_signed_library, signed_library_text
from openitb.programmer.advice import advice
from openitb.programmer.comparison import compare
from openitb.programmer.entry import EntryError
from openitb.programmer.handheld.pairing import pair_unit
from openitb.programmer.library import NO_LIBRARY
from openitb.programmer.plan_rules import high_alert, judged
from openitb.programmer.report import session_report, to_text
from openitb.programmer.report.content import Desk
from openitb.programmer.session import Wand
from openitb.programmer.station import emergency_station, key_id
from openitb.programmer.visit import Consent, VisitError, answer, commit_visit, open_visit, review_visit
from openitb.programmer.workflow import workflow, workflows
from openitb.protocol import (
    AlarmCondition,
    ConfirmProgram,
    DrugLibrary,
    LibraryStrength,
    LogKind,
    Role,
    decode_request,
    library_bytes,
)
from openitb.telemetry import Channel, NoAnswer, SigningKey

SEEN = {
    "attest_name": "Dr Stone",
    "attest_place": "emergency department",
    "attest_signs": "unconscious, drowsy",
}
RANGE = {"adjust_step": "5 percent", "adjust_low": "90 ug/day", "adjust_high": "110 ug/day"}
FAR_MS = 4_102_444_800_000


@pytest.fixture
def running(bench):
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    return bench


@pytest.fixture
def glass(running):
    """The station of somebody who has a break-glass key and no record of the patient."""
    return emergency_station(running.home, running.wand.serial, running.clock, lambda: "glass")


def done_with(bench, kind: str, reason: str = "", **answers: object):
    visit = bench.reviewed(kind, **answers)
    return bench.commit(visit, Consent(visit.plan.digest, reason))


def by_glass(glass, kind: str, **answers: object):
    sender = glass.sender("ambulance")
    visit = open_visit(glass.wand, workflow(kind), glass.chart, "glass-1", sender)
    for key, given in {"patient_id": "unknown", **answers}.items():
        visit = answer(visit, key, given, glass.clock())
    visit = review_visit(visit, glass.clock())
    return commit_visit(visit, Consent(visit.plan.digest), glass.wand, sender, glass.staff)


def kinds(bench) -> list[LogKind]:
    return [entry.kind for entry in bench.implant.firmware.log.entries]


# emergency


@pytest.mark.requirement("TEL-10")
def test_a_stranger_with_a_break_glass_key_reduces_an_attested_overdose_and_the_pump_knows_who(
    running, glass
) -> None:
    done = by_glass(glass, "emergency-stop", **SEEN)
    assert isinstance(done.outcome, Applied), done.outcome
    assert running.implant.firmware.controller.program.order == MinimumRate()
    (entry,) = [e for e in running.implant.firmware.log.entries if e.kind is LogKind.REDUCED_IN_EMERGENCY]
    assert (entry.get("attested_by"), entry.get("place")) == ("Dr Stone", "emergency department")
    assert entry.get("signs") == "unconscious, drowsy"
    rows = {row.label: row.new for row in compare(done.plan)}
    assert rows["Order"].startswith("minimum rate")
    assert "Dr Stone" in rows["Overdose attested"]
    assert "unknown" in to_text(session_report(done, Desk("ambulance", glass.clock())))


@pytest.mark.requirement("TEL-10")
def test_a_reduction_without_an_attestation_is_not_sent(running, glass) -> None:
    before = running.implant.firmware.controller
    for missing in SEEN:
        with pytest.raises(EntryError, match=missing):
            by_glass(glass, "emergency-stop", **{key: said for key, said in SEEN.items() if key != missing})
    with pytest.raises(EntryError, match="attest_signs: got 'tired', expected some of respiratory"):
        by_glass(glass, "emergency-stop", **{**SEEN, "attest_signs": "tired"})
    assert running.implant.firmware.controller == before


@pytest.mark.requirement("TEL-10")
@pytest.mark.parametrize(
    "kind", [kind for kind in workflows().values() if Role.BREAK_GLASS not in kind.roles]
)
def test_a_break_glass_key_opens_no_visit_that_is_not_for_it(glass, kind) -> None:
    with pytest.raises(VisitError, match="got a break-glass key"):
        open_visit(glass.wand, kind, glass.chart, "glass-1", glass.sender("ambulance"))


@pytest.mark.requirement("TEL-10")
def test_a_break_glass_reading_stays_far_below_the_requests_of_an_hour(running, glass) -> None:
    for number in range(40):  # a log of several pages
        running.order(100 + number % 2)
    for _ in range(10):
        assert isinstance(interrogate(glass.wand, glass.sender("ambulance")), Reading)
    assert isinstance(by_glass(glass, "emergency-stop", **SEEN).outcome, Applied)


def test_a_clinician_may_attest_too_and_waits_for_nobody(running) -> None:
    visit = running.reviewed("emergency-stop", **SEEN)
    assert not high_alert(visit.plan)
    assert isinstance(running.commit(visit, Consent(visit.plan.digest)).outcome, Applied)


# silence


@pytest.mark.requirement("ALM-04", "ALM-05")
def test_an_alarm_is_silenced_within_its_bounds_and_stays_latched(running) -> None:
    assert isinstance(done_with(running, "adjust", low_alarm="17.9 mL").outcome, Applied)
    running.clock.now_ms += units.MS_PER_DAY
    low = (AlarmCondition.LOW_RESERVOIR,)
    assert latched_alarms(running.implant) == low == audible_alarms(running.implant)
    too_long = done_with(running, "silence-alarm", silence_for={"hours": 24, "minutes": 1})
    assert isinstance(too_long.outcome, Refused)
    assert "expected at most 24 h" in too_long.outcome.reason
    done = done_with(running, "silence-alarm", silence_for={"hours": 8, "minutes": 0})
    assert isinstance(done.outcome, Applied)
    assert latched_alarms(running.implant) == low
    assert audible_alarms(running.implant) == ()
    assert audible_alarms(running.implant) == ()
    running.clock.now_ms += 8 * units.MS_PER_H
    assert audible_alarms(running.implant) == low


def test_nothing_latched_leaves_nothing_to_silence(running) -> None:
    done = done_with(running, "silence-alarm", silence_for={"hours": 1, "minutes": 0})
    assert isinstance(done.outcome, Refused)
    assert "no alarm is latched" in done.outcome.reason


@pytest.mark.requirement("ALM-06")
def test_a_critical_alarm_sounds_again_after_the_contact_and_the_report_says_so(running) -> None:
    stop = running.reviewed("emergency", stop_order={"mode": "stopped"})
    running.commit(stop, Consent(stop.plan.digest, "infection of the pocket"))
    running.clock.now_ms += 2 * units.MS_PER_DAY
    visit = running.reviewed("silence-alarm", silence_for={"hours": 0, "minutes": 21})
    assert "silence-too-long" in {found.rule for found in judged(visit.plan).of("hard")}
    done = done_with(running, "silence-alarm", silence_for={"hours": 0, "minutes": 20})
    assert isinstance(done.outcome, Applied)
    assert "sounds again" in " ".join(advice(done))
    assert AlarmCondition.STOPPED_TOO_LONG in audible_alarms(running.implant)


# keys


@pytest.mark.requirement("PAT-04")
def test_a_lost_handheld_is_shut_out_at_the_next_visit(running) -> None:
    gate = open_gate(running.home, running.wand.serial, Role.PATIENT, running.clock())
    from openitb.telemetry import code_text

    unit = pair_unit(running.wand.address, running.wand.serial, code_text(gate.code), "Ada's handheld")
    own = key_id(unit.keys.own.public)
    handheld = Wand(running.wand.address, running.wand.serial, unit.keys)
    patient = replace(running.sender, role=Role.PATIENT)
    assert isinstance(interrogate(handheld, patient), Reading)
    visit = running.reviewed("revoke-key", key=own.hex())
    rows = {row.label: row.old for row in compare(visit.plan)}
    assert rows["Key"] == f"{own.hex()}, Ada's handheld, patient"
    assert isinstance(running.commit(visit, Consent(visit.plan.digest)).outcome, Applied)
    assert not isinstance(interrogate(handheld, patient), Reading)
    again = running.reviewed("revoke-key", key=own.hex())
    assert "key-revoked" in {found.rule for found in judged(again.plan).of("hard")}


@pytest.mark.requirement("PAT-04")
def test_a_key_nobody_knows_needs_a_reason_and_the_programmers_own_is_refused(running) -> None:
    assert isinstance(done_with(running, "revoke-key", key="00" * 8).outcome, Refused)
    own = key_id(running.wand.keys.own.public).hex()
    refused = done_with(running, "revoke-key", "lost", key=own)
    assert isinstance(refused.outcome, Refused)
    assert "shut itself out" in refused.outcome.reason
    made = key_id(running.home.programmer_public(running.wand.serial, Role.PATIENT)).hex()
    assert isinstance(
        done_with(running, "revoke-key", "handheld made with the pump, lost", key=made).outcome, Applied
    )
    with pytest.raises(EntryError, match="expected 16 hexadecimal digits"):
        running.reviewed("revoke-key", key="xyz")


# drug library


def signed(bench, version: int, expires_ms: int = FAR_MS, key: SigningKey | None = None) -> str:
    strength = LibraryStrength("baclofen", "Baclofen", 500, 300 * units.PG_PER_UG)
    data = library_bytes(DrugLibrary(version, "clinic pharmacy", 0, expires_ms, (strength,)))
    return signed_library_text(data, (key or bench.home.publisher()).sign(data))


@pytest.mark.requirement("PRG-15")
def test_a_newer_signed_library_is_taken_and_shown_with_version_source_and_signature(running) -> None:
    first = running.reviewed("review only")
    assert NO_LIBRARY in {found.message for found in judged(first.plan).of("note")}
    done = done_with(running, "drug-library", library_file=signed(running, 2))
    assert isinstance(done.outcome, Applied), done.outcome
    text = to_text(session_report(done, Desk("dr-a", running.clock())))
    assert "drug library version 2 of clinic pharmacy, until 2100-01-01" in text
    assert "signature checked by the pump" in text
    order = {"mode": "simple continuous", "dose": "301 ug/day"}
    above = running.reviewed("adjust", order=order)
    beyond = running.commit(above, running.consent(above, "wanted", order=order))
    assert isinstance(beyond.outcome, Refused)
    assert "library version 2" in beyond.outcome.reason


@pytest.mark.requirement("PRG-15")
def test_an_older_an_expired_an_unsigned_and_a_strangers_library_are_refused(running) -> None:
    assert isinstance(done_with(running, "drug-library", library_file=signed(running, 2)).outcome, Applied)
    digest = interrogate(running.wand, running.sender).access.library.digest
    for file, why in (
        (signed(running, 2), "expected a version above 2"),
        (signed(running, 3, expires_ms=running.clock()), "which is over"),
        (signed(running, 3, key=SigningKey.generate()), "signature"),
    ):
        outcome = done_with(running, "drug-library", library_file=file).outcome
        assert isinstance(outcome, Refused)
        assert why in f"{outcome.field}: {outcome.reason}"
    whole = read_signed_library(signed(running, 3))
    for text in (
        signed_library_text(whole.data, b""),
        signed_library_text(whole.data[:-1], b"x"),
        "{}",
        "no",
        "[]",
    ):
        with pytest.raises(EntryError, match="library_file"):
            running.reviewed("drug-library", library_file=text)
    assert interrogate(running.wand, running.sender).access.library.digest == digest


@pytest.mark.requirement("PRG-15")
def test_a_library_that_is_over_is_said_to_be(running) -> None:
    soon = signed(running, 1, expires_ms=running.clock() + units.MS_PER_DAY)
    done_with(running, "drug-library", library_file=soon)
    running.clock.now_ms += units.MS_PER_DAY
    notes = judged(running.reviewed("review only").plan).of("note")
    assert "library-over" in {found.rule for found in notes}


# tones


@pytest.mark.requirement("ALM-03", "ALM-12")
@pytest.mark.parametrize(("tone", "tones"), [("single", 1), ("two tones", 2)])
def test_the_pump_sounds_a_tone_and_what_was_heard_is_on_record(running, tone: str, tones: int) -> None:
    digest = running.implant.firmware.controller.program.digest
    done = done_with(running, "alarm-test", tone=tone)
    assert isinstance(done.outcome, Applied), done.outcome
    (entry,) = [e for e in running.implant.firmware.log.entries if e.kind is LogKind.TONE_SOUNDED]
    assert entry.get("tones") == tones
    assert running.implant.firmware.controller.program.digest == digest
    for said, told in (("yes", False), ("no", True)):
        heard = answer(done, "heard", said, running.clock())
        heard = answer(heard, "tones_known", "calls the clinic", running.clock())
        report = session_report(heard, Desk("dr-a", running.clock()))
        assert report["observations"]["Did the patient hear it"] == said
        assert ("THE TONE WAS NOT HEARD" in to_text(report)) is told
    with pytest.raises(EntryError, match="expected one of yes, no"):
        answer(done, "heard", "perhaps", running.clock())


@pytest.mark.requirement("BAT-05")
def test_tones_beyond_the_hours_number_are_refused_with_the_next_time(running) -> None:
    most = catalogue.load().practice["test-tone"].fact("most_per_hour").whole("1")
    for _ in range(most):
        done_with(running, "alarm-test", tone="single")
    refused = done_with(running, "alarm-test", tone="single").outcome
    assert isinstance(refused, Refused)
    assert refused.reason.endswith("next allowed at 2026-01-07 09:00 by the pump's clock")


# permissions


@pytest.mark.requirement("PRG-19", "PRG-04")
def test_an_adjustment_on_request_takes_two_people_and_ends_at_once(running) -> None:
    visit = running.reviewed("patient-adjustment", **RANGE)
    assert "adjustment on request" in high_alert(visit.plan)
    rows = {row.label: row.new for row in compare(visit.plan)}
    assert rows["Adjustment on request"] == "5 % a step, 90 µg/day to 110 µg/day"
    assert isinstance(running.commit(visit, Consent(visit.plan.digest)).outcome, Refused)
    assert running.implant.firmware.patient.adjustment is None
    assert set(visit.plan.blind_fields) == set(RANGE)
    done = running.commit(visit, running.consent(visit))
    assert isinstance(done.outcome, Applied), done.outcome
    assert running.implant.firmware.patient.adjustment.high_pg_per_day == 110 * units.PG_PER_UG
    off = done_with(running, "patient-adjustment-off", adjustment_withdrawn="confused")
    assert isinstance(off.outcome, Applied)
    assert running.implant.firmware.patient.adjustment is None


@pytest.mark.requirement("PRG-04", "PRG-17")
@pytest.mark.parametrize(
    ("high", "outcome", "rule"),
    [
        ("130 ug/day", "accepted", ""),
        ("131 ug/day", "needs reason", "step-limit"),
        ("901 ug/day", "refused", "patient-cap"),
        ("99 ug/day", "refused", "adjustment-range"),
    ],
)
def test_the_most_a_patient_can_reach_passes_the_same_gate_as_an_order(
    running, high: str, outcome: str, rule: str
) -> None:
    verdict = judged(running.reviewed("patient-adjustment", **{**RANGE, "adjust_high": high}).plan)
    assert verdict.outcome == outcome
    assert not rule or rule in {found.rule for found in verdict.findings}


def test_there_is_nothing_to_adjust_without_a_dose(bench) -> None:
    plan = bench.reviewed("patient-adjustment", **{**RANGE, "adjust_low": "1 ug/day"}).plan
    assert judged(plan).outcome == "refused"


# confirmation


@pytest.mark.requirement("TEL-06")
def test_a_commit_that_was_never_confirmed_is_confirmed_in_a_visit_of_its_own(running, monkeypatch) -> None:
    send = Channel.send

    def without_confirmation(channel: Channel, request: bytes) -> bytes:
        if isinstance(decode_request(request), ConfirmProgram):
            raise NoAnswer("lost")
        return send(channel, request)

    with monkeypatch.context() as patch:
        patch.setattr(Channel, "send", without_confirmation)
        running.order(110)
    assert running.implant.firmware.link.unconfirmed
    done = done_with(running, "confirm", compared="dr-a, with the chart")
    assert isinstance(done.outcome, Applied), done.outcome
    assert running.implant.firmware.link.unconfirmed == ""
    again = running.reviewed("confirm", compared="dr-a")
    assert "nothing-waits" in {found.rule for found in judged(again.plan).of("hard")}


# time


@pytest.mark.requirement("PRG-04")
def test_an_increase_too_soon_says_from_when_on_it_is_one_no_more(running) -> None:
    running.order(110)
    running.clock.now_ms += 6 * units.MS_PER_H
    visit = running.reviewed("adjust", order={"mode": "simple continuous", "dose": "115 ug/day"})
    (found,) = [f for f in judged(visit.plan).of("soft") if f.rule == "increase-interval"]
    assert found.message.endswith("next allowed at 2026-01-08 08:00 by the pump's clock")
    running.clock.now_ms += 18 * units.MS_PER_H
    later = running.reviewed("adjust", order={"mode": "simple continuous", "dose": "115 ug/day"})
    assert "increase-interval" not in {f.rule for f in judged(later.plan).findings}


@pytest.mark.requirement("DEL-13")
def test_a_stop_in_a_visit_needs_a_reason_which_the_pump_keeps(running) -> None:
    assert isinstance(done_with(running, "emergency", stop_order={"mode": "stopped"}).outcome, Refused)
    done = done_with(running, "emergency", "pocket opened", stop_order={"mode": "stopped"})
    assert isinstance(done.outcome, Applied)
    stopped = [e for e in running.implant.firmware.log.entries if e.kind is LogKind.STOPPED]
    assert stopped[-1].get("reason") == "pocket opened"
    assert not isinstance(done.outcome, Partly)
