"""Tones: when an implant sounds, and whether anybody hears it."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.implant import Spell, SpellKind, with_spells
from openitb.implant.firmware.alarms import CRITICAL, signal_of
from openitb.implant.radio import contact_ended
from openitb.implant.sounds import (
    Hearing,
    first_heard_ms,
    given_off,
    heard_by_ms,
    hearing,
    mute_from_ms,
    soundings,
    tone_charge_percent,
    tones_on_demand,
)
from openitb.prescription import SimpleContinuous, Stopped
from openitb.protocol import AlarmCondition, SilenceAlarm, SoundTone

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
DEAF, KEEN = Hearing(0.0, 0.0, 23, 7), Hearing(1.0, 0.0, 23, 7)


def entries(bench: object) -> tuple:
    return bench.implant.firmware.log.entries


@pytest.mark.requirement("ALM-09", "ALM-13")
def test_a_stop_is_first_told_by_one_tone_an_hour_and_then_by_two_every_ten_minutes(bench: object) -> None:
    bench.order(Stopped())
    bench.run_to(3 * DAY)
    single, double = soundings(entries(bench), 3 * DAY)
    assert (single.start_ms, single.end_ms, single.signal.tones) == (DAY, 2 * DAY, 1)
    assert (double.start_ms, double.end_ms, double.signal.tones) == (2 * DAY, 3 * DAY, 2)
    assert list(single.tones_ms()) == [DAY + hour * HOUR for hour in range(24)]
    assert list(double.tones_ms())[:3] == [2 * DAY, 2 * DAY + 10 * MINUTE, 2 * DAY + 20 * MINUTE]


@pytest.mark.requirement("ALM-07")
@given(st.sets(st.sampled_from(AlarmCondition), min_size=1))
def test_of_several_alarms_the_critical_one_sounds(conditions: set[AlarmCondition]) -> None:
    signal = signal_of(tuple(conditions))
    assert signal is not None
    assert signal.tones == (2 if conditions & CRITICAL else 1)


@pytest.mark.requirement("ALM-05")
def test_the_tones_end_with_the_condition_and_not_before(bench: object) -> None:
    bench.order(Stopped())
    bench.run_to(30 * HOUR)
    bench.read()
    bench.order(SimpleContinuous(200_000_000))
    bench.run_to(3 * DAY)
    first, silence = soundings(entries(bench), 3 * DAY)
    assert (first.end_ms, silence.signal) == (30 * HOUR, None)
    assert list(silence.tones_ms()) == []


def test_nobody_hears_what_is_never_sounded_and_the_deaf_hear_nothing(bench: object) -> None:
    bench.order(Stopped())
    bench.run_to(3 * DAY)
    sounded = soundings(entries(bench), 3 * DAY)
    assert first_heard_ms(DEAF, sounded, 0, lambda: 0.5) is None
    assert first_heard_ms(KEEN, (), 0, lambda: 0.5) is None


def test_a_tone_in_the_night_may_be_heard_only_in_the_morning(bench: object) -> None:
    bench.order(Stopped())
    bench.run_to(3 * DAY)
    sounded = soundings(entries(bench), 3 * DAY)
    assert first_heard_ms(KEEN, sounded, 0, lambda: 0.5) == DAY + 7 * HOUR  # the pump began at midnight
    assert first_heard_ms(KEEN, sounded, 12 * HOUR, lambda: 0.5) == DAY


def test_hearing_loss_delays_the_mean_and_never_helps(bench: object) -> None:
    bench.order(Stopped())
    bench.run_to(3 * DAY)
    sounded = soundings(entries(bench), 3 * DAY)

    def mean_h(person: Hearing) -> float:
        draw = random.Random(1)  # noqa: S311 - a repeatable audience, not a secret
        heard = [first_heard_ms(person, sounded, 0, draw.random) for _ in range(400)]
        return sum(at or 3 * DAY for at in heard) / len(heard) / HOUR - 24

    well, badly = mean_h(hearing()), mean_h(hearing(impaired=True))
    assert well < badly < 12


@pytest.mark.requirement("ALM-13", "BAT-05")
def test_a_year_of_critical_tones_takes_no_more_than_its_share_of_the_cell(make_bench: Callable) -> None:
    bench = make_bench()
    bench.order(Stopped())
    bench.run_to(367 * DAY)
    year = [s for s in soundings(entries(bench), 367 * DAY) if s.signal and s.signal.tones == 2]
    assert tone_charge_percent(year) == pytest.approx(0.1, rel=0.01)


@pytest.mark.requirement("ALM-04", "ALM-05")
def test_what_a_clinician_silenced_is_still_until_the_time_is_over_and_no_longer(bench: object) -> None:
    bench.order(Stopped())
    bench.run_to(49 * HOUR)
    bench.tell(SilenceAlarm("nurse", "hush", 15 * MINUTE))
    bench.run_to(50 * HOUR)
    *_, double, silence, again = soundings(entries(bench), 50 * HOUR)
    assert (double.end_ms, silence.end_ms, again.end_ms) == (49 * HOUR, 49 * HOUR + 15 * MINUTE, 50 * HOUR)
    assert (double.signal.tones, silence.signal, again.signal.tones) == (2, None, 2)


@pytest.mark.requirement("ALM-06")
def test_a_silence_ends_with_the_contact_and_so_does_its_sound(bench: object) -> None:
    bench.order(Stopped())
    bench.run_to(49 * HOUR)
    bench.tell(SilenceAlarm("nurse", "hush", 15 * MINUTE))
    bench.implant = contact_ended(bench.implant, bench.implant.now_ms + MINUTE)
    bench.run_to(50 * HOUR)
    *_, silence, again = soundings(entries(bench), 50 * HOUR)
    assert (silence.signal, silence.end_ms, again.signal.tones) == (None, 49 * HOUR + MINUTE, 2)


@pytest.mark.requirement("ALM-05")
def test_another_condition_sounds_through_a_silence(bench: object) -> None:
    bench.order(Stopped())
    bench.run_to(47 * HOUR + 50 * MINUTE)
    bench.tell(SilenceAlarm("nurse", "hush", 20 * MINUTE))
    bench.run_to(49 * HOUR)
    silence, critical, both = soundings(entries(bench), 49 * HOUR)[-3:]
    assert (silence.signal, critical.start_ms, both.start_ms) == (None, 48 * HOUR, 48 * HOUR + 10 * MINUTE)
    assert critical.signal.tones == both.signal.tones == 2


def test_heard_by_is_the_first_tone_at_which_the_chances_add_up(bench: object) -> None:
    bench.order(Stopped())
    bench.run_to(3 * DAY)
    sounded = soundings(entries(bench), 3 * DAY)
    half = Hearing(0.5, 0.0, 23, 7)
    assert heard_by_ms(half, sounded, 8 * HOUR, 0.5) == DAY
    assert heard_by_ms(half, sounded, 8 * HOUR, 0.75) == DAY + HOUR
    assert heard_by_ms(half, sounded, 0, 0.875) == DAY + 9 * HOUR  # the pump began at midnight
    assert heard_by_ms(DEAF, sounded, 0, 0.1) is None


@pytest.mark.requirement("ALM-12")
def test_a_sounder_that_fails_gives_no_tone_from_then_on_and_the_pump_notices_nothing(
    make_bench: Callable,
) -> None:
    sound, mute = make_bench(), make_bench()
    mute.implant = with_spells(mute.implant, [Spell(SpellKind.MUTE, mute.implant.now_ms + DAY + 90 * MINUTE)])
    for bench in (sound, mute):
        bench.order(Stopped())
        bench.run_to(3 * DAY)
    assert mute.implant.firmware == sound.implant.firmware
    mute_ms = mute_from_ms(mute.implant)
    assert (mute_from_ms(sound.implant), mute_ms) == (None, DAY + 90 * MINUTE)
    meant = soundings(entries(mute), 3 * DAY)
    given = tuple(given_off(meant, mute_ms))
    assert [tone for s in given for tone in s.tones_ms()] == [DAY, DAY + HOUR]
    assert tuple(given_off(meant, None)) == meant
    assert sum(s.end_ms - s.start_ms for s in given) == sum(s.end_ms - s.start_ms for s in meant)
    assert heard_by_ms(KEEN, given_off(meant, DAY), 0, 0.5) is None


@pytest.mark.requirement("ALM-12")
def test_a_tone_on_demand_of_a_mute_pump_is_meant_and_not_given_off(bench: object) -> None:
    bench.implant = with_spells(bench.implant, [Spell(SpellKind.MUTE, bench.implant.now_ms + HOUR)])
    for hour, tones in ((0, 1), (2, 0)):
        bench.run_to(hour * HOUR)
        bench.tell(SoundTone("nurse", f"tone-{hour}", critical=True))
        asked = tones_on_demand(entries(bench))[-1:]
        given = [tone for s in given_off(asked, mute_from_ms(bench.implant)) for tone in s.tones_ms()]
        assert len(given) == tones
