"""The cohort engine against the single body, against an implant with its catheter, and against itself."""

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from openitb import body
from openitb.body import Baseline, BodyParameters, Inputs, LumbarBolus, OralDose, PumpBolus, typical_adult
from openitb.cohort import CohortError, sample
from openitb.cohort.engine.cohort import Cohort
from openitb.cohort.engine.inflow import Day, Given, Program
from openitb.cohort.engine.responses import (
    AT_TIP,
    PUNCTURE,
    SWALLOWED,
    TIP,
    full_basis,
    infusion_basis,
    responses,
)
from openitb.cohort.engine.watch import USUAL, Threshold, Watch
from openitb.cohort.people import People
from openitb.timeline import Timeline
from openitb.units import MS_PER_H

Floats = NDArray[np.float64]
BASELINE = Baseline(leg_ashworth=4.0, arm_ashworth=3.0, spasm_score=3.0)
SERIES = (*USUAL, "spasm_score", "sedation_tolerant", "respiratory_depression", "tolerance")
ALL_WAYS = (TIP, AT_TIP, PUNCTURE, SWALLOWED)
PLACES = ("leg_effect_site_ng_per_ml", "arm_effect_site_ng_per_ml", "brainstem_ng_per_ml")


@lru_cache(maxsize=4)
def bodies(size: int = 6, dispersion: body.Dispersion = "well_mixed") -> tuple[BodyParameters, ...]:
    base = typical_adult(dispersion)
    return (base, *sample(base, size - 1, seed=31))


def crowd(size: int = 6, dispersion: body.Dispersion = "well_mixed") -> People:
    return People.of(bodies(size, dispersion), BASELINE)


@lru_cache(maxsize=4)
def found(size: int, ways: tuple[str, ...], dispersion: body.Dispersion = "well_mixed") -> Any:
    basis = infusion_basis() if ways == (TIP,) else full_basis()
    return responses(crowd(size, dispersion), "T12", basis, ways)


def cohort(
    size: int = 6, ways: tuple[str, ...] = (TIP,), dispersion: body.Dispersion = "well_mixed"
) -> Cohort:
    thresholds = (
        Threshold("stiff", "leg_ashworth", 3.0),
        Threshold("loose", "leg_ashworth", 2.0, below=True),
    )
    return Cohort(crowd(size, dispersion), found(size, ways, dispersion), Watch(SERIES, thresholds))


def flex(size: int = 6, dose: float = 250.0) -> Program:
    rates = dose / 24 * np.array([0.6, 1.4, 1.2, 0.8])
    return Program(np.array([0.0, 6.0, 12.0, 18.0]), np.tile(rates, (size, 1)))


def everybody(size: int = 6) -> NDArray[np.intp]:
    return np.arange(size)


def tip(steps: list[tuple[float, float]], until_h: float) -> Timeline:
    """Drug at the tip in µg/h from hours on; the last of several at one hour counts."""
    kept = dict(sorted(steps, key=lambda step: step[0]))
    return Timeline(
        tuple(round(at * MS_PER_H) for at in kept), tuple(kept.values()), round(until_h * MS_PER_H), "ug/h"
    )


def flex_steps(days: int, program: Program) -> list[tuple[float, float]]:
    rates = program.rate_ug_per_h[0].tolist()
    return [
        (24.0 * d + at, rate) for d in range(days) for at, rate in zip(program.from_h, rates, strict=True)
    ]


def hourly(person: BodyParameters, inputs: Inputs, days: int) -> dict[str, Floats]:
    course = body.run(person, inputs, BASELINE, np.arange(24.0 * days + 1))
    return {name: course[name].values for name in course}


