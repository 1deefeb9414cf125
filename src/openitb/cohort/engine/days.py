"""A day, or several like it, in the life of many people: adaptation, and every hour's values.

Calm people, whose occupancy stays above the part of the accustomed one at which a loss begins, are
followed in steps of an hour with tolerance held at its value in the middle of the span. All others go
through the rules of `body.adaptation` in its own steps of a quarter of an hour.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from openitb.body.anatomy import Floats, Ints
from openitb.body.parameters import constant
from openitb.cohort.engine.adaptation import Adapted, Adapting, Flags, Habits, Relaxation, one
from openitb.cohort.engine.watch import LEGS, Shown, Tally, Watch

HOURS = 24
_AT_ONCE = 16_384  # people whose day stays in the processor's cache
_NOTHING = 1e-300  # so that nothing out of nothing is the whole of it


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """One day's scaled concentrations, people last: of each watched effect at the hours 0 to 24 (25, n),
    of the legs at those (25, n), and, of the people one asks for, at every step of the body's own (97, k).
    """

    effects: Mapping[str, Floats]
    legs: Floats
    fine_legs: Callable[[Ints], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Spent:
    """What came of the days: adaptation at their end, the counts of one of them, mean occupancy."""

    after: Adapted
    tally: Tally
    occupancy: Floats


class Living:
    """People who live through days. `watch` says what of them is counted."""

    def __init__(self, shown: Shown, watch: Watch, some: Habits) -> None:
        self._shown, self._watch, self._some = shown, watch, some
        self._blocks = [slice(at, at + _AT_ONCE) for at in range(0, len(some.ec50), _AT_ONCE)]
        self._last: tuple[Mapping[str, Floats], Tally] = ({}, Tally(watch, 0))
        self._parts = [(shown.take(rows), _Pace.of(some.take(rows))) for rows in self._blocks]

    def through(self, levels: Levels, before: Adapted, middle: Floats, days: int) -> Spent:
        """Live through `days` like this one; `middle` (n,) is tolerance in the middle of them."""
        tally, after = Tally(self._watch, len(middle)), before.copy()
        same = self._same(levels)
        occupancy, upset = np.empty(len(middle)), np.empty(len(middle), dtype=np.bool_)
        for rows, (shown, pace) in zip(self._blocks, self._parts, strict=True):
            calm = _Calm(pace, levels.legs[:, rows], before.take(rows), middle[rows], days)
            effects = {name: scaled[:, rows] for name, scaled in levels.effects.items() if name not in same}
            tally.put(rows, self._counted(shown, effects, middle[rows], calm))
            after.put(rows, calm.after())
            occupancy[rows], upset[rows] = calm.occupancy, calm.upset
        for name in same:
            tally.repeat(name, self._last[1])
        self._last = levels.effects, tally
        whom = np.flatnonzero(upset)
        if len(whom):
            state, theirs = self._upset(levels, before.take(whom), days, whom)
            after.put(whom, state)
            tally.put(whom, theirs)
        tally.reach(before.tolerance)
        tally.reach(after.tolerance)
        return Spent(after, tally, occupancy)

    def _same(self, levels: Levels) -> frozenset[str]:
        """The series whose day is the one counted last: the same concentration, and no tolerance."""
        last = self._last[0]
        return frozenset(
            name
            for name, scaled in levels.effects.items()
            if name in last and last[name] is scaled and not self._shown.is_tolerant(name)
        )

    def _counted(self, shown: Shown, effects: Mapping[str, Floats], middle: Floats, calm: "_Calm") -> Tally:
        tally, needed = Tally(self._watch, len(middle)), shown.needed(middle)
        for name, scaled in effects.items():
            for hour in range(HOURS):
                withdrawal = calm.withdrawal[hour]
                if name == LEGS:
                    values = shown.seen(name, calm.occupied[hour].copy(), withdrawal)
                else:
                    values = shown.value(name, scaled[hour], needed[name], withdrawal)
                tally.hour(name, values)
        for hour in range(HOURS):
            tally.states(middle, calm.withdrawal[hour])
        return tally

    def _upset(self, levels: Levels, before: Adapted, days: int, rows: Ints) -> tuple[Adapted, Tally]:
        """One day in the body's own steps; the further days change the state as a geometric series does."""
        shown, tally = self._shown.take(rows), Tally(self._watch, len(rows))
        effects = {name: scaled[:, rows] for name, scaled in levels.effects.items()}
        legs, step_h = levels.fine_legs(rows), constant("computation", "dynamics_step", "hour")
        some, body = self._some.take(rows), before
        steps, per_hour = Adapting(some, step_h), round(1 / step_h)
        for k in range(len(legs) - 1):
            if k % per_hour == 0:
                needed = shown.needed(body.tolerance)
                for name, scaled in effects.items():
                    tally.hour(name, shown.value(name, scaled[k // per_hour], needed[name], body.withdrawal))
                tally.states(body.tolerance, body.withdrawal)
            body = steps.step(body, legs[k], legs[k + 1])
        return _repeated(some, before, body, days), tally


@dataclass(frozen=True, slots=True, eq=False)
class _Pace:
    """How some people adapt, and their two relaxations in steps of an hour."""

    some: Habits
    memory: Relaxation
    lag: Relaxation

    @classmethod
    def of(cls, some: Habits) -> "_Pace":
        return cls(some, *(Relaxation.of(one(time_h), 1.0) for time_h in (some.memory_h, some.lag_h)))


class _Calm:
    """Calm people over `days` like one: the hours of the one in the middle of them.

    Occupancy is that of the tolerance in the middle. The occupancy a body is used to and withdrawal are
    linear in what drives them, so that their state after any number of equal days is a geometric sum.
    """

    def __init__(self, pace: _Pace, scaled: Floats, before: Adapted, middle: Floats, days: int) -> None:
        some = pace.some
        self._some, self._before, self._days = some, before, days
        self.occupied = scaled + _NOTHING
        self.occupied /= self.occupied + middle ** one(some.hill)
        inner = self.occupied[1:HOURS].sum(axis=0)
        self.occupancy = (inner + (self.occupied[0] + self.occupied[HOURS]) / 2) / HOURS
        used = _Repeated(pace.memory, self.occupied, before.accustomed, days)
        self._accustomed = used.after
        part = used.middle_day()
        part += _NOTHING
        np.divide(self.occupied, part, out=part)
        self.upset: Flags = before.lost | (part[:HOURS].min(axis=0) < one(some.part))
        np.subtract(1.0, part, out=part)
        np.maximum(part, 0.0, out=part)
        part *= (middle - 1.0) / some.gain
        withdrawn = _Repeated(pace.lag, part, before.withdrawal, days)
        self._withdrawn = withdrawn.after
        self.withdrawal = withdrawn.mean_day()

    def after(self) -> Adapted:
        """The state after all the days; of upset people it means nothing."""
        some, before = self._some, self._before
        goal = 1.0 + some.gain * self.occupancy
        tolerance = goal + (before.tolerance - goal) * np.exp(-HOURS * self._days / some.rise_h)
        return Adapted(tolerance, self._withdrawn, self._accustomed, before.onset.copy(), before.lost.copy())


class _Repeated:
    """A relaxation towards a drive (25, n) that comes round every day, from `start` over `days`."""

    def __init__(self, relaxation: Relaxation, drive: Floats, start: Floats, days: int) -> None:
        self._hours = np.empty_like(drive)
        self._hours[0] = 0.0
        for hour in range(HOURS):
            self._hours[hour + 1] = relaxation(self._hours[hour], drive[hour], drive[hour + 1])
        self._kept, self._start, self._days = relaxation.kept, start, days
        self._day = relaxation.kept**HOURS
        self._settled = self._hours[HOURS] / (1.0 - self._day)
        self.after = self._settled + (start - self._settled) * self._day**days

    def middle_day(self) -> Floats:
        """The day in the middle of them, (25, n)."""
        return self._from(self._day ** ((self._days - 1.0) / 2))

    def mean_day(self) -> Floats:
        """The mean of the days, hour by hour, (25, n)."""
        return self._from((1.0 - self._day**self._days) / (self._days * (1.0 - self._day)))

    def _from(self, away: Floats | float) -> Floats:
        left = self._settled + (self._start - self._settled) * away
        for hour in range(HOURS + 1):
            self._hours[hour] += left
            left = left * self._kept
        return self._hours


def _repeated(some: Habits, before: Adapted, after: Adapted, days: int) -> Adapted:
    """The state after several days, of which the first led from `before` to `after`."""

    def grown(start: Floats, end: Floats, time_h: Floats) -> Floats:
        kept = np.exp(-HOURS / time_h)
        return np.asarray(start + (end - start) * (1.0 - kept**days) / (1.0 - kept))

    tolerance = before.tolerance + (after.tolerance - before.tolerance) * days
    return Adapted(
        np.maximum(tolerance, 1.0),
        np.maximum(grown(before.withdrawal, after.withdrawal, some.lag_h), 0.0),
        np.maximum(grown(before.accustomed, after.accustomed, some.memory_h), 0.0),
        after.onset,
        after.lost,
    )
