"""The wand on the skin: near and quiet it carries, far, tilted or in noise it does not."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.implant import ImplantError
from openitb.implant.wand import (
    IN_CONTACT,
    Placement,
    arrives,
    chance_of_arrival,
    placement_text,
    read_placement,
    signal_to_noise,
)

FRAME = 500


@pytest.mark.requirement("TEL-01")
@pytest.mark.parametrize(
    ("placement", "low", "high"),
    [
        (IN_CONTACT, 1.0, 1.0),
        (Placement(40.0), 0.999, 1.0),
        (Placement(60.0), 0.9, 1.0),
        (Placement(75.0), 0.0, 0.01),
        (Placement(150.0), 0.0, 0.0001),
        (Placement(40.0, tilt_deg=85.0), 0.0, 0.9),
        (Placement(0.0, tilt_deg=90.0), 0.0, 0.0001),
        (Placement(40.0, noise=100.0), 0.0, 0.01),
    ],
)
def test_a_frame_arrives_near_and_quiet_only(placement: Placement, low: float, high: float) -> None:
    assert low <= chance_of_arrival(placement, FRAME) <= high


def test_power_falls_as_the_near_field_does() -> None:
    assert signal_to_noise(Placement(25.0)) == pytest.approx(10_000 / 8)
    assert signal_to_noise(Placement(0.0, tilt_deg=60.0)) == pytest.approx(10_000 / 4)
    assert signal_to_noise(Placement(0.0, noise=10.0)) == pytest.approx(1_000)


placements = st.builds(Placement, st.floats(0, 1000), st.floats(0, 90), st.floats(0.01, 1000))


@given(placements, placements, st.integers(1, 2000), st.integers(1, 2000))
def test_farther_more_tilted_noisier_or_longer_is_never_better(
    one: Placement, other: Placement, short: int, long: int
) -> None:
    worse = Placement(
        max(one.distance_mm, other.distance_mm),
        max(one.tilt_deg, other.tilt_deg),
        max(one.noise, other.noise),
    )
    assert chance_of_arrival(worse, max(short, long)) <= chance_of_arrival(one, min(short, long)) + 1e-12
    assert 0 <= chance_of_arrival(worse, long) <= 1


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 2000))
def test_the_draw_decides_at_the_edge(draw: float, size: int) -> None:
    edge = Placement(67.0)
    assert arrives(edge, size, lambda: draw) == (draw < chance_of_arrival(edge, size))


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ((-1.0, 0.0, 1.0), "distance: got -1 mm"),
        ((1001.0, 0.0, 1.0), "distance: got 1001 mm"),
        ((0.0, 91.0, 1.0), "tilt: got 91 degrees"),
        ((0.0, 0.0, 0.0), "noise: got 0"),
        ((0.0, 0.0, math.inf), "noise: got inf"),
        ((math.nan, 0.0, 1.0), "distance: got nan mm"),
    ],
)
def test_a_placement_that_cannot_be_is_refused(values: tuple[float, ...], complaint: str) -> None:
    with pytest.raises(ImplantError, match=complaint):
        Placement(*values)


def test_a_placement_is_read_back_as_written() -> None:
    placement = Placement(35.0, 12.5, 2.0)
    assert read_placement(placement_text(placement)) == placement
    with pytest.raises(ImplantError, match="expected distance, tilt and noise"):
        read_placement("near")
