"""What flows from the catheter tips of many people: programs that come round again, and single days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from openitb.body.anatomy import Floats, Ints
from openitb.units import HOURS_PER_DAY

WEEK = 7
DAY_H = float(HOURS_PER_DAY)


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Drug at the tip in µg/h that comes round every day or every week.

    `from_h` (steps,) starts at 0 and lies within the cycle of `days` days, 1 or 7, counted from midnight
    (Monday's, for a week) of the pump clock; `rate_ug_per_h` is of shape (people, steps).
    """

    from_h: Floats
    rate_ug_per_h: Floats
    days: int = 1

    @property
    def length_h(self) -> float:
        """Length of the cycle."""
        return self.days * DAY_H

    def on(self, day: int) -> "Day":
        """What flows on one day of the cycle."""
        start = day * DAY_H
        first = int(np.searchsorted(self.from_h, start, side="right")) - 1
        inside = (self.from_h > start) & (self.from_h < start + DAY_H)
        people = len(self.rate_ug_per_h)
        at = np.broadcast_to(self.from_h[inside] - start, (people, int(inside.sum())))
        return Day(self.rate_ug_per_h[:, first], at, self.rate_ug_per_h[:, inside])

    def steady_start(self, rates_per_h: Floats) -> Floats:
        """The decays (people, rates) at the beginning of a cycle that has gone on for ever, in µg/h."""
        until_end = self.length_h - np.append(self.from_h, self.length_h)
        left = np.exp(-np.outer(until_end, rates_per_h))
        once = np.diff(left, axis=0) / -np.expm1(-self.length_h * rates_per_h)
        return np.asarray(self.rate_ug_per_h @ once)

    def take(self, rows: Ints) -> "Program":
        """The programs of some people."""
        return Program(self.from_h, self.rate_ug_per_h[rows], self.days)

    def with_rows(self, rows: Ints, other: "Program") -> "Program":
        """These programs, but those of `rows` replaced by `other`, in their order."""
        days = max(self.days, other.days)
        starts = [_repeated(some, days) for some in (self, other)]
        from_h = np.union1d(*starts)
        rates = self._stepped(from_h).copy()
        rates[rows] = other._stepped(from_h)
        return Program(from_h, rates, days)

    def _stepped(self, from_h: Floats) -> Floats:
        """The rates from each of these hours on."""
        return self.rate_ug_per_h[:, np.searchsorted(self.from_h, from_h % self.length_h, side="right") - 1]


def _repeated(program: Program, days: int) -> Floats:
    """The hours of a program's steps in a cycle of so many days."""
    return np.concatenate([program.from_h + day * DAY_H for day in range(0, days, program.days)])


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Doses in µg at once, by person: hours of the day `at_h` and `dose_ug`, both (people, k)."""

    at_h: Floats
    dose_ug: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """One day of many people: `first` (people,) is the rate in µg/h at midnight, `rate` (people, k) the
    rate from hour `at_h` (people, k) on, in order of time, beyond 24 h where there is no more.

    Changes at the same instant follow each other without effect; doses at once are by way in.
    """

    first: Floats
    at_h: Floats
    rate: Floats
    given: Mapping[str, Given] = field(default_factory=dict)

    def take(self, rows: Ints | slice) -> "Day":
        """The day of some people."""
        given = {way: Given(some.at_h[rows], some.dose_ug[rows]) for way, some in self.given.items()}
        return Day(self.first[rows], self.at_h[rows], self.rate[rows], given)


def follow(rates_per_h: Floats, start: Floats, day: Day, grid_h: Floats) -> Iterator[Floats]:
    """The decays (people, rates) at each instant of the grid, from `start` at its first; do not keep them.

    Exact: z' = rate (u - z), and a stretch of constant u is one exponential whatever the grid.
    """
    decays = start.copy()
    before = np.column_stack([day.first, day.rate[:, :-1]]) if day.rate.shape[1] else day.rate
    now = day.first.copy()
    last_h = -1.0
    for at_h in grid_h.tolist():
        kept = np.exp(-rates_per_h * (at_h - max(last_h, 0.0)))
        reached = [(day.at_h[:, k] > last_h) & (day.at_h[:, k] <= at_h) for k in range(day.rate.shape[1])]
        for k, here in enumerate(reached):
            now[here] = day.rate[here, k]
        decays -= now[:, None]
        decays *= kept
        decays += now[:, None]
        for k, here in enumerate(reached):
            rows = np.flatnonzero(here)
            if len(rows) and last_h >= 0:
                change = before[rows, k] - day.rate[rows, k]
                since = np.exp(-np.outer(at_h - day.at_h[rows, k], rates_per_h))
                decays[rows] += change[:, None] * (since - kept)
        last_h = at_h
        yield decays


def follow_alone(rates_per_h: Floats, start: Floats, steps: tuple[Floats, Floats], times_h: Floats) -> Floats:
    """The decays (n, rates) at `times_h` (n,) under one tip, from `start` (rates,) at its first step.

    `steps` are the hours (k,) at which its rate changes and µg/h from each one on. Rates of decay are
    common to everybody, so that all people under one tip share these numbers.
    """
    from_h, rate = steps
    at_steps = [start]
    for span_h, u in zip(np.diff(from_h).tolist(), rate.tolist(), strict=False):
        at_steps.append(u + (at_steps[-1] - u) * np.exp(-rates_per_h * span_h))
    last = np.searchsorted(from_h, times_h, side="right") - 1
    now, since_h = rate[last, None], times_h - from_h[last]
    return np.asarray(now + (np.array(at_steps)[last] - now) * np.exp(-np.outer(since_h, rates_per_h)))


def follow_given(rates_per_h: Floats, start: Floats, given: Given | None, grid_h: Floats) -> Iterator[Floats]:
    """The same for doses at once, z' = -rate z; at the instant of a dose what holds after it."""
    decays, last_h = start.copy(), -1.0
    given = given or Given(np.empty((len(start), 0)), np.empty((len(start), 0)))
    for at_h in grid_h.tolist():
        decays *= np.exp(-rates_per_h * (at_h - max(last_h, 0.0)))
        for k in range(given.at_h.shape[1]):
            rows = np.flatnonzero((given.at_h[:, k] > last_h) & (given.at_h[:, k] <= at_h))
            since = np.exp(-np.outer(at_h - given.at_h[rows, k], rates_per_h))
            decays[rows] += given.dose_ug[rows, k, None] * rates_per_h * since
        last_h = at_h
        yield decays
