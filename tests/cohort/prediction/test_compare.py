"""Two courses side by side."""

from dataclasses import replace

import pytest

from openitb.body import Baseline, typical_adult
from openitb.cohort import (
    CohortError,
    Forecast,
    ForecastRequest,
    Sampling,
    Subject,
    TipHistory,
    Window,
    compare,
    forecast,
)
from openitb.timeline import Timeline
from openitb.units import HOURS_PER_DAY, MS_PER_DAY, format_number

SUBJECT = Subject(typical_adult(), Baseline(leg_ashworth=4.0, arm_ashworth=3.0, spasm_score=3.0))


def under(dose_ug_per_day: float, people: int = 15, days: int = 8) -> Forecast:
    """A patient on 100 µg/day who gets another dose on the third day."""
    starts = (0, 2 * MS_PER_DAY)
    rates = (100 / HOURS_PER_DAY, dose_ug_per_day / HOURS_PER_DAY)
    tip = Timeline(starts, rates, days * MS_PER_DAY, "ug/h")
    history = TipHistory(tip, (100.0,) * 20, Window(0, 2 * MS_PER_DAY, tip.end_ms))
    return forecast(ForecastRequest(SUBJECT, history, Sampling(people, seed=2)))


def test_a_raise_is_told_with_its_numbers() -> None:
    current, proposed = under(100), under(150)
    legs = [change for change in compare(current, proposed) if change.key == "leg_ashworth"]
    assert [change.when for change in legs] == ["in 1 day", "in 3 days"]
    later, at = legs[1], 5 * HOURS_PER_DAY
    assert later.at_ms == 5 * MS_PER_DAY
    assert later.now == current.series["leg_ashworth"].at(2 * HOURS_PER_DAY)
    assert later.current.median == current.series["leg_ashworth"].median[at]
    assert later.proposed.median == proposed.series["leg_ashworth"].median[at]
    assert later.proposed.median < later.current.median < 4
    now, then, without = (format_number(s.median, 2) for s in (later.now, later.proposed, later.current))
    low, high = format_number(later.proposed.low, 2), format_number(later.proposed.high, 2)
    assert later.words == (
        f"Leg Ashworth (1 to 5): {now} now, {then} in 3 days (5 to 95 % of people {low} to {high}); "
        f"{without} without the change."
    )


def test_what_is_watched_is_told_at_its_highest_ahead() -> None:
    current, proposed = under(100), under(1000)
    sedation = next(change for change in compare(current, proposed) if change.key == "sedation")
    assert sedation.at_ms is None
    assert sedation.proposed == proposed.peaks["sedation"]
    assert sedation.proposed.median > sedation.current.median + 0.1
    assert "at the highest ahead" in sedation.words


def test_no_change_is_called_none() -> None:
    same = under(100)
    assert all(change.words.endswith("; no different without the change.") for change in compare(same, same))


def test_instants_may_be_chosen_and_those_beyond_the_window_are_left_out() -> None:
    chosen = compare(under(100), under(150), (MS_PER_DAY // 2, 6 * MS_PER_DAY, 7 * MS_PER_DAY))
    assert [change.when for change in chosen if change.key == "arm_ashworth"] == ["in 0.5 days", "in 6 days"]


def test_different_people_windows_and_instants_behind_are_refused() -> None:
    one = under(100)
    with pytest.raises(CohortError, match="compare: got forecasts of 15 and 16 people"):
        compare(one, under(100, people=16))
    with pytest.raises(CohortError, match="compare: got forecasts on different grids"):
        compare(one, under(100, days=9))
    with pytest.raises(CohortError, match="compare: got forecasts on different grids"):
        compare(one, replace(one, now_ms=0))
    with pytest.raises(CohortError, match="compare: got 0 ms from now"):
        compare(one, one, (0,))
