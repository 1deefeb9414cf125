"""Draws in words of a clinic: numbers with bands, what is left over, and whether any of it can be trusted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from openitb.body.anatomy import Floats
from openitb.body.parameters import known_by_field
from openitb.twin.likelihood import level_chances, log_volumes, middle_of, reading_sd_nl
from openitb.twin.model import Columns
from openitb.twin.posterior import Posterior
from openitb.twin.priors import BASELINE, KINETIC, OCCASION, PUMP_GAIN, SENSITIVITY, rule
from openitb.twin.target import Target
from openitb.units import HOURS_PER_DAY, NL_PER_ML

HALF_EFFECT = "half_effect_dose"
_CHECKED, _POPULATION = 200, 1000  # draws of the posterior, and of the prior, that suffice for a glance
_CHECKED_SEED, _POPULATION_SEED = 2, 0
_PERCENT = 100.0

Value = Callable[[Target, Floats], Floats]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number of this patient: median and the ends of the band, in `unit`, beside the population's
    median. `shrinkage` is the part of the population's variance (of the logarithm) that is left: 1 says
    that the record told nothing, near 0 that it decides.
    """

    name: str
    unit: str
    median: float
    low: float
    high: float
    population: float
    shrinkage: float


@dataclass(frozen=True, slots=True)
class Residuals:
    """What the model leaves over. `tone_points` and `spasm_points` are the root mean square of level less
    prediction, `volume_ml` of volumes; None where nothing was seen. `standardised` is that of all in SDs of
    what is expected, near 1 or below for a record that fits. `occasion` is how much this patient's tone
    varies from one occasion to another, an SD in points.
    """

    tone_points: float | None
    spasm_points: float | None
    volume_ml: float | None
    standardised: float
    occasion: Estimate


@dataclass(frozen=True, slots=True)
class Trust:
    """Can the answer be believed? `pareto_k` and `effective` (draws) judge the computation, `likely` is how
    often patients like the fitted one would give a record at least as odd. `warnings` is empty if all is
    well.
    """

    pareto_k: float
    effective: float
    likely: float
    warnings: tuple[str, ...]


def estimates(posterior: Posterior, targets: Sequence[Target]) -> Iterator[Estimate]:
    """Every number of the patient and the system that is inferred."""
    units = {name: known.unit for name, known in known_by_field()}
    for name in (*SENSITIVITY, *KINETIC):
        yield _estimate(posterior, targets, name, units[name], _parameter(name))
    for name in BASELINE:
        yield _estimate(posterior, targets, name, "point", _baseline(name))
    yield _estimate(posterior, targets, PUMP_GAIN, "1", lambda target, z: target.model.gain(z))
    yield _estimate(posterior, targets, HALF_EFFECT, "ug/day", _half_effect)


def compared(posterior: Posterior, targets: Sequence[Target]) -> tuple[Residuals, float]:
    """What is left over, and how likely something at least as odd is."""
    rows = posterior.resampled(_CHECKED, np.random.default_rng(_CHECKED_SEED))
    odd, away = list[Floats](), list[Floats]()
    for number, target in enumerate(targets):
        own = rows[posterior.target[rows] == number]
        if len(own):
            odd.append(_oddness(target, posterior.z[own], posterior.which[own]))
            away.append(_away(target, posterior.z[own], posterior.which[own]))
    points, standard = np.concatenate(away, axis=1).mean(axis=1)
    model = targets[0].model
    volumes = [False] * len(model.drawn)
    tone = np.array([each.varies for each in model.seen] + volumes)
    spasm = np.array([each.series == "spasm_score" for each in model.seen] + volumes)
    volume = np.arange(len(tone)) >= len(model.seen)
    left = [_rms(points[some]) for some in (tone, spasm, volume)]
    found = Residuals(left[0], left[1], left[2], _rms(standard) or 0.0, _occasion(posterior, targets))
    return found, float(np.concatenate(odd).mean())


def trust(posterior: Posterior, likely: float) -> Trust:
    """Warnings where the answer must not be relied on."""
    said = (
        (
            not posterior.pareto_k <= rule("most_k"),
            f"the draws do not cover the answer (Pareto k {posterior.pareto_k:.2f}); bands may be wrong",
        ),
        (
            not posterior.effective >= rule("fewest_effective"),
            f"the answer rests on {posterior.effective:.0f} effective draws; bands are coarse",
        ),
        (
            likely < rule("strange", "percent") / _PERCENT,
            "no explanation known here fits this record; do not rely on bands or probabilities",
        ),
    )
    return Trust(
        posterior.pareto_k, posterior.effective, likely, tuple(text for holds, text in said if holds)
    )


