"""Start-up and trumpet curves: how evenly an implant truly delivers, over windows of minutes to weeks.

A stroke pump gives nothing between strokes, so over a short window the flow is far from the set one
either way and over a long window what is left is the error of its strokes. The trumpet curve shows
the largest and smallest error of any window of each length, the start-up curve the flow from the
start on. Both are of what left the outlet, not of what was counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openitb import catalogue, units
from openitb.implant.errors import ImplantError
from openitb.implant.implant import Implant, advance

Volumes = NDArray[np.int64]

STARTUP_POINTS = 240


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
    """Mean flow of the stretch that ends `after_ms` from the start."""

    after_ms: int
    flow_nl_per_day: float


@dataclass(frozen=True, slots=True)
class Curves:
    """What a bench would print: start-up, trumpet and the error over the whole record."""

    set_nl_per_day: int
    span_ms: int
    startup: tuple[FlowPoint, ...]
    trumpet: tuple[Window, ...]
    overall_percent: float


def record(implant: Implant, span_ms: int) -> Record:
    """Let an implant run and note what left it, at the shortest window of the catalogue.

    It must run one constant flow. The record ends before the reservoir does. Raises `ImplantError` for
    an implant that is not running and a span shorter than two windows.
    """
    every_ms = _practice("shortest_window")
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


def curves(recorded: Record) -> Curves:
    """Start-up and trumpet curves of a record."""
    return Curves(
        recorded.set_nl_per_day,
        recorded.span_ms,
        tuple(_startup(recorded)),
        tuple(_trumpet(recorded)),
        _percent(recorded, recorded.passed_nl[-1:] - recorded.passed_nl[:1], recorded.span_ms)[0],
    )


def window_lengths_ms(span_ms: int) -> tuple[int, ...]:
    """Lengths of windows from the shortest on, each twice the one before, as far as the span reaches."""
    shortest, longest = _practice("shortest_window"), min(_practice("longest_window"), span_ms)
    doubled = [shortest]
    while doubled[-1] * 2 <= longest:
        doubled.append(doubled[-1] * 2)
    return tuple(doubled)


def _passed(implant: Implant, every_ms: int, count: int) -> Iterator[int]:
    before = implant.hardware.delivered_nl
    yield 0
    for _ in range(count):
        implant = advance(implant, implant.now_ms + every_ms).implant
        yield implant.hardware.delivered_nl - before


def _startup(recorded: Record) -> Iterator[FlowPoint]:
    """Every stretch of the record's first part, each of the same length."""
    steps = len(recorded.passed_nl) - 1
    each = max(1, steps // STARTUP_POINTS)
    for end in range(each, steps + 1, each):
        volume = int(recorded.passed_nl[end] - recorded.passed_nl[end - each])
        yield FlowPoint(end * recorded.every_ms, volume * units.MS_PER_DAY / (each * recorded.every_ms))


def _trumpet(recorded: Record) -> Iterator[Window]:
    for length_ms in window_lengths_ms(recorded.span_ms):
        steps = length_ms // recorded.every_ms
        errors = _percent(recorded, recorded.passed_nl[steps:] - recorded.passed_nl[:-steps], length_ms)
        yield Window(length_ms, max(errors), min(errors))


def _percent(recorded: Record, volumes: Volumes, span_ms: int) -> list[float]:
    expected = recorded.set_nl_per_day * span_ms / units.MS_PER_DAY
    errors: list[float] = ((volumes / expected - 1) * 100).tolist()
    return errors


def _practice(name: str) -> int:
    return catalogue.load().practice["metrology"].fact(name).whole("ms")
