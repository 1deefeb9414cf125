"""Pumps and catheters of many people: orders, refills and faults in, drug at the tips out.

While nothing changes, a whole cohort's pumps are one program. On a day on which something happens to a
person, that person's fluid goes through the catheter of `openitb.catheter`, so that an order acts at the
tip at once and a refill when what stood before it has left. Hours count from the start, a midnight of
the pump clock (a Monday's, where a program differs between weekdays).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isclose

import numpy as np

from openitb.body.anatomy import Floats, Ints
from openitb.catheter import Column, Slug, transport
from openitb.cohort.engine.adaptation import Flags
from openitb.cohort.engine.cohort import Cohort
from openitb.cohort.engine.inflow import DAY_H, WEEK, Day, Given, Program
from openitb.cohort.errors import CohortError
from openitb.prescription.program import Program as PumpProgram
from openitb.timeline import Parcel
from openitb.units import MS_PER_DAY, MS_PER_H, PG_PER_UG


@dataclass(frozen=True, slots=True)
class SetFlow:
    """From `at_h` on the pump runs a program."""

    row: int
    at_h: float
    program: PumpProgram


@dataclass(frozen=True, slots=True)
class Refill:
    """At `at_h` the reservoir is emptied as far as a needle can, and `volume_nl` of `ug_per_ml` filled in."""

    row: int
    at_h: float
    volume_nl: int
    ug_per_ml: int


@dataclass(frozen=True, slots=True)
class Fault:
    """From `at_h` on the pump moves `flow` times what it should; `arrives` of the drug leaves the tip."""

    row: int
    at_h: float
    flow: float = 1.0
    arrives: float = 1.0


@dataclass(frozen=True, slots=True)
class Dose:
    """At `at_h` `dose_ug` at once, by a way in that the responses know (`responses.AT_TIP`, ...)."""

    row: int
    at_h: float
    dose_ug: float
    way: str


Change = SetFlow | Refill | Fault | Dose


@dataclass(frozen=True, slots=True)
class System:
    """What every pump begins with: fluid of one strength in reservoir and path; what a needle leaves."""

    reservoir_nl: int
    residual_nl: int
    path_nl: int
    ug_per_ml: int


class Pumps:
    """The pumps of a cohort, stopped at first.

    Of each person, (people,): `delivered_ug` has left the tip, `left_nl` can still be pumped, `dry_h` hours
    went by on an empty reservoir; `counted_nl` is what the pump believes to have moved since the last fill.
    """

    def __init__(self, cohort: Cohort, system: System) -> None:
        self._cohort = cohort
        path = Column.filled(system.path_nl, system.ug_per_ml)
        self._lines = [
            _Line(system.residual_nl, system.reservoir_nl, system.ug_per_ml, path) for _ in range(cohort.size)
        ]
        self.delivered_ug, self.counted_nl = np.zeros(cohort.size), np.zeros(cohort.size)
        self.dry_h = np.zeros(cohort.size)
        # By weekday what flows and the drug in it; what is left to pump out; is a front under way?
        self._daily_nl, self._daily_ug = np.zeros((WEEK, cohort.size)), np.zeros((WEEK, cohort.size))
        self._daily_counted = np.zeros((WEEK, cohort.size))
        self.left_nl = np.full(cohort.size, float(system.reservoir_nl - system.residual_nl))
        self._moving = np.zeros(cohort.size, dtype=np.bool_)

    def live(self, days: int, changes: Iterable[Change] = ()) -> None:
        """Let days pass; `CohortError` for a change outside of them."""
        end = self._cohort.day + days
        by_day = _by_day(changes, self._cohort.day, end)
        while self._cohort.day < end:
            today = by_day.get(self._cohort.day, {})
            rows = self._special(today)
            if len(rows):
                self._live_special(rows, today)
            else:
                self._live_alike(min((day for day in by_day if day > self._cohort.day), default=end))

    def series_at(self, hour: int, changes: Iterable[Change] = ()) -> dict[str, Floats]:
        """Each watched effect at a whole hour of the coming day, (people,), if these changes come before it;
        the day does not pass.
        """
        day = self._cohort.day
        today = _by_day(changes, day, day + 1).get(day, {})
        rows = self._special(today)
        runs = [_Run(self._line(row), day % WEEK) for row in rows.tolist()]
        for row, run in zip(rows.tolist(), runs, strict=True):
            run.through(today.get(row, ()))
        return self._cohort.series_at(hour, rows, _joined(runs) if runs else _NO_DAY)

    def settle(self, programs: Sequence[PumpProgram], flow: Floats) -> None:
        """Everybody's pump, which moves `flow` (people,) times what it should, has run a program for ever."""
        for line, program, factor in zip(self._lines, programs, flow.tolist(), strict=True):
            line.week, line.flow = _week(program), factor
        self._resume(np.arange(self._cohort.size), balanced=True)

    @property
    def _today_nl(self) -> Floats:
        return np.asarray(self._daily_nl[self._cohort.day % WEEK])

    def _special(self, today: Mapping[int, Sequence[Change]]) -> Ints:
        """The people whose coming day is unlike the one before."""
        ending = (self._today_nl > 0) & (self.left_nl < self._today_nl)
        return np.union1d(np.flatnonzero(self._moving | ending), list(today)).astype(np.intp)

    def _line(self, row: int) -> "_Line":
        """One person's line as it is now, to be changed."""
        line = replace(self._lines[row], counted_nl=float(self.counted_nl[row]))
        line.reservoir_nl = line.residual_nl + float(self.left_nl[row])
        return line

    def _live_alike(self, until_day: int) -> None:
        """Days on which nobody's fluid changes or ends; one at a time if weekdays differ."""
        days = until_day - self._cohort.day
        runs = self._today_nl > 0
        if (self._daily_nl != self._daily_nl[0]).any():
            days = 1
        elif runs.any():
            days = int(min(days, (self.left_nl[runs] // self._today_nl[runs]).min()))
        self._count(np.ones(self._cohort.size, dtype=np.bool_), days)
        self._cohort.live(days)

    def _count(self, which: Flags, days: int) -> None:
        weekday = self._cohort.day % WEEK
        is_dry = (self._daily_nl[weekday] == 0) & (self._daily_counted[weekday] > 0) & (self.left_nl < 1.0)
        self.dry_h[which & is_dry] += days * DAY_H
        self.left_nl[which] -= days * self._daily_nl[weekday, which]
        self.delivered_ug[which] += days * self._daily_ug[weekday, which]
        self.counted_nl[which] += days * self._daily_counted[weekday, which]

    def _live_special(self, rows: Ints, today: Mapping[int, Sequence[Change]]) -> None:
        runs = [self._run(row, today.get(row, ())) for row in rows.tolist()]
        others = np.ones(self._cohort.size, dtype=np.bool_)
        others[rows] = False
        self._count(others, 1)
        self._cohort.live_one(rows, _joined(runs))
        self._resume(rows)

    def _run(self, row: int, changes: Sequence[Change]) -> "_Run":
        """One person's coming day; leaves the line as it is at its end."""
        self._lines[row] = line = self._line(row)
        run = _Run(line, self._cohort.day % WEEK)
        run.through(changes)
        self.left_nl[row] = line.reservoir_nl - line.residual_nl
        self.counted_nl[row] = line.counted_nl
        self.delivered_ug[row] += run.given_ug
        self.dry_h[row] += run.dry_h
        return run

    def _resume(self, rows: Ints, *, balanced: bool = False) -> None:
        """From midnight on these people's programs come round again, whatever is still under way."""
        lines = [self._lines[row] for row in rows.tolist()]
        for row, line in zip(rows.tolist(), lines, strict=True):
            self._daily_nl[:, row] = 0.0 if line.is_dry else [line.daily_nl(day) for day in range(WEEK)]
            self._daily_ug[:, row] = self._daily_nl[:, row] * line.drug_ug_per_nl
            self._daily_counted[:, row] = [line.programmed_nl(day) for day in range(WEEK)]
            self._moving[row] = line.is_changing and bool(self._daily_nl[:, row].any())
        self._cohort.set_program(rows, _together(lines), balanced=balanced)


@dataclass(slots=True)
class _Line:
    """One person's fluid from reservoir to tip, and how the pump runs it.

    `week` holds ms of the week and the flow in nL/day from then on; `counted_nl` is what the pump believes to
    have moved since the last fill; `owed_nl` is the part of a nL that has not reached the column yet.
    """

    residual_nl: float
    reservoir_nl: float
    ug_per_ml: float
    column: Column
    week: tuple[tuple[int, int], ...] = ((0, 0),)
    flow: float = 1.0
    arrives: float = 1.0
    owed_nl: float = 0.0
    counted_nl: float = 0.0

    @property
    def is_dry(self) -> bool:
        """Has everything been pumped out that can be?"""
        return self.reservoir_nl - self.residual_nl < 1.0

    @property
    def is_changing(self) -> bool:
        """Is fluid of another strength on its way to the tip?"""
        return any(
            not isclose(s.mass_pg / s.volume_nl, self.ug_per_ml, rel_tol=1e-6) for s in self.column.slugs
        )

    def daily_nl(self, day: int) -> float:
        """Fluid that a weekday of the program moves."""
        return self.flow * self.programmed_nl(day)

    def programmed_nl(self, day: int) -> float:
        """Fluid that a weekday of the program should move."""
        return sum(flow * (end - at) for at, end, flow in self.steps(day)) / MS_PER_DAY

    @property
    def drug_ug_per_nl(self) -> float:
        """Drug that leaves the tip in each nL once fluid of one strength stands all the way."""
        return self.ug_per_ml * self.arrives / PG_PER_UG

    def steps(self, day: int) -> list[tuple[int, int, int]]:
        """The programmed flow of a weekday: from and to, ms of the day, and nL/day."""
        start = day * MS_PER_DAY
        edges = [start, *(at for at, _ in self.week if start < at < start + MS_PER_DAY), start + MS_PER_DAY]
        flows = [next(flow for at, flow in reversed(self.week) if at <= edge) for edge in edges[:-1]]
        return [(a - start, b - start, flow) for (a, b), flow in zip(pairwise(edges), flows, strict=True)]


class _Run:
    """One line's run through a day. `steps` are hours and the rate at the tip in µg/h from each one on."""

    def __init__(self, line: _Line, weekday: int) -> None:
        self._line, self._weekday = line, weekday
        self.steps: list[tuple[float, float]] = []
        self.doses: list[Dose] = []
        self.given_ug = self.dry_h = 0.0

    def through(self, changes: Sequence[Change]) -> None:
        """Run from midnight to midnight with these changes, which are in order of time."""
        at = 0
        for change in changes:
            until = round(change.at_h % DAY_H * MS_PER_H)
            self._flow(at, until)
            self._apply(change)
            at = until
        self._flow(at, MS_PER_DAY)
        if not self._line.is_changing and self._line.column.volume_nl:
            line = self._line  # one strength all the way: forget where one fluid ended and the other began
            volume = line.column.volume_nl
            line.column = Column((Slug(volume, round(volume * line.ug_per_ml)),))

    def _apply(self, change: Change) -> None:
        line = self._line
        match change:
            case SetFlow(program=program):
                line.week = _week(program)
            case Refill(volume_nl=volume_nl, ug_per_ml=ug_per_ml):
                left = min(line.reservoir_nl, line.residual_nl)
                line.ug_per_ml = (left * line.ug_per_ml + volume_nl * ug_per_ml) / (left + volume_nl)
                line.reservoir_nl, line.counted_nl = left + volume_nl, 0.0
            case Fault(flow=flow, arrives=arrives):
                line.flow, line.arrives = flow, arrives
            case Dose():
                self.doses.append(change)

    def _flow(self, start: int, end: int) -> None:
        for at, until, flow in self._line.steps(self._weekday):
            if max(at, start) < min(until, end):
                begin, stop = max(at, start), min(until, end)
                self._line.counted_nl += flow * (stop - begin) / MS_PER_DAY
                self._stretch(begin, stop, flow * self._line.flow)

    def _stretch(self, at: int, until: int, nl_per_day: float) -> None:
        """Even flow from one ms of the day to another, as far as the reservoir goes."""
        line = self._line
        wanted = nl_per_day * (until - at) / MS_PER_DAY
        moved = min(wanted, max(line.reservoir_nl - line.residual_nl, 0.0))
        line.reservoir_nl -= moved
        ends = until if moved == wanted else at + round(moved / nl_per_day * MS_PER_DAY)
        self.dry_h += (until - ends) / MS_PER_H
        volume, line.owed_nl = divmod(moved + line.owed_nl, 1.0)
        if volume and ends > at:
            entering = Parcel(at, ends, int(volume), round(volume * line.ug_per_ml))
            line.column, left = transport(line.column, [entering])
            for parcel in left:
                given = parcel.mass_pg * line.arrives / PG_PER_UG
                self.given_ug += given
                hours = (parcel.end_ms - parcel.start_ms) / MS_PER_H
                self.steps.append((parcel.start_ms / MS_PER_H, given / hours))
        else:
            ends = at
        if ends < until:
            self.steps.append((ends / MS_PER_H, 0.0))


def _week(program: PumpProgram) -> tuple[tuple[int, int], ...]:
    return tuple((step.from_ms_of_week, step.rate_nl_per_day) for step in program.week)


_NO_DAY = Day(np.empty(0), np.empty((0, 0)), np.empty((0, 0)))


def _by_day(changes: Iterable[Change], first: int, end: int) -> dict[int, dict[int, list[Change]]]:
    """Changes by day and person, in order of time; at one instant in the order given."""
    found: dict[int, dict[int, list[Change]]] = {}
    for change in sorted(changes, key=lambda change: change.at_h):
        day = int(change.at_h // DAY_H)
        if not first <= day < end:
            raise CohortError(
                f"change: got one at {change.at_h} h, expected {first * DAY_H:g} to {end * DAY_H:g} h"
            )
        found.setdefault(day, {}).setdefault(change.row, []).append(change)
    return found


def _joined(runs: Sequence[_Run]) -> Day:
    """The days of several people as arrays."""
    most = max(len(run.steps) for run in runs)
    at, rate = np.full((len(runs), most), np.inf), np.zeros((len(runs), most))
    for row, run in enumerate(runs):
        at[row, : len(run.steps)], rate[row, : len(run.steps)] = zip(*run.steps, strict=True)
    ways = {dose.way for run in runs for dose in run.doses}
    return Day(np.zeros(len(runs)), at, rate, {way: _given(runs, way) for way in ways})


def _given(runs: Sequence[_Run], way: str) -> Given:
    doses = [[dose for dose in run.doses if dose.way == way] for run in runs]
    most = max(map(len, doses))
    at, amount = np.full((len(runs), most), np.inf), np.zeros((len(runs), most))
    for row, mine in enumerate(doses):
        at[row, : len(mine)] = [dose.at_h % DAY_H for dose in mine]
        amount[row, : len(mine)] = [dose.dose_ug for dose in mine]
    return Given(at, amount)


def _together(lines: Sequence[_Line]) -> Program:
    """What comes out of lines of one strength all the way, as one program."""
    alike = all(
        line.steps(day) == line.steps(0) for line in lines if len(line.week) > 1 for day in range(WEEK)
    )
    days = 1 if alike else WEEK
    starts = sorted(
        {at + day * MS_PER_DAY for line in lines for day in range(days) for at, _, _ in line.steps(day)}
    )
    rates = [[_rate(line, start) for start in starts] for line in lines]
    return Program(np.array(starts) / MS_PER_H, np.array(rates), days)


def _rate(line: _Line, ms_of_week: int) -> float:
    """Drug at the tip in µg/h."""
    if line.is_dry:
        return 0.0
    day, ms_of_day = divmod(ms_of_week, MS_PER_DAY)
    flow = next(flow for at, until, flow in line.steps(day) if at <= ms_of_day < until)
    return flow * line.flow * line.drug_ug_per_nl / DAY_H
