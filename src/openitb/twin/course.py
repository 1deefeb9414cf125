"""How used many would-be patients are to the drug at each instant of interest, in steps that follow change.

The rules are those of `body.adaptation`, at the steady level of the mean rate in each step: fine after a
change of order or of the system, coarse in calm. Rows are would-be patients.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from openitb.body.anatomy import Floats
from openitb.twin.delivery import Steps
from openitb.twin.faults import Acting

STEPS_H = (24.0, 48.0, 96.0, 192.0)  # after a change; then the last again and again
_TINY = 1e-300
_SAME_H = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Steps from `edges_h` (k + 1,) with the logarithm of the rate at the tip in each (k,), -inf for none;
    `reads` (n,) are the edges at which the instants of interest lie.
    """

    edges_h: Floats
    log_rate: Floats
    reads: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Pace:
    """What of each row decides how it adapts; those that are everybody's are single numbers."""

    log_level: Floats  # of concentration over EC50 at 1 µg/h
    gain: Floats
    hill: float
    part: float
    rise_h: float
    recovery_h: float
    memory_h: float
    lag_h: float
    drift_per_h: float = 0.0  # by which the need of the cause rises


@dataclass(slots=True, eq=False)
class Used:
    """How used each row is to the drug."""

    tolerance: Floats
    withdrawal: Floats
    accustomed: Floats
    onset: Floats
    lost: NDArray[np.bool_]

    @classmethod
    def never(cls, rows: int) -> "Used":
        """Nobody has been treated."""
        nothing, one = np.zeros(rows), np.ones(rows)
        return cls(one, nothing, nothing.copy(), one.copy(), np.zeros(rows, dtype=np.bool_))


def grid(tip: Steps, changes_h: Floats, reads_h: Floats) -> Grid:
    """The steps from the first drug to the last instant of interest: ever longer ones from each change on,
    cut at the instants of interest.
    """
    begin = float(tip.start_h[np.flatnonzero(tip.value)[0]]) if tip.value.any() else 0.0
    end = max(float(reads_h.max(initial=begin)), begin)
    marks = np.unique(np.clip(np.concatenate([[begin, end], changes_h]), begin, end))
    graded = [hour for span in pairwise(marks.tolist()) for hour in _within(*span)]
    edges = np.unique([*graded, *np.clip(reads_h, begin, end), end])
    edges = edges[np.append(np.diff(edges) > _SAME_H, True)]
    with np.errstate(divide="ignore"):
        log_rate = np.log(np.diff(tip.total(edges)) / np.diff(edges))
    reads = np.searchsorted(edges, np.clip(reads_h, begin, end) - _SAME_H)
    return Grid(edges, log_rate, reads)


def adapted(pace: Pace, acting: Acting, steps: Grid, used: Used) -> Iterator[Used]:
    """The state at each edge of the grid, from `used` at the first; do not keep it, it changes."""
    hill = pace.hill
    onset_power = used.onset**hill
    yield used
    for k, (start, end) in enumerate(pairwise(steps.edges_h.tolist())):
        step_h, middle = end - start, (start + end) / 2
        log_level = pace.log_level + steps.log_rate[k] - pace.drift_per_h * middle + acting.log_acting(middle)
        scaled = np.exp(hill * np.maximum(log_level, -50.0)) + _TINY
        power = np.exp(hill * np.log(used.tolerance))
        own = scaled / (scaled + power)
        held = np.where(used.lost, scaled / (scaled + onset_power), own)
        is_enough = held >= pace.part * used.accustomed
        begins = ~used.lost & ~is_enough
        used.onset = np.where(begins, used.tolerance, used.onset)
        onset_power = np.where(begins, power, onset_power)
        lost = (used.lost | begins) & ~is_enough
        eased = used.tolerance - 1.0 <= pace.part * (used.onset - 1.0)
        settled = used.lost & lost & eased & (used.tolerance <= 1.0 + pace.gain * own)
        used.accustomed = np.where(settled, own, used.accustomed)
        used.lost = lost & ~settled
        _step(pace, used, np.where(used.lost, held, own), step_h)
        yield used


def _step(pace: Pace, used: Used, occupancy: Floats, step_h: float) -> None:
    """One step. As tolerance rises occupancy falls, which slows the rise: the step is exact for a line."""
    missing = np.clip(1.0 - occupancy / np.maximum(used.accustomed, _TINY), 0.0, 1.0)
    missing *= used.accustomed > 0
    excess = used.tolerance - 1.0
    eased = 1.0 + excess * np.exp(-step_h / pace.recovery_h * missing)
    goal = 1.0 + pace.gain * occupancy
    slowed = 1.0 + pace.gain * pace.hill * occupancy * (1.0 - occupancy) / used.tolerance
    risen = used.tolerance - (goal - used.tolerance) * np.expm1(-slowed * step_h / pace.rise_h) / slowed
    level = np.where(used.lost, eased, risen)
    kept = np.exp(-step_h / pace.memory_h)
    accustomed = np.where(used.lost, used.accustomed, occupancy + (used.accustomed - occupancy) * kept)
    drive = (excess + level - 1.0) / 2 * missing / pace.gain
    left = np.exp(-step_h / pace.lag_h)
    used.withdrawal = drive + (used.withdrawal - drive) * left
    used.tolerance, used.accustomed = level, accustomed


def _within(start: float, end: float) -> Iterator[float]:
    """Ever longer steps from one mark towards the next, its end left out."""
    at, turn = start, 0
    while end - at > 1e-9:
        yield at
        at = min(at + STEPS_H[min(turn, len(STEPS_H) - 1)], end)
        turn += 1
