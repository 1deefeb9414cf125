"""Tones on demand: sounded, logged, bounded; nothing that is delivered or latched changes."""

from dataclasses import replace

import pytest

from openitb import catalogue, units
from openitb.implant import program_digest
from openitb.implant.sounds import Hearing, first_heard_ms, soundings, tone_charge_percent, tones_on_demand
from openitb.prescription import SimpleContinuous
from openitb.protocol import Applied, LogKind, Refused, SoundTone

MOST = catalogue.load().practice["test-tone"].fact("most_per_hour").whole("1")


def sound(bench: object, critical: bool = False) -> Applied | Refused:
    return bench.tell(SoundTone("nurse", bench.command_id(), critical))


def sounded(bench: object) -> list[int]:
    return [tone.signal.tones for tone in tones_on_demand(bench.implant.firmware.log.entries)]


@pytest.mark.requirement("ALM-03", "ALM-13")
def test_each_tone_sounds_on_demand_as_its_alarms_do(bench: object) -> None:
    sound(bench)
    bench.run(units.MS_PER_MIN)
    sound(bench, critical=True)
    single, double = tones_on_demand(bench.implant.firmware.log.entries)
    assert (single.signal.tones, single.end_ms - single.start_ms) == (1, units.MS_PER_S)
    assert (double.signal.tones, double.end_ms - double.start_ms) == (2, 3 * units.MS_PER_S)
    assert list(double.tones_ms()) == [units.MS_PER_MIN]


@pytest.mark.requirement("ALM-03", "LOG-01")
def test_a_tone_is_logged_and_changes_neither_alarms_nor_what_is_delivered(make_bench: object) -> None:
    asked, quiet = make_bench(), make_bench()
    for bench in (asked, quiet):
        bench.order(SimpleContinuous(200_000_000))
        bench.run(units.MS_PER_H)
    before = asked.implant.firmware
    digest = program_digest(asked.implant)
    assert sound(asked, critical=True).program_digest == digest
    after = asked.implant.firmware
    assert after.link.spent.tones == 2
    after = replace(after, link=replace(after.link, spent=before.link.spent))
    assert replace(after, log=before.log, answers=before.answers) == before
    kinds = [entry.kind for entry in after.log.entries[-2:]]
    assert kinds == [LogKind.TONE_INTENDED, LogKind.TONE_SOUNDED]
    assert asked.run(units.MS_PER_DAY) == quiet.run(units.MS_PER_DAY)
    assert soundings(after.log.entries, units.MS_PER_DAY) == ()


@pytest.mark.requirement("BAT-05")
def test_more_tones_than_an_hour_holds_are_refused_and_it_says_when_again(bench: object) -> None:
    for _ in range(MOST):
        assert isinstance(sound(bench), Applied)
        bench.run(units.MS_PER_MIN)
    refused = sound(bench)
    assert (refused.field, refused.wait_ms) == ("tone", (60 - MOST) * units.MS_PER_MIN)
    bench.run(refused.wait_ms - 1)
    assert isinstance(sound(bench), Refused)
    bench.run(1)
    assert isinstance(sound(bench), Applied)
    assert len(sounded(bench)) == MOST + 1


@pytest.mark.requirement("BAT-05")
def test_tones_asked_for_all_day_long_cost_a_bounded_part_of_the_cell(bench: object) -> None:
    for _ in range(24 * MOST):
        sound(bench, critical=True)
        bench.run(units.MS_PER_H // MOST)
    tones = tones_on_demand(bench.implant.firmware.log.entries)
    by_alarm = [replace(tone, end_ms=tone.start_ms + 1) for tone in tones]
    assert tone_charge_percent(tones) == tone_charge_percent(by_alarm) < 0.1


def test_whether_a_tone_is_heard_is_up_to_who_listens(bench: object) -> None:
    sound(bench)
    tones = tones_on_demand(bench.implant.firmware.log.entries)
    assert first_heard_ms(Hearing(0.0, 0.0, 23, 7), tones, 0, lambda: 0.5) is None
    assert first_heard_ms(Hearing(1.0, 1.0, 23, 7), tones, 0, lambda: 0.5) == 0
