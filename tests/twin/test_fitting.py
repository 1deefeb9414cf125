"""What is believed of simple stories, and how it holds together."""

from dataclasses import replace

import numpy as np
import pytest

from openitb.twin import Assumed, Fit, Reported, TwinError, assuming, fit, updates
from openitb.twin.faults import CATHETER, NONE, OVER, STALL, TOLERANCE, explanations
from openitb.twin.fitting import PRESETS
from openitb.twin.record import ClinicRecord, Refilled, Scored
from openitb.units import MS_PER_DAY
from tests.twin.records import lost, order, record, refill, scores, steady, trial

WELL = Assumed({"well_mixed": 1.0})
VISITS = (30.0, 60.0, 90.0, 120.0)


def well(*more: object) -> ClinicRecord:
    return record(*trial(), *steady(*VISITS), *more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def healthy() -> Fit:
    return fit(well())


def test_a_good_course_is_believed_to_be_one(healthy: Fit) -> None:
    assert healthy.probabilities[NONE] > 0.95
    assert healthy.since_ms is None
    assert healthy.trust.warnings == ()
    assert sum(healthy.probabilities.values()) == pytest.approx(1.0)
    assert sum(healthy.dispersions.values()) == pytest.approx(1.0)


def test_effect_lost_with_volumes_as_expected_is_the_catheter() -> None:
    found = fit(well(*lost(150, 180, since=120)), WELL)
    assert found.probabilities[CATHETER] > 0.95
    assert found.since_ms is not None
    assert 120 <= found.since_ms / MS_PER_DAY <= 150


def test_effect_lost_with_fluid_left_over_is_what_holds_it_back() -> None:
    found = fit(well(*lost(150, 180, since=120, aspirated_more_ml=6.0)), WELL).probabilities
    assert found[CATHETER] + found[STALL] > 0.95
    assert found[STALL] > 0.1
    assert found[OVER] < 0.01


@pytest.mark.parametrize("missing_ml", [3.5, 7.0])
def test_fluid_missing_again_and_again_with_less_tone_is_over_delivery(missing_ml: float) -> None:
    volumes = [
        each for each in steady(150, 180, 210, missing_ml=missing_ml, since=120) if isinstance(each, Refilled)
    ]
    slack = [scores(day, 0, 0, 0) for day in (150, 180, 210)]
    found = fit(well(*volumes, *slack), WELL).probabilities
    assert found[OVER] > 0.9


def test_effect_lost_little_by_little_is_tolerance_rather_than_the_catheter() -> None:
    slow = [scores(day, level, 1, 2) for day, level in ((160, 2), (210, 3), (260, 3), (310, 4), (360, 4))]
    found = fit(well(*slow), WELL).probabilities
    assert found[TOLERANCE] > found[CATHETER]


def test_belief_follows_the_visits() -> None:
    whole = well(*lost(150, 180, since=120))
    told = list(updates(whole, WELL))
    assert [each.at_ms // MS_PER_DAY for each in told] == [30, 60, 90, 120, 150, 180]
    assert all(each.probabilities[NONE] > 0.9 for each in told[:4])
    assert told[4].probabilities[CATHETER] > 0.5
    assert told[5].probabilities[CATHETER] >= told[4].probabilities[CATHETER]


def test_what_comes_later_does_not_change_what_was_believed() -> None:
    whole = well(*lost(150, since=120))
    now = fit(well(), WELL).probabilities
    then = fit(whole.until(120 * MS_PER_DAY), WELL).probabilities
    assert now == then


def test_the_same_seed_gives_the_same_answer_and_another_nearly_so(healthy: Fit) -> None:
    again, other = fit(well()), fit(well(), Assumed(seed=2))
    assert again.estimates == healthy.estimates
    for mine, theirs in zip(healthy.estimates, other.estimates, strict=True):
        width = np.log(mine.high / mine.low)
        assert abs(np.log(mine.median / theirs.median)) < 0.25 * width


def test_shifting_every_instant_changes_nothing(healthy: Fit) -> None:
    here, by = healthy.record, 7 * 52 * MS_PER_DAY
    moved = tuple(replace(entry, at_ms=entry.at_ms + by) for entry in here.entries)
    there = fit(replace(here, start_ms=by, entries=moved))
    assert there.estimates == healthy.estimates


def test_scores_inform_what_they_can_and_leave_the_rest(healthy: Fit) -> None:
    assert healthy.estimate("half_effect_dose").shrinkage < 0.4
    assert healthy.estimate("leg_ashworth").shrinkage < 0.7
    assert healthy.estimate("sedation_ec50_ng_per_ml").shrinkage > 0.9
    assert healthy.estimate("canal_length_cm").shrinkage > 0.9


def test_more_visits_make_bands_narrower(healthy: Fit) -> None:
    early = fit(record(*trial()))
    wide, narrow = (each.estimate("half_effect_dose") for each in (early, healthy))
    assert np.log(narrow.high / narrow.low) < np.log(wide.high / wide.low)
    assert narrow.shrinkage < wide.shrinkage


def test_pump_gain_is_read_from_the_volumes() -> None:
    fast = fit(record(*trial(), *steady(*VISITS, missing_ml=0.6)), WELL).estimate("pump_gain")
    slow = fit(record(*trial(), *steady(*VISITS, missing_ml=-0.6)), WELL).estimate("pump_gain")
    assert 1.02 < fast.median < 1.1
    assert 0.9 < slow.median < 0.98
    assert fast.shrinkage < 0.7


def test_a_strict_rater_is_told_from_a_stiff_patient() -> None:
    days = range(20, 200, 20)
    mild = [scores(day, 1, 1, 1, "A") for day in days]
    strict = [scores(day + 1, 2, 2, 1, "B") for day in days]
    both = fit(record(*trial(), *mild, *strict), WELL)
    model, posterior = both.targets[0].model, both.posterior
    first, second = (posterior.weight @ posterior.z[:, model.prior.column(f"rater {name}")] for name in "AB")
    assert second - first > 0.5
    assert both.trust.warnings == ()


def test_reports_of_withdrawal_speak_for_lost_drug() -> None:
    silent = well(scores(123, 3, 2, 2))
    told = replace(silent, entries=(*silent.entries, Reported(123 * MS_PER_DAY, withdrawal=True)))
    assert fit(told, WELL).probabilities[NONE] < fit(silent, WELL).probabilities[NONE]


def test_a_record_that_nothing_explains_is_said_to_fit_nothing() -> None:
    wild = [scores(20 + 10 * k, *(((0, 4, 0), (5, 0, 4))[k % 2])) for k in range(16)]
    found = fit(record(*trial(), *wild), WELL)
    assert any("no explanation" in warning for warning in found.trust.warnings)


def test_both_dispersions_are_weighed_and_one_can_be_leant_towards() -> None:
    assert set(fit(record(*trial())).dispersions) == set(PRESETS)
    leant = assuming("poorly_mixed")
    assert leant.dispersions["poorly_mixed"] == pytest.approx(0.9)
    assert leant.dispersions["well_mixed"] == pytest.approx(0.1)


def test_a_change_may_lie_between_any_two_visits_and_all_chances_add_up() -> None:
    found = explanations(well())
    assert np.exp(found.log_prior).sum() == pytest.approx(1.0)
    assert set((found.from_h / 24).round(1)) == {0.0, 18.5, 45.0, 75.0, 105.0}
    assert np.exp(found.log_prior[0]) > 0.95


def test_a_long_record_is_still_searched_in_few_stretches() -> None:
    many = record(*trial(), *(scores(day, 1, 1, 1) for day in range(20, 3000, 30)))
    found = explanations(many)
    assert len(np.unique(found.from_h)) <= 25


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({}, "dispersion: got none"),
        ({"stirred": 1.0}, "dispersion: got stirred"),
        ({"well_mixed": 0.0}, "dispersion.well_mixed: got 0.0, expected a weight above 0"),
        ({"well_mixed": float("nan")}, "dispersion.well_mixed: got nan"),
    ],
)
def test_assumptions_that_cannot_be_are_refused(weights: dict[str, float], said: str) -> None:
    with pytest.raises(TwinError, match=said):
        Assumed(weights)  # type: ignore[arg-type]


