"""Reservoir, motor and crystal as they truly are: exact, and the same however a span is cut."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.implant import ImplantError
from openitb.implant.hardware.clock import Crystal
from openitb.implant.hardware.motor import Motor
from openitb.implant.hardware.reservoir import Reservoir

CAPACITY, RESIDUAL = 20_000_000, 1_400_000


def full(mass_pg: int = 10_000_000_000) -> Reservoir:
    return Reservoir(CAPACITY, CAPACITY, mass_pg, CAPACITY, RESIDUAL)


@given(st.lists(st.integers(0, 2_000_000), max_size=10), st.integers(0, 10**11))
def test_drawing_in_parts_takes_the_mass_that_drawing_at_once_takes(parts: list[int], mass: int) -> None:
    once, once_pg = full(mass).without(sum(parts))
    reservoir, parts_pg = full(mass), 0
    for part in parts:
        reservoir, taken = reservoir.without(part)
        parts_pg += taken
    assert (reservoir, parts_pg) == (once, once_pg)


def test_a_fill_mixes_with_what_was_left() -> None:
    left, _ = full(CAPACITY * 500).without(CAPACITY - RESIDUAL)
    mixed = left.filled(18_600_000, 18_600_000 * 2000)
    assert round(Fraction(mixed.mass_pg, mixed.volume_nl)) == 1895


def test_a_fill_above_the_capacity_is_refused() -> None:
    left, _ = full().without(1_000_000)
    with pytest.raises(ImplantError, match="fill: got 1000001 nL on top of 19000000 nL"):
        left.filled(1_000_001, 0)


@pytest.mark.parametrize("volume", [-1, 20_000_001])
def test_an_impossible_reservoir_is_refused(volume: int) -> None:
    with pytest.raises(ImplantError, match="reservoir"):
        Reservoir(volume, max(volume, 0), 0, CAPACITY, RESIDUAL)


def test_nothing_can_be_taken_below_the_residual_volume() -> None:
    left, _ = full().without(CAPACITY - RESIDUAL)
    assert left.available_nl == 0


@given(gain=st.integers(-145_000, 145_000), parts=st.lists(st.integers(0, 4000), max_size=20))
def test_a_motor_moves_the_same_however_its_strokes_are_counted_out(gain: int, parts: list[int]) -> None:
    motor, moved = Motor(gain), 0
    for strokes in parts:
        motor, volume = motor.moved(strokes * 250)
        moved += volume
    exact = Fraction(sum(parts) * 250 * (1_000_000 + gain), 1_000_000)
    assert moved == exact.numerator // exact.denominator
    assert moved + Fraction(motor.carried, 1_000_000) == exact


@given(gain=st.integers(-145_000, 145_000), carried=st.integers(0, 999_999), volume=st.integers(1, 10**7))
def test_the_fewest_strokes_that_move_a_volume(gain: int, carried: int, volume: int) -> None:
    motor = Motor(gain, carried)
    strokes = motor.strokes_for(volume, 250)
    assert motor.moved(strokes * 250)[1] >= volume
    assert motor.moved((strokes - 1) * 250)[1] < volume


@given(drift=st.integers(-5000, 5000), tick=st.integers(0, 10**12))
def test_the_first_instant_of_a_tick(drift: int, tick: int) -> None:
    crystal = Crystal(1_000_000, drift)
    instant = crystal.instant_ms(tick)
    assert crystal.tick_ms(instant) >= tick
    assert crystal.tick_ms(instant - 1) < tick


def test_an_exact_crystal_counts_true_milliseconds() -> None:
    assert Crystal(1000).tick_ms(5000) == 4000
    assert Crystal(1000).instant_ms(4000) == 5000


def test_a_crystal_that_is_100_ppm_fast_gains_8_64_seconds_a_day() -> None:
    assert Crystal(0, 100).tick_ms(86_400_000) == 86_408_640


@pytest.mark.parametrize("make", [Motor, lambda ppm: Crystal(0, ppm)])
def test_a_deviation_by_the_whole_is_refused(make: object) -> None:
    with pytest.raises(ImplantError, match="ppm"):
        make(-1_000_000)
