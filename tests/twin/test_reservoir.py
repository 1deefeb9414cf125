"""What is truly in the reservoir, and when it runs low."""

from dataclasses import replace

import numpy as np
import pytest

from openitb import catalogue
from openitb.twin import (
    EmptiedReservoir,
    FlowInference,
    ReservoirNow,
    ReservoirPrediction,
    TwinError,
    infer_flow,
    predict_reservoir,
)
from openitb.units import MS_PER_DAY, NL_PER_ML

PUMP = catalogue.load().pump("synchromed-ii-20")
NOW = ReservoirNow(
    at_ms=1_767_600_000_000,
    filled_nl=20 * NL_PER_ML,
    delivered_nl=8 * NL_PER_ML,
    rate_nl_per_day=400_000,
    alarm_nl=2 * NL_PER_ML,
)
UNKNOWN = infer_flow((), PUMP)


def days(at_ms: int | None) -> float:
    assert at_ms is not None
    return (at_ms - NOW.at_ms) / MS_PER_DAY


def half_a_ml_missing() -> FlowInference:
    visit = EmptiedReservoir(0, 3 * NL_PER_ML, 2_500_000, 15 * NL_PER_ML)
    answer = infer_flow((visit,), PUMP)
    assert isinstance(answer, FlowInference)
    return answer


def test_a_pump_nobody_knows_anything_about_worked_by_hand() -> None:
    # 20 - 8 = 12 mL by the count; SD √((0.035 x 8)² + 0.35²) = 0.4482 mL, 1.6449 SD = 0.737 mL either way.
    # The count reaches 18 mL after 10/0.4 = 25 days.
    answer = predict_reservoir(UNKNOWN, NOW, PUMP)
    assert answer.believed_ml == answer.likely_ml == 12.0
    assert answer.low_ml == pytest.approx(12 - 0.7373, abs=1e-4)
    assert answer.high_ml == pytest.approx(12 + 0.7373, abs=1e-4)
    assert days(answer.counted_low_ms) == pytest.approx(25.0)
    assert days(answer.likely_low_ms) == pytest.approx(25.0)


def test_the_earliest_date_solves_its_equation() -> None:
    flow = half_a_ml_missing()
    answer = predict_reservoir(flow, NOW, PUMP)
    count_ml = 8 + 0.4 * days(answer.earliest_low_ms)
    spread = np.hypot(flow.gain.sd * count_ml, 0.35)
    assert 20 - 2 - flow.gain.mean * count_ml == pytest.approx(1.644854 * spread, abs=1e-5)
    assert answer.earliest_low_ms < answer.likely_low_ms < answer.counted_low_ms  # type: ignore[operator]  # runs


def test_a_pump_that_delivers_too_much_runs_low_before_its_own_alarm() -> None:
    flow, answer = half_a_ml_missing(), predict_reservoir(half_a_ml_missing(), NOW, PUMP)
    assert answer.likely_ml == pytest.approx(20 - 8 * flow.gain.mean)
    assert days(answer.likely_low_ms) == pytest.approx((18 / flow.gain.mean - 8) / 0.4)
    assert days(answer.likely_low_ms) < 25


def test_the_bands_cover_volume_and_date_as_often_as_they_say() -> None:
    random = np.random.default_rng(11)
    held = early = 0
    pumps = 1500
    for _ in range(pumps):
        gain, fill = random.normal(1.0, 0.035), 20 + random.normal(0, 0.35)
        missing = (gain - 1) * 15 + random.normal(0, 0.35) + random.normal(0, 0.35)
        visit = EmptiedReservoir(0, 3 * NL_PER_ML, round((3 - missing) * NL_PER_ML), 15 * NL_PER_ML)
        answer = predict_reservoir(infer_flow((visit,), PUMP), NOW, PUMP)
        held += answer.low_ml <= fill - gain * 8 <= answer.high_ml
        early += (fill - 2 - gain * 8) / (gain * 0.4) < days(answer.earliest_low_ms)
    assert 0.87 < held / pumps < 0.93
    assert 0.03 < early / pumps < 0.07


def test_a_longer_record_gives_a_later_earliest_date_for_a_pump_that_adds_up() -> None:
    visits = [EmptiedReservoir(k, 3 * NL_PER_ML, 3 * NL_PER_ML, 15 * NL_PER_ML) for k in range(8)]
    few, many = (predict_reservoir(infer_flow(tuple(visits[:n]), PUMP), NOW, PUMP) for n in (1, 8))
    assert days(few.earliest_low_ms) < days(many.earliest_low_ms) < 25


def test_a_pump_that_does_not_run_has_no_dates() -> None:
    answer = predict_reservoir(UNKNOWN, replace(NOW, rate_nl_per_day=0), PUMP)
    assert (answer.counted_low_ms, answer.likely_low_ms, answer.earliest_low_ms) == (None, None, None)


def test_a_reservoir_that_is_low_already_is_low_now() -> None:
    low = replace(NOW, delivered_nl=19 * NL_PER_ML)
    answer = predict_reservoir(UNKNOWN, low, PUMP)
    assert answer.counted_low_ms == answer.likely_low_ms == answer.earliest_low_ms == NOW.at_ms
    assert answer.low_ml == answer.likely_ml == 1.4  # what no pump can take out is still there


def test_a_fill_hardly_above_the_alarm_may_be_low_now() -> None:
    barely = replace(NOW, filled_nl=2_300_000, delivered_nl=0)
    answer = predict_reservoir(UNKNOWN, barely, PUMP)
    assert answer.earliest_low_ms == NOW.at_ms
    assert days(answer.likely_low_ms) == pytest.approx(0.3 / 0.4)


def test_no_volume_is_below_the_residual_or_above_full() -> None:
    def at(delivered_nl: int) -> ReservoirPrediction:
        return predict_reservoir(UNKNOWN, replace(NOW, delivered_nl=delivered_nl), PUMP)

    assert at(20 * NL_PER_ML).low_ml == 1.4
    assert at(0).high_ml == 20.0


def test_the_answer_shows_its_work() -> None:
    told = predict_reservoir(half_a_ml_missing(), NOW, PUMP).to_json()
    assert isinstance(told["steps"], list)
    assert told["steps"][0] == {
        "text": "20 mL filled less 8 mL counted as delivered",
        "value": "12 mL",
        "unit": "",
    }
    assert told["steps"][1]["value"] == "+1.8 %"
    assert any("does not clear the catheter" in note for note in told["notes"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"filled_nl": 21 * NL_PER_ML}, "filled volume: got 21 mL, expected 0 mL to 20 mL"),
        ({"delivered_nl": 20 * NL_PER_ML + 1_000_000}, "delivered volume: got 21 mL, expected 0 mL to 20 mL"),
        ({"alarm_nl": -NL_PER_ML}, "alarm volume: got -1 mL, expected 0 mL to 20 mL"),
        ({"rate_nl_per_day": -1}, "rate: got -1 nL/day, expected at least 0 nL/day"),
    ],
)
def test_a_reservoir_this_pump_cannot_have_is_refused(change: dict[str, int], message: str) -> None:
    with pytest.raises(TwinError) as refused:
        predict_reservoir(UNKNOWN, replace(NOW, **change), PUMP)
    assert str(refused.value) == message
