"""Bodies seen from the catheter tip: what a steady or changing drip does to the places that are read.

A forecast looks at few places of a body and gives drug at one. What it needs of a person's modes is how
the drip and the steady state enter them and how the places read them: kilobytes instead of the whole
body, kept from one forecast to the next. The propagation itself is the body's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from openitb.body import BodyParameters, Inputs
from openitb.body.anatomy import Floats, position_cm
from openitb.body.inputs import Schedule, schedule
from openitb.body.model import build
from openitb.body.modes import Modes, diagonalise
from openitb.body.propagation import Trajectory
from openitb.timeline import Timeline

PLACES = (
    "lumbar_csf_ng_per_ml",
    "leg_effect_site_ng_per_ml",
    "arm_effect_site_ng_per_ml",
    "brainstem_ng_per_ml",
)
LEG = PLACES.index("leg_effect_site_ng_per_ml")
_KEPT_COHORTS = 16

Place = str | float


@dataclass(frozen=True, slots=True)
class Drip:
    """Drug at the tip in µg/h, and the constant rate before it that the body is in balance with."""

    tip: Timeline
    before_ug_per_h: float


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """One person's answer to a drip. `modes` has two ways in (drip, steady state of 1 µg/h) and as many
    ways out as there are `PLACES`; `steady` is what 1 µg/h for ever leads to there, shape (places,).
    """

    modes: Modes
    steady: Floats

    def follow(self, timing: Schedule, times_h: Floats) -> Floats:
        """Concentrations in ng/mL at `times_h` (n,): shape (n, places)."""
        return Trajectory(self.modes, timing).observe(np.eye(len(PLACES)), times_h)


@lru_cache(maxsize=_KEPT_COHORTS)
def responses(people: tuple[BodyParameters, ...], tip_at: Place) -> tuple[Response, ...]:
    """The answer of each person; `tip_at` is a level, or cm in the canal of the first person.

    Raises `BodyError` for a place outside the canal and for parameters without a solution.
    """
    return tuple(_response(person, _scaled(tip_at, people[0], person)) for person in people)


def timing(people: Sequence[BodyParameters], drip: Drip) -> Schedule:
    """The instants and rates of a drip, the same for everybody, for `Response.follow`.

    Raises `BodyError` for a tip in another unit than µg/h and rates that are negative or not finite.
    """
    inputs = Inputs(tip=drip.tip, start_ms=drip.tip.start_ms, initial=drip.before_ug_per_h)
    whole = schedule(build(people[0]), inputs)
    return replace(
        whole,
        tips=np.array([[1.0, 0.0]]),
        initial_ug=np.array([0.0, drip.before_ug_per_h]),
        jump_ug=np.empty((0, 2)),
    )


def _response(person: BodyParameters, tip_at: Place) -> Response:
    model = build(person)
    whole = diagonalise(model)
    drip = model.infusion(position_cm(person, tip_at, "tip"))
    steady = model.steady_state(drip)
    rows = np.array([model.readouts[place] for place in PLACES])
    ways_in = whole.inverse @ np.column_stack([drip, steady])
    return Response(Modes(whole.rates_per_h, rows @ whole.vectors, ways_in), rows @ steady)


def _scaled(tip_at: Place, base: BodyParameters, person: BodyParameters) -> Place:
    """The same place in a longer or shorter canal."""
    return tip_at if isinstance(tip_at, str) else tip_at * person.canal_length_cm / base.canal_length_cm
