"""The exact solution against a stiff SciPy solver on the same equations, written out a second time.

`Reference` states the balances in concentrations, cell by cell, from the description of the model; it
shares the parameters with the code under test and nothing else.
"""

from dataclasses import dataclass, replace
from math import erf, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from openitb.body import (
    Baseline,
    BodyParameters,
    Inputs,
    LumbarBolus,
    OralDose,
    PumpBolus,
    run,
    typical_adult,
)
from openitb.timeline import Timeline
from openitb.units import MS_PER_H

Floats = NDArray[np.float64]
BASELINE = Baseline(4.0, 3.0, 3.0)
HOURS = np.unique(np.concatenate([np.arange(0, 60, 0.5), [0.01, 0.1, 7.25, 7.26, 20.3]]))


class Reference:
    """State: C, S*, E* in µg/mL per slice (S*, E* unused below the conus), then single compartments."""

    def __init__(self, p: BodyParameters) -> None:
        n, dx = 60, p.canal_length_cm / 60
        self.p, self.n, self.dx = p, n, dx
        self.x = [(i + 0.5) * dx for i in range(n)]
        shape = [1.9 if x < 20 else 1.2 if x < 48 else 1.6 for x in self.x]
        self.area = np.array(shape) * p.spinal_csf_ml / (sum(shape) * dx)
        self.cord = np.array([x >= 17 for x in self.x])
        self.vs = 0.45 * dx * 0.7 * 0.8
        self.vd = 0.45 * dx * 0.3 * 0.8
        self.face = np.array([2 / (1 / a + 1 / b) for a, b in zip(self.area, self.area[1:], strict=False)])

    def slopes(self, y: Floats, rate: float, tip_cell: int) -> Floats:
        p, n, dx = self.p, self.n, self.dx
        c, s, e = y[:n], y[n : 2 * n], y[2 * n : 3 * n]
        cisterna, upper, plasma, gut, brain, _ = y[3 * n :]
        flux = p.dispersion_cm2_per_h * self.face * np.diff(c) / dx  # towards the sacrum
        dc = np.zeros(n)
        dc[:-1] += flux
        dc[1:] -= flux
        out = p.dispersion_cm2_per_h * self.area[-1] * (c[-1] - cisterna) / (dx / 2 + 1)
        dc[-1] -= out
        volume = self.area * dx
        to_superficial = np.where(self.cord, p.csf_to_cord_per_h * self.vs * (c - s), 0)
        to_deep = np.where(self.cord, p.superficial_to_deep_per_h * self.vd * (s - e), 0)
        absorbed = p.spinal_loss_per_h * volume * c
        leaked = p.blood_to_csf_ratio * p.spinal_loss_per_h * volume * plasma
        dc += leaked - absorbed - to_superficial
        dc[tip_cell] += rate
        up = (p.csf_turnover_ml_per_h + p.cranial_mixing_ml_per_h) * cisterna
        down, bulk = p.cranial_mixing_ml_per_h * upper, p.csf_turnover_ml_per_h * upper
        swallowed = p.oral_absorption_per_h * gut
        gone = p.plasma_clearance_ml_per_h * plasma
        dplasma = absorbed.sum() - leaked.sum() + bulk + p.oral_availability * swallowed - gone
        singles = [
            (out - up + down) / p.cisterna_ml,
            (up - down - bulk) / p.upper_cranial_ml,
            dplasma / p.plasma_ml,
            -swallowed,
            p.cisterna_to_brainstem_per_h * (cisterna - brain),
            gone,
        ]
        return np.concatenate([dc / volume, (to_superficial - to_deep) / self.vs, to_deep / self.vd, singles])

    def jacobian(self, tip_cell: int) -> Floats:
        """The slopes are linear, so that unit states give it exactly."""
        return np.array([self.slopes(row, 0.0, tip_cell) for row in np.eye(3 * self.n + 6)]).T

    def inject(self, y: Floats, dose: float, x_cm: float, sd: float) -> None:
        def below(x: float) -> float:
            return erf((x - x_cm) / (sd * sqrt(2)))

        weight = self.area * [below(x + self.dx / 2) - below(x - self.dx / 2) for x in self.x]
        y[: self.n] += dose * weight / weight.sum() / (self.area * self.dx)

    def swallow(self, y: Floats, dose: float) -> None:
        y[3 * self.n + 3] += dose

    def read(self, y: Floats) -> dict[str, Floats]:
        n, x = self.n, np.array(self.x)
        leg, arm = (x > 17) & (x < 27), (x > 47) & (x < 56)
        deep = y[2 * n : 3 * n]
        return {
            "lumbar_csf_ng_per_ml": 1000 * y[11],
            "cisternal_csf_ng_per_ml": 1000 * y[3 * n],
            "plasma_ng_per_ml": 1000 * y[3 * n + 2],
            "leg_effect_site_ng_per_ml": 1000 * deep[leg].mean(axis=0),
            "arm_effect_site_ng_per_ml": 1000 * deep[arm].mean(axis=0),
            "brainstem_ng_per_ml": 1000 * y[3 * n + 4],
            "in_gut_ug": y[3 * n + 3],
            "cleared_ug": y[3 * n + 5],
        }


