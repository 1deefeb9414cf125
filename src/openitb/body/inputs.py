"""What goes into a body, and its compilation into a schedule of rates and jumps."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np

from openitb.body.anatomy import Floats, Ints, position_cm
from openitb.body.model import Model
from openitb.body.parameters import BodyError, constant
from openitb.timeline import Timeline
from openitb.units import MS_PER_H

_TIP_UNIT = "ug/h"


@dataclass(frozen=True, slots=True)
class LumbarBolus:
    """Drug injected by lumbar puncture at a level such as `L3`, or cm from S2."""

    at_h: float
    dose_ug: float
    level: str | float = "L3"


@dataclass(frozen=True, slots=True)
class PumpBolus:
    """Drug given at once at the catheter tip."""

    at_h: float
    dose_ug: float


@dataclass(frozen=True, slots=True)
class OralDose:
    """Baclofen swallowed: 1 mg is 1000 µg into the gut."""

    at_h: float
    dose_ug: float


@dataclass(frozen=True, slots=True)
class TipMove:
    """From `at_h` on the catheter's tip lies elsewhere: at a level, or cm from S2."""

    at_h: float
    to: str | float


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything given to one body; hours count from `start_ms`.

    `tip` is drug leaving the catheter in µg/h, nothing outside its span; `tip_at` is a level or cm
    from S2, until `tip_moves`, in order of time, say otherwise. `initial` is "empty", or the constant
    rate at the tip in µg/h that the body is used to.
    """

    tip: Timeline | None = None
    start_ms: int = 0
    tip_at: str | float = "T12"
    lumbar_boluses: tuple[LumbarBolus, ...] = ()
    pump_boluses: tuple[PumpBolus, ...] = ()
    oral: tuple[OralDose, ...] = ()
    initial: Literal["empty"] | float = "empty"
    tip_moves: tuple[TipMove, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Instants `at_h` (k,) from 0 on, the rate at the tip from each one on (k,), and jumps.

    `jump_ug[j]` (size,) is added to the state at `at_h[jump_at[j]]`; `tips` (places, size) is what 1 µg/h
    adds per hour at each place the tip comes to, `place` (k,) where it lies from each instant on;
    `initial_ug` (size,) is the state just before hour 0, which holds `held_ug` of drug.
    """

    at_h: Floats
    rate_ug_per_h: Floats
    jump_at: Ints
    jump_ug: Floats
    tips: Floats
    place: Ints
    initial_ug: Floats
    held_ug: float

    def rate_at(self, times_h: Floats) -> Floats:
        """Rate at the tip in µg/h from each time on."""
        return self.rate_ug_per_h[self._index(times_h)]

    def place_at(self, times_h: Floats) -> Ints:
        """Where the tip lies from each time on, as an index of `tips`."""
        return self.place[self._index(times_h)]

    def dosed_ug(self, times_h: Floats) -> Floats:
        """Drug given up to and including each time, what the body held at the start included."""
        spans = np.diff(self.at_h, append=self.at_h[-1])
        jumps = np.bincount(self.jump_at, self.jump_ug.sum(axis=1), minlength=len(self.at_h))
        before = np.concatenate([[0.0], np.cumsum(self.rate_ug_per_h * spans)[:-1]])
        given = self.held_ug + np.cumsum(jumps) + before
        k = self._index(times_h)
        return np.asarray(given[k] + self.rate_ug_per_h[k] * (times_h - self.at_h[k]), dtype=np.float64)

    def _index(self, times_h: Floats) -> Ints:
        return np.searchsorted(self.at_h, times_h, side="right") - 1


