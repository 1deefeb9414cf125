"""The same patients through other engines: what a patient-year of flex dosing costs in each.

Every engine gets the same reduced model of the same patients: 28 decays that the four programmed rates a
day flow into, effect sites as weighted sums of them, and the equations of tolerance, accustomed occupancy
and withdrawal. Every engine gives leg and arm Ashworth, sedation and withdrawal at every hour, of which the
means are compared with a stiff solver at tight tolerances. Patients begin in balance at the day's end.

libRoadRunner and COPASI are restarted at each change of rate, as a jump in the input asks for; diffrax is
compiled once, runs patients as a batch and is told where the jumps are; SciPy's LSODA is restarted, too.
Tolerances are rtol 1e-6, atol 1e-9. One thread each; seconds are the processor's, so that neighbours count
less. Compiling and loading are timed apart. What is too slow for a year runs for fewer days, which the
table tells; its cost per patient-year is that of its days.
Not timed here: mrgsolve and rxode2 (R), NONMEM (licensed).
Run: python benchmarks/cohort_engines.py
"""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import odeint
from scipy.linalg import expm

from openitb.cohort.engine.cohort import Cohort
from openitb.cohort.engine.inflow import Program
from openitb.cohort.engine.responses import TIP, infusion_basis, responses
from openitb.cohort.engine.transfer import ARM, BRAINSTEM, LEG
from openitb.cohort.engine.watch import Watch
from openitb.cohort.people import People, Population, draw

Floats = NDArray[np.float64]

YEAR_DAYS, OTHERS_DAYS, SEED = 365, 30, 1
RTOL, ATOL = 1e-6, 1e-9
TIGHT_RTOL, TIGHT_ATOL = 1e-9, 1e-12
RATES = 250 / 24 * np.array([0.7, 1.3, 1.1, 0.9])  # µg/h, from 0, 6, 12 and 18 h on
STEP_H = 6
RATES_PER_H = infusion_basis().rates_per_h
K = len(RATES_PER_H)
SHOWN = ("leg_ashworth", "arm_ashworth", "sedation", "withdrawal")


@dataclass(frozen=True)
class Patients:
    """The reduced model of some patients as arrays, people first."""

    people: People
    weights: Floats  # (people, 3, k): leg, arm, brainstem
    start: Floats  # (people, k + 3): decays, tolerance, accustomed, withdrawal

    def __len__(self) -> int:
        return len(self.people)

    def constants(self, row: int) -> dict[str, float]:
        p = self.people
        names = {
            "ec": "leg_ec50_ng_per_ml", "eu": "arm_ec50_ng_per_ml", "eb": "sedation_ec50_ng_per_ml",
            "g": "tone_hill", "gb": "sedation_hill", "gain": "tolerance_gain", "tau": "tolerance_time_h",
            "mem": "occupancy_memory_h", "lag": "withdrawal_lag_h", "amax": "tone_relief",
            "reb": "rebound_tone",
        }  # fmt: skip
        own = {ours: float(p[theirs][row]) for ours, theirs in names.items()}
        return own | {"al": float(p.leg_ashworth[row]), "au": float(p.arm_ashworth[row])}


def patients(count: int) -> Patients:
    people = draw(Population(), np.arange(count), SEED)
    found = responses(people, "T12", infusion_basis())
    weights = np.stack([found.of(TIP, place) for place in (LEG, ARM, BRAINSTEM)], axis=1)
    decays = flex(count).steady_start(RATES_PER_H)
    legs = np.einsum("nk,nk->n", weights[:, 0], decays)
    scaled = (legs / people["leg_ec50_ng_per_ml"]) ** people["tone_hill"]
    state = np.column_stack([decays, np.ones(count), scaled / (scaled + 1), np.zeros(count)])
    return Patients(people, weights, state)


def flex(count: int) -> Program:
    return Program(np.arange(4) * float(STEP_H), np.tile(RATES, (count, 1)))


def openitb(some: Patients, days: int) -> Floats:
    """Set-up included: responses are found again."""
    found = responses(some.people, "T12", infusion_basis())
    cohort = Cohort(some.people, found, Watch(SHOWN))
    cohort.set_program(np.arange(len(some)), flex(len(some)), balanced=True)
    cohort.live(days)
    seen = cohort.summary()
    return np.array([seen.mean[name] for name in SHOWN])


