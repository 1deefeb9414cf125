"""The whole line against a second opinion: an own queue of fluid, and a stiff solver behind it."""

import importlib.util
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from openitb.body import typical_adult
from openitb.world.simulation import Simulation

Ran = Callable[..., Simulation]
Floats = NDArray[np.float64]

UNTIL_H = 288.0
TIP_CELL, PUNCTURE_CM, PUNCTURE_SD_CM = 20, 11.0, 3.0  # T12 and L3 in the atlas of 60 slices
PATH_ML, RESIDUAL_ML = 0.316, 1.4

# 200 µg/day of 500; at 96 h refilled with 2000 and bridged; from 168 h on 12 and 6 µg/h by turns of
# 12 h, pump midnight at 16 h after the start; one bolus, and tablets from 24 h on.
EVENTS: list[dict[str, Any]] = [
    {"at": "0 h", "order": {"mode": "simple continuous", "dose": "200 ug/day"}},
    {"at": "10 h", "lumbar_bolus": {"dose": "50 ug", "level": "L3"}},
    {"at": "24 h", "oral": {"dose": "20 mg", "every": "8 h", "for": "40 h"}},
    {"at": "96 h", "refill": {"volume": "18 mL", "concentration": "2000 ug/mL", "bridge": True}},
    {
        "at": "168 h",
        "order": {
            "mode": "flex",
            "steps": [{"from": "00:00", "dose_rate": "12 ug/h"}, {"from": "12:00", "dose_rate": "6 ug/h"}],
        },
    },
]
TABLETS_H = [24.0, 32.0, 40.0, 48.0, 56.0]


def flows() -> list[tuple[float, float, float]]:
    """From an hour on: flow in mL/h and what enters the tubing in µg/mL, by hand."""
    mixture = (RESIDUAL_ML * 500 + 18 * 2000) / (RESIDUAL_ML + 18)
    bridged = PATH_ML / (0.4 / 24)
    rows = [(0.0, 0.4 / 24, 500.0), (96.0, 0.4 / 24, mixture), (96 + bridged, 0.1 / 24, mixture)]
    for turn in range(11):
        start = 168.0 + (0 if turn == 0 else 12 * turn - 8)  # 168 h is 08:00, the next change at noon
        rows.append((start, (12.0 if turn % 2 == 0 else 6.0) / 2000, mixture))
    return [row for row in rows if row[0] < UNTIL_H]


def tip_rates() -> list[tuple[float, float]]:
    """Steps of drug at the tip, µg/h: the fluid that leaves is what entered one path volume before."""
    rows = flows()
    entered = [0.0]
    for (start, flow, _), (end, _, _) in zip(rows, [*rows[1:], (UNTIL_H, 0.0, 0.0)], strict=True):
        entered.append(entered[-1] + flow * (end - start))
    steps: dict[float, float] = {}
    for index, (start, flow, _) in enumerate(rows):
        end = rows[index + 1][0] if index + 1 < len(rows) else UNTIL_H
        fronts = [entered[i] + PATH_ML for i in range(1, len(rows))]
        inside = [start + (front - entered[index]) / flow for front in fronts]
        for at in [start, *(at for at in inside if start < at < end)]:
            leaving = entered[index] + flow * (at - start) - PATH_ML
            past = [i for i in range(len(rows)) if entered[i] <= leaving + 1e-9]
            steps[at] = flow * (rows[past[-1]][2] if past else 500.0)
    return sorted(steps.items())


def reference_class() -> Any:
    """The second writing of the body's equations, kept beside the body's own tests."""
    path = Path(__file__).resolve().parents[1] / "body" / "test_solver_agreement.py"
    spec = importlib.util.spec_from_file_location("body_second_opinion", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.Reference


def solved(hours: Floats) -> dict[str, Floats]:
    body = reference_class()(typical_adult())
    steps = tip_rates()
    edges = sorted({*(at for at, _ in steps), 10.0, *TABLETS_H, UNTIL_H})
    state, jacobian = np.zeros(3 * body.n + 6), body.jacobian(TIP_CELL)
    found = np.empty((len(state), len(hours)))
    for start, end in pairwise(edges):
        inside = (hours >= start) & ((hours < end) | (end == UNTIL_H))
        if start == 10.0:
            body.inject(state, 50.0, PUNCTURE_CM, PUNCTURE_SD_CM)
        if start in TABLETS_H:
            body.swallow(state, 20_000.0)
        rate = max((step for step in steps if step[0] <= start + 1e-9), key=lambda step: step[0])[1]
        part = solve_ivp(
            lambda _, y, rate=rate: body.slopes(y, rate, TIP_CELL),
            (start, end),
            state,
            method="Radau",
            jac=jacobian,
            rtol=1e-9,
            atol=1e-12,
            t_eval=np.union1d(hours[inside], end),
        )
        found[:, inside] = part.y[:, : int(inside.sum())]
        state = part.y[:, -1]
    read: dict[str, Floats] = body.read(found)
    return read


@pytest.mark.slow
def test_a_rich_case_agrees_with_a_second_opinion(ran: Ran) -> None:
    """To 1e-6 of each maximum; the doses are such that every stretch holds whole strokes."""
    course = ran(*EVENTS, until=f"{UNTIL_H:.0f} h", every="1 h")
    expected = solved(course.time_h)
    for name, values in expected.items():
        if name in course.series:
            worst = np.abs(course.series[name] - values).max() / values.max()
            assert worst < 1e-6, (name, worst)


def test_the_tip_agrees_with_an_own_queue_of_fluid(ran: Ran) -> None:
    course = ran(*EVENTS, until=f"{UNTIL_H:.0f} h", every="10 min")
    steps = tip_rates()
    starts, rates = np.array([at for at, _ in steps]), np.array([rate for _, rate in steps])
    expected = rates[np.searchsorted(starts, course.time_h[:-1] + 1e-9, side="right") - 1]
    assert course.series["tip_ug_per_h"][:-1] == pytest.approx(expected, rel=1e-6)
