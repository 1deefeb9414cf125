"""Orders, refills and faults of many people: the same drug at the tip as an implant with its catheter."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from openitb import catalogue
from openitb.body import typical_adult
from openitb.cohort import CohortError
from openitb.cohort.engine.cohort import Cohort
from openitb.cohort.engine.pumps import Change, Dose, Fault, Pumps, Refill, SetFlow, System
from openitb.cohort.engine.responses import AT_TIP, TIP, Responses, full_basis, infusion_basis, responses
from openitb.cohort.people import People
from openitb.prescription.order_text import parse_order
from openitb.prescription.program import Program, compile_order
from openitb.units import NL_PER_ML
from openitb.world import casefile
from openitb.world.case import build
from openitb.world.simulation import Simulation, simulate

Floats = NDArray[np.float64]
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
PLACES = ("leg_effect_site_ng_per_ml", "arm_effect_site_ng_per_ml", "brainstem_ng_per_ml")
STROKE_UG = 2.0  # of a pump with strong fluid, rounded up; held against the stroke below

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]
SIMPLE = {"mode": "simple continuous", "dose": "200 ug/day"}
FLEX = {
    "mode": "flex",
    "steps": [{"from": "00:00", "dose_rate": "12 ug/h"}, {"from": "09:30", "dose_rate": "6 ug/h"}],
}
WEEKLY = {
    "mode": "flex",
    "patterns": [
        {"days": WEEKDAYS, "steps": [{"from": "00:00", "dose_rate": "10 ug/h"}]},
        {"days": ["sat", "sun"], "steps": [{"from": "00:00", "dose_rate": "5 ug/h"}]},
    ],
}
STOPPED = {"mode": "stopped"}


@lru_cache(maxsize=2)
def found(ways: tuple[str, ...]) -> Responses:
    basis = infusion_basis() if ways == (TIP,) else full_basis()
    return responses(People.of([typical_adult()]), "T12", basis, ways)


def case(events: list[dict[str, Any]], days: int) -> Simulation:
    system = {
        "pump": "synchromed-ii-20",
        "catheter": "ascenda-8780",
        "implanted_length": "80 cm",
        "tip": "T12",
        "concentration": "500 ug/mL",
        "fill": "18 mL",
    }
    patient = {
        "preset": "typical-adult",
        "baseline_leg_ashworth": 4.0,
        "baseline_arm_ashworth": 3.0,
        "baseline_spasm_score": 3.0,
        "origin": "spinal",
        "age": "42 year",
    }
    table = {
        "version": 1,
        "patient": patient,
        "start": {"at": MIDNIGHT},
        "event": events,
        "output": {"until": f"{days} day", "every": "1 h"},
        "system": system,
    }
    return simulate(build(casefile.validated(table)))


def program(order: dict[str, Any], ug_per_ml: int) -> Program:
    pump = catalogue.load().pump("synchromed-ii-20")
    return compile_order(parse_order(order), ug_per_ml, pump)


def pumps(size: int = 1, ways: tuple[str, ...] = (TIP,)) -> tuple[Cohort, Pumps]:
    people = People.of([typical_adult()] * size)
    cohort = Cohort(people, found(ways) if size == 1 else responses(people, "T12", infusion_basis(), ways))
    return cohort, Pumps(cohort, System(18 * NL_PER_ML, round(1.4 * NL_PER_ML), 316_000, 500))


def midnights(days: int, changes: list[Change]) -> tuple[Floats, Pumps]:
    """Leg, arm and brainstem at each midnight from the first on, (3, days)."""
    cohort, system = pumps()
    seen = []
    for day in range(days):
        system.live(1, [c for c in changes if 24 * day <= c.at_h < 24 * (day + 1)])
        seen.append(cohort.concentrations()[:, 0, 0])
    return np.array(seen).T, system


def agrees(events: list[dict[str, Any]], changes: list[Change], days: int) -> None:
    """Within what one stroke can change, and the error of the reduced responses."""
    whole = case(events, days)
    mine, _ = midnights(days, changes)
    stroke_ug = catalogue.load().pump("synchromed-ii-20").stroke_volume_nl * 2000 / 1e6
    assert stroke_ug < STROKE_UG
    for place, name in enumerate(PLACES):
        values = whole.series[name][24::24]
        one_stroke = stroke_ug * one_dose_top(name)
        assert np.abs(mine[place] - values).max() <= one_stroke + 1e-3 * values.max(), name


@lru_cache(maxsize=3)
def one_dose_top(name: str) -> float:
    """The highest concentration that 1 µg at once at the tip leads to."""
    some = found((TIP,))
    weights = some.of(TIP, name)[0] * some.rates_per_h
    return float((weights @ np.exp(-np.outer(some.rates_per_h, np.geomspace(0.01, 200, 400)))).max())


def test_an_order_a_refill_of_another_strength_and_a_flex_order_agree_with_the_implant() -> None:
    events = [
        {"at": "0 h", "order": SIMPLE},
        {"at": "96.5 h", "refill": {"volume": "18 mL", "concentration": "2000 ug/mL", "bridge": False}},
        {"at": "170 h", "order": FLEX},
    ]
    changes: list[Change] = [
        SetFlow(0, 0.0, program(SIMPLE, 500)),
        Refill(0, 96.5, 18 * NL_PER_ML, 2000),
        SetFlow(0, 96.5, program(SIMPLE, 2000)),
        SetFlow(0, 170.0, program(FLEX, 2000)),
    ]
    agrees(events, changes, 12)


def test_weekdays_agree_with_the_implant() -> None:
    agrees([{"at": "0 h", "order": WEEKLY}], [SetFlow(0, 0.0, program(WEEKLY, 500))], 16)


def test_a_bridge_written_as_orders_agrees_with_the_implants_bridge() -> None:
    """Old flow until the path is flushed, then the flow of the new strength."""
    flushed_h = 96.5 + 0.316 / (0.4 / 24)
    events = [
        {"at": "0 h", "order": SIMPLE},
        {"at": "96.5 h", "refill": {"volume": "18 mL", "concentration": "2000 ug/mL", "bridge": True}},
    ]
    changes: list[Change] = [
        SetFlow(0, 0.0, program(SIMPLE, 500)),
        Refill(0, 96.5, 18 * NL_PER_ML, 2000),
        SetFlow(0, flushed_h, program(SIMPLE, 2000)),
    ]
    agrees(events, changes, 9)


ORDERS = st.sampled_from([STOPPED, SIMPLE, FLEX, WEEKLY])
REFILLS = st.integers(4, 18)
LOST = st.sampled_from([0, 35, 100])
AT = st.one_of(st.just(0.0), st.integers(0, 9 * 24 * 60).map(lambda minutes: minutes / 60))


def as_event(at_min: int, what: dict[str, Any] | int) -> dict[str, Any]:
    """An order, or a refill of so many mL, as a case file tells it."""
    if isinstance(what, dict):
        return {"at": f"{at_min} min", "order": what, "override": "as studied"}
    return {"at": f"{at_min} min", "refill": {"volume": f"{what} mL", "concentration": "500 ug/mL"}}


def as_change(at_min: int, what: dict[str, Any] | int) -> Change:
    if isinstance(what, dict):
        return SetFlow(0, at_min / 60, program(what, 500))
    return Refill(0, at_min / 60, what * NL_PER_ML, 500)


@pytest.mark.slow
@settings(max_examples=12)
@given(st.lists(st.tuples(AT, st.one_of(ORDERS, REFILLS)), min_size=1, max_size=5), AT, LOST)
def test_random_orders_refills_and_a_leak_agree_with_the_implant(
    given_at: list[tuple[float, dict[str, Any] | int]], leaks_at: float, lost: int
) -> None:
    ordered = sorted((round(at * 60), what) for at, what in dict(given_at).items())
    leak_min = round(leaks_at * 60)
    events = [as_event(at, what) for at, what in ordered]
    changes: list[Change] = [as_change(at, what) for at, what in ordered]
    if lost:
        fault = {"id": "C-03", "lost": f"{lost} percent"}
        events = sorted(
            [*events, {"at": f"{leak_min} min", "fault": fault}], key=lambda e: int(e["at"].split()[0])
        )
        changes.append(Fault(0, leak_min / 60, arrives=1 - lost / 100))
    agrees(events, changes, 10)


@pytest.mark.parametrize("from_h", [0, 50, 71])
def test_an_occluded_catheter_agrees_with_the_implants(from_h: int) -> None:
    """The rotor turns and nothing passes."""
    events = [{"at": "0 h", "order": SIMPLE}, {"at": f"{from_h} h", "fault": {"id": "C-04"}}]
    changes: list[Change] = [SetFlow(0, 0.0, program(SIMPLE, 500)), Fault(0, float(from_h), flow=0.0)]
    agrees(events, changes, 6)


def test_drug_leaves_the_tip_as_it_was_put_in_and_no_more() -> None:
    changes: list[Change] = [SetFlow(0, 0.0, program(FLEX, 500)), Fault(0, 30.0, flow=0.5), Fault(0, 60.0)]
    _, system = midnights(5, changes)
    whole = 5 * (9.5 * 12 + 14.5 * 6) - 0.5 * given_between(30.0, 60.0)
    assert system.delivered_ug[0] == pytest.approx(whole, rel=1e-5)
    assert system.left_nl[0] == pytest.approx((18 - 1.4) * NL_PER_ML - whole / 500 * 1e6, abs=5)


def given_between(start_h: float, end_h: float) -> float:
    hours = np.arange(start_h, end_h, 0.5)
    return float(np.where(hours % 24 < 9.5, 12.0, 6.0).sum() * 0.5)


def test_an_empty_reservoir_ends_the_flow_and_a_refill_brings_it_back() -> None:
    day_nl = 200_000 * 1000 // 500  # 200 µg/day of 500 µg/mL
    lasts = (18 - 1.4) * NL_PER_ML / day_nl
    changes: list[Change] = [
        SetFlow(0, 0.0, program(SIMPLE, 500)),
        Refill(0, 24.0 * 45 + 5, 18 * NL_PER_ML, 500),
    ]
    cohort, system = pumps()
    system.live(45, changes[:1])
    assert system.delivered_ug[0] == pytest.approx(200 * lasts, rel=1e-6)
    assert system.left_nl[0] == pytest.approx(0, abs=1)
    system.live(3, changes[1:])
    assert system.delivered_ug[0] == pytest.approx(200 * (lasts + 3 - 5 / 24), rel=1e-5)
    assert cohort.concentrations()[0, 0, 0] > 0


def test_a_leak_keeps_drug_from_arriving_and_fluid_from_lasting_no_longer() -> None:
    whole, leaking = (
        midnights(8, [SetFlow(0, 0.0, program(SIMPLE, 500)), *fault])
        for fault in ([], [Fault(0, 0.0, arrives=0.25)])
    )
    assert leaking[0] == pytest.approx(0.25 * whole[0], rel=1e-4)
    assert leaking[1].left_nl == pytest.approx(whole[1].left_nl)


def test_a_stalled_pump_is_a_stopped_one() -> None:
    start = SetFlow(0, 0.0, program(SIMPLE, 500))
    stalled, _ = midnights(6, [start, Fault(0, 50.0, flow=0.0)])
    stopped, _ = midnights(6, [start, SetFlow(0, 50.0, program(STOPPED, 500))])
    assert stalled == pytest.approx(stopped, rel=1e-9)


def test_a_dose_of_nothing_and_one_split_in_two_change_nothing() -> None:
    def after(doses: list[Change]) -> Floats:
        cohort, system = pumps(ways=(TIP, AT_TIP))
        system.live(2, [SetFlow(0, 0.0, program(SIMPLE, 500)), *doses])
        return cohort.concentrations()[:, 0, 0]

    at = [0.0, 30.0]
    assert after([Dose(0, h, 0.0, AT_TIP) for h in at]) == pytest.approx(after([]), rel=1e-9)
    whole, halves = [Dose(0, h, 50.0, AT_TIP) for h in at], [Dose(0, h, 25.0, AT_TIP) for h in at] * 2
    assert after([*halves]) == pytest.approx(after([*whole]), rel=1e-9)
    assert (after([*whole]) > after([])).all()


def test_each_person_of_many_is_as_alone() -> None:
    changes = [SetFlow(0, 0.0, program(SIMPLE, 500)), Refill(0, 40.0, 18 * NL_PER_ML, 1000)]
    alone, lone = pumps()
    lone.live(12, changes)
    beside, system = pumps(3)
    theirs: list[Change] = [SetFlow(2, 0.0, program(FLEX, 500)), Fault(2, 30.5, flow=1.3)]
    system.live(12, [*changes, *theirs])
    assert beside.concentrations()[:, :, 0] == pytest.approx(alone.concentrations()[:, :, 0], rel=1e-6)
    assert system.delivered_ug[0] == pytest.approx(lone.delivered_ug[0])
    assert system.delivered_ug[1] == 0


def test_a_change_outside_of_the_days_is_refused() -> None:
    _, system = pumps()
    with pytest.raises(CohortError, match="24 h"):
        system.live(1, [Fault(0, 25.0)])


def test_what_is_seen_at_an_hour_of_a_day_agrees_with_the_implant_while_a_front_is_under_way() -> None:
    events = [
        {"at": "0 h", "order": SIMPLE},
        {"at": "96.5 h", "refill": {"volume": "18 mL", "concentration": "2000 ug/mL", "bridge": False}},
    ]
    changes: list[Change] = [
        SetFlow(0, 0.0, program(SIMPLE, 500)),
        Refill(0, 96.5, 18 * NL_PER_ML, 2000),
        SetFlow(0, 96.5, program(SIMPLE, 2000)),
    ]
    whole, (_, system) = case(events, 8).series["sedation"], pumps()
    for day in range(8):
        today = [change for change in changes if day * 24 <= change.at_h < (day + 1) * 24]
        for hour in (0, 5, 10, 23):
            before = [change for change in today if change.at_h < day * 24 + hour]
            seen = system.series_at(hour, before)["sedation"][0]
            assert seen == pytest.approx(whole[day * 24 + hour], abs=1e-3 * whole.max() + 1e-6)
        system.live(1, today)


def test_looking_at_a_day_does_not_live_it() -> None:
    changes: list[Change] = [SetFlow(0, 0.0, program(FLEX, 500)), Fault(0, 3.0, flow=0.5)]
    looked, plain = pumps(), pumps()
    looked[1].series_at(12, changes)
    for _, system in (looked, plain):
        system.live(2, changes)
    assert looked[1].delivered_ug == plain[1].delivered_ug
    assert (looked[0].concentrations() == plain[0].concentrations()).all()


def test_people_who_have_run_a_program_for_ever_stay_as_they_are() -> None:
    cohort, system = pumps()
    system.settle([program(SIMPLE, 500)], np.array([0.9]))
    before = cohort.concentrations()[:, 0, 0]
    system.live(20)
    assert cohort.concentrations()[:, 0, 0] == pytest.approx(before, rel=1e-9)
    assert system.delivered_ug[0] == pytest.approx(20 * 200 * 0.9)


def test_a_pump_counts_what_it_should_have_moved_and_hours_without_fluid_are_told() -> None:
    """0.4 mL/day at half the flow: 16.6 mL last 83 days; counting begins anew at a fill."""
    _, system = pumps()
    system.live(90, [SetFlow(0, 0.0, program(SIMPLE, 500)), Fault(0, 0.0, flow=0.5)])
    assert system.counted_nl[0] == pytest.approx(90 * 400_000)
    assert system.dry_h[0] == pytest.approx(7 * 24, abs=0.1)
    system.live(1, [Refill(0, 90 * 24 + 6.0, 18 * NL_PER_ML, 500)])
    assert system.counted_nl[0] == pytest.approx(0.75 * 400_000)
    assert system.dry_h[0] == pytest.approx(7 * 24 + 6, abs=0.1)