def slopes(x: Floats, rate: float, w: Floats, c: dict[str, float]) -> Floats:
    """The right-hand side of one patient."""
    dx = np.empty(K + 3)
    dx[:K] = RATES_PER_H * (rate - x[:K])
    tolerance, used, withdrawal = x[K:]
    scaled = (max(w[0] @ x[:K], 0.0) / c["ec"]) ** c["g"]
    occupancy = scaled / (scaled + tolerance ** c["g"])
    dx[K] = (1 + c["gain"] * occupancy - tolerance) / c["tau"]
    dx[K + 1] = (occupancy - used) / c["mem"]
    missing = max(0.0, 1 - occupancy / used)
    dx[K + 2] = ((tolerance - 1) / c["gain"] * missing - withdrawal) / c["lag"]
    return dx


def shown(states: Floats, w: Floats, c: dict[str, float]) -> Floats:
    """Means of what is seen, from hourly states (hours, k + 3)."""
    leg, arm, brain = np.maximum(states[:, :K] @ w.T, 0.0).T
    tolerance, withdrawal = states[:, K], states[:, K + 2]

    def part(c_ng: Floats, half: Any, steep: float) -> Floats:
        scaled = (c_ng / half) ** steep
        return np.asarray(scaled / (1 + scaled))

    legs, arms = (
        np.minimum(a - max(a - 1, 0) * c["amax"] * part(x, e * tolerance, c["g"]) + c["reb"] * withdrawal, 5)
        for a, x, e in ((c["al"], leg, c["ec"]), (c["au"], arm, c["eu"]))
    )
    return np.array([v.mean() for v in (legs, arms, part(brain, c["eb"], c["gb"]), withdrawal)])


