"""Drug in many people: what their programs lead to, and what is left to decay from before.

While a program comes round again, drug is periodic but for what is left to decay; both are known in
closed form. A day on which something else happens is followed from change to change. All of it is exact
for the reduced responses, but for a rest too small to matter, which is dropped.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from openitb.body.anatomy import Floats, Ints
from openitb.body.parameters import constant
from openitb.cohort.engine.inflow import DAY_H, Day, Program, follow, follow_given
from openitb.cohort.engine.responses import TIP, Responses
from openitb.cohort.engine.transfer import ARM, BRAINSTEM, LEG
from openitb.cohort.errors import CohortError

ACTING = (LEG, ARM, BRAINSTEM)
HOURS = 24

_SETTLED = 1e-4  # of the highest concentration so far: less than this is not left to decay
_AT_ONCE = 512  # people whose decays stay in the processor's cache
_HOURS_H: Floats = np.arange(HOURS + 1, dtype=np.float64)


@dataclass(slots=True, eq=False)
class _Profile:
    """One day of everybody's program gone on for ever.

    `start` (people, rates) are the decays at midnight in µg/h, `ng_per_ml` (places, 25, people) what they
    are read as hour by hour.
    """

    start: Floats
    ng_per_ml: Floats


class Drug:
    """The decays of people without drug at first. Rows are people, in the order asked for."""

    def __init__(self, found: Responses, people: int) -> None:
        self._rates = found.rates_per_h
        self._weights = {way: np.array([found.of(way, place) for place in ACTING]) for way in found.weights}
        self._away = {way: np.zeros((people, len(self._rates))) for way in found.weights}
        self._highest = np.zeros((len(ACTING), people))
        self.unsettled = np.zeros(people, dtype=np.bool_)
        self.program = Program(np.zeros(1), np.zeros((people, 1)))
        self._profiles = self._made(np.arange(people))

    def set_program(self, rows: Ints, program: Program, day: int, *, balanced: bool) -> None:
        """From midnight of `day` on these people run a program; `balanced`: they have done so for ever."""
        decays = self._decays(rows, day)
        days = self.program.days
        self.program = self.program.with_rows(rows, program)
        if self.program.days != days:
            self._profiles = self._made(np.arange(len(self.unsettled)))
        for old, new in zip(self._profiles, self._made(rows), strict=True):
            old.start[rows], old.ng_per_ml[:, :, rows] = new.start, new.ng_per_ml
        self._away[TIP][rows] = decays - self._on(day).start[rows]
        self.unsettled[rows] = True
        if balanced:
            self._drop(rows)

    def periodic(self, day: int) -> Floats:
        """Leg, arm and brainstem in ng/mL by hour (3, 25, people) if everything before were forgotten."""
        return self._on(day).ng_per_ml

    def unsettled_day(self, day: int) -> tuple[Ints, Floats]:
        """The people in whom something is left to decay, and their concentrations (3, 25, rows)."""
        rows = np.flatnonzero(self.unsettled)
        left = np.zeros((len(ACTING), HOURS + 1, len(rows)))
        decay = np.exp(-np.outer(self._rates, _HOURS_H))
        for way, weights in self._weights.items():
            for some, place in _blocks(rows):
                left[:, :, place] += ((weights[:, some] * self._away[way][some]) @ decay).swapaxes(1, 2)
        now = self._on(day).ng_per_ml[:, :, rows] + left
        self._highest[:, rows] = np.maximum(self._highest[:, rows], now.max(axis=1))
        small = np.abs(left).max(axis=1) <= _SETTLED * self._highest[:, rows]
        self._drop(rows[small.all(axis=0)])
        return rows, now

    def special_day(self, rows: Ints, day: Day, today: int) -> tuple[Floats, dict[str, Floats]]:
        """Concentrations of these people (3, 25, rows) on a day of its own, and their decays after it.

        Refuses a way in that the responses do not know with `CohortError`.
        """
        unknown = sorted(set(day.given) - set(self._away))
        if unknown:
            raise CohortError(f"way in: got {unknown[0]!r}, expected one of {', '.join(self._away)}")
        now = np.zeros((len(ACTING), HOURS + 1, len(rows)))
        after: dict[str, Floats] = {way: np.zeros((len(rows), len(self._rates))) for way in self._away}
        for some, place in _blocks(rows):
            for way, path in self._paths(some, day.take(place), today, _HOURS_H).items():
                now[:, :, place] += self._read(way, some, path, after[way][place])
        self._highest[:, rows] = np.maximum(self._highest[:, rows], now.max(axis=1))
        return now, after

    def fine_legs(self, rows: Ints, today: int, day: Day | None = None) -> Floats:
        """Leg concentration of these people at every step of the body's own (97, rows)."""
        step_h = constant("computation", "dynamics_step", "hour")
        grid = np.arange(round(DAY_H / step_h) + 1, dtype=np.float64) * step_h
        legs = np.zeros((len(grid), len(rows)))
        for some, place in _blocks(rows):
            own = day.take(place) if day else self.program.take(some).on(today)
            for way, path in self._paths(some, own, today, grid).items():
                weights = self._weights[way][0, some]
                legs[:, place] += [np.einsum("nk,nk->n", weights, decays) for decays in path]
        return legs

    def pass_days(self, days: int) -> None:
        """Let what is left decay for some days."""
        kept = np.exp(-DAY_H * days * self._rates)
        for away in self._away.values():
            away[self.unsettled] *= kept

    def resume(self, rows: Ints, decays: Mapping[str, Floats], day: int) -> None:
        """Go on from decays at midnight of `day`."""
        for way, found in decays.items():
            self._away[way][rows] = found
        self._away[TIP][rows] -= self._on(day).start[rows]
        self.unsettled[rows] = True

    def _on(self, day: int) -> _Profile:
        return self._profiles[day % self.program.days]

    def _decays(self, rows: Ints, day: int) -> Floats:
        return np.asarray(self._on(day).start[rows] + self._away[TIP][rows])

    def _drop(self, rows: Ints) -> None:
        for away in self._away.values():
            away[rows] = 0.0
        self.unsettled[rows] = False

    def _paths(self, rows: Ints, day: Day, today: int, grid_h: Floats) -> dict[str, Iterator[Floats]]:
        """Decays at each instant of the grid by way in, from midnight of today."""
        paths = {TIP: follow(self._rates, self._decays(rows, today), day, grid_h)}
        for way in self._away:
            if way != TIP:
                start, given = self._away[way][rows], day.given.get(way)
                paths[way] = follow_given(self._rates, start, given, grid_h)
        return paths

    def _made(self, rows: Ints) -> list[_Profile]:
        """Each day of these people's programs."""
        program, count = self.program.take(rows), len(rows)
        start = program.steady_start(self._rates)
        profiles = []
        for day in range(program.days):
            after = np.empty_like(start)
            ng_per_ml = np.empty((len(ACTING), HOURS + 1, count))
            flows = program.on(day)
            for some, place in _blocks(rows):
                path = follow(self._rates, start[place], flows.take(place), _HOURS_H)
                ng_per_ml[:, :, place] = self._read(TIP, some, path, after[place])
            profiles.append(_Profile(start, ng_per_ml))
            start = after
        return profiles

    def _read(self, way: str, rows: Ints, path: Iterator[Floats], last: Floats) -> Floats:
        """Concentrations along a path of decays, (places, len(path), rows); leaves its end in `last`."""
        weights = self._weights[way][:, rows]
        values = []
        for decays in path:
            values.append(np.einsum("pnk,nk->pn", weights, decays))
            last[:] = decays
        return np.stack(values, axis=1)


def _blocks(rows: Ints) -> Iterator[tuple[Ints, slice]]:
    """Some rows at a time, and where they stand among all."""
    for at in range(0, len(rows), _AT_ONCE):
        yield rows[at : at + _AT_ONCE], slice(at, at + _AT_ONCE)
