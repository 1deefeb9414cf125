"""Ten years of daily dose by cause, when a clinic follows the label.

Screening decides who is implanted and the first dose; then the dose is raised by the middle of the label's
step while the rated Ashworth is above the goal, and cut when somebody is too sleepy. Tolerance follows the
model day by day at the steady state of the day's dose: no dose falls by half, so no loss of effect begins.
Children grow and multiple sclerosis goes on, once a year. No device fails and nobody leaves.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openitb import catalogue
from openitb.body import Dispersion
from openitb.body.anatomy import Floats
from openitb.body.effect import hill
from openitb.cohort.people import CAUSES, People, Population, draw
from openitb.cohort.people.later import later
from openitb.cohort.people.rating import MISSED, Rating, rate
from openitb.units import HOURS_PER_DAY
from tools.validate import experiments as x
from tools.validate.spread import COURSE_H, SEED, bolus_course

YEARS, DAYS_PER_YEAR, DAYS_PER_MONTH = 10, 365, 30.4375
SHOWN_MONTHS = (0, 1, 2, 3, 6, 9, 12, 18, 24, 36, 48, 60, 72, 84, 96, 108, 120)
LIMITS = {"cerebral": "cerebral-adult", "spinal": "spinal-adult", "multiple sclerosis": "spinal-adult"}
CHILD_LIMITS = "child"
_RATING = Rating("leg", "ashworth")
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rule:
    """The label's steps for one cause, as parts, and the clinic's habits."""

    titration: float
    maintenance: float
    decrease: float
    most_ug_per_day: float
    inpatient_days: int
    weekly_until: int
    refill_every: int
    goal: int
    too_sleepy: float

    def is_visit(self, day: int) -> bool:
        """Is anybody seen on this day?"""
        if day <= self.inpatient_days:
            return day >= 1
        return day % 7 == 0 if day <= self.weekly_until else day % self.refill_every == 0

    def raised(self, day: int) -> float:
        """By which part a dose is raised on a visit of this day."""
        return self.titration if day <= self.weekly_until else self.maintenance


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Who responded to the screening trial, and the first daily dose of those; shapes (n,)."""

    responded: Flags
    first_ug_per_day: Floats


def trajectories(cause: str, dispersion: Dispersion) -> dict[str, object]:
    """Daily dose at `SHOWN_MONTHS` of those implanted: mean, and 10, 50, 90 %; leg Ashworth beside it."""
    count = int(catalogue.load().practice["validation"].fact("people").number())
    everybody = draw(Population({cause: 1.0}, dispersion), np.arange(count), SEED)
    trial = screening(everybody, cause)
    shown: dict[str, object] = {"responded": float(100 * trial.responded.mean())}
    if not trial.responded.any():
        return shown
    people = everybody.take(np.flatnonzero(trial.responded))
    doses, legs = follow(people, trial.first_ug_per_day[trial.responded], rule_of(cause))
    low, middle, high = np.percentile(doses, (10, 50, 90), axis=1)
    lines = {"mean": doses.mean(axis=1), "low": low, "median": middle, "high": high, "leg": legs.mean(axis=1)}
    return shown | {name: [float(f"{value:.4g}") for value in line] for name, line in lines.items()}


def rule_of(cause: str) -> Rule:
    """The catalogue's rule for a cause."""
    known = catalogue.load()
    limits, habits = known.limits[LIMITS.get(cause, CHILD_LIMITS)], known.practice["label-titration"]

    def middle(name: str) -> float:
        ends = (limits.fact(f"{name}_{end}").number("percent") for end in ("low", "high"))
        return float(sum(ends)) / 200

    most = "reported_dose_high" if "reported_dose_high" in limits.facts else "recommended_dose_high"
    return Rule(
        middle("titration_increase"),
        middle("maintenance_increase"),
        middle("decrease"),
        float(limits.fact(most).number("ug/day")),
        habits.fact("inpatient_days").whole("day"),
        habits.fact("weekly_until").whole("day"),
        habits.fact("refill_every").whole("day"),
        int(habits.fact("goal").number()),
        float(habits.fact("too_sleepy").number()),
    )


