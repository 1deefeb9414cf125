"""How long one patient takes: a year's record under both dispersions, beside what a user would reach for.

Every row wants the posterior of the same record. Ours weighs every explanation under both dispersions; the
others get less to do: one dispersion and nothing that may have broken. emcee runs its ensemble on the very
likelihood the twin has, vectorised; "emcee on a stiff solver" makes each prediction with SciPy's BDF on the
whole body, as one would without this project: one evaluation is timed and counted as often as the ensemble
needs it. Processor time of one thread, after one patient to warm up.
Run: python benchmarks/twin.py
"""

import os
import time
from collections.abc import Callable

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import emcee
import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from openitb import catalogue
from openitb.body import typical_adult
from openitb.body.model import build
from openitb.prescription import SimpleContinuous, compile_order
from openitb.twin import (
    Assumed,
    ClinicRecord,
    Implanted,
    Ordered,
    Refilled,
    Scored,
    TrialBolus,
    Whom,
    fit,
    predicted,
    updates,
)
from openitb.twin.record import Entry
from openitb.units import HOURS_PER_DAY, MS_PER_DAY, NL_PER_ML, PG_PER_UG

Floats = NDArray[np.float64]

PUMP = catalogue.load().pump("synchromed-ii-40")
VISITS = (14, 28, 49, 77, 112, 154, 203, 252, 301, 350)
DOSES_UG = (100, 120, 140, 140, 160, 160, 160, 160, 160, 160)
LEGS, LEGS_LOST = (3, 2, 2, 1, 1, 1, 1, 1, 2, 1), (3, 2, 2, 1, 1, 1, 1, 4, 4, 4)
UG_PER_ML = 1000
WALKERS, STEPS = (
    64,
    1500,
)  # a correlation time of 30 steps leaves as many effective draws as the twin has, or more
RTOL, ATOL = 1e-6, 1e-9
REPEATS = 5


def record(legs: tuple[int, ...]) -> ClinicRecord:
    """A trial, ten visits with rising doses and refills."""
    entries: list[Entry] = [scored(0, 4, 3), TrialBolus(MS_PER_DAY // 12, 50.0), scored(0.25, 2, 1)]
    entries += [Refilled(7 * MS_PER_DAY, 38 * NL_PER_ML, UG_PER_ML), ordered(7, DOSES_UG[0])]
    last, dose = 7, DOSES_UG[0]
    for day, leg, now in zip(VISITS, legs, DOSES_UG, strict=True):
        left = 38 * NL_PER_ML - round((day - last) * dose / UG_PER_ML * NL_PER_ML)
        entries += [scored(day, leg, 1), Refilled(day * MS_PER_DAY, 38 * NL_PER_ML, UG_PER_ML, left, left)]
        entries += [ordered(day, now)] if now != dose else []
        last, dose = day, now
    return ClinicRecord(Whom("cerebral"), Implanted(PUMP, 300_000, "T12", UG_PER_ML), 0, tuple(entries))


def scored(day: float, leg: int, spasm: int) -> Scored:
    scale = "modified-ashworth"
    levels = {"leg": (scale, leg), "arm": (scale, max(leg - 1, 0)), "spasm": ("penn-frequency", spasm)}
    return Scored(round(day * MS_PER_DAY), levels, "A")


def ordered(day: int, dose_ug: int) -> Ordered:
    return Ordered(day * MS_PER_DAY, compile_order(SimpleContinuous(dose_ug * PG_PER_UG), UG_PER_ML, PUMP))


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median processor time."""
    took = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        took.append(time.process_time() - start)
    return float(np.median(took))


def sampled(steps: int) -> None:
    """The ensemble on the twin's own likelihood, healthy system, one dispersion."""
    target = fit(record(LEGS), Assumed({"well_mixed": 1.0})).targets[0]
    sampler = emcee.EnsembleSampler(
        WALKERS, target.size, lambda z: target.log(z, np.zeros(len(z), dtype=np.int64)), vectorize=True
    )
    sampler.run_mcmc(0.1 * np.random.default_rng(1).standard_normal((WALKERS, target.size)), steps)


def stiff() -> None:
    """One prediction of the whole record: concentrations alone, restarted at every change."""
    model = build(typical_adult())
    inflow, state = model.infusion(20.5), np.zeros(len(model.matrix))
    days, doses = (7, *VISITS), (DOSES_UG[0], *DOSES_UG)
    for start, end, dose in zip(days, days[1:], doses, strict=False):
        drug = dose / HOURS_PER_DAY * inflow
        hours = (end - start) * HOURS_PER_DAY
        solved = solve_ivp(
            lambda _t, x, drug=drug: model.matrix @ x + drug,
            (0.0, hours),
            state,
            method="BDF",
            jac=model.matrix,
            rtol=RTOL,
            atol=ATOL,
        )
        state = solved.y[:, -1]


def main() -> None:
    healthy, broken = record(LEGS), record(LEGS_LOST)
    fit(healthy)
    ours = seconds(lambda: fit(healthy))
    known = fit(healthy)
    short = STEPS // 10
    ensemble = seconds(lambda: sampled(short), 1) * STEPS / short
    each = seconds(stiff, 3) * WALKERS * STEPS
    rows = (
        ("twin, effect kept", ours, "every explanation, both dispersions"),
        ("twin, effect lost", seconds(lambda: fit(broken)), "every explanation, both dispersions"),
        ("twin, after each of ten visits", seconds(lambda: list(updates(healthy)), 1), "eleven fits"),
        ("course under a new order", seconds(lambda: predicted(known)), "28 days ahead, 300 bodies"),
        (
            "emcee, the twin's likelihood",
            ensemble,
            f"{WALKERS} walkers, {STEPS} steps, healthy, one dispersion",
        ),
        ("emcee on a stiff solver", each, "scaled up from one evaluation, concentrations alone"),
    )
    print(f"{'way':<34}{'s':>12}{'ratio':>10}  remark")
    for name, took, remark in rows:
        print(f"{name:<34}{took:>12.2f}{took / ours:>9.1f}x  {remark}")
    print(f"effective draws of the twin: {known.trust.effective:.0f}")


if __name__ == "__main__":
    main()
