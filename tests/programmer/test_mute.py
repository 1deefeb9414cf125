"""A sounder that fails: the pump does not know, and everybody who reads it is told of its alarms."""

from dataclasses import replace

import pytest

from openitb import units
from openitb.implant import PumpService, Spell, SpellKind, with_spells
from openitb.implant.sounds import given_off, mute_from_ms, soundings, tones_on_demand
from openitb.programmer import Applied, interrogate
from openitb.programmer.advice import advice
from openitb.programmer.handheld import Card, Status, status
from openitb.programmer.indicator import lines
from openitb.programmer.plan_rules import judged
from openitb.programmer.visit import Consent, answer
from openitb.protocol import AlarmCondition, Role


@pytest.fixture
def mute(bench):
    """A running pump whose sounder fails while nobody serves it."""
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    bench.service.stop()
    whole = bench.home.load(bench.wand.serial)
    bench.home.save(with_spells(whole, [Spell(SpellKind.MUTE, bench.clock.now_ms)]))
    bench.service = PumpService(bench.home, bench.clock)
    bench.wand = replace(bench.wand, address=bench.service.start())
    yield bench
    bench.service.stop()


def heard(bench) -> int:
    """Tones that the sounder truly gave off, meant by alarms or on demand."""
    implant = bench.implant
    entries = implant.firmware.log.entries
    meant = (*soundings(entries, implant.firmware.counter.tick_ms), *tones_on_demand(entries))
    return sum(len(list(each.tones_ms())) for each in given_off(meant, mute_from_ms(implant)))


@pytest.mark.requirement("ALM-12")
def test_alarms_of_a_mute_pump_reach_programmer_and_handheld_at_every_reading(mute) -> None:
    mute.clock.now_ms += 90 * units.MS_PER_DAY  # low and empty meanwhile
    keys = mute.home.programmer_keys(mute.wand.serial, Role.PATIENT)
    card = Card(replace(mute.wand, keys=keys), "Call 555.", mute.clock, lambda: "r")
    for _ in range(2):
        reading = interrogate(mute.wand, mute.sender)
        told = {alarm.condition for alarm in reading.interrogation.alarms}
        assert told == {AlarmCondition.LOW_RESERVOIR, AlarmCondition.EMPTY_RESERVOIR}
        assert len(lines(reading.interrogation.alarms)) == 2
        shown = status(card)
        assert isinstance(shown, Status)
        assert len(shown.alarms) == len(told)
        noted = {found.rule for found in judged(mute.reviewed("review-only").plan).findings}
        assert "alarm-present" in noted
        mute.clock.now_ms += units.MS_PER_DAY
    assert heard(mute) == 0


@pytest.mark.requirement("ALM-12", "ALM-03")
def test_a_test_tone_that_is_not_heard_finds_the_sounder_and_says_what_to_do(mute) -> None:
    visit = mute.reviewed("alarm-test", tone="two tones")
    done = mute.commit(visit, Consent(visit.plan.digest))
    assert isinstance(done.outcome, Applied)
    said = "yes" if heard(mute) else "no"
    assert said == "no"
    told = "\n".join(advice(answer(done, "heard", said, mute.clock())))
    assert "take the sounder as failed" in told
    assert "have the handheld read daily" in told
