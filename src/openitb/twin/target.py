"""The posterior of unknowns under explanations, and how what would be seen changes with every unknown."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from openitb.body.anatomy import Floats
from openitb.twin.course import Grid
from openitb.twin.faults import Acting, Explanations
from openitb.twin.likelihood import log_levels, log_volumes
from openitb.twin.model import Columns, Model, States, severity
from openitb.twin.priors import SEVERITY

SQRT_2PI = np.sqrt(2 * np.pi)
_NUDGE = 0.03  # SDs


class Nudged(NamedTuple):
    """The number behind every level (rows, n) and every volume (rows, v), and how all of them change with
    every unknown, (rows, d, n + v).
    """

    levels: Floats
    volumes: Floats
    change: Floats


class Target:
    """The posterior of unknowns under explanations, up to what is the same for all of them; `log_share` is
    how likely the model's dispersion was beforehand.
    """

    def __init__(self, model: Model, explained: Explanations, log_share: float = 0.0) -> None:
        self.model, self.explained, self.log_share = model, explained, log_share
        self.steps: Grid = model.grid(explained)
        self.size = len(model.prior.names)

    def acting(self, z: Floats, which: Columns) -> Acting:
        """What has happened to each row."""
        return self.explained.acting(which, severity(self.model.prior, z))

    def observed(self, z: Floats, which: Columns) -> tuple[Floats, Floats]:
        """The number behind every level (rows, n), and behind every volume (rows, v)."""
        acting = self.acting(z, which)
        states = self.model.states(self.model.pace(z), acting, self.steps)
        return self.model.predicted(z, acting, states), self.model.missing_nl(z, acting)

    def log_parts(self, z: Floats, which: Columns, wider: float = 1.0) -> Floats:
        """Log probability of everything seen, (rows, n + v), with noise `wider` than it is."""
        levels, volumes = self.observed(z, which)
        told = log_levels(self.model.seen, levels, wider * self.model.sd(z))
        return np.concatenate([told, log_volumes(self.model.drawn, volumes, wider)], axis=1)

    def log(self, z: Floats, which: Columns, wider: float = 1.0) -> Floats:
        """Log of prior density times likelihood, (rows,); the explanation's own prior is left out."""
        return np.asarray(self.log_parts(z, which, wider).sum(axis=1) + log_prior(z))

    def nudged(self, z: Floats, which: Columns) -> Nudged:
        """What is observed and its slopes, by differences.

        How used somebody is follows from three numbers alone (level, gain, severity), so the long way
        through the record is gone again for those three and not for every unknown.
        """
        rows, size = z.shape
        states, slopes = self._states(z, which)
        beside = (z[:, None, :] + _NUDGE * np.eye(size)).reshape(-1, size)
        away = self._away(z, beside)
        tolerance, withdrawal = (
            np.repeat(state, size, axis=0)
            + sum(by[:, None] * np.repeat(slope, size, axis=0) for by, slope in zip(away, own, strict=True))
            for state, own in zip(states, slopes, strict=True)
        )
        here = self._both(z, which, states)
        there = self._both(beside, np.repeat(which, size), (np.maximum(tolerance, 1.0), withdrawal))
        change = (there.reshape(rows, size, -1) - here[:, None, :]) / _NUDGE
        count = len(self.model.seen)
        return Nudged(here[:, :count], here[:, count:], change)

    def _both(self, z: Floats, which: Columns, states: States) -> Floats:
        """Levels and volumes side by side, of people in these states."""
        acting = self.acting(z, which)
        levels, volumes = self.model.predicted(z, acting, states), self.model.missing_nl(z, acting)
        return np.concatenate([levels, volumes], axis=1)

    def _away(self, z: Floats, beside: Floats) -> tuple[Floats, ...]:
        """How far level, log gain and severity of every nudged row lie from its own."""
        rows, size = z.shape
        here, there = self.model.pace(z), self.model.pace(beside)
        is_severity = np.arange(size) == self.model.prior.column(SEVERITY)
        return (
            there.log_level - np.repeat(here.log_level, size),
            np.log(there.gain / np.repeat(here.gain, size)),
            np.tile(is_severity * _NUDGE, rows),
        )

    def _states(self, z: Floats, which: Columns) -> tuple[States, tuple[list[Floats], ...]]:
        """Tolerance and withdrawal, and of each the slopes in level, log gain and severity."""
        pace, worse = self.model.pace(z), z.copy()
        worse[:, self.model.prior.column(SEVERITY)] += _NUDGE
        level, gain = pace.log_level, pace.gain
        four = replace(
            pace,
            log_level=np.concatenate([level, level + _NUDGE, level, level]),
            gain=np.concatenate([gain, gain, gain * np.exp(_NUDGE), gain]),
        )
        acting = self.acting(np.concatenate([z, z, z, worse]), np.tile(which, 4))
        both = self.model.states(four, acting, self.steps)
        parts = [state.reshape(4, len(z), -1) for state in both]
        slopes = tuple([(part[k] - part[0]) / _NUDGE for k in (1, 2, 3)] for part in parts)
        return (parts[0][0], parts[1][0]), slopes


def log_prior(z: Floats) -> Floats:
    """Log density of independent standard normal numbers, (rows,)."""
    return np.asarray(-0.5 * (z**2).sum(axis=1) - z.shape[1] * np.log(SQRT_2PI))
