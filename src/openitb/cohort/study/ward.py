"""The truth of a block: people, pumps and catheters under one arm of a study, day by day."""

from dataclasses import replace

import numpy as np

from openitb.body.anatomy import Floats
from openitb.body.parameters import constant
from openitb.cohort.engine.cohort import Cohort
from openitb.cohort.engine.pumps import Change, Dose, Pumps, SetFlow, System
from openitb.cohort.engine.responses import AT_TIP, TIP, Responses, full_basis, infusion_basis, responses
from openitb.cohort.engine.transfer import LEG
from openitb.cohort.engine.watch import Summary
from openitb.cohort.people import CAUSES, People, draw
from openitb.cohort.study.chance import Chances
from openitb.cohort.study.design import Arm, Study, lowest_dose_ug, number
from openitb.cohort.study.errors import StudyError
from openitb.cohort.study.mishaps import Troubles, gains, troubles
from openitb.cohort.study.orders import Asked, admitted
from openitb.prescription.gate import GateRefusal, Origin, PatientLimits
from openitb.prescription.gate_case import range_limits
from openitb.prescription.program import Program
from openitb.units import HOURS_PER_DAY, MS_PER_DAY, PG_PER_UG

ORIGINS: dict[str, Origin] = {
    "cerebral": "cerebral",
    "paediatric": "cerebral",
    "spinal": "spinal",
    "multiple sclerosis": "spinal",
}
_REASON = "the dose the study begins with"


class Ward:
    """One block under way in one arm. Rows are people, in the order of their numbers.

    `dose_pg` are the daily doses everybody begins with, `troubles` what will befall them.
    """

    def __init__(self, study: Study, arm: Arm, ids: range) -> None:
        drawn = draw(study.population, np.arange(ids.start, ids.stop), study.seed)
        self.chances = Chances(study.seed, drawn.ids)
        self.troubles: list[Troubles] = troubles(arm, drawn, self.chances, study.days)
        found = _responses(drawn, arm)
        self.people, dose_ug = _begun(drawn, found, arm)
        self.limits = [_limits(self.people, row) for row in range(len(drawn))]
        self.dose_pg = np.rint(dose_ug).astype(np.int64) * PG_PER_UG
        self.cohort = Cohort(self.people, found, study.watch)
        self.pumps = Pumps(self.cohort, _system(arm))
        self._pending: list[Change] = []
        self._seen: tuple[tuple[int, int], dict[str, Floats]] = ((-1, -1), {})
        self._begin(arm, study.days)

    @property
    def day(self) -> int:
        """Whole days lived."""
        return self.cohort.day

    def order(self, row: int, at_h: float, program: Program) -> None:
        """From then on a pump runs this; what was ordered for later is forgotten."""
        self._drop(row, SetFlow)
        self._pending.append(SetFlow(row, at_h, program))

    def happen(self, change: Change) -> None:
        """Let something happen."""
        self._pending.append(change)

    def befall(self, row: int, from_ms: int, end_ms: int, kind: type[Change]) -> None:
        """Lay out anew what a person's troubles amount to from an instant on."""
        self._drop(row, kind)
        self._pending += self.troubles[row].changes(row, from_ms, end_ms)

    def live(self) -> None:
        """Let the coming day pass."""
        end_h = (self.day + 1) * HOURS_PER_DAY
        today = [change for change in self._pending if change.at_h < end_h]
        if today:
            self._pending = [change for change in self._pending if change.at_h >= end_h]
        self.pumps.live(1, today)

    def series(self, hour: int) -> dict[str, Floats]:
        """Effects at an hour of the coming day, as if nothing happened before it."""
        if self._seen[0] != (self.day, hour):
            at_h = self.day * HOURS_PER_DAY + hour
            before = [change for change in self._pending if change.at_h < at_h]
            self._seen = (self.day, hour), self.pumps.series_at(hour, before)
        return self._seen[1] | {"withdrawal": self.cohort.adapted.withdrawal}

    def summary(self) -> Summary:
        """What has been seen of everybody, hour by hour."""
        return self.cohort.summary()

    def _drop(self, row: int, kind: type[Change]) -> None:
        self._pending = [c for c in self._pending if c.row != row or not isinstance(c, kind)]

    def _begin(self, arm: Arm, days: int) -> None:
        programs = [self._first(arm, row) for row in range(len(self.people))]
        if arm.start.established:
            self.pumps.settle(programs, gains(self.troubles))
        else:
            at_h = number("clinic-process", "visit_hour", "hour")
            self._pending += [SetFlow(row, at_h, program) for row, program in enumerate(programs)]
        for row, mine in enumerate(self.troubles):
            if mine.laid or not arm.start.established:
                self._pending += mine.changes(row, 0, days * MS_PER_DAY)
            self._pending += [
                Dose(row, day * HOURS_PER_DAY, doses * float(self.dose_pg[row]) / PG_PER_UG, AT_TIP)
                for day, doses in mine.overdoses
            ]

    def _first(self, arm: Arm, row: int) -> Program:
        asked = Asked(int(self.dose_pg[row]), 0.0, arm.system.ug_per_ml, None, None, _REASON)
        try:
            return admitted(arm, self.limits[row], asked)
        except GateRefusal as error:
            raise StudyError(
                f"arm {arm.name!r}: start.dose: patient {self.people.ids[row]}: {error}"
            ) from None


