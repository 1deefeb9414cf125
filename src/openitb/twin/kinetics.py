"""Where drug is in any body of the population, without building one: a surface through reference people.

Responses of some hundred people with wider spread than the population's are exact; the logarithm of a
concentration is laid through them as a quadratic in the nine numbers that decide where drug is.
`tests/twin/test_kinetics.py` holds the error.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from openitb.body import Dispersion
from openitb.body.anatomy import Floats
from openitb.cohort.engine.responses import PUNCTURE, TIP, Responses, full_basis, infusion_basis, responses
from openitb.cohort.engine.transfer import ARM, BRAINSTEM, LEG
from openitb.twin.priors import KINETIC, Prior, rule
from openitb.twin.record import CHILD, Whom

PLACES = (LEG, ARM, BRAINSTEM)
ADULT = "cerebral"
_SEED = 1
_LEAST = 1e-6  # ng/mL; far below anything that acts
_FARTHEST = 4.0  # SDs from the middle up to which the surface is followed


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Reference people of one dispersion: their features' pseudo-inverse, their responses to a drip at the
    tip and to a lumbar puncture, and how fast drug leaves the legs of the middle one.
    """

    solve: Floats
    tip: Responses
    puncture: Responses

    def steady_log(self) -> Floats:
        """Coefficients of the logarithm of what 1 µg/h leads to at the legs, (features,)."""
        return np.asarray(self.solve @ _log(self.tip.steady(LEG)))

    def instants(self, place: str, tip: Floats, puncture: Floats) -> Floats:
        """Coefficients of log concentration, (features, instants), from decays (instants, rates)."""
        drip = self.tip.of(TIP, place) @ tip.T
        given = self.puncture.of(PUNCTURE, place) @ puncture.T
        return np.asarray(self.solve @ _log(drip + given))

    def left(self, hours: Floats) -> Floats:
        """The part of a steady concentration at the legs that is left so many hours after a stop."""
        weights = self.tip.of(TIP, LEG)[0] / self.tip.steady(LEG)[0]
        return np.asarray(np.clip(np.exp(-np.outer(hours, self.tip.rates_per_h)) @ weights, 0.0, 1.0))


@lru_cache(maxsize=16)
def reference(whom: Whom, dispersion: Dispersion, tip_at: str) -> Reference:
    """The reference people of somebody; kept, as many records ask for the same."""
    prior = Prior.of(whom, dispersion, ())
    chance = qmc.Sobol(len(KINETIC), rng=_SEED).random(int(rule("reference_people")))
    spread = np.clip(rule("reference_spread") * ndtri(chance), -_FARTHEST, _FARTHEST)
    z = np.zeros((len(spread), len(prior.names)))
    spread[0] = 0.0  # the middle one
    z[:, : len(KINETIC)] = spread
    people = prior.people(z, seed=None)
    tip = responses(people, tip_at, infusion_basis())
    return Reference(
        np.asarray(np.linalg.pinv(features(spread)), dtype=np.float64),
        tip,
        responses(people, tip_at, full_basis(), (PUNCTURE,)),
    )


def size_of(whom: Whom) -> Whom:
    """Somebody with the same canal and fluids: any adult is like another, beforehand."""
    return whom if whom.cause == CHILD else Whom(ADULT)


def features(z: Floats) -> Floats:
    """1, every number and every product of two, (rows, features)."""
    near = np.clip(z, -_FARTHEST, _FARTHEST)
    made = np.empty((len(z), 1 + near.shape[1] * (near.shape[1] + 3) // 2))
    made[:, 0] = 1.0
    made[:, 1 : 1 + near.shape[1]] = near
    pairs = combinations_with_replacement(range(near.shape[1]), 2)
    for column, (one, other) in enumerate(pairs, start=1 + near.shape[1]):
        np.multiply(near[:, one], near[:, other], out=made[:, column])
    return made


def _log(ng_per_ml: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(ng_per_ml, _LEAST)))
