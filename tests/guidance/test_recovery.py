"""The plan after an implant: dates are expectations, restrictions end by the clinician's all-clear."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.guidance.calendar import months_after
from openitb.guidance.recovery import RecoveryAnswer, recovery_plan, restriction_state, titration_checks
from openitb.prescription.answers import CalculationError

ON = date(2026, 3, 2)
OPERATIONS = ("new", "pump", "catheter")
H = units.MS_PER_H


def line(answer: RecoveryAnswer, rule: str):  # type: ignore[no-untyped-def]
    return next(item for item in answer.plan if item.rule == rule)


@pytest.mark.parametrize(
    ("rule", "begins", "until"),
    [
        ("flat-rest", ON, date(2026, 3, 5)),
        ("lifting", ON, date(2026, 4, 27)),
        ("binder", ON, date(2026, 5, 25)),
        ("bathing", ON, date(2026, 4, 13)),
        ("trunk", ON, date(2026, 6, 2)),
        ("dressing", date(2026, 3, 5), None),
        ("wound", date(2026, 3, 12), None),
        ("clinic", date(2026, 4, 2), None),
    ],
)
def test_a_first_implant_has_these_dates(rule: str, begins: date, until: date | None) -> None:
    item = line(recovery_plan("new", ON, is_child=False), rule)
    assert (item.begins, item.expected_until) == (begins, until)
    assert item.sources


@pytest.mark.parametrize(
    ("operation", "child", "low", "high"),
    [
        ("new", False, 2, 5),
        ("new", True, 5, 7),
        ("pump", False, 0, 1),
        ("pump", True, 0, 1),
        ("catheter", False, 2, 5),
    ],
)
def test_nights_in_hospital_by_operation(operation, child, low, high) -> None:  # type: ignore[no-untyped-def]
    answer = recovery_plan(operation, ON, is_child=child)
    assert answer.home_earliest == ON + timedelta(low)
    assert answer.home_latest == ON + timedelta(high)


def test_a_pump_alone_asks_nothing_for_the_catheter() -> None:
    rules = {item.rule for item in recovery_plan("pump", ON, is_child=False).plan}
    assert rules.isdisjoint({"flat-rest", "trunk", "headache"})
    assert {"lifting", "wound", "clinic"} <= rules


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_date_alone_ends_a_restriction(operation) -> None:  # type: ignore[no-untyped-def]
    for item in recovery_plan(operation, ON, is_child=False).plan:
        if item.ends == "clinician":
            late = restriction_state(item, ON + timedelta(2000), None)
            assert late == "in force past the expected date"
            assert restriction_state(item, ON + timedelta(3), ON + timedelta(3)) == "ended"


@pytest.mark.parametrize(
    ("days", "all_clear", "state"),
    [
        (0, None, "in force"),
        (56, None, "in force"),
        (57, None, "in force past the expected date"),
        (20, 20, "ended"),
        (90, 20, "ended"),
    ],
)
def test_lifting_waits_for_the_all_clear(days: int, all_clear: int | None, state: str) -> None:
    item = line(recovery_plan("new", ON, is_child=False), "lifting")
    cleared = None if all_clear is None else ON + timedelta(all_clear)
    assert restriction_state(item, ON + timedelta(days), cleared) == state


def test_what_is_only_expected_ends_by_its_date_and_begins_by_it() -> None:
    answer = recovery_plan("new", ON, is_child=False)
    assert restriction_state(line(answer, "headache"), ON + timedelta(8), None) == "ended"
    assert restriction_state(line(answer, "clinic"), ON, None) == "not yet"


@pytest.mark.parametrize("cleared", [ON - timedelta(1), ON + timedelta(11)])
def test_an_all_clear_that_cannot_be_is_refused(cleared: date) -> None:
    item = line(recovery_plan("new", ON, is_child=False), "lifting")
    with pytest.raises(CalculationError, match="all-clear: got"):
        restriction_state(item, ON + timedelta(10), cleared)


def test_titration_is_looked_at_every_day_in_hospital() -> None:
    assert titration_checks(5, 5 + 72 * H) == (5 + 24 * H, 5 + 48 * H, 5 + 72 * H)
    assert titration_checks(5, 5 + 23 * H) == ()


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(-600, 600))
def test_months_stay_in_their_month_and_go_back(day: date, months: int) -> None:
    there = months_after(day, months)
    assert (there.year - day.year) * 12 + there.month - day.month == months
    assert there.day <= day.day
    assert months_after(months_after(day.replace(day=1), months), -months) == day.replace(day=1)


def test_a_leap_day_and_a_month_end_are_clipped() -> None:
    assert months_after(date(2028, 2, 29), 12) == date(2029, 2, 28)
    assert months_after(date(2026, 1, 31), 1) == date(2026, 2, 28)
    with pytest.raises(CalculationError, match="date: got 9999-12-01"):
        months_after(date(9999, 12, 1), 1)


def test_the_warning_signs_come_with_the_plan() -> None:
    told = {each.rule for each in recovery_plan("new", ON, is_child=True).warnings}
    assert {"recovery-warnings.fever", "recovery-warnings.more_stiffness"} <= told
