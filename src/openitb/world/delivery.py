"""What was ordered beside what left the tip: where the two part, and by how much."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from openitb import catheter, units
from openitb.prescription.program import compile_order
from openitb.timeline import Segment, Timeline, join
from openitb.world.case import Case, Event, Refill, SetOrder, System
from openitb.world.simulate import SystemCourse

TIP_UNIT = "ug/h"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span in which the drug at the tip was not what was ordered; amounts in µg."""

    start_ms: int
    end_ms: int
    ordered_ug: float
    given_ug: float

    @property
    def of_ordered(self) -> float | None:
        """Given as a multiple of ordered; None where nothing was ordered."""
        return self.given_ug / self.ordered_ug if self.ordered_ug else None


@dataclass(frozen=True, slots=True)
class _Piece:
    start_ms: int
    end_ms: int
    ordered: float
    given: float


def ordered_timeline(case: Case, system: System) -> Timeline:
    """Drug as the record orders it, in µg/h from the start to the end of the case."""
    changes = [event for event in case.events if isinstance(event.action, SetOrder)]
    edges = [*(event.at_ms for event in changes), case.until_ms]
    segments = [Segment(case.start_ms, edges[0], 0.0)]
    for event, end_ms in zip(changes, edges[1:], strict=True):
        segments += _ordered(case, system, event, end_ms)
    return join([s for s in segments if s.start_ms < s.end_ms], TIP_UNIT)


def departures(case: Case, system: System, course: SystemCourse) -> tuple[Stretch, ...]:
    """Where what left the tip lay further from the order than the pump's stated accuracy allows.

    A stretch ends where the part of the order that was given changes by more than that accuracy. One
    of less than two strokes of fluid is the grain of the pump, not a departure.
    """
    accuracy = float(system.pump.flow_accuracy)
    pieces = [p for p in _pieces(case, system, course) if not _near(p.given, p.ordered, accuracy)]
    grain_ug = 2 * system.pump.stroke_volume_nl * _strongest(course) / units.PG_PER_UG
    stretches = (_stretch(run) for run in _runs(pieces, accuracy))
    return tuple(s for s in stretches if abs(s.given_ug - s.ordered_ug) > grain_ug)


def _runs(pieces: Sequence[_Piece], accuracy: float) -> Iterator[list[_Piece]]:
    run: list[_Piece] = []
    for piece in pieces:
        if run and not (run[-1].end_ms == piece.start_ms and _alike(run[0], piece, accuracy)):
            yield run
            run = []
        run.append(piece)
    if run:
        yield run


def _alike(one: _Piece, other: _Piece, accuracy: float) -> bool:
    """The same part of the order, compared across so that nothing divides by zero."""
    here, there = one.given * other.ordered, other.given * one.ordered
    return (not one.ordered) == (not other.ordered) and _near(there, here, accuracy)


def _near(value: float, expected: float, accuracy: float) -> bool:
    return abs(value - expected) <= accuracy * expected


def _ordered(case: Case, system: System, event: Event, end_ms: int) -> Iterator[Segment]:
    assert isinstance(event.action, SetOrder)  # noqa: S101 - narrowed by the caller
    if event.at_ms >= end_ms:
        return
    label = _label_at(case, system, event)
    program = compile_order(event.action.order, label, system.pump)
    for segment in program.timeline(event.at_ms, end_ms, case.zone_offset_ms).segments():
        per_day_pg = segment.value * label
        yield Segment(segment.start_ms, segment.end_ms, per_day_pg / units.PG_PER_UG / units.HOURS_PER_DAY)


def _label_at(case: Case, system: System, event: Event) -> int:
    label = system.concentration_ug_per_ml
    for earlier in case.events[: case.events.index(event)]:
        if isinstance(earlier.action, Refill):
            label = earlier.action.concentration_ug_per_ml
    return label


def _pieces(case: Case, system: System, course: SystemCourse) -> Iterator[_Piece]:
    ordered = ordered_timeline(case, system)
    given = catheter.outflow_timeline(course.outflow, case.start_ms, case.until_ms)
    edges = np.union1d(ordered.starts_ms, given.starts_ms)
    asked, came = ordered.sample(edges.tolist()), given.sample(edges.tolist())
    ends = [*edges[1:].tolist(), case.until_ms]
    for start, end, want, got in zip(edges.tolist(), ends, asked.tolist(), came.tolist(), strict=True):
        yield _Piece(start, end, want, got)


def _stretch(run: Sequence[_Piece]) -> Stretch:
    ordered = sum(p.ordered * (p.end_ms - p.start_ms) for p in run) / units.MS_PER_H
    given = sum(p.given * (p.end_ms - p.start_ms) for p in run) / units.MS_PER_H
    return Stretch(run[0].start_ms, run[-1].end_ms, ordered, given)


def _strongest(course: SystemCourse) -> float:
    wet = (p.mass_pg / p.volume_nl for p in course.outflow if p.volume_nl)
    return max(wet, default=0.0)
