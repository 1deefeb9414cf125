from dataclasses import fields, replace

import numpy as np
import pytest

from openitb.body import (
    Baseline,
    BodyError,
    BodyParameters,
    Dispersion,
    Inputs,
    LumbarBolus,
    OralDose,
    between_subject_sds,
    run,
    typical_adult,
    with_overrides,
)
from openitb.body.anatomy import canal, position_cm
from openitb.body.parameters import known_by_field
from openitb.catalogue import load

ADULT = typical_adult()


def test_the_presets_differ_in_dispersion_alone() -> None:
    poorly = typical_adult("poorly_mixed")
    assert (ADULT.dispersion_cm2_per_h, poorly.dispersion_cm2_per_h) == (320.0, 6.0)
    assert replace(poorly, dispersion_cm2_per_h=320.0) == ADULT


def test_an_unknown_preset_is_refused() -> None:
    name: Dispersion = "stirred"  # type: ignore[assignment]  # what a case file might say
    with pytest.raises(
        BodyError, match="dispersion: got 'stirred', expected one of well_mixed, poorly_mixed"
    ):
        typical_adult(name)


def test_every_field_but_the_grid_is_in_the_catalogue_and_every_catalogue_fact_is_a_field() -> None:
    named = {field for field, _ in known_by_field()}
    assert named == {field.name for field in fields(BodyParameters)} - {"cells"}
    facts = set(load().body["typical-adult"].facts) | {"dispersion"}
    assert {known.name for _, known in known_by_field()} == facts


def test_values_arrive_in_the_unit_of_the_field() -> None:
    assert ADULT.plasma_clearance_ml_per_h == 8600
    assert ADULT.tolerance_time_h == 150 * 24
    assert ADULT.leg_ec50_ng_per_ml == 88


def test_spreads_between_people_are_exposed_by_field() -> None:
    spreads = between_subject_sds()
    assert spreads["dispersion_cm2_per_h"] == 0.6
    assert "cranial_mixing_ml_per_h" not in spreads
    assert set(spreads) <= {field.name for field in fields(BodyParameters)}


@pytest.mark.parametrize(
    ("name", "given", "field", "value"),
    [
        ("dispersion", "0.1 cm^2/s", "dispersion_cm2_per_h", 360.0),
        ("D", "100 cm^2/h", "dispersion_cm2_per_h", 100.0),
        ("k_abs", "0.5 1/h", "spinal_loss_per_h", 0.5),
        ("k_abs", "0.5 /h", "spinal_loss_per_h", 0.5),
        ("k_abs", "12 day^-1", "spinal_loss_per_h", 0.5),
        ("plasma_clearance", "10 L/h", "plasma_clearance_ml_per_h", 10_000.0),
        ("leg_ec50", "0.1 ug/mL", "leg_ec50_ng_per_ml", 100.0),
        ("tolerance_time", "100 day", "tolerance_time_h", 2400.0),
        ("oral_availability", "80 percent", "oral_availability", 0.8),
        ("oral_availability", 0.8, "oral_availability", 0.8),
        ("tone_hill", "4", "tone_hill", 4.0),
    ],
)
def test_an_override_changes_one_value(name: str, given: object, field: str, value: float) -> None:
    changed = with_overrides(ADULT, {name: given})
    assert getattr(changed, field) == pytest.approx(value, rel=1e-12)
    assert replace(changed, **{field: getattr(ADULT, field)}) == ADULT


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("wetness", "1 mL", "wetness: not a parameter of the body"),
        ("", "1 mL", ": not a parameter of the body"),
        ("dispersion", "100", "the unit is missing"),
        ("dispersion", 100, "dispersion: got 100, expected text"),
        ("dispersion", "100 mL", "cm^2/hour"),
        ("dispersion", "1 cm^2/h", "expected 3.2 to 32000 cm^2/hour"),
        ("dispersion", "-320 cm^2/h", "expected 3.2 to 32000 cm^2/hour"),
        ("oral_availability", "1.1", "oral_availability: got 1.1, expected 0.0074 to 1"),
        ("f_deep", "1", "f_deep: got 1, expected 0.003 to 0.95"),
        ("tone_hill", "13", "tone_hill: got 13, expected 0.031 to 12"),
        ("oral_availability", True, "oral_availability: got True"),
        ("tone_hill", float("nan"), "tone_hill: got nan"),
        ("k_abs", "0 1/h", "expected 0.0034 to 34 hour^-1"),
        ("cells", "60", "cells: not a parameter of the body"),
    ],
)
def test_an_override_that_makes_no_sense_is_refused_in_one_line(
    name: str, given: object, message: str
) -> None:
    with pytest.raises(BodyError) as refused:
        with_overrides(ADULT, {name: given})
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_canal_holds_its_volume_and_its_cord_begins_at_the_conus() -> None:
    tube = canal(ADULT)
    assert tube.volume_ml.sum() == pytest.approx(95.0)
    assert tube.x_cm[tube.cord[0]] == 17.5
    assert tube.area_cm2[0] / tube.area_cm2[30] == pytest.approx(1.9 / 1.2)
    assert (tube.x_cm[tube.leg][[0, -1]] == [17.5, 26.5]).all()
    assert (tube.x_cm[tube.arm][[0, -1]] == [47.5, 55.5]).all()


