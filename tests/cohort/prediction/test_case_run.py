"""A whole case for many people."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from openitb.cohort import CohortError, Sampling, sample
from openitb.cohort.prediction.case_run import run_people
from openitb.cohort.prediction.export import draw, table, to_json, write_csv
from openitb.units import MS_PER_DAY, MS_PER_H, MS_PER_MIN
from openitb.world import case as world_case
from openitb.world.case import Case, shortened
from openitb.world.simulation import simulate

EXAMPLES = Path(__file__).parents[3] / "examples"


def example(name: str, days: int = 3) -> Case:
    whole = world_case.load(EXAMPLES / f"{name}.toml")
    return replace(shortened(whole, whole.start_ms + days * MS_PER_DAY), every_ms=MS_PER_H)


@pytest.mark.parametrize("name", ["day-night-flex", "screening-bolus", "first-case"])
def test_the_typical_person_is_the_simulation_of_the_case(name: str) -> None:
    case = example(name)
    run, alone = run_people(case, Sampling(2, 1)), simulate(case)
    np.testing.assert_array_equal(run.time_h, alone.time_h)
    for series in ("leg_ashworth", "sedation", "lumbar_csf_ng_per_ml"):
        np.testing.assert_allclose(run.series[series].typical, alone.series[series], rtol=1e-12)


def test_each_person_gets_their_own_simulation_of_the_same_delivery() -> None:
    case, sampling = example("first-case"), Sampling(5, seed=6)
    run = run_people(case, sampling)
    people = sample(case.patient.parameters, 5, seed=6)
    each = [simulate(replace(case, patient=replace(case.patient, parameters=p))) for p in people]
    legs = np.quantile([one.series["leg_ashworth"] for one in each], [0.05, 0.5, 0.95], axis=0)
    band = run.series["leg_ashworth"]
    np.testing.assert_allclose([band.low, band.median, band.high], legs, rtol=1e-12)


def test_progress_rises_to_the_whole() -> None:
    heard: list[float] = []
    run_people(example("screening-bolus", 1), Sampling(4, 1), heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    assert len(heard) == 5


def test_there_is_a_tip_only_where_there_is_a_pump() -> None:
    assert "tip_ug_per_h" not in run_people(example("screening-bolus", 1), Sampling(2, 1)).series
    tip = run_people(example("day-night-flex", 1), Sampling(2, 1)).series["tip_ug_per_h"]
    assert tip.median[-1] > 0


def test_more_than_memory_holds_is_refused_before_anything_runs() -> None:
    case = replace(example("day-night-flex", 7), every_ms=MS_PER_MIN)
    with pytest.raises(CohortError, match="people: got 5000 at 10081 output times, expected at most 1983"):
        run_people(case, Sampling(5000, 1))


def test_json_and_table_say_the_same(tmp_path: Path) -> None:
    run = run_people(example("day-night-flex", 1), Sampling(3, 8))
    told = json.loads(json.dumps(to_json(run), allow_nan=False))
    write_csv(run, tmp_path / "bands.csv")
    read = pl.read_csv(tmp_path / "bands.csv")
    assert told["people"] == 3
    assert told["seed"] == 8
    assert told["band"] == [0.05, 0.95]
    assert told["series"]["lumbar_csf_ng_per_ml"]["unit"] == "ng/mL"
    for name, band in told["series"].items():
        for line in ("low", "median", "high", "typical"):
            assert read[f"{name}_{line}"].to_list() == pytest.approx(band[line])
    assert read["time_h"].to_list() == told["time_h"] == list(table(run)["time_h"])
    assert any("3 simulated people" in line for line in told["basis"])


def test_a_picture_is_drawn_with_a_pump_and_without(tmp_path: Path) -> None:
    for name in ("day-night-flex", "screening-bolus"):
        path = tmp_path / f"{name}.png"
        draw(run_people(example(name, 1), Sampling(2, 1)), path)
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size > 10_000
