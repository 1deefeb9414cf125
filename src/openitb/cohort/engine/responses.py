"""Reduced responses: what a unit of drug becomes at each place, as a sum of decays common to everybody.

    after 1 µg/h from time 0 on    Σ_j weight_j (1 - exp(-rate_j t))
    after 1 µg at time 0           Σ_j weight_j rate_j exp(-rate_j t)

The rates are fixed, so that only the weights are a person's own. They are least squares against the
person's transfer function at fixed s and scaled so that the steady state is exact: one fixed matrix times
the transfer function. docs/cohort-engine.md gives the error that tests hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from openitb.body.anatomy import Floats, canal, position_cm
from openitb.body.model import LUMBAR_LEVEL
from openitb.body.parameters import constant
from openitb.cohort.engine.chain import Values
from openitb.cohort.engine.transfer import ARM, BRAINSTEM, LEG, PLACES, PLASMA, Entry, transfer
from openitb.cohort.people import People

TIP, AT_TIP, PUNCTURE, SWALLOWED = "tip", "bolus at the tip", "lumbar puncture", "swallowed"
Place = str | float

_BLOCK = 128  # people at once: what they need stays in the processor's cache
_STEADY_COUNTS = 30.0  # points of the fit that the steady state stands for


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """The rates (k,) that responses are made of, and how weights follow from the transfer function.

    `nodes_per_h` (m,) are the complex s of the fit, the first of them 0; `solve` turns G at the nodes into
    weights.
    """

    rates_per_h: Floats
    nodes_per_h: Values
    solve: Floats
    places: tuple[str, ...]

    def weights(self, values: Values) -> Floats:
        """Weights (..., k) from G at the nodes (..., m); their sum is G(0)."""
        steady = values[..., :1].real
        found = _parts(values) @ self.solve
        found *= steady / found.sum(axis=-1, keepdims=True)
        return np.asarray(found)


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """Weights in ng/mL per µg/h by way in, each of shape (places, people, k), for rates (k,)."""

    rates_per_h: Floats
    places: tuple[str, ...]
    weights: Mapping[str, Floats]

    def steady(self, place: str) -> Floats:
        """What 1 µg/h at the tip leads to, ng/mL, (people,)."""
        return np.asarray(self.of(TIP, place).sum(axis=-1))

    def of(self, entry: str, place: str) -> Floats:
        """Weights of one way in at one place, (people, k)."""
        return np.asarray(self.weights[entry][self.places.index(place)])


@lru_cache(maxsize=1)
def infusion_basis() -> Basis:
    """For drug that flows from the tip and the places where it acts: quickest to set up."""
    rates = np.geomspace(0.018, 30.0, 28)
    ray = np.geomspace(rates[0] / 3, 3 * rates[-1], 18) * np.exp(1j * np.pi / 3)
    return _basis(rates, ray, np.ones(len(ray)), 1e-11, (LEG, ARM, BRAINSTEM, PLASMA))


@lru_cache(maxsize=1)
def full_basis() -> Basis:
    """For every way in and every place; fluid beside a catheter tip mixes within seconds.

    The weight of a point rises with s, so that a dose at once fits from its first instant on.
    """
    rates = np.concatenate([np.geomspace(0.015, 15.0, 32), np.geomspace(15.0, 3e5, 19)[1:]])
    axis = np.geomspace(rates[0] / 4, 3 * rates[-1], 80) * 1j
    return _basis(rates, axis, 1.0 + np.abs(axis), 1e-13, PLACES)


def responses(people: People, tip_at: Place, basis: Basis, ways_in: tuple[str, ...] = (TIP,)) -> Responses:
    """The responses of all people; `tip_at` is a level such as `T12`, or cm in the canal of the first person
    and the same part of the others'.

    Raises `BodyError` for a place outside the canal.
    """
    blocks = [people.take(slice(at, at + _BLOCK)) for at in range(0, len(people), _BLOCK)]
    tips_cm = (
        position_cm(people.one(0), tip_at, TIP) * people["canal_length_cm"] / people["canal_length_cm"][0]
    )
    shape = (len(basis.places), len(people), len(basis.rates_per_h))
    weights = {way: np.empty(shape) for way in ways_in}
    shown = [PLACES.index(place) for place in basis.places]
    for at, block in zip(range(0, len(people), _BLOCK), blocks, strict=True):
        entries = {way: _entry(block, way, tips_cm[at : at + len(block)]) for way in ways_in}
        for way, values in transfer(block, entries, basis.nodes_per_h).items():
            weights[way][:, at : at + len(block)] = basis.weights(values[shown])
    return Responses(basis.rates_per_h, basis.places, weights)


def _entry(people: People, way: str, tips_cm: Floats) -> Entry:
    """Where a unit of drug enters, by slice; the tips are at the same part of everybody's canal."""
    if way == SWALLOWED:
        return None
    alike = way == TIP or bool(np.ptp(people["canal_length_cm"]) == 0.0)
    bodies = [people.one(row) for row in range(1 if alike else len(people))]
    if way == TIP:
        return np.eye(people.cells)[[canal(bodies[0]).cell_at(float(tips_cm[0]))]]
    sd_cm = constant("atlas", "lumbar_puncture_sd" if way == PUNCTURE else "pump_bolus_sd")
    places = [position_cm(body, LUMBAR_LEVEL) for body in bodies] if way == PUNCTURE else tips_cm.tolist()
    return np.array([canal(body).footprint(x, sd_cm) for body, x in zip(bodies, places, strict=False)])


def _basis(rates: Floats, ray: Values, trust: Floats, cut: float, places: tuple[str, ...]) -> Basis:
    """Least squares at s = 0 and along a ray, each point with its weight; singular values below `cut` of
    the largest are left out.
    """
    nodes, weight = np.append(0j, ray), np.append(_STEADY_COUNTS, trust)
    fits = _parts(np.asarray(weight * rates[:, None] / (nodes + rates[:, None])))
    solve = _parts(weight * (1 + 1j))[:, None] * np.linalg.pinv(fits, rcond=cut)
    return Basis(rates, nodes, solve, places)


def _parts(values: Values) -> Floats:
    """Real and imaginary parts side by side, the imaginary part at s = 0 left out."""
    return np.concatenate([values.real, values.imag[..., 1:]], axis=-1)
