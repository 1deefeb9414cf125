"""Tolerance and withdrawal of many people side by side: the rules of `body.adaptation`, one column each.

The difference to the single body is what is carried: a state can be handed on, so that months of history
may pass in steps of a day before the days that matter pass in quarters of an hour. A test holds both
together.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openitb.body.anatomy import Floats, Ints
from openitb.cohort.people import People

Flags = NDArray[np.bool_]
Rows = Ints | Flags | slice

_FIELDS = {
    "ec50": "leg_ec50_ng_per_ml",
    "hill": "tone_hill",
    "gain": "tolerance_gain",
    "part": "loss_threshold",
    "rise_h": "tolerance_time_h",
    "recovery_h": "tolerance_recovery_h",
    "memory_h": "occupancy_memory_h",
    "lag_h": "withdrawal_lag_h",
}


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """How used each person is to the drug; every array of shape (people,).

    `accustomed` is the occupancy a person is used to, `onset` the tolerance when a loss of effect
    began, `lost` whether one is under way.
    """

    tolerance: Floats
    withdrawal: Floats
    accustomed: Floats
    onset: Floats
    lost: Flags

    def take(self, rows: Rows) -> "Adapted":
        """The state of some people."""
        return Adapted(*(part[rows] for part in self._parts()))

    def put(self, rows: Rows, other: "Adapted") -> None:
        """Set the state of some people, in place."""
        for mine, theirs in zip(self._parts(), other._parts(), strict=True):
            mine[rows] = theirs

    def copy(self) -> "Adapted":
        """The same state, to be changed in place."""
        return Adapted(*(part.copy() for part in self._parts()))

    def _parts(self) -> tuple[NDArray[Any], ...]:
        return self.tolerance, self.withdrawal, self.accustomed, self.onset, self.lost


@dataclass(frozen=True, slots=True, eq=False)
class Habits:
    """What of each person decides how they adapt; every array of shape (people,)."""

    ec50: Floats
    hill: Floats
    gain: Floats
    part: Floats
    rise_h: Floats
    recovery_h: Floats
    memory_h: Floats
    lag_h: Floats

    def take(self, rows: Rows) -> "Habits":
        """Those of some people."""
        return Habits(*(taken(getattr(self, name), rows) for name in _FIELDS))

    def scaled(self, leg_ng_per_ml: Floats) -> Floats:
        """(concentration / EC50)^Hill, people last."""
        return np.asarray((np.maximum(leg_ng_per_ml, 0.0) / self.ec50) ** one(self.hill), dtype=np.float64)

    def occupancy(self, scaled: Floats, tolerance: Floats) -> Floats:
        """Hill fraction at a tolerance."""
        return np.asarray(scaled / (scaled + tolerance ** one(self.hill)), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation:
    """y' = (a - y)/time over one step, exact for `a` linear inside the step."""

    kept: Floats | float
    early: Floats | float
    late: Floats | float

    @classmethod
    def of(cls, time_h: Floats | float, step_h: float) -> "Relaxation":
        """The relaxation with that time constant, for steps of `step_h`."""
        settled = -np.expm1(-step_h / time_h)
        late = 1.0 - settled * time_h / step_h
        return cls(np.exp(-step_h / time_h), settled - late, late)

    def __call__(self, value: Floats, before: Floats, after: Floats) -> Floats:
        """The value after one step, `before` and `after` what it goes towards at its ends."""
        return self.kept * value + self.early * before + self.late * after


def habits(people: People) -> Habits:
    """The parameters that matter here, person by person."""
    return Habits(**{ours: people[theirs] for ours, theirs in _FIELDS.items()})


