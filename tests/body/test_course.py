from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb.body import (
    Baseline,
    BodyError,
    Course,
    Inputs,
    LumbarBolus,
    OralDose,
    PumpBolus,
    run,
    typical_adult,
)
from openitb.body.model import build
from openitb.body.modes import solved
from openitb.timeline import Timeline
from openitb.units import MS_PER_H

BASELINE = Baseline(4.0, 3.0, 3.0)
ADULT = typical_adult()
LINEAR = (*build(ADULT).readouts, "tip_sample_ng_per_ml", "dosed_ug")

rates = st.lists(st.floats(0, 100), min_size=1, max_size=6)
gaps_ms = st.lists(st.integers(1, 20 * MS_PER_H), min_size=6, max_size=6)
moments = st.tuples(st.floats(0, 60), st.floats(0, 1000))
# Whole ms, as every instant outside the body is: less is lost in rounding, not in the model.
times = st.lists(st.integers(0, 200 * MS_PER_H).map(lambda ms: ms / MS_PER_H), min_size=1, max_size=40)


def tip_of(values: list[float], gaps: list[int], start_ms: int = 0) -> Timeline:
    starts = np.cumsum([start_ms, *gaps])[: len(values)]
    return Timeline(tuple(int(s) for s in starts), tuple(values), int(starts[-1]) + gaps[-1], "ug/h")


@st.composite
def inputs(draw: st.DrawFn) -> Inputs:
    few = st.lists(moments, max_size=2)
    return Inputs(
        tip=tip_of(draw(rates), draw(gaps_ms)) if draw(st.booleans()) else None,
        lumbar_boluses=tuple(LumbarBolus(*m) for m in draw(few)),
        pump_boluses=tuple(PumpBolus(*m) for m in draw(few)),
        oral=tuple(OralDose(*m) for m in draw(few)),
        initial=draw(st.sampled_from(["empty", 0.0, 5.0])),
    )


def course(given: Inputs, at_h: list[float], baseline: Baseline = BASELINE) -> Course:
    return run(ADULT, given, baseline, np.array(at_h))


def constant_rate(rate: float, hours: int = 1000) -> Timeline:
    return Timeline((0,), (rate,), hours * MS_PER_H, "ug/h")


def assert_same(one: Course, other: Course, part: float = 1e-9) -> None:
    for name in one:
        a, b = one[name].values, other[name].values
        assert np.abs(a - b).max() <= part * max(np.abs(a).max(), 1e-6), name


@given(inputs(), times)
@settings(deadline=None, max_examples=60)
def test_drug_given_is_in_the_body_or_eliminated_to_1e_9(given_inputs: Inputs, at_h: list[float]) -> None:
    assert course(given_inputs, at_h).mass_balance_error < 1e-9


@given(inputs(), st.lists(st.floats(0, 5000), min_size=1, max_size=5))
@settings(deadline=None, max_examples=30)
def test_mass_balance_holds_for_the_poorly_mixed_preset_too(given_inputs: Inputs, at_h: list[float]) -> None:
    poorly = run(typical_adult("poorly_mixed"), given_inputs, BASELINE, np.array(at_h))
    assert poorly.mass_balance_error < 1e-9


@given(inputs(), times)
@settings(deadline=None, max_examples=40)
def test_no_amount_or_concentration_is_negative(given_inputs: Inputs, at_h: list[float]) -> None:
    result = course(given_inputs, at_h)
    for name in LINEAR:
        assert result[name].values.min() >= -1e-9 * max(1.0, result["dosed_ug"].values.max()), name


@given(rates, gaps_ms, st.integers(-(10**13), 10**13), times)
@settings(deadline=None, max_examples=30)
def test_shifting_all_instants_changes_nothing(
    values: list[float], gaps: list[int], shift_ms: int, at_h: list[float]
) -> None:
    here = course(Inputs(tip=tip_of(values, gaps)), at_h)
    there = course(Inputs(tip=tip_of(values, gaps, shift_ms), start_ms=shift_ms), at_h)
    assert_same(here, there)


@given(inputs(), inputs(), times)
@settings(deadline=None, max_examples=30)
def test_series_of_inputs_given_together_are_the_sum_of_each_alone(
    one: Inputs, other: Inputs, at_h: list[float]
) -> None:
    tips = [g.tip for g in (one, other) if g.tip]
    together = Inputs(
        tip=tips[0].merge(tips[1]) if len(tips) == 2 else tips[0] if tips else None,
        lumbar_boluses=one.lumbar_boluses + other.lumbar_boluses,
        pump_boluses=one.pump_boluses + other.pump_boluses,
        oral=one.oral + other.oral,
        initial=sum(0.0 if g.initial == "empty" else g.initial for g in (one, other)),
    )
    a, b, both = course(one, at_h), course(other, at_h), course(together, at_h)
    for name in LINEAR:
        whole = both[name].values
        parts = a[name].values + b[name].values
        scale = max(both["dosed_ug"].values.max(), np.abs(parts).max(), 1e-6)
        assert np.abs(whole - parts).max() <= 1e-9 * scale, name


