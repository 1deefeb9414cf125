"""Draws from everything that may be the case: patients, dispersions and explanations with their weights.

Importance sampling: wide draws about the likeliest patient under every explanation that is not hopeless,
each weighted by posterior over proposal. Weights are smoothed and judged by their Pareto k (arviz-stats).
Where they are not to be trusted, proposals are fitted to them and more is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from scipy.special import gammaln, logsumexp

from openitb.body.anatomy import Floats
from openitb.twin.model import Columns
from openitb.twin.priors import rule
from openitb.twin.search import Modes
from openitb.twin.target import Target

_FREEDOM = 7.0  # of the Student distribution that proposals have
_HOPELESS = 1e-5  # of all belief, by the normal approximation
_FEWEST = 40  # draws of any explanation that is not hopeless
_REFINED = 0.01  # of all belief, from which on a proposal is fitted anew
_WIDER = 1.15


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """n weighted draws: unknowns `z` (n, d), under which target and explanation (n,), weights that sum to 1.

    `effective` is how many equally weighted draws they are worth, `pareto_k` says whether the weights can
    be trusted, `log_evidence` how likely the record was beforehand.
    """

    z: Floats
    target: Columns
    which: Columns
    weight: Floats
    effective: float
    pareto_k: float
    log_evidence: float

    def resampled(self, count: int, chance: Generator) -> Columns:
        """Rows that stand for the posterior with equal weight, by systematic resampling."""
        marks = (np.arange(count) + chance.random()) / count
        return np.minimum(np.searchsorted(np.cumsum(self.weight), marks), len(self.weight) - 1)


@dataclass(slots=True, eq=False)
class _Cell:
    """One explanation under one dispersion: its proposals, and what has been drawn from them."""

    target: int
    which: int
    log_prior: float
    proposals: list[tuple[Floats, Floats, int]] = field(default_factory=list)
    z: list[Floats] = field(default_factory=list)
    log_target: list[Floats] = field(default_factory=list)

    def propose(self, middle: Floats, covariance: Floats, count: int, chance: Generator) -> None:
        """Draw from a Student distribution."""
        root = np.asarray(np.linalg.cholesky(_WIDER**2 * covariance), dtype=np.float64)
        stretch = np.sqrt(_FREEDOM / chance.chisquare(_FREEDOM, count))
        self.proposals.append((middle, root, count))
        self.z.append(middle + stretch[:, None] * (chance.standard_normal((count, len(middle))) @ root.T))

    def log_weights(self) -> Floats:
        """Log of posterior over proposal for every draw, against all proposals together."""
        z = np.concatenate(self.z)
        mixed = [np.log(count) + _log_student(z, middle, root) for middle, root, count in self.proposals]
        return np.asarray(np.concatenate(self.log_target) + self.log_prior - logsumexp(mixed, axis=0))


def sampled(targets: Sequence[Target], found: Sequence[Modes], chance: Generator) -> Posterior:
    """Draw until the weights can be trusted, or as often as the catalogue says."""
    cells = _begun(targets, found, chance)
    posterior = _weighed(targets, cells)
    for _ in range(int(rule("rounds")) - 1):
        if posterior.pareto_k <= rule("most_k") and posterior.effective >= rule("fewest_effective"):
            break
        _refine(cells, posterior, chance)
        posterior = _weighed(targets, cells)
    return posterior


def _begun(targets: Sequence[Target], found: Sequence[Modes], chance: Generator) -> list[_Cell]:
    """Every explanation that is not hopeless, with draws about its likeliest patient."""
    log_prior = [target.explained.log_prior + target.log_share for target in targets]
    log_belief = [each.log_evidence + prior for each, prior in zip(found, log_prior, strict=True)]
    whole = logsumexp(np.concatenate(log_belief))
    hopeful = [
        (number, which)
        for number, belief in enumerate(log_belief)
        for which in np.flatnonzero(
            (belief - whole > np.log(_HOPELESS)) | (targets[number].explained.kind < 0)
        ).tolist()
    ]
    parts = np.array([np.exp((log_belief[number][which] - whole) / 2) for number, which in hopeful])
    counts = np.maximum(rule("draws") * parts / parts.sum(), _FEWEST).astype(int)
    cells = []
    for (number, which), count in zip(hopeful, counts.tolist(), strict=True):
        cell = _Cell(number, which, float(log_prior[number][which]))
        cell.propose(found[number].middle[which], found[number].covariance[which], count, chance)
        cells.append(cell)
    return cells


def _refine(cells: Sequence[_Cell], posterior: Posterior, chance: Generator) -> None:
    """Draw more of what is believed, from where the weights so far say it lies."""
    ends = np.cumsum([sum(len(part) for part in cell.z) for cell in cells])[:-1]
    weights = np.split(posterior.weight, ends)
    parts = np.array([np.sqrt(weight.sum()) for weight in weights])
    counts = (rule("draws") * parts / parts.sum()).astype(int)
    for cell, weight, count in zip(cells, weights, counts.tolist(), strict=True):
        if weight.sum() > _REFINED:
            cell.propose(*_moments(cell, weight / weight.sum()), count, chance)


def _moments(cell: _Cell, weight: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of weighted draws, drawn towards the first proposal's where few count."""
    z, (_, root, _) = np.concatenate(cell.z), cell.proposals[0]
    middle = weight @ z
    away = z - middle
    trusted = 1.0 / (1.0 + 2 * z.shape[1] * float((weight**2).sum()))
    own = np.einsum("n,ni,nj->ij", weight, away, away)
    return middle, trusted * own + (1 - trusted) * (root @ root.T) / _WIDER**2


