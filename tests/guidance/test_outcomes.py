"""Panel statistics against SciPy's own intervals and by hand; nobody observed is no figure."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, poisson

from openitb import units
from openitb.guidance.outcomes import (
    Followed,
    Refilled,
    missed_refills,
    patient_years,
    proportion,
    rate,
    time_to_action,
)
from openitb.prescription.answers import CalculationError

DAY, H = units.MS_PER_DAY, units.MS_PER_H


def test_a_proportion_carries_its_denominator_and_wilsons_interval() -> None:
    answer = proportion(5, 50)
    assert (answer.count, answer.of, answer.value) == (5, 50, Fraction(1, 10))
    assert answer.low == pytest.approx(0.0435, abs=5e-5)  # textbook value for 5 of 50
    assert answer.high == pytest.approx(0.2136, abs=5e-5)


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilsons_interval_is_scipys_own(count: int, of: int) -> None:
    if count > of:
        return
    answer = proportion(count, of)
    expected = binomtest(count, of).proportion_ci(method="wilson")
    assert answer.low == pytest.approx(expected.low, abs=1e-9)
    assert answer.high == pytest.approx(expected.high, abs=1e-9)


def test_nobody_is_no_figure_and_none_of_many_is_zero() -> None:
    nobody, none = proportion(0, 0), proportion(0, 20)
    assert (nobody.value, nobody.low, nobody.high) == (None, None, None)
    assert none.value == 0
    assert none.low == 0
    assert none.high is not None
    assert none.high > 0.1
    assert proportion(20, 20).high == 1


def test_a_rate_carries_its_years_and_the_exact_interval() -> None:
    answer = rate(8, Fraction(1604, 10))  # the withdrawals of clinical.md 4.2
    assert float(answer.per_year or 0) == pytest.approx(0.0499, abs=5e-5)
    assert answer.low == pytest.approx(3.4538 / 160.4, rel=1e-4)  # Garwood's limits for 8 events
    assert answer.high == pytest.approx(15.7632 / 160.4, rel=1e-4)


@given(st.integers(0, 200), st.integers(1, 5000))
def test_the_ends_of_a_rate_leave_two_and_a_half_percent_each(count: int, years: int) -> None:
    answer = rate(count, Fraction(years))
    assert answer.low is not None
    assert answer.high is not None
    assert float(poisson.cdf(count, answer.high * years)) == pytest.approx(0.025, rel=1e-6)
    if count:
        assert float(poisson.sf(count - 1, answer.low * years)) == pytest.approx(0.025, rel=1e-6)
    else:
        assert answer.low == 0


def test_no_time_is_no_rate() -> None:
    assert rate(0, Fraction(0)).per_year is None


@pytest.mark.parametrize(
    ("ask", "named"),
    [
        (lambda: proportion(3, 2), "count: got 3, expected 0 to 2"),
        (lambda: proportion(-1, 2), "count: got -1"),
        (lambda: rate(1, Fraction(0)), "count: got 1 in 0.0 years"),
        (lambda: rate(-1, Fraction(1)), "count: got -1"),
        (lambda: time_to_action([(5, 4)], 9), "acted: got a time before the finding"),
    ],
)
def test_figures_that_cannot_be_are_refused(ask: object, named: str) -> None:
    with pytest.raises(CalculationError, match=named):
        ask()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("refills", "count", "of"),
    [
        ([], 0, 0),
        ([Refilled(10, 10)], 0, 1),
        ([Refilled(10, 11)], 1, 1),
        ([Refilled(10, None)], 1, 1),  # due and not done
        ([Refilled(60, None)], 0, 0),  # not due yet
        ([Refilled(60, 40)], 0, 1),  # done early
        ([Refilled(50, None)], 0, 1),  # due this very moment
        ([Refilled(40, 70)], 1, 1),  # entered for later, and late already
        ([Refilled(10, 9), Refilled(20, 25), Refilled(30, None), Refilled(80, None)], 2, 3),
    ],
)
def test_a_refill_is_missed_when_it_came_late_or_not_at_all(
    refills: list[Refilled], count: int, of: int
) -> None:
    answer = missed_refills(refills, 50)
    assert (answer.count, answer.of) == (count, of)


def test_patient_years_add_up_and_stop_at_the_end_or_now() -> None:
    year = round(365.25 * DAY)
    people = [Followed(0, None), Followed(0, year), Followed(3 * year, None), Followed(0, 9 * year)]
    assert patient_years(people, 2 * year) == 2 + 1 + 0 + 2
    assert patient_years([], year) == 0


def test_times_to_action_are_quartiles_of_what_was_done_with_what_is_open() -> None:
    pairs = [(0, 1 * H), (0, 2 * H), (0, 3 * H), (0, 4 * H), (0, 5 * H), (6 * H, None), (8 * H, None)]
    answer = time_to_action(pairs, 10 * H)
    assert (answer.lower_ms, answer.median_ms, answer.upper_ms) == (2 * H, 3 * H, 4 * H)
    assert (answer.done, answer.still_open, answer.oldest_open_ms) == (5, 2, 4 * H)
    assert time_to_action([(0, H), (0, 2 * H)], 0).median_ms == 3 * H // 2


def test_nothing_done_has_no_median_and_nothing_open_no_wait() -> None:
    none = time_to_action([(0, None)], 7)
    assert (none.median_ms, none.still_open, none.oldest_open_ms) == (None, 1, 7)
    assert time_to_action([], 7).oldest_open_ms is None


@given(st.integers(0, 50), st.integers(1, 60), st.integers(1, 40))
def test_more_observation_narrows_an_interval(count: int, of: int, times: int) -> None:
    if count > of:
        return
    few, many = proportion(count, of), proportion(count * (times + 1), of * (times + 1))
    assert few.low is not None
    assert few.high is not None
    assert many.low is not None
    assert many.high is not None
    assert many.high - many.low < few.high - few.low
