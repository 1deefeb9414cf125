"""Scores as a clinic sees them."""

import numpy as np
import pytest

from openitb.body.anatomy import Floats
from openitb.cohort import CohortError
from openitb.cohort.people import Population, draw
from openitb.cohort.people.rating import MISSED, Rating, codes, missed, rate

PEOPLE = draw(Population(), np.arange(20_000), seed=5)
IDS = PEOPLE.ids


def agreement(one: Floats, other: Floats) -> float:
    """Intraclass correlation of two ratings (one way)."""
    pairs = np.stack([one, other]).astype(float)
    between = 2 * pairs.mean(axis=0).var(ddof=1)
    within = (np.diff(pairs, axis=0) ** 2 / 2).mean()
    return float((between - within) / (between + within))


def weighted_kappa(one: Floats, other: Floats) -> float:
    one, other = one.astype(float), other.astype(float)
    by_chance = one.var() + other.var() + (one.mean() - other.mean()) ** 2
    return float(1 - ((one - other) ** 2).mean() / by_chance)


def rated(visit: int, rater: int, scale: str = "modified-ashworth") -> Floats:
    raters = 2 * IDS + rater
    return rate(Rating("leg", scale, misses=False), PEOPLE.leg_ashworth, IDS, 1, visit, raters)


def test_two_raters_agree_as_far_as_published() -> None:
    assert 0.61 < agreement(rated(0, 0), rated(1, 1)) < 0.87  # modified Ashworth, children with CP
    assert 0.54 < agreement(rated(0, 0, "ashworth"), rated(1, 1, "ashworth")) < 0.78


def test_one_rater_agrees_with_himself_better_than_with_another_and_as_published() -> None:
    again = agreement(rated(0, 0), rated(1, 0))
    assert agreement(rated(0, 0), rated(1, 1)) < again
    assert 0.36 < again < 0.83


def test_people_agree_with_themselves_about_spasms() -> None:
    rating = Rating("spasm", "penn-frequency", misses=False)
    one, other = (rate(rating, PEOPLE.spasm_score, IDS, 1, visit) for visit in (0, 1))
    assert 0.88 < weighted_kappa(one, other) < 0.98  # published 0.93 to 0.94


def test_one_plus_is_a_level_of_its_own() -> None:
    given = rate(
        Rating("leg", "modified-ashworth", misses=False), np.linspace(1, 5, 5000), np.arange(5000), 1
    )
    written = set(codes("modified-ashworth", given))
    assert written == {"0", "1", "1+", "2", "3", "4"}


def test_without_noise_a_score_falls_on_the_nearest_level() -> None:
    means = [
        rate(Rating("leg", "ashworth", misses=False), np.full(4000, 1.0 + level), np.arange(4000), 1).mean()
        for level in (1, 2, 3)
    ]
    assert means == pytest.approx([1, 2, 3], abs=0.03)


def test_levels_rise_with_the_score_for_the_same_rater_and_day() -> None:
    ids = np.full(50, 7)
    given = rate(Rating("arm", "modified-ashworth", misses=False), np.linspace(1, 5, 50), ids, 1)
    assert (np.diff(given) >= 0).all()


def test_missed_visits_are_missing_for_everything_and_at_the_stated_rate() -> None:
    away = missed(IDS, 1, 3)
    assert abs(away.mean() - 0.08) < 4 * np.sqrt(0.08 * 0.92 / len(IDS))
    for what, scale in (("leg", "ashworth"), ("spasm", "penn-frequency")):
        given = rate(Rating(what, scale), PEOPLE.leg_ashworth - 1, IDS, 1, visit=3)
        np.testing.assert_array_equal(given == MISSED, away)
        assert codes(scale, given[away][:1]) == (None,)


def test_another_visit_is_missed_by_other_people() -> None:
    assert not (missed(IDS, 1, 3) == missed(IDS, 1, 4)).all()


def test_a_scale_that_cannot_be_rated_is_refused() -> None:
    with pytest.raises(CohortError, match=r"^scale: got 'tardieu', expected one of ashworth, "):
        Rating("leg", "tardieu")
