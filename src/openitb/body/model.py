"""The linear part of the body: amounts of drug in µg that move between compartments, x' = M x + b u.

Spinal CSF in slices with dispersion, loss to blood and exchange with superficial and deep cord;
cisterna and upper cranial CSF with bulk flow; plasma; gut. The brainstem is an effect site of the
cisterna without mass. Three more states count drug cleared from plasma, not absorbed from the gut,
and carried from CSF to blood.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from openitb.body.anatomy import Canal, Floats, Ints, canal, position_cm
from openitb.body.parameters import BodyParameters
from openitb.units import convert

NG_PER_UG = float(convert(1, "ug", "ng"))
LUMBAR_LEVEL = "L3"


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where each compartment stands in the state vector of `size` amounts."""

    csf: Ints
    superficial: Ints
    deep: Ints
    cisterna: int
    upper_cranial: int
    plasma: int
    gut: int
    brainstem: int
    cleared: int
    unabsorbed: int
    to_blood: int
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """M in 1/h of shape (size, size), and the rows that read observations from a state.

    `readouts` maps the name of a series to its row, shape (size,): concentrations in ng/mL, amounts
    in µg.
    """

    params: BodyParameters
    canal: Canal
    layout: Layout
    matrix: Floats
    readouts: Mapping[str, Floats]

    def infusion(self, x_cm: float) -> Floats:
        """What 1 µg/h at a position adds per hour to each state."""
        return self._placed(self.canal.cell_at(x_cm), 1.0)

    def bolus(self, x_cm: float, sd_cm: float) -> Floats:
        """What a bolus of 1 µg about a position adds to each state."""
        return self._placed(self.layout.csf, self.canal.footprint(x_cm, sd_cm))

    def tablet(self) -> Floats:
        """What 1 µg swallowed adds to each state."""
        return self._placed(self.layout.gut, 1.0)

    def csf_at(self, x_cm: float) -> Floats:
        """The row that reads the CSF concentration in ng/mL at a position."""
        cell = self.canal.cell_at(x_cm)
        return self._placed(cell, NG_PER_UG / self.canal.volume_ml[cell])

    def steady_state(self, inflow: Floats) -> Floats:
        """The state that a constant inflow in µg/h leads to, -M⁻¹ b u; the counting states are 0."""
        kept = slice(0, self.layout.cleared)
        state = np.zeros(self.layout.size)
        state[kept] = -np.linalg.solve(self.matrix[kept, kept], inflow[kept])
        return state

    def drug_ug(self, state: Floats) -> float:
        """Drug in a state: every compartment counts once, the effect site and the carried count do not."""
        return float(state.sum() - state[self.layout.brainstem] - state[self.layout.to_blood])

    def _placed(self, where: int | Ints, value: float | Floats) -> Floats:
        vector = np.zeros(self.layout.size)
        vector[where] = value
        return vector


def build(params: BodyParameters) -> Model:
    """Assemble the model of one person; `BodyError` if the grid is too coarse."""
    tube = canal(params)
    layout = _layout(tube)
    matrix = np.zeros((layout.size, layout.size))
    _spinal(matrix, params, tube, layout)
    _cord(matrix, params, tube, layout)
    _cranial(matrix, params, layout)
    _systemic(matrix, params, tube, layout)
    return Model(params, tube, layout, matrix, MappingProxyType(_readouts(params, tube, layout)))


def _layout(tube: Canal) -> Layout:
    cells, cord = len(tube.x_cm), len(tube.cord)
    first = cells + 2 * cord
    cord_at = cells + np.arange(cord)
    cisterna, upper_cranial, plasma, gut, brainstem, cleared, unabsorbed, to_blood, size = range(
        first, first + 9
    )
    return Layout(
        csf=np.arange(cells),
        superficial=cord_at,
        deep=cord_at + cord,
        cisterna=cisterna,
        upper_cranial=upper_cranial,
        plasma=plasma,
        gut=gut,
        brainstem=brainstem,
        cleared=cleared,
        unabsorbed=unabsorbed,
        to_blood=to_blood,
        size=size,
    )


def _move(matrix: Floats, source: int | Ints, target: int | Ints, rate_per_h: float | Floats) -> None:
    """First-order transfer of amount, element by element; many may share one source or target."""
    sources, targets = np.broadcast_arrays(source, target)
    np.add.at(matrix, (sources, sources), -np.asarray(rate_per_h))
    np.add.at(matrix, (targets, sources), rate_per_h)


def _spinal(matrix: Floats, params: BodyParameters, tube: Canal, layout: Layout) -> None:
    area, volume, csf = tube.area_cm2, tube.volume_ml, layout.csf
    face = 2 * area[:-1] * area[1:] / (area[:-1] + area[1:])
    between = params.dispersion_cm2_per_h * face / tube.cell_cm
    _move(matrix, csf[:-1], csf[1:], between / volume[:-1])
    _move(matrix, csf[1:], csf[:-1], between / volume[1:])
    to_top = params.dispersion_cm2_per_h * area[-1] / (tube.cell_cm / 2 + params.cisterna_gap_cm)
    _move(matrix, int(csf[-1]), layout.cisterna, to_top / volume[-1])
    _move(matrix, layout.cisterna, int(csf[-1]), to_top / params.cisterna_ml)