def _weighed(targets: Sequence[Target], cells: Sequence[_Cell]) -> Posterior:
    """All draws with their weights."""
    from arviz_stats.base.array import array_stats  # takes a second, which who only reads volumes is spared

    _evaluate(targets, cells)
    log_weight = np.concatenate([cell.log_weights() for cell in cells])
    evidence = float(logsumexp(log_weight))
    negated = evidence - log_weight  # it takes the logarithm of 1/weight
    smooth, pareto_k = array_stats.psislw(negated)  # type: ignore[no-untyped-call]  # has no types
    weight = np.exp(smooth - logsumexp(smooth))
    sizes = [sum(len(part) for part in cell.z) for cell in cells]
    return Posterior(
        np.concatenate([part for cell in cells for part in cell.z]),
        np.repeat([cell.target for cell in cells], sizes),
        np.repeat([cell.which for cell in cells], sizes),
        weight,
        float(1.0 / (weight**2).sum()),
        float(pareto_k),
        evidence,
    )


def _evaluate(targets: Sequence[Target], cells: Sequence[_Cell]) -> None:
    """The posterior of every draw that has none yet, all of a dispersion at once."""
    for number, target in enumerate(targets):
        fresh = [cell for cell in cells if cell.target == number and len(cell.log_target) < len(cell.z)]
        if fresh:
            sizes = [len(cell.z[-1]) for cell in fresh]
            which = np.repeat([cell.which for cell in fresh], sizes)
            values = target.log(np.concatenate([cell.z[-1] for cell in fresh]), which)
            for cell, part in zip(fresh, np.split(values, np.cumsum(sizes)[:-1]), strict=True):
                cell.log_target.append(part)


def _log_student(z: Floats, middle: Floats, root: Floats) -> Floats:
    """Log density of a Student distribution, (rows,)."""
    size = len(middle)
    away = np.linalg.solve(root, (z - middle).T)
    constant = gammaln((_FREEDOM + size) / 2) - gammaln(_FREEDOM / 2) - size / 2 * np.log(_FREEDOM * np.pi)
    shape = -0.5 * (_FREEDOM + size) * np.log1p((away**2).sum(axis=0) / _FREEDOM)
    return np.asarray(constant - np.log(np.diag(root)).sum() + shape)