@dataclass(frozen=True)
class Case:
    """Rate changes (h, µg/h), lumbar and pump boluses and tablets (h, µg); tip at T12, puncture at L3."""

    rates: tuple[tuple[float, float], ...] = ()
    lumbar: tuple[tuple[float, float], ...] = ()
    pump: tuple[tuple[float, float], ...] = ()
    oral: tuple[tuple[float, float], ...] = ()

    def inputs(self) -> Inputs:
        starts = tuple(int(h * MS_PER_H) for h, _ in self.rates)
        tip = Timeline(starts, tuple(r for _, r in self.rates), 100 * MS_PER_H, "ug/h") if starts else None
        return Inputs(
            tip=tip,
            lumbar_boluses=tuple(LumbarBolus(*given) for given in self.lumbar),
            pump_boluses=tuple(PumpBolus(*given) for given in self.pump),
            oral=tuple(OralDose(*given) for given in self.oral),
        )

    def solve(self, params: BodyParameters) -> dict[str, Floats]:
        body, tip_cell = Reference(params), 20
        jacobian = body.jacobian(tip_cell)
        edges = sorted(
            {0.0, *(h for group in (self.rates, self.lumbar, self.pump, self.oral) for h, _ in group)}
        )
        y, states = np.zeros(3 * body.n + 6), np.empty((3 * body.n + 6, len(HOURS)))
        for start, end in zip(edges, [*edges[1:], HOURS[-1] + 1], strict=True):
            for h, dose in self.lumbar:
                body.inject(y, dose if h == start else 0.0, 11.0, 3.0)
            for h, dose in self.pump:
                body.inject(y, dose if h == start else 0.0, 20.5, 1.0)
            for h, dose in self.oral:
                body.swallow(y, dose if h == start else 0.0)
            rate = next((r for h, r in reversed(self.rates) if h <= start), 0.0)
            inside = np.searchsorted(edges, HOURS, side="right") - 1 == edges.index(start)
            done = solve_ivp(
                lambda _, y, rate=rate: body.slopes(y, rate, tip_cell),
                (start, end),
                y,
                method="Radau",
                t_eval=np.append(HOURS[inside], end),
                rtol=1e-10,
                atol=1e-13,
                jac=lambda _t, _y: jacobian,
            )
            states[:, inside], y = done.y[:, :-1], done.y[:, -1].copy()
        return body.read(states)


CASES = {
    "lumbar bolus": Case(lumbar=((0.0, 50.0),)),
    "infusion with rate changes and a stop": Case(rates=((0.0, 8.0), (12.0, 2.0), (20.3, 15.0), (40.0, 0.0))),
    "tablets": Case(oral=((0.0, 20_000.0), (8.0, 20_000.0), (16.0, 10_000.0))),
    "everything, some of it at once": Case(
        rates=((0.0, 6.0), (7.25, 12.0), (30.0, 3.0)),
        lumbar=((0.0, 75.0), (30.0, 25.0)),
        pump=((7.25, 40.0),),
        oral=((0.0, 10_000.0), (7.25, 20_000.0)),
    ),
}


def check(params: BodyParameters, case: Case, part: float) -> None:
    expected = case.solve(params)
    course = run(params, case.inputs(), BASELINE, HOURS)
    for name, values in expected.items():
        distance = np.abs(course[name].values - values).max()
        assert distance <= part * max(np.abs(values).max(), 1e-9), name


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_well_mixed_agrees_with_a_stiff_solver_to_1e_6_of_each_maximum(case: Case) -> None:
    check(typical_adult(), case, 1e-6)


def test_poorly_mixed_agrees_with_a_stiff_solver_to_1e_6_of_each_maximum() -> None:
    check(typical_adult("poorly_mixed"), CASES["everything, some of it at once"], 1e-6)


def test_equal_rates_of_gut_and_brainstem_agree_with_a_stiff_solver_to_1e_6() -> None:
    """The eigenvectors fall together; the modes alone would not exist."""
    params = replace(typical_adult(), cisterna_to_brainstem_per_h=typical_adult().oral_absorption_per_h)
    check(params, CASES["everything, some of it at once"], 1e-6)
