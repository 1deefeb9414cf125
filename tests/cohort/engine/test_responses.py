"""Reduced responses against the whole body: 60 slices, cord, head, plasma and gut, by its own modes."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from openitb.body import BodyParameters, Dispersion
from openitb.body.anatomy import position_cm
from openitb.body.model import Model, build
from openitb.body.modes import diagonalise
from openitb.body.parameters import constant
from openitb.cohort.engine.responses import (
    AT_TIP,
    PUNCTURE,
    SWALLOWED,
    TIP,
    Basis,
    full_basis,
    infusion_basis,
    responses,
)
from openitb.cohort.engine.transfer import transfer
from openitb.cohort.people import People, Population, draw

Floats = NDArray[np.float64]
DISPERSIONS: tuple[Dispersion, ...] = ("well_mixed", "poorly_mixed")
TIPS = ("L3", "L1", "T12", "T10", "T8", "T6", "T4", "T2", "C5", "C2")
ALLOWED = 1e-3  # of each series' maximum

# Dense at first and out to where everything has settled, in h after each change.
AFTER_H: Floats = np.unique(
    np.concatenate([[0.0], np.geomspace(1e-3, 24, 60), np.arange(0, 72, 1.0), np.arange(72, 700, 12.0)])
)
# Drug at the tip in µg/h from an hour on: a step, a flex pattern for three days, a stop, a new start.
STEP = ((0.0, 10.0),)
FLEX = tuple((6.0 * k, (6.0, 18.0, 12.0, 3.0)[k % 4]) for k in range(12))
STOP = ((0.0, 10.0), (240.0, 0.0))
RESTART = (*STOP, (264.0, 10.0), (300.0, 2.0))


@lru_cache(maxsize=6)
def crowd(dispersion: Dispersion, size: int) -> tuple[BodyParameters, ...]:
    """People of all causes, children among them."""
    people = draw(Population(dispersion=dispersion), np.arange(size), seed=20)
    return tuple(people.one(row) for row in range(size))


def ways(model: Model, tip_at: str) -> dict[str, Floats]:
    p = model.params
    sds = {name: constant("atlas", f"{name}_sd") for name in ("lumbar_puncture", "pump_bolus")}
    return {
        TIP: model.infusion(position_cm(p, tip_at)),
        AT_TIP: model.bolus(position_cm(p, tip_at), sds["pump_bolus"]),
        PUNCTURE: model.bolus(position_cm(p, "L3"), sds["lumbar_puncture"]),
        SWALLOWED: model.tablet(),
    }


def course(rates: Floats, weights: Floats, steps: tuple[tuple[float, float], ...], at: Floats) -> Floats:
    """Infusion of steps read at hours: Σ Δu (1 - e^{-p (t - start)}) per place; rates may be complex."""
    total = np.zeros((len(weights), len(at)), dtype=weights.dtype)
    before = 0.0
    for start, rate in steps:
        since = np.maximum(at - start, 0.0)
        total += (rate - before) * (weights @ -np.expm1(-np.outer(rates, since)))
        before = rate
    return np.asarray(total.real)


def bolus(rates: Floats, weights: Floats, at: Floats) -> Floats:
    return np.asarray(((weights * rates) @ np.exp(-np.outer(rates, at))).real)


def exact(person: BodyParameters, tip_at: str, basis: Basis) -> dict[str, tuple[Floats, Floats]]:
    """Rates and weights of all of the body's own modes, by way in."""
    model = build(person)
    modes, kept = diagonalise(model), model.layout.cleared
    rows = np.array([model.readouts[place] for place in basis.places])
    rates = -modes.rates_per_h
    moving = rates != 0  # the counting states stand still and are read nowhere
    read = (rows @ modes.vectors)[:, moving]
    assert kept <= moving.sum()
    into = {way: (modes.inverse @ given)[moving] for way, given in ways(model, tip_at).items()}
    return {way: (rates[moving], read * given / rates[moving]) for way, given in into.items()}


