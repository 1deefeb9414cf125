"""What left the catheter tip before and around a forecast: the window as it was, the months as days."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from openitb import catheter
from openitb.cohort.errors import CohortError
from openitb.timeline import Parcel, Timeline
from openitb.units import HOURS_PER_DAY, MS_PER_DAY, PG_PER_UG


@dataclass(frozen=True, slots=True)
class Window:
    """A forecast runs from `start_ms` to `end_ms`; what lies after `now_ms` is proposed."""

    start_ms: int
    now_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        if not self.start_ms <= self.now_ms <= self.end_ms or self.start_ms == self.end_ms:
            raise CohortError(
                f"window: got {self.start_ms}, {self.now_ms} and {self.end_ms} ms, expected start, now and "
                "end in this order"
            )


@dataclass(frozen=True, slots=True)
class TipHistory:
    """Drug at the tip: exactly within the window (`tip`, µg/h), as whole days before it.

    `daily_dose_ug` is what was given on each of the days that end at the window's start, oldest first;
    the first is the first day of treatment, an empty one means that treatment begins in the window.
    """

    tip: Timeline
    daily_dose_ug: tuple[float, ...]
    now_ms: int

    @property
    def rate_before_ug_per_h(self) -> float:
        """Mean rate on the last day before the window."""
        return self.daily_dose_ug[-1] / HOURS_PER_DAY if self.daily_dose_ug else 0.0


def tip_history(outflow: Iterable[Parcel], since_ms: int, window: Window) -> TipHistory:
    """What a system delivered (and, beyond now, will deliver), read from what left its catheter.

    `since_ms` is when treatment began; a day begun before it counts with what was given in it. Raises
    `TimelineError` for parcels that overlap.
    """
    parcels = tuple(outflow)
    tip = catheter.outflow_timeline(parcels, window.start_ms, window.end_ms).simplified()
    return TipHistory(tip, daily_doses_ug(parcels, since_ms, window.start_ms), window.now_ms)


def daily_doses_ug(outflow: Iterable[Parcel], since_ms: int, until_ms: int) -> tuple[float, ...]:
    """Drug in µg that left the tip on each day, days counted back from `until_ms`, oldest first."""
    days = max(-(-(until_ms - since_ms) // MS_PER_DAY), 0)
    edges = until_ms - MS_PER_DAY * np.arange(days, -1, -1, dtype=np.int64)
    parcels = [parcel for parcel in outflow if parcel.start_ms < until_ms]
    if not parcels or not days:
        return (0.0,) * days
    at = np.array([edge for parcel in parcels for edge in (parcel.start_ms, parcel.end_ms)], dtype=np.float64)
    given = np.cumsum([mass for parcel in parcels for mass in (0, parcel.mass_pg)]) / PG_PER_UG
    return tuple(np.diff(np.interp(edges, at, given)).tolist())
