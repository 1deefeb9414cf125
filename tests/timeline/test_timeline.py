"""Timelines are functions of time: exact to integrate, indifferent to where they are cut."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.timeline import Parcel, Segment, Timeline, TimelineError, join

UNIT = "nL/day"


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    edges = sorted(draw(st.sets(st.integers(-1000, 1000), min_size=2, max_size=8)))
    values = draw(st.lists(st.integers(-50, 50), min_size=len(edges) - 1, max_size=len(edges) - 1))
    return Timeline(tuple(edges[:-1]), tuple(values), edges[-1], UNIT)


def brute_force_integral(timeline: Timeline, start: int, end: int) -> float:
    return sum(timeline.at(t) for t in range(max(start, timeline.start_ms), min(end, timeline.end_ms)))


def test_a_hand_worked_integral() -> None:
    timeline = Timeline((0, 10, 30), (2, 5, 1), 40, UNIT)
    assert timeline.integral() == 2 * 10 + 5 * 20 + 1 * 10
    assert timeline.integral(5, 15) == 2 * 5 + 5 * 5


@given(timelines(), st.integers(-1100, 1100), st.integers(-1100, 1100))
def test_the_integral_is_the_sum_over_every_instant(timeline: Timeline, start: int, end: int) -> None:
    assert timeline.integral(start, end) == brute_force_integral(timeline, start, end)


@given(timelines(), st.integers(-1000, 1000))
def test_cutting_a_timeline_anywhere_keeps_its_integral(timeline: Timeline, cut: int) -> None:
    assert timeline.integral(end_ms=cut) + timeline.integral(start_ms=cut) == timeline.integral()


@given(timelines(), st.integers(-(10**9), 10**9))
def test_shifting_in_time_changes_nothing_else(timeline: Timeline, by: int) -> None:
    shifted = timeline.shift(by)
    assert shifted.integral() == timeline.integral()
    assert shifted.at(timeline.start_ms + by) == timeline.at(timeline.start_ms)
    assert shifted.shift(-by) == timeline


@given(timelines(), timelines())
def test_merging_adds_the_functions_in_either_order(left: Timeline, right: Timeline) -> None:
    merged = left.merge(right)
    assert merged == right.merge(left)
    assert merged.integral() == left.integral() + right.integral()
    for instant in (*left.starts_ms, *right.starts_ms):
        expected = sum(t.at(instant) for t in (left, right) if t.start_ms <= instant < t.end_ms)
        assert merged.at(instant) == expected


def test_merging_different_units_is_refused() -> None:
    with pytest.raises(TimelineError, match="cannot add ug/h to nL/day"):
        Timeline((0,), (1,), 10, UNIT).merge(Timeline((0,), (1,), 10, "ug/h"))


@given(timelines())
def test_simplifying_keeps_the_function_and_leaves_no_equal_neighbours(timeline: Timeline) -> None:
    simple = timeline.simplified()
    instants = range(timeline.start_ms, timeline.end_ms)
    assert np.array_equal(simple.sample(instants), timeline.sample(instants))
    assert all(a != b for a, b in zip(simple.values, simple.values[1:], strict=False))


@given(timelines())
def test_samples_agree_with_values_inside_and_are_zero_outside(timeline: Timeline) -> None:
    instants = range(-1001, 1002, 13)
    inside = [timeline.start_ms <= t < timeline.end_ms for t in instants]
    expected = [timeline.at(t) if within else 0 for t, within in zip(instants, inside, strict=True)]
    assert timeline.sample(instants).tolist() == expected


def test_clipping_keeps_what_lies_between() -> None:
    timeline = Timeline((0, 10, 30), (2, 5, 1), 40, UNIT)
    assert timeline.clip(5, 30) == Timeline((5, 10), (2, 5), 30, UNIT)


@pytest.mark.parametrize(("start", "end"), [(40, 50), (-10, 0), (20, 20)])
def test_clipping_to_nothing_is_refused(start: int, end: int) -> None:
    with pytest.raises(TimelineError, match="nothing lies between"):
        Timeline((0, 10), (2, 5), 40, UNIT).clip(start, end)


@pytest.mark.parametrize(
    ("starts", "values", "end"),
    [((0, 0), (1, 2), 5), ((3, 1), (1, 2), 5), ((0,), (1,), 0), ((0, 1), (1,), 5), ((), (), 5)],
)
def test_a_timeline_without_meaning_is_refused(
    starts: tuple[int, ...], values: tuple[int, ...], end: int
) -> None:
    with pytest.raises(TimelineError):
        Timeline(starts, values, end, UNIT)


@pytest.mark.parametrize("instant", [-1, 40])
def test_there_is_no_value_outside_the_span(instant: int) -> None:
    with pytest.raises(TimelineError, match="outside"):
        Timeline((0,), (2,), 40, UNIT).at(instant)


def test_joining_segments_fills_gaps_and_refuses_overlaps() -> None:
    assert join([Segment(0, 5, 3), Segment(8, 9, 3)], UNIT) == Timeline((0, 5, 8), (3, 0, 3), 9, UNIT)
    with pytest.raises(TimelineError, match="overlaps"):
        join([Segment(0, 5, 3), Segment(4, 9, 3)], UNIT)


def test_a_parcel_knows_its_exact_concentration() -> None:
    assert Parcel(0, 1, 3, 1000).concentration_ug_per_ml == Fraction(1000, 3)
    assert Parcel(0, 1, 0, 0).concentration_ug_per_ml == 0
