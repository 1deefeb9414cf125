"""What is watched of every person hour by hour, and what remains of it: a summary.

Every series is a fraction f of a full effect, f = x/(x + T^g) with x = (c/EC50)^g (T left out where
tolerance does not count), or a state of adaptation; see `body.effect` for the equations.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from openitb.body.anatomy import Floats
from openitb.body.parameters import constant
from openitb.cohort.engine.adaptation import Rows, one, taken
from openitb.cohort.engine.transfer import ARM, BRAINSTEM, LEG
from openitb.cohort.errors import CohortError
from openitb.cohort.people import People
from openitb.units import HOURS_PER_DAY

LEGS, WITHDRAWAL, TOLERANCE = "leg_ashworth", "withdrawal", "tolerance"
USUAL = (LEGS, "arm_ashworth", "sedation", WITHDRAWAL)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Hours at or above (or below) a value are counted, under a name of their own."""

    name: str
    series: str
    value: float
    below: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """The series to watch, and the thresholds on them. Refuses unknown series with `CohortError`."""

    series: tuple[str, ...] = USUAL
    thresholds: tuple[Threshold, ...] = ()

    def __post_init__(self) -> None:
        known = (*_EFFECTS, WITHDRAWAL, TOLERANCE)
        for name in (*self.series, *(threshold.series for threshold in self.thresholds)):
            if name not in known:
                raise CohortError(f"series: got {name!r}, expected one of {', '.join(known)}")
        for threshold in self.thresholds:
            if threshold.series not in self.series:
                raise CohortError(f"threshold {threshold.name}: {threshold.series} is not among the series")

    def on(self, series: str) -> tuple[Threshold, ...]:
        """The thresholds on one series."""
        return tuple(threshold for threshold in self.thresholds if threshold.series == series)


@dataclass(frozen=True, slots=True)
class _Effect:
    """Where a series acts, its EC50 and Hill exponent, and whether tolerance counts."""

    place: str
    ec50: str
    hill: str
    tolerant: bool = True


_EFFECTS = {
    "leg_ashworth": _Effect(LEG, "leg_ec50_ng_per_ml", "tone_hill"),
    "arm_ashworth": _Effect(ARM, "arm_ec50_ng_per_ml", "tone_hill"),
    "spasm_score": _Effect(LEG, "spasm_ec50_ng_per_ml", "spasm_hill"),
    "sedation": _Effect(BRAINSTEM, "sedation_ec50_ng_per_ml", "sedation_hill", tolerant=False),
    "sedation_tolerant": _Effect(BRAINSTEM, "sedation_ec50_ng_per_ml", "sedation_hill"),
    "respiratory_depression": _Effect(
        BRAINSTEM, "respiratory_ec50_ng_per_ml", "respiratory_hill", tolerant=False
    ),
}
_SCORES = {
    "leg_ashworth": ("rebound_tone", "ashworth_top"),
    "arm_ashworth": ("rebound_tone", "ashworth_top"),
    "spasm_score": ("rebound_spasm", "spasm_top"),
}


class Shown:
    """The effects of some people: from scaled concentrations, tolerance and withdrawal to values."""

    def __init__(self, people: People, series: tuple[str, ...]) -> None:
        self._effects = {name: _EFFECTS[name] for name in series if name in _EFFECTS}
        self._half = {name: people[effect.ec50] for name, effect in self._effects.items()}
        self._hill = {name: people[effect.hill] for name, effect in self._effects.items()}
        self._lines = {name: _line(people, name) for name in self._effects if name in _SCORES}

    def take(self, rows: Rows) -> "Shown":
        """Some of the people."""
        some = object.__new__(Shown)
        some._effects = self._effects
        some._half = {name: taken(values, rows) for name, values in self._half.items()}
        some._hill = {name: taken(values, rows) for name, values in self._hill.items()}
        some._lines = {name: line.take(rows) for name, line in self._lines.items()}
        return some

    def scaled(self, ng_per_ml: Mapping[str, Floats], legs: Floats) -> dict[str, Floats]:
        """(c/EC50)^g by series from concentrations by place, people last; `legs` are those of the legs."""
        return {
            name: legs if name == LEGS else self._scaled(name, ng_per_ml[effect.place])
            for name, effect in self._effects.items()
        }

    def needed(self, tolerance: Floats) -> dict[str, Floats]:
        """T^g by series, which x is set against; 1 where tolerance does not count."""
        powers: dict[str, Floats] = {}
        for name, effect in self._effects.items():
            if not effect.tolerant:
                powers[name] = np.ones(1)
            else:
                if effect.hill not in powers:
                    powers[effect.hill] = np.asarray(tolerance ** one(self._hill[name]))
                powers[name] = powers[effect.hill]
        return powers

    def _scaled(self, name: str, ng_per_ml: Floats) -> Floats:
        ratio = np.maximum(ng_per_ml, 0.0) / self._half[name]
        return np.asarray(ratio ** one(self._hill[name]))

    def value(self, name: str, scaled: Floats, needed: Floats, withdrawal: Floats) -> Floats:
        """One effect series at one instant, (people,)."""
        values = scaled + needed
        np.divide(scaled, values, out=values)
        return self.seen(name, values, withdrawal)

    def seen(self, name: str, fraction: Floats, withdrawal: Floats) -> Floats:
        """What a fraction of a full effect (changed in place) shows as."""
        return self._lines[name](fraction, withdrawal) if name in self._lines else fraction

    def is_tolerant(self, name: str) -> bool:
        """Does tolerance count?"""
        return self._effects[name].tolerant


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """A score as a line in effect and withdrawal: untreated less relief, rebound on top, within a scale."""

    untreated: Floats
    relief: Floats
    rebound: Floats | float
    top: float

    def take(self, rows: Rows) -> "_Line":
        rebound = self.rebound if isinstance(self.rebound, float) else self.rebound[rows]
        return _Line(self.untreated[rows], self.relief[rows], rebound, self.top)

    def __call__(self, effect: Floats, withdrawal: Floats) -> Floats:
        effect *= self.relief
        np.subtract(self.untreated, effect, out=effect)
        effect += self.rebound * withdrawal
        return np.minimum(effect, self.top, out=effect)


