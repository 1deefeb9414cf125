"""What flows through the house: Timelines, Impulses and Parcels in, Series out.

A `Timeline` is a piecewise-constant function of time with exact integrals. An `Impulse` is an
amount given at one instant. A `Parcel` is fluid with drug in it that passed a point between two
instants. A `Series` is sampled. Instants are whole ms since the Unix epoch, UTC.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from openitb.records import quick

Number = int | float


class TimelineError(ValueError):
    """A timeline was built or asked for in a way that has no meaning."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of a timeline: `value` from `start_ms` up to, not including, `end_ms`."""

    start_ms: int
    end_ms: int
    value: Number


@dataclass(frozen=True, slots=True)
class Impulse:
    """An amount in `unit` given at one instant."""

    at_ms: int
    amount: Number
    unit: str


@quick
@dataclass(frozen=True, slots=True)
class Parcel:
    """Fluid that passed a point evenly between two instants: volume in nL, drug in pg."""

    start_ms: int
    end_ms: int
    volume_nl: int
    mass_pg: int

    @property
    def concentration_ug_per_ml(self) -> Fraction:
        """Drug per fluid, exact; zero for an empty parcel."""
        return Fraction(self.mass_pg, self.volume_nl) if self.volume_nl else Fraction(0)


@dataclass(frozen=True, slots=True)
class Series:
    """Values sampled at `time_h` hours from the start, in `unit`; both arrays of shape (n,)."""

    time_h: NDArray[np.float64]
    values: NDArray[np.float64]
    unit: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A piecewise-constant function: `values[i]` from `starts_ms[i]` to the next start or `end_ms`.

    Refuses unsorted starts, an empty stretch and unequal lengths with `TimelineError`.
    """

    starts_ms: tuple[int, ...]
    values: tuple[Number, ...]
    end_ms: int
    unit: str

    def __post_init__(self) -> None:
        edges = (*self.starts_ms, self.end_ms)
        if len(self.starts_ms) != len(self.values) or not self.values:
            raise TimelineError(f"timeline: {len(self.starts_ms)} starts for {len(self.values)} values")
        if any(later <= earlier for earlier, later in pairwise(edges)):
            raise TimelineError("timeline: starts must increase and lie before the end")

    @property
    def start_ms(self) -> int:
        """First instant of the timeline."""
        return self.starts_ms[0]

    def segments(self) -> Iterator[Segment]:
        """The stretches in order of time."""
        ends = (*self.starts_ms[1:], self.end_ms)
        for start, end, value in zip(self.starts_ms, ends, self.values, strict=True):
            yield Segment(start, end, value)

    def at(self, at_ms: int) -> Number:
        """The value in force at `at_ms`; `TimelineError` outside the timeline."""
        if not self.start_ms <= at_ms < self.end_ms:
            raise TimelineError(f"timeline: {at_ms} ms lies outside {self.start_ms} to {self.end_ms} ms")
        return self.values[bisect_right(self.starts_ms, at_ms) - 1]

    def integral(self, start_ms: int | None = None, end_ms: int | None = None) -> Number:
        """Exact integral in unit·ms over the given span, clipped to the timeline; int for int values."""
        low = self.start_ms if start_ms is None else start_ms
        high = self.end_ms if end_ms is None else end_ms
        spans = ((s.value, min(s.end_ms, high) - max(s.start_ms, low)) for s in self.segments())
        return sum(value * span for value, span in spans if span > 0)

    def clip(self, start_ms: int, end_ms: int) -> "Timeline":
        """The part between two instants; `TimelineError` if they do not overlap the timeline."""
        kept = [s for s in self.segments() if s.end_ms > start_ms and s.start_ms < end_ms]
        if not kept or end_ms <= start_ms:
            raise TimelineError(f"timeline: nothing lies between {start_ms} and {end_ms} ms")
        starts = (max(kept[0].start_ms, start_ms), *(s.start_ms for s in kept[1:]))
        return Timeline(starts, tuple(s.value for s in kept), min(kept[-1].end_ms, end_ms), self.unit)

    def shift(self, by_ms: int) -> "Timeline":
        """The same course, `by_ms` later."""
        return Timeline(tuple(s + by_ms for s in self.starts_ms), self.values, self.end_ms + by_ms, self.unit)

    def map(self, change: Callable[[Number], Number], unit: str) -> "Timeline":
        """The timeline of changed values, in a new `unit`."""
        return Timeline(self.starts_ms, tuple(change(v) for v in self.values), self.end_ms, unit)

    def simplified(self) -> "Timeline":
        """The same function with neighbouring equal stretches joined."""
        pairs = zip(self.starts_ms, (None, *self.values), self.values, strict=False)
        kept = [(start, value) for start, before, value in pairs if value != before]
        return Timeline(tuple(s for s, _ in kept), tuple(v for _, v in kept), self.end_ms, self.unit)

    def merge(self, other: "Timeline") -> "Timeline":
        """The sum of two timelines of one unit, each counted as zero outside its own span."""
        if self.unit != other.unit:
            raise TimelineError(f"timeline: cannot add {other.unit} to {self.unit}")
        edges = sorted({*self.starts_ms, self.end_ms, *other.starts_ms, other.end_ms})
        values = tuple(self._or_zero(e) + other._or_zero(e) for e in edges[:-1])
        return Timeline(tuple(edges[:-1]), values, edges[-1], self.unit).simplified()

    def sample(self, times_ms: Sequence[int]) -> NDArray[np.float64]:
        """Values at each instant, zero outside the span; shape (len(times_ms),)."""
        times = np.asarray(times_ms, dtype=np.int64)
        index = np.searchsorted(np.asarray(self.starts_ms, dtype=np.int64), times, side="right") - 1
        values = np.asarray(self.values, dtype=np.float64)[np.clip(index, 0, None)]
        return np.where((index >= 0) & (times < self.end_ms), values, 0.0)

    def _or_zero(self, at_ms: int) -> Number:
        return self.at(at_ms) if self.start_ms <= at_ms < self.end_ms else 0


def join(segments: Sequence[Segment], unit: str, fill: Number = 0) -> Timeline:
    """A timeline from segments in order of time; gaps are filled with `fill`, overlaps refused."""
    starts: list[int] = []
    values: list[Number] = []
    end = segments[0].start_ms if segments else 0
    for segment in segments:
        if segment.start_ms < end:
            raise TimelineError(f"timeline: a segment at {segment.start_ms} ms overlaps the one before it")
        if segment.start_ms > end:
            starts.append(end)
            values.append(fill)
        starts.append(segment.start_ms)
        values.append(segment.value)
        end = segment.end_ms
    return Timeline(tuple(starts), tuple(values), end, unit).simplified()
