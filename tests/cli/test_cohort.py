"""`openitb cohort`."""

import json
from pathlib import Path

import pytest

from openitb.cli.main import run

CASE = str(Path(__file__).parents[2] / "examples" / "screening-bolus.toml")


def test_median_and_band_are_shown_with_what_they_rest_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cohort", CASE, "--people", "4"]) == 0
    printed = capsys.readouterr().out
    assert "4 people, seed 1" in printed
    assert "5 to 95 %" in printed
    assert "leg Ashworth" in printed
    assert "basis" in printed
    assert "…" not in printed


def test_json_is_one_document_and_the_same_for_the_same_seed(capsys: pytest.CaptureFixture[str]) -> None:
    documents = []
    for _ in range(2):
        assert run(["cohort", CASE, "--people", "3", "--seed", "5", "--json"]) == 0
        documents.append(json.loads(capsys.readouterr().out))
    assert documents[0] == documents[1]
    assert documents[0]["seed"] == 5


def test_files_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, picture = tmp_path / "bands.csv", tmp_path / "bands.png"
    assert run(["cohort", CASE, "--people", "2", "--csv", str(table), "--plot", str(picture)]) == 0
    assert table.read_text().startswith("time_h,leg_ashworth_low,")
    assert picture.stat().st_size > 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--people", "0"], "people: got 0, expected a whole number from 1 to 100000"),
        (["--people", "-3"], "people: got -3"),
        (["--people", "1000000000"], "people: got 1000000000"),
        (["--people", "many"], "--people"),
        (["--seed", "-1"], "seed: got -1, expected a whole number of at least 0"),
        (["--csv", "/nowhere/at/all.csv"], "output: cannot write '/nowhere/at/all.csv'"),
        (["--plot", "picture.txt"], "--plot: got 'picture.txt', expected a name ending in .png"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["cohort", CASE, *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err


def test_a_case_that_is_not_there_or_broken_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "case.toml"
    broken.write_text("version = 1\n[patient")
    for path in (tmp_path / "none.toml", broken):
        assert run(["cohort", str(path)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
