"""What a reader is told first, and in which order the story is told."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from openitb.world.headline import clock, headline
from openitb.world.simulation import Simulation
from openitb.world.summary import events, summary

Ran = Callable[..., Simulation]
ORDER = {"at": "0 h", "order": {"mode": "simple continuous", "dose": "200 ug/day"}}


def refill(concentration: str, **more: Any) -> dict[str, Any]:
    return {"at": "10 day", "refill": {"volume": "18 mL", "concentration": concentration, **more}}


def test_nothing_stands_out_of_a_course_that_went_as_ordered(ran: Ran) -> None:
    assert [*headline(ran(ORDER, refill("500 ug/mL")))] == []


def test_a_wrong_dose_is_told_with_its_factor_and_span(ran: Ran) -> None:
    lines = [*headline(ran(ORDER, refill("2000 ug/mL", bridge=False)))]
    assert lines[0] == "the tip gave 0.25 times the ordered dose from 10.00 d to 13.16 d (3.16 d)"


def test_four_times_is_not_averaged_with_what_follows(ran: Ran) -> None:
    course = ran(ORDER, refill("500 ug/mL", bridge=False), system={"concentration": "2000 ug/mL"})
    factors = [s.of_ordered for s in course.departures]
    assert factors == pytest.approx([4.0, 11_800 / 19.4 / 500], rel=1e-3)


def test_drug_that_does_not_come_is_told_as_none(ran: Ran) -> None:
    course = ran(ORDER, system={"fill": "2 mL"}, until="4 day")
    assert "no drug left the tip from 36.0 h to 4.00 d (60.0 h), though it was ordered" in [*headline(course)]


def test_tone_above_the_untreated_is_told(ran: Ran) -> None:
    course = ran(ORDER, {"at": "10 day", "stop": {}}, patient={"tolerance": 3.0})
    assert any(
        line.startswith("leg Ashworth") and "worse than untreated, 4.00" in line for line in headline(course)
    )


def test_a_pump_never_programmed_is_no_departure(ran: Ran) -> None:
    tablets = {"at": "0 h", "oral": {"dose": "20 mg", "every": "8 h", "for": "1 day"}}
    course = ran(tablets, until="1 day")
    assert course.departures == ()
    assert summary(course)["system"]["left_tip_ug"] == 0


def test_the_grain_of_strokes_is_no_departure(ran: Ran) -> None:
    """Half an hour of 96 µg/day at 2000 µg/mL holds four strokes: a step gets four or five of them."""
    steps = [
        {"from": f"{m // 60:02}:{m % 60:02}", "dose_rate": f"{4 + m % 2} ug/h"} for m in range(0, 390, 39)
    ]
    course = ran(
        {"at": "0 h", "order": {"mode": "flex", "steps": steps}},
        system={"concentration": "2000 ug/mL"},
        until="3 day",
    )
    assert course.departures == ()


def test_the_record_and_the_log_are_told_in_order_of_cause(ran: Ran) -> None:
    course = ran(ORDER, refill("2000 ug/mL", bridge=True))
    told = [(event["source"], event["kind"]) for event in events(course)]
    assert told == [
        ("pump", "implanted"),
        ("record", "order"),
        ("pump", "program intended"),
        ("pump", "program changed"),
        ("record", "refill"),
        ("pump", "refill intended"),
        ("pump", "refill recorded"),
        ("pump", "stage finished"),
    ]


def test_the_accounts_of_the_summary_are_those_of_the_run(ran: Ran) -> None:
    course = ran(ORDER, refill("2000 ug/mL", bridge=True))
    told = summary(course)["system"]
    assert told["injected_ug"] == 36_000
    assert told["withdrawn_ug"] == pytest.approx((14 - 1.4) * 500)
    assert told["left_tip_ug"] == pytest.approx(
        np.trapezoid(course.series["tip_ug_per_h"], course.time_h), rel=1e-3
    )


@pytest.mark.parametrize(
    ("hours", "printed"), [(0, "0.0 h"), (37.2, "37.2 h"), (72, "3.00 d"), (258.96, "10.79 d")]
)
def test_a_clock_tells_hours_first_and_days_later(hours: float, printed: str) -> None:
    assert clock(hours) == printed


def test_an_overdose_is_among_what_stands_out(ran: Ran) -> None:
    tenfold = {"at": "0 h", "order": {"mode": "simple continuous", "dose": "2000 ug/day"}, "override": "test"}
    lines = [*headline(ran(tenfold))]
    assert any(line.startswith("breathing depressed from") for line in lines)
    assert any(line.startswith("sedation from") for line in lines)
