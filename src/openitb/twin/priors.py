"""What is believed of a patient before the record: the population of the cause, as independent normals.

Every unknown is a standard normal number; this file turns it into the body's, the rater's or the pump's own.
The sources of all spreads are the population's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from openitb import catalogue
from openitb.body import Dispersion, between_subject_sds, typical_adult
from openitb.body.anatomy import Floats
from openitb.cohort.people.arrays import CAUSES, PARAMETERS, People, same
from openitb.cohort.people.causes import CHILD, TONE_EC50, cause_number, cut_normal, score_range
from openitb.cohort.people.size import child_medians, child_sds, weight_kg
from openitb.twin.record import Whom

KINETIC = (
    "canal_length_cm",
    "spinal_csf_ml",
    "dispersion_cm2_per_h",
    "spinal_loss_per_h",
    "cisterna_ml",
    "upper_cranial_ml",
    "csf_turnover_ml_per_h",
    "superficial_to_deep_per_h",
    "cisterna_to_brainstem_per_h",
)
SENSITIVITY = (
    "leg_ec50_ng_per_ml",
    "arm_ec50_ng_per_ml",
    "spasm_ec50_ng_per_ml",
    "sedation_ec50_ng_per_ml",
    "tolerance_gain",
)
BASELINE = ("leg_ashworth", "arm_ashworth", "spasm_score")
OCCASION, PUMP_GAIN, SEVERITY, RATER = "occasion", "pump_gain", "severity", "rater "


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """A patient before the record: medians and log-normal SDs of the body by field name, for one preset.

    `names` are the unknowns in their order; the last is the severity of a fault.
    """

    whom: Whom
    dispersion: Dispersion
    medians: Mapping[str, float]
    sds: Mapping[str, float]
    names: tuple[str, ...]

    @classmethod
    def of(cls, whom: Whom, dispersion: Dispersion, raters: tuple[str, ...]) -> "Prior":
        """The prior of somebody seen by these raters."""
        own = (*KINETIC, *SENSITIVITY, *BASELINE, OCCASION, PUMP_GAIN)
        names = (*own, *(RATER + name for name in raters), SEVERITY)
        return cls(whom, dispersion, _medians(whom, dispersion), _sds(whom), names)

    def column(self, name: str) -> int:
        """Where an unknown stands."""
        return self.names.index(name)

    def kinetic(self, z: Floats) -> Floats:
        """The unknowns that decide where drug is, (rows, 9)."""
        return z[:, : len(KINETIC)]

    def log_value(self, name: str, z: Floats) -> Floats:
        """Logarithm of a body parameter, (rows,)."""
        return np.asarray(np.log(self.medians[name]) + self.sds[name] * z[:, self.column(name)])

    def baseline(self, name: str, z: Floats) -> Floats:
        """A score before treatment, (rows,), by its cut normal distribution."""
        low, high = score_range(self.whom.cause, name)
        mean, sd = (cause_number(self.whom.cause, fact) for fact in (name, f"{name}_sd"))
        centre, width = cut_normal(mean, sd, low, high)
        below, above = ndtr((low - centre) / width), ndtr((high - centre) / width)
        chance = below + ndtr(z[:, self.column(name)]) * (above - below)
        return np.asarray(np.clip(centre + width * ndtri(chance), low, high))

    def people(self, z: Floats, seed: int | None) -> People:
        """Whole bodies; what a record cannot inform is drawn from the population, or at its median if
        there is no seed.
        """
        chance, count = np.random.default_rng(seed), len(z)
        columns: dict[str, Floats] = {}
        for name in PARAMETERS:
            if name in self.names:
                columns[name] = np.exp(self.log_value(name, z))
            elif seed is None or name not in self.sds:
                columns[name] = same(self.medians[name], count)
            else:
                columns[name] = self.medians[name] * np.exp(self.sds[name] * chance.standard_normal(count))
        return People(
            ids=np.arange(count),
            parameters=columns,
            cells=typical_adult(self.dispersion).cells,
            **{name: self.baseline(name, z) for name in BASELINE},
            tolerance=np.ones(count),
            cause=np.full(count, CAUSES.index(self.whom.cause), np.int8),
            age_years=np.full(count, np.nan if self.whom.age_years is None else self.whom.age_years),
            weight_kg=np.full(count, np.nan if self.whom.weight_kg is None else self.whom.weight_kg),
        )


@lru_cache
def rule(name: str, unit: str = "1") -> float:
    """A number of the catalogue's entry about the twin."""
    return float(catalogue.load().practice["twin"].fact(name).number(unit))


def _medians(whom: Whom, dispersion: Dispersion) -> dict[str, float]:
    adult = typical_adult(dispersion)
    medians: dict[str, float] = {name: getattr(adult, name) for name in PARAMETERS}
    need = cause_number(whom.cause, "ec50_factor")
    medians |= {name: medians[name] * need for name in TONE_EC50}
    if whom.cause == CHILD:
        age = np.array([whom.age_years])
        weight = np.array([whom.weight_kg]) if whom.weight_kg else weight_kg(age, np.zeros(1))
        grown = child_medians(adult, np.array([True]), age, weight)
        medians |= {name: float(values[0]) for name, values in grown.items()}
    return medians


def _sds(whom: Whom) -> dict[str, float]:
    own = child_sds(np.array([True])) if whom.cause == CHILD else {}
    return {**between_subject_sds(), **{name: float(values[0]) for name, values in own.items()}}
