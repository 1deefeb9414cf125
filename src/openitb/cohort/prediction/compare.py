"""Two predicted courses side by side, in words and numbers: what changes if the order changes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from openitb import catalogue
from openitb.cohort.errors import CohortError
from openitb.cohort.prediction.bands import Spread
from openitb.cohort.prediction.forecast import Forecast
from openitb.units import MS_PER_DAY, format_number

_FOLLOWED = {
    "leg_ashworth": "Leg Ashworth (1 to 5)",
    "arm_ashworth": "Arm Ashworth (1 to 5)",
    "spasm_score": "Spasm score (0 to 4)",
}
_WATCHED = {
    "sedation": "Sedation, not used to the drug (0 to 1)",
    "sedation_tolerant": "Sedation, tolerance counted (0 to 1)",
    "respiratory_depression": "Respiratory depression (0 to 1)",
    "withdrawal": "Withdrawal drive (0 to 1)",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One series at one instant (`at_ms`), or its highest ahead (`at_ms` None), under two orders.

    `now` is the spread at the present, the same under both.
    """

    key: str
    label: str
    unit: str
    when: str
    at_ms: int | None
    now: Spread
    current: Spread
    proposed: Spread
    band_name: str

    @property
    def words(self) -> str:
        """The change in one sentence."""
        start = "" if self.at_ms is None else f"{_number(self.now.median)} now, "
        most = f"{self.band_name} of people {_number(self.proposed.low)} to {_number(self.proposed.high)}"
        told = f"{self.label}: {start}{_number(self.proposed.median)} {self.when} ({most})"
        if abs(self.proposed.median - self.current.median) < _rule("noticeable", "1"):
            return f"{told}; no different without the change."
        return f"{told}; {_number(self.current.median)} without the change."


def compare(current: Forecast, proposed: Forecast, after_ms: tuple[int, ...] = ()) -> tuple[Change, ...]:
    """What a proposed order changes against the one that runs.

    Tone and spasm at instants `after_ms` from now (the catalogue's two if none are given, those beyond the
    window left out), then the highest of what is watched. Raises `CohortError` for forecasts of different
    people, grids or presents, and instants that are not ahead.
    """
    _check(current, proposed, after_ms)
    span_ms = int(current.time_ms[-1]) - current.now_ms
    instants = [after for after in after_ms or _usual() if after <= span_ms]
    followed = [change for key in _FOLLOWED for change in _at(key, current, proposed, instants)]
    return (*followed, *(_peak(key, current, proposed) for key in _WATCHED))


def _at(key: str, current: Forecast, proposed: Forecast, instants: list[int]) -> Iterator[Change]:
    label, old, new = _FOLLOWED[key], current.series[key], proposed.series[key]
    now = old.at(_index(current, current.now_ms))
    for after in instants:
        index = _index(current, current.now_ms + after)
        when, at_ms = f"in {_days(after)}", int(current.time_ms[index])
        pair = old.at(index), new.at(index)
        yield Change(key, label, old.unit, when, at_ms, now, *pair, current.band_name)


def _peak(key: str, current: Forecast, proposed: Forecast) -> Change:
    old = current.series[key]
    now = old.at(_index(current, current.now_ms))
    pair = current.peaks[key], proposed.peaks[key]
    return Change(key, _WATCHED[key], old.unit, "at the highest ahead", None, now, *pair, current.band_name)


def _check(current: Forecast, proposed: Forecast, after_ms: tuple[int, ...]) -> None:
    if not np.array_equal(current.time_ms, proposed.time_ms) or current.now_ms != proposed.now_ms:
        raise CohortError("compare: got forecasts on different grids, expected the same window and now")
    if current.people != proposed.people:
        both = f"{current.people} and {proposed.people}"
        raise CohortError(f"compare: got forecasts of {both} people, expected the same people")
    if any(after <= 0 for after in after_ms):
        raise CohortError(f"compare: got {min(after_ms)} ms from now, expected more than 0 ms")


def _index(one: Forecast, at_ms: int) -> int:
    """The sample in force at an instant: the last one not after it."""
    return int(np.searchsorted(one.time_ms, at_ms, side="right")) - 1


def _usual() -> tuple[int, ...]:
    return tuple(int(_rule(name, "day") * MS_PER_DAY) for name in ("soonest_shown", "later_shown"))


def _rule(name: str, unit: str) -> float:
    return float(catalogue.load().practice["forecast"].fact(name).number(unit))


def _days(span_ms: int) -> str:
    days = format_number(span_ms / MS_PER_DAY, 1)
    return f"{days} day" if days == "1" else f"{days} days"


def _number(value: float) -> str:
    return format_number(value, 2)
