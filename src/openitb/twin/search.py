"""The likeliest would-be patient under every explanation, all side by side, and how sharply it is known.

Newton's method on the logarithm of the posterior with the expected information of every observation: each
is one predicted number seen with noise, so curvature follows from first derivatives alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from openitb.body.anatomy import Floats
from openitb.twin.course import Grid
from openitb.twin.faults import Explanations
from openitb.twin.likelihood import log_levels, log_volumes, reading_sd_nl
from openitb.twin.model import Columns, Model, severity

_SHARP = (1.0, 8)  # how much wider noise is than it is, and how many steps at most
_BLURS = ((4.0, 3), (2.0, 3), _SHARP)
_EXCHANGES = 2
_ENOUGH, _WORTHWHILE = 1e-2, 0.5  # of log posterior, for a further step and for a new start
_NUDGE = 0.03
_STEPS = (1.0, 0.5, 0.2, 0.05)
_SQRT_2PI = np.sqrt(2 * np.pi)


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """Of every explanation: its likeliest unknowns (m, d), their covariance (m, d, d) and the logarithm of
    how likely all of the record is under it, (m,), in the normal approximation.
    """

    middle: Floats
    covariance: Floats
    log_evidence: Floats


class Target:
    """The posterior of unknowns under explanations, up to what is the same for all of them."""

    def __init__(self, model: Model, explained: Explanations) -> None:
        self.model, self.explained = model, explained
        self.steps: Grid = model.grid(explained)
        self.size = len(model.prior.names)

    def observed(self, z: Floats, which: Columns) -> tuple[Floats, Floats]:
        """The number behind every level (rows, n), and behind every volume (rows, v)."""
        acting = self.explained.acting(which, severity(self.model.prior, z))
        return self.model.predicted(z, acting, self.steps), self.model.missing_nl(z, acting)

    def log_parts(self, z: Floats, which: Columns, wider: float = 1.0) -> Floats:
        """Log probability of everything seen, (rows, n + v), with scores `wider` scattered than they are."""
        levels, volumes = self.observed(z, which)
        told = log_levels(self.model.seen, levels, wider * self.model.sd(z))
        return np.concatenate([told, log_volumes(self.model.drawn, volumes)], axis=1)

    def log(self, z: Floats, which: Columns, wider: float = 1.0) -> Floats:
        """Log of prior density times likelihood, (rows,); the explanation's own prior is left out."""
        return np.asarray(self.log_parts(z, which, wider).sum(axis=1) + log_prior(z))


def log_prior(z: Floats) -> Floats:
    """Log density of independent standard normal numbers, (rows,)."""
    return np.asarray(-0.5 * (z**2).sum(axis=1) - z.shape[1] * np.log(_SQRT_2PI))


def modes(target: Target) -> Modes:
    """Search from the middle of the prior, with blurred eyes at first; then from where others ended."""
    which, size = np.arange(len(target.explained)), target.size
    z = np.zeros((len(which), size))
    for blur in _BLURS:
        z = _climbed(target, z, which, blur)
    best = target.log(z, which)
    for _ in range(_EXCHANGES):
        z, best, changed = _exchanged(target, z, best)
        if not len(changed):
            break
        z[changed] = _climbed(target, z[changed], changed, _SHARP)
        best[changed] = target.log(z[changed], changed)
    _, curvature = _slopes(target, z, which, _SHARP[0])
    _, log_determinant = np.linalg.slogdet(curvature)
    evidence = best + size * np.log(_SQRT_2PI) - 0.5 * log_determinant
    return Modes(z, np.linalg.inv(curvature), evidence)


