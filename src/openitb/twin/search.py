"""The likeliest would-be patient under every explanation, all side by side, and how sharply it is known.

Newton's method on the logarithm of the posterior with the expected information of every observation: each
is one predicted number seen with noise, so curvature follows from first derivatives alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from openitb.body.anatomy import Floats
from openitb.twin.likelihood import log_volumes, reading_sd_nl
from openitb.twin.model import Columns, Model
from openitb.twin.target import SQRT_2PI, Target

_SHARP = (1.0, 8)  # how much wider noise is than it is, and how many steps at most
_BLURS = ((4.0, 3), (2.0, 3), _SHARP)
_EXCHANGES = 2
_ENOUGH, _WORTHWHILE = 1e-2, 0.5  # of log posterior, for a further step and for a new start
_STEPS = (1.0, 0.5, 0.2, 0.05)


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """Of every explanation: its likeliest unknowns (m, d), their covariance (m, d, d) and the logarithm of
    how likely all of the record is under it, (m,), in the normal approximation.
    """

    middle: Floats
    covariance: Floats
    log_evidence: Floats


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
    evidence = best + size * np.log(SQRT_2PI) - 0.5 * log_determinant
    return Modes(z, np.asarray(np.linalg.inv(curvature), dtype=np.float64), evidence)


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
    leaders = [
        int(order[target.explained.kind[order] == kind][0]) for kind in np.unique(target.explained.kind)
    ]
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
    levels, volumes, change = target.nudged(z, which)
    slope, information = _information(target.model, (levels, volumes), target.model.sd(z), wider)
    gradient = np.einsum("rdn,rn->rd", change, slope) - z
    weighted = change * np.sqrt(information)[:, None, :]
    return gradient, weighted @ weighted.transpose(0, 2, 1) + np.eye(z.shape[1])


def _information(
    model: Model, predicted: tuple[Floats, Floats], sd: Floats, wider: float
) -> tuple[Floats, Floats]:
    """Slope of the log likelihood in every predicted number, and its expected square, (rows, n + v)."""
    levels, volumes = predicted
    slope, information = np.empty_like(levels), np.empty_like(levels)
    for scale in sorted({(each.cuts, each.misread) for each in model.seen}):
        columns = [k for k, each in enumerate(model.seen) if (each.cuts, each.misread) == scale]
        given = [model.seen[k].given for k in columns]
        slopes, chance = _by_level(scale, levels[:, columns], wider * sd[:, columns])
        own = np.array(given)[None, :, None]
        slope[:, columns] = (np.take_along_axis(slopes, own, 2) / np.take_along_axis(chance, own, 2))[:, :, 0]
        information[:, columns] = (slopes**2 / chance).sum(axis=2)
    precision = (wider * reading_sd_nl()) ** -2
    missing = np.array([each.missing_nl for each in model.drawn])
    pull = (missing - volumes) * precision * (_trusted(model, volumes) if wider == 1.0 else 1.0)
    known = np.full_like(volumes, precision)
    return np.concatenate([slope, pull], axis=1), np.concatenate([information, known], axis=1)


def _by_level(scale: tuple[tuple[float, ...], float], predicted: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Of every level of a scale its probability's slope in the predicted number, and the probability."""
    cuts, misread = scale
    edges = np.array([-np.inf, *cuts, np.inf])
    away = (edges - predicted[:, :, None]) / sd[:, :, None]
    density = np.exp(-0.5 * away**2) / (SQRT_2PI * sd[:, :, None])
    chance = (1 - misread) * np.diff(ndtr(away), axis=2) + misread / (len(cuts) + 1)
    return -(1 - misread) * np.diff(density, axis=2), chance


def _trusted(model: Model, volumes: Floats) -> Floats:
    """The part of each volume's likelihood that is not a slip of the pen."""
    exact = log_volumes(model.drawn, volumes)
    slip = log_volumes(model.drawn, volumes + 1e12)
    return np.asarray(-np.expm1(np.minimum(slip - exact, 0.0)))