def concentrations(some: Cohort, days: int) -> Floats:
    """Leg, arm and brainstem hour by hour, (3, 24 days, people), read day by day."""
    parts = []
    for _ in range(days):
        parts.append(some.concentrations()[:, :24])
        some.live(1)
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("dispersion", ["well_mixed", "poorly_mixed"])
def test_a_flex_program_gives_the_single_body_to_the_stated_error(dispersion: body.Dispersion) -> None:
    days, some = 100, cohort(dispersion=dispersion)
    some.set_program(everybody(), flex())
    some.live(days)
    seen = some.summary()
    for row, person in enumerate(bodies(6, dispersion)):
        whole = hourly(person, Inputs(tip=tip(flex_steps(days, flex()), 24.0 * days)), days)
        for name in SERIES:
            values = whole[name][:-1]
            scale = 4.0 if "ashworth" in name or "score" in name else 1.0
            assert seen.mean[name][row] == pytest.approx(values.mean(), abs=2e-3 * scale), name
            assert seen.most[name][row] == pytest.approx(values.max(), abs=2e-2 * scale), name
            assert seen.least[name][row] == pytest.approx(values.min(), abs=2e-2 * scale), name
        stiff = int((whole["leg_ashworth"][:-1] >= 3.0).sum())
        assert seen.beyond["stiff"][row] == pytest.approx(stiff, abs=12)
        assert some.adapted.tolerance[row] == pytest.approx(whole["tolerance"][-1], abs=5e-3)


def test_a_stop_and_a_new_start_give_the_single_body() -> None:
    """Loss, withdrawal, recovery and return, for people used to their dose."""
    some, stop, back, end = cohort(), 40, 46, 70
    some.set_program(everybody(), flex())
    some.live(stop)
    some.set_program(everybody(), Program(np.zeros(1), np.zeros((6, 1))))
    some.live(back - stop)
    some.set_program(everybody(), flex())
    some.live(end - back)
    steps = [*flex_steps(stop, flex()), (24.0 * stop, 0.0)]
    steps += [(24.0 * back + at, rate) for at, rate in flex_steps(end - back, flex())]
    seen = some.summary()
    for row, person in enumerate(bodies()):
        whole = hourly(person, Inputs(tip=tip(steps, 24.0 * end)), end)
        for name in ("leg_ashworth", "withdrawal", "tolerance"):
            assert seen.mean[name][row] == pytest.approx(whole[name][:-1].mean(), abs=6e-3), name
        assert seen.most["withdrawal"][row] == pytest.approx(whole["withdrawal"][:-1].max(), abs=5e-3)
        assert some.adapted.tolerance[row] == pytest.approx(whole["tolerance"][-1], abs=2e-2)


HOUR = st.floats(0.0, 23.99, allow_nan=False)
DAY = st.lists(st.tuples(HOUR, st.one_of(st.just(0.0), st.floats(0.0, 40.0))), max_size=4)
BOLUSES = st.lists(
    st.tuples(
        st.one_of(st.just(0.0), st.just(12.0), HOUR),
        st.one_of(st.just(0.0), st.floats(0.0, 100.0)),
        st.sampled_from([AT_TIP, PUNCTURE, SWALLOWED]),
    ),
    max_size=4,
)


@settings(max_examples=15)
@given(st.lists(DAY, min_size=1, max_size=5), BOLUSES)
def test_days_of_their_own_give_the_single_body_to_a_thousandth(
    days: list[list[tuple[float, float]]], boluses: list[tuple[float, float, str]]
) -> None:
    """Random rates, doses at the same instant, zero doses and doses at the very start."""
    some, steps, now = cohort(3, ALL_WAYS), [(0.0, 0.0)], 0.0
    seen = []
    for number, changes in enumerate(days):
        ordered = sorted(changes, key=lambda change: change[0])
        steps += [(24.0 * number + at, rate) for at, rate in ordered]
        given = doses(boluses) if number == 0 else {}
        at, rates = (np.tile([change[k] for change in ordered], (3, 1)) for k in (0, 1))
        some.live_one(everybody(3), Day(np.full(3, now), at.reshape(3, -1), rates.reshape(3, -1), given))
        now = rates[0, -1] if len(ordered) else now
        some.set_program(everybody(3), Program(np.zeros(1), np.full((3, 1), now)))
        seen.append(some.concentrations()[:, 0])
    inputs = Inputs(
        tip=tip([(round(at * MS_PER_H) / MS_PER_H, rate) for at, rate in steps], 24.0 * len(days) + 1),
        pump_boluses=tuple(PumpBolus(at, dose) for at, dose, way in boluses if way == AT_TIP),
        lumbar_boluses=tuple(LumbarBolus(at, dose) for at, dose, way in boluses if way == PUNCTURE),
        oral=tuple(OralDose(at, dose) for at, dose, way in boluses if way == SWALLOWED),
    )
    for row, person in enumerate(bodies(3)):
        whole = hourly(person, inputs, len(days))
        for place, name in enumerate(PLACES):
            top = max(np.abs(whole[name]).max(), 1e-4)  # less than 0.1 pg/mL is nothing
            mine = np.array([day[place, row] for day in seen])
            assert np.abs(mine - whole[name][24::24]).max() <= 1e-3 * top, name