def _climbed(target: Target, start: Floats, which: Columns, blur: tuple[float, int]) -> Floats:
    """Newton steps, each shortened until it leads uphill; a row that finds none rests."""
    wider, turns = blur
    z, best = start.copy(), target.log(start, which, wider)
    moving = np.arange(len(z))
    for _ in range(turns):
        gradient, curvature = _slopes(target, z[moving], which[moving], wider)
        step = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
        tried = np.concatenate([z[moving] + part * step for part in _STEPS])
        found = target.log(tried, np.tile(which[moving], len(_STEPS)), wider).reshape(len(_STEPS), -1)
        choice, own = found.argmax(axis=0), np.arange(len(moving))
        better = found[choice, own] > best[moving] + _ENOUGH
        z[moving[better]] = tried.reshape(len(_STEPS), *step.shape)[choice, own][better]
        best[moving[better]] = found[choice, own][better]
        moving = moving[better]
        if not len(moving):
            break
    return z


def _exchanged(target: Target, z: Floats, best: Floats) -> tuple[Floats, Floats, Columns]:
    """Every explanation takes over the patient of one of the best others, if it explains more with it."""
    count = len(z)
    order = np.argsort(-(best + target.explained.log_prior))
    leaders = [int(order[target.explained.kind[order] == kind][0]) for kind in np.unique(target.explained.kind)]
    lent = np.repeat(z[leaders], count, axis=0)
    lent[:, -1] = np.tile(z[:, -1], len(leaders))
    found = target.log(lent, np.tile(np.arange(count), len(leaders))).reshape(len(leaders), count)
    choice, own = found.argmax(axis=0), np.arange(count)
    changed = np.flatnonzero(found[choice, own] > best + _WORTHWHILE)
    z[changed] = lent.reshape(len(leaders), count, -1)[choice, own][changed]
    best[changed] = found[choice, own][changed]
    return z, best, changed


def _slopes(target: Target, z: Floats, which: Columns, wider: float) -> tuple[Floats, Floats]:
    """Gradient (rows, d) and expected curvature (rows, d, d), both of minus the log posterior's opposite."""
    rows, size = z.shape
    nudged = np.concatenate([z, (z[:, None, :] + _NUDGE * np.eye(size)).reshape(-1, size)])
    levels, volumes = target.observed(nudged, np.concatenate([which, np.repeat(which, size)]))
    both = np.concatenate([levels, volumes], axis=1)
    change = (both[rows:].reshape(rows, size, -1) - both[:rows, None, :]) / _NUDGE
    slope, information = _information(target.model, levels[:rows], volumes[:rows], wider * target.model.sd(z))
    gradient = np.einsum("rdn,rn->rd", change, slope) - z
    curvature = np.einsum("rdn,rn,ren->rde", change, information, change, optimize=True)
    return gradient, curvature + np.eye(size)


def _information(model: Model, levels: Floats, volumes: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Slope of the log likelihood in every predicted number, and its expected square, (rows, n + v)."""
    slope, information = np.empty_like(levels), np.empty_like(levels)
    for column, each in enumerate(model.seen):
        edges = np.array([-np.inf, *each.cuts, np.inf])
        away = (edges - levels[:, [column]]) / sd[:, [column]]
        density = np.exp(-0.5 * away**2) / _SQRT_2PI / sd[:, [column]]
        chance = (1 - each.misread) * np.diff(ndtr(away), axis=1) + each.misread / (len(edges) - 1)
        slopes = -(1 - each.misread) * np.diff(density, axis=1)
        given = int(np.searchsorted(edges, each.low))  if each.low > -1e2 else 0
        slope[:, column] = slopes[:, given] / chance[:, given]
        information[:, column] = (slopes**2 / chance).sum(axis=1)
    precision = reading_sd_nl() ** -2
    missing = np.array([each.missing_nl for each in model.drawn])
    pull = (missing - volumes) * precision * _trusted(model, volumes)
    known = np.full_like(volumes, precision)
    return np.concatenate([slope, pull], axis=1), np.concatenate([information, known], axis=1)


def _trusted(model: Model, volumes: Floats) -> Floats:
    """The part of each volume's likelihood that is not a slip of the pen."""
    exact = log_volumes(model.drawn, volumes)
    slip = log_volumes(model.drawn, volumes + 1e12)
    return np.asarray(-np.expm1(np.minimum(slip - exact, 0.0)))
