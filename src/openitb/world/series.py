"""Series of the system on the output grid: flow, drug at the tip, fluid in the reservoir."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from openitb import units
from openitb.timeline import Parcel
from openitb.world.simulate import ReservoirPoint, SystemCourse

Floats = NDArray[np.float64]
Instants = NDArray[np.int64]


def grid_ms(start_ms: int, until_ms: int, every_ms: int) -> Instants:
    """The output instants: every `every_ms` from the start, the end included; shape (n,)."""
    steps = np.arange(start_ms, until_ms, every_ms, dtype=np.int64)
    return np.append(steps, np.int64(until_ms))


def flow_ml_per_day(delivered: Sequence[Parcel], times_ms: Instants) -> Floats:
    """Flow out of the pump in force at each instant, mL/day; shape of `times_ms`.

    At the last instant it is the flow that led up to it.
    """
    per_ms = [parcel.volume_nl / (parcel.end_ms - parcel.start_ms) for parcel in delivered]
    return _in_force(delivered, per_ms, times_ms) * units.MS_PER_DAY / units.NL_PER_ML


def tip_ug_per_h(outflow: Sequence[Parcel], times_ms: Instants) -> Floats:
    """Drug leaving the catheter tip at each instant, µg/h, as `flow_ml_per_day`."""
    per_ms = [parcel.mass_pg / (parcel.end_ms - parcel.start_ms) for parcel in outflow]
    return _in_force(outflow, per_ms, times_ms) * units.MS_PER_H / units.PG_PER_UG


def reservoir_ml(points: Sequence[ReservoirPoint], times_ms: Instants) -> Floats:
    """Fluid truly in the reservoir at each instant, mL; at a refill the volume after it."""
    at = np.array([point.at_ms for point in points], dtype=np.float64)
    volume = np.array([point.volume_nl for point in points], dtype=np.float64)
    after = np.searchsorted(at, times_ms, side="right")
    before = np.clip(after - 1, 0, len(at) - 1)
    after = np.clip(after, 0, len(at) - 1)
    span = np.where(at[after] > at[before], at[after] - at[before], 1.0)
    share = np.clip((times_ms - at[before]) / span, 0.0, 1.0)
    return (volume[before] + share * (volume[after] - volume[before])) / units.NL_PER_ML


def system_series(course: SystemCourse | None, times_ms: Instants) -> dict[str, Floats]:
    """The system's series by JSON key; not-a-number for the reservoir where there is no pump."""
    if course is None:
        nothing = np.zeros(len(times_ms))
        return {
            "tip_ug_per_h": nothing,
            "flow_ml_per_day": nothing,
            "reservoir_ml": np.full(len(times_ms), np.nan),
        }
    return {
        "tip_ug_per_h": tip_ug_per_h(course.outflow, times_ms),
        "flow_ml_per_day": flow_ml_per_day(course.delivered, times_ms),
        "reservoir_ml": reservoir_ml(course.reservoir, times_ms),
    }


def _in_force(parcels: Sequence[Parcel], per_ms: Sequence[float], times_ms: Instants) -> Floats:
    if not parcels:
        return np.zeros(len(times_ms))
    starts = np.array([parcel.start_ms for parcel in parcels], dtype=np.int64)
    ends = np.array([parcel.end_ms for parcel in parcels], dtype=np.int64)
    index = np.searchsorted(starts, times_ms, side="right") - 1
    at_end = (times_ms == ends[index]) & (times_ms == times_ms[-1])  # of the run: what led up to it
    inside = (index >= 0) & ((times_ms < ends[index]) | at_end)
    return np.where(inside, np.asarray(per_ms)[index], 0.0)