@given(inputs(), times, st.integers(0, 39))
@settings(deadline=None, max_examples=40)
def test_a_value_does_not_depend_on_the_other_output_times(
    given_inputs: Inputs, at_h: list[float], pick: int
) -> None:
    pick %= len(at_h)
    whole, alone = course(given_inputs, at_h), course(given_inputs, [at_h[pick]])
    scale = max(whole["dosed_ug"].values.max(), 1.0)
    for name in whole:
        assert abs(whole[name].values[pick] - alone[name].values[0]) <= 1e-9 * scale, name


def test_a_regular_grid_an_irregular_grid_and_single_times_agree() -> None:
    tip = tip_of([6.0, 12.0, 9.0, 0.0, 15.0], [MS_PER_H * 5 + 7, *[MS_PER_H * 11 + 13] * 4])
    grid = np.arange(0, 100, 1 / 6)
    odd = np.random.default_rng(3).uniform(0, 100, 3000)
    regular = run(ADULT, Inputs(tip=tip), BASELINE, grid)
    mixed = run(ADULT, Inputs(tip=tip), BASELINE, np.concatenate([odd, grid]))
    for name in regular:
        assert mixed[name].values[3000:] == pytest.approx(regular[name].values, rel=1e-9, abs=1e-9), name


def test_a_daily_grid_gives_the_tolerance_and_withdrawal_of_a_fine_one() -> None:
    stop = Inputs(tip=constant_rate(12.5, 30 * 24))
    daily = run(ADULT, stop, replace(BASELINE, tolerance=3.0), np.arange(0, 41 * 24, 24.0))
    fine = run(ADULT, stop, replace(BASELINE, tolerance=3.0), np.arange(0, 40 * 24 + 1 / 6, 1 / 6))
    for name in ("tolerance", "withdrawal", "leg_ashworth"):
        assert daily[name].values[:-1] == pytest.approx(fine[name].values[:: 24 * 6][:40], abs=1e-9), name


def test_no_drug_is_the_baseline_for_ever() -> None:
    nothing = course(Inputs(), [0.0, 1.0, 1000.0])
    assert (nothing["leg_ashworth"].values == 4.0).all()
    assert (nothing["arm_ashworth"].values == 3.0).all()
    assert (nothing["spasm_score"].values == 3.0).all()
    assert (nothing["hm_ratio"].values == 1.0).all()
    for name in ("withdrawal", "sedation", "respiratory_depression", "lumbar_csf_ng_per_ml"):
        assert not nothing[name].values.any()


def test_more_drug_lowers_tone_and_spasm_and_raises_sedation_at_every_moment() -> None:
    hours = np.arange(1, 100, 0.5)
    doses = [run(ADULT, Inputs(tip=constant_rate(rate)), BASELINE, hours) for rate in (1, 2, 5, 10, 30, 100)]
    for less, more in pairwise(doses):
        for name in ("leg_ashworth", "arm_ashworth", "spasm_score", "hm_ratio"):
            assert (more[name].values < less[name].values).all(), name
        for name in ("sedation", "respiratory_depression", "lumbar_csf_ng_per_ml"):
            assert (more[name].values > less[name].values).all(), name


def test_an_infusion_ends_at_the_steady_state_of_the_equations() -> None:
    model = solved(ADULT).model
    inflow = 12.5 * model.infusion(20.5)
    state = model.steady_state(inflow)
    late = course(Inputs(tip=constant_rate(12.5, 5000)), [3000.0])
    for name in ("lumbar_csf_ng_per_ml", "plasma_ng_per_ml", "brainstem_ng_per_ml", "in_cord_ug"):
        assert late[name].values[0] == pytest.approx(float(model.readouts[name] @ state), rel=1e-10)
    assert np.abs(model.matrix[:-3] @ state + inflow[:-3]).max() < 1e-9


def test_a_body_started_at_its_steady_state_stays_there() -> None:
    stays = course(Inputs(tip=constant_rate(12.5, 5000), initial=12.5), [0.0, 0.5, 24.0, 3000.0])
    for name in ("lumbar_csf_ng_per_ml", "leg_effect_site_ng_per_ml", "plasma_ng_per_ml", "in_cord_ug"):
        assert stays[name].values == pytest.approx(np.full(4, stays[name].values[0]), rel=1e-9), name


def test_a_bolus_at_hour_0_is_there_at_hour_0() -> None:
    first = course(Inputs(lumbar_boluses=(LumbarBolus(0.0, 50.0),)), [0.0])
    assert first["in_spinal_csf_ug"].values[0] == pytest.approx(50.0)
    assert first["lumbar_csf_ng_per_ml"].values[0] > 1000


def test_boluses_at_one_instant_add_up_and_order_does_not_matter() -> None:
    apart = tuple(LumbarBolus(2.0, dose) for dose in (10.0, 40.0))
    one = course(Inputs(lumbar_boluses=(LumbarBolus(2.0, 50.0),)), [1.0, 2.0, 3.0])
    two = course(Inputs(lumbar_boluses=apart), [1.0, 2.0, 3.0])
    back = course(Inputs(lumbar_boluses=apart[::-1]), [1.0, 2.0, 3.0])
    assert_same(one, two, 1e-12)
    assert_same(two, back, 0.0)


