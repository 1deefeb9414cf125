"""Search and draws against slower, plainer ways."""

import numpy as np
import pytest

from openitb.twin import Assumed, fit
from openitb.twin.posterior import sampled
from openitb.twin.search import modes
from openitb.twin.summary import weighted_quantiles
from openitb.twin.target import Target
from tests.twin.records import lost, record, steady, trial

WELL = Assumed({"well_mixed": 1.0})
DRAWS = 40_000


@pytest.fixture(scope="module")
def target() -> Target:
    return fit(record(*trial(), *steady(30, 60), *lost(90, since=60)), WELL).targets[0]


def test_what_a_nudge_changes_is_what_the_whole_record_gone_through_again_says(target: Target) -> None:
    which = np.array([0, 1, len(target.explained) - 1])
    z = 0.3 * np.random.default_rng(1).standard_normal((len(which), target.size))
    found = target.nudged(z, which)
    here = np.concatenate(target.observed(z, which), axis=1)
    for unknown in range(target.size):
        beside = z.copy()
        beside[:, unknown] += 0.03
        there = np.concatenate(target.observed(beside, which), axis=1)
        scale = np.maximum(np.abs(there - here).max(), 0.01)
        assert np.abs(there - here - 0.03 * found.change[:, unknown]).max() < 0.12 * scale + 0.002, unknown


def test_no_small_step_from_a_mode_that_is_not_hopeless_leads_uphill(target: Target) -> None:
    found = modes(target)
    belief = found.log_evidence + target.explained.log_prior
    which = np.flatnonzero(belief > belief.max() - 10)
    best = target.log(found.middle[which], which)
    chance = np.random.default_rng(2)
    for _ in range(20):
        step = 0.05 * chance.standard_normal((len(which), target.size))
        assert (target.log(found.middle[which] + step, which) < best + 0.15).all()


def test_draws_agree_with_weighing_the_whole_population() -> None:
    tried = record(*trial()[:3])
    target = fit(tried, WELL).targets[0]
    z = np.random.default_rng(3).standard_normal((DRAWS, target.size))
    log_weight = target.log_parts(z, np.zeros(DRAWS, dtype=np.int64)).sum(axis=1)
    weight = np.exp(log_weight - log_weight.max())
    evidence = np.log(weight.mean()) + log_weight.max()
    drawn = sampled([target], [modes(target)], np.random.default_rng(4))
    assert drawn.log_evidence == pytest.approx(evidence, abs=0.12)
    level = [target.model.pace(each).log_level for each in (z, drawn.z)]
    plain = weighted_quantiles(level[0], weight / weight.sum(), (0.05, 0.5, 0.95))
    ours = weighted_quantiles(level[1], drawn.weight, (0.05, 0.5, 0.95))
    np.testing.assert_allclose(ours, plain, atol=0.12)


def test_resampled_rows_stand_for_their_weights(target: Target) -> None:
    drawn = sampled([target], [modes(target)], np.random.default_rng(5))
    rows = drawn.resampled(2000, np.random.default_rng(6))
    belief = np.bincount(drawn.which, drawn.weight, len(target.explained))
    counted = np.bincount(drawn.which[rows], minlength=len(target.explained)) / len(rows)
    assert np.abs(belief - counted).max() < 0.02
