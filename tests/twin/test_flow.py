"""How truly a pump delivers, from refills."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from openitb import catalogue
from openitb.twin import (
    CATHETER_CAUTION,
    Assumptions,
    EmptiedReservoir,
    FlowInference,
    Gain,
    NothingToInfer,
    TwinError,
    infer_flow,
    usual_assumptions,
)
from openitb.twin.flow import healthy_tail, outside
from openitb.units import MS_PER_DAY, NL_PER_ML

PUMP = catalogue.load().pump("synchromed-ii-20")
USUAL = usual_assumptions()


def visit(number: int, delivered_ml: float, missing_ml: float, expected_ml: float = 3.0) -> EmptiedReservoir:
    expected, missing, delivered = (round(ml * NL_PER_ML) for ml in (expected_ml, missing_ml, delivered_ml))
    return EmptiedReservoir(number * 90 * MS_PER_DAY, expected, expected - missing, delivered)


def inferred(*visits: EmptiedReservoir) -> FlowInference:
    answer = infer_flow(visits, PUMP)
    assert isinstance(answer, FlowInference)
    return answer


def test_one_visit_worked_by_hand() -> None:
    # Prior precision 1/0.035² = 816.33; a visit of 15 mL read to ±√(0.35² + 0.35²) mL has 15²/0.245 = 918.37.
    # Half a mL too little left: pull 15 x 0.5/0.245 = 30.612, so 30.612/1734.69 = +1.765 %, SD 1/√1734.69.
    answer = inferred(visit(1, delivered_ml=15, missing_ml=0.5))
    assert answer.gain.mean == pytest.approx(1.017647, abs=1e-6)
    assert answer.gain.sd == pytest.approx(0.0240098, abs=1e-7)
    assert answer.gain_low == pytest.approx(1.017647 - 1.644854 * 0.0240098, abs=1e-6)
    assert answer.gain_high == pytest.approx(1.017647 + 1.644854 * 0.0240098, abs=1e-6)
    assert answer.band == 0.9
    assert answer.outside_accuracy == pytest.approx(stats.norm.sf((0.145 - 0.017647) / 0.0240098), rel=1e-3)


@given(
    st.lists(
        st.tuples(st.floats(0.5, 18), st.floats(-3, 3)),
        min_size=1,
        max_size=6,
    )
)
def test_the_posterior_is_that_of_a_plain_grid(readings: list[tuple[float, float]]) -> None:
    visits = [visit(k, *reading) for k, reading in enumerate(readings)]
    answer, gains = inferred(*visits), np.linspace(0.6, 1.4, 40_001)
    log = stats.norm.logpdf(gains, 1.0, 0.035)
    for one in visits:
        expected_missing = (gains - 1) * one.delivered_nl
        log += stats.norm.logpdf(one.missing_nl, expected_missing, USUAL.reading_sd_nl)
    weight = np.exp(log - log.max()) / np.exp(log - log.max()).sum()
    mean = (weight * gains).sum()
    assert answer.gain.mean == pytest.approx(mean, abs=1e-7)
    assert answer.gain.sd == pytest.approx(np.sqrt((weight * (gains - mean) ** 2).sum()), rel=1e-4)


@given(st.lists(st.tuples(st.floats(0.5, 18), st.floats(-2, 2)), min_size=1, max_size=5))
def test_how_strange_readings_are_is_that_of_their_joint_normal(readings: list[tuple[float, float]]) -> None:
    visits = tuple(visit(k, *reading) for k, reading in enumerate(readings))
    delivered = np.array([one.delivered_nl for one in visits], dtype=float)
    missing = np.array([one.missing_nl for one in visits], dtype=float)
    covariance = 0.035**2 * np.outer(delivered, delivered) + USUAL.reading_sd_nl**2 * np.eye(len(visits))
    distance = missing @ np.linalg.solve(covariance, missing)
    assert healthy_tail(visits, USUAL) == pytest.approx(
        stats.chi2.sf(distance, len(visits)), rel=1e-4, abs=1e-12
    )


def test_the_band_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(20260105)
    covered, pumps = 0, 1500
    for _ in range(pumps):
        gain = random.normal(1.0, 0.035)
        visits = []
        for number in range(int(random.integers(1, 6))):
            delivered = random.uniform(4, 17)
            missing = (gain - 1) * delivered + random.normal(0, 0.35) + random.normal(0, 0.35)
            visits.append(visit(number, delivered, missing))
        answer = inferred(*visits)
        covered += answer.gain_low <= gain <= answer.gain_high
    assert 0.87 < covered / pumps < 0.93


def test_readings_of_a_healthy_pump_are_seldom_called_strange() -> None:
    random = np.random.default_rng(7)
    strange = 0
    for _ in range(2000):
        error = random.normal(0, 0.035)
        missing = [error * 15 + random.normal(0, USUAL.reading_sd_nl / NL_PER_ML) for _ in range(3)]
        strange += inferred(*(visit(k, 15, y) for k, y in enumerate(missing))).strange
    assert 0.003 < strange / 2000 < 0.02


@pytest.mark.hazard("HAZ-02")
def test_a_pump_that_delivers_half_is_outside_its_accuracy_and_strange() -> None:
    answer = inferred(visit(1, 15, -7.5, 3.0), visit(2, 15, -7.5, 3.0))
    assert answer.outside_accuracy > 0.99
    assert answer.gain_high < 0.8
    assert answer.strange
    assert any("stall" in note for note in answer.notes)


def test_a_pump_whose_refills_add_up_is_healthy_but_its_catheter_is_not_cleared() -> None:
    answer = inferred(*(visit(k, 15, 0.0) for k in range(4)))
    assert answer.gain.mean == 1.0
    assert answer.outside_accuracy < 1e-6
    assert not answer.strange
    assert answer.notes == (CATHETER_CAUTION,)


def test_each_further_visit_narrows_the_belief() -> None:
    spreads = [inferred(*(visit(k, 12, 0.2) for k in range(count))).gain.sd for count in (1, 2, 4, 8)]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[0] < USUAL.gain.sd


def test_the_order_of_records_does_not_matter() -> None:
    visits = (visit(1, 15, 0.5), visit(2, 8, -0.3), visit(3, 11, 0.1))
    assert inferred(*visits).to_json() == inferred(*reversed(visits)).to_json()


def test_too_little_left_means_more_delivered_and_the_other_way_round() -> None:
    assert inferred(visit(1, 15, 0.4)).gain.mean > 1 > inferred(visit(1, 15, -0.4)).gain.mean


@pytest.mark.parametrize(
    ("visits", "reason"),
    [
        ((), "no refill visit on record"),
        ((visit(1, 0, 0.0),), "no refill visit with a delivery before it"),
    ],
)
def test_nothing_to_infer_from_is_an_answer_of_its_own(
    visits: tuple[EmptiedReservoir, ...], reason: str
) -> None:
    answer = infer_flow(visits, PUMP)
    assert isinstance(answer, NothingToInfer)
    assert answer.reason == reason
    assert answer.gain == USUAL.gain


def test_a_visit_without_delivery_adds_nothing() -> None:
    with_first = inferred(visit(0, 0, 1.0), visit(1, 15, 0.5))
    assert with_first.gain == inferred(visit(1, 15, 0.5)).gain
    assert with_first.visits == 1


def test_the_answer_shows_its_work_and_what_it_rests_on() -> None:
    told = inferred(visit(1, 15, 0.5)).to_json()
    steps, sources = told["steps"], told["sources"]
    assert isinstance(steps, list)
    assert isinstance(sources, list)
    assert steps[1] == {
        "text": "3 mL expected, 2.5 mL drawn out after 15 mL delivered",
        "value": -0.5,
        "unit": "mL",
    }
    assert {source["confidence"] for source in sources} == {"assumed", "read"}
    assert "synchromed-ii-20.flow_accuracy" in {source["name"] for source in sources}


def test_other_assumptions_may_be_made() -> None:
    sure = Assumptions(Gain(1.02, 0.001), 1e6, 1e6)
    answer = infer_flow((visit(1, 15, -2.0),), PUMP, sure)
    assert answer.gain.mean == pytest.approx(1.02, abs=1e-3)


def test_the_catalogue_makes_two_syringes_misread_half_a_ml() -> None:
    assert USUAL.reading_sd_nl == pytest.approx(0.5 * NL_PER_ML, rel=0.02)
    assert PUMP.flow_accuracy == Fraction("0.145")


def test_what_lies_outside_is_counted_on_both_sides() -> None:
    assert outside(Gain(1.0, 0.1), 0.1) == pytest.approx(2 * stats.norm.sf(1))
    assert outside(Gain(1.145, 1e-9), 0.145) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (EmptiedReservoir(0, -NL_PER_ML, 0, 5), "expected volume: got -1 mL, expected 0 mL to 20 mL"),
        (EmptiedReservoir(0, 5, 21 * NL_PER_ML, 5), "aspirated volume: got 21 mL, expected 0 mL to 20 mL"),
        (EmptiedReservoir(0, 5, 5, 10**12), "delivered volume: got 1000000 mL, expected 0 mL to 20 mL"),
    ],
)
def test_volumes_the_pump_cannot_hold_are_refused(record: EmptiedReservoir, message: str) -> None:
    with pytest.raises(TwinError) as refused:
        infer_flow((record,), PUMP)
    assert str(refused.value) == message


def test_two_visits_at_one_instant_are_refused() -> None:
    with pytest.raises(TwinError, match="visits: got two at one instant"):
        infer_flow((visit(1, 15, 0.5), visit(1, 15, 0.5)), PUMP)
