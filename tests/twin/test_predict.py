"""The course of a fitted patient."""

import numpy as np
import pytest

from openitb.prescription import SimpleContinuous, Stopped
from openitb.twin import Assumed, Fit, Span, TwinError, fit, predicted
from openitb.units import MS_PER_DAY, PG_PER_UG
from tests.twin.records import lost, record, scores, steady, trial

WELL = Assumed({"well_mixed": 1.0})
SPAN = Span(2, 10)


def dose(ug: int) -> SimpleContinuous:
    return SimpleContinuous(ug * PG_PER_UG)


@pytest.fixture(scope="module")
def healthy() -> Fit:
    return fit(record(*trial(), *steady(30, 60, 90)), WELL)


def at(fitted: Fit, ug: int | None, name: str, day: float) -> tuple[float, float, float]:
    course = predicted(fitted, None if ug is None else dose(ug), SPAN)
    line, k = course.series[name], int(course.time_ms.searchsorted(course.now_ms + day * MS_PER_DAY))
    return float(line.low[k]), float(line.median[k]), float(line.high[k])


def test_the_order_in_force_goes_on_as_it_was(healthy: Fit) -> None:
    before, after = at(healthy, None, "leg_ashworth", -1)[1], at(healthy, None, "leg_ashworth", 5)[1]
    assert after == pytest.approx(before, abs=0.05)
    course = predicted(healthy, None, SPAN)
    assert course.verdict is None
    assert course.time_ms[-1] == course.now_ms + 10 * MS_PER_DAY


def test_more_drug_means_less_tone(healthy: Fit) -> None:
    legs = [at(healthy, ug, "leg_ashworth", 5)[1] for ug in (60, 100, 115)]
    assert legs == sorted(legs, reverse=True)


def test_stopping_brings_tone_back_and_withdrawal(healthy: Fit) -> None:
    course = predicted(healthy, Stopped(), SPAN)
    k = int(course.time_ms.searchsorted(course.now_ms + 5 * MS_PER_DAY))
    untreated = healthy.estimate("leg_ashworth").median
    assert course.series["leg_ashworth"].median[k] == pytest.approx(untreated, abs=0.3)
    assert course.series["withdrawal"].median.max() > 0.1


def test_bands_hold_their_middle_and_stay_on_the_scale(healthy: Fit) -> None:
    course = predicted(healthy, dose(110), SPAN)
    for name, line in course.series.items():
        assert (line.low <= line.median).all(), name
        assert (line.median <= line.high).all(), name
        assert line.low.min() >= 0, name
        assert line.high.max() <= 5, name


def test_a_prediction_made_in_long_steps_agrees_with_the_scores_it_was_made_from(healthy: Fit) -> None:
    model = healthy.targets[0].model
    z, which, weight = healthy.posterior.z, healthy.posterior.which, healthy.posterior.weight
    levels, _ = healthy.targets[0].observed(z, which)
    last = max(k for k, seen in enumerate(model.seen) if seen.series == "leg_ashworth")
    told = float(weight @ levels[:, last]) - float(weight @ model.stance(z)[:, last])
    assert at(healthy, None, "leg_ashworth", 0)[1] == pytest.approx(told, abs=0.08)


def test_with_the_catheter_out_no_dose_helps() -> None:
    broken = fit(record(*trial(), *steady(30, 60, 90), *lost(120, 150, since=90)), WELL)
    assert at(broken, 115, "leg_ashworth", 5)[1] > 3.0


def test_an_order_beyond_the_pump_is_refused_by_the_gate(healthy: Fit) -> None:
    with pytest.raises(TwinError, match="flow"):
        predicted(healthy, dose(20), SPAN)


def test_an_order_that_needs_a_reason_is_predicted_with_the_gates_words(healthy: Fit) -> None:
    verdict = predicted(healthy, dose(150), SPAN).verdict
    assert verdict is not None
    assert verdict.outcome == "needs reason"


def test_no_course_on_a_pump_without_an_order() -> None:
    tried = fit(record(*(entry for entry in trial() if entry.at_ms < MS_PER_DAY)), WELL)
    with pytest.raises(TwinError, match="record: got no order"):
        predicted(tried)


@pytest.mark.parametrize("days", [0, -1, 10_000])
def test_a_span_that_cannot_be_is_refused(days: int) -> None:
    with pytest.raises(TwinError, match="ahead: got"):
        Span(1, days)


def test_nobody_gets_worse_for_a_visit_at_which_nothing_was_found() -> None:
    one = record(*trial(), *steady(30, 60, 90), scores(95, 1, 1, 1))
    assert np.isfinite(at(fit(one, WELL), None, "leg_ashworth", 5)).all()
