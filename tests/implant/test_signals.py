"""What tones and telemetry take from the cell: counted exactly, and told beyond their share."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openitb import catalogue, units
from openitb.implant import Contents, Home, PumpService, from_bytes, new_implant, provision, to_bytes
from openitb.implant.faults.bad_store import BadStore
from openitb.implant.firmware.signals import share_ppm
from openitb.implant.memory import Slot, recall, save
from openitb.implant.radio import contact_ended, frames_told_at_once, talked
from openitb.implant.sounds import soundings, tone_charge_percent, tones_on_demand
from openitb.prescription import SimpleContinuous, Stopped
from openitb.protocol import SilenceAlarm, SoundTone

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
FACTS = catalogue.load().practice
SHARE_PPM = int(FACTS["requirement-values"].fact("bat_05_share").number("percent") * 10_000)
FRAME_PERCENT = FACTS["radio"].fact("frame_charge").number("percent")
MOST_FRAMES = int(SHARE_PPM / (FRAME_PERCENT * 10_000))


def ppm(bench: object) -> int:
    """As the pump tells it."""
    return bench.read().battery.signals_ppm


def tones_ppm(bench: object) -> float:
    """As its log has it, from the first entry on."""
    entries = bench.implant.firmware.log.entries
    meant = (*soundings(entries, bench.implant.firmware.counter.tick_ms), *tones_on_demand(entries))
    return tone_charge_percent(meant) * 10_000


def deed(draw: random.Random, number: int) -> Callable[[Any], object]:
    """Something that changes what sounds."""
    lasts_ms = draw.randrange(1, 15 * MINUTE)
    deeds: tuple[Callable[[Any], object], ...] = (
        lambda bench: bench.tell(SoundTone("nurse", f"t{number}", critical=True)),
        lambda bench: bench.tell(SilenceAlarm("nurse", f"s{number}", lasts_ms)),
        leave,
        lambda bench: bench.order(SimpleContinuous(200_000_000)),
        lambda bench: bench.order(Stopped()),
    )
    return draw.choice(deeds)


def leave(bench: Any) -> None:
    bench.implant = contact_ended(bench.implant, bench.implant.now_ms)


@pytest.mark.requirement("BAT-05")
@pytest.mark.parametrize("course", range(12))
def test_the_account_of_tones_is_that_of_the_log_whatever_is_silenced_and_however_it_is_cut(
    make_bench: Any, course: int
) -> None:
    draw = random.Random(course)  # noqa: S311 - a repeatable course
    whole, cut = make_bench(), make_bench()
    at_ms = 49 * HOUR
    steps = [(0, lambda bench: bench.order(Stopped()))]
    for number in range(6):
        steps.append((at_ms, deed(draw, number)))
        at_ms += draw.randrange(1, draw.choice((HOUR, 2 * DAY)))
    for step_ms, act in [*steps, (at_ms + 3 * DAY, leave)]:
        cut.run((step_ms - cut.now_ms) // 3)
        for bench in (whole, cut):
            bench.run_to(step_ms)
            act(bench)
    assert whole.implant.firmware == cut.implant.firmware
    assert share_ppm(whole.implant.firmware) == pytest.approx(tones_ppm(whole), abs=1)
    assert whole.implant.firmware.link.spent.tones


@pytest.mark.requirement("BAT-05")
def test_frames_beyond_the_share_are_told_and_not_before(bench: object) -> None:
    bench.implant = talked(bench.implant, MOST_FRAMES, bench.implant.now_ms)
    assert ppm(bench) == SHARE_PPM
    bench.implant = talked(bench.implant, 1, bench.implant.now_ms)
    assert ppm(bench) > SHARE_PPM


@pytest.mark.requirement("BAT-05")
def test_the_account_outlives_power_and_damage_to_what_the_pump_believes(bench: object) -> None:
    bench.order(Stopped())
    bench.run_to(4 * DAY)
    bench.implant = talked(bench.implant, 12_345, bench.implant.now_ms)
    before = ppm(bench)
    assert share_ppm(from_bytes(to_bytes(bench.implant)).firmware) == before
    store = BadStore()
    save(store, bench.implant)
    belief = store.slots[Slot.A].index(b"surveillance")
    for slot in Slot:
        store.flip(slot, belief * 8)
    assert recall(store).firmware.link.spent.frames == 12_345


@pytest.mark.requirement("BAT-05", "TEL-11")
def test_strangers_who_only_knock_are_counted_and_told_at_the_next_reading(tmp_path: Path) -> None:
    home, now = Home(tmp_path / "implants"), [1_767_600_000_000]
    pump = catalogue.load().pump("synchromed-ii-20")
    provision(home, new_implant("NGP1", pump, Contents(18_000_000, 500), now[0]))
    service = PumpService(home, lambda: now[0])
    service.catch_up()
    for _ in range(MOST_FRAMES + 1):
        assert service.carries("NGP1", 60)
    service.catch_up()
    assert share_ppm(service.implant("NGP1").firmware) > SHARE_PPM
    again = PumpService(home, lambda: now[0])
    assert again.implant("NGP1").firmware.link.spent.frames == MOST_FRAMES + 1


@pytest.mark.requirement("BAT-05")
def test_no_more_than_a_lot_is_forgotten_when_the_service_ends_at_once() -> None:
    lot = frames_told_at_once()
    assert lot * FRAME_PERCENT * 10_000 <= SHARE_PPM / 100
