"""The surface of concentrations against exact responses of people it was not laid through."""

import numpy as np
import pytest

from openitb.body import Dispersion
from openitb.cohort.engine.responses import PUNCTURE, full_basis, infusion_basis, responses
from openitb.cohort.engine.transfer import ARM, BRAINSTEM, LEG
from openitb.twin import Whom
from openitb.twin.kinetics import KINETIC, features, reference
from openitb.twin.priors import Prior

WHOM = Whom("cerebral")


def others(dispersion: Dispersion, count: int = 200) -> tuple[Prior, np.ndarray]:
    prior = Prior.of(WHOM, dispersion, ())
    z = np.zeros((count, len(prior.names)))
    z[:, : len(KINETIC)] = np.random.default_rng(3).standard_normal((count, len(KINETIC)))
    return prior, z


@pytest.mark.parametrize("dispersion", ["well_mixed", "poorly_mixed"])
def test_steady_leg_concentration_lies_within_a_few_percent(dispersion: Dispersion) -> None:
    prior, z = others(dispersion)
    exact = responses(prior.people(z, None), "T12", infusion_basis()).steady(LEG)
    known = reference(WHOM, dispersion, "T12")
    off = features(prior.kinetic(z)) @ known.steady_log() - np.log(exact)
    assert off.std() < 0.02
    assert np.abs(off).max() < 0.1


@pytest.mark.parametrize(("place", "widest"), [(ARM, 0.05), (BRAINSTEM, 0.06)])
def test_places_far_from_the_tip_lie_within_the_stated_error_where_drug_gets_there(
    place: str, widest: float
) -> None:
    prior, z = others("well_mixed")
    exact = responses(prior.people(z, None), "T12", infusion_basis())
    known = reference(WHOM, "well_mixed", "T12")
    still = np.full((1, len(exact.rates_per_h)), 1.0)
    nothing = np.zeros((1, len(known.puncture.rates_per_h)))
    surface = features(prior.kinetic(z)) @ known.instants(place, still, nothing)[:, 0]
    assert (surface - np.log(exact.steady(place))).std() < widest


@pytest.mark.parametrize("hours", [2.0, 4.0, 8.0])
def test_a_trial_bolus_is_met_at_the_hours_scores_are_taken(hours: float) -> None:
    prior, z = others("well_mixed")
    exact = responses(prior.people(z, None), "T12", full_basis(), (PUNCTURE,))
    known = reference(WHOM, "well_mixed", "T12")
    decays = (50 * exact.rates_per_h * np.exp(-exact.rates_per_h * hours))[None, :]
    nothing = np.zeros((1, len(known.tip.rates_per_h)))
    surface = features(prior.kinetic(z)) @ known.instants(LEG, nothing, decays)[:, 0]
    assert (surface - np.log(exact.of(PUNCTURE, LEG) @ decays[0])).std() < 0.04


def test_what_is_left_after_a_stop_falls_from_all_to_nothing() -> None:
    left = reference(WHOM, "well_mixed", "T12").left(np.array([0.0, 6.0, 12.0, 24.0, 96.0]))
    assert left[0] == pytest.approx(1.0)
    assert (np.diff(left) < 0).all()
    assert left[-1] < 0.01
