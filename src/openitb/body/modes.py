"""Exact solution of x' = M x + b u: each mode of M decays on its own, so any step is one exponential.

M is close to a symmetric matrix in disguise (exchange by conductance), which keeps its modes well
apart; only stages fed one way, gut and brainstem, can fall together with another mode.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openitb.body.anatomy import Floats
from openitb.body.model import Model, build
from openitb.body.parameters import BodyError, BodyParameters

Modal = NDArray[Any]  # float64, or complex128 where modes of a person's M come in pairs

_NUDGE = 1e-7  # relative; shifts a series by less than this part of its maximum
_CONDITION_LIMIT = 1e9  # loses 7 of 16 digits
_NUDGED_CONDITION_LIMIT = 1e12


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """M = vectors · diag(rates_per_h) · inverse; rates of shape (n,), the rest (n, n)."""

    rates_per_h: Modal
    vectors: Modal
    inverse: Modal

    def step(self, duration_h: Floats) -> tuple[Modal, Modal]:
        """For each duration: what remains of a mode, and what a unit inflow into it has become.

        Both of shape (durations, n): exp(λt) and (exp(λt) - 1)/λ, the latter t where λ is 0.
        """
        grown = np.expm1(np.multiply.outer(duration_h, self.rates_per_h))
        still = self.rates_per_h == 0
        gain = np.where(still, duration_h[:, None], grown / np.where(still, 1.0, self.rates_per_h))
        return grown + 1.0, gain


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """A person's model together with its modes."""

    model: Model
    modes: Modes


@lru_cache(maxsize=32)
def solved(params: BodyParameters) -> Solved:
    """Build and diagonalise once per person; `BodyError` where the parameters give no usable modes."""
    model = build(params)
    return Solved(model, diagonalise(model))


def diagonalise(model: Model) -> Modes:
    """The modes of a model.

    Where gut or brainstem decays exactly as another mode does, no full set of modes exists; their
    rates are then moved apart by one part in ten million, which conserves drug.
    """
    modes = _modes(model.matrix, _CONDITION_LIMIT)
    if modes is None:
        modes = _modes(_nudged(model), _NUDGED_CONDITION_LIMIT)
    if modes is None:
        raise BodyError(
            "parameters: these values together have no exact solution, expected less extreme ones"
        )
    return modes


def _modes(matrix: Floats, condition_limit: float) -> Modes | None:
    rates, vectors = np.linalg.eig(matrix)
    try:
        inverse = np.linalg.inv(vectors)
    except np.linalg.LinAlgError:
        return None
    condition = np.linalg.norm(vectors, 1) * np.linalg.norm(inverse, 1)
    return Modes(rates, vectors, inverse) if condition < condition_limit else None


def _nudged(model: Model) -> Floats:
    matrix, layout = model.matrix.copy(), model.layout
    matrix[:, layout.gut] *= 1 + _NUDGE
    matrix[layout.brainstem] *= 1 - _NUDGE
    return matrix