def test_levels_scale_with_the_canal_and_those_between_are_counted() -> None:
    short = replace(ADULT, canal_length_cm=48.0)
    assert position_cm(ADULT, "T12") == 20.5
    assert position_cm(short, "T12") == pytest.approx(20.5 * 0.8)
    assert position_cm(ADULT, "T11") == 23.0
    assert position_cm(ADULT, "conus") == 17.0
    assert position_cm(ADULT, 33.3) == 33.3


def test_levels_rise_from_the_sacrum_to_the_skull() -> None:
    spine = [*(f"L{n}" for n in range(5, 0, -1)), *(f"T{n}" for n in range(12, 0, -1))]
    spine += [f"C{n}" for n in range(7, 0, -1)]
    assert (np.diff([position_cm(ADULT, level) for level in spine]) > 0).all()
    assert position_cm(ADULT, "C1") < 60


@pytest.mark.parametrize("level", ["T13", "C0", "L6", "S1", "t12", "12", "", "T1 "])
def test_an_unknown_level_is_refused(level: str) -> None:
    with pytest.raises(BodyError, match="level: got"):
        position_cm(ADULT, level)


@pytest.mark.parametrize("length", np.linspace(40, 80, 33))
def test_a_level_on_the_border_of_two_slices_reads_the_upper_one_in_any_canal(length: float) -> None:
    params = replace(ADULT, canal_length_cm=float(length))
    assert canal(params).cell_at(position_cm(params, "L3")) == 11


def test_the_top_of_the_canal_belongs_to_the_last_slice() -> None:
    assert canal(ADULT).cell_at(60.0) == 59


def test_a_grid_too_coarse_to_tell_legs_from_arms_is_refused() -> None:
    with pytest.raises(BodyError, match="cells: got 2, expected enough slices"):
        canal(replace(ADULT, cells=2))


@pytest.mark.parametrize("factor", [0.01, 100])
@pytest.mark.parametrize("name", sorted({known.name for _, known in known_by_field()}))
def test_every_value_an_override_may_set_gives_a_body_that_conserves_drug(name: str, factor: float) -> None:
    field, known = next((field, known) for field, known in known_by_field() if known.name == name)
    top = {"cord_deep_fraction": 0.95, "oral_availability": 1, "tone_relief": 1, "loss_threshold": 1}
    value = min(getattr(ADULT, field) * factor, top.get(field, 12 if field.endswith("_hill") else np.inf))
    changed = with_overrides(ADULT, {name: f"{value:f} {known.unit}" if known.unit != "1" else f"{value:f}"})
    given = Inputs(initial=5.0, oral=(OralDose(1.0, 20_000.0),), lumbar_boluses=(LumbarBolus(0.0, 50.0),))
    course = run(changed, given, Baseline(4.0, 3.0, 3.0, 2.0), np.array([0.0, 0.1, 5.0, 100.0, 2000.0]))
    assert course.mass_balance_error < 1e-9
    assert all(np.isfinite(course[series].values).all() for series in course)