def unadapted(some: Habits, tolerance: float | Floats, leg_ng_per_ml: Floats | None = None) -> Adapted:
    """People at a tolerance; used to the occupancy of a concentration (people,), or to none."""
    level = np.broadcast_to(tolerance, some.ec50.shape).astype(np.float64)
    nothing = np.zeros(len(level))
    used = nothing if leg_ng_per_ml is None else some.occupancy(some.scaled(leg_ng_per_ml), level)
    return Adapted(level, nothing, used, level, np.zeros(len(level), dtype=np.bool_))


class Adapting:
    """Steps of one length for all people."""

    __slots__ = ("_lag", "_memory", "_recovery", "_rise", "_some")

    def __init__(self, some: Habits, step_h: float) -> None:
        self._some = some
        self._rise = Relaxation.of(some.rise_h, step_h)
        self._memory = Relaxation.of(some.memory_h, step_h)
        self._lag = Relaxation.of(some.lag_h, step_h)
        self._recovery = step_h / some.recovery_h

    def step(self, adapted: Adapted, now: Floats, then: Floats) -> Adapted:
        """One step, `now` and `then` the scaled concentrations (people,) at its ends."""
        body = self._switched(adapted, now)
        tolerance = np.where(body.lost, body.onset, body.tolerance)
        before, after = self._some.occupancy(now, tolerance), self._some.occupancy(then, tolerance)
        missing, still_missing = _missing(body, before), _missing(body, after)
        risen, eased = self._risen(body, before, after), self._eased(body, missing + still_missing)
        level = np.where(body.lost, eased, risen)
        used = np.where(body.lost, body.accustomed, self._memory(body.accustomed, before, after))
        drive = (body.tolerance - 1.0) * missing / self._some.gain
        withdrawal = self._lag(body.withdrawal, drive, (level - 1.0) * still_missing / self._some.gain)
        return Adapted(level, withdrawal, used, body.onset, body.lost)

    def _risen(self, body: Adapted, before: Floats, after: Floats) -> Floats:
        gain = self._some.gain
        return self._rise(body.tolerance, 1.0 + gain * before, 1.0 + gain * after)

    def _eased(self, body: Adapted, missing_twice: Floats) -> Floats:
        return np.asarray(1.0 + (body.tolerance - 1.0) * np.exp(-self._recovery * missing_twice / 2))

    def _switched(self, body: Adapted, scaled: Floats) -> Adapted:
        """Begin and end the loss of effect."""
        felt = self._some.occupancy(scaled, np.where(body.lost, body.onset, body.tolerance))
        enough = felt >= self._some.part * body.accustomed
        if not (body.lost.any() or not enough.all()):
            return body
        begins = ~body.lost & ~enough
        onset = np.where(begins, body.tolerance, body.onset)
        lost = (body.lost | begins) & ~enough
        settled = body.lost & lost & self._settled(body, scaled)
        used = np.where(settled, self._some.occupancy(scaled, body.tolerance), body.accustomed)
        return Adapted(body.tolerance, body.withdrawal, used, onset, lost & ~settled)

    def _settled(self, body: Adapted, scaled: Floats) -> Flags:
        """Has a body come to terms with a lower dose?"""
        eased = body.tolerance - 1.0 <= self._some.part * (body.onset - 1.0)
        sustained = 1.0 + self._some.gain * self._some.occupancy(scaled, body.tolerance)
        return np.asarray(eased & (body.tolerance <= sustained))


def _missing(body: Adapted, occupancy: Floats) -> Floats:
    """Part of the accustomed occupancy that is not there; nothing is missing to who is used to none."""
    used = body.accustomed > 0.0
    return np.where(used, np.maximum(0.0, 1.0 - occupancy / np.where(used, body.accustomed, 1.0)), 0.0)


def taken(values: Floats, rows: Rows) -> Floats:
    """Some people's; what is the same for everybody stays a view of one number."""
    some = values[rows]
    return np.broadcast_to(values[0], some.shape) if values.strides == (0,) else some


def one(values: Floats) -> Floats | float:
    """The number that is the same for everybody, as a number: powers are quicker so."""
    return float(values[0]) if values.strides == (0,) else values
