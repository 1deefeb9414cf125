from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

from openitb.body import BodyParameters, typical_adult
from openitb.body.model import build
from openitb.body.modes import diagonalise, solved

PEOPLE = [typical_adult(), typical_adult("poorly_mixed"), replace(typical_adult(), cells=120)]


@pytest.mark.parametrize("params", PEOPLE)
def test_modes_rebuild_the_matrix(params: BodyParameters) -> None:
    model = build(params)
    modes = diagonalise(model)
    rebuilt = (modes.vectors * modes.rates_per_h) @ modes.inverse
    assert np.abs(rebuilt - model.matrix).max() < 1e-12 * np.abs(model.matrix).max()


@pytest.mark.parametrize("params", PEOPLE)
def test_no_mode_grows_and_only_the_three_counts_stand_still(params: BodyParameters) -> None:
    rates = diagonalise(build(params)).rates_per_h
    assert np.isrealobj(rates)
    assert np.count_nonzero(rates == 0) == 3
    assert rates.max() <= 0


def test_modes_are_well_apart() -> None:
    modes = solved(typical_adult()).modes
    assert np.linalg.norm(modes.vectors, 1) * np.linalg.norm(modes.inverse, 1) < 1e4


def test_a_step_of_no_length_changes_nothing() -> None:
    remain, gain = solved(typical_adult()).modes.step(np.array([0.0]))
    assert (remain == 1).all()
    assert (gain == 0).all()


def test_a_mode_that_stands_still_gains_inflow_times_time() -> None:
    modes = solved(typical_adult()).modes
    _, gain = modes.step(np.array([2.5]))
    assert (gain[0][modes.rates_per_h == 0] == 2.5).all()


def test_two_steps_are_one_of_both_lengths() -> None:
    modes = solved(typical_adult()).modes
    (first, second, both), (gain, more, all_gain) = modes.step(np.array([0.3, 1.9, 2.2]))
    assert first * second == pytest.approx(both, abs=1e-14)
    assert second * gain + more == pytest.approx(all_gain, rel=1e-12)


@pytest.mark.parametrize("duration_h", [1e-6, 0.1, 24.0])
def test_a_step_is_the_matrix_exponential(duration_h: float) -> None:
    model, modes = solved(typical_adult()).model, solved(typical_adult()).modes
    remain, _ = modes.step(np.array([duration_h]))
    ours = (modes.vectors * remain[0]) @ modes.inverse
    assert ours == pytest.approx(expm(model.matrix * duration_h), abs=1e-10)


def test_drug_is_conserved_by_every_transfer() -> None:
    model = build(typical_adult())
    counted = np.ones(model.layout.size)
    counted[[model.layout.brainstem, model.layout.to_blood]] = 0
    assert np.abs(counted @ model.matrix).max() < 1e-12


def test_exchange_is_symmetric_in_disguise() -> None:
    """Each pair of spinal compartments obeys detailed balance with its volume."""
    model = build(typical_adult())
    layout, volume = model.layout, model.canal.volume_ml
    flows = model.matrix[np.ix_(layout.csf, layout.csf)] * volume
    assert flows == pytest.approx(flows.T, rel=1e-12)


def test_equal_rates_of_gut_and_brainstem_still_have_modes_that_conserve_drug() -> None:
    params = replace(typical_adult(), cisterna_to_brainstem_per_h=1.64)
    modes = diagonalise(build(params))
    counted = np.ones(len(modes.rates_per_h))
    layout = build(params).layout
    counted[[layout.brainstem, layout.to_blood]] = 0
    decaying = modes.rates_per_h < 0
    assert np.abs(counted @ modes.vectors[:, decaying]).max() < 1e-12


def test_one_person_is_solved_once() -> None:
    assert solved(typical_adult()) is solved(typical_adult())
