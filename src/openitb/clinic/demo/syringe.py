"""What the syringe shows at a refill: the true volume with the error of reading it."""

import numpy as np

from openitb import catalogue, units
from openitb.clinic.demo.cast import House
from openitb.clinic.demo.play import Played
from openitb.world.case import Refill


def drawn_nl(played: Played, house: House) -> dict[int, int]:
    """Volume read in the syringe at each refill, by instant; the same story gives the same volumes."""
    noise = np.random.default_rng([played.story.person.seed, 2])
    spread_nl = catalogue.load().practice["residual-inference"].fact("drawing_sd").whole("nL")
    line_nl = units.volume_nl(house.syringe_graduation, "house.syringe_graduation")
    refills = (visit for visit, _ in played.visits() if isinstance(visit.event.action, Refill))
    return {
        visit.event.at_ms: _nearest(
            visit.found.reservoir.available_nl + float(noise.normal()) * spread_nl, line_nl
        )
        for visit in refills
    }


def _nearest(volume_nl: float, line_nl: int) -> int:
    return round(max(volume_nl, 0.0) / line_nl) * line_nl
