"""What the guard let through: flow over time, kept as straight runs, and windows cut out of it.

Flow is accumulated in nL/day x ms, as strokes are, so every sum is exact. A window of length w that
ends at t holds `total(t) - total(t - w)`; between two edges that is a straight line, so the first
moment at which a window holds too much is computed, not searched.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter

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

    @property
    def room(self) -> int:
        """How many runs more are kept apart from each other, whatever is forgotten meanwhile."""
        return MOST_RUNS - len(self.runs)

    def after(self, runs: Sequence[Run], memory_ms: int) -> "Passed":
        """With these runs more, and without those that no window can reach any longer."""
        joined = list(self.runs)
        for run in runs:
            if joined and joined[-1].continued(run):
                joined[-1] = replace(joined[-1], end_ms=run.end_ms)
            else:
                joined.append(run)
        forgotten = bisect_right(joined, joined[-1].end_ms - memory_ms, key=_END)
        return Passed(_within_memory(tuple(joined[forgotten:])))

    def held(self, window_ms: int, end_ms: int, with_boluses: bool) -> int:
        """The flow in the window that ends at `end_ms`."""
        ends = (end_ms, end_ms - window_ms)
        late, early = (sum(run.until(end, with_boluses) for run in self.runs) for end in ends)
        return late - early

    def breach(self, runs: Sequence[Run], limit: Limit) -> Breach | None:
        """The first window in which the limit would not hold any longer if `runs` came next.

        They come one after the other, without a gap.
        """
        begin, end = runs[0].start_ms, runs[-1].end_ms
        since = begin - limit.window_ms
        past = self.runs[bisect_right(self.runs, since, key=_END) :]
        held = _flow_after(since, past, limit.with_boluses)
        edges = list(_edges((*past, *runs), limit.with_boluses))
        slope = sum(change for at_ms, change, _ in edges if since < at_ms < begin)
        for at_ms, change, burst in _moments(edges, begin, end, limit):
            if at_ms > begin:
                # The tick of a moment belongs to what follows it: what drops out there is in no window then.
                crossed = _crossing(held, slope, (begin, at_ms - 1), limit.at(begin))
                if crossed is not None:
                    return Breach(crossed, limit.window_ms)
                held, begin = held + slope * (at_ms - begin), at_ms
            slope, held = slope + change, held + burst
        crossed = _crossing(held, slope, (begin, end), limit.at(begin))
        return None if crossed is None else Breach(crossed, limit.window_ms)


NOTHING = Passed()

_END = attrgetter("end_ms")
_AT = itemgetter(0)

_Edge = tuple[int, int, int]  # the flow changes at, by so much, and so much comes there at once


def _flow_after(start_ms: int, runs: tuple[Run, ...], with_boluses: bool) -> int:
    """What of the runs came after `start_ms`, which only the first of them may reach back beyond."""
    if not runs:
        return 0
    whole = sum([run.until(run.end_ms, with_boluses) for run in runs])
    return whole - runs[0].until(start_ms, with_boluses)


def _edges(runs: tuple[Run, ...], with_boluses: bool) -> Iterator[_Edge]:
    """Where the flow of runs changes, a gap between two of them being none."""
    before, end_ms = 0, runs[0].start_ms
    for run in runs:
        if run.start_ms > end_ms:
            yield end_ms, -before, 0
            before = 0
        rate = run.rate(with_boluses)
        yield run.start_ms, rate - before, run.burst
        before, end_ms = rate, run.end_ms


def _moments(edges: list[_Edge], begin_ms: int, end_ms: int, limit: Limit) -> list[_Edge]:
    """All that changes what a window holds while its end moves: what leaves behind comes off it again."""
    window_ms = limit.window_ms
    leaving = [
        (at_ms + window_ms, -change, -burst)
        for at_ms, change, burst in edges
        if begin_ms < at_ms + window_ms <= end_ms
    ]
    coming = [edge for edge in edges if edge[0] >= begin_ms]
    changing = limit.since_ms + window_ms
    other = [(changing, 0, 0)] if begin_ms < changing <= end_ms else []
    return sorted([*leaving, *coming, *other], key=_AT)


def _crossing(held: int, slope: int, span: tuple[int, int], allowed: int) -> int | None:
    """The first tick of a straight stretch at which more is held than allowed; None if there is none."""
    begin, end = span
    if end < begin:
        return None
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