def ends() -> tuple[float, float, float]:
    """The parts below the low end, the middle and the high end of a band."""
    inside = rule("band", "percent") / _PERCENT
    return (1 - inside) / 2, 0.5, (1 + inside) / 2


def weighted_quantiles(values: Floats, weight: Floats, parts: Sequence[float]) -> list[float]:
    """Quantiles of weighted values."""
    order = np.argsort(values)
    below = np.cumsum(weight[order]) - weight[order] / 2
    found: list[float] = np.interp(parts, below, values[order]).tolist()
    return found


def _estimate(
    posterior: Posterior, targets: Sequence[Target], name: str, unit: str, value: Value
) -> Estimate:
    before = np.random.default_rng(_POPULATION_SEED).standard_normal((_POPULATION, posterior.z.shape[1]))
    population = np.concatenate([value(target, before) for target in targets])
    share = np.repeat([np.exp(target.log_share) / _POPULATION for target in targets], _POPULATION)
    values = np.empty(len(posterior.weight))
    for number, target in enumerate(targets):
        rows = posterior.target == number
        values[rows] = value(target, posterior.z[rows])
    low, median, high = weighted_quantiles(values, posterior.weight, ends())
    usual = weighted_quantiles(population, share, (0.5,))[0]
    spread = _log_variance(population, share)
    left = min(_log_variance(values, posterior.weight) / spread, 1.0) if spread else 1.0
    return Estimate(name, unit, median, low, high, usual, left)


def _log_variance(values: Floats, weight: Floats) -> float:
    logs = np.log(np.maximum(values, 1e-3))  # a score may be 0
    return float(weight @ (logs - weight @ logs) ** 2)


def _parameter(name: str) -> Value:
    return lambda target, z: np.exp(target.model.prior.log_value(name, z))


def _baseline(name: str) -> Value:
    return lambda target, z: target.model.prior.baseline(name, z)


def _half_effect(target: Target, z: Floats) -> Floats:
    """Daily dose at which the legs have half of their relief in somebody not used to the drug, µg."""
    return np.asarray(np.exp(-target.model.pace(z).log_level) * HOURS_PER_DAY)


def _occasion(posterior: Posterior, targets: Sequence[Target]) -> Estimate:
    usual = max((each.sd for each in targets[0].model.seen if each.varies), default=1.0)

    def varies(target: Target, z: Floats) -> Floats:
        own = z[:, target.model.prior.column(OCCASION)]
        return np.asarray(usual * np.exp(rule("occasion_spread") * own))

    return _estimate(posterior, targets, OCCASION, "point", varies)


def _oddness(target: Target, z: Floats, which: Columns) -> Floats:
    """How often each would-be patient gives a record at least as unlikely, by two moments, (rows,)."""
    (levels, volumes), sd = target.observed(z, which), target.model.sd(z)
    told = target.log_parts(z, which).sum(axis=1)
    expected, variance = np.zeros(len(z)), np.zeros(len(z))
    for column, each in enumerate(target.model.seen):
        chance = level_chances(each, levels[:, column], sd[:, column])
        logs = np.log(chance)
        mean = (chance * logs).sum(axis=1)
        expected += mean
        variance += (chance * logs**2).sum(axis=1) - mean**2
    count = volumes.shape[1]
    if count:
        missing = np.array([each.missing_nl for each in target.model.drawn])
        expected += (
            log_volumes(target.model.drawn, np.broadcast_to(missing, volumes.shape)).sum(axis=1) - count / 2
        )
        variance += count / 2  # a normal log density varies by half a square
    return np.asarray(ndtr((told - expected) / np.sqrt(np.maximum(variance, 1e-12))))


def _away(target: Target, z: Floats, which: Columns) -> Floats:
    """What is left over of everything seen, in points or mL and in SDs, (2, rows, n)."""
    (levels, volumes), sd = target.observed(z, which), target.model.sd(z)
    points, standard = list[Floats](), list[Floats]()
    for column, each in enumerate(target.model.seen):
        chance = level_chances(each, levels[:, column], sd[:, column])
        given, middles = each.given, middle_of(each.cuts)
        below = np.cumsum(chance, axis=1)[:, given] - chance[:, given] / 2
        points.append(middles[given] - chance @ middles)
        standard.append(ndtri(below))
    for column, drawn in enumerate(target.model.drawn):
        missing = drawn.missing_nl - volumes[:, column]
        points.append(missing / NL_PER_ML)
        standard.append(missing / reading_sd_nl())
    return np.array([np.array(points).T, np.array(standard).T])


def _rms(values: Floats) -> float | None:
    return float(np.sqrt((values**2).mean())) if len(values) else None