def _responses(people: People, arm: Arm) -> Responses:
    if arm.hazards is not None and arm.hazards.overdose:
        return responses(people, arm.system.tip, full_basis(), (TIP, AT_TIP))
    return responses(people, arm.system.tip, infusion_basis())


def _system(arm: Arm) -> System:
    system = arm.system
    return System(system.fill_nl, system.pump.residual_volume_nl, system.path_nl, system.ug_per_ml)


def _limits(people: People, row: int) -> PatientLimits:
    return PatientLimits(ORIGINS[CAUSES[people.cause[row]]], float(people.age_years[row]))


def _begun(people: People, found: Responses, arm: Arm) -> tuple[People, Floats]:
    """The people as they are on the first day, and the dose each has in µg/day."""
    start = arm.start
    if start.dose_ug is not None:
        same = np.full(len(people), start.dose_ug)
        return (_used_to(people, found, same), same) if start.established else (people, same)
    dose = np.clip(_needed(people, found, start.goal), *_range(people, arm))
    return _used_to(people, found, dose), dose


def _needed(people: People, found: Responses, goal: float) -> Floats:
    """The dose at which legs come to rest at a score, tolerance as it then is.

    With the occupancy o that gives the score, T = 1 + Tmax o and c = EC50 T (o/(1 - o))^(1/g).
    """
    low, high = (number("study", f"{end}_relief") for end in ("least", "most"))
    normal = constant("computation", "ashworth_normal")
    relief = np.maximum(people.leg_ashworth - normal, normal / MS_PER_DAY) * people["tone_relief"]
    occupied = np.clip((people.leg_ashworth - goal) / relief, low, high)
    tolerance = 1.0 + people["tolerance_gain"] * occupied
    scaled = (occupied / (1.0 - occupied)) ** (1.0 / people["tone_hill"])
    return np.asarray(people["leg_ec50_ng_per_ml"] * tolerance * scaled * HOURS_PER_DAY / found.steady(LEG))


def _used_to(people: People, found: Responses, dose_ug: Floats) -> People:
    """The same people with the tolerance that a dose leads to in the end: T = 1 + Tmax x/(x + T^g)."""
    x = (dose_ug / HOURS_PER_DAY * found.steady(LEG) / people["leg_ec50_ng_per_ml"]) ** people["tone_hill"]
    low, high = np.ones(len(people)), 1.0 + people["tolerance_gain"]
    for _ in range(60):  # halving: exact to the last digit
        middle = (low + high) / 2
        above = 1.0 + people["tolerance_gain"] * x / (x + middle ** people["tone_hill"]) > middle
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return replace(people, tolerance=(low + high) / 2)


def _range(people: People, arm: Arm) -> tuple[Floats, Floats]:
    """What a found dose may be: what the pump can run, up to what is recommended."""
    lowest = np.ceil(lowest_dose_ug(arm.system, arm.delivery))
    limits = (_limits(people, row) for row in range(len(people)))
    tops = [range_limits(each.origin, each.age_years).fact("recommended_dose_high") for each in limits]
    high = np.array([float(top.number("ug/day")) for top in tops])
    return np.full(len(people), lowest), np.maximum(high, lowest)