def _cord(matrix: Floats, params: BodyParameters, tube: Canal, layout: Layout) -> None:
    beside, superficial_ml, deep_ml = tube.cord, *_cord_ml(params, tube)
    to_superficial = params.csf_to_cord_per_h * superficial_ml
    to_deep = params.superficial_to_deep_per_h * deep_ml
    _move(matrix, beside, layout.superficial, to_superficial / tube.volume_ml[beside])
    _move(matrix, layout.superficial, beside, params.csf_to_cord_per_h)
    _move(matrix, layout.superficial, layout.deep, to_deep / superficial_ml)
    _move(matrix, layout.deep, layout.superficial, params.superficial_to_deep_per_h)


def _cord_ml(params: BodyParameters, tube: Canal) -> tuple[float, float]:
    """Apparent volume of superficial and deep cord in one slice, partition included."""
    whole = params.cord_area_cm2 * tube.cell_cm * params.cord_partition
    return whole * (1 - params.cord_deep_fraction), whole * params.cord_deep_fraction


def _cranial(matrix: Floats, params: BodyParameters, layout: Layout) -> None:
    up, down = params.csf_turnover_ml_per_h + params.cranial_mixing_ml_per_h, params.cranial_mixing_ml_per_h
    _move(matrix, layout.cisterna, layout.upper_cranial, up / params.cisterna_ml)
    _move(matrix, layout.upper_cranial, layout.cisterna, down / params.upper_cranial_ml)
    matrix[layout.brainstem, layout.cisterna] += params.cisterna_to_brainstem_per_h / params.cisterna_ml
    matrix[layout.brainstem, layout.brainstem] -= params.cisterna_to_brainstem_per_h


def _systemic(matrix: Floats, params: BodyParameters, tube: Canal, layout: Layout) -> None:
    bulk = params.csf_turnover_ml_per_h / params.upper_cranial_ml
    _move(matrix, layout.csf, layout.plasma, params.spinal_loss_per_h)
    _move(matrix, layout.upper_cranial, layout.plasma, bulk)
    matrix[layout.to_blood, layout.csf] = params.spinal_loss_per_h
    matrix[layout.to_blood, layout.upper_cranial] = bulk
    leak = params.blood_to_csf_ratio * params.spinal_loss_per_h * tube.volume_ml
    _move(matrix, layout.plasma, layout.csf, leak / params.plasma_ml)
    _move(matrix, layout.plasma, layout.cleared, params.plasma_clearance_ml_per_h / params.plasma_ml)
    absorbed = params.oral_absorption_per_h * params.oral_availability
    _move(matrix, layout.gut, layout.plasma, absorbed)
    _move(matrix, layout.gut, layout.unabsorbed, params.oral_absorption_per_h - absorbed)


def _readouts(params: BodyParameters, tube: Canal, layout: Layout) -> dict[str, Floats]:
    lumbar = tube.cell_at(position_cm(params, LUMBAR_LEVEL))
    _, deep_ml = _cord_ml(params, tube)
    sites = {name: layout.deep[np.searchsorted(tube.cord, cells)] for name, cells in _sites(tube).items()}
    rows: dict[str, tuple[int | Ints, float]] = {
        "lumbar_csf_ng_per_ml": (lumbar, NG_PER_UG / tube.volume_ml[lumbar]),
        "cisternal_csf_ng_per_ml": (layout.cisterna, NG_PER_UG / params.cisterna_ml),
        "plasma_ng_per_ml": (layout.plasma, NG_PER_UG / params.plasma_ml),
        **{
            f"{name}_effect_site_ng_per_ml": (at, NG_PER_UG / deep_ml / len(at)) for name, at in sites.items()
        },
        "brainstem_ng_per_ml": (layout.brainstem, NG_PER_UG),
        "in_spinal_csf_ug": (layout.csf, 1.0),
        "in_cord_ug": (np.concatenate([layout.superficial, layout.deep]), 1.0),
        "in_cranial_csf_ug": (np.array([layout.cisterna, layout.upper_cranial]), 1.0),
        "in_plasma_ug": (layout.plasma, 1.0),
        "in_gut_ug": (layout.gut, 1.0),
        "cleared_ug": (layout.cleared, 1.0),
        "unabsorbed_ug": (layout.unabsorbed, 1.0),
        "to_blood_ug": (layout.to_blood, 1.0),
    }
    return {name: _row(layout.size, at, value) for name, (at, value) in rows.items()}


def _sites(tube: Canal) -> dict[str, Ints]:
    return {"leg": tube.leg, "arm": tube.arm}


def _row(size: int, at: int | Ints, value: float) -> Floats:
    row = np.zeros(size)
    row[at] = value
    return row
