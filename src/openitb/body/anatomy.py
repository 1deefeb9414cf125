"""The spinal canal in slices, from S2 (0 cm) to the foramen magnum, and where the vertebrae lie in it."""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from openitb.body.parameters import BodyError, BodyParameters, body_entry, constant

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_ATLAS = "atlas"
_VERTEBRAE = (("L", 5), ("T", 12), ("C", 7))  # counted upwards from the sacrum
_ROUNDING = 1e-9  # keeps a position on a border in the upper slice whatever the canal's length
_LEVEL = re.compile(r"([LTC])(\d{1,2})")


@dataclass(frozen=True, slots=True, eq=False)
class Canal:
    """Slices of equal length: centres `x_cm`, cross-sections `area_cm2`, both of shape (cells,).

    `region` (cells,) is 0 in lumbar, 1 in thoracic and 2 in cervical slices. `cord`, `leg` and `arm` are
    indices of slices: where there is cord tissue, and where the effect on legs and arms is read.
    """

    length_cm: float
    cell_cm: float
    x_cm: Floats
    area_cm2: Floats
    region: Ints
    cord: Ints
    leg: Ints
    arm: Ints

    @property
    def volume_ml(self) -> Floats:
        """CSF in each slice, shape (cells,)."""
        return self.area_cm2 * self.cell_cm

    def cell_at(self, x_cm: float) -> int:
        """The slice that holds the position; the upper one on a border."""
        return min(int(x_cm / self.cell_cm + _ROUNDING), len(self.x_cm) - 1)

    def footprint(self, x_cm: float, sd_cm: float) -> Floats:
        """How a bolus at `x_cm` spreads over the slices: a Gaussian weighted by area, sum 1."""
        edges = np.linspace(0.0, self.length_cm, len(self.x_cm) + 1)
        weight = np.diff(ndtr((edges - x_cm) / sd_cm)) * self.area_cm2
        return np.asarray(weight / weight.sum(), dtype=np.float64)


def canal(params: BodyParameters) -> Canal:
    """The canal of this person; refuses a grid too coarse to hold the places that are read."""
    cell = params.canal_length_cm / params.cells
    x: Floats = (np.arange(params.cells, dtype=np.float64) + 0.5) * cell
    atlas_x: Floats = x * constant(_ATLAS, "canal_length") / params.canal_length_cm
    cord = _between(atlas_x, "conus", "canal_length")
    leg, arm = _between(atlas_x, "leg_from", "leg_to"), _between(atlas_x, "arm_from", "arm_to")
    if not (len(leg) and len(arm)):
        raise BodyError(f"cells: got {params.cells}, expected enough slices to tell legs from arms")
    tops = [constant(_ATLAS, f"{name}_area_top") for name in ("lumbar", "thoracic")]
    region = np.searchsorted(tops, atlas_x, side="right")
    return Canal(params.canal_length_cm, cell, x, _areas(params, region), region, cord, leg, arm)


def position_cm(params: BodyParameters, place: str | float, field: str = "level") -> float:
    """Distance from S2 in this person's canal of a level (`T12`, `conus`) or of a length in cm.

    Levels between those of the atlas are interpolated by counting vertebrae. Raises `BodyError` for
    an unknown level and a length outside the canal.
    """
    if isinstance(place, str):
        return _atlas_cm(place, field) * params.canal_length_cm / constant(_ATLAS, "canal_length")
    if not 0 <= place <= params.canal_length_cm:
        raise BodyError(f"{field}: got {place} cm, expected 0 to {params.canal_length_cm:g} cm")
    return float(place)


def level_moved(level: str, up: int) -> str:
    """The level so many vertebrae towards the head of another, below zero towards the feet.

    Raises `BodyError` for what is no vertebra, and beyond L5 and C1.
    """
    names = [f"{region}{number}" for region, size in _VERTEBRAE for number in range(size, 0, -1)]
    if level not in names:
        raise BodyError(f"level: got {level!r}, expected L5 to C1 to count from")
    at = names.index(level) + up
    if not 0 <= at < len(names):
        raise BodyError(f"level: got {up:+d} vertebrae from {level}, expected a place between L5 and C1")
    return names[at]


def _between(x: Floats, low: str, high: str) -> Ints:
    return np.flatnonzero((x >= constant(_ATLAS, low)) & (x <= constant(_ATLAS, high)))


def _areas(params: BodyParameters, region: Ints) -> Floats:
    shapes = (params.canal_area_lumbar, params.canal_area_thoracic, params.canal_area_cervical)
    relative = np.array(shapes, dtype=np.float64)[region]
    cell = params.canal_length_cm / params.cells
    return np.asarray(relative * params.spinal_csf_ml / (relative.sum() * cell), dtype=np.float64)


def _atlas_cm(level: str, field: str) -> float:
    if level == "conus":
        return constant(_ATLAS, "conus")
    count = _vertebrae_above_sacrum(level)
    if count is None:
        raise BodyError(f"{field}: got {level!r}, expected L5 to C1, conus, or a length in cm")
    counts, positions = _known_levels()
    return float(np.interp(count, counts, positions))


@lru_cache(maxsize=1)
def _known_levels() -> tuple[list[int], list[float]]:
    """Vertebrae above the sacrum and cm, for every atlas level, sacral end and foramen magnum."""
    names = [name for name in body_entry(_ATLAS).facts if _vertebrae_above_sacrum(name.upper()) is not None]
    known = {_vertebrae_above_sacrum(name.upper()): constant(_ATLAS, name) for name in names}
    top = sum(count for _, count in _VERTEBRAE) + 1
    known |= {-1: constant(_ATLAS, "s2"), top: constant(_ATLAS, "canal_length")}
    pairs = sorted((count, x) for count, x in known.items() if count is not None)
    return [count for count, _ in pairs], [x for _, x in pairs]


def _vertebrae_above_sacrum(level: str) -> int | None:
    match = _LEVEL.fullmatch(level)
    if match is None:
        return None
    passed = 0
    for region, size in _VERTEBRAE:
        if region == match[1]:
            return passed + size + 1 - int(match[2]) if 1 <= int(match[2]) <= size else None
        passed += size
    return None
