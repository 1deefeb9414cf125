"""The twin: this patient's body and this system's state, as far as the clinic's record tells.

`fit` reads a record up to now, `updates` visit by visit. Everything is a probability or a band; what the
record says nothing about stays as in the population.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr, ndtri

from openitb.body import Dispersion
from openitb.body.anatomy import Floats
from openitb.body.parameters import known_by_field
from openitb.twin.errors import TwinError
from openitb.twin.faults import HOURS_PER_YEAR, LABELS, NONE, explanations
from openitb.twin.likelihood import drawn, level_chances, log_volumes, raters, reading_sd_nl, seen
from openitb.twin.model import Model
from openitb.twin.posterior import Posterior, sampled
from openitb.twin.priors import BASELINE, KINETIC, OCCASION, PUMP_GAIN, SENSITIVITY, Prior, rule
from openitb.twin.record import ClinicRecord, Ordered
from openitb.twin.search import Target, modes
from openitb.units import HOURS_PER_DAY, MS_PER_H

PRESETS: tuple[Dispersion, ...] = ("well_mixed", "poorly_mixed")
HALF_EFFECT = "half_effect_dose"
_CHECKED = 200  # draws that a record is compared with what they would have shown
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Assumed:
    """How likely each dispersion is thought beforehand (weights; one left out is ruled out), and the seed
    of the draws. Refuses with `TwinError` an unknown dispersion and weights that are not above 0.
    """

    dispersions: Mapping[Dispersion, float] = field(default_factory=lambda: dict.fromkeys(PRESETS, 1.0))
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.dispersions or set(self.dispersions) - set(PRESETS):
            given = ", ".join(self.dispersions) or "none"
            raise TwinError(f"dispersion: got {given}, expected some of {', '.join(PRESETS)}")
        for name, weight in self.dispersions.items():
            if not 0 < weight < np.inf:
                raise TwinError(f"dispersion.{name}: got {weight}, expected a weight above 0")


def assuming(dispersion: Dispersion, seed: int = 1) -> Assumed:
    """One dispersion, but not beyond doubt: measurements disagree, so the others keep a part of belief."""
    doubt = rule("doubt", "percent") / _PERCENT
    weights = {name: doubt / (len(PRESETS) - 1) for name in PRESETS}
    return Assumed({**weights, dispersion: 1.0 - doubt}, seed)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number of this patient: median and the ends of the band, in `unit`, beside the population's
    median. `shrinkage` is the part of the population's variance that is left: 1 says that the record told
    nothing, near 0 that it decides.
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
    prediction, `volume_ml` of volumes; None where nothing was seen. `standardised` is the SD of all in SDs
    of what is expected, near 1 for a record that fits. `occasion` is how much this patient's tone varies
    from one occasion to another, in points.
    """

    tone_points: float | None
    spasm_points: float | None
    volume_ml: float | None
    standardised: float
    occasion: Estimate