def test_a_lumbar_bolus_spreads_over_three_cm_and_a_pump_bolus_over_one() -> None:
    model = solved(ADULT).model
    for sd_cm in (1.0, 3.0):
        share = model.canal.footprint(11.0, sd_cm) / model.canal.area_cm2
        spread = np.sqrt(np.average((model.canal.x_cm - 11.0) ** 2, weights=share))
        assert spread == pytest.approx(sd_cm, rel=0.05)


def test_the_plume_shows_in_a_sample_at_the_tip_and_nowhere_else() -> None:
    wide = replace(ADULT, tip_plume_ml_per_h=1e9)
    with_plume = course(Inputs(initial=13.0, tip=constant_rate(13.0)), [1.0])
    without = run(wide, Inputs(initial=13.0, tip=constant_rate(13.0)), BASELINE, np.array([1.0]))
    name = "tip_sample_ng_per_ml"
    assert with_plume[name].values - without[name].values == pytest.approx(1000.0)  # 13 µg/h over 13 mL/h
    assert with_plume["lumbar_csf_ng_per_ml"].values == without["lumbar_csf_ng_per_ml"].values


def test_the_tip_level_decides_what_legs_and_arms_get() -> None:
    low, high = (course(Inputs(tip=constant_rate(8.0), tip_at=level), [200.0]) for level in ("T12", "T6"))
    assert high["leg_effect_site_ng_per_ml"].values < low["leg_effect_site_ng_per_ml"].values
    assert high["arm_effect_site_ng_per_ml"].values > low["arm_effect_site_ng_per_ml"].values


def test_nothing_flows_after_the_end_of_the_tip_timeline() -> None:
    ends = course(Inputs(tip=constant_rate(8.0, 10)), [10.0, 500.0])
    assert ends["dosed_ug"].values == pytest.approx([80.0, 80.0])
    assert ends["in_spinal_csf_ug"].values[1] < 1e-6


@pytest.mark.parametrize("cells", [20, 30, 120])
def test_the_number_of_slices_hardly_matters(cells: int) -> None:
    other = replace(ADULT, cells=cells)
    peak = Inputs(lumbar_boluses=(LumbarBolus(0.0, 50.0),))
    hours = np.array([0.0, 4.15])
    a, b = (run(who, Inputs(initial=5.0), BASELINE, hours[:1]) for who in (ADULT, other))
    high, higher = (
        run(who, peak, BASELINE, hours)["leg_effect_site_ng_per_ml"].values for who in (ADULT, other)
    )
    assert higher == pytest.approx(high, rel=0.016)
    lumbar, cisternal = "lumbar_csf_ng_per_ml", "cisternal_csf_ng_per_ml"
    assert b[lumbar].values == pytest.approx(a[lumbar].values, rel=0.024)
    assert b[lumbar].values / b[cisternal].values == pytest.approx(
        a[lumbar].values / a[cisternal].values, rel=0.04
    )


@pytest.mark.parametrize(
    ("given_inputs", "message"),
    [
        (Inputs(tip=Timeline((0,), (1.0,), 5, "ug/day")), "tip: got a timeline in ug/day, expected ug/h"),
        (Inputs(tip=Timeline((0,), (-1.0,), 5, "ug/h")), "tip: got -1 µg/h"),
        (Inputs(tip=Timeline((0,), (float("nan"),), 5, "ug/h")), "tip: got nan µg/h"),
        (Inputs(tip=constant_rate(1.0), start_ms=1), "tip: starts at 0 ms, expected 1 ms or later"),
        (Inputs(tip_at="T13"), "tip: got 'T13', expected L5 to C1"),
        (Inputs(tip_at=60.5), "tip: got 60.5 cm, expected 0 to 60 cm"),
        (Inputs(lumbar_boluses=(LumbarBolus(-1.0, 5.0),)), "lumbar bolus: got -1.0 h"),
        (Inputs(pump_boluses=(PumpBolus(0.0, -5.0),)), "pump bolus: got -5.0 µg"),
        (Inputs(oral=(OralDose(0.0, float("inf")),)), "oral dose: got inf µg"),
        (Inputs(initial=-1.0), "initial: got -1.0 µg/h"),
    ],
)
def test_inputs_a_body_cannot_have_are_refused_in_one_line(given_inputs: Inputs, message: str) -> None:
    with pytest.raises(BodyError) as refused:
        course(given_inputs, [0.0])
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("at_h", [[], [-1.0], [float("nan")], [float("inf")]])
def test_times_that_are_none_are_refused(at_h: list[float]) -> None:
    with pytest.raises(BodyError, match="times: got"):
        course(Inputs(), at_h)


def test_series_know_their_units() -> None:
    result = course(Inputs(), [0.0])
    units = {name: result[name].unit for name in result}
    assert units["lumbar_csf_ng_per_ml"] == "ng/mL"
    assert units["leg_ashworth"] == units["spasm_score"] == "point"
    assert units["cleared_ug"] == "ug"
    assert units["tolerance"] == units["hm_ratio"] == units["sedation"] == "1"
