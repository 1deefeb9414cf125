"""A tip that comes to lie elsewhere: the body sees the other place from then on, and no drug is lost."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb.body import Baseline, BodyError, Inputs, PumpBolus, TipMove, level_moved, run, typical_adult
from openitb.body.model import build
from openitb.timeline import Timeline
from openitb.units import MS_PER_H

ADULT, BASELINE = typical_adult(), Baseline(4.0, 3.0, 3.0)
READ = tuple(build(ADULT).readouts)
HOURS = 400
LEVELS = ("L3", "T12", "T8", "C4")


def drip(start_h: int, end_h: int, rate: float = 10.0) -> Timeline:
    return Timeline((start_h * MS_PER_H,), (rate,), end_h * MS_PER_H, "ug/h")


def course(inputs: Inputs, at_h: np.ndarray) -> object:
    return run(ADULT, inputs, BASELINE, at_h)


GRID = np.arange(0, HOURS, 0.5)
OFF_GRID = np.sort(np.random.default_rng(1).uniform(0, HOURS, 1500))


@settings(deadline=None, max_examples=25)
@given(
    hours=st.lists(st.integers(1, HOURS - 1), min_size=1, max_size=4, unique=True).map(sorted),
    levels=st.lists(st.sampled_from(LEVELS), min_size=5, max_size=5),
    at_h=st.sampled_from([GRID, OFF_GRID]),
)
def test_what_a_moving_tip_gives_is_the_sum_of_what_it_gives_at_each_place(
    hours: list[int], levels: list[str], at_h: np.ndarray
) -> None:
    moves = tuple(TipMove(hour, level) for hour, level in zip(hours, levels[1:], strict=False))
    moved = course(Inputs(tip=drip(0, HOURS), tip_at=levels[0], tip_moves=moves), at_h)
    spans = zip(levels, pairwise([0, *hours, HOURS]), strict=False)
    parts = [course(Inputs(tip=drip(*span), tip_at=level), at_h) for level, span in spans]
    for name in READ:
        whole, total = moved[name].values, sum(part[name].values for part in parts)
        assert np.abs(whole - total).max() <= 1e-9 * max(np.abs(whole).max(), 1e-6), name
    assert moved.mass_balance_error < 1e-9


def test_a_move_to_the_same_place_changes_nothing() -> None:
    still = Inputs(tip=drip(0, HOURS), initial=10.0)
    moved = course(replace(still, tip_moves=(TipMove(7.0, "T12"), TipMove(90.0, "T12"))), GRID)
    for name, series in course(still, GRID).items():
        assert moved[name].values == pytest.approx(series.values, rel=1e-9, abs=1e-12), name


def test_long_after_a_move_the_body_is_as_if_the_tip_had_always_lain_there() -> None:
    at_h = np.array([5000.0])
    long = Timeline((0,), (10.0,), 6000 * MS_PER_H, "ug/h")
    moved = course(Inputs(tip=long, initial=10.0, tip_moves=(TipMove(1.0, "C4"),)), at_h)
    there = course(Inputs(tip=long, initial=10.0, tip_at="C4"), at_h)
    names = [name for name in (*READ, "tip_sample_ng_per_ml") if name not in {"cleared_ug", "to_blood_ug"}]
    for name in names:
        assert moved[name].values == pytest.approx(there[name].values, rel=1e-6, abs=1e-9), name


def test_a_tip_that_slips_towards_the_feet_leaves_the_arms_with_less() -> None:
    inputs = Inputs(tip=drip(0, HOURS), tip_at="T4", initial=10.0)
    slipped = course(replace(inputs, tip_moves=(TipMove(100.0, "T12"),)), GRID)
    stayed = course(inputs, GRID)
    arms = slipped["arm_effect_site_ng_per_ml"].values / stayed["arm_effect_site_ng_per_ml"].values
    assert arms[GRID < 100] == pytest.approx(1.0)
    assert arms[-1] < 0.8


def test_a_bolus_from_the_pump_comes_where_the_tip_lies_then() -> None:
    inputs = Inputs(
        tip_at="T12",
        tip_moves=(TipMove(10.0, "T4"),),
        pump_boluses=(PumpBolus(9.9, 50.0), PumpBolus(10.0, 50.0)),
    )
    first = course(Inputs(tip_at="T12", pump_boluses=(PumpBolus(9.9, 50.0),)), GRID)
    second = course(Inputs(tip_at="T4", pump_boluses=(PumpBolus(10.0, 50.0),)), GRID)
    for name in READ:
        total = first[name].values + second[name].values
        assert course(inputs, GRID)[name].values == pytest.approx(total, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("moves", "told"),
    [
        ((TipMove(-1.0, "T8"),), "tip moves: got \\[-1.0\\] h, expected times of at least 0 h in order"),
        ((TipMove(5.0, "T8"), TipMove(4.0, "T9")), "tip moves: got \\[5.0, 4.0\\] h"),
        ((TipMove(float("nan"), "T8"),), "tip moves: got \\[nan\\] h"),
        ((TipMove(1.0, "S9"),), "tip: got 'S9', expected L5 to C1"),
    ],
)
def test_a_move_that_cannot_be_is_refused(moves: tuple[TipMove, ...], told: str) -> None:
    with pytest.raises(BodyError, match=told):
        course(Inputs(tip_moves=moves), GRID)


@pytest.mark.parametrize(
    ("level", "up", "expected"),
    [("T12", 1, "T11"), ("T12", -1, "L1"), ("T1", 1, "C7"), ("L5", 23, "C1"), ("T8", 0, "T8")],
)
def test_levels_are_counted_towards_the_head(level: str, up: int, expected: str) -> None:
    assert level_moved(level, up) == expected


@pytest.mark.parametrize(("level", "up"), [("L4", -2), ("C2", 2), ("conus", 1), ("T13", 1)])
def test_no_level_lies_beyond_the_canal(level: str, up: int) -> None:
    with pytest.raises(BodyError, match="level: got"):
        level_moved(level, up)
