"""From concentrations to what is seen: tone, spasm, reflex, alertness, breathing.

Every effect is a Hill fraction of a concentration; tolerance T multiplies the concentration that is
needed. Fractions are not probabilities.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np

from openitb.body.anatomy import Floats
from openitb.body.parameters import BodyError, BodyParameters, constant


@dataclass(frozen=True, slots=True)
class Baseline:
    """A person before treatment: leg and arm Ashworth on the published 1 to 5 form, spasm score, and
    the tolerance factor at the start, 1 for somebody never treated.

    Refuses values off their scale with `BodyError`.
    """

    leg_ashworth: float
    arm_ashworth: float
    spasm_score: float
    tolerance: float = 1.0

    def __post_init__(self) -> None:
        _check("leg_ashworth", self.leg_ashworth, 0.0, _computation("ashworth_top"))
        _check("arm_ashworth", self.arm_ashworth, 0.0, _computation("ashworth_top"))
        _check("spasm_score", self.spasm_score, 0.0, _computation("spasm_top"))
        _check("tolerance", self.tolerance, 1.0, _computation("tolerance_top"))


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """Concentrations in ng/mL that act, with tolerance and withdrawal beside them; each of shape (n,)."""

    leg_ng_per_ml: Floats
    arm_ng_per_ml: Floats
    brainstem_ng_per_ml: Floats
    tolerance: Floats
    withdrawal: Floats


def hill(concentration: Floats, half: Floats | float, steepness: float) -> Floats:
    """c^g / (c^g + e^g); concentrations that rounding left below 0 count as 0."""
    ratio = (np.maximum(concentration, 0.0) / half) ** steepness
    return np.asarray(ratio / (1.0 + ratio), dtype=np.float64)


def effects(params: BodyParameters, baseline: Baseline, exposure: Exposure) -> Mapping[str, Floats]:
    """Every effect series by name, each of shape (n,).

    Breathing is read without tolerance, which is the safe case; alertness both ways.
    """
    tolerance, legs, brain = exposure.tolerance, exposure.leg_ng_per_ml, exposure.brainstem_ng_per_ml
    sedating, slope = params.sedation_ec50_ng_per_ml, params.sedation_hill
    return {
        "leg_ashworth": _tone(params, baseline.leg_ashworth, exposure, legs, params.leg_ec50_ng_per_ml),
        "arm_ashworth": _tone(
            params, baseline.arm_ashworth, exposure, exposure.arm_ng_per_ml, params.arm_ec50_ng_per_ml
        ),
        "spasm_score": _spasm(params, baseline.spasm_score, exposure),
        "hm_ratio": 1.0 - hill(legs, params.hm_ec50_ng_per_ml * tolerance, params.hm_hill),
        "sedation": hill(brain, sedating, slope),
        "sedation_tolerant": hill(brain, sedating * tolerance, slope),
        "respiratory_depression": hill(brain, params.respiratory_ec50_ng_per_ml, params.respiratory_hill),
    }


def _tone(
    params: BodyParameters, untreated: float, exposure: Exposure, ng_per_ml: Floats, ec50: float
) -> Floats:
    excess = max(untreated - _computation("ashworth_normal"), 0.0)
    relief = params.tone_relief * hill(ng_per_ml, ec50 * exposure.tolerance, params.tone_hill)
    rebound = params.rebound_tone * exposure.withdrawal
    return np.minimum(untreated - excess * relief + rebound, _computation("ashworth_top"))


def _spasm(params: BodyParameters, untreated: float, exposure: Exposure) -> Floats:
    relief = hill(exposure.leg_ng_per_ml, params.spasm_ec50_ng_per_ml * exposure.tolerance, params.spasm_hill)
    rebound = params.rebound_spasm * exposure.withdrawal
    return np.minimum(untreated * (1.0 - relief) + rebound, _computation("spasm_top"))


def _computation(name: str) -> float:
    return constant("computation", name)


def _check(field: str, value: float, low: float, high: float) -> None:
    if not (isfinite(value) and low <= value <= high):
        raise BodyError(f"{field}: got {value}, expected {low:g} to {high:g}")