@dataclass(frozen=True, slots=True)
class Trust:
    """Can the answer be believed? `pareto_k` and `effective` judge the computation, `likely` how often
    patients like the fitted one would give a record at least as odd. `warnings` is empty if all is well.
    """

    pareto_k: float
    effective: float
    likely: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What a record says at `at_ms`. `probabilities` of `faults.LABELS` sum to 1, so do those of the
    dispersions; `since_ms` is when a change that is believed most likely began.

    `posterior`, `targets` and the draws behind them are there for further predictions.
    """

    record: ClinicRecord
    at_ms: int
    probabilities: Mapping[str, float]
    dispersions: Mapping[Dispersion, float]
    since_ms: int | None
    estimates: tuple[Estimate, ...]
    residuals: Residuals
    trust: Trust
    posterior: Posterior
    targets: tuple[Target, ...]

    def estimate(self, name: str) -> Estimate:
        """One estimate by name."""
        return next(each for each in self.estimates if each.name == name)


@dataclass(frozen=True, slots=True)
class Update:
    """What was believed after one visit."""

    at_ms: int
    probabilities: Mapping[str, float]
    trusted: bool


def fit(record: ClinicRecord, assumed: Assumed | None = None) -> Fit:
    """What the record says about patient and system.

    Refuses with `TwinError` a record in which nothing was seen.
    """
    by = assumed or Assumed()
    found = seen(record), drawn(record)
    if not any(found):
        raise TwinError("record: got no score, answer or volume, expected at least one")
    explained, names = explanations(record), raters(record)
    whole = sum(by.dispersions.values())
    targets = tuple(
        Target(Model(record, Prior.of(record.whom, preset, names), found), explained, float(np.log(weight / whole)))
        for preset, weight in by.dispersions.items()
    )
    posterior = sampled(targets, [modes(target) for target in targets], np.random.default_rng(by.seed))
    residuals, likely = _compared(posterior, targets)
    return Fit(
        record,
        record.end_ms,
        _labelled(posterior, targets),
        {t.model.dispersion: float(posterior.weight[posterior.target == k].sum()) for k, t in enumerate(targets)},
        _since(record, posterior, targets),
        tuple(_estimates(posterior, targets)),
        residuals,
        _trust(posterior, likely),
        posterior,
        targets,
    )


def updates(record: ClinicRecord, assumed: Assumed | None = None) -> Iterator[Update]:
    """What was believed after each visit on the pump, in order; each from what was known by then."""
    for at_ms in record.visits_ms:
        known = fit(record.until(at_ms), assumed)
        yield Update(at_ms, known.probabilities, not known.trust.warnings)


def _labelled(posterior: Posterior, targets: tuple[Target, ...]) -> dict[str, float]:
    shares = targets[0].explained.shares()
    return dict(zip(LABELS, (posterior.weight @ shares[posterior.which]).tolist(), strict=True))


def _since(record: ClinicRecord, posterior: Posterior, targets: tuple[Target, ...]) -> int | None:
    """The middle of the stretch in which a change most likely began; None where none is believed."""
    explained = targets[0].explained
    belief = np.bincount(posterior.which, posterior.weight, len(explained))
    if belief[explained.kind < 0].sum() > 1 / 2:
        return None
    begun, where = np.unique(explained.from_h, return_inverse=True)
    by_time = np.bincount(where, np.where(explained.kind < 0, 0.0, belief))
    return record.start_ms + round(float(begun[by_time.argmax()]) * MS_PER_H)


# -- estimates


def _estimates(posterior: Posterior, targets: tuple[Target, ...]) -> Iterator[Estimate]:
    units = {name: known.unit for name, known in known_by_field()}
    for name in (*SENSITIVITY, *KINETIC):
        yield _estimate(name, units[name], posterior, targets, lambda t, z, n=name: np.exp(t.model.prior.log_value(n, z)))
    for name in BASELINE:
        yield _estimate(name, "point", posterior, targets, lambda t, z, n=name: t.model.prior.baseline(n, z))
    yield _estimate(PUMP_GAIN, "1", posterior, targets, lambda t, z: t.model.gain(z))
    yield _estimate(HALF_EFFECT, "ug/day", posterior, targets, _half_effect)


def _half_effect(target: Target, z: Floats) -> Floats:
    """Daily dose at which the legs have half of their relief in somebody not used to the drug, µg."""
    return np.asarray(np.exp(-target.model.pace(z).log_level) * HOURS_PER_DAY)


def _estimate(name, unit, posterior, targets, value) -> Estimate:  # type: ignore[no-untyped-def]
    values, before = np.empty(len(posterior.weight)), []
    chance = np.random.default_rng(0).standard_normal((_CHECKED * 5, posterior.z.shape[1]))
    for number, target in enumerate(targets):
        rows = posterior.target == number
        values[rows] = value(target, posterior.z[rows])
        before.append(value(target, chance))
    low, median, high = weighted_quantiles(values, posterior.weight, ends())
    spread = np.concatenate(before)
    logs = np.log(values), np.log(spread)
    mean = posterior.weight @ logs[0]
    left = float(posterior.weight @ (logs[0] - mean) ** 2 / logs[1].var())
    return Estimate(name, unit, median, low, high, float(np.median(spread)), min(left, 1.0))


def ends() -> tuple[float, float, float]:
    """The parts below the ends and the middle of a band."""
    inside = rule("band", "percent") / _PERCENT
    return (1 - inside) / 2, 0.5, (1 + inside) / 2


def weighted_quantiles(values: Floats, weight: Floats, parts: tuple[float, ...]) -> tuple[float, ...]:
    """Quantiles of weighted values."""
    order = np.argsort(values)
    below = np.cumsum(weight[order]) - weight[order] / 2
    return tuple(np.interp(parts, below, values[order]).tolist())


# -- does it fit?


def _compared(posterior: Posterior, targets: tuple[Target, ...]) -> tuple[Residuals, float]:
    """What is left over, and how likely something at least as odd is."""
    rows = posterior.resampled(_CHECKED, np.random.default_rng(2))
    parts = [_against(target, posterior.z[own], posterior.which[own]) for target, own in _by_target(posterior, rows, targets)]
    odd = np.concatenate([part[0] for part in parts])
    standard = np.concatenate([part[1] for part in parts]).mean(axis=0)
    away = np.concatenate([part[2] for part in parts]).mean(axis=0)
    model = targets[0].model
    tone = np.array([each.varies for each in model.seen] + [False] * len(model.drawn))
    spasm = np.array([each.series == "spasm_score" for each in model.seen] + [False] * len(model.drawn))
    volume = np.arange(len(tone)) >= len(model.seen)
    usual = max((each.sd for each in model.seen if each.varies), default=0.0)
    occasion = _estimate(
        OCCASION,
        "point",
        posterior,
        targets,
        lambda t, z: usual * np.exp(rule("occasion_spread") * z[:, t.model.prior.column(OCCASION)]) if usual else np.ones(len(z)),
    )
    points = [_rms(away[some]) for some in (tone, spasm, volume)]
    return Residuals(points[0], points[1], points[2], float(np.sqrt((standard**2).mean())), occasion), float(odd.mean())


def _by_target(posterior: Posterior, rows: np.ndarray, targets: tuple[Target, ...]):  # type: ignore[no-untyped-def,type-arg]
    for number, target in enumerate(targets):
        own = rows[posterior.target[rows] == number]
        if len(own):
            yield target, own


def _against(target: Target, z: Floats, which: np.ndarray) -> tuple[Floats, Floats, Floats]:  # type: ignore[type-arg]
    """Of each draw: how often it would give a record at least as odd, what is left over in SDs and in points."""
    levels, volumes = target.observed(z, which)
    sd, model = target.model.sd(z), target.model
    told = target.log_parts(z, which).sum(axis=1)
    expected, variance = np.zeros(len(z)), np.zeros(len(z))
    standard, away = [], []
    for column, each in enumerate(model.seen):
        chance = level_chances(each, levels[:, column], sd[:, column])
        logs = np.log(chance)
        mean = (chance * logs).sum(axis=1)
        expected += mean
        variance += (chance * logs**2).sum(axis=1) - mean**2
        given = int(np.searchsorted(each.cuts, each.low, side="right"))
        below = np.cumsum(chance, axis=1)[:, given] - chance[:, given] / 2
        standard.append(ndtri(below))
        middle = _middles(each.cuts)
        away.append(middle[given] - chance @ middle)
    missing = np.array([each.missing_nl for each in model.drawn])
    for column in range(len(model.drawn)):
        standard.append((missing[column] - volumes[:, column]) / reading_sd_nl())
        away.append((missing[column] - volumes[:, column]) / 1e6)
    if len(model.drawn):
        top = log_volumes(model.drawn, np.broadcast_to(missing, volumes.shape))
        expected += (top - 0.5).sum(axis=1)
        variance += 0.5 * len(model.drawn)
    odd = ndtr((told - expected) / np.sqrt(np.maximum(variance, 1e-12)))
    return odd, np.array(standard).T, np.array(away).T


def _middles(cuts: tuple[float, ...]) -> Floats:
    """What each level of a scale stands for on the model's own."""
    inner = [(one + other) / 2 for one, other in zip(cuts, cuts[1:], strict=False)]
    step = cuts[1] - cuts[0] if len(cuts) > 1 else 1.0
    return np.array([cuts[0] - step / 2, *inner, cuts[-1] + step / 2])


def _rms(values: Floats) -> float | None:
    return float(np.sqrt((values**2).mean())) if len(values) else None


def _trust(posterior: Posterior, likely: float) -> Trust:
    warnings = []
    if not posterior.pareto_k <= rule("most_k"):
        warnings.append(f"the draws do not cover the answer (Pareto k {posterior.pareto_k:.2f}); bands may be wrong")
    if not posterior.effective >= rule("fewest_effective"):
        warnings.append(f"the answer rests on {posterior.effective:.0f} effective draws; bands are coarse")
    if likely < rule("strange", "percent") / _PERCENT:
        warnings.append("no explanation known here fits this record; do not rely on bands or probabilities")
    return Trust(posterior.pareto_k, posterior.effective, likely, tuple(warnings))
