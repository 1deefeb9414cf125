"""How long 30 days of one body take, side by side: modes, stepping by expm, SciPy LSODA, libRoadRunner.

The same linear system, the same 4321 output times and the same five outputs for each engine: once
with a constant rate, once with 180 rate changes. Run: python benchmarks/body_engines.py
Each engine gets one thread: on small matrices several only wait for each other. Every engine but the
first two restarts at each change of rate; libRoadRunner is driven segment by segment from Python.
"Max diff" is the largest distance to the modes, each output relative to its maximum.
"""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import odeint
from scipy.linalg import expm

from openitb.body import Baseline, Inputs, run, typical_adult
from openitb.body.inputs import schedule
from openitb.body.model import Model, build
from openitb.body.modes import diagonalise
from openitb.body.propagation import Trajectory
from openitb.timeline import Timeline
from openitb.units import HOURS_PER_DAY, MS_PER_H

Floats = NDArray[np.float64]
DAYS, SEGMENTS = 30, 180
STEP_H = 1 / 6
HOURS: Floats = np.arange(DAYS * HOURS_PER_DAY * 6 + 1, dtype=np.float64) * STEP_H
OUTPUTS = ("lumbar_csf", "cisternal_csf", "plasma", "leg_effect_site", "brainstem")
TIP_CM = 20.5
RTOL, ATOL = 1e-6, 1e-9


@dataclass(frozen=True)
class Regimen:
    """Rates in µg/h, each for the same number of hours."""

    name: str
    rates: tuple[float, ...]

    @property
    def edges_h(self) -> Floats:
        return np.linspace(0, DAYS * HOURS_PER_DAY, len(self.rates) + 1)

    def timeline(self) -> Timeline:
        starts = tuple(round(h * MS_PER_H) for h in self.edges_h)
        return Timeline(starts[:-1], self.rates, starts[-1], "ug/h")


@dataclass(frozen=True)
class Engine:
    """`prepare` is done once per person, what it returns runs a regimen: (4321, 5) in ng/mL."""

    name: str
    prepare: Callable[[Model], Callable[[Regimen], Floats]]
    repeats: int = 7