def schedule(model: Model, inputs: Inputs) -> Schedule:
    """Bring all inputs onto one axis of instants.

    Raises `BodyError` for anything before the start, a dose or rate that is negative or not finite, a
    tip in another unit than µg/h, and a place outside the canal.
    """
    moved_h, places_cm = _places(model, inputs)
    tips = np.array([model.infusion(x_cm) for x_cm in places_cm])
    initial = _initial(inputs) * model.steady_state(tips[0])
    starts, rates = tip_rates(inputs)
    jumps = sorted(_jumps(model, inputs, moved_h, places_cm), key=lambda jump: jump[0])
    jump_h = np.array([at for at, _ in jumps])
    at_h = np.unique(np.concatenate([[0.0], starts, jump_h, moved_h]))
    return Schedule(
        at_h=at_h,
        rate_ug_per_h=np.concatenate([[0.0], rates])[np.searchsorted(starts, at_h, side="right")],
        jump_at=np.searchsorted(at_h, jump_h),
        jump_ug=np.array([jump for _, jump in jumps]).reshape(-1, model.layout.size),
        tips=tips,
        place=np.searchsorted(moved_h, at_h, side="right"),
        initial_ug=initial,
        held_ug=model.drug_ug(initial),
    )


def tip_rates(inputs: Inputs) -> tuple[Floats, Floats]:
    """Hours from the start at which the rate at the tip changes (k,), and µg/h from each one on (k,), 0 at
    the last. Refuses what `schedule` refuses of a tip with `BodyError`.
    """
    if inputs.tip is None:
        return np.empty(0), np.empty(0)
    if inputs.tip.unit != _TIP_UNIT:
        raise BodyError(f"tip: got a timeline in {inputs.tip.unit}, expected {_TIP_UNIT}")
    if inputs.tip.start_ms < inputs.start_ms:
        raise BodyError(f"tip: starts at {inputs.tip.start_ms} ms, expected {inputs.start_ms} ms or later")
    rates = np.array([*inputs.tip.values, 0.0], dtype=np.float64)
    if not (np.isfinite(rates).all() and (rates >= 0).all()):
        raise BodyError(f"tip: got {rates.min():g} µg/h, expected finite rates of at least 0 µg/h")
    edges = np.array([*inputs.tip.starts_ms, inputs.tip.end_ms], dtype=np.int64)
    return (edges - inputs.start_ms) / MS_PER_H, rates


def _places(model: Model, inputs: Inputs) -> tuple[Floats, list[float]]:
    """When the tip moves, in order of time, and the places it comes to, the first one before all moves."""
    moves = inputs.tip_moves
    hours = np.array([move.at_h for move in moves], dtype=np.float64)
    if not (np.isfinite(hours).all() and (hours >= 0).all() and (np.diff(hours) >= 0).all()):
        raise BodyError(f"tip moves: got {hours.tolist()} h, expected times of at least 0 h in order")
    places = [inputs.tip_at, *(move.to for move in moves)]
    return hours, [position_cm(model.params, place, "tip") for place in places]


def _jumps(
    model: Model, inputs: Inputs, moved_h: Floats, places_cm: list[float]
) -> Iterator[tuple[float, Floats]]:
    lumbar_sd, pump_sd = (constant("atlas", f"{name}_sd") for name in ("lumbar_puncture", "pump_bolus"))
    for lumbar in inputs.lumbar_boluses:
        x_cm = position_cm(model.params, lumbar.level, "lumbar bolus level")
        yield _checked("lumbar bolus", lumbar), lumbar.dose_ug * model.bolus(x_cm, lumbar_sd)
    for pump in inputs.pump_boluses:
        at_h = _checked("pump bolus", pump)
        tip_cm = places_cm[np.searchsorted(moved_h, at_h, side="right")]
        yield at_h, pump.dose_ug * model.bolus(tip_cm, pump_sd)
    for oral in inputs.oral:
        yield _checked("oral dose", oral), oral.dose_ug * model.tablet()


def _checked(field: str, given: LumbarBolus | PumpBolus | OralDose) -> float:
    if not (isfinite(given.at_h) and given.at_h >= 0):
        raise BodyError(f"{field}: got {given.at_h} h, expected a time of at least 0 h")
    if not (isfinite(given.dose_ug) and given.dose_ug >= 0):
        raise BodyError(f"{field}: got {given.dose_ug} µg, expected a finite dose of at least 0 µg")
    return given.at_h


def _initial(inputs: Inputs) -> float:
    rate = 0.0 if inputs.initial == "empty" else inputs.initial
    if not (isfinite(rate) and rate >= 0):
        raise BodyError(f"initial: got {rate} µg/h, expected 'empty' or a finite rate of at least 0 µg/h")
    return rate
