"""The predicted course and its band."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from openitb import body
from openitb.body import Baseline, BodyError, Inputs, typical_adult
from openitb.cohort import (
    SERIES,
    CohortError,
    Forecast,
    ForecastRequest,
    Sampling,
    Subject,
    TipHistory,
    Window,
    forecast,
    sample,
    tip_history,
)
from openitb.cohort.prediction.courses import courses
from openitb.timeline import Parcel, Timeline
from openitb.units import MS_PER_DAY, MS_PER_H, PG_PER_UG

BASE = typical_adult()
NAIVE = Baseline(leg_ashworth=4.0, arm_ashworth=3.0, spasm_score=3.0)
QUARTER_MS = 6 * MS_PER_H


def drip(rates_ug_per_h: list[float], start_ms: int = 0) -> Timeline:
    """A tip that changes every six hours."""
    starts = tuple(start_ms + k * QUARTER_MS for k in range(len(rates_ug_per_h)))
    return Timeline(starts, tuple(rates_ug_per_h), starts[-1] + QUARTER_MS, "ug/h")


def day_and_night(days: int, ug_per_day: float) -> list[float]:
    return [ug_per_day / 24 * part for part in (1.5, 1.5, 0.5, 0.5)] * days


def request(
    rates: list[float], daily: tuple[float, ...] = (), *, now_day: float = 5, people: int = 12
) -> ForecastRequest:
    tip = drip(rates)
    window = Window(0, int(now_day * MS_PER_DAY), tip.end_ms)
    return ForecastRequest(Subject(BASE, NAIVE), TipHistory(tip, daily, window), Sampling(people, seed=4))


def ashworth(one: Forecast) -> NDArray[np.float64]:
    return one.series["leg_ashworth"].median


def test_a_treatment_that_begins_in_the_window_is_the_full_simulation() -> None:
    asked = request(day_and_night(9, 150))
    answer = forecast(asked)
    alone = body.run(BASE, Inputs(tip=asked.history.tip), NAIVE, answer.time_h)
    for name in SERIES:
        largest = np.abs(alone[name].values).max()
        np.testing.assert_allclose(answer.series[name].typical, alone[name].values, atol=1e-3 * largest)


@pytest.mark.parametrize("preset", ["well_mixed", "poorly_mixed"])
def test_every_sampled_person_gets_the_course_the_body_gives(preset: body.Dispersion) -> None:
    base = typical_adult(preset)
    people = sample(base, 6, seed=9)
    tip, tolerant = drip([*day_and_night(4, 300), *[0.0] * 16]), replace(NAIVE, tolerance=2.5)
    window = Window(0, 0, tip.end_ms)
    times_h = np.arange(0, 8 * 24.0)
    many = courses(people, Subject(base, tolerant, "T6"), TipHistory(tip, (), window), times_h)
    for who, person in enumerate(people):
        alone = body.run(person, Inputs(tip=tip, tip_at="T6"), tolerant, times_h)
        for name in ("lumbar_csf_ng_per_ml", "arm_effect_site_ng_per_ml", "brainstem_ng_per_ml"):
            largest = alone[name].values.max()
            np.testing.assert_allclose(many[name][who], alone[name].values, atol=1e-3 * largest)


def test_the_band_holds_the_quantiles_of_the_sampled_people() -> None:
    asked = request(day_and_night(3, 200), people=20, now_day=1)
    answer = forecast(asked)
    each = [
        body.run(person, Inputs(tip=asked.history.tip), NAIVE, answer.time_h)["leg_ashworth"].values
        for person in sample(BASE, 20, seed=4)
    ]
    band = answer.series["leg_ashworth"]
    low, middle, high = np.quantile(each, [0.05, 0.5, 0.95], axis=0)
    for line, expected in ((band.low, low), (band.median, middle), (band.high, high)):
        np.testing.assert_allclose(line, expected, atol=5e-3)
    ahead = np.array(each)[:, answer.time_h >= 24]
    assert answer.peaks["leg_ashworth"].high == pytest.approx(np.quantile(ahead.max(axis=1), 0.95), abs=5e-3)
    assert answer.band_name == "5 to 95 %"


HISTORIES = {
    "a dose step every month, day and night": lambda day, part: (
        (100 + 25 * (day // 30)) / 24 * (1.5 if part < 2 else 0.5)
    ),
    "a stop of five days": lambda day, _part: 0.0 if 200 <= day < 205 else 12.0,
    "a lasting cut": lambda day, _part: 12.0 if day < 150 else 5.0,
}


@pytest.mark.parametrize("told", HISTORIES)
def test_months_told_as_daily_doses_are_close_to_the_full_simulation(told: str) -> None:
    parcels = [
        Parcel(
            k * QUARTER_MS, (k + 1) * QUARTER_MS, 1000, round(HISTORIES[told](k // 4, k % 4) * 6 * PG_PER_UG)
        )
        for k in range(4 * 307)
    ]
    window = Window(286 * MS_PER_DAY, 300 * MS_PER_DAY, 307 * MS_PER_DAY)
    history, people = tip_history(parcels, 0, window), (BASE, *sample(BASE, 5, seed=3))
    whole = drip([parcel.mass_pg / PG_PER_UG / 6 for parcel in parcels])
    times_h = np.arange(0, 21 * 24.0)
    short = courses(people, Subject(BASE, NAIVE), history, times_h + 72)
    for who, person in enumerate(people):
        full = body.run(person, Inputs(tip=whole), NAIVE, 286 * 24 + times_h)
        worst = {name: np.abs(full[name].values - short[name][who]).max() for name in short if name in full}
        assert worst["leg_ashworth"] < 0.2  # after a lasting cut 0.16 in one of ten
        assert worst["withdrawal"] < 0.015
        assert worst["sedation"] < 0.003
        assert worst["tolerance"] < 0.3  # of sixty people 0.22 at most


def test_history_makes_people_tolerant() -> None:
    fresh, used = (forecast(request(day_and_night(6, 200), daily)) for daily in ((), (200.0,) * 300))
    assert ashworth(used)[-1] > ashworth(fresh)[-1] + 0.3


def test_a_stop_after_years_brings_withdrawal_and_after_nothing_does_not() -> None:
    rates = [*[400 / 24] * 8, *[0.0] * 20]
    treated, never = forecast(request(rates, (400.0,) * 300, now_day=2)), forecast(request([0.0] * 28))
    assert treated.peaks["withdrawal"].median > 0.3
    assert never.peaks["withdrawal"].high == 0
    assert treated.series["leg_ashworth"].median.max() > NAIVE.leg_ashworth


def test_what_is_proposed_changes_nothing_before_now() -> None:
    past, now = day_and_night(5, 200), 5 * 24
    kept, raised = (forecast(request([*past, *day_and_night(3, dose)], (200.0,) * 30)) for dose in (200, 300))
    for name in SERIES:
        np.testing.assert_allclose(
            raised.series[name].median[: now + 1], kept.series[name].median[: now + 1], rtol=1e-9, atol=1e-12
        )
    assert ashworth(raised)[-1] < ashworth(kept)[-1]


def test_more_drug_never_means_more_tone_and_never_less_sedation() -> None:
    answers = [forecast(request(day_and_night(6, dose))) for dose in (50, 100, 200, 400)]
    for less, more in pairwise(answers):
        for line in ("low", "median", "high"):
            tone = [getattr(one.series["arm_ashworth"], line)[-1] for one in (less, more)]
            alert = [getattr(one.series["sedation"], line)[-1] for one in (less, more)]
            assert tone[1] <= tone[0]
            assert alert[1] >= alert[0]


def test_lines_of_a_band_are_in_order_and_the_tip_is_the_same_for_all() -> None:
    answer = forecast(request(day_and_night(4, 240), now_day=2))
    for name in SERIES:
        one = answer.series[name]
        assert (one.low <= one.median).all()
        assert (one.median <= one.high).all()
        assert one.median.shape == answer.time_h.shape == answer.time_ms.shape
    tip = answer.series["tip_ug_per_h"]
    assert tip.low is tip.high
    assert tip.median[[0, 11, 12, 13, 24]].tolist() == [15.0, 15.0, 5.0, 5.0, 15.0]


def test_all_instants_may_be_shifted() -> None:
    asked, by_ms = request(day_and_night(4, 240), (100.0,) * 9, now_day=2), 1_767_600_000_123
    history, window = asked.history, asked.history.window
    later_window = Window(*(at + by_ms for at in (window.start_ms, window.now_ms, window.end_ms)))
    shifted = replace(history, tip=history.tip.shift(by_ms), window=later_window)
    here, there = forecast(asked), forecast(replace(asked, history=shifted))
    np.testing.assert_array_equal(there.time_ms, here.time_ms + by_ms)
    np.testing.assert_allclose(ashworth(there), ashworth(here), rtol=1e-9)


def test_a_finer_grid_changes_no_value() -> None:
    asked = request(day_and_night(4, 240), now_day=2)
    fine = forecast(replace(asked, every_h=0.5))
    np.testing.assert_allclose(ashworth(fine)[::2], ashworth(forecast(asked)), rtol=1e-9)


def test_the_same_seed_gives_the_same_band_and_another_one_not() -> None:
    asked = request(day_and_night(2, 240), now_day=1)
    other = replace(asked, sampling=Sampling(12, seed=5))
    np.testing.assert_array_equal(ashworth(forecast(asked)), ashworth(forecast(asked)))
    assert not np.array_equal(ashworth(forecast(other)), ashworth(forecast(asked)))


def test_a_forecast_says_what_it_rests_on() -> None:
    told = " ".join(forecast(request(day_and_night(9, 150), (80.0, 120.0))).basis)
    for said in (
        "5 days as delivered, then 4 days as programmed",
        "2 daily doses, the last of 120 µg",
        "5 to 95 % of 12 simulated people who differ in 21 parameters",
        "Of the body's 44 parameters 17 are assumed or recalled, 17 fitted by us",
        "preset well mixed",
        "Not fitted to this patient",
    ):
        assert said in told


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sampling": Sampling(0, 1)}, "people: got 0, expected a whole number from 1"),
        ({"sampling": Sampling(1001, 1)}, "people: got 1001, expected at most 1000 in one forecast"),
        ({"sampling": Sampling(5, -1)}, "seed: got -1, expected a whole number"),
        ({"every_h": 0.0}, "grid: got 0.0 h, expected 0.25 to 48 h"),
        ({"every_h": float("nan")}, "grid: got nan h"),
    ],
)
def test_an_impossible_request_is_refused_in_one_line(change: dict[str, object], message: str) -> None:
    asked = replace(request(day_and_night(2, 100), now_day=1), **change)  # type: ignore[arg-type]
    with pytest.raises(CohortError) as refused:
        forecast(asked)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_rates_that_cannot_be_are_refused_by_the_body() -> None:
    with pytest.raises(BodyError, match="tip: got -1 µg/h"):
        forecast(request([1.0, -1.0, 1.0, 1.0], now_day=0.5))


def test_a_tip_outside_the_canal_is_refused_by_the_body() -> None:
    asked = request(day_and_night(2, 100), now_day=1)
    with pytest.raises(BodyError, match="tip: got 'S4'"):
        forecast(replace(asked, subject=Subject(BASE, NAIVE, "S4")))


def test_a_window_of_years_is_refused() -> None:
    tip = Timeline((0,), (5.0,), 500 * MS_PER_DAY, "ug/h")
    history = TipHistory(tip, (), Window(0, 0, tip.end_ms))
    with pytest.raises(CohortError, match="window: got 500 days, expected at most 400 days"):
        forecast(ForecastRequest(Subject(BASE, NAIVE), history, Sampling(2, 1)))
