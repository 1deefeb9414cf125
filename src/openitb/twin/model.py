"""What would be seen of many would-be patients at once, each under its own explanation.

A row is a would-be patient: its unknowns as standard normal numbers, and which explanation holds for it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from openitb.body import Dispersion
from openitb.body.anatomy import Floats
from openitb.body.parameters import constant
from openitb.cohort.engine.transfer import ARM, BRAINSTEM, LEG
from openitb.cohort.people.causes import cause_number
from openitb.cohort.people.rating import rater_sd
from openitb.twin.course import Grid, Pace, Used, adapted, grid
from openitb.twin.delivery import Delivery, delivery
from openitb.twin.faults import Acting, Explanations
from openitb.twin.flow import usual_assumptions
from openitb.twin.kinetics import Reference, features, reference, size_of
from openitb.twin.likelihood import Drawn, Seen
from openitb.twin.priors import BASELINE, OCCASION, PUMP_GAIN, RATER, SEVERITY, Prior, rule
from openitb.twin.record import ClinicRecord, Ordered, Refilled, TrialBolus
from openitb.units import MS_PER_H

Columns = NDArray[np.int64]
States = tuple[Floats, Floats]

_ACTS = {
    "leg_ashworth": (LEG, "leg_ec50_ng_per_ml", "tone_hill"),
    "arm_ashworth": (ARM, "arm_ec50_ng_per_ml", "tone_hill"),
    "spasm_score": (LEG, "spasm_ec50_ng_per_ml", "spasm_hill"),
    "sedation_tolerant": (BRAINSTEM, "sedation_ec50_ng_per_ml", "sedation_hill"),
}
_TONE_SERIES = ("leg_ashworth", "arm_ashworth", "spasm_score")
_YEAR_H = 8766.0
_LOWEST_LOG, _HIGHEST_LOG = -60.0, 60.0


class Model:
    """A record under one dispersion preset, ready to be compared with would-be patients."""

    def __init__(
        self, record: ClinicRecord, prior: Prior, found: tuple[Sequence[Seen], Sequence[Drawn]]
    ) -> None:
        self.prior, self.seen, self.drawn = prior, tuple(found[0]), tuple(found[1])
        self.delivery = delivery(record, record.end_ms)
        self._reference = reference(size_of(record.whom), prior.dispersion, record.system.tip)
        self._at_h = np.array([each.at_h for each in self.seen])
        decays = _decays(record, self._reference, self.delivery, self._at_h)
        self._surfaces = _surfaces(self._reference, self.seen, *decays)
        self._marks_h = _marks_h(record, self.delivery)
        self._steady = self._reference.steady_log()
        self._usual_gain = usual_assumptions().gain
        self.drift_per_h = np.log1p(cause_number(record.whom.cause, "progression", "1")) / _YEAR_H

    @property
    def dispersion(self) -> Dispersion:
        """Which preset."""
        return self.prior.dispersion

    def grid(self, explained: Explanations, reads_h: Floats | None = None) -> Grid:
        """The steps for the instants seen, or for others."""
        reads = self._at_h if reads_h is None else reads_h
        return grid(self.delivery.tip, np.concatenate([self._marks_h, explained.from_h[1:]]), reads)

    def pace(self, z: Floats) -> Pace:
        """How these would-be patients adapt."""
        medians, prior = self.prior.medians, self.prior
        level = features(prior.kinetic(z)) @ self._steady + self._log_gain(z)
        return Pace(
            log_level=level - prior.log_value("leg_ec50_ng_per_ml", z),
            gain=np.exp(prior.log_value("tolerance_gain", z)),
            hill=medians["tone_hill"],
            part=medians["loss_threshold"],
            rise_h=medians["tolerance_time_h"],
            recovery_h=medians["tolerance_recovery_h"],
            memory_h=medians["occupancy_memory_h"],
            lag_h=medians["withdrawal_lag_h"],
            drift_per_h=self.drift_per_h,
        )

    def predicted(self, z: Floats, acting: Acting, states: States) -> Floats:
        """The number behind every level seen, (rows, n), of people in these states."""
        tolerance, withdrawal = states
        levels, made = np.empty((len(z), len(self.seen))), features(self.prior.kinetic(z))
        for series, (columns, coefficients) in self._surfaces.items():
            if series == "withdrawal":
                levels[:, columns] = withdrawal[:, columns]
                continue
            log_c = (
                made @ coefficients + self._log_gain(z)[:, None] + self.log_left(acting, self._at_h[columns])
            )
            if series in _TONE_SERIES:
                log_c -= self.drift_per_h * self._at_h[columns]
            fraction = self._fraction(series, z, log_c - np.log(tolerance[:, columns]))
            levels[:, columns] = self._shown(series, z, fraction, withdrawal[:, columns])
        return levels + self.stance(z)

    def sd(self, z: Floats) -> Floats:
        """The SD with which every level is seen, (rows, n)."""
        usual = np.array([each.sd for each in self.seen])
        varies = np.array([each.varies for each in self.seen], dtype=np.float64)
        own = rule("occasion_spread") * z[:, [self.prior.column(OCCASION)]]
        return np.asarray(usual * np.exp(own * varies))

    def missing_nl(self, z: Floats, acting: Acting) -> Floats:
        """The volume missing at every refill, (rows, n)."""
        gain = self.gain(z)
        flow = np.where(acting.flow, np.exp(acting.log_acts), 1.0)
        found = np.empty((len(z), len(self.drawn)))
        for column, each in enumerate(self.drawn):
            changed = np.clip(acting.from_h, each.from_h, each.at_h)
            start, change, end = (
                self.delivery.counted.total(at)
                for at in (np.array([each.from_h]), changed, np.array([each.at_h]))
            )
            truly = gain * (change - start + flow * (end - change))
            found[:, column] = np.minimum(truly - (end - start), each.most_nl)
        return found

    def states(self, pace: Pace, acting: Acting, steps: Grid) -> States:
        """Tolerance and withdrawal at every instant seen, (rows, n) each."""
        rows = len(pace.gain)
        tolerance, withdrawal = np.empty((2, rows, len(self.seen)))
        wanted: dict[int, list[int]] = {}
        for column, edge in enumerate(steps.reads.tolist()):
            wanted.setdefault(edge, []).append(column)
        for edge, used in enumerate(adapted(pace, acting, steps, Used.never(rows))):
            if edge in wanted:
                tolerance[:, wanted[edge]] = used.tolerance[:, None]
                withdrawal[:, wanted[edge]] = used.withdrawal[:, None]
        return tolerance, withdrawal

    def _fraction(self, series: str, z: Floats, log_c: Floats) -> Floats:
        _, half, hill = _ACTS[series]
        ratio = self.prior.medians[hill] * (log_c - self.prior.log_value(half, z)[:, None])
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(ratio, _LOWEST_LOG, _HIGHEST_LOG))))

    def _shown(self, series: str, z: Floats, fraction: Floats, withdrawal: Floats) -> Floats:
        """The equations of `body.effect`."""
        if series not in BASELINE:
            return fraction
        medians, untreated = self.prior.medians, self.prior.baseline(series, z)[:, None]
        if series == "spasm_score":
            shown = untreated * (1.0 - fraction) + medians["rebound_spasm"] * withdrawal
            return np.minimum(shown, constant("computation", "spasm_top"))
        excess = np.maximum(untreated - constant("computation", "ashworth_normal"), 0.0)
        shown = untreated - excess * medians["tone_relief"] * fraction + medians["rebound_tone"] * withdrawal
        return np.minimum(shown, constant("computation", "ashworth_top"))

    def stance(self, z: Floats) -> Floats:
        """How far each rater stands above another, (rows, n)."""
        first = [name.startswith(RATER) for name in self.prior.names].index(True) if self._rated else 0
        columns = np.array([each.rater for each in self.seen], dtype=np.int64)
        return np.where(columns >= 0, rater_sd() * z[:, first + np.maximum(columns, 0)], 0.0)

    @property
    def _rated(self) -> bool:
        return any(each.rater >= 0 for each in self.seen)

    def log_left(self, acting: Acting, hours: Floats) -> Floats:
        """Logarithm of the part of the drug that acts at some hours, (rows, n); what was there washes out."""
        since = hours - acting.from_h[:, None]
        begun, where = np.unique(acting.from_h, return_inverse=True)
        left = self._reference.left(np.maximum(hours - begun[:, None], 0.0).ravel())
        washed = left.reshape(len(begun), -1)[where]
        part = np.exp(acting.log_acts)[:, None]
        acts = np.where(since > 0, part + (1.0 - part) * washed, 1.0)
        return np.asarray(np.log(acts) - acting.rise_per_h[:, None] * np.maximum(since, 0.0))

    def gain(self, z: Floats) -> Floats:
        """What each pump delivers of what it counts, (rows,)."""
        usual = self._usual_gain
        return np.asarray(usual.mean + usual.sd * z[:, self.prior.column(PUMP_GAIN)])

    def _log_gain(self, z: Floats) -> Floats:
        return np.asarray(np.log(np.maximum(self.gain(z), 0.5)))


def severity(prior: Prior, z: Floats) -> Floats:
    """How severe a fault each would-be patient has."""
    return z[:, prior.column(SEVERITY)]


def _decays(record: ClinicRecord, known: Reference, given: Delivery, at_h: Floats) -> tuple[Floats, Floats]:
    """The decays at the instants seen, by the tip's and by the puncture's rates, (n, rates) each."""
    tip = given.tip.decays(known.tip.rates_per_h, at_h)
    rates = known.puncture.rates_per_h
    puncture = np.zeros((len(at_h), len(rates)))
    for bolus in record.of(TrialBolus):
        since = (at_h - (bolus.at_ms - record.start_ms) / MS_PER_H)[:, None]
        puncture += np.where(since >= 0, bolus.dose_ug * rates * np.exp(-rates * np.maximum(since, 0.0)), 0.0)
    return tip, puncture


def _surfaces(
    known: Reference, seen: Sequence[Seen], tip: Floats, puncture: Floats
) -> dict[str, tuple[Columns, Floats]]:
    """By series its columns among what was seen, and the coefficients of log concentration there."""
    found: dict[str, tuple[Columns, Floats]] = {}
    for series in sorted({each.series for each in seen}):
        columns = np.array([k for k, each in enumerate(seen) if each.series == series])
        nothing = np.empty((0, len(columns)))
        place = _ACTS[series][0] if series in _ACTS else None
        surface = known.instants(place, tip[columns], puncture[columns]) if place else nothing
        found[series] = columns, surface
    return found


def _marks_h(record: ClinicRecord, given: Delivery) -> Floats:
    """When an order or a refill changed what flows, and when the reservoir ran dry by the count."""
    changes = [entry.at_ms for entry in record.entries if isinstance(entry, Ordered | Refilled)]
    hours = (np.array(changes, dtype=np.float64) - record.start_ms) / MS_PER_H
    dry = given.counted.start_h[given.counted.value == 0]
    return np.concatenate([hours, dry])
