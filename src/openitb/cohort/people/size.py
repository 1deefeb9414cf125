"""Size: how tall and heavy a child is at an age, and what that makes of its body.

Adults do not scale with size; their spread is that of adults. A child keeps its place among others of
its age (`chance`, a standard normal number) as it grows.
"""

import numpy as np
from numpy.typing import NDArray

from openitb import catalogue
from openitb.body import BodyParameters, between_subject_sds
from openitb.body.anatomy import Floats
from openitb.catalogue import Fact

Rows = NDArray[np.bool_]

_BY_WEIGHT = {
    "plasma_clearance_ml_per_h": ("plasma_clearance_per_weight", "mL/hour/kg"),
    "plasma_ml": ("plasma_volume_per_weight", "mL/kg"),
}


def height_cm(age_years: Floats) -> Floats:
    """Median height of children with cerebral palsy; grown up from the last age of the table on."""
    return _at_age("height", age_years) * _number("growth", "cerebral_palsy_height")


def weight_kg(age_years: Floats, chance: Floats) -> Floats:
    """Weight of a child with cerebral palsy at its place among its age."""
    median = _at_age("weight", age_years) * _number("growth", "cerebral_palsy_weight")
    return np.asarray(median * np.exp(_number("growth", "weight_sd") * chance), dtype=np.float64)


def child_medians(adult: BodyParameters, child: Rows, age_years: Floats, weight: Floats) -> dict[str, Floats]:
    """The parameters that follow size, for people of whom some (`child`) are children: shape (n,)."""
    relative = np.where(child, height_cm(age_years) / _number("size", "adult_height"), 1.0)
    medians = {
        "canal_length_cm": adult.canal_length_cm * relative,
        "spinal_csf_ml": adult.spinal_csf_ml * relative ** _number("size", "spinal_csf_exponent"),
        "cord_area_cm2": adult.cord_area_cm2 * relative ** _number("size", "cord_area_exponent"),
    }
    for name, (fact, unit) in _BY_WEIGHT.items():
        grown: float = getattr(adult, name)
        by_weight = np.minimum(float(_fact("size", fact).number(unit)) * weight, grown)
        medians[name] = np.where(child, by_weight, grown)
    return medians


def child_sds(child: Rows) -> dict[str, Floats]:
    """The log-normal SDs that are children's own, shape (n,)."""
    adults = between_subject_sds()
    own = {name: _fact("size", fact).between_subject_sd for name, (fact, _) in _BY_WEIGHT.items()}
    return {name: np.where(child, float(sd or adults[name]), adults[name]) for name, sd in own.items()}


def _at_age(what: str, age_years: Floats) -> Floats:
    facts = catalogue.load().practice["growth"].facts
    known = {
        float(name.removeprefix(f"{what}_at_")): float(fact.number())
        for name, fact in facts.items()
        if name.startswith(f"{what}_at_")
    }
    return np.interp(age_years, list(known), list(known.values()))


def _number(entry: str, name: str) -> float:
    return float(_fact(entry, name).number())


def _fact(entry: str, name: str) -> Fact:
    return catalogue.load().practice[entry].fact(name)
