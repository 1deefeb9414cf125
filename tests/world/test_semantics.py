"""What the words of a case file mean: instants, zones, tablets, overrides, mistakes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from openitb.prescription.orders import Flex, Stopped
from openitb.world import casefile
from openitb.world.case import Case, SetOrder, build
from openitb.world.casefile import CaseError
from openitb.world.simulation import Simulation, body_inputs

Ran = Callable[..., Simulation]
Tables = dict[str, Any]
CaseOf = Callable[..., Tables]

ORDER = {"at": "0 h", "order": {"mode": "simple continuous", "dose": "200 ug/day"}}
NIGHT = [
    {"from": "00:00", "dose_rate": "12 ug/h"},
    {"from": "07:00", "dose_rate": "6 ug/h"},
    {"from": "20:00", "dose_rate": "12 ug/h"},
]


def built(tables: Tables) -> Case:
    return build(casefile.validated(tables))


def flex(**more: Any) -> Tables:
    return {"at": "0 h", "order": {"mode": "flex", **more}}


@pytest.mark.parametrize(
    "at",
    [
        "3 day",
        "72 h",
        "4320 min",
        datetime(2026, 1, 8, 8, tzinfo=UTC),
        datetime(2026, 1, 8, 10, tzinfo=timezone(timedelta(hours=2))),
        "2026-01-08T08:00:00Z",
    ],
    ids=str,
)
def test_an_instant_may_be_told_in_many_ways(case_of: CaseOf, at: object) -> None:
    (_, stop) = built(case_of(ORDER, {"at": at, "stop": {}})).events
    assert stop.at_ms == int(datetime(2026, 1, 8, 8, tzinfo=UTC).timestamp() * 1000)


def test_the_end_may_be_an_instant(case_of: CaseOf) -> None:
    by_instant = case_of(ORDER, until="x") | {
        "output": {"until": datetime(2026, 1, 6, 8, tzinfo=UTC), "every": "1 h"}
    }
    assert built(by_instant) == built(case_of(ORDER, until="1 day", every="1 h"))


def test_stop_is_the_order_to_stop(case_of: CaseOf) -> None:
    by_word, by_order = (
        built(case_of(ORDER, {"at": "2 day", **event})).events[1]
        for event in (Tables(stop={}), Tables(order={"mode": "stopped"}))
    )
    assert by_word == by_order
    assert by_word.action == SetOrder(Stopped())


def test_flex_follows_the_pump_clock_and_not_utc(ran: Ran) -> None:
    """Start at 08:00 UTC is 09:00 on the pump: 11 h at 6 µg/h, 11 h at 12, 13 h at 6."""
    course = ran(flex(steps=NIGHT), until="2 day", every="30 min", start={"zone": "+01:00"})
    clock = (course.time_h[:-1] + 9) % 24
    expected = np.where((clock < 7) | (clock >= 20), 12.0, 6.0)
    assert course.series["tip_ug_per_h"][:-1] == pytest.approx(expected)


def test_flex_may_differ_by_weekday(ran: Ran) -> None:
    """Monday 5 January 2026 at 08:00: 12 µg/h on workdays, 8 on the weekend from Saturday midnight."""
    week, weekend = ["mon", "tue", "wed", "thu", "fri"], ["sat", "sun"]
    by_step = flex(
        steps=[
            {"from": "00:00", "dose_rate": "12 ug/h", "days": week},
            {"from": "00:00", "dose_rate": "8 ug/h", "days": weekend},
        ]
    )
    by_pattern = flex(
        patterns=[
            {"days": week, "steps": [{"from": "00:00", "dose_rate": "12 ug/h"}]},
            {"days": weekend, "steps": [{"from": "00:00", "dose_rate": "8 ug/h"}]},
        ]
    )
    one, other = (ran(event, until="8 day", every="1 h") for event in (by_step, by_pattern))
    assert np.array_equal(one.series["tip_ug_per_h"], other.series["tip_ug_per_h"])
    day = (one.time_h[:-1] + 8) // 24
    assert one.series["tip_ug_per_h"][:-1] == pytest.approx(np.where((day == 5) | (day == 6), 8.0, 12.0))


def test_days_beside_steps_that_are_all_days_are_every_day(case_of: CaseOf) -> None:
    every = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    with_days, without = (
        built(case_of(flex(steps=NIGHT, **more))).events[0].action for more in ({"days": every}, {})
    )
    assert with_days == without
    assert isinstance(without, SetOrder)
    assert isinstance(without.order, Flex)


def oral_hours(tables: Tables) -> list[float]:
    return [dose.at_h for dose in body_inputs(built(tables), None).oral]


def test_tablets_are_first_at_the_event_and_last_before_the_time_is_over(case_of: CaseOf) -> None:
    tablets = {"at": "2 h", "oral": {"dose": "20 mg", "every": "8 h", "for": "2 day"}}
    hours = oral_hours(case_of(tablets, system=None))
    assert hours == [2, 10, 18, 26, 34, 42]


def test_tablets_whose_time_ends_off_the_beat_are_not_cut_short(case_of: CaseOf) -> None:
    tablets = {"at": "0 h", "oral": {"dose": "20 mg", "every": "8 h", "for": "17 h"}}
    assert oral_hours(case_of(tablets, system=None)) == [0, 8, 16]


def test_tablets_end_with_the_case(case_of: CaseOf) -> None:
    tablets = {"at": "0 h", "oral": {"dose": "20 mg", "every": "8 h", "for": "9 day"}}
    assert oral_hours(case_of(tablets, until="1 day", system=None)) == [0, 8, 16, 24]


def test_without_a_pump_there_is_no_reservoir_and_no_flow(ran: Ran) -> None:
    needle = {"at": "1 h", "lumbar_bolus": {"dose": "50 ug", "level": "L3"}}
    course = ran(needle, until="1 day", system=None)
    assert course.system is None
    assert np.isnan(course.series["reservoir_ml"]).all()
    assert not course.series["flow_ml_per_day"].any()
    assert course.series["leg_ashworth"].min() < 3.0


@pytest.mark.parametrize("kind", [ORDER, {"at": "1 h", "stop": {}}])
def test_without_a_pump_nothing_can_be_programmed(case_of: CaseOf, kind: Tables) -> None:
    with pytest.raises(CaseError, match=r"event 1: order: got one without a pump, expected a \[system\]"):
        built(case_of(kind, system=None))


def test_a_model_parameter_may_follow_with_its_unit(ran: Ran) -> None:
    half = ran(ORDER, until="4 day", every="1 h", patient={"spinal_loss": "0.5 hour^-1"})
    same = ran(ORDER, until="4 day", every="1 h", patient={"spinal_csf_volume": "0.095 L"})
    plain = ran(ORDER, until="4 day", every="1 h", patient={"spinal_csf_volume": "95 mL"})
    assert np.array_equal(same.series["lumbar_csf_ng_per_ml"], plain.series["lumbar_csf_ng_per_ml"])
    assert half.series["lumbar_csf_ng_per_ml"][-1] != plain.series["lumbar_csf_ng_per_ml"][-1]


def test_poorly_mixed_csf_keeps_drug_low(ran: Ran) -> None:
    mixed, layered = (
        ran(ORDER, until="4 day", every="1 h", patient={"dispersion": name}).series
        for name in ("well_mixed", "poorly_mixed")
    )
    assert layered["cisternal_csf_ng_per_ml"][-1] < 0.5 * mixed["cisternal_csf_ng_per_ml"][-1]


def test_the_initial_tolerance_is_where_tolerance_starts(ran: Ran) -> None:
    course = ran(ORDER, until="10 day", patient={"tolerance": 2.0})
    assert course.series["tolerance"][0] == 2.0
    assert course.series["tolerance"][-1] != 2.0


def test_a_mistake_may_be_another_mode(case_of: CaseOf) -> None:
    event = built(case_of({**ORDER, "mistake": {"mode": "stopped"}})).events[0]
    assert event.truth == SetOrder(Stopped())
    assert event.is_mistake


def test_the_last_sample_is_the_end_even_off_the_beat(ran: Ran) -> None:
    course = ran(ORDER, until="25 h", every="10 h")
    assert course.time_h.tolist() == [0, 10, 20, 25]


REFUSED: dict[str, tuple[Tables, str]] = {
    "a bare number for an instant": ({"at": 10, "stop": {}}, "event 2: at: got 10, expected"),
    "a time of day for an instant": ({"at": "08:00", "stop": {}}, "event 2: at: got '08:00'"),
    "an instant without offset": ({"at": datetime(2026, 1, 8), "stop": {}}, "expected an offset"),  # noqa: DTZ001
    "after the end": ({"at": "21 day", "stop": {}}, "got 504 h from the start, expected at most 480 h"),
    "bridge in words": (
        {"at": "1 day", "refill": {"volume": "18 mL", "concentration": "2000 ug/mL", "bridge": "yes"}},
        "event 2: refill.bridge: got 'yes', expected true or false",
    ),
    "refill of nothing": (
        {"at": "1 day", "refill": {"volume": "0 mL", "concentration": "500 ug/mL"}},
        "event 2: refill.volume: got 0 mL, expected above 0",
    ),
    "mistaken overfill": (
        {
            "at": "1 day",
            "refill": {"volume": "18 mL", "concentration": "500 ug/mL"},
            "mistake": {"volume": "19 mL"},
        },
        "event 2: mistake.volume: got 19 mL",
    ),
    "empty mistake": ({"at": "1 day", "stop": {}, "mistake": {}}, "event 2: mistake: got {}"),
    "implausible bolus": (
        {"at": "1 day", "lumbar_bolus": {"dose": "50 mg", "level": "L3"}},
        "event 2: lumbar_bolus.dose: got 50000 µg, expected at most 20000 µg",
    ),
    "implausible tablet": (
        {"at": "1 day", "oral": {"dose": "2 g", "every": "8 h", "for": "1 day"}},
        "event 2: oral.dose: got 2000000 µg, expected at most 200000 µg",
    ),
    "tablets for no time": (
        {"at": "1 day", "oral": {"dose": "20 mg", "every": "8 h", "for": "0 h"}},
        "event 2: oral.for: got 0 h, expected above 0 h",
    ),
    "reason where nothing is asked": (
        {"at": "1 day", "oral": {"dose": "20 mg", "every": "8 h", "for": "1 h"}, "override": "why"},
        "event 2: override: got one for oral, expected it only for order, refill, stop",
    ),
    "no such key of stop": (
        {"at": "1 day", "stop": {"now": 1}},
        "event 2: stop.now: unknown key, expected no",
    ),
    "day that is none": (
        {"at": "1 day", "order": {"mode": "flex", "days": ["day"], "steps": NIGHT}},
        "event 2: order.days[0]: got 'day', expected 'mon'",
    ),
    "time that is none": (
        {"at": "1 day", "order": {"mode": "flex", "steps": [{"from": "24:00", "dose_rate": "5 ug/h"}]}},
        "event 2: order.steps[0].from: got '24:00', expected a time of day such as '08:00'",
    ),
    "not a table": ({"at": "1 day", "refill": 3}, "event 2: refill: got 3, expected a table"),
}


@pytest.mark.parametrize(("event", "line"), REFUSED.values(), ids=REFUSED.keys())
def test_an_event_without_meaning_is_refused_by_its_number(case_of: CaseOf, event: Tables, line: str) -> None:
    with pytest.raises(CaseError) as refused:
        built(case_of(ORDER, event))
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("version", [True, 1.0, "1", 2, None])
def test_only_the_number_1_is_version_1(case_of: CaseOf, version: object) -> None:
    with pytest.raises(CaseError, match=r"^version: got .*, expected 1$"):
        built(case_of(ORDER) | {"version": version})


def test_a_start_given_as_a_number_is_refused(case_of: CaseOf) -> None:
    with pytest.raises(CaseError, match=r"^start.at: got 1767600000, expected an instant"):
        built(case_of(ORDER, start={"at": 1_767_600_000}))


@pytest.mark.parametrize("text", ["", "x", "= 1", "version = 1\nevent = 3", "\x00", "[[event]]\n" * 400])
def test_what_is_no_case_at_all_is_one_line(text: str) -> None:
    with pytest.raises(CaseError) as refused:
        casefile.read(text)
    assert "\n" not in str(refused.value)
