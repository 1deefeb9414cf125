"""Tolerance and withdrawal: how a body gets used to the drug, and what happens when it is gone.

While treated, tolerance T follows 1 + gain · occupancy over months. The occupancy a body is used to is
its running mean over days. When occupancy falls below a set part of that, the loss begins: T at that
moment and the accustomed occupancy are held, T recovers within days, and withdrawal W follows the
missing part of occupancy, scaled by how tolerant the body is.

The loss ends when occupancy is back above the set part. It also ends for a body that stays on a lower
dose: once T has come down by that part and lies below what today's occupancy would sustain, today's
occupancy becomes the accustomed one. Without this, T would sink to 1 under a drug that still acts.

Each step is exact for the linear relaxations with occupancy linear inside it; what is left comes from
entering and leaving the loss at the end of a step. At the catalogue's step of 0.25 h, T lies within
0.005 and W within 0.002 of the limit of ever smaller steps, for stops, restarts and daily swings.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, exp, expm1

import numpy as np

from openitb.body.anatomy import Floats
from openitb.body.parameters import BodyParameters


@dataclass(frozen=True, slots=True, eq=False)
class Adaptation:
    """Tolerance factor and withdrawal drive at `time_h`; each of shape (n,)."""

    time_h: Floats
    tolerance: Floats
    withdrawal: Floats

    def at(self, times_h: Floats) -> tuple[Floats, Floats]:
        """Tolerance and withdrawal at any times, linear between steps."""
        tolerance = np.interp(times_h, self.time_h, self.tolerance)
        return tolerance, np.interp(times_h, self.time_h, self.withdrawal)


def step_times_h(until_h: float, step_h: float) -> Floats:
    """Evenly spaced instants from 0 up to or just past `until_h`; at least one step."""
    return np.arange(max(ceil(until_h / step_h), 1) + 1, dtype=np.float64) * step_h


def adapt(
    params: BodyParameters, time_h: Floats, leg_ng_per_ml: Floats, tolerance: float, *, accustomed: bool
) -> Adaptation:
    """Follow tolerance and withdrawal over evenly spaced times from a tolerance of at least 1.

    `accustomed` says that the body is used to the occupancy it starts with; otherwise it is used to none.
    """
    scaled = (np.maximum(leg_ng_per_ml, 0.0) / params.leg_ec50_ng_per_ml) ** params.tone_hill
    body = _Adapting(params, float(time_h[1] - time_h[0]), tolerance)
    if accustomed:
        body.accustomed = body.occupancy(float(scaled[0]), tolerance)
    course = [(tolerance, 0.0), *body.follow(scaled.tolist())]
    tolerances, withdrawals = np.array(course).T
    return Adaptation(time_h, tolerances, withdrawals)


class _Relaxation:
    """y' = (a - y)/time over one step, exact for `a` linear inside the step."""

    __slots__ = ("early", "kept", "late")

    def __init__(self, time_h: float, step_h: float) -> None:
        settled = -expm1(-step_h / time_h)
        self.kept = exp(-step_h / time_h)
        self.late = 1.0 - settled * time_h / step_h
        self.early = settled - self.late

    def __call__(self, value: float, before: float, after: float) -> float:
        return self.kept * value + self.early * before + self.late * after


class _Adapting:
    """The state that is carried from step to step."""

    __slots__ = (
        "accustomed", "gain", "hill", "lag", "lost", "memory", "onset_tolerance", "part", "recovery",
        "rise", "tolerance", "withdrawal",
    )  # fmt: skip

    def __init__(self, params: BodyParameters, step_h: float, tolerance: float) -> None:
        self.hill, self.gain, self.part = params.tone_hill, params.tolerance_gain, params.loss_threshold
        self.rise = _Relaxation(params.tolerance_time_h, step_h)
        self.memory = _Relaxation(params.occupancy_memory_h, step_h)
        self.lag = _Relaxation(params.withdrawal_lag_h, step_h)
        self.recovery = step_h / params.tolerance_recovery_h
        self.tolerance = self.onset_tolerance = tolerance
        self.accustomed = self.withdrawal = 0.0
        self.lost = False

    def occupancy(self, scaled: float, tolerance: float) -> float:
        """Hill fraction of (concentration/EC50)^g at a tolerance."""
        needed: float = tolerance**self.hill
        return scaled / (scaled + needed)

    def follow(self, scaled: list[float]) -> list[tuple[float, float]]:
        """Tolerance and withdrawal after each step."""
        return [self._step(now, then) for now, then in pairwise(scaled)]

    def _step(self, now: float, then: float) -> tuple[float, float]:
        self._switch(now)
        tolerance = self.onset_tolerance if self.lost else self.tolerance
        before, after = self.occupancy(now, tolerance), self.occupancy(then, tolerance)
        missing, still_missing = self._missing(before), self._missing(after)
        drive = (self.tolerance - 1.0) * missing / self.gain
        if self.lost:
            self.tolerance = 1.0 + (self.tolerance - 1.0) * exp(
                -self.recovery * (missing + still_missing) / 2
            )
        else:
            self.tolerance = self.rise(self.tolerance, 1.0 + self.gain * before, 1.0 + self.gain * after)
            self.accustomed = self.memory(self.accustomed, before, after)
        late_drive = (self.tolerance - 1.0) * still_missing / self.gain
        self.withdrawal = self.lag(self.withdrawal, drive, late_drive)
        return self.tolerance, self.withdrawal

    def _switch(self, scaled: float) -> None:
        tolerance = self.onset_tolerance if self.lost else self.tolerance
        enough = self.occupancy(scaled, tolerance) >= self.part * self.accustomed
        if not self.lost and not enough:
            self.lost, self.onset_tolerance = True, self.tolerance
        elif self.lost and enough:
            self.lost = False
        elif self.lost:
            self._settle(scaled)

    def _settle(self, scaled: float) -> None:
        """End the loss of a body that has come to terms with a lower dose."""
        occupancy = self.occupancy(scaled, self.tolerance)
        eased = self.tolerance - 1.0 <= self.part * (self.onset_tolerance - 1.0)
        if eased and self.tolerance <= 1.0 + self.gain * occupancy:
            self.lost, self.accustomed = False, occupancy

    def _missing(self, occupancy: float) -> float:
        """Part of the accustomed occupancy that is not there."""
        return max(0.0, 1.0 - occupancy / self.accustomed) if self.accustomed > 0.0 else 0.0
