"""The state of a body at any time, exactly, from its modes and its schedule.

The state is carried in modal coordinates from node to node: every change of input is a node, and a
long stretch gets further nodes at output times, so that the outputs between nodes fall on few distinct
offsets and are read by few matrix products.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from openitb.body.anatomy import Floats, Ints
from openitb.body.inputs import Schedule
from openitb.body.modes import Modal, Modes

_OUTPUTS_PER_NODE = 64
_MOST_OFFSETS = 512  # above this, outputs are on no grid and each is read by itself
_ROWS_AT_ONCE = 4096
_DIGITS = 10  # offsets closer than 1e-10 h are one


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """One body under one schedule."""

    modes: Modes
    schedule: Schedule

    def observe(self, rows: Floats, times_h: Floats) -> Floats:
        """Read-outs `rows` (outputs, size) of the state at `times_h` (n,), any order: (n, outputs).

        At the instant of a bolus the state is the one after it. Times are at least 0.
        """
        order = np.argsort(times_h, kind="stable")
        values = np.empty((len(times_h), len(rows)))
        values[order] = self._observe_sorted(rows @ self.modes.vectors, times_h[order])
        return values

    def _observe_sorted(self, rows: Modal, times_h: Floats) -> Floats:
        nodes_h = self._nodes(times_h)
        rates, places = self.schedule.rate_at(nodes_h), self.schedule.place_at(nodes_h)
        inflows = self.schedule.tips @ self.modes.inverse.T
        states = self._states(nodes_h, rates, inflows[places])
        node = np.searchsorted(nodes_h, times_h, side="right") - 1
        values = np.empty((len(times_h), len(rows)))
        for some, offsets in _alike(times_h - nodes_h[node]):
            remain, gain = self.modes.step(offsets)
            at = node[some]
            one = len(offsets) == 1  # then one matrix product reads all outputs with this offset
            free = states[at] @ (remain * rows).T if one else (states[at] * remain) @ rows.T
            forced = _forced(gain, inflows, places[at]) @ rows.T
            values[some] = np.real(free + rates[at, None] * forced)
        return values

    def _nodes(self, times_h: Floats) -> Floats:
        """Changes of input up to the last time, and every so many output times after each."""
        changes = self.schedule.at_h[self.schedule.at_h <= times_h[-1]]
        stretch = np.searchsorted(changes, times_h, side="right")
        rank = np.arange(len(times_h)) - np.searchsorted(stretch, stretch)
        return np.union1d(changes, times_h[rank % _OUTPUTS_PER_NODE == 0])

    def _states(self, nodes_h: Floats, rates: Floats, inflows: Modal) -> Modal:
        """Modal state at each node, just after its jumps, shape (nodes, n); `inflows` from each node on."""
        durations, which = _distinct(np.diff(nodes_h))
        remain, gain = self.modes.step(durations)
        states = self._jumps(nodes_h)
        states[0] += self.modes.inverse @ self.schedule.initial_ug
        states[1:] += gain[which] * inflows[:-1] * rates[:-1, None]
        for k, step in enumerate(which.tolist()):
            states[k + 1] += remain[step] * states[k]
        return states

    def _jumps(self, nodes_h: Floats) -> Modal:
        """What jumps into each mode at each node."""
        jumps = np.zeros((len(nodes_h), len(self.modes.rates_per_h)), dtype=self.modes.inverse.dtype)
        at_h = self.schedule.at_h[self.schedule.jump_at]
        within = at_h <= nodes_h[-1]
        into = self.schedule.jump_ug[within] @ self.modes.inverse.T
        np.add.at(jumps, np.searchsorted(nodes_h, at_h[within]), into)
        return jumps


def _forced(gain: Modal, inflows: Modal, places: Ints) -> Modal:
    """What 1 µg/h adds to each mode by each output; one row for all where the tip never moves."""
    return np.asarray(gain * (inflows if len(inflows) == 1 else inflows[places]))


def _alike(offsets_h: Floats) -> Iterator[tuple[Ints, Floats]]:
    """Indices of the outputs that share an offset, with it; or, off any grid, slices of all of them."""
    distinct, which = _distinct(offsets_h)
    if len(distinct) > _MOST_OFFSETS:
        for first in range(0, len(offsets_h), _ROWS_AT_ONCE):
            some = np.arange(first, min(first + _ROWS_AT_ONCE, len(offsets_h)))
            yield some, offsets_h[some]
        return
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(np.bincount(which, minlength=len(distinct)))
    for k, end in enumerate(ends):
        yield order[ends[k - 1] if k else 0 : end], distinct[k : k + 1]


def _distinct(values: Floats) -> tuple[Floats, Ints]:
    """Distinct values up to rounding, and which one each value is."""
    _, first, which = np.unique(np.round(values, _DIGITS), return_index=True, return_inverse=True)
    return values[first], which
