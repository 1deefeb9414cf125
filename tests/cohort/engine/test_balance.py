"""What goes in comes out: areas under curves, clearance, and the stiff solver's own account of them."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from openitb.body import Dispersion, typical_adult
from openitb.body.anatomy import position_cm
from openitb.body.model import build
from openitb.cohort import sample
from openitb.cohort.engine.cohort import Cohort
from openitb.cohort.engine.inflow import Program
from openitb.cohort.engine.responses import (
    AT_TIP,
    PUNCTURE,
    TIP,
    full_basis,
    infusion_basis,
    responses,
)
from openitb.cohort.engine.transfer import ARM, BRAINSTEM, LEG, PLASMA
from openitb.cohort.people import People
from openitb.units import HOURS_PER_DAY

Floats = NDArray[np.float64]
PRESETS: tuple[Dispersion, ...] = ("well_mixed", "poorly_mixed")
NG_PER_UG = 1000.0


def crowd(preset: Dispersion, size: int = 25) -> People:
    base = typical_adult(preset)
    return People.of((base, *sample(base, size - 1, seed=12)))


@pytest.mark.parametrize("preset", PRESETS)
def test_all_drug_that_leaves_the_tip_is_cleared_from_plasma(preset: Dispersion) -> None:
    people = crowd(preset)
    steady = responses(people, "T10", infusion_basis()).steady(PLASMA)
    cleared = steady / NG_PER_UG * people["plasma_clearance_ml_per_h"]
    np.testing.assert_allclose(cleared, 1.0, rtol=1e-9)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_dose_at_once_has_the_area_that_its_infusion_has_in_balance(preset: Dispersion) -> None:
    """The area under 1 µg is the steady state of 1 µg/h, wherever it is read and however it came in."""
    found = responses(crowd(preset), "T10", full_basis(), (TIP, AT_TIP, PUNCTURE))
    for way in (AT_TIP, PUNCTURE):
        area = found.of(way, PLASMA).sum(axis=-1)
        np.testing.assert_allclose(area, found.steady(PLASMA), rtol=1e-9)


def test_the_mean_over_a_cycle_is_that_of_its_mean_rate() -> None:
    """A cycle that has gone on for ever leaves as much as goes in, in whichever hours it goes in."""
    people, found = crowd("well_mixed", 5), responses(crowd("well_mixed", 5), "T10", infusion_basis())
    from_h, rates = np.array([0.0, 3.0, 4.0, 19.5]), np.array([2.0, 40.0, 0.0, 9.0])
    mean = float((rates * np.diff(from_h, append=24.0)).sum()) / HOURS_PER_DAY
    cohort = Cohort(people, found)
    cohort.set_program(np.arange(5), Program(from_h, np.tile(rates, (5, 1))), balanced=True)
    day = cohort.concentrations()
    fine = np.array([_area(day[place]) for place in range(3)]) / HOURS_PER_DAY
    steady = np.array([found.steady(place) for place in (LEG, ARM, BRAINSTEM)])
    np.testing.assert_allclose(fine[1:], mean * steady[1:], rtol=5e-3)  # read at whole hours only


def _area(hourly: Floats) -> Floats:
    """Under a smooth curve given at the hours 0 to 24, (people,)."""
    weights = np.ones(25)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    return np.asarray(weights @ hourly / 3.0)


@pytest.mark.parametrize("preset", PRESETS)
def test_random_rates_give_what_a_stiff_solver_gives(preset: Dispersion) -> None:
    people, draw, days = crowd(preset, 3), np.random.default_rng(5), 2
    from_h = np.sort(np.append(0.0, draw.uniform(0.0, 24.0, 5)))
    rates = np.append(draw.uniform(0.0, 30.0, 5), 0.0)
    cohort = Cohort(people, responses(people, "T9", infusion_basis()))
    cohort.set_program(np.arange(3), Program(from_h, np.tile(rates, (3, 1))))
    mine = []
    for _ in range(days):
        mine.append(cohort.concentrations()[:, :24])
        cohort.live(1)
    for row in range(3):
        theirs = _stiff(people, row, np.tile(rates, days), _repeated(from_h, days))
        seen = np.concatenate(mine, axis=1)[:, :, row]
        assert (np.abs(seen - theirs).max(axis=1) < 1e-3 * theirs.max(axis=1)).all()


def _repeated(from_h: Floats, days: int) -> Floats:
    return np.concatenate([from_h + HOURS_PER_DAY * day for day in range(days)])


def _stiff(people: People, row: int, rates: Floats, from_h: Floats) -> Floats:
    """Leg, arm and brainstem at whole hours, by BDF on the whole body, restarted at each change."""
    model = build(people.one(row))
    inflow = model.infusion(position_cm(people.one(row), "T9"))
    until = float(HOURS_PER_DAY * (from_h[-1] // HOURS_PER_DAY + 1))
    hours, state = np.arange(until), np.zeros(len(inflow))
    found = np.empty((len(inflow), len(hours)))
    for start, end, rate in zip(from_h, np.append(from_h[1:], until), rates, strict=True):
        inside = (hours >= start) & (hours < end)
        done = solve_ivp(
            lambda _t, x, rate=rate: model.matrix @ x + rate * inflow,
            (start, end),
            state,
            method="BDF",
            jac=model.matrix,
            t_eval=np.append(hours[inside], end),
            rtol=1e-8,
            atol=1e-11,
        )
        found[:, inside], state = done.y[:, :-1], done.y[:, -1]
    return np.array([model.readouts[name] for name in (LEG, ARM, BRAINSTEM)]) @ found