def screening(people: People, cause: str) -> Trial:
    """Boluses in rising order until one takes enough points; then twice it a day, or once it."""
    rules = catalogue.load().limits
    start, trial = rules["start"], rules["screening"]
    needed = float(catalogue.load().practice["label-titration"].fact("least_response").number())
    names = ("first_bolus", "second_bolus", "third_bolus")
    boluses = [float(trial.fact(name).number("ug")) for name in names]
    if cause not in LIMITS:
        boluses = [float(trial.fact("small_child_bolus").number("ug")), *boluses]
    leg = np.array([bolus_course(people.one(row))[1] for row in range(len(people))])
    first, responded = np.zeros(len(people)), np.zeros(len(people), dtype=np.bool_)
    for dose in boluses:
        gained = _gained(people, dose * leg)
        enough = gained >= needed
        long = enough.sum(axis=1) * (COURSE_H[1] - COURSE_H[0]) > float(
            start.fact("long_effect").number("hour")
        )
        multiple = np.where(long, _number(start, "bolus_multiple_cautious"), _number(start, "bolus_multiple"))
        now = enough.any(axis=1) & ~responded
        first, responded = np.where(now, dose * multiple, first), responded | now
    return Trial(responded, first)


def follow(people: People, dose: Floats, rule: Rule) -> tuple[Floats, Floats]:
    """Daily dose and leg Ashworth at `SHOWN_MONTHS`, both (months, n)."""
    shown = {round(month * DAYS_PER_MONTH): k for k, month in enumerate(SHOWN_MONTHS)}
    doses, legs = np.empty((len(shown), len(people))), np.empty((len(shown), len(people)))
    tolerance, levels, visit = people.tolerance.copy(), _levels(people), 0
    for day in range(max(shown) + 1):
        if day and day % DAYS_PER_YEAR == 0:
            people = later(people, 1.0)
            levels = _levels(people) if _grows(people) else levels
        tone = _tone(people, levels[x.LEG] * dose, tolerance)
        if day in shown:
            doses[shown[day]], legs[shown[day]] = dose, tone
        if rule.is_visit(day):
            visit += 1
            sleepy = _sleepy(people, levels[x.BRAIN] * dose, tolerance, rule)
            dose = _ordered(dose, rate(_RATING, tone, people.ids, SEED, visit), sleepy, (rule, day))
        tolerance = _tomorrow(people, levels[x.LEG] * dose, tolerance)
    return doses, legs


def _ordered(dose: Floats, level: NDArray[np.int8], sleepy: Flags, when: tuple[Rule, int]) -> Floats:
    rule, day = when
    more = (level > rule.goal) & ~sleepy
    raised = np.minimum(dose * (1 + rule.raised(day)), np.maximum(rule.most_ug_per_day, dose))
    return np.select([level == MISSED, sleepy, more], [dose, dose * (1 - rule.decrease), raised], dose)


def _levels(people: People) -> dict[str, Floats]:
    each = [x.steady(people.one(row)) for row in range(len(people))]
    return {name: np.array([one[name] for one in each]) for name in (x.LEG, x.BRAIN)}


def _grows(people: People) -> bool:
    return bool((people.cause == CAUSES.index("paediatric")).any())


def _occupancy(people: People, leg: Floats, tolerance: Floats) -> Floats:
    ratio = (leg / (people["leg_ec50_ng_per_ml"] * tolerance)) ** people["tone_hill"]
    return np.asarray(ratio / (1 + ratio))


def _tone(people: People, leg: Floats, tolerance: Floats) -> Floats:
    relief = people["tone_relief"] * _occupancy(people, leg, tolerance)
    return people.leg_ashworth - (people.leg_ashworth - 1.0) * relief


def _gained(people: People, leg: Floats) -> Floats:
    """Leg points gained over a course of concentrations (n, times), tolerance 1."""
    ratio = (leg / people["leg_ec50_ng_per_ml"][:, None]) ** people["tone_hill"][:, None]
    excess = (people.leg_ashworth - 1.0) * people["tone_relief"]
    return np.asarray(excess[:, None] * ratio / (1 + ratio))


def _sleepy(people: People, brain: Floats, tolerance: Floats, rule: Rule) -> Flags:
    half = people["sedation_ec50_ng_per_ml"] * tolerance
    return hill(brain, half, float(people["sedation_hill"][0])) >= rule.too_sleepy


def _tomorrow(people: People, leg: Floats, tolerance: Floats) -> Floats:
    goal = 1.0 + people["tolerance_gain"] * _occupancy(people, leg, tolerance)
    kept = np.exp(-HOURS_PER_DAY / people["tolerance_time_h"])
    return np.asarray(goal + (tolerance - goal) * kept)


def _number(entry: catalogue.Entry, name: str) -> float:
    return float(entry.fact(name).number())