def _line(people: People, name: str) -> _Line:
    rebound, top = _SCORES[name]
    relief = untreated = getattr(people, name)
    if name != "spasm_score":
        relief = (
            np.maximum(untreated - constant("computation", "ashworth_normal"), 0.0) * people["tone_relief"]
        )
    return _Line(untreated, relief, one(people[rebound]), constant("computation", top))


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """Of every person, by series: mean, least and most of the hourly values, each (people,); by the name
    of a threshold, hours beyond it. `hours` (people,) is how many hours were watched.
    """

    hours: Floats
    mean: Mapping[str, Floats]
    least: Mapping[str, Floats]
    most: Mapping[str, Floats]
    beyond: Mapping[str, Floats]


class Tally:
    """Sums, extremes and counts of hourly values as they come."""

    def __init__(self, watch: Watch, people: int) -> None:
        self._watch = watch
        self._hours = np.zeros(people)
        self._sum = {name: np.zeros(people) for name in watch.series}
        self._least = {name: np.full(people, np.inf) for name in watch.series}
        self._most = {name: np.full(people, -np.inf) for name in watch.series}
        self._beyond = {threshold.name: np.zeros(people) for threshold in watch.thresholds}

    def hour(self, name: str, values: Floats) -> None:
        """Count the value of everybody in one hour."""
        self._sum[name] += values
        np.minimum(self._least[name], values, out=self._least[name])
        np.maximum(self._most[name], values, out=self._most[name])
        for threshold in self._watch.on(name):
            is_beyond = values < threshold.value if threshold.below else values >= threshold.value
            self._beyond[threshold.name] += is_beyond

    def states(self, tolerance: Floats, withdrawal: Floats) -> None:
        """Count tolerance and withdrawal, where they are watched, in one hour."""
        for name, values in ((TOLERANCE, tolerance), (WITHDRAWAL, withdrawal)):
            if name in self._sum:
                self.hour(name, values)

    def repeat(self, name: str, other: "Tally") -> None:
        """Count one series of a day just as another did."""
        for mine, theirs in ((self._sum, other._sum), (self._least, other._least), (self._most, other._most)):
            mine[name] = theirs[name]
        for threshold in self._watch.on(name):
            self._beyond[threshold.name] = other._beyond[threshold.name]

    def reach(self, tolerance: Floats) -> None:
        """Let the extremes of tolerance, where it is watched, hold the value at an end of the days too."""
        if TOLERANCE in self._sum:
            np.minimum(self._least[TOLERANCE], tolerance, out=self._least[TOLERANCE])
            np.maximum(self._most[TOLERANCE], tolerance, out=self._most[TOLERANCE])

    def put(self, rows: Rows, other: "Tally") -> None:
        """Replace the counts of some people."""
        for mine, theirs in self._pairs(other):
            mine[rows] = theirs

    def add(self, day: "Tally", days: int) -> None:
        """Count a day that stands for several, (people,) each."""
        self._hours += days * HOURS_PER_DAY
        for name in self._watch.series:
            self._sum[name] += day._sum[name] * days
            np.minimum(self._least[name], day._least[name], out=self._least[name])
            np.maximum(self._most[name], day._most[name], out=self._most[name])
            for threshold in self._watch.on(name):
                self._beyond[threshold.name] += day._beyond[threshold.name] * days

    def summary(self) -> Summary:
        """What has been counted so far; the mean of nothing is NaN."""
        hours = np.where(self._hours > 0, self._hours, np.nan)
        mean = {name: total / hours for name, total in self._sum.items()}
        return Summary(self._hours.copy(), mean, dict(self._least), dict(self._most), dict(self._beyond))

    def _pairs(self, other: "Tally") -> list[tuple[Floats, Floats]]:
        tables = ((self._sum, other._sum), (self._least, other._least), (self._most, other._most))
        pairs = [(mine[name], theirs[name]) for mine, theirs in tables for name in mine]
        return pairs + [(self._beyond[name], other._beyond[name]) for name in self._beyond]
