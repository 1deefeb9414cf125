"""Simulated patients with a clinic's record each, and the truth behind it.

Bodies follow the model hour by hour with exact responses, not the days and surfaces the twin reckons with.
A clinic tries boluses, implants who responds, sees people, raises the dose while tone is high, refills.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from openitb import catalogue
from openitb.body import Dispersion
from openitb.body.anatomy import Floats
from openitb.cohort.engine.adaptation import Adapted, Adapting, habits, unadapted
from openitb.cohort.engine.responses import PUNCTURE, TIP, full_basis, infusion_basis, responses
from openitb.cohort.engine.transfer import ARM, BRAINSTEM, LEG
from openitb.cohort.engine.watch import Shown
from openitb.cohort.people import CAUSES, People, Population, draw
from openitb.cohort.people.causes import per_person
from openitb.cohort.people.rating import Rating, rate
from openitb.prescription import SimpleContinuous, compile_order
from openitb.twin.faults import HOURS_PER_YEAR, Acting
from openitb.twin.flow import usual_assumptions
from openitb.twin.priors import rule
from openitb.twin.record import (
    ClinicRecord,
    Entry,
    Implanted,
    Ordered,
    Refilled,
    Reported,
    Scored,
    TrialBolus,
    Whom,
)
from openitb.units import MS_PER_H, NL_PER_ML, PG_PER_UG

PLACES = (LEG, ARM, BRAINSTEM)
SERIES = ("leg_ashworth", "arm_ashworth", "spasm_score", "sedation_tolerant")
TONE = SERIES[:3]
PUMP, UG_PER_ML, TIP_AT, FILL_NL = "synchromed-ii-40", 1000, "T12", 38 * NL_PER_ML
IMPLANT_H, TRIALS_UG, TRIAL_AFTER_H = 24 * 7, (50.0, 75.0, 100.0), 4
VISIT_DAYS = (14, 28, 49, 77, 112, 154, 203, 252, 301, 350)
AHEAD_DAYS = 28
RAISED = 1.2
STRONGEST_UG = 900.0
HIGH, LOW = 2, 1  # ordinals of modified Ashworth: raised above, left alone at or below
DAY_H = 24


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one patient: row among the people, `label` and begin of what happened ("none" where
    nothing did), and every day's tone and spasms, (days, 3), the last days under the proposed order.
    """

    row: int
    label: str
    from_h: float
    severity: float
    daily: Floats
    proposed_ug: float


@dataclass(frozen=True, slots=True, eq=False)
class Ward:
    """People, their records and truths."""

    people: People
    records: Sequence[ClinicRecord]
    truths: Sequence[Truth]


@dataclass(frozen=True, slots=True)
class Setting:
    """How many people of which cause and dispersion are asked; `events` happen to them, none if left out."""

    count: int
    seed: int
    dispersion: Dispersion = "well_mixed"
    shares: Mapping[str, float] = field(default_factory=lambda: {"cerebral": 1.0})
    visits: tuple[int, ...] = VISIT_DAYS


def ward(setting: Setting, happened: "Happened | None" = None) -> Ward:
    """Let everybody live; those who do not respond to a trial have no record."""
    life = _Life(setting, happened or nothing(setting.count))
    life.live()
    rows = [row for row in range(setting.count) if life.treated[row]]
    return Ward(life.people, [life.record(row) for row in rows], [life.truth(row) for row in rows])


@dataclass(frozen=True, slots=True, eq=False)
class Happened:
    """What happens to each of n people: as `openitb.twin.faults.Acting`, with labels and severities."""

    acting: Acting
    labels: Sequence[str]
    severity: Floats


def nothing(count: int) -> Happened:
    """Nothing happens to anybody."""
    zero = np.zeros(count)
    acting = Acting(np.full(count, np.inf), zero, zero, np.zeros(count, dtype=np.bool_))
    return Happened(acting, ["none"] * count, zero)


