"""The predicted course of a fitted patient under any order, with bands.

Whole bodies are made from the posterior and followed with the cohort engine's exact responses, hour by hour,
each with the change of the system it is believed to have.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from openitb.body.anatomy import Floats
from openitb.cohort.engine.adaptation import Adapted, Adapting, habits
from openitb.cohort.engine.responses import TIP, infusion_basis, responses
from openitb.cohort.engine.transfer import ARM, BRAINSTEM, LEG
from openitb.cohort.engine.watch import Shown
from openitb.prescription import Order, Program
from openitb.prescription.gate import GateRefusal
from openitb.prescription.guardrails import GateRequest, PatientLimits, Verdict, check
from openitb.twin.course import Used, adapted
from openitb.twin.delivery import Delivery, Proposed, delivery
from openitb.twin.errors import TwinError
from openitb.twin.faults import Acting
from openitb.twin.fitting import Fit
from openitb.twin.model import Columns, severity
from openitb.twin.priors import rule
from openitb.twin.record import ClinicRecord, Ordered, Refilled
from openitb.twin.summary import ends
from openitb.twin.target import Target
from openitb.units import MS_PER_DAY, MS_PER_H

SERIES = {
    "leg_ashworth": "point",
    "arm_ashworth": "point",
    "spasm_score": "point",
    "sedation_tolerant": "1",
    "withdrawal": "1",
}
_EFFECTS = tuple(name for name in SERIES if name != "withdrawal")
_PLACES = (LEG, ARM, BRAINSTEM)
_SEED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One series over time in `unit`, (n,): median and the ends of the band."""

    unit: str
    low: Floats
    median: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Bands by series over `time_ms` (n,); what lies after `now_ms` is predicted under `program`.

    `verdict` is what the gate said of a proposed order, None where the order in force goes on. `warnings`
    are those of the fit: with any, bands are not to be relied on.
    """

    time_ms: NDArray[np.int64]
    now_ms: int
    program: Program
    series: Mapping[str, Line]
    verdict: Verdict | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """How far before and after now a course is shown, whole days."""

    behind_days: int
    ahead_days: int

    def __post_init__(self) -> None:
        most = int(rule("longest_ahead", "day"))
        if not 1 <= self.ahead_days <= most:
            raise TwinError(f"ahead: got {self.ahead_days} days, expected 1 to {most} days")
        if self.behind_days < 0:
            raise TwinError(f"behind: got {self.behind_days} days, expected at least 0 days")


def usual_span() -> Span:
    """The catalogue's."""
    return Span(int(rule("behind", "day")), int(rule("ahead", "day")))


def predicted(fitted: Fit, order: Order | None = None, span: Span | None = None) -> Course:
    """The course around the end of the record: under a proposed order from then on, or as the pump runs.

    Raises `TwinError` for a record without an order, and for an order that the gate stops, with its line.
    """
    over, now_ms = span or usual_span(), fitted.at_ms
    verdict = None if order is None else gated(fitted.record, order)
    program = _running(fitted.record) if verdict is None else verdict.program
    assert program is not None  # noqa: S101 - a verdict without a program is refused above
    start_ms = max(now_ms - over.behind_days * MS_PER_DAY, fitted.record.start_ms)
    hours = np.arange(
        (start_ms - fitted.record.start_ms) // MS_PER_H, _hour(fitted, now_ms) + 24 * over.ahead_days + 1
    )
    given = delivery(fitted.record, now_ms + over.ahead_days * MS_PER_DAY, Proposed(now_ms, program))
    lines = _lines(fitted, given, hours.astype(np.float64))
    bands = {name: _band(SERIES[name], values) for name, values in lines.items()}
    time_ms = fitted.record.start_ms + hours * MS_PER_H
    return Course(time_ms, now_ms, program, MappingProxyType(bands), verdict, fitted.trust.warnings)


def gated(record: ClinicRecord, order: Order) -> Verdict:
    """What the one gate says of an order at the end of a record; `TwinError` with its line if it stops it."""
    running = _running(record)
    limits = PatientLimits(record.whom.origin, record.whom.age_years)
    asked = GateRequest(
        order=order,
        concentration_ug_per_ml=_strength(record),
        pump=record.system.pump,
        patient=limits,
        last_effective_dose_pg_per_day=running.daily_dose_pg,
        last_increase_ms=_last_increase_ms(record),
        at_ms=record.end_ms,
    )
    verdict = check(asked)
    if verdict.outcome == "refused" or verdict.program is None:
        try:
            verdict.admit()
        except GateRefusal as refusal:
            raise TwinError(str(refusal)) from None
    return verdict


