"""What makes one body different from another: every parameter of the model, its unit in its name.

The numbers, their sources and their spread between people stand in the catalogue (`body.toml`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from math import inf
from typing import Annotated, Literal, get_type_hints

from openitb.catalogue import Entry, Fact, load
from openitb.units import UnitError, quantity

Dispersion = Literal["well_mixed", "poorly_mixed"]


class BodyError(ValueError):
    """Something a body cannot have or be asked; one line that names the field, the value and the unit."""


@dataclass(frozen=True, slots=True)
class Known:
    """How the catalogue and a case file call a parameter, the unit it is held in, its symbol."""

    name: str
    unit: str
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class BodyParameters:
    """One person's body. All values are above zero; fractions are at most 1.

    `cells` is the number of slices of the spinal canal, not a property of the person.
    """

    canal_length_cm: Annotated[float, Known("canal_length", "cm", "L")]
    spinal_csf_ml: Annotated[float, Known("spinal_csf_volume", "mL", "V_sp")]
    canal_area_lumbar: Annotated[float, Known("canal_area_lumbar", "1")]
    canal_area_thoracic: Annotated[float, Known("canal_area_thoracic", "1")]
    canal_area_cervical: Annotated[float, Known("canal_area_cervical", "1")]
    dispersion_cm2_per_h: Annotated[float, Known("dispersion", "cm^2/hour", "D")]
    cisterna_gap_cm: Annotated[float, Known("cisterna_gap", "cm")]
    spinal_loss_per_h: Annotated[float, Known("spinal_loss", "hour^-1", "k_abs")]
    cisterna_ml: Annotated[float, Known("cisterna_volume", "mL", "V_cis")]
    upper_cranial_ml: Annotated[float, Known("upper_cranial_volume", "mL", "V_up")]
    csf_turnover_ml_per_h: Annotated[float, Known("csf_turnover", "mL/hour", "Q_csf")]
    cranial_mixing_ml_per_h: Annotated[float, Known("cranial_mixing", "mL/hour", "q_mix")]
    cord_area_cm2: Annotated[float, Known("cord_area", "cm^2", "a_cord")]
    cord_partition: Annotated[float, Known("cord_partition", "1", "Kp")]
    cord_deep_fraction: Annotated[float, Known("cord_deep_fraction", "1", "f_deep")]
    csf_to_cord_per_h: Annotated[float, Known("csf_to_cord", "hour^-1", "k_s")]
    superficial_to_deep_per_h: Annotated[float, Known("superficial_to_deep", "hour^-1", "k_d")]
    cisterna_to_brainstem_per_h: Annotated[float, Known("cisterna_to_brainstem", "hour^-1", "k_b")]
    tip_plume_ml_per_h: Annotated[float, Known("tip_plume", "mL/hour", "q_near")]
    plasma_clearance_ml_per_h: Annotated[float, Known("plasma_clearance", "mL/hour", "CL_p")]
    plasma_ml: Annotated[float, Known("plasma_volume", "mL", "V_p")]
    oral_absorption_per_h: Annotated[float, Known("oral_absorption", "hour^-1", "ka")]
    oral_availability: Annotated[float, Known("oral_availability", "1", "F")]
    blood_to_csf_ratio: Annotated[float, Known("blood_to_csf_ratio", "1", "Kuu")]
    leg_ec50_ng_per_ml: Annotated[float, Known("leg_ec50", "ng/mL", "EC50_A")]
    arm_ec50_ng_per_ml: Annotated[float, Known("arm_ec50", "ng/mL", "EC50_U")]
    tone_hill: Annotated[float, Known("tone_hill", "1", "g_A")]
    tone_relief: Annotated[float, Known("tone_relief", "1", "Amax")]
    hm_ec50_ng_per_ml: Annotated[float, Known("hm_ec50", "ng/mL", "EC50_H")]
    hm_hill: Annotated[float, Known("hm_hill", "1", "g_H")]
    spasm_ec50_ng_per_ml: Annotated[float, Known("spasm_ec50", "ng/mL", "EC50_S")]
    spasm_hill: Annotated[float, Known("spasm_hill", "1", "g_S")]
    sedation_ec50_ng_per_ml: Annotated[float, Known("sedation_ec50", "ng/mL", "EC50_B")]
    sedation_hill: Annotated[float, Known("sedation_hill", "1")]
    respiratory_ec50_ng_per_ml: Annotated[float, Known("respiratory_ec50", "ng/mL", "EC50_R")]
    respiratory_hill: Annotated[float, Known("respiratory_hill", "1")]
    tolerance_gain: Annotated[float, Known("tolerance_gain", "1", "Tmax")]
    tolerance_time_h: Annotated[float, Known("tolerance_time", "hour", "tau_T")]
    tolerance_recovery_h: Annotated[float, Known("tolerance_recovery_time", "hour", "tau_rec")]
    occupancy_memory_h: Annotated[float, Known("occupancy_memory", "hour")]
    loss_threshold: Annotated[float, Known("loss_threshold", "1")]
    withdrawal_lag_h: Annotated[float, Known("withdrawal_lag", "hour", "tau_W")]
    rebound_tone: Annotated[float, Known("rebound_tone", "point")]
    rebound_spasm: Annotated[float, Known("rebound_spasm", "point")]
    cells: int


_ADULT, _COMPUTATION = "typical-adult", "computation"
_DISPERSIONS = {"well_mixed": "well-mixed", "poorly_mixed": "poorly-mixed"}
_FRACTIONS = {"oral_availability", "tone_relief", "loss_threshold"}
_ROUNDING = 1e-9  # so that a limit may be given as it is printed
_PER_TIME = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*/\s*([A-Za-z]+)\s*")
_PURE_NUMBER = re.compile(r"\s*[+-]?\d+(?:\.\d+)?\s*")


def typical_adult(dispersion: Dispersion = "well_mixed") -> BodyParameters:
    """The typical adult with one of the two dispersion presets; `BodyError` for any other name."""
    if dispersion not in _DISPERSIONS:
        raise BodyError(f"dispersion: got {dispersion!r}, expected one of {', '.join(_DISPERSIONS)}")
    values = {field: float(_fact(known, dispersion).number(known.unit)) for field, known in known_by_field()}
    return BodyParameters(**values, cells=int(constant("computation", "cells")))


def with_overrides(params: BodyParameters, overrides: Mapping[str, object]) -> BodyParameters:
    """`params` with some values replaced, each as text with its unit: `{"dispersion": "100 cm^2/h"}`.

    Names are those of the catalogue or the model's symbols such as `k_abs`; a pure number needs no
    unit. Raises `BodyError` for an unknown name, a wrong or missing unit, a fraction above 1, and a
    value further from the one in `params` than the catalogue's override span.
    """
    changes = dict(_change(params, name, given) for name, given in overrides.items())
    return replace(params, **changes)  # type: ignore[arg-type]  # every field but `cells` is a float


def between_subject_sds() -> dict[str, float]:
    """Log-normal SD between people by field of `BodyParameters`, for the fields that have one."""
    facts = {field: _fact(known, "well_mixed") for field, known in known_by_field()}
    spreads = {field: fact.between_subject_sd for field, fact in facts.items()}
    return {field: float(spread) for field, spread in spreads.items() if spread is not None}


@lru_cache(maxsize=1)
def known_by_field() -> tuple[tuple[str, Known], ...]:
    """Each field of `BodyParameters` that the catalogue holds, with its catalogue name and unit."""
    hints = get_type_hints(BodyParameters, include_extras=True)
    return tuple((field, hint.__metadata__[0]) for field, hint in hints.items() if field != "cells")


@lru_cache(maxsize=256)
def constant(entry_id: str, name: str, unit: str | None = None) -> float:
    """A number of the body catalogue that is no property of a person, in `unit` or its own."""
    return float(body_entry(entry_id).fact(name).number(unit))


def body_entry(entry_id: str) -> Entry:
    """One table of the body catalogue."""
    return load().body[entry_id]


def _fact(known: Known, dispersion: Dispersion) -> Fact:
    entry = _DISPERSIONS[dispersion] if known.name == "dispersion" else _ADULT
    return body_entry(entry).fact(known.name)


def _change(params: BodyParameters, name: str, given: object) -> tuple[str, float]:
    field, known = _named(name)
    value = float(_number(name, given, known.unit))
    now, span = getattr(params, field), constant(_COMPUTATION, "override_span")
    bottom, top = now / span, min(now * span, _top(field))
    if not bottom * (1 - _ROUNDING) <= value <= top * (1 + _ROUNDING):
        raise BodyError(
            f"{name}: got {given}, expected {bottom:g} to {top:g} {known.unit}".removesuffix(" 1")
        )
    return field, value


def _top(field: str) -> float:
    if field.endswith("_hill"):
        return constant(_COMPUTATION, "steepest_hill")
    if field == "cord_deep_fraction":
        return constant(_COMPUTATION, "deepest_cord")
    return 1.0 if field in _FRACTIONS else inf


def _named(name: str) -> tuple[str, Known]:
    for field, known in known_by_field():
        if name in {known.name, known.symbol} - {""}:
            return field, known
    names = ", ".join(known.name for _, known in known_by_field())
    raise BodyError(f"{name}: not a parameter of the body, expected one of {names}")


def _number(name: str, given: object, unit: str) -> Decimal:
    if unit == "1" and not isinstance(given, bool) and _PURE_NUMBER.fullmatch(str(given)):
        return Decimal(str(given).strip())
    per_time = _PER_TIME.fullmatch(given) if isinstance(given, str) else None
    try:
        return quantity(f"{per_time[1]} {per_time[2]}^-1" if per_time else given, unit, name)
    except UnitError as error:
        raise BodyError(str(error)) from None
