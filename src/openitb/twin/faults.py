"""What may have happened to a system or its patient: each explanation with the time it began.

An explanation says how much of the drug still acts (`acts`), how much of the counted fluid the pump moved
(`moves`), and how likely it was beforehand. Rates are those of the population's events.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.special import ndtr

from openitb import catalogue
from openitb.body.anatomy import Floats
from openitb.cohort.people.events import early_hazard, fault_rates
from openitb.twin.priors import rule
from openitb.twin.record import ClinicRecord, Ordered
from openitb.units import MS_PER_H

NONE, TOLERANCE, CATHETER, STALL, OVER = (
    "none",
    "tolerance",
    "catheter fault",
    "stall or under-delivery",
    "over-delivery",
)
LABELS = (NONE, TOLERANCE, CATHETER, STALL, OVER)
LEAK, TIP_OUT, OCCLUSION, KINK, OVERINFUSION = "C-02", "C-03", "C-04", "C-01", "F-09"
HOURS_PER_YEAR = 8766.0
_DAY_H = 24.0
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of explanation: its yearly rate by label, whether it comes early after an operation, what
    part of the drug acts as a function of severity (a standard normal number), whether the pump's own flow
    is what changed, and whether it grows with time (then severity gives the rate per hour of a logarithm).
    """

    name: str
    yearly: Mapping[str, float]
    acts: Callable[[Floats], Floats]
    early: bool = False
    flow: bool = False
    grows: bool = False


