"""What is done to the people of the demo clinic, and when."""

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from openitb import catalogue, units
from openitb.clinic.demo.cast import Cast, Person
from openitb.clinic.demo.doses import ladder_pg, orders
from openitb.clinic.demo.refills import Belief, plan_refills
from openitb.clinic.demo.story import Story, moment, tell
from openitb.clinic.demo.toml_text import to_toml
from openitb.prescription.orders import SimpleContinuous
from openitb.world import case, casefile
from openitb.world.casefile import CaseError
from openitb.world.simulate import run_system

Find = Callable[[str], Person]
Tell = Callable[[Person], Story]
DAY = units.MS_PER_DAY
UG = units.PG_PER_UG


def doses_ug(story: Story) -> list[float]:
    """Simple continuous doses of a story in order, µg/day."""
    events = story.therapy["event"] if story.therapy else []
    texts = (event["order"].get("dose", "") for event in events if "order" in event)
    return [float(units.dose_pg_per_day(text, "dose")) / UG for text in texts if text]


def cases_of(story: Story) -> list[dict[str, Any]]:
    return [tables for tables in (story.trial, story.therapy) if tables is not None]


def test_every_case_of_every_story_builds_and_reads_back_from_its_text(cast: Cast, told: Tell) -> None:
    for person in cast.person:
        for tables in cases_of(told(person)):
            case.build(casefile.validated(tables))
            assert casefile.read(to_toml(tables)) == casefile.validated(tables)


def test_the_same_story_is_told_twice_the_same(cast: Cast, told: Tell) -> None:
    assert [told(person) for person in cast.person] == [told(person) for person in cast.person]


def test_a_story_told_a_day_later_is_the_same_a_day_later(cast: Cast, now_ms: int) -> None:
    for person in cast.person:
        today, tomorrow = (tell(person, cast.house, at_ms) for at_ms in (now_ms, now_ms + DAY))
        for before, after in zip(cases_of(today), cases_of(tomorrow), strict=True):
            assert [event | {"at": event["at"] + timedelta(days=1)} for event in before["event"]] == after[
                "event"
            ]
        assert [contact.at_ms + DAY for contact in today.contacts] == [c.at_ms for c in tomorrow.contacts]


def test_nothing_is_done_or_said_in_the_future(cast: Cast, told: Tell, now_ms: int) -> None:
    for person in cast.person:
        story = told(person)
        acts = [event["at"] for tables in cases_of(story) for event in tables["event"]]
        said = [moment(each.at_ms) for each in (*story.contacts, *story.complaints)]
        assert max([*acts, *said]) <= moment(now_ms), person.number


def test_a_living_pump_s_case_ends_exactly_now(cast: Cast, told: Tell, now_ms: int) -> None:
    for person in cast.person:
        story = told(person)
        if story.therapy and story.explanted_ms is None:
            assert case.build(casefile.validated(story.therapy)).until_ms == now_ms


def test_the_first_dose_is_twice_the_bolus_that_worked(person: Find, told: Tell) -> None:
    assert [dose // UG for dose in ladder_pg(person("SYN-008").trial)] == [50, 75]  # type: ignore[arg-type]
    assert doses_ug(told(person("SYN-008")))[0] == 150


def test_the_first_dose_is_once_the_bolus_after_a_long_effect(person: Find, told: Tell) -> None:
    assert person("SYN-011").trial.effect_hours > 8  # type: ignore[union-attr]
    assert doses_ug(told(person("SYN-011")))[0] == 50


def test_a_very_small_child_begins_at_25_ug(person: Find, told: Tell) -> None:
    boluses = [event["lumbar_bolus"]["dose"] for event in told(person("SYN-005")).trial["event"]]  # type: ignore[index]
    assert boluses == ["25 ug", "50 ug"]


def test_boluses_are_at_least_a_day_apart(cast: Cast, told: Tell) -> None:
    for person in cast.person:
        trial = told(person).trial
        if trial:
            at = [event["at"] for event in trial["event"]]
            assert all(later - earlier >= timedelta(hours=24) for earlier, later in pairwise(at))


@pytest.mark.parametrize(("number", "most"), [("SYN-009", 1.15), ("SYN-030", 1.15), ("SYN-013", 1.30)])
def test_steps_stay_within_the_range_of_origin_and_age(
    person: Find, told: Tell, number: str, most: float
) -> None:
    rising = [(a, b) for a, b in pairwise(doses_ug(told(person(number)))) if b > a]
    assert rising
    assert all(later <= earlier * most for earlier, later in rising)


def test_the_gate_stands_in_the_way_of_a_dose_given_without_its_reason(person: Find, told: Tell) -> None:
    tables = told(person("SYN-016")).therapy
    assert tables
    silent = [{k: v for k, v in event.items() if k != "override"} for event in tables["event"]]
    with pytest.raises(CaseError, match="recommended"):
        run_system(case.build(casefile.validated(tables | {"event": silent})))


def test_a_refill_is_due_by_hand() -> None:
    # 19.4 mL less 2 mL at 200/500 = 0.4 mL/day last 43.5 days; the low date is day 43, less 5 days.
    pump = catalogue.load().pump("synchromed-ii-20")
    filled = Belief(pump, 0, Fraction(19_400_000), 0, 500, SimpleContinuous(200 * UG))
    assert filled.refill_by_day() == 38
    # Ten days and 4 mL later nothing has changed.
    assert filled.later(10 * DAY).volume_nl == 15_400_000
    assert filled.later(10 * DAY).refill_by_day() == 38


def test_a_refill_that_would_last_longer_is_due_at_the_longest_interval_after_the_fill() -> None:
    pump = catalogue.load().pump("synchromed-ii-40")
    filled = Belief(pump, 0, Fraction(39_400_000), 0, 2000, SimpleContinuous(200 * UG))
    assert filled.refill_by_day() == 180
    assert filled.later(100 * DAY).refill_by_day() == 180


def test_a_pump_that_gives_nothing_needs_no_refill() -> None:
    pump = catalogue.load().pump("synchromed-ii-20")
    assert Belief(pump, 0, Fraction(19_400_000), 0, 500).refill_by_day() is None


@pytest.mark.parametrize(
    ("number", "in_days"), [("SYN-022", 6), ("SYN-023", -7), ("SYN-024", 9), ("SYN-027", -11)]
)
def test_stories_placed_by_their_refill_are_due_on_that_day(
    cast: Cast, person: Find, told: Tell, now_ms: int, number: str, in_days: int
) -> None:
    someone = person(number)
    end_ms = 10 * 365 * DAY
    plan = plan_refills(someone, cast.house, orders(someone, cast.house, end_ms), end_ms)
    implanted = moment(told(someone).implanted_ms or 0).date()
    assert implanted + timedelta(days=plan.next_by_day or 0) == moment(now_ms).date() + timedelta(
        days=in_days
    )
    assert someone.pump
    assert someone.pump.due
    assert len(plan.visits) == someone.pump.due.after_refills


def test_a_change_of_strength_says_whether_it_was_bridged(cast: Cast, told: Tell) -> None:
    bridged: list[bool] = []
    for person in cast.person:
        therapy = told(person).therapy
        bridged += [
            e["refill"]["bridge"]
            for e in (therapy or {"event": []})["event"]
            if "bridge" in e.get("refill", {})
        ]
    assert bridged.count(False) == 1
    assert bridged.count(True) >= 1
