"""The system from order to tip, against figures worked out on paper.

Path: 0.140 mL of tubing and 80 cm of 0.0022 mL/cm, 0.316 mL. Residual volume 1.4 mL. 200 µg/day of
500 µg/mL is 0.4 mL/day and 8.333 µg/h; of 2000 µg/mL it is 0.1 mL/day. The residue under a refill
mixes: 1.4 mL of 500 under 18 mL of 2000 is 36.7 mg in 19.4 mL, 1891.75 µg/mL.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from openitb.world.casefile import CaseError
from openitb.world.simulation import Simulation

Ran = Callable[..., Simulation]
Happens = dict[str, Any]

DAY = 24.0
DOSE_PER_H = 200 / 24


def order(at: str, dose: str, **more: Any) -> Happens:
    return {"at": at, "order": {"mode": "simple continuous", "dose": dose}, **more}


def refill(at: str, concentration: str, volume: str = "18 mL", **more: Any) -> Happens:
    keys = {"bridge"} & more.keys()
    inside = {"volume": volume, "concentration": concentration, **{key: more.pop(key) for key in keys}}
    return {"at": at, "refill": inside, **more}


def at_h(simulation: Simulation, name: str, hour: float) -> float:
    """A series at an output time, which must be one."""
    index = int(np.argmin(np.abs(simulation.time_h - hour)))
    assert simulation.time_h[index] == pytest.approx(hour)
    return float(simulation.series[name][index])


def changes(simulation: Simulation, name: str = "tip_ug_per_h") -> list[tuple[float, float]]:
    """A stepped series as its steps: the last output hour before each change, and the value after."""
    values = simulation.series[name]
    at = [0, *(np.flatnonzero(np.abs(np.diff(values)) > 1e-6 * values.max()) + 1)]
    return [(float(simulation.time_h[max(i - 1, 0)]), float(values[i])) for i in at]


def assert_steps(simulation: Simulation, expected: list[tuple[float, float]], every_h: float = 1 / 6) -> None:
    """The tip gives each rate from its hour on, to the output time that follows."""
    steps = changes(simulation)
    assert [rate for _, rate in steps] == pytest.approx([rate for _, rate in expected], rel=1e-6)
    for (before_h, _), (from_h, _) in zip(steps[1:], expected[1:], strict=True):
        assert before_h <= from_h + 1e-6
        assert from_h <= before_h + every_h + 1e-6


@pytest.mark.requirement("DEL-01")
def test_ten_days_of_200_at_500_take_4_ml_and_give_2000_ug(ran: Ran) -> None:
    course = ran(order("0 h", "200 ug/day"), until="10 day", every="1 h")
    assert course.system is not None
    assert sum(p.volume_nl for p in course.system.delivered) == 4_000_000
    assert sum(p.mass_pg for p in course.system.outflow) == 2_000_000_000
    assert course.series["flow_ml_per_day"] == pytest.approx(0.4)
    assert course.series["tip_ug_per_h"] == pytest.approx(DOSE_PER_H)
    assert course.series["reservoir_ml"] == pytest.approx(18 - 0.4 * course.time_h / DAY)


UP = 36_700 / 19.4 * 0.1 / 24  # µg/h of the mixture at the flow of the label's 2000 µg/mL
DOWN = 11_800 / 19.4 * 0.4 / 24  # 1.4 mL of 2000 under 18 mL of 500, at the flow of the label's 500


@pytest.mark.requirement("BOL-12")
@pytest.mark.hazard("HAZ-05")
def test_a_bridge_to_a_higher_concentration_holds_the_dose_for_18_96_h(ran: Ran) -> None:
    course = ran(order("0 h", "200 ug/day"), refill("10 day", "2000 ug/mL", bridge=True))
    assert_steps(course, [(0, DOSE_PER_H), (240 + 0.316 / 0.4 * 24, UP)])
    assert at_h(course, "flow_ml_per_day", 240 + 18.5) == pytest.approx(0.4)
    assert at_h(course, "flow_ml_per_day", 240 + 19) == pytest.approx(0.1)


@pytest.mark.hazard("HAZ-05", without="the bridge")
def test_that_bridge_forgotten_gives_a_quarter_of_the_dose_for_3_16_days(ran: Ran) -> None:
    course = ran(order("0 h", "200 ug/day"), refill("10 day", "2000 ug/mL", bridge=False))
    assert_steps(course, [(0, DOSE_PER_H), (240, DOSE_PER_H / 4), (240 + 3.16 * 24, UP)])


@pytest.mark.requirement("BOL-12")
@pytest.mark.hazard("HAZ-05")
def test_a_bridge_to_a_lower_concentration_holds_the_dose_for_3_16_days(ran: Ran) -> None:
    strong = {"concentration": "2000 ug/mL"}
    course = ran(order("0 h", "200 ug/day"), refill("10 day", "500 ug/mL", bridge=True), system=strong)
    assert_steps(course, [(0, DOSE_PER_H), (240 + 3.16 * 24, DOWN)])


@pytest.mark.hazard("HAZ-05", without="the bridge")
def test_that_bridge_forgotten_gives_four_times_the_dose_for_18_96_h(ran: Ran) -> None:
    strong = {"concentration": "2000 ug/mL"}
    course = ran(order("0 h", "200 ug/day"), refill("10 day", "500 ug/mL", bridge=False), system=strong)
    assert_steps(course, [(0, DOSE_PER_H), (240, 4 * DOSE_PER_H), (240 + 18.96, DOWN)])
    (stretch,) = [s for s in course.departures if (s.of_ordered or 0) > 2]
    assert stretch.of_ordered == pytest.approx(4)
    assert (stretch.end_ms - stretch.start_ms) / 3_600_000 == pytest.approx(18.96, abs=0.01)


def test_a_refill_while_the_bridge_runs_puts_two_fronts_behind_each_other(ran: Ran) -> None:
    """12 h into the bridge 0.2 mL of the first mixture stand behind 0.116 mL of 500 µg/mL.

    The rest of the old drug keeps 0.4 mL/day for 6.96 h, the mixture its 0.1 mL/day for two days, and
    1.4 mL of 1891.75 under 18 mL of 1000, 1064.4 µg/mL, follow at 0.2 mL/day.
    """
    course = ran(
        order("0 h", "200 ug/day"),
        refill("10 day", "2000 ug/mL", bridge=True),
        refill("252 h", "1000 ug/mL", bridge=True),
    )
    first = Fraction(36_700) / Fraction("19.4")
    second = (first * Fraction("1.4") + 18_000) / Fraction("19.4")
    expected = [(0, DOSE_PER_H), (258.96, UP), (258.96 + 48, float(second) * 0.2 / 24)]
    assert_steps(course, expected)


def test_the_mixture_is_1895_while_the_pump_believes_2000(ran: Ran) -> None:
    """18.6 mL of 2000 onto 1.4 mL of 500 is 37.9 mg in 20 mL."""
    course = ran(
        order("0 h", "200 ug/day"),
        refill("1 day", "2000 ug/mL", volume="18.6 mL", bridge=True),
        until="5 day",
        system={"fill": "1.8 mL"},
    )
    assert course.system is not None
    reservoir = course.system.end.implant.reservoir
    assert Fraction(reservoir.mass_pg, reservoir.volume_nl) == 1895
    assert course.system.end.implant.firmware.reservoir.label_ug_per_ml == 2000
    assert at_h(course, "tip_ug_per_h", 4 * DAY) == pytest.approx(0.1 * 1895 / 24, rel=1e-6)


def test_a_slow_pump_leaves_more_behind_than_it_believes(ran: Ran) -> None:
    """8 % slow: 3.68 mL instead of 4 mL in ten days."""
    course = ran(order("0 h", "200 ug/day"), until="10 day", system={"flow_error": "-8 %"})
    assert course.system is not None
    assert course.system.end.implant.reservoir.volume_nl == 18_000_000 - 3_680_000
    assert course.system.end.implant.firmware.believed_nl(course.system.end.implant.build) == 14_000_000
    assert at_h(course, "tip_ug_per_h", 5 * DAY) == pytest.approx(0.92 * DOSE_PER_H)


@pytest.mark.hazard("HAZ-04", without="a refill in time")
def test_a_missed_refill_ends_delivery_after_13_days_and_withdrawal_passes_the_untreated(ran: Ran) -> None:
    """400 µg/day of 2000 µg/mL is 0.2 mL/day: 2 mL of 4 are left after 10 days, 1.4 mL after 13."""
    course = ran(
        order("0 h", "400 ug/day"),
        system={"concentration": "2000 ug/mL", "fill": "4 mL"},
        patient={"tolerance": 3.0},
    )
    assert_steps(course, [(0, 400 / 24), (13 * DAY, 0.0)])
    assert at_h(course, "reservoir_ml", 20 * DAY) == pytest.approx(1.4)
    assert alarms(course) == {"low reservoir": pytest.approx(240), "empty reservoir": pytest.approx(312)}
    late = course.time_h > 14 * DAY
    assert course.series["withdrawal"][late].max() > 0.5
    assert course.series["leg_ashworth"][late].max() > 4.0
    assert course.series["withdrawal"][course.time_h <= 13 * DAY].max() < 1e-9


def alarms(course: Simulation) -> dict[str, float]:
    assert course.system is not None
    log = course.system.end.implant.firmware.log.entries
    raised = [entry for entry in log if entry.kind.value == "alarm raised"]
    return {str(entry.get("condition")): entry.tick_ms / 3_600_000 for entry in raised}


@pytest.mark.hazard("INC-11", "INC-13", without="the question about ten times the dose")
def test_a_ten_fold_mistake_is_in_the_body_and_not_in_the_record(ran: Ran) -> None:
    course = ran(
        order("0 h", "200 ug/day", mistake={"dose": "2000 ug/day"}),
        until="2 day",
        system={"concentration": "2000 ug/mL"},
    )
    meant = ran(order("0 h", "200 ug/day"), until="2 day", system={"concentration": "2000 ug/mL"})
    assert at_h(course, "tip_ug_per_h", DAY) == pytest.approx(10 * DOSE_PER_H)
    assert course.story[0].text == meant.story[0].text == "simple continuous, 200 µg/day"
    assert course.story[0].mistake == "simple continuous, 2000 µg/day"
    assert course.series["respiratory_depression"].max() > 0.5 > meant.series["respiratory_depression"].max()
    assert course.departures[0].of_ordered == pytest.approx(10)


def test_a_wrong_syringe_changes_what_flows_and_not_what_the_pump_believes(ran: Ran) -> None:
    """500 µg/mL by its label, 2000 in truth: 1.4 mL of 500 under 18 mL of 2000 at 0.4 mL/day."""
    course = ran(
        order("0 h", "200 ug/day"),
        refill("1 day", "500 ug/mL", mistake={"concentration": "2000 ug/mL"}),
        until="4 day",
    )
    assert course.system is not None
    assert course.system.end.implant.firmware.reservoir.label_ug_per_ml == 500
    assert at_h(course, "flow_ml_per_day", 3 * DAY) == pytest.approx(0.4)
    assert at_h(course, "tip_ug_per_h", 3 * DAY) == pytest.approx(0.4 * 36_700 / 19.4 / 24, rel=1e-6)


@pytest.mark.hazard("INC-09", without="the questions after a refill")
def test_a_pocket_fill_is_a_mistaken_volume(ran: Ran) -> None:
    """1 mL of 18 reached the reservoir: the pump believes 19.4 mL, 2.4 mL are there."""
    course = ran(
        order("0 h", "200 ug/day"),
        refill("1 day", "500 ug/mL", mistake={"volume": "1 mL"}),
        until="1 day",
    )
    assert course.system is not None
    end = course.system.end.implant
    assert (end.reservoir.volume_nl, end.firmware.believed_nl(end.build)) == (2_400_000, 19_400_000)


def test_a_pump_stopped_and_restarted_gives_drug_at_once(ran: Ran) -> None:
    """The column stands still meanwhile: no dead volume has to be filled again."""
    course = ran(
        order("0 h", "200 ug/day"),
        {"at": "2 day", "stop": {}},
        order("3 day", "200 ug/day", override="planned pause over"),
        until="5 day",
    )
    assert_steps(course, [(0, DOSE_PER_H), (48, 0.0), (72, DOSE_PER_H)])


def test_an_order_after_a_stop_needs_its_own_reason(ran: Ran) -> None:
    with pytest.raises(CaseError, match=r"^event 3: order.dose: got 200 µg/day after an interruption"):
        ran(order("0 h", "200 ug/day"), {"at": "2 day", "stop": {}}, order("3 day", "200 ug/day"))


def test_minimum_rate_is_an_interruption_too(ran: Ran) -> None:
    idle = {"at": "2 day", "order": {"mode": "minimum rate"}}
    with pytest.raises(CaseError, match=r"event 3.*after an interruption"):
        ran(order("0 h", "200 ug/day"), idle, order("3 day", "200 ug/day"))


def test_the_gate_names_the_event_it_refuses(ran: Ran) -> None:
    with pytest.raises(CaseError, match=r"^event 2: order.dose: got 400 µg/day, 100 % above"):
        ran(order("0 h", "200 ug/day"), order("3 day", "400 ug/day"))


def test_a_soft_refusal_passes_with_a_reason_and_is_told(ran: Ran) -> None:
    course = ran(order("0 h", "200 ug/day"), order("3 day", "400 ug/day", override="as in hospital"))
    assert at_h(course, "tip_ug_per_h", 4 * DAY) == pytest.approx(400 / 24, rel=1e-4)
    assert "step-limit" in [finding.rule for finding in course.story[1].findings]


@pytest.mark.requirement("PRG-04")
def test_no_reason_moves_a_hard_limit(ran: Ran) -> None:
    with pytest.raises(CaseError, match=r"event 1: .*this patient's cap"):
        ran(order("0 h", "200 ug/day", override="please"), patient={"dose_cap": "150 ug/day"})


def test_a_new_concentration_passes_the_gate_as_well(ran: Ran) -> None:
    with pytest.raises(CaseError, match=r"event 2: .*expected at most 2000 µg/mL: no product is stronger"):
        ran(order("0 h", "200 ug/day"), refill("3 day", "3000 ug/mL", bridge=True))


def test_events_at_one_instant_happen_as_they_are_written(ran: Ran) -> None:
    """The new dose meets the old label or the new one; either way 220 µg/day flow afterwards."""
    both = order("10 day", "220 ug/day"), refill("10 day", "2000 ug/mL", bridge=False)
    for pair in (both, both[::-1]):
        course = ran(order("0 h", "200 ug/day"), *pair)
        assert [told.kind for told in course.story[1:]] == [next(iter({*e} - {"at"})) for e in pair]
        assert at_h(course, "flow_ml_per_day", 240) == pytest.approx(0.11)


def test_an_event_at_the_start_acts_in_the_first_sample(ran: Ran) -> None:
    course = ran(
        order("0 h", "200 ug/day"),
        {"at": "0 h", "lumbar_bolus": {"dose": "50 ug", "level": "L3"}},
        until="1 day",
    )
    assert course.series["flow_ml_per_day"][0] == pytest.approx(0.4)
    assert course.series["lumbar_csf_ng_per_ml"][0] > 1000


def test_an_event_at_the_very_end_happens_and_the_last_sample_shows_what_led_to_it(ran: Ran) -> None:
    course = ran(order("0 h", "200 ug/day"), {"at": "2 day", "stop": {}}, until="2 day")
    assert course.story[-1].text == "stopped"
    assert course.series["flow_ml_per_day"][-1] == pytest.approx(0.4)


def test_a_refill_keeps_a_flex_pattern_at_the_new_concentration(ran: Ran) -> None:
    steps = [{"from": "00:00", "dose_rate": "12 ug/h"}, {"from": "12:00", "dose_rate": "6 ug/h"}]
    course = ran(
        {"at": "0 h", "order": {"mode": "flex", "steps": steps}},
        refill("2 day", "1000 ug/mL", bridge=False),
        until="5 day",
        every="1 h",
    )
    before, after = at_h(course, "flow_ml_per_day", 24), at_h(course, "flow_ml_per_day", 96)
    assert before == pytest.approx(12 * 24 / 500)  # 08:00
    assert after == pytest.approx(12 * 24 / 1000)
    assert at_h(course, "flow_ml_per_day", 96 + 6) == pytest.approx(6 * 24 / 1000)  # 14:00


def test_a_refill_of_a_stopped_pump_leaves_it_stopped(ran: Ran) -> None:
    course = ran(refill("1 day", "2000 ug/mL", bridge=False), until="3 day", every="1 h")
    assert not course.series["flow_ml_per_day"].any()
    assert course.series["reservoir_ml"][-1] == pytest.approx(19.4)


def test_what_is_not_done_to_the_pump_does_not_touch_its_flow(ran: Ran) -> None:
    tablets = {"at": "61 min", "oral": {"dose": "20 mg", "every": "7 h", "for": "5 day"}}
    needle = {"at": "59 min", "lumbar_bolus": {"dose": "50 ug", "level": "L3"}}
    with_both = ran(order("0 h", "200 ug/day"), needle, tablets, until="2 day")
    alone = ran(order("0 h", "200 ug/day"), until="2 day")
    assert np.array_equal(with_both.series["tip_ug_per_h"], alone.series["tip_ug_per_h"])