class _Life:
    """All people hour by hour."""

    def __init__(self, setting: Setting, happened: Happened) -> None:
        self._setting, self._happened = setting, happened
        self._chance: Generator = np.random.default_rng([setting.seed, 77])
        ids = np.arange(setting.count) + 10_000 * setting.seed
        self.people = draw(Population(dict(setting.shares), setting.dispersion), ids, setting.seed)
        self._tip = responses(self.people, TIP_AT, infusion_basis())
        self._puncture = responses(self.people, TIP_AT, full_basis(), (PUNCTURE,))
        self._shown, self._some = Shown(self.people, SERIES), habits(self.people)
        self._used: Adapted = unadapted(self._some, 1.0)
        count = setting.count
        self._steps = Adapting(self._some, 1.0)
        self._drip = np.zeros((count, len(self._tip.rates_per_h)))
        self._bolus = np.zeros((count, len(self._puncture.rates_per_h)))
        self._dose, self._gain = np.zeros(count), self._gains(count)
        self._entries: list[list[Entry]] = [[] for _ in range(count)]
        self.treated = np.zeros(count, dtype=np.bool_)
        self._tried = np.full(count, -1)
        self._effective = np.full(count, np.nan)
        self._left_nl, self._missing_nl = np.full(count, float(FILL_NL)), np.zeros(count)
        self._before = np.zeros(count, dtype=np.int64)
        self._drift = np.log1p(per_person(self.people.cause, "progression", 0.0) / 100) / HOURS_PER_YEAR
        self._daily: list[Floats] = []
        self._pump = catalogue.load().pump(PUMP)

    def live(self) -> None:
        """From the first score to the end of the proposed order."""
        visits = {DAY_H * day + 10: number for number, day in enumerate(self._setting.visits, start=1)}
        last = DAY_H * self._setting.visits[-1] + 10
        for hour in range(last + DAY_H * AHEAD_DAYS + 1):
            if hour < IMPLANT_H:
                self._trial(hour)
            elif hour == IMPLANT_H:
                self._implant(hour)
            elif hour in visits:
                self._see(hour, visits[hour], is_last=hour == last)
            if hour % DAY_H == 12:
                self._daily.append(np.array([self._value(name) for name in TONE]))
            self._pass_hour(hour)

    def record(self, row: int) -> ClinicRecord:
        """What the clinic wrote down."""
        cause = CAUSES[self.people.cause[row]]
        whom = Whom(cause, float(self.people.age_years[row]), float(self.people.weight_kg[row]))
        system = Implanted(self._pump, 300_000, TIP_AT, UG_PER_ML)
        return ClinicRecord(whom, system, 0, tuple(self._entries[row]))

    def truth(self, row: int) -> Truth:
        """What is true."""
        daily = np.array([values[:, row] for values in self._daily])
        begin, label = float(self._happened.acting.from_h[row]), self._happened.labels[row]
        return Truth(row, label, begin, float(self._happened.severity[row]), daily, float(self._dose[row]))

    def _gains(self, count: int) -> Floats:
        usual = usual_assumptions().gain
        return np.asarray(usual.mean + usual.sd * self._chance.standard_normal(count))

    # -- what the clinic does

    def _trial(self, hour: int) -> None:
        if hour == 0:
            self._score(hour, np.arange(self._setting.count), 0)
        number, since = divmod(hour, DAY_H)
        if number >= len(TRIALS_UG):
            return
        waiting = np.flatnonzero(np.isnan(self._effective))
        if not len(waiting):
            return
        if since == 2:
            for row in waiting:
                self._entries[row].append(TrialBolus(hour * MS_PER_H, TRIALS_UG[number]))
            self._bolus[waiting] += TRIALS_UG[number] * self._puncture.rates_per_h
        if since == 2 + TRIAL_AFTER_H:
            given = self._score(hour, waiting, 20 + number)
            better = waiting[given <= self._before[waiting] - 1]
            self._effective[better] = TRIALS_UG[number]

    def _implant(self, hour: int) -> None:
        self.treated = ~np.isnan(self._effective)
        rows = np.flatnonzero(self.treated)
        for row in rows:
            self._entries[row].append(Refilled(hour * MS_PER_H, FILL_NL, UG_PER_ML))
            self._order(hour, int(row), 2 * float(self._effective[row]))

    def _see(self, hour: int, number: int, *, is_last: bool) -> None:
        missed = self._chance.random(self._setting.count) < 0.08
        rows = np.flatnonzero(self.treated & (~missed | is_last))
        given = self._score(hour, rows, number)
        self._ask(hour, rows)
        for row, leg in zip(rows.tolist(), given.tolist(), strict=True):
            self._refill(hour, row)
            dose = float(self._dose[row])
            if is_last:
                self._dose[row] = round(min(RAISED * dose, STRONGEST_UG))
            elif leg >= HIGH:
                self._order(hour, row, min(RAISED * dose, STRONGEST_UG))

    def _score(self, hour: int, rows: NDArray[np.int64], visit: int) -> NDArray[np.int64]:
        people, scale = self.people, "modified-ashworth"
        found = {}
        for what, series in (("leg", "leg_ashworth"), ("arm", "arm_ashworth"), ("spasm", "spasm_score")):
            rating = Rating(what, scale if what != "spasm" else "penn-frequency", misses=False)
            found[what] = rate(rating, self._value(series)[rows], people.ids[rows], self._setting.seed, visit)
        for k, row in enumerate(rows.tolist()):
            levels = {
                "leg": (scale, int(found["leg"][k])),
                "arm": (scale, int(found["arm"][k])),
                "spasm": ("penn-frequency", int(found["spasm"][k])),
            }
            self._entries[row].append(Scored(hour * MS_PER_H, levels, "A"))
        if hour == 0:
            self._before[rows] = found["leg"]
        return found["leg"].astype(np.int64)

    def _ask(self, hour: int, rows: NDArray[np.int64]) -> None:
        """Whether drowsy or in withdrawal, by the answers the twin's own rules give."""
        told = {}
        for name, level in (
            ("drowsy", self._value("sedation_tolerant")),
            ("withdrawal", self._used.withdrawal),
        ):
            noise = rule(f"{name}_width") * self._chance.standard_normal(len(rows))
            true = level[rows] + noise >= rule(f"{name}_at")
            told[name] = true ^ (self._chance.random(len(rows)) < rule("false_report", "percent") / 100)
        for k, row in enumerate(rows.tolist()):
            self._entries[row].append(
                Reported(hour * MS_PER_H, bool(told["drowsy"][k]), bool(told["withdrawal"][k]))
            )

    def _order(self, hour: int, row: int, dose_ug: float) -> None:
        dose = round(dose_ug)
        order = SimpleContinuous(dose * PG_PER_UG)
        self._entries[row].append(Ordered(hour * MS_PER_H, compile_order(order, UG_PER_ML, self._pump)))
        self._dose[row] = dose

    def _refill(self, hour: int, row: int) -> None:
        expected = round(self._left_nl[row])
        noise = usual_assumptions().reading_sd_nl * self._chance.standard_normal()
        least = self._pump.residual_volume_nl  # which no needle draws
        drawn = round(max(expected - self._missing_nl[row], least) + noise)
        drawn = min(max(drawn, 0), self._pump.reservoir_capacity_nl)
        self._entries[row].append(Refilled(hour * MS_PER_H, FILL_NL, UG_PER_ML, max(expected, 0), drawn))
        self._left_nl[row], self._missing_nl[row] = float(FILL_NL), 0.0

    # -- what the bodies do

    def _concentrations(self, hour: int) -> Floats:
        """Acting concentrations in ng/mL by place, (3, people)."""
        drip = np.array([np.einsum("nk,nk->n", self._tip.of(TIP, place), self._drip) for place in PLACES])
        given = [np.einsum("nk,nk->n", self._puncture.of(PUNCTURE, place), self._bolus) for place in PLACES]
        found: Floats = drip + np.array(given)
        acting = self._happened.acting
        found[:2] *= np.exp(-acting.rise_per_h * np.maximum(hour - acting.from_h, 0.0) - self._drift * hour)
        return found

    def _value(self, name: str) -> Floats:
        used = self._used
        needed = self._shown.needed(used.tolerance)[name]
        return self._shown.value(name, self._scaled[name], needed, used.withdrawal)

    @property
    def _scaled(self) -> dict[str, Floats]:
        now = self._now
        legs = self._some.scaled(now[0])
        return self._shown.scaled(dict(zip(PLACES, now, strict=True)), legs)

    @property
    def _now(self) -> Floats:
        return self._concentrations(self._hour)

    _hour = 0

    def _pass_hour(self, hour: int) -> None:
        before = self._some.scaled(self._now[0])
        acting, begun = self._happened.acting, hour >= self._happened.acting.from_h
        part = np.where(begun, np.exp(acting.log_acts), 1.0)
        flow = np.where(begun & acting.flow, part, 1.0)
        count_nl = self._dose / UG_PER_ML * NL_PER_ML / DAY_H
        self._missing_nl += count_nl * (self._gain * flow - 1.0)
        self._left_nl -= count_nl
        rate = self._dose / DAY_H * self._gain * part
        self._drip = rate[:, None] + (self._drip - rate[:, None]) * self._decay_tip
        self._bolus *= self._decay_puncture
        self._hour = hour + 1
        self._used = self._steps.step(self._used, before, self._some.scaled(self._now[0]))

    @property
    def _decay_tip(self) -> Floats:
        return np.asarray(np.exp(-self._tip.rates_per_h))

    @property
    def _decay_puncture(self) -> Floats:
        return np.asarray(np.exp(-self._puncture.rates_per_h))