def kinds() -> tuple[Kind, ...]:
    """All kinds but none."""
    catheter, pump = fault_rates("catheter"), fault_rates("pump")
    stalls = sum(rate for name, rate in pump.items() if name != OVERINFUSION)
    broken = rule("tolerant_yearly", "percent") / _PERCENT
    return (
        Kind("need rises", {TOLERANCE: broken}, _rise, grows=True),
        Kind("all drug lost", {CATHETER: catheter[TIP_OUT]}, _nothing, early=True),
        Kind("some drug lost", {CATHETER: catheter[LEAK]}, _leaked, early=True),
        Kind(
            "nothing flows", {CATHETER: catheter[OCCLUSION], STALL: stalls * _lasting()}, _nothing, flow=True
        ),
        Kind("less flows", {CATHETER: catheter[KINK], STALL: stalls * (1 - _lasting())}, _kinked, flow=True),
        Kind("more flows", {OVER: pump[OVERINFUSION]}, _overinfused, flow=True),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Explanations:
    """m explanations side by side: `kind` (m,) indexes `kinds` (-1: none), from `from_h` (m,) on, with the
    logarithm of how likely each was beforehand (m,).
    """

    kinds: tuple[Kind, ...]
    kind: np.ndarray[tuple[int], np.dtype[np.int64]]
    from_h: Floats
    log_prior: Floats

    def __len__(self) -> int:
        return len(self.kind)

    def acting(self, which: np.ndarray[tuple[int], np.dtype[np.int64]], severity: Floats) -> "Acting":
        """What explanation `which` (rows,) of a severity (rows,) does."""
        kind = self.kind[which]
        acts, rise, flow = np.ones(len(which)), np.zeros(len(which)), np.zeros(len(which), dtype=np.bool_)
        for number, each in enumerate(self.kinds):
            rows = kind == number
            if each.grows:
                rise[rows] = each.acts(severity[rows])
            else:
                acts[rows] = each.acts(severity[rows])
                flow[rows] = each.flow
        return Acting(self.from_h[which], np.log(np.maximum(acts, _NEXT_TO_NOTHING)), rise, flow)

    def shares(self) -> Floats:
        """The part of each explanation that goes under each of `LABELS`, (m, labels)."""
        shares = np.zeros((len(self), len(LABELS)))
        shares[self.kind < 0, LABELS.index(NONE)] = 1.0
        for number, each in enumerate(self.kinds):
            whole = sum(each.yearly.values())
            for label, rate in each.yearly.items():
                shares[self.kind == number, LABELS.index(label)] = rate / whole
        return shares


@dataclass(frozen=True, slots=True, eq=False)
class Acting:
    """From `from_h` on exp(`log_acts`) of the drug acts and need rises by `rise` per hour as a logarithm;
    where `flow`, it is the pump's flow that changed. All (rows,).
    """

    from_h: Floats
    log_acts: Floats
    rise_per_h: Floats
    flow: np.ndarray[tuple[int], np.dtype[np.bool_]]

    def without_rise(self) -> "Acting":
        """The same for what no rise of need touches."""
        return replace(self, rise_per_h=np.zeros_like(self.rise_per_h))

    def log_acting(self, at_h: float) -> Floats:
        """Logarithm of the part of the drug that acts at an hour."""
        since = np.maximum(at_h - self.from_h, 0.0)
        return np.where(since > 0, self.log_acts, 0.0) - self.rise_per_h * since


def explanations(record: ClinicRecord) -> Explanations:
    """None, and every kind beginning in every stretch of time between visits."""
    known = kinds()
    edges = _edges(record)
    middle, kind, chance = [0.0], [-1], [0.0]
    for number, each in enumerate(known):
        for start, end in pairwise(edges):
            middle.append((start + end) / 2)
            kind.append(number)
            chance.append(sum(each.yearly.values()) * _worth(each, start - edges[0], end - edges[0]))
    likely = np.array(chance)
    likely[0] = np.exp(-likely.sum())
    likely /= likely.sum()
    return Explanations(known, np.array(kind), np.array(middle), np.log(likely))


_NEXT_TO_NOTHING = 1e-12


def _worth(kind: Kind, start_h: float, end_h: float) -> float:
    """Years of even hazard between two hours after the operation."""
    years = np.array([start_h, end_h]) / HOURS_PER_YEAR
    worth = early_hazard(years) if kind.early else years
    return float(worth[1] - worth[0])


def _edges(record: ClinicRecord) -> list[float]:
    """Hours between which a change may have come: first order, visits, parts of what lies long apart."""
    first = record.first(Ordered)
    if first is None:
        return []
    longest, visits = rule("longest_stretch", "day") * _DAY_H, [first.at_ms, *record.visits_ms]
    hours = [(at - record.start_ms) / MS_PER_H for at in visits]
    edges = hours[:1]
    for hour in hours[1:]:
        if hour - edges[-1] < _DAY_H / 2:
            continue
        parts = int(np.ceil((hour - edges[-1]) / longest))
        edges += np.linspace(edges[-1], hour, parts + 1)[1:].tolist()
    extra = len(edges) - 1 - int(rule("most_stretches"))
    return edges if extra <= 0 else [edges[0], *edges[extra + 1 :]]


def _rise(severity: Floats) -> Floats:
    fact = catalogue.load().practice["twin"].fact("tolerant_rise")
    yearly = float(fact.number()) * np.exp(float(fact.between_subject_sd or 0) * severity)
    return np.asarray(yearly / HOURS_PER_YEAR)


def _nothing(severity: Floats) -> Floats:
    return np.zeros_like(severity)


def _leaked(severity: Floats) -> Floats:
    return 1.0 - _between(LEAK, "lost", "percent", severity) / _PERCENT


def _kinked(severity: Floats) -> Floats:
    every = float(catalogue.load().fault(KINK).fact("every").number("hour"))
    return 1.0 - _between(KINK, "lasts", "hour", severity) / every


def _overinfused(severity: Floats) -> Floats:
    return 1.0 + _between(OVERINFUSION, "gain", "percent", severity) / _PERCENT


def _between(fault: str, fact: str, unit: str, severity: Floats) -> Floats:
    """Evenly within the range the fault catalogue draws from."""
    row = catalogue.load().fault(fault)
    low, high = (float(row.fact(f"{fact}_{end}").number(unit)) for end in ("low", "high"))
    return np.asarray(low + (high - low) * ndtr(severity))


def _lasting() -> float:
    return rule("lasting_stalls", "percent") / _PERCENT
