"""What holds for any case: drug accounted for to the picogram, and no effect of how it is written."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb.world import export
from openitb.world.casefile import CaseError
from openitb.world.simulation import BODY_SERIES, Simulation

Tables = dict[str, Any]
CaseOf = Callable[..., Tables]
RunIt = Callable[[Tables], Simulation]

HOURS = 240
STROKE_NL = 250

doses = st.integers(96, 900).map(lambda ug: f"{ug} ug/day")
strengths = st.sampled_from(["500 ug/mL", "1000 ug/mL", "2000 ug/mL", "750 ug/mL"])


def simple() -> st.SearchStrategy[Tables]:
    order = st.fixed_dictionaries({"mode": st.just("simple continuous"), "dose": doses})
    return st.fixed_dictionaries({"order": order, "override": st.just("as drawn")})


def flex() -> st.SearchStrategy[Tables]:
    """Up to four steps a day, the first at midnight."""

    def steps(drawn: list[tuple[int, int]]) -> Tables:
        later = sorted(dict(drawn[1:]).items())
        every = [(0, drawn[0][1]), *later]
        rows = [{"from": f"{m // 60:02}:{m % 60:02}", "dose_rate": f"{r} ug/h"} for m, r in every]
        return {"order": {"mode": "flex", "steps": rows}, "override": "as drawn"}

    return st.lists(st.tuples(st.integers(1, 1439), st.integers(4, 30)), min_size=1, max_size=4).map(steps)


def refill() -> st.SearchStrategy[Tables]:
    table = st.fixed_dictionaries(
        {
            "volume": st.integers(100, 18_600).map(lambda ul: f"{ul / 1000} mL"),
            "concentration": strengths,
            "bridge": st.booleans(),
        }
    )
    return st.fixed_dictionaries({"refill": table})


def others() -> st.SearchStrategy[Tables]:
    needle = st.integers(10, 100).map(lambda ug: {"lumbar_bolus": {"dose": f"{ug} ug", "level": "L3"}})
    tablets = st.integers(1, 40).map(lambda mg: {"oral": {"dose": f"{mg} mg", "every": "7 h", "for": "50 h"}})
    return needle | tablets | st.just({"stop": {}})


happenings = st.lists(
    st.tuples(st.integers(0, HOURS), simple() | flex() | refill() | refill() | others()),
    min_size=1,
    max_size=7,
)
systems = st.fixed_dictionaries(
    {
        "fill": st.integers(1_400, 20_000).map(lambda ul: f"{ul / 1000} mL"),
        "concentration": strengths,
        "flow_error": st.sampled_from(["0 %", "-9 %", "13.37 %"]),
    }
)
events_drawn = happenings.map(lambda drawn: [{"at": f"{hour} h", **event} for hour, event in drawn])


@pytest.fixture(scope="module")
def attempt(ran_as_written: RunIt) -> Callable[[Tables], Simulation | None]:
    """A run, or None where gate or pump refuse what was drawn; the refusal names an event."""

    def tried(case: Tables) -> Simulation | None:
        try:
            return ran_as_written(case)
        except CaseError as error:
            return None if str(error).startswith("event ") else pytest.fail(str(error))

    return tried


def at_once(case_of: CaseOf, system: Tables, events: list[Tables], every: str = "6 h") -> Tables:
    return case_of(*events, until=f"{HOURS} h", every=every, system=system)


@settings(max_examples=300)
@given(systems, events_drawn)
def test_drug_is_accounted_for_to_the_picogram(
    case_of: CaseOf,
    attempt: Callable[[Tables], Simulation | None],
    system: Tables,
    events: list[Tables],
) -> None:
    course = attempt(at_once(case_of, system, events))
    if course is None or course.system is None or course.case.system is None:
        return
    label = course.case.system.concentration_ug_per_ml
    at_start = (course.case.system.fill_nl + 316_000) * label
    end = course.system.end
    left = sum(parcel.mass_pg for parcel in course.system.outflow)
    held = end.implant.reservoir.mass_pg + end.column.mass_pg
    assert at_start + course.system.injected_pg == held + left + course.system.withdrawn_pg
    assert end.column.volume_nl == 316_000


@settings(max_examples=300)
@given(systems, events_drawn)
def test_fluid_is_accounted_for_and_belief_counts_strokes(
    case_of: CaseOf,
    attempt: Callable[[Tables], Simulation | None],
    system: Tables,
    events: list[Tables],
) -> None:
    course = attempt(at_once(case_of, system, events))
    if course is None or course.system is None:
        return
    end = course.system.end.implant
    refills = [visit for visit in course.system.visits if "volume_nl" in dir(visit.event.action)]
    filled_nl = refills[-1].left.firmware.reservoir.filled_nl if refills else course.case.system.fill_nl  # type: ignore[union-attr]  # there is one
    strokes_before = refills[-1].left.firmware.counter.strokes if refills else 0
    counted = (end.firmware.counter.strokes - strokes_before) * STROKE_NL
    assert end.firmware.believed_nl(end.build) == max(0, filled_nl - counted)
    assert end.reservoir.volume_nl >= 1_400_000
    delivered = sum(parcel.volume_nl for parcel in course.system.delivered)
    assert delivered == sum(parcel.volume_nl for parcel in course.system.outflow)
    assert course.series["reservoir_ml"][-1] == pytest.approx(end.reservoir.volume_nl / 1e6)


@settings(max_examples=30)
@given(systems, events_drawn, st.integers(-3000, 20_000))
def test_another_day_changes_nothing(
    case_of: CaseOf,
    attempt: Callable[[Tables], Simulation | None],
    system: Tables,
    events: list[Tables],
    days: int,
) -> None:
    case = at_once(case_of, system, events)
    later = deepcopy(case)
    start = later["start"]["at"]
    assert isinstance(start, datetime)
    later["start"]["at"] = start + timedelta(days=days)
    here, there = attempt(case), attempt(later)
    assert (here is None) == (there is None)
    if here is not None and there is not None:
        for name, values in here.series.items():
            assert np.array_equal(values, there.series[name]), name


@settings(max_examples=30)
@given(systems, events_drawn)
def test_how_often_is_looked_changes_nothing_that_is_seen(
    case_of: CaseOf,
    attempt: Callable[[Tables], Simulation | None],
    system: Tables,
    events: list[Tables],
) -> None:
    """Exact for the system, 1e-9 for concentrations; tolerance and withdrawal have a grid of their own."""
    coarse, fine = (attempt(at_once(case_of, system, events, every)) for every in ("6 h", "80 min"))
    if coarse is None or fine is None:
        return
    common, of_coarse, of_fine = np.intersect1d(coarse.time_h, fine.time_h, return_indices=True)
    assert len(common) > HOURS / 30
    for name, values in coarse.series.items():
        top = max(float(np.abs(values).max()), 1e-12)
        worst = float(np.abs(values[of_coarse] - fine.series[name][of_fine]).max())
        assert worst <= 1e-9 * top, name


def respelled(given: object) -> object:
    """The same amounts in other units: µg as mg or mcg, hours as minutes, mL as µL."""
    if isinstance(given, dict):
        return {key: respelled(value) for key, value in given.items()}
    if isinstance(given, list):
        return [respelled(value) for value in given]
    if not isinstance(given, str) or not given[:1].isdigit() or ":" in given:
        return given
    number, _, unit = given.partition(" ")
    if unit == "h":
        return f"{int(number) * 60} min"
    if unit == "ug/day":
        return f"{int(number) / 1000} mg/day"
    return f"{number} {unit.replace('ug', 'mcg')}"


@settings(max_examples=30)
@given(systems, events_drawn)
def test_units_are_only_spelling(
    case_of: CaseOf,
    attempt: Callable[[Tables], Simulation | None],
    system: Tables,
    events: list[Tables],
) -> None:
    case = at_once(case_of, system, events)
    other = respelled(case)
    assert isinstance(other, dict)
    here, there = attempt(case), attempt(other)
    assert (here is None) == (there is None)
    if here is not None and there is not None:
        assert export.json_text(here) == export.json_text(there)


@settings(max_examples=20)
@given(st.integers(96, 700), st.integers(1, 200))
def test_more_drug_is_never_more_tone(case_of: CaseOf, ran_as_written: RunIt, dose: int, more: int) -> None:
    def infused(ug: int) -> Simulation:
        order = {"mode": "simple continuous", "dose": f"{ug} ug/day"}
        event = {"at": "0 h", "order": order, "override": "as drawn"}
        strong = {"concentration": "2000 ug/mL"}
        return ran_as_written(case_of(event, until="12 day", every="2 h", system=strong))

    less, greater = infused(dose), infused(dose + more)
    for name in ("leg_ashworth", "arm_ashworth", "spasm_score"):
        assert (greater.series[name] <= less.series[name] + 1e-12).all(), name
    assert (greater.series["sedation"] >= less.series["sedation"] - 1e-12).all()


@settings(max_examples=25)
@given(systems, events_drawn)
def test_the_output_is_whole_json_with_the_listed_keys(
    case_of: CaseOf,
    attempt: Callable[[Tables], Simulation | None],
    system: Tables,
    events: list[Tables],
) -> None:
    course = attempt(at_once(case_of, system, events))
    if course is None:
        return
    told = json.loads(export.json_text(course), parse_constant=pytest.fail)
    own = {"time_h", "tip_ug_per_h", "flow_ml_per_day", "reservoir_ml", "events", "summary"}
    assert set(told) == {*BODY_SERIES, *own}
    assert len({len(told[name]) for name in set(told) - {"events", "summary"}}) == 1
    times = [event["time_h"] for event in told["events"]]
    assert times == sorted(times)
