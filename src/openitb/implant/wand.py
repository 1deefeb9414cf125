"""The wand on the skin: whether a frame gets across, by distance, tilt and noise.

A near-field pair of coils: the power that arrives falls with (1 + (distance/radius)^2)^-3 and with the
square of the cosine of the tilt, and noise works against it. A bit is lost as in non-coherent
frequency keying, with a chance of exp(-S/N / 2) / 2; a frame arrives if all its bits do. The form is
textbook, the constants are ours (catalogue, `wand`). Proximity is a condition, never an identity.

Holds: TEL-01.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from openitb import catalogue
from openitb.implant.errors import ImplantError

BITS = 8
QUARTER_TURN_DEG = 90.0

Draw = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the wand is: mm from the pump, degrees of tilt, and noise as a multiple of a quiet room's."""

    distance_mm: float = 0.0
    tilt_deg: float = 0.0
    noise: float = 1.0

    def __post_init__(self) -> None:
        farthest = float(catalogue.load().practice["wand"].fact("farthest").number("mm"))
        if not 0 <= self.distance_mm <= farthest:
            raise ImplantError(f"distance: got {self.distance_mm:g} mm, expected 0 to {farthest:g} mm")
        if not 0 <= self.tilt_deg <= QUARTER_TURN_DEG:
            raise ImplantError(f"tilt: got {self.tilt_deg:g} degrees, expected 0 to 90 degrees")
        if not (self.noise > 0 and math.isfinite(self.noise)):
            raise ImplantError(f"noise: got {self.noise:g}, expected above 0 times a quiet room's")


IN_CONTACT = Placement()


@lru_cache(maxsize=256)
def signal_to_noise(placement: Placement) -> float:
    """The power ratio at the receiving coil."""
    facts = catalogue.load().practice["wand"]
    radius_mm = float(facts.fact("coil_radius").number("mm"))
    at_contact = float(facts.fact("signal_to_noise_at_contact").number("1"))
    spread = (1 + (placement.distance_mm / radius_mm) ** 2) ** -3
    facing = math.cos(math.radians(placement.tilt_deg)) ** 2
    return at_contact * spread * facing / placement.noise


def chance_of_arrival(placement: Placement, size: int) -> float:
    """The chance that a frame of `size` bytes gets across whole."""
    lost_bit = math.exp(-signal_to_noise(placement) / 2) / 2
    return float((1 - lost_bit) ** (BITS * size))


def arrives(placement: Placement, size: int, draw: Draw) -> bool:
    """True if this frame gets across; `draw` gives evenly spread numbers from 0 to below 1."""
    return draw() < chance_of_arrival(placement, size)


def placement_text(placement: Placement) -> str:
    """A placement as one line, read back by `read_placement`."""
    return f"{placement.distance_mm:g} {placement.tilt_deg:g} {placement.noise:g}\n"


def read_placement(text: str) -> Placement:
    """The placement of a line; `ImplantError` for anything else."""
    try:
        distance, tilt, noise = (float(part) for part in text.split())
    except ValueError:
        raise ImplantError(f"wand: got {text!r:.40}, expected distance, tilt and noise") from None
    return Placement(distance, tilt, noise)
