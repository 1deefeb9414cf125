"""A cohort on its way: programs and single days go in, every person's state and summary come out.

Time passes in whole days of the pump clock. Once everybody's drug comes round again, one day stands for
several: only tolerance still moves, over months.
"""

import numpy as np

from openitb.body.anatomy import Floats, Ints
from openitb.cohort.engine.adaptation import Adapted, habits, unadapted
from openitb.cohort.engine.days import HOURS, Levels, Living
from openitb.cohort.engine.drug import ACTING, Drug
from openitb.cohort.engine.inflow import DAY_H, Day, Program
from openitb.cohort.engine.responses import Responses
from openitb.cohort.engine.watch import Shown, Summary, Tally, Watch
from openitb.cohort.people import People

# From so many days after the last change on, how many days one day stands for.
_STANDS_FOR = ((120, 8), (60, 5), (30, 3), (14, 2), (0, 1))


class Cohort:
    """People under way together, without drug at first; `found` are their responses.

    `day` is how many days have passed, `adapted` how used everybody is to the drug now.
    """

    def __init__(self, people: People, found: Responses, watch: Watch | None = None) -> None:
        watch, count = watch or Watch(), len(people)
        self.day, self.size = 0, count
        self._some, self._shown = habits(people), Shown(people, watch.series)
        self._living, self._tally = Living(self._shown, watch, self._some), Tally(watch, count)
        self._drug = Drug(found, count)
        self.adapted: Adapted = unadapted(self._some, people.tolerance).copy()
        self._occupancy, self._since = np.zeros(count), np.zeros(count, dtype=np.int64)
        self._everybody = np.arange(count)
        self._periodic: dict[int, tuple[dict[str, Floats], Floats]] = {}
        self._fine, self._slot = np.empty((0, 0)), np.full(count, -1)
        self._coming: Levels | None = None

    def set_program(self, rows: Ints, program: Program, *, balanced: bool = False) -> None:
        """From the coming midnight on these people run a program, in order of `rows`.

        `balanced` says that it has gone on for ever, and that they are used to it.
        """
        self._drug.set_program(rows, program, self.day, balanced=balanced)
        self._since[rows] = 0
        self._forget()
        if balanced:
            legs = self._drug.periodic(self.day)[0, 0, rows]
            level = self.adapted.tolerance[rows]
            self.adapted.put(rows, unadapted(self._some.take(rows), level, legs))

    def live(self, days: int) -> None:
        """Let days pass under everybody's program."""
        while days > 0:
            span = min(self._span(), days)
            self._pass(self._levels(), span)
            self._drug.pass_days(span)
            self.day += span
            self._coming = None
            days -= span

    def live_one(self, rows: Ints, day: Day) -> None:
        """Let one day pass on which these people get what `day` says, in order of `rows`."""
        now, decays = self._drug.special_day(rows, day, self.day)
        place = np.full(len(self._everybody), -1)
        place[rows] = np.arange(len(rows))

        def fine(some: Ints) -> Floats:
            legs, theirs = ordinary.fine_legs(some), place[some] >= 0
            if theirs.any():
                at = place[some][theirs]
                own = self._drug.fine_legs(rows[at], self.day, day.take(at))
                legs[:, theirs] = self._some.take(rows[at]).scaled(own)
            return legs

        ordinary = self._levels()
        effects, legs = self._scaled(rows, now)
        self._since[rows] = 0
        self._pass(Levels(*_with(ordinary, rows, effects, legs), fine), 1)
        self._drug.pass_days(1)
        self.day += 1
        self._drug.resume(rows, decays, self.day)
        self._coming = None

    def series_at(self, hour: int, rows: Ints, day: Day) -> dict[str, Floats]:
        """Each watched effect at a whole hour of the coming day, (people,), as if these people got what `day`
        says; tolerance and withdrawal are those of its midnight. The day does not pass.
        """
        effects = self._levels().effects
        if len(rows):
            now, _ = self._drug.special_day(rows, day, self.day)
            effects, _ = _with(self._levels(), rows, *self._scaled(rows, now))
        needed = self._shown.needed(self.adapted.tolerance)
        return {
            name: self._shown.value(name, scaled[hour], needed[name], self.adapted.withdrawal)
            for name, scaled in effects.items()
        }

    def concentrations(self) -> Floats:
        """Leg, arm and brainstem in ng/mL at the hours 0 to 24 of the coming day, (3, 25, people)."""
        now = self._drug.periodic(self.day).copy()
        rows, theirs = self._drug.unsettled_day(self.day)
        now[:, :, rows] = theirs
        return now

    def summary(self) -> Summary:
        """What has been seen of everybody so far."""
        return self._tally.summary()

    def _span(self) -> int:
        """How many days the next one may stand for."""
        if self._drug.unsettled.any() or self._drug.program.days > 1:
            return 1
        since = int(self._since.min())
        return next(span for from_day, span in _STANDS_FOR if since >= from_day)

    def _pass(self, levels: Levels, span: int) -> None:
        new = np.flatnonzero(self._since == 0)
        if len(new):
            first = self._some.take(new).occupancy(levels.legs[:HOURS, new], self.adapted.tolerance[new])
            self._occupancy[new] = first.mean(axis=0)
        goal = 1.0 + self._some.gain * self._occupancy
        half = np.exp(-DAY_H / 2 * span / self._some.rise_h)
        middle = goal + (self.adapted.tolerance - goal) * half
        spent = self._living.through(levels, self.adapted, middle, span)
        self.adapted, self._occupancy = spent.after, spent.occupancy
        self._tally.add(spent.tally, span)
        self._since += span

    def _levels(self) -> Levels:
        """The coming day under everybody's program; kept until it has passed or a program changes."""
        if self._coming is None:
            self._coming = self._made_levels()
        return self._coming

    def _made_levels(self) -> Levels:
        rows, now = self._drug.unsettled_day(self.day)
        if len(rows) == len(self._everybody):
            return Levels(*self._scaled(rows, now), self._fine_legs)
        ordinary = Levels(*self._settled(), self._fine_legs)
        if not len(rows):
            return ordinary
        return Levels(*_with(ordinary, rows, *self._scaled(rows, now)), self._fine_legs)

    def _settled(self) -> tuple[dict[str, Floats], Floats]:
        today = self.day % self._drug.program.days
        if today not in self._periodic:
            self._periodic[today] = self._scaled(self._everybody, self._drug.periodic(self.day))
        return self._periodic[today]

    def _fine_legs(self, rows: Ints) -> Floats:
        """Scaled, in the body's own steps; kept for those whose days are all alike."""
        if self._drug.program.days > 1 or self._drug.unsettled[rows].any():
            return self._some.take(rows).scaled(self._drug.fine_legs(rows, self.day))
        missing = rows[self._slot[rows] < 0]
        if len(missing):
            self._slot[missing] = self._fine.shape[1] + np.arange(len(missing))
            found = self._some.take(missing).scaled(self._drug.fine_legs(missing, self.day))
            self._fine = np.concatenate([self._fine, found], axis=1) if self._fine.size else found
        return self._fine[:, self._slot[rows]]

    def _scaled(self, rows: Ints, ng_per_ml: Floats) -> tuple[dict[str, Floats], Floats]:
        """Scaled concentrations of these people: of each watched effect, and of the legs."""
        shown, some = self._shown, self._some
        if len(rows) < len(self._everybody):
            shown, some = shown.take(rows), some.take(rows)
        legs = some.scaled(ng_per_ml[0])
        return shown.scaled(dict(zip(ACTING, ng_per_ml, strict=True)), legs), legs

    def _forget(self) -> None:
        self._periodic.clear()
        self._coming = None
        self._fine, self._slot = np.empty((0, 0)), np.full(len(self._everybody), -1)


def _with(
    levels: Levels, rows: Ints, effects: dict[str, Floats], legs: Floats
) -> tuple[dict[str, Floats], Floats]:
    """Levels with those of some people replaced."""
    merged = {name: scaled.copy() for name, scaled in levels.effects.items()}
    for name, scaled in effects.items():
        merged[name][:, rows] = scaled
    whole = levels.legs.copy()
    whole[:, rows] = legs
    return merged, whole
