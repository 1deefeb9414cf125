"""After a magnet: a stall, its recovery, clock, settings and count, from two readings."""

import pytest

from openitb import units
from openitb.implant import with_spells
from openitb.implant.hardware.spells import Spell, SpellKind
from openitb.programmer import Applied
from openitb.programmer.advice import advice
from openitb.programmer.report import session_report, to_json
from openitb.programmer.report.content import Desk
from openitb.programmer.visit import Consent

SCAN_MS = 2 * units.MS_PER_H


@pytest.fixture
def running(bench):
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    return bench


def lay(bench, *spells: tuple[SpellKind, int, int]) -> None:
    """Lay spells on the live implant, by kind, begin and end in ms from now."""
    service, serial, now = bench.service, bench.wand.serial, bench.clock()
    implant = service.implant(serial)
    laid = [Spell(kind, now + start, now + end) for kind, start, end in spells]
    service._keep(with_spells(implant, laid))  # the bench plays the magnet


def before(bench) -> str:
    visit = bench.reviewed("mri-before", magnet_plan="nurse b at 14:00")
    done = bench.commit(visit, Consent(visit.plan.digest))
    return to_json(session_report(done, Desk("dr-a", bench.clock())))


def after(bench, **answers: str) -> str:
    visit = bench.reviewed("mri-after", observation="well", **answers)
    done = bench.commit(visit, Consent(visit.plan.digest))
    assert isinstance(done.outcome, Applied)
    report = session_report(done, Desk("dr-a", bench.clock()))
    assert report["advice"] == list(advice(done))
    return "\n".join(advice(done))


def test_a_magnet_that_left_nothing_is_told_as_that(running) -> None:
    report = before(running)
    running.clock.now_ms += units.MS_PER_H
    said = after(running, before_report=report)
    assert "No stall is in the log" in said
    assert "The program is the one from before the magnet." in said
    assert "The pump's clock agrees" in said
    assert "0.008 mL counted since, 0.008 mL due at that flow over 1 h." in said  # 0.2 mL/day for an hour
    assert "NOT SEEN" not in said


def test_a_stall_and_its_recovery_are_told_with_their_times(running) -> None:
    report = before(running)
    lay(running, (SpellKind.STILL, 0, SCAN_MS))
    running.clock.now_ms += 3 * units.MS_PER_H
    said = after(running, before_report=report)
    assert "motor stalled: 2026-01-07" in said
    assert "motor recovered: 2026-01-07" in said
    assert "NOT SEEN" not in said


def test_a_recovery_held_back_by_noise_is_found_by_the_second_reading(running) -> None:
    report = before(running)
    lay(running, (SpellKind.STILL, 0, SCAN_MS), (SpellKind.DISTURBED, 0, 2 * SCAN_MS))
    running.clock.now_ms += 3 * SCAN_MS
    said = after(running, before_report=report)
    assert "shown only by the second reading" in said
    assert "NOT SEEN" not in said


def test_a_recovery_that_is_not_seen_is_said_plainly_with_what_to_do(running) -> None:
    lay(running, (SpellKind.STILL, 0, 30 * units.MS_PER_H))
    running.clock.now_ms += SCAN_MS
    said = after(running)
    assert "RECOVERY NOT SEEN" in said
    assert "Read the pump again" in said
    assert "2 h to 24 h" in said
    assert "withdrawal begins within" in said
    assert "Critical alarm latched: motor stall." in said
    assert "No report from before the magnet" in said


def test_noise_taken_for_a_programmer_and_settings_lost_are_told(running) -> None:
    report = before(running)
    lay(running, (SpellKind.RESET, 0, units.MS_PER_S), (SpellKind.CLOCK_LOST, 0, units.MS_PER_S))
    running.clock.now_ms += SCAN_MS
    said = after(running, before_report=report)
    assert "THE PUMP LOST ITS SETTINGS" in said
    assert "THE PROGRAM IS ANOTHER ONE: before the magnet it was" in said
    assert "lost its clock" in said


def test_a_second_reading_that_did_not_come_is_said_to_be_missing(running, monkeypatch) -> None:
    from openitb.programmer import sending
    from openitb.programmer.outcomes import Unreachable

    visit = running.reviewed("mri-after", observation="well")
    monkeypatch.setattr(sending, "interrogate", lambda *_: Unreachable("no contact"))
    done = running.commit(visit, Consent(visit.plan.digest))
    assert "SECOND READING IS MISSING" in " ".join(advice(done))


def test_before_the_magnet_a_latched_alarm_is_warned_of(running) -> None:
    visit = running.reviewed("adjust", low_alarm="17.9 mL")
    running.commit(visit, Consent(visit.plan.digest))
    running.clock.now_ms += units.MS_PER_DAY
    visit = running.reviewed("mri-before", magnet_plan="nurse b at 14:00")
    assert "AN ALARM IS LATCHED (low reservoir)" in " ".join(advice(visit))
