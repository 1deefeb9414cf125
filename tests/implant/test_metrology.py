"""Start-up and trumpet curves: by hand for whole strokes, and as truth has them, not as counted."""

from collections.abc import Callable

import pytest

from openitb import units
from openitb.implant import ImplantError, Specimen, Spell, SpellKind, with_spells
from openitb.implant.metrology import curves, record, window_lengths_ms
from openitb.prescription import Flex, FlexPattern, FlexStep, SimpleContinuous

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
SIMPLE = SimpleContinuous(200_000_000)  # 0.4 mL/day: a stroke of 250 nL every 54 s
SLOW = SimpleContinuous(50_000_000)  # 0.1 mL/day: a stroke every 216 s


def test_windows_are_round_lengths_as_far_as_the_record_reaches() -> None:
    assert window_lengths_ms(12 * MINUTE) == (MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE)
    lengths = window_lengths_ms(99 * DAY)
    assert lengths == tuple(sorted(lengths))
    assert not any(length % MINUTE for length in lengths)
    assert lengths[-1] == 28 * DAY


@pytest.mark.requirement("DEL-01")
def test_the_trumpet_of_a_slow_pump_is_that_of_its_strokes(bench: object) -> None:
    bench.order(SLOW)
    first, second, *_, last = curves(record(bench.implant, 4 * DAY)).trumpet
    per_minute = 100_000 / 1440
    assert first.highest_percent == pytest.approx((250 / per_minute - 1) * 100)  # one stroke in the window
    assert first.lowest_percent == -100  # none
    assert second.highest_percent == pytest.approx((250 / (2 * per_minute) - 1) * 100)
    assert last.length_ms == 4 * DAY
    assert -0.1 < last.lowest_percent <= last.highest_percent < 0.1


def test_a_window_is_never_worse_than_one_that_it_is_a_multiple_of(bench: object) -> None:
    bench.order(SIMPLE)
    trumpet = curves(record(bench.implant, 2 * DAY)).trumpet
    pairs = [(a, b) for a in trumpet for b in trumpet if b.length_ms % a.length_ms == 0]
    assert len(pairs) > 2 * len(trumpet)
    assert all(b.highest_percent <= a.highest_percent + 1e-9 for a, b in pairs)
    assert all(b.lowest_percent >= a.lowest_percent - 1e-9 for a, b in pairs)


@pytest.mark.requirement("DEL-01")
@pytest.mark.parametrize("gain_ppm", [-145_000, 35_000, 145_000])
def test_the_trumpet_closes_on_the_error_of_the_pump(gain_ppm: int, make_bench: Callable) -> None:
    bench = make_bench(specimen=Specimen(gain_ppm=gain_ppm))
    bench.order(SIMPLE)
    found = curves(record(bench.implant, 4 * DAY))
    assert found.overall_percent == pytest.approx(gain_ppm / 10_000, abs=0.1)
    assert found.trumpet[-1].highest_percent == pytest.approx(gain_ppm / 10_000, abs=0.1)


def test_a_stall_opens_the_trumpet_downwards_only(bench: object) -> None:
    bench.order(SIMPLE)
    stall = Spell(SpellKind.STILL, bench.implant.now_ms + DAY, bench.implant.now_ms + DAY + 6 * HOUR)
    trumpet = curves(record(with_spells(bench.implant, (stall,)), 4 * DAY)).trumpet
    four_hours = next(window for window in trumpet if window.length_ms == 4 * HOUR)
    assert four_hours.lowest_percent == -100
    assert four_hours.highest_percent < 1


def test_the_start_shows_the_first_stroke_and_then_the_set_flow(bench: object) -> None:
    bench.order(SLOW)
    found = curves(record(bench.implant, 10 * DAY))
    assert found.first_ms == 4 * MINUTE  # the first stroke comes after 216 s
    assert found.startup[0].after_ms == 4 * MINUTE
    assert found.startup[0].flow_nl_per_day == 250 * 1440 / 4
    settled = [p for p in found.startup if p.after_ms >= found.smoothing_ms]
    assert all(abs(point.flow_nl_per_day - 100_000) <= 100_000 / 50 for point in settled)
    assert found.startup[-1].after_ms <= 4 * found.smoothing_ms


def test_a_start_that_is_held_back_shows_in_the_start_up_curve(bench: object) -> None:
    bench.order(SIMPLE)
    still = Spell(SpellKind.STILL, bench.implant.now_ms, bench.implant.now_ms + HOUR)
    found = curves(record(with_spells(bench.implant, (still,)), DAY))
    assert found.first_ms > HOUR
    assert all(point.flow_nl_per_day == 0 for point in found.startup if point.after_ms <= HOUR)


def test_a_pump_that_gives_nothing_has_no_first_delivery(bench: object) -> None:
    bench.order(SIMPLE)
    still = Spell(SpellKind.STILL, bench.implant.now_ms, bench.implant.now_ms + 2 * DAY)
    found = curves(record(with_spells(bench.implant, (still,)), DAY))
    assert found.first_ms is None
    assert found.overall_percent == -100


def test_the_record_ends_before_the_reservoir_does(bench: object) -> None:
    bench.order(SimpleContinuous(10_000_000_000))  # 20 mL/day
    assert record(bench.implant, 4 * DAY).span_ms < DAY // 2


@pytest.mark.parametrize(
    "order",
    [None, Flex((FlexPattern(tuple(range(7)), (FlexStep(0, 12_000_000), FlexStep(HOUR, 6_000_000))),))],
)
def test_a_flow_that_is_not_one_is_refused(order: Flex | None, bench: object) -> None:
    if order is not None:
        bench.order(order)
    with pytest.raises(ImplantError, match="expected one constant flow above 0"):
        record(bench.implant, DAY)
