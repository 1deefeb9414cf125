"""Admission: would a bolus, or a new program, keep every limit in every window still to come?

A request that fits now may still make a later window too full, once the flow that follows is added
(safety.md INC-20). So the whole future is laid out, the committed program at its full flow and
the bolus on top, and every window is tried until the longest one has left the bolus behind.

Holds: DEL-06, BOL-01.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from openitb.implant.firmware.guard import Guard, first_breach
from openitb.implant.firmware.passed import Breach, Run


@dataclass(frozen=True, slots=True)
class Flow:
    """Constant flow of the committed program up to `end_ms`."""

    end_ms: int
    rate_nl_per_day: int


@dataclass(frozen=True, slots=True)
class Extra:
    """A bolus on top of the program: `rate_nl_per_day` more from `start_ms` to `end_ms`."""

    start_ms: int
    end_ms: int
    rate_nl_per_day: int


def foreseen_breach(
    guard: Guard, now_ms: int, basal: tuple[Flow, ...], extra: Extra | None = None
) -> Breach | None:
    """The first window that would hold too much; None if all of the laid-out future keeps the limits.

    `basal` must reach one longest window beyond the end of the bolus, or what comes later is not seen.
    """
    future = tuple(_future(now_ms, basal, extra))
    return first_breach(guard.passed, guard.limits, future) if future else None


def _future(now_ms: int, basal: tuple[Flow, ...], extra: Extra | None) -> Iterator[Run]:
    """Runs of basal and bolus together, each of one flow."""
    start = now_ms
    for flow in basal:
        for end in _cuts(start, flow.end_ms, extra):
            within = extra is not None and extra.start_ms <= start < extra.end_ms
            yield Run(start, end, flow.rate_nl_per_day, extra.rate_nl_per_day if extra and within else 0)
            start = end


def _cuts(start_ms: int, end_ms: int, extra: Extra | None) -> list[int]:
    edges = (extra.start_ms, extra.end_ms, end_ms) if extra else (end_ms,)
    return sorted({at for at in edges if start_ms < at <= end_ms})
