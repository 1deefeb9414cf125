"""How long a band takes: 60 people, 14 days behind and 7 ahead, against doing it person by person.

Every row predicts the same eight series of the same 60 people (and the typical one) on the same hourly
grid from the same delivery. "Body by body" runs the single-person engine in a loop over the whole history,
daily doses included, which is what a forecast replaces; "window only" gives it no history, so that it does
less. SciPy's stiff solver is run for few people without history and scaled up to all, which the row says.
Run: python benchmarks/forecast.py
"""

import os
import time
from collections.abc import Callable
from functools import partial

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from openitb import body, catalogue
from openitb.body import Baseline, BodyParameters, Inputs, typical_adult
from openitb.body.model import build
from openitb.cohort import ForecastRequest, Sampling, Subject, TipHistory, Window, forecast, sample
from openitb.cohort.engine.transfer import ARM, BRAINSTEM, LEG, LUMBAR
from openitb.cohort.prediction.courses import forget
from openitb.timeline import Timeline
from openitb.units import HOURS_PER_DAY, MS_PER_DAY, MS_PER_H

Floats = NDArray[np.float64]

PEOPLE, SEED = 60, 1
HISTORY_DAYS, WINDOW_DAYS, AHEAD_DAYS = 180, 14, 7
CHANGES_A_DAY = 4
DAILY_UG = 250.0
PARTS = (0.7, 1.3, 1.1, 0.9)  # of the mean rate, by quarter of the day
SCIPY_PEOPLE = 2
TIP_CM = 20.5
LEAD_H = 72
RTOL, ATOL = 1e-6, 1e-9
BASELINE = Baseline(leg_ashworth=4.0, arm_ashworth=3.0, spasm_score=3.0)
TIMES_H: Floats = np.arange((WINDOW_DAYS + AHEAD_DAYS) * HOURS_PER_DAY + 1, dtype=np.float64)


def tip(start_day: int) -> Timeline:
    """Flex dosing with four changes a day, 20 % more from now on."""
    quarter = MS_PER_DAY // CHANGES_A_DAY
    starts = range(start_day * MS_PER_DAY, (WINDOW_DAYS + AHEAD_DAYS) * MS_PER_DAY, quarter)
    rates = [
        DAILY_UG / HOURS_PER_DAY * PARTS[k % CHANGES_A_DAY] * (1.2 if at >= WINDOW_DAYS * MS_PER_DAY else 1.0)
        for k, at in enumerate(starts)
    ]
    return Timeline(tuple(starts), tuple(rates), starts.stop, "ug/h")


def request() -> ForecastRequest:
    window = Window(0, WINDOW_DAYS * MS_PER_DAY, (WINDOW_DAYS + AHEAD_DAYS) * MS_PER_DAY)
    history = TipHistory(tip(0), (DAILY_UG,) * HISTORY_DAYS, window)
    return ForecastRequest(Subject(typical_adult(), BASELINE, TIP_CM), history, Sampling(PEOPLE, SEED))


def people() -> tuple[BodyParameters, ...]:
    base = typical_adult()
    return (base, *sample(base, PEOPLE, SEED))


def cold() -> None:
    """The first forecast for a patient: nothing known of the people."""
    forget()
    forecast(request())


def warm() -> None:
    """Any further one, such as the same patient under another order."""
    forecast(request())


def body_by_body(history_days: int) -> Floats:
    """The single-person engine in a loop; gives everybody's leg Ashworth, shape (people, n)."""
    drip, times_h = tip(-history_days), TIMES_H + history_days * HOURS_PER_DAY
    courses = (
        body.run(
            person, Inputs(tip=drip, start_ms=drip.start_ms, tip_at=own_tip_cm(person)), BASELINE, times_h
        )
        for person in people()
    )
    return np.array([course["leg_ashworth"].values for course in courses])


def own_tip_cm(person: BodyParameters) -> float:
    """The same place in a longer or shorter canal."""
    return TIP_CM * person.canal_length_cm / typical_adult().canal_length_cm


def scipy_concentrations(few: tuple[BodyParameters, ...]) -> None:
    """SciPy's BDF over the window, restarted at each change of rate; concentrations alone."""
    drip = tip(0)
    for person in few:
        model = build(person)
        inflow = model.infusion(own_tip_cm(person))
        rows = np.array([model.readouts[name] for name in (LUMBAR, LEG, ARM, BRAINSTEM)])
        state = drip.values[0] * model.steady_state(inflow)
        for segment in drip.segments():
            solved = stretch(model.matrix, segment.value * inflow, state, segment.end_ms - segment.start_ms)
            rows @ solved
            state = solved[:, -1]


def stretch(matrix: Floats, inflow: Floats, state: Floats, span_ms: int) -> Floats:
    hours = span_ms / MS_PER_H
    solution = solve_ivp(
        lambda _t, x: matrix @ x + inflow,
        (0.0, hours),
        state,
        method="BDF",
        jac=matrix,
        t_eval=np.arange(hours + 1),
        rtol=RTOL,
        atol=ATOL,
    )
    return np.asarray(solution.y)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The fastest of several runs: on a busy machine the others measure the neighbours."""
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


def main() -> None:
    catalogue.load()
    warm()
    few = people()[:SCIPY_PEOPLE]
    scale = (PEOPLE + 1) / SCIPY_PEOPLE
    rows = (
        ("OpenITB forecast, first", seconds(cold, 3), ""),
        ("OpenITB forecast, next order", seconds(warm, 5), ""),
        ("body by body, whole history", seconds(partial(body_by_body, HISTORY_DAYS), 1), ""),
        ("body by body, window only", seconds(partial(body_by_body, 0), 1), "no history"),
        (
            "SciPy BDF, window only",
            scale * seconds(partial(scipy_concentrations, few), 1),
            f"no history, no scores; {SCIPY_PEOPLE} of {PEOPLE + 1} people run, scaled up",
        ),
    )
    print(
        f"{PEOPLE} people, {HISTORY_DAYS} days of daily doses, {WINDOW_DAYS} days behind, {AHEAD_DAYS} ahead,"
    )
    print(f"{CHANGES_A_DAY} changes of rate a day, hourly, one thread")
    print(f"{'way':<32}{'s':>9}{'ratio':>9}  remark")
    for name, took, remark in rows:
        print(f"{name:<32}{took:>9.3f}{took / rows[0][1]:>8.1f}x  {remark}")
    print(f"median leg Ashworth, forecast against body by body: {apart():.4f} points apart at most")


def apart() -> float:
    """What telling the history as daily doses costs, once the body is in step with the flex program."""
    medians = np.median(body_by_body(HISTORY_DAYS)[1:], axis=0)
    return float(np.abs(forecast(request()).series["leg_ashworth"].median - medians)[LEAD_H:].max())


if __name__ == "__main__":
    main()
