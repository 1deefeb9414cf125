"""The clinic of a block: days pass, people come as people come, a policy decides, orders go through the gate.

`follow` is a generator: it yields each visit as the clinic sees it and is sent the plan. A study answers with
its policy, an environment with an agent's action; the engine is the same.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np

from openitb.body.anatomy import Floats
from openitb.cohort.engine.pumps import Fault, Refill
from openitb.cohort.people.rating import Rating, rate
from openitb.cohort.study.design import SERIES, Arm, Study, number
from openitb.cohort.study.orders import Asked, Reservoir, admitted, bridge_h, refill_by_day
from openitb.cohort.study.policies import scores_rose
from openitb.cohort.study.record import File
from openitb.cohort.study.seen import (
    ALARM,
    DROWSY,
    SIDE_EFFECT,
    STALL,
    WITHDRAWAL,
    Emptied,
    Plan,
    Policy,
    Seen,
    Why,
    decided,
)
from openitb.cohort.study.ward import Ward
from openitb.guidance import calls_for_escalation, volume_discrepancy
from openitb.prescription.gate import GateRefusal
from openitb.units import HOURS_PER_DAY, MS_PER_DAY, MS_PER_H, NL_PER_ML, PG_PER_UG

_RATED = {
    "leg": (Rating("leg", "ashworth", misses=False), "leg_ashworth"),
    "arm": (Rating("arm", "ashworth", misses=False), "arm_ashworth"),
    "spasm": (Rating("spasm", "penn-frequency", misses=False), "spasm_score"),
}
# What is felt at a visit from the catalogue's value on: the series, whose value, what it is called.
_FELT = (("withdrawal", "withdrawal", WITHDRAWAL), ("sedation_tolerant", "sedation", DROWSY))
_SHOWN_DAYS = 120  # points of a course in a report
_A_HAIR = 1e-6  # of a µg, so that 10 % of 200 is 20
_MOST_TRIES = 12  # appointments missed in a row; so rare that nothing hangs on it


@dataclass(frozen=True, slots=True)
class Followed:
    """A block that has been followed to the horizon.

    `series` by name is of shape (days shown, people), `last_day` (24, people).
    """

    ward: Ward
    files: tuple[File, ...]
    shown_days: tuple[int, ...]
    series: dict[str, Floats]
    last_day: dict[str, Floats]


def follow(study: Study, arm: Arm, ids: range) -> Generator[Seen, Plan, Followed]:
    """Follow the people of these numbers to the horizon; yields visits, is sent plans."""
    course = _Course(study, arm, ids)
    for _ in range(study.days):
        yield from course.day()
    return course.followed()


class _Course:
    def __init__(self, study: Study, arm: Arm, ids: range) -> None:
        self.study, self.arm = study, arm
        self.ward = Ward(study, arm, ids)
        self.hour = round(number("clinic-process", "visit_hour", "hour"))
        self.files = [self._opened(row) for row in range(len(ids))]
        self.every = max(1, ceil(study.days / _SHOWN_DAYS))
        self.shown: list[dict[str, Floats]] = []
        self.last_day: list[dict[str, Floats]] = []
        self.alarms = [sorted(mine.alarms()) for mine in self.ward.troubles]
        self.side_effects = [list(mine.side_effects) for mine in self.ward.troubles]

    def day(self) -> Generator[Seen, Plan, None]:
        """One day: who comes, what is done, and the day passes."""
        self._notice()
        for file in self.files:
            if self.ward.day >= min(file.checkup_day, file.refill_day):
                yield from self._visit(file)
            if file.repair_day is not None and self.ward.day >= file.repair_day:
                self._repair(file)
        self._show()
        self.ward.live()

    def followed(self) -> Followed:
        """All that was seen."""
        days = tuple(range(0, self.study.days, self.every))
        names = (*SERIES, "dose")
        series = {name: np.array([each[name] for each in self.shown]) for name in names}
        last = {name: np.array([each[name] for each in self.last_day]) for name in SERIES}
        return Followed(self.ward, tuple(self.files), days, series, last)

    # --- who comes when

    def _opened(self, row: int) -> File:
        arm, ward = self.arm, self.ward
        start_h = None if arm.start.established else float(self.hour)
        file = File(row, int(ward.dose_pg[row]), arm.system.ug_per_ml, arm.system.fill_nl, start_h)
        rated = rate(_RATED["leg"][0], ward.people.leg_ashworth, ward.people.ids, self.study.seed, 0)
        file.untreated_leg = int(rated[row])
        self._book_checkup(file)
        self._book_refill(file)
        return file

    def _book_checkup(self, file: File) -> None:
        due = self.ward.day + self.arm.visits.every + self._slip(file, "check-up")
        file.checkup_day = max(self.ward.day + 1, round(due))

    def _book_refill(self, file: File) -> None:
        """A new appointment after a fill, with its own luck."""
        visits, coming = self.arm.visits, file.counts.get("refills", 0) + 1
        is_late = visits.late_only in {None, coming}
        file.slip_days = visits.refills_late * is_late + self._slip(file, "refill")
        self._place_refill(file)

    def _place_refill(self, file: File) -> None:
        """The same appointment where the volume that is left now puts it."""
        believed = round(file.filled_nl - self.ward.pumps.counted_nl[file.row])
        if file.filled_day == self.ward.day:
            believed = file.filled_nl
        now = Reservoir(file.filled_day, self.ward.day, believed, file.ug_per_ml, file.dose_pg)
        due = refill_by_day(self.arm.system, now) + round(file.slip_days)
        file.refill_day = max(self.ward.day + 1, due)

    def _slip(self, file: File, what: str) -> float:
        """How much later than planned somebody is seen: a slip, visits not come to, staff not there."""
        visits, ward = self.arm.visits, self.ward
        turn = file.turn(what)
        slip = ward.chances.wait(visits.delay, f"{what} delay", file.row, turn)
        if ward.chances.happens(visits.absence, f"{what} absence", file.row, turn):
            slip += visits.absence_lasts
        for attempt in range(_MOST_TRIES):
            occasion = turn * _MOST_TRIES + attempt
            if not ward.chances.happens(visits.no_show, f"{what} no-show", file.row, occasion):
                break
            slip += visits.rebooked
            file.count("missed_visits")
        return slip

    def _notice(self) -> None:
        """Alarms that are heard and people who call: they come as soon as they are answered."""
        ward, today = self.ward, self.ward.day
        low = self.arm.system.alarm_nl
        withdrawn = ward.cohort.adapted.withdrawal >= number("simulation-headline", "withdrawal")
        for file in self.files:
            if not file.is_alarmed and file.filled_nl - ward.pumps.counted_nl[file.row] <= low:
                file.is_alarmed = True
                self._heard(file, ALARM)
            while self.alarms[file.row] and self.alarms[file.row][0] < today + 1:
                self.alarms[file.row].pop(0)
                self._heard(file, STALL)
            while self.side_effects[file.row] and self.side_effects[file.row][0] < today + 1:
                self.side_effects[file.row].pop(0)
                file.reports.append(SIDE_EFFECT)
            if withdrawn[file.row] and self.arm.visits.calls and today >= file.quiet_until:
                file.quiet_until = today + round(number("clinic-process", "quiet", "day"))
                self._come_soon(file, WITHDRAWAL)

    def _heard(self, file: File, alarm: str) -> None:
        heard = self.arm.visits.hears_alarm
        if self.ward.chances.happens(heard, f"hears {alarm}", file.row, file.turn(f"hears {alarm}")):
            self._come_soon(file, alarm)

    def _come_soon(self, file: File, why: str) -> None:
        turn = file.turn("answer")
        wait = self.ward.chances.wait(self.arm.visits.answer, "answer", file.row, turn)
        file.refill_day, file.is_called = min(file.refill_day, self.ward.day + max(1, ceil(wait))), True
        if why not in file.reports:
            file.reports.append(why)

    # --- a visit

    def _visit(self, file: File) -> Generator[Seen, Plan, None]:
        why: Why = "refill" if self.ward.day >= file.refill_day else "check-up"
        seen = self._looked_at(file, why)
        plan = yield seen
        self._watch(file, seen)
        if plan.investigate:
            self._investigate(file)
        at_h = float(self.ward.day * HOURS_PER_DAY + self.hour)
        old = file.ug_per_ml, file.dose_pg
        if why == "refill":
            self._refill(file, at_h)
        is_new = self._prescribe(file, plan, at_h, old)
        if why == "refill":
            self._book_refill(file)
        elif is_new and not file.is_called:
            self._place_refill(file)
        self._book_checkup(file)

    def _looked_at(self, file: File, why: Why) -> Seen:
        ward, row = self.ward, file.row
        now, visit = ward.series(self.hour), file.count("visits") + 1
        scores = {
            name: int(rate(rating, now[series], ward.people.ids, self.study.seed, visit)[row])
            for name, (rating, series) in _RATED.items()
        }
        at_h = ward.day * HOURS_PER_DAY + self.hour
        since = None if file.increased_h is None else (at_h - file.increased_h) / HOURS_PER_DAY
        limits = ward.limits[row]
        seen = Seen(
            patient=int(ward.people.ids[row]),
            day=ward.day,
            why=why,
            origin=limits.origin,
            age_years=limits.age_years or 0.0,
            dose_ug_per_day=file.dose_pg / PG_PER_UG,
            days_since_increase=since,
            **scores,
            untreated_leg=file.untreated_leg,
            reports=self._reports(file, now),
            reservoir=self._emptied(file) if why == "refill" else None,
            days_since_look=None if file.looked_day is None else ward.day - file.looked_day,
            past=tuple(file.past),
        )
        file.past.append(_without_past(seen))
        return seen

    def _reports(self, file: File, now: dict[str, Floats]) -> tuple[str, ...]:
        for series, rule, report in _FELT:
            is_felt = now[series][file.row] >= number("simulation-headline", rule)
            if is_felt and report not in file.reports:
                file.reports.append(report)
        told = tuple(file.reports)
        file.reports.clear()
        return told

    def _emptied(self, file: File) -> Emptied:
        """What should come out and what does, read off a syringe."""
        ward, row = self.ward, file.row
        residual = self.arm.system.pump.residual_volume_nl
        counted = round(ward.pumps.counted_nl[row])
        expected = max(file.filled_nl - counted - residual, 0)
        misread = ward.chances.error(_reading_sd_nl("drawing"), "drawing", row, file.counts.get("refills", 0))
        drawn = max(round(float(ward.pumps.left_nl[row]) + misread), 0)
        file.judged.append(volume_discrepancy(expected, drawn, counted))
        return Emptied(
            expected_ml=expected / NL_PER_ML,
            drawn_ml=drawn / NL_PER_ML,
            delivered_ml=counted / NL_PER_ML,
            evaluate=file.judged[-1].judgement == "evaluate",
            twice=calls_for_escalation(tuple(file.judged)),
        )

    def _watch(self, file: File, seen: Seen) -> None:
        """What volumes and scores would have told, whatever the policy makes of it."""
        fault = self.ward.troubles[file.row].first_day
        signs = {
            "residual": seen.reservoir is not None and seen.reservoir.evaluate,
            "residual_twice": seen.reservoir is not None and seen.reservoir.twice,
            "score": scores_rose([each.leg for each in file.past]),
        }
        for name, is_seen in signs.items():
            if is_seen:
                file.first(f"{name}_day", seen.day)
                if fault is not None and seen.day >= fault:
                    file.first(f"{name}_delay_days", seen.day - fault)

    def _investigate(self, file: File) -> None:
        turn, file.looked_day = file.count("investigations"), self.ward.day
        finds = number("clinic-process", "finds", "percent") / 100.0
        is_found = self.ward.chances.happens(finds, "investigation", file.row, turn)
        broken = self.ward.troubles[file.row].is_broken(self.ward.day)
        if is_found and broken and file.repair_day is None:
            began = self.ward.troubles[file.row].first_day or 0.0
            file.first("found_day", self.ward.day)
            file.first("found_delay_days", self.ward.day - began)
            file.repair_day = self.ward.day + round(number("clinic-process", "repair", "day"))

    def _repair(self, file: File) -> None:
        at_ms = (self.ward.day * HOURS_PER_DAY + self.hour) * MS_PER_H
        self.ward.troubles[file.row].repair(self.ward.day)
        self.ward.befall(file.row, at_ms, self.study.days * MS_PER_DAY, Fault)
        file.count("repairs")
        file.repair_day = None

    # --- what is done to the pump

    def _refill(self, file: File, at_h: float) -> None:
        system, turn = self.arm.system, file.count("refills")
        change = system.change
        if change is not None and turn + 1 >= change.at_refill:
            file.ug_per_ml = change.ug_per_ml
        misread = self.ward.chances.error(_reading_sd_nl("filling"), "filling", file.row, turn)
        room = system.pump.reservoir_capacity_nl - system.pump.residual_volume_nl
        volume = min(round(system.fill_nl - system.pump.residual_volume_nl + misread), room)
        self.ward.happen(Refill(file.row, at_h, volume, file.ug_per_ml))
        file.filled_nl, file.filled_day = system.fill_nl, self.ward.day
        file.is_alarmed = file.is_called = False

    def _prescribe(self, file: File, plan: Plan, at_h: float, old: tuple[int, int]) -> bool:
        """The order of a visit, if there is a new one; a new concentration needs one for the same dose."""
        old_strength, old_dose = old
        asked_pg = floor(plan.dose_after(old_dose / PG_PER_UG) + _A_HAIR) * PG_PER_UG  # whole µg, not above
        is_new_strength = file.ug_per_ml != old_strength
        if asked_pg == old_dose and not is_new_strength:
            return False
        given = at_h, old_strength
        is_ordered = self._ordered(file, asked_pg, plan.reason, given)
        if not is_ordered and is_new_strength:
            return self._ordered(file, old_dose, "new concentration, same dose", given)
        return is_ordered

    def _ordered(self, file: File, dose_pg: int, reason: str, given: tuple[float, int]) -> bool:
        """Put an order through the gate; True if the pump will run it."""
        at_h, old_strength = given
        file.count("orders")
        asked = Asked(dose_pg, at_h, file.ug_per_ml, file.dose_pg, file.increased_h, reason)
        try:
            program = admitted(self.arm, self.ward.limits[file.row], asked)
        except GateRefusal:
            file.count("refused_orders")
            return False
        change = self.arm.system.change
        if change is not None and change.bridge and file.ug_per_ml != old_strength:
            at_h += bridge_h(self.arm.system, old_strength, file.ug_per_ml, file.dose_pg)
        self.ward.order(file.row, at_h, program)
        if dose_pg > file.dose_pg:
            file.increased_h = at_h
        file.dose_pg = dose_pg
        return True

    # --- what is written down

    def _show(self) -> None:
        if self.ward.day % self.every == 0:
            doses = np.array([file.dose_pg / PG_PER_UG for file in self.files])
            self.shown.append({**self._series(self.hour), "dose": doses})
        if self.ward.day == self.study.days - 1:
            self.last_day = [self._series(hour) for hour in range(HOURS_PER_DAY)]

    def _series(self, hour: int) -> dict[str, Floats]:
        return {name: values.copy() for name, values in self.ward.series(hour).items()}


def answered(policy: Policy, course: Generator[Seen, Plan, Followed]) -> Followed:
    """Drive a course to its end with a policy; `PolicyError` names the visit it cannot answer."""
    try:
        seen = next(course)
        while True:
            seen = course.send(decided(policy, seen))
    except StopIteration as ended:
        found: Followed = ended.value
        return found


def _without_past(seen: Seen) -> Seen:
    return replace(seen, past=())


def _reading_sd_nl(what: str) -> float:
    return number("residual-inference", f"{what}_sd", "nL")