def _hour(fitted: Fit, at_ms: int) -> int:
    return (at_ms - fitted.record.start_ms) // MS_PER_H


def _running(record: ClinicRecord) -> Program:
    orders = list(record.of(Ordered))
    if not orders:
        raise TwinError("record: got no order, expected one before a course on the pump is predicted")
    return orders[-1].program


def _strength(record: ClinicRecord) -> int:
    refills = list(record.of(Refilled))
    return refills[-1].ug_per_ml if refills else record.system.ug_per_ml


def _last_increase_ms(record: ClinicRecord) -> int | None:
    last, dose = None, 0
    for entry in record.of(Ordered):
        if entry.program.daily_dose_pg > dose:
            last = entry.at_ms
        dose = entry.program.daily_dose_pg
    return last


def _band(unit: str, values: Floats) -> Line:
    low, median, high = np.quantile(values, ends(), axis=0)
    return Line(unit, low, median, high)


def _lines(fitted: Fit, given: Delivery, hours: Floats) -> dict[str, Floats]:
    """Every series of every body of the posterior, (bodies, hours)."""
    rows = fitted.posterior.resampled(int(rule("people")), np.random.default_rng(_SEED))
    parts: list[dict[str, Floats]] = []
    for number, target in enumerate(fitted.targets):
        own = rows[fitted.posterior.target[rows] == number]
        if len(own):
            bodies = _Bodies(target, fitted.posterior.z[own], fitted.posterior.which[own])
            parts.append(bodies.follow(fitted.record, given, hours))
    return {name: np.concatenate([part[name] for part in parts]) for name in SERIES}


class _Bodies:
    """Bodies of one dispersion."""

    def __init__(self, target: Target, z: Floats, which: Columns) -> None:
        self._target, self._z = target, z
        self._acting: Acting = target.explained.acting(which, severity(target.model.prior, z))
        self._people = target.model.prior.people(z, _SEED)

    def follow(self, record: ClinicRecord, given: Delivery, hours: Floats) -> dict[str, Floats]:
        """Every series at these hours."""
        now = self._concentrations(record, given, hours)
        some, shown = habits(self._people), Shown(self._people, _EFFECTS)
        steps, used = Adapting(some, 1.0), self._begun(hours[0])
        scaled = [shown.scaled(dict(zip(_PLACES, at, strict=True)), some.scaled(at[0])) for at in now]
        found: dict[str, list[Floats]] = {name: [] for name in SERIES}
        for k in range(len(hours)):
            if k:
                used = steps.step(used, some.scaled(now[k - 1][0]), some.scaled(now[k][0]))
            for name, values in self._values(shown, scaled[k], used):
                found[name].append(values)
        return {name: np.array(values).T for name, values in found.items()}

    def _concentrations(self, record: ClinicRecord, given: Delivery, hours: Floats) -> Floats:
        """What acts, in ng/mL, (hours, 3, bodies): with the change of the system and the rise of need."""
        basis, model = infusion_basis(), self._target.model
        known = responses(self._people, record.system.tip, basis)
        decays = given.tip.decays(basis.rates_per_h, hours)
        reached = (
            np.array([known.of(TIP, place) @ decays.T for place in _PLACES]) * model.gain(self._z)[:, None]
        )
        left = np.exp(model.log_left(self._acting, hours))
        drift = np.exp(-model.drift_per_h * hours)
        reached[:2] *= left * drift
        reached[2] *= np.exp(model.log_left(self._acting.without_rise(), hours))
        return reached.transpose(2, 0, 1)

    def _begun(self, hour: float) -> Adapted:
        """How used everybody is where the hours begin."""
        model = self._target.model
        steps = model.grid(self._target.explained, np.array([hour]))
        course = adapted(model.pace(self._z), self._acting, steps, Used.never(len(self._z)))
        used = next(islice(course, int(steps.reads[0]), None))
        return Adapted(used.tolerance, used.withdrawal, used.accustomed, used.onset, used.lost)

    @staticmethod
    def _values(shown: Shown, scaled: Mapping[str, Floats], used: Adapted) -> Iterator[tuple[str, Floats]]:
        needed = shown.needed(used.tolerance)
        for name in _EFFECTS:
            yield name, shown.value(name, scaled[name], needed[name], used.withdrawal)
        yield "withdrawal", used.withdrawal
