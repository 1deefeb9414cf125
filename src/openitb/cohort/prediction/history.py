"""What left the catheter tip before and around a forecast: the window as it was, the months as days."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

import numpy as np

from openitb import catheter
from openitb.catalogue import load
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
    """Drug at the tip: exactly in and shortly before the window (`tip`, µg/h), as whole days before that.

    `daily_dose_ug` is what was given on each of the days that end where `tip` begins, oldest first; the
    first is the first day of treatment, none means that treatment begins within `tip`. Refuses a tip that
    does not cover the window and doses that cannot be, with `CohortError`.
    """

    tip: Timeline
    daily_dose_ug: tuple[float, ...]
    window: Window

    def __post_init__(self) -> None:
        if self.tip.start_ms > self.window.start_ms or self.tip.end_ms < self.window.end_ms:
            raise CohortError(
                f"tip: got {self.tip.start_ms} to {self.tip.end_ms} ms, expected the whole window, "
                f"{self.window.start_ms} to {self.window.end_ms} ms"
            )
        if not all(isfinite(dose) and dose >= 0 for dose in self.daily_dose_ug):
            raise CohortError("daily dose: got one that is negative or not finite, expected µg of at least 0")

    @property
    def rate_before_ug_per_h(self) -> float:
        """Mean rate on the last of the days."""
        return self.daily_dose_ug[-1] / HOURS_PER_DAY if self.daily_dose_ug else 0.0


def tip_history(outflow: Iterable[Parcel], since_ms: int, window: Window) -> TipHistory:
    """What a system delivered (and, beyond now, will deliver), read from what left its catheter.

    `since_ms` is when treatment began; the day it lies in counts with what was given in it. Some days
    before the window (the catalogue's `forecast.lead_in`) are kept exactly, so that the body is in step
    with a flex program when the window begins. Raises `TimelineError` for parcels that overlap.
    """
    parcels = tuple(outflow)
    start_ms = window.start_ms - load().practice["forecast"].fact("lead_in").whole("day") * MS_PER_DAY
    tip = catheter.outflow_timeline(parcels, start_ms, window.end_ms).simplified()
    return TipHistory(tip, daily_doses_ug(parcels, since_ms, start_ms), window)


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
