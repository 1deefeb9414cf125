"""Start-up and trumpet curves: how evenly an implant truly delivers, over windows of minutes to weeks.

A stroke pump gives nothing between strokes, so over a short window the flow is far from the set one
either way and over a long window what is left is the error of its strokes. The trumpet curve shows
the largest and smallest error of any window of each length, the start-up curve the flow from the
start on. Both are of what left the outlet, not of what was counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from openitb import catalogue, units
from openitb.catalogue import Entry
from openitb.implant.errors import ImplantError
from openitb.implant.implant import Implant, advance

Volumes = NDArray[np.int64]

STARTUP_POINTS = 480
STARTUP_SMOOTHINGS = 4  # a start-up curve shows the smoothed flow for longer than it takes to settle


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """Volume that has left the outlet, nL, every `every_ms` from the start; `set_nl_per_day` was asked."""

    every_ms: int
    passed_nl: Volumes
    set_nl_per_day: int

    @property
    def span_ms(self) -> int:
        """How long was recorded."""
        return self.every_ms * (len(self.passed_nl) - 1)


@dataclass(frozen=True, slots=True)
class Window:
    """The errors of all windows of one length, percent of the set flow."""

    length_ms: int
    highest_percent: float
    lowest_percent: float


@dataclass(frozen=True, slots=True)
class FlowPoint:
    """Mean flow of the last `smoothing_ms` before `after_ms`, or since the start where that is less."""

    after_ms: int
    flow_nl_per_day: float


@dataclass(frozen=True, slots=True)
class Curves:
    """What a bench would print: start-up, trumpet and the error over the whole record.

    `first_ms` is when the first fluid had left, None if none did; `between_ms` the usual time from one
    delivery to the next, at the resolution of the record: no window below it holds an even flow.
    """

    set_nl_per_day: int
    span_ms: int
    first_ms: int | None
    between_ms: int
    smoothing_ms: int
    startup: tuple[FlowPoint, ...]
    trumpet: tuple[Window, ...]
    overall_percent: float


def record(implant: Implant, span_ms: int) -> Record:
    """Let an implant run and note what left it, at the shortest window of the catalogue.

    It must run one constant flow. The record ends before the reservoir does. Raises `ImplantError` for
    an implant that is not running and a span shorter than two windows.
    """
    every_ms = shortest_ms()
    rate = constant_flow(implant)
    most = implant.reservoir.available_nl * units.MS_PER_DAY // (2 * rate * every_ms)
    count = min(span_ms // every_ms, max(2, most))
    if count < 2:  # one window and a second to compare with
        raise ImplantError(f"span: got {span_ms} ms, expected at least {2 * every_ms} ms")
    return Record(every_ms, np.fromiter(_passed(implant, every_ms, count), np.int64, count + 1), rate)


def constant_flow(implant: Implant) -> int:
    """The one flow it is set to, nL/day; `ImplantError` where it is stopped or follows the time of day."""
    steps = implant.firmware.controller.program.week
    rate = steps[0].rate_nl_per_day if len({step.rate_nl_per_day for step in steps}) == 1 else 0
    if not rate or implant.firmware.controller.stages:
        raise ImplantError("order: expected one constant flow above 0 and no prime or bridge")
    return rate


def curves(recorded: Record, startup_ms: int | None = None) -> Curves:
    """Start-up and trumpet curves of a record; the first for `startup_ms`, or until it has settled."""
    left = np.flatnonzero(np.diff(recorded.passed_nl))
    between_ms = int(np.median(np.diff(left))) * recorded.every_ms if len(left) > 1 else recorded.span_ms
    smoothing_ms = min(_facts().fact("smoothing").whole("1") * between_ms, recorded.span_ms)
    return Curves(
        recorded.set_nl_per_day,
        recorded.span_ms,
        (int(left[0]) + 1) * recorded.every_ms if len(left) else None,
        between_ms,
        smoothing_ms,
        tuple(_startup(recorded, smoothing_ms, startup_ms or STARTUP_SMOOTHINGS * smoothing_ms)),
        tuple(_trumpet(recorded)),
        _percent(recorded, recorded.passed_nl[-1:] - recorded.passed_nl[:1], recorded.span_ms)[0],
    )


def shortest_ms() -> int:
    """The shortest window, and how often a record is kept."""
    return _windows_ms()[0]


def window_lengths_ms(span_ms: int) -> tuple[int, ...]:
    """Lengths of windows of the catalogue, as far as the span reaches."""
    return tuple(length for length in _windows_ms() if length <= span_ms)


def _passed(implant: Implant, every_ms: int, count: int) -> Iterator[int]:
    before = implant.hardware.delivered_nl
    yield 0
    for _ in range(count):
        implant = advance(implant, implant.now_ms + every_ms).implant
        yield implant.hardware.delivered_nl - before


def _startup(recorded: Record, smoothing_ms: int, length_ms: int) -> Iterator[FlowPoint]:
    """Flow over the first part of the record, as means of what has left by then."""
    most = max(1, smoothing_ms // recorded.every_ms)
    ends = _told(recorded.passed_nl[: length_ms // recorded.every_ms + 1])
    for end in map(int, ends[:: max(1, len(ends) // STARTUP_POINTS)]):
        each = min(end, most)
        volume = int(recorded.passed_nl[end] - recorded.passed_nl[end - each])
        yield FlowPoint(end * recorded.every_ms, volume * units.MS_PER_DAY / (each * recorded.every_ms))


def _told(passed_nl: Volumes) -> Volumes:
    """Where a mean is taken: at deliveries, or the steps between them would show; and in every longer gap."""
    left = np.diff(passed_nl) > 0
    ends = np.arange(1, len(passed_nl))
    since = ends - np.maximum.accumulate(np.where(left, ends, 0))
    return ends[left | (since > 2 * len(ends) // max(1, int(left.sum())))]


def _trumpet(recorded: Record) -> Iterator[Window]:
    for length_ms in window_lengths_ms(recorded.span_ms):
        steps = length_ms // recorded.every_ms
        errors = _percent(recorded, recorded.passed_nl[steps:] - recorded.passed_nl[:-steps], length_ms)
        yield Window(length_ms, max(errors), min(errors))


def _percent(recorded: Record, volumes: Volumes, span_ms: int) -> list[float]:
    expected = recorded.set_nl_per_day * span_ms / units.MS_PER_DAY
    errors: list[float] = ((volumes / expected - 1) * 100).tolist()
    return errors


@cache
def _windows_ms() -> tuple[int, ...]:
    given = _facts().fact("windows").text().split(",")
    return tuple(units.duration_ms(length, "metrology.windows") for length in given)


def _facts() -> Entry:
    return catalogue.load().practice["metrology"]