def segments(days: int) -> list[tuple[int, float]]:
    return [(k * STEP_H, float(RATES[k % 4])) for k in range(days * 24 // STEP_H)]


def lsoda(some: Patients, days: int, rtol: float = RTOL, atol: float = ATOL) -> Floats:
    seen = []
    for row in range(len(some)):
        w, c, x = some.weights[row], some.constants(row), some.start[row]
        parts = []
        for _, rate in segments(days):
            states = odeint(
                lambda x, _t, rate=rate, w=w, c=c: slopes(x, rate, w, c),
                x, np.arange(STEP_H + 1.0), rtol=rtol, atol=atol, mxstep=5000,
            )  # fmt: skip
            parts.append(states[:-1])
            x = states[-1]
        seen.append(shown(np.concatenate(parts), w, c))
    return np.array(seen).T


def batched(some: Patients, days: int) -> Floats:
    """One exponential per patient for an hour, a batch of matrix products per hour; adaptation hourly."""
    matrix = np.zeros((K + 1, K + 1))
    matrix[:K, :K], matrix[:K, K] = -np.diag(RATES_PER_H), RATES_PER_H
    step = expm(np.broadcast_to(matrix, (len(some), K + 1, K + 1)))
    held = [some.constants(row) for row in range(len(some))]
    c = {name: np.array([own[name] for own in held]) for name in held[0]}
    x = np.concatenate([some.start[:, :K], np.zeros((len(some), 1))], axis=1)[..., None]
    tolerance, used, withdrawal = some.start[:, K:].T.copy()
    kept = {name: np.exp(-1 / c[name]) for name in ("tau", "mem", "lag")}
    total = np.zeros((len(SHOWN), len(some)))
    for hour in range(days * 24):
        x[:, K, 0] = RATES[hour // STEP_H % 4]
        leg, arm, brain = np.maximum(some.weights @ x[:, :K], 0.0)[..., 0].T
        needed = tolerance ** c["g"]
        legs, arms, drowsy = (
            (leg / c["ec"]) ** c["g"],
            (arm / c["eu"]) ** c["g"],
            (brain / c["eb"]) ** c["gb"],
        )
        occupancy = legs / (legs + needed)
        for k, (score, effect) in enumerate(((c["al"], occupancy), (c["au"], arms / (arms + needed)))):
            relief = np.maximum(score - 1, 0) * c["amax"] * effect
            total[k] += np.minimum(score - relief + c["reb"] * withdrawal, 5.0)
        total[2] += drowsy / (1 + drowsy)
        total[3] += withdrawal
        drive = (tolerance - 1) / c["gain"] * np.maximum(0.0, 1 - occupancy / used)
        withdrawal = drive + (withdrawal - drive) * kept["lag"]
        used = occupancy + (used - occupancy) * kept["mem"]
        goal = 1 + c["gain"] * occupancy
        tolerance = goal + (tolerance - goal) * kept["tau"]
        x = step @ x
    return total / (days * 24)


def antimony_text(some: Patients) -> str:
    """The reduced model with everything a patient's own as a parameter."""
    c = some.constants(0)
    lines = ["model patient()", "u = 0", *(f"{name} = {value:.17g}" for name, value in c.items())]
    for place in range(3):
        lines += [f"w{place}_{k} = 0" for k in range(K)]
        terms = " + ".join(f"w{place}_{k}*z{k}" for k in range(K))
        lines.append(f"c{place} := {terms}")
    for k, rate in enumerate(RATES_PER_H):
        lines += [f"z{k} = 0", f"z{k}' = {rate:.17g}*(u - z{k})"]
    lines += [
        "s := (max(c0, 0)/ec)^g", "occ := s/(s + T^g)",
        "T = 1", "T' = (1 + gain*occ - T)/tau",
        "used = 0.5", "used' = (occ - used)/mem",
        "W = 0", "W' = ((T - 1)/gain*max(0, 1 - occ/used) - W)/lag",
        "end",
    ]  # fmt: skip
    return "\n".join(lines)


def states_names() -> list[str]:
    return [*(f"z{k}" for k in range(K)), "T", "used", "W"]


def own_values(some: Patients, row: int) -> dict[str, float]:
    w = some.weights[row]
    values = {f"w{place}_{k}": float(w[place, k]) for place in range(3) for k in range(K)}
    return some.constants(row) | values


def roadrunner(some: Patients) -> Callable[[Patients, int], Floats]:
    import antimony
    from roadrunner import RoadRunner

    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(antimony_text(some)) >= 0, antimony.getLastError()
    runner = RoadRunner(antimony.getSBMLString())
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = RTOL, ATOL
    runner.timeCourseSelections = states_names()

    def run(some: Patients, days: int) -> Floats:
        seen = []
        for row in range(len(some)):
            runner.resetToOrigin()
            for name, value in own_values(some, row).items():
                runner.setValue(name, value)
            for name, value in zip(states_names(), some.start[row].tolist(), strict=True):
                runner.setValue(name, value)
            parts = []
            for at, rate in segments(days):
                runner.setValue("u", rate)
                parts.append(np.array(runner.simulate(at, at + STEP_H, STEP_H + 1))[:-1])
            seen.append(shown(np.concatenate(parts), some.weights[row], some.constants(row)))
        return np.array(seen).T

    return run


def copasi(some: Patients) -> Callable[[Patients, int], Floats]:
    import antimony
    import basico

    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(antimony_text(some)) >= 0, antimony.getLastError()
    model = basico.load_model_from_string(antimony.getSBMLString())
    names = states_names()

    def run(some: Patients, days: int) -> Floats:
        seen = []
        for row in range(len(some)):
            values = own_values(some, row) | dict(zip(names, some.start[row].tolist(), strict=True))
            for name, value in values.items():
                basico.set_parameters(name, initial_value=value, exact=True, model=model)
            parts = []
            for _, rate in segments(days):
                basico.set_parameters("u", initial_value=rate, exact=True, model=model)
                course = basico.run_time_course_with_output(
                    [f"Values[{name}]" for name in names], duration=STEP_H, intervals=STEP_H,
                    r_tol=RTOL, a_tol=ATOL, update_model=True, model=model,
                )  # fmt: skip
                parts.append(course.to_numpy()[:-1])
            seen.append(shown(np.concatenate(parts), some.weights[row], some.constants(row)))
        return np.array(seen).T

    return run


def diffrax(_some: Patients) -> Callable[[Patients, int], Floats]:
    import diffrax as dfx
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    rates, steps = jnp.asarray(RATES_PER_H), jnp.asarray(RATES)

    def field(t: Any, x: Any, own: Any) -> Any:
        w, c = own
        z, (tolerance, used, withdrawal) = x[:K], x[K:]
        u = steps[jnp.floor(t / STEP_H).astype(int) % 4]
        scaled = (jnp.maximum(w[0] @ z, 0.0) / c["ec"]) ** c["g"]
        occupancy = scaled / (scaled + tolerance ** c["g"])
        missing = jnp.maximum(0.0, 1 - occupancy / used)
        rest = jnp.stack([
            (1 + c["gain"] * occupancy - tolerance) / c["tau"],
            (occupancy - used) / c["mem"],
            ((tolerance - 1) / c["gain"] * missing - withdrawal) / c["lag"],
        ])  # fmt: skip
        return jnp.concatenate([rates * (u - z), rest])

    def one(start: Any, w: Any, c: Any, hours: Any, jumps: Any) -> Any:
        control = dfx.ClipStepSizeController(dfx.PIDController(rtol=RTOL, atol=ATOL), jump_ts=jumps)
        return dfx.diffeqsolve(
            dfx.ODETerm(field), dfx.Kvaerno5(), hours[0], hours[-1], 0.01, start, (w, c),
            saveat=dfx.SaveAt(ts=hours), stepsize_controller=control, max_steps=200_000,
        ).ys  # fmt: skip

    many = jax.jit(jax.vmap(one, in_axes=(0, 0, 0, None, None)))

    def run(some: Patients, days: int) -> Floats:
        held = [some.constants(row) for row in range(len(some))]
        c = {name: jnp.array([own[name] for own in held]) for name in held[0]}
        hours = jnp.arange(days * 24 + 1.0)
        states = np.asarray(many(some.start, some.weights, c, hours, hours[STEP_H:-1:STEP_H]))[:, :-1]
        return np.array([shown(states[row], some.weights[row], held[row]) for row in range(len(some))]).T

    return run


@dataclass(frozen=True)
class Row:
    """An engine's run: patients, days, seconds to compile or load, seconds, worst distance of a mean."""

    name: str
    patients: int
    days: int
    compile_s: float
    took_s: float
    apart: float

    @property
    def per_year_s(self) -> float:
        return self.took_s / self.patients / self.days * YEAR_DAYS


def timed(work: Callable[[], Any], repeats: int = 1) -> tuple[Any, float]:
    took, value = [], None
    for _ in range(repeats):
        start = time.process_time()
        value = work()
        took.append(time.process_time() - start)
    return value, statistics.median(took)


def loaded(name: str, make: Callable[[Patients], Callable[[Patients, int], Floats]], count: int) -> Row:
    some, exact = patients(count), tight(count, OTHERS_DAYS)
    run, load_s = timed(lambda: make(some))
    _, first_s = timed(lambda: run(some, OTHERS_DAYS) if name == "diffrax" else None)
    values, took = timed(lambda: run(some, OTHERS_DAYS))
    compile_s = load_s + max(first_s - took, 0.0) * (name == "diffrax")
    return Row(name, count, OTHERS_DAYS, compile_s, took, float(np.abs(values - exact).max()))


def tight(count: int, days: int) -> Floats:
    """The same by LSODA at tight tolerances."""
    return lsoda(patients(count), days, TIGHT_RTOL, TIGHT_ATOL)


def plain(name: str, run: Callable[[Patients, int], Floats], count: int, days: int, checked: int) -> Row:
    some = patients(count)
    values, took = timed(lambda: run(some, days))
    few = values[:, :checked] if days == OTHERS_DAYS else run(patients(checked), OTHERS_DAYS)
    return Row(name, count, days, 0.0, took, float(np.abs(few - tight(checked, OTHERS_DAYS)).max()))


def main() -> None:
    openitb(patients(64), 3)  # warm caches
    rows = [
        plain("OpenITB cohort", openitb, 16_384, YEAR_DAYS, 6),
        plain("NumPy, batched expm", batched, 512, OTHERS_DAYS, 6),
        plain("SciPy LSODA", lsoda, 4, OTHERS_DAYS, 4),
    ]
    if find_spec("roadrunner") and find_spec("antimony"):
        rows.append(loaded("libRoadRunner", roadrunner, 8))
    if find_spec("basico"):
        rows.append(loaded("COPASI", copasi, 2))
    if find_spec("diffrax"):
        rows.append(loaded("diffrax", diffrax, 16))
    print(f"{K} decays and 3 states of adaptation per patient, hourly, {len(RATES)} changes of rate a day")
    print(f"{'engine':<22}{'patients':>9}{'days':>6}{'compile s':>11}{'took s':>9}", end="")
    print(f"{'s a patient-year':>18}{'ratio':>10}{'apart':>9}")
    for row in rows:
        ratio = row.per_year_s / rows[0].per_year_s
        print(f"{row.name:<22}{row.patients:>9}{row.days:>6}{row.compile_s:>11.2f}{row.took_s:>9.2f}", end="")
        print(f"{row.per_year_s:>18.6f}{ratio:>9.0f}x{row.apart:>9.0e}")
    print("not timed: mrgsolve, rxode2 (need R), NONMEM (needs a licence)")


if __name__ == "__main__":
    main()
