"""What the guard let through: flow over time, kept as straight runs, and windows cut out of it.

Flow is accumulated in nL/day x ms, as strokes are, so every sum is exact. A window of length w that
ends at t holds `total(t) - total(t - w)`; between two edges that is a straight line, so the first
moment at which a window holds too much is computed, not searched.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter
from typing import NamedTuple

MOST_RUNS = 1_024


@dataclass(frozen=True, slots=True)
class Run:
    """Constant flow from `start_ms` to `end_ms`: the program's, and on top of it a bolus's `extra`.

    `burst` is flow that came at once at the start. What fills or empties the path is not in here.
    """

    start_ms: int
    end_ms: int
    rate_nl_per_day: int
    extra_nl_per_day: int = 0
    burst: int = 0

    def rate(self, with_boluses: bool) -> int:
        """Its flow in nL/day, with or without the bolus."""
        return self.rate_nl_per_day + self.extra_nl_per_day if with_boluses else self.rate_nl_per_day

    def until(self, at_ms: int, with_boluses: bool) -> int:
        """What of it had come by `at_ms`."""
        if at_ms < self.start_ms:
            return 0
        return self.burst + self.rate(with_boluses) * (min(at_ms, self.end_ms) - self.start_ms)

    def continued(self, other: "Run") -> bool:
        """True if `other` goes on as this one does."""
        mine = (self.rate_nl_per_day, self.extra_nl_per_day, self.end_ms, 0)
        return mine == (other.rate_nl_per_day, other.extra_nl_per_day, other.start_ms, other.burst)


@dataclass(frozen=True, slots=True)
class Breach:
    """The window of `window_ms` that ends at `at_ms` is the first to hold too much."""

    at_ms: int
    window_ms: int


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that any window of `window_ms` may hold, in nL/day x ms, with boluses or without.

    Windows that begin before `since_ms` saw another limit come or go and may hold up to `spanning`.
    """

    window_ms: int
    most: int
    with_boluses: bool = False
    since_ms: int = 0
    spanning: int = 0

    def at(self, end_ms: int) -> int:
        """What the window that ends at `end_ms` may hold."""
        return self.most if end_ms - self.window_ms >= self.since_ms else max(self.most, self.spanning)


@dataclass(frozen=True, slots=True)
class Passed:
    """The runs of as much of the past as the longest window reaches back, in order of time."""

    runs: tuple[Run, ...] = ()

    def after(self, run: Run, memory_ms: int) -> "Passed":
        """With one run more, and without those that no window can reach any longer."""
        last = self.runs[-1] if self.runs else None
        if last is not None and last.continued(run):
            runs = (*self.runs[:-1], replace(last, end_ms=run.end_ms))
        else:
            runs = (*self.runs, run)
        if runs[0].end_ms > run.end_ms - memory_ms and len(runs) <= MOST_RUNS:
            return Passed(runs)
        return Passed(_within_memory(tuple(r for r in runs if r.end_ms > run.end_ms - memory_ms)))

    def held(self, window_ms: int, end_ms: int, with_boluses: bool) -> int:
        """The flow in the window that ends at `end_ms`."""
        ends = (end_ms, end_ms - window_ms)
        late, early = (sum(run.until(end, with_boluses) for run in self.runs) for end in ends)
        return late - early

    def breach(self, run: Run, limit: Limit) -> Breach | None:
        """The first window in which the limit would not hold any longer if `run` came next."""
        start_ms = run.start_ms - limit.window_ms
        past = self.runs[bisect_right(self.runs, start_ms, key=_END) :]
        held = run.burst + _flow_after(start_ms, past, limit.with_boluses)
        rate, begin, leaving = run.rate(limit.with_boluses), run.start_ms, 0
        for edge in _edges((*past, run), limit):
            until = max(begin, min(edge.at_ms, run.end_ms))
            at_ms = _crossing(held, rate - leaving, (begin, until), limit.at(begin))
            if at_ms is not None:
                return Breach(at_ms, limit.window_ms)
            if edge.at_ms > run.end_ms:
                return None
            held += (rate - leaving) * (until - begin)
            held -= edge.dropped if edge.at_ms > run.start_ms else 0
            begin, leaving = until, leaving if edge.leaving is None else edge.leaving
        return None


class _Edge(NamedTuple):
    """From `at_ms` on `leaving` flows out of the window's far end; `dropped` leaves there at once."""

    at_ms: int
    leaving: int | None
    dropped: int


NOTHING = Passed()

_END = attrgetter("end_ms")


def _flow_after(start_ms: int, runs: tuple[Run, ...], with_boluses: bool) -> int:
    """What of the runs came after `start_ms`, which only the first of them may reach back beyond."""
    if not runs:
        return 0
    whole = sum([run.until(run.end_ms, with_boluses) for run in runs])
    return whole - runs[0].until(start_ms, with_boluses)


def _edges(runs: tuple[Run, ...], limit: Limit) -> list[_Edge]:
    """Where the window's beginning meets an edge of the past, up to beyond the end of the last run."""
    edges = [_Edge(limit.since_ms + limit.window_ms, None, 0)]
    for run in runs:
        edges.append(_Edge(run.start_ms + limit.window_ms, run.rate(limit.with_boluses), run.burst))
        edges.append(_Edge(run.end_ms + limit.window_ms, 0, 0))
        if run.end_ms + limit.window_ms > runs[-1].end_ms:
            break
    return sorted(edges, key=itemgetter(0))


def _crossing(held: int, slope: int, span: tuple[int, int], allowed: int) -> int | None:
    """The first tick of a straight stretch at which more is held than allowed; None if there is none."""
    begin, end = span
    if held > allowed:
        return begin
    if slope <= 0 or held + slope * (end - begin) <= allowed:
        return None
    return begin + (allowed - held) // slope + 1


def _within_memory(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    """At most so many runs; the oldest are taken together as if they had come later than they did."""
    if len(runs) <= MOST_RUNS:
        return runs
    surplus = len(runs) - MOST_RUNS + 1
    oldest, rest = runs[:surplus], runs[surplus:]
    end_ms = oldest[-1].end_ms
    return (Run(end_ms, end_ms, 0, burst=sum(run.until(end_ms, with_boluses=True) for run in oldest)), *rest)