def errors(
    dispersion: Dispersion, tip_at: str, size: int, basis: Basis, kinds: tuple[str, ...]
) -> Iterator[Floats]:
    """By person: the largest distance of each place over all inputs, as a part of its maximum."""
    people = crowd(dispersion, size)
    found = responses(People.of(people), tip_at, basis, kinds)
    for row, person in enumerate(people):
        whole = exact(person, tip_at, basis)
        for way in kinds:
            mine = found.weights[way][:, row]
            if way == TIP:
                for steps in (STEP, FLEX, STOP, RESTART):
                    at = np.unique([start + after for start, _ in steps for after in AFTER_H])
                    yield apart(course(basis.rates_per_h, mine, steps, at), course(*whole[way], steps, at))
            else:
                yield apart(bolus(basis.rates_per_h, mine, AFTER_H), bolus(*whole[way], AFTER_H))


def apart(mine: Floats, whole: Floats) -> Floats:
    return np.asarray(np.abs(mine - whole).max(axis=-1) / np.abs(whole).max(axis=-1))


def worst(dispersion: Dispersion, tip_at: str, size: int, basis: Basis, kinds: tuple[str, ...]) -> Floats:
    return np.max(list(errors(dispersion, tip_at, size, basis, kinds)), axis=0)


ALL_WAYS = (TIP, AT_TIP, PUNCTURE, SWALLOWED)


@pytest.mark.parametrize("dispersion", DISPERSIONS)
@pytest.mark.parametrize("tip_at", TIPS)
def test_an_infusion_is_within_a_thousandth_wherever_drug_acts(dispersion: Dispersion, tip_at: str) -> None:
    assert (worst(dispersion, tip_at, 40, infusion_basis(), (TIP,)) < ALLOWED).all()


@pytest.mark.parametrize("dispersion", DISPERSIONS)
@pytest.mark.parametrize("tip_at", TIPS[::3])
def test_every_way_in_is_within_a_thousandth_at_every_place(dispersion: Dispersion, tip_at: str) -> None:
    assert (worst(dispersion, tip_at, 30, full_basis(), ALL_WAYS) < ALLOWED).all()


@pytest.mark.slow
@pytest.mark.parametrize("dispersion", DISPERSIONS)
@pytest.mark.parametrize("tip_at", TIPS)
def test_thousands_of_people_stay_within_a_thousandth(dispersion: Dispersion, tip_at: str) -> None:
    assert (worst(dispersion, tip_at, 1500, infusion_basis(), (TIP,)) < ALLOWED).all()
    assert (worst(dispersion, tip_at, 300, full_basis(), ALL_WAYS) < ALLOWED).all()


@pytest.mark.parametrize("dispersion", DISPERSIONS)
def test_the_transfer_function_is_the_body_matrix_solved(dispersion: Dispersion) -> None:
    person = crowd(dispersion, 3)[2]
    model = build(person)
    kept, basis = slice(0, model.layout.cleared), full_basis()
    matrix = model.matrix[kept, kept]
    entries = {TIP: model.infusion(position_cm(person, "T10"))[None, model.layout.csf], SWALLOWED: None}
    nodes = np.concatenate([basis.nodes_per_h, [0.3, 40.0]])
    found = transfer(People.of([person]), entries, nodes)
    for way, enters in ((TIP, model.infusion(position_cm(person, "T10"))), (SWALLOWED, model.tablet())):
        states = [np.linalg.solve(s * np.eye(len(matrix)) - matrix, enters[kept]) for s in nodes]
        expected = np.array(states) @ np.array([model.readouts[p][kept] for p in basis.places]).T
        assert pytest.approx(expected, rel=1e-9, abs=1e-30) == found[way][:, 0].T


def test_the_steady_state_is_exact() -> None:
    people = crowd("poorly_mixed", 5)
    found = responses(People.of(people), "T6", infusion_basis())
    for row, person in enumerate(people):
        model = build(person)
        state = model.steady_state(model.infusion(position_cm(person, "T6")))
        for place in found.places:
            assert found.steady(place)[row] == pytest.approx(model.readouts[place] @ state, rel=1e-9)


def test_a_tip_given_in_cm_is_that_part_of_each_canal() -> None:
    people = crowd("well_mixed", 4)
    found = responses(People.of(people), 25.0, infusion_basis())
    parts = [25.0 * person.canal_length_cm / people[0].canal_length_cm for person in people]
    alone = [
        responses(People.of([person]), part, infusion_basis())
        for person, part in zip(people, parts, strict=True)
    ]
    at, rates = AFTER_H, found.rates_per_h
    for row, one in enumerate(alone):
        mine, own = (course(rates, w, STEP, at) for w in (found.weights[TIP][:, row], one.weights[TIP][:, 0]))
        assert (apart(mine, own) < 1e-5).all()
