"""The twin: this patient's body and this system's state, as far as the clinic's record tells.

`fit` reads a record up to now, `updates` visit by visit. Everything is a probability or a band; what the
record says nothing about stays as in the population.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np

from openitb.body import Dispersion
from openitb.twin.errors import TwinError
from openitb.twin.faults import LABELS, explanations
from openitb.twin.likelihood import drawn, raters, seen
from openitb.twin.model import Model
from openitb.twin.posterior import Posterior, sampled
from openitb.twin.priors import Prior, rule
from openitb.twin.record import ClinicRecord
from openitb.twin.search import modes
from openitb.twin.summary import Estimate, Residuals, Trust, compared, estimates, trust
from openitb.twin.target import Target
from openitb.units import MS_PER_H

PRESETS: tuple[Dispersion, ...] = get_args(Dispersion)
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Assumed:
    """How likely each dispersion is thought beforehand (weights; one left out is ruled out), and the seed
    of the draws. Refuses with `TwinError` an unknown dispersion, weights that are not above 0 and a seed
    below 0.
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
        if self.seed < 0:
            raise TwinError(f"seed: got {self.seed}, expected a whole number of at least 0")


def assuming(dispersion: Dispersion, seed: int = 1) -> Assumed:
    """One dispersion, but not beyond doubt: measurements disagree, so the others keep a part of belief."""
    doubt = rule("doubt", "percent") / _PERCENT
    others = {name: doubt / (len(PRESETS) - 1) for name in PRESETS}
    return Assumed({**others, dispersion: 1.0 - doubt}, seed)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What a record says at its end, `at_ms`. `probabilities`, by `faults.LABELS`, sum to 1, and so do those
    of the dispersions; `since_ms` is when a change that is believed to have come most likely began.

    `posterior` and `targets`, the draws and what they are draws of, are there to predict from.
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
    targets = _targets(record, by)
    found = [modes(target) for target in targets]
    posterior = sampled(targets, found, np.random.default_rng(by.seed))
    residuals, likely = compared(posterior, targets)
    return Fit(
        record,
        record.end_ms,
        _labelled(posterior, targets[0]),
        _by_dispersion(posterior, targets),
        _since_ms(record, posterior, targets[0]),
        tuple(estimates(posterior, targets)),
        residuals,
        trust(posterior, likely),
        posterior,
        targets,
    )


def updates(record: ClinicRecord, assumed: Assumed | None = None) -> Iterator[Update]:
    """What was believed after each visit on the pump, in order; each from what was known by then."""
    for at_ms in record.visits_ms:
        known = fit(record.until(at_ms), assumed)
        yield Update(at_ms, known.probabilities, not known.trust.warnings)


def _targets(record: ClinicRecord, by: Assumed) -> tuple[Target, ...]:
    found = seen(record), drawn(record)
    if not any(found):
        raise TwinError("record: got no score, answer or volume, expected at least one")
    explained, names, whole = explanations(record), raters(record), sum(by.dispersions.values())
    return tuple(
        Target(
            Model(record, Prior.of(record.whom, preset, names), found), explained, float(np.log(part / whole))
        )
        for preset, part in by.dispersions.items()
    )


def _labelled(posterior: Posterior, target: Target) -> dict[str, float]:
    shares = target.explained.shares()[posterior.which]
    return dict(zip(LABELS, (posterior.weight @ shares).tolist(), strict=True))


def _by_dispersion(posterior: Posterior, targets: Sequence[Target]) -> dict[Dispersion, float]:
    belief = np.bincount(posterior.target, posterior.weight, len(targets))
    return {target.model.dispersion: float(part) for target, part in zip(targets, belief, strict=True)}


def _since_ms(record: ClinicRecord, posterior: Posterior, target: Target) -> int | None:
    """The middle of the stretch in which a change most likely began; None if none is believed."""
    explained = target.explained
    belief = np.bincount(posterior.which, posterior.weight, len(explained))
    if belief[explained.kind < 0].sum() > 1 / 2:
        return None
    begun, where = np.unique(explained.from_h, return_inverse=True)
    by_time = np.bincount(where, np.where(explained.kind < 0, 0.0, belief))
    return record.start_ms + round(float(begun[by_time.argmax()]) * MS_PER_H)
