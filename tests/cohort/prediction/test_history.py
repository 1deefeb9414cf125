"""Drug at the tip: exact in the window, as days before it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.cohort import CohortError, TipHistory, Window, daily_doses_ug, tip_history
from openitb.timeline import Parcel, Timeline
from openitb.units import MS_PER_DAY, MS_PER_H, PG_PER_UG


def parcel(start_h: float, end_h: float, ug: float) -> Parcel:
    return Parcel(round(start_h * MS_PER_H), round(end_h * MS_PER_H), 1000, round(ug * PG_PER_UG))


def test_days_are_counted_back_from_the_end() -> None:
    # 10 µg/h for 36 h, then 5 µg/h for 24 h; days end at 60 h: 24 h at 5, 24 h at 10, and 12 h at 10.
    given_doses = daily_doses_ug([parcel(0, 36, 360), parcel(36, 60, 120)], 0, 60 * MS_PER_H)
    assert given_doses == pytest.approx((120.0, 240.0, 120.0))


def test_a_gap_gives_nothing() -> None:
    doses = daily_doses_ug([parcel(0, 24, 100), parcel(72, 96, 50)], 0, 96 * MS_PER_H)
    assert doses == pytest.approx((100.0, 0.0, 0.0, 50.0))


def test_no_flow_is_no_dose_and_no_time_is_no_days() -> None:
    assert daily_doses_ug([], 0, 3 * MS_PER_DAY) == (0.0, 0.0, 0.0)
    assert daily_doses_ug([parcel(0, 24, 100)], 0, 0) == ()
    assert daily_doses_ug([parcel(0, 24, 100)], 5, 0) == ()


@given(st.lists(st.tuples(st.integers(1, 90), st.integers(0, 500)), min_size=1, max_size=20))
def test_days_add_up_to_what_was_given(stretches: list[tuple[int, int]]) -> None:
    parcels, hour = [], 0
    for hours, ug in stretches:
        parcels.append(parcel(hour, hour + hours, ug))
        hour += hours
    assert sum(daily_doses_ug(parcels, 0, hour * MS_PER_H)) == pytest.approx(sum(ug for _, ug in stretches))


def test_the_window_and_its_lead_in_are_exact_and_the_days_end_where_they_begin() -> None:
    parcels = [parcel(24 * day, 24 * day + 24, 24.0 * (day + 1)) for day in range(20)]
    window = Window(10 * MS_PER_DAY, 14 * MS_PER_DAY, 20 * MS_PER_DAY)
    history = tip_history(parcels, 0, window)
    assert history.tip.start_ms == 7 * MS_PER_DAY
    assert history.tip.values == tuple(float(day + 1) for day in range(7, 20))
    assert history.daily_dose_ug == pytest.approx(tuple(24.0 * (day + 1) for day in range(7)))
    assert history.rate_before_ug_per_h == pytest.approx(7.0)


def test_treatment_that_begins_in_the_window_has_no_days_before_it() -> None:
    window = Window(0, MS_PER_DAY, 2 * MS_PER_DAY)
    history = tip_history([parcel(6, 48, 42)], 0, window)
    assert history.daily_dose_ug == ()
    assert history.rate_before_ug_per_h == 0
    assert history.tip.at(0) == 0
    assert history.tip.at(6 * MS_PER_H) == pytest.approx(1.0)


@pytest.mark.parametrize("edges", [(1, 0, 2), (0, 3, 2), (5, 5, 5)])
def test_a_window_out_of_order_is_refused(edges: tuple[int, int, int]) -> None:
    with pytest.raises(CohortError, match="window: got"):
        Window(*edges)


def test_a_tip_that_misses_part_of_the_window_is_refused() -> None:
    with pytest.raises(CohortError, match="tip: got 0 to 5 ms, expected the whole window, 0 to 6 ms"):
        TipHistory(Timeline((0,), (1.0,), 5, "ug/h"), (), Window(0, 0, 6))


@pytest.mark.parametrize("dose", [-1.0, float("nan"), float("inf")])
def test_a_daily_dose_that_cannot_be_is_refused(dose: float) -> None:
    with pytest.raises(CohortError, match="daily dose: got one that is negative or not finite"):
        TipHistory(Timeline((0,), (1.0,), 5, "ug/h"), (dose,), Window(0, 0, 5))