def doses(boluses: list[tuple[float, float, str]]) -> dict[str, Given]:
    by_way: dict[str, list[tuple[float, float]]] = {}
    for at, dose, way in boluses:
        by_way.setdefault(way, []).append((at, dose))
    return {
        way: Given(*(np.tile([pair[k] for pair in pairs], (3, 1)) for k in (0, 1)))
        for way, pairs in by_way.items()
    }


def test_an_unknown_way_in_is_refused() -> None:
    day = Day(
        np.zeros(1), np.empty((1, 0)), np.empty((1, 0)), {AT_TIP: Given(np.zeros((1, 1)), np.ones((1, 1)))}
    )
    with pytest.raises(CohortError, match="way in"):
        cohort().live_one(np.array([2]), day)


def test_the_same_days_in_one_step_or_in_many_are_the_same() -> None:
    at_once, bit_by_bit = cohort(), cohort()
    for some in (at_once, bit_by_bit):
        some.set_program(everybody(), flex())
    at_once.live(13)
    for _ in range(13):
        bit_by_bit.live(1)
    assert at_once.adapted.tolerance == pytest.approx(bit_by_bit.adapted.tolerance, rel=1e-12)
    assert at_once.summary().mean["leg_ashworth"] == pytest.approx(bit_by_bit.summary().mean["leg_ashworth"])
    assert at_once.concentrations() == pytest.approx(bit_by_bit.concentrations(), rel=1e-9)


def test_a_later_start_is_the_same_course_later() -> None:
    now, later = cohort(), cohort()
    later.live(5)
    for some in (now, later):
        some.set_program(everybody(), flex())
        some.live(30)
    assert later.adapted.tolerance == pytest.approx(now.adapted.tolerance, rel=1e-9)
    assert later.adapted.withdrawal == pytest.approx(now.adapted.withdrawal, abs=1e-12)
    assert later.concentrations() == pytest.approx(now.concentrations(), rel=1e-9)


def test_a_day_told_step_by_step_is_the_day_of_the_program() -> None:
    told, programmed = cohort(), cohort()
    for some in (told, programmed):
        some.set_program(everybody(), flex())
        some.live(3)
    told.live_one(everybody(), flex().on(0))
    programmed.live(1)
    assert told.concentrations() == pytest.approx(programmed.concentrations(), rel=1e-6)
    assert told.adapted.withdrawal == pytest.approx(programmed.adapted.withdrawal, abs=1e-9)


def test_a_week_of_equal_days_is_the_day() -> None:
    weekly, daily = cohort(), cohort()
    starts = np.concatenate([flex().from_h + 24 * day for day in range(7)])
    weekly.set_program(everybody(), Program(starts, np.tile(flex().rate_ug_per_h, 7), 7))
    daily.set_program(everybody(), flex())
    assert concentrations(weekly, 9) == pytest.approx(concentrations(daily, 9), rel=1e-9)


def test_one_persons_change_leaves_the_others_alone() -> None:
    alone, beside = cohort(), cohort()
    for some in (alone, beside):
        some.set_program(everybody(), flex())
        some.live(20)
    beside.set_program(np.array([1]), Program(np.zeros(1), np.zeros((1, 1))))
    for some in (alone, beside):
        some.live(10)
    others = np.array([0, 2, 3, 4, 5])
    same = alone.summary().mean["leg_ashworth"][others]
    assert beside.summary().mean["leg_ashworth"][others] == pytest.approx(same, abs=1e-3)  # spans differ
    assert beside.summary().mean["leg_ashworth"][1] > alone.summary().mean["leg_ashworth"][1]
