"""What time does to people, part by part, each of which can be switched off."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from openitb import catalogue
from openitb.body import typical_adult
from openitb.body.anatomy import Floats
from openitb.cohort.people.arrays import CAUSES, People, same
from openitb.cohort.people.causes import CHILD, TONE_EC50, per_person
from openitb.cohort.people.size import child_medians, weight_kg

NEVER_H = 1e12  # a time constant nobody lives to see move
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Which parts of a life are on. Without tolerance there is no withdrawal either, as in the model."""

    tolerance: bool = True
    withdrawal: bool = True
    growth: bool = True
    progression: bool = True


@dataclass(frozen=True, slots=True)
class DoseStep:
    """A daily dose in force from `day` on."""

    day: float
    dose_ug_per_day: float


def switched(people: People, parts: Parts) -> People:
    """People in whom tolerance does not move, or no withdrawal comes, where a part is off."""
    still = same(NEVER_H, len(people))
    changed: dict[str, Floats] = {}
    if not parts.tolerance:
        changed |= {"tolerance_time_h": still, "tolerance_recovery_h": still}
    if not parts.withdrawal:
        changed["withdrawal_lag_h"] = still
    return replace(people, parameters={**people.parameters, **changed})


def later(people: People, years: float, parts: Parts | None = None) -> People:
    """The same people after so many years: older, children grown, their disease gone on.

    A child keeps its place among others of its age; disease goes on by its cause's yearly rise of need.
    """
    on = parts or Parts()
    grown = _grown(people, years) if on.growth else replace(people, age_years=people.age_years + years)
    return _progressed(grown, years) if on.progression else grown


def holiday(dose_ug_per_day: float, restart_ug_per_day: float) -> Iterator[DoseStep]:
    """A drug holiday from day 0: down in equal steps, a pause, then the dose of a first day again."""
    rule = catalogue.load().practice["holiday"]
    taper, pause = (float(rule.fact(name).number("day")) for name in ("taper", "pause"))
    steps = int(rule.fact("steps").number())
    for step in range(1, steps + 1):
        yield DoseStep(taper * (step - 1) / steps, dose_ug_per_day * (1 - step / steps))
    yield DoseStep(taper + pause, restart_ug_per_day)


def _grown(people: People, years: float) -> People:
    child = people.cause == CAUSES.index(CHILD)
    age = people.age_years + years
    if not child.any():
        return replace(people, age_years=age)
    middle = np.zeros(len(people))
    heavier = np.where(child, weight_kg(age, middle) / weight_kg(people.age_years, middle), 1.0)
    weight = people.weight_kg * heavier
    adult = typical_adult()  # cancels in the ratio of two medians
    before = child_medians(adult, child, people.age_years, people.weight_kg)
    after = child_medians(adult, child, age, weight)
    changed = {name: people[name] * (after[name] / before[name]) for name in after}
    return replace(people, age_years=age, weight_kg=weight, parameters={**people.parameters, **changed})


def _progressed(people: People, years: float) -> People:
    rise = (1.0 + per_person(people.cause, "progression", unstated=0.0) / _PERCENT) ** years
    changed = {name: people[name] * rise for name in TONE_EC50}
    return replace(people, parameters={**people.parameters, **changed})