CONSTANT = Regimen("constant", (12.5,))
FLEX = Regimen("flex", tuple((6.0, 12.0, 9.0, 15.0, 7.0, 11.0)[k % 6] + k // 6 % 3 for k in range(SEGMENTS)))


def rows(model: Model) -> Floats:
    return np.array([model.readouts[f"{name}_ng_per_ml"] for name in OUTPUTS])


def modal(model: Model) -> Callable[[Regimen], Floats]:
    modes, read = diagonalise(model), rows(model)

    def simulate(regimen: Regimen) -> Floats:
        inputs = Inputs(tip=regimen.timeline(), tip_at=TIP_CM)
        return Trajectory(modes, schedule(model, inputs)).observe(read, HOURS)

    return simulate


def stepped(model: Model) -> Callable[[Regimen], Floats]:
    """One matrix exponential for the output step, then a matrix-vector product per step."""
    size, read = model.layout.size, rows(model)
    augmented = np.zeros((size + 1, size + 1))
    augmented[:-1, :-1], augmented[:-1, -1] = model.matrix, model.infusion(TIP_CM)
    step = expm(augmented * STEP_H)

    def simulate(regimen: Regimen) -> Floats:
        per_segment = (len(HOURS) - 1) // len(regimen.rates)
        states = np.zeros((len(HOURS), size))
        for k in range(len(HOURS) - 1):
            states[k + 1] = step[:-1, :-1] @ states[k] + step[:-1, -1] * regimen.rates[k // per_segment]
        return states @ read.T

    return simulate


def lsoda(model: Model) -> Callable[[Regimen], Floats]:
    matrix, inflow, read = model.matrix, model.infusion(TIP_CM), rows(model)

    def segment(state: Floats, rate: float, times: Floats) -> Floats:
        states = odeint(
            lambda x, _t: matrix @ x + rate * inflow,
            state,
            times,
            Dfun=lambda _x, _t: matrix,
            rtol=RTOL,
            atol=ATOL,
        )
        return np.asarray(states)

    return lambda regimen: by_segment(regimen, np.zeros(len(matrix)), segment) @ read.T


def by_segment(regimen: Regimen, state: Floats, segment: Callable[[Floats, float, Floats], Floats]) -> Floats:
    """Restart the engine at each change of rate, as one must where the input jumps."""
    parts = [state[None]]
    for rate, (start, end) in zip(regimen.rates, pairwise(indices(regimen)), strict=True):
        parts.append(segment(parts[-1][-1], rate, HOURS[start : end + 1])[1:])
    return np.concatenate(parts)


def indices(regimen: Regimen) -> list[int]:
    return [round(h / STEP_H) for h in regimen.edges_h]


def roadrunner(model: Model) -> Callable[[Regimen], Floats]:
    """The matrix written out as an SBML model with one rate rule per state."""
    import antimony
    from roadrunner import RoadRunner

    antimony.clearPreviousLoads()
    if antimony.loadAntimonyString(antimony_text(model)) < 0:
        raise RuntimeError(antimony.getLastError())
    runner = RoadRunner(antimony.getSBMLString())
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = RTOL, ATOL
    runner.timeCourseSelections = ["time", *OUTPUTS]

    def simulate(regimen: Regimen) -> Floats:
        runner.resetAll()
        parts = [np.zeros((1, len(OUTPUTS)))]
        for rate, (start, end) in zip(regimen.rates, pairwise(indices(regimen)), strict=True):
            runner.setValue("u", rate)
            result: Any = runner.simulate(HOURS[start], HOURS[end], end - start + 1)
            parts.append(np.array(result)[1:, 1:])
        return np.concatenate(parts)

    return simulate


def antimony_text(model: Model) -> str:
    inflow = model.infusion(TIP_CM)
    lines = ["model body()", "u = 0"]
    for k, row in enumerate(model.matrix):
        terms = [f"({row[j]:.17g})*x{j}" for j in np.flatnonzero(row)]
        terms += [f"({inflow[k]:.17g})*u"] if inflow[k] else []
        lines += [f"x{k} = 0", f"x{k}' = {' + '.join(terms) or '0'}"]
    for name, row in zip(OUTPUTS, rows(model), strict=True):
        lines.append(f"{name} := " + " + ".join(f"({row[j]:.17g})*x{j}" for j in np.flatnonzero(row)))
    return "\n".join([*lines, "end"])


def median_ms(work: Callable[[], object], repeats: int) -> float:
    work()
    return statistics.median(timed_ms(work) for _ in range(repeats))


def timed_ms(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def engines() -> list[Engine]:
    known = [
        Engine("OpenITB, modes", modal, repeats=15),
        Engine("expm step, mat-vecs", stepped),
        Engine("SciPy LSODA", lsoda, repeats=3),
    ]
    if find_spec("roadrunner") and find_spec("antimony"):
        return [*known, Engine("libRoadRunner CVODE", roadrunner, repeats=5)]
    print("libRoadRunner is not installed (extra `bench`) and is left out")
    return known


def worst_difference(values: Floats, exact: Floats) -> float:
    """Largest distance, each output relative to its maximum."""
    return float((np.abs(values - exact).max(axis=0) / exact.max(axis=0)).max())


def main() -> None:
    model = build(typical_adult())
    print(f"{model.layout.size} states, {DAYS} days, {len(HOURS)} output times, {len(OUTPUTS)} outputs")
    print(f"{'engine':<22}{'set-up ms':>10}", end="")
    print("".join(f"{r.name + ' ms':>14}{'ratio':>8}{'max diff':>10}" for r in (CONSTANT, FLEX)))
    exact, fastest = dict[str, Floats](), dict[str, float]()
    for engine in engines():
        simulate = engine.prepare(model)
        set_up = min(timed_ms(partial(engine.prepare, model)) for _ in range(2))
        print(f"{engine.name:<22}{set_up:>10.1f}", end="")
        for regimen in (CONSTANT, FLEX):
            values = simulate(regimen)
            took = median_ms(partial(simulate, regimen), engine.repeats)
            base = fastest.setdefault(regimen.name, took)
            apart = worst_difference(values, exact.setdefault(regimen.name, values))
            print(f"{took:>14.2f}{took / base:>7.1f}x{apart:>10.0e}", end="")
        print()
    whole_run()


def whole_run() -> None:
    """Everything a simulation shows: all series, tolerance, withdrawal, scores, mass balance."""
    params, baseline = typical_adult(), Baseline(4.0, 3.0, 3.0)
    for regimen in (CONSTANT, FLEX):
        inputs = Inputs(tip=regimen.timeline())
        took = median_ms(partial(run, params, inputs, baseline, HOURS), 7)
        print(
            f"OpenITB, all {len(run(params, inputs, baseline, HOURS))} series, {regimen.name}: {took:.1f} ms"
        )


if __name__ == "__main__":
    main()