def test_a_record_in_which_nothing_was_seen_is_refused() -> None:
    empty = record(*(entry for entry in trial() if not isinstance(entry, Scored)))
    with pytest.raises(TwinError, match="record: got no score, answer or volume"):
        fit(empty)


def test_records_of_one_kind_of_entry_are_fitted_too() -> None:
    volumes = fit(record(order(0, 100), refill(0), refill(60, 6.0, 6.2), refill(120, 6.0, 5.5)), WELL)
    answers = fit(record(order(0, 100), Reported(5 * MS_PER_DAY, drowsy=True)), WELL)
    assert volumes.residuals.tone_points is None
    assert volumes.estimate("leg_ec50_ng_per_ml").shrinkage > 0.9
    assert answers.residuals.volume_ml is None
    assert sum(answers.probabilities.values()) == pytest.approx(1.0)


def test_a_pump_that_had_been_running_is_taken_over_with_what_it_has_done() -> None:
    running = record(order(0, 200), scores(1, 1, 1, 1), scores(60, 1, 1, 1))
    years = fit(replace(running, treated_ms=2 * 365 * MS_PER_DAY), WELL)
    fresh = fit(running, WELL)
    assert years.probabilities[NONE] > 0.9
    assert years.estimate("half_effect_dose").median < fresh.estimate("half_effect_dose").median
