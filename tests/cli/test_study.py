"""`openitb cohort` with a study."""

import json
from pathlib import Path

import pytest

from openitb.cli.main import run

STUDY = str(Path(__file__).parents[2] / "examples" / "studies" / "simple-flex.toml")


def test_a_study_is_run_told_and_taken_up_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    command = ["cohort", STUDY, "--people", "2", "--out", str(out), "--jobs", "1"]
    assert run(command) == 0
    printed = capsys.readouterr()
    assert "Simple against flex, 2 people, 60 days, seed 3" in printed.out
    assert "night × 2" in printed.out
    assert printed.err == ""
    assert {"report.html", "answer.json", "people.parquet", "visits.parquet"} <= {
        f.name for f in out.iterdir()
    }
    assert run([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((out / "answer.json").read_text())
    assert told["outcomes"][0]["arms"][0]["counted"] == 2
    assert run(["sources", "--of", str(out / "answer.json"), "clinic"]) == 0
    assert "hears_alarm" in capsys.readouterr().out


def test_the_report_loads_nothing_and_fits_phone_and_paper(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["cohort", STUDY, "--people", "2", "--out", str(tmp_path / "out"), "--jobs", "1"]) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    for part in ('name="viewport"', "@media print", "prefers-color-scheme:dark", "<svg", "var(--ink)"):
        assert part in page
    for loader in ("<script", "src=", "@import", "<link"):
        assert loader not in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--people", "0"], "population.people: got 0, expected a whole number from 1 to 1000000"),
        (["--seed", "-1"], "seed: got -1"),
        (["--jobs", "0"], "--jobs: got 0, expected at least 1"),
        (["--csv", "bands.csv"], "--csv: got 'bands.csv', expected none for a study"),
        (["--out", "/proc/none/out"], "/proc/none"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_nothing_is_written(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["cohort", STUDY, *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err
    assert not list(tmp_path.iterdir())


def test_a_case_takes_no_options_of_a_study(capsys: pytest.CaptureFixture[str]) -> None:
    case = str(Path(STUDY).parents[1] / "screening-bolus.toml")
    assert run(["cohort", case, "--jobs", "2"]) == 2
    assert "--jobs: got '2', expected none for a case" in capsys.readouterr().err


def test_a_study_that_cannot_be_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "study.toml"
    broken.write_text(Path(STUDY).read_text().replace("horizon", "horizont"))
    assert run(["cohort", str(broken), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "horizon: missing, expected a value\n"
    assert not (tmp_path / "out").exists()


def test_a_policy_that_fails_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.py").write_text("def mine(seen):\n    return seen.nothing\n")
    study = tmp_path / "study.toml"
    policy = '[policy]\nkind = "python"\nfunction = "mine.py:mine"\n[visits]\nabsence_lasts = "1 day"'
    study.write_text(Path(STUDY).read_text().replace("[visits]", policy, 1).replace('"365 day"', '"20 day"'))
    assert run(["cohort", str(study), "--people", "1", "--out", str(tmp_path / "out"), "--jobs", "1"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "arm 'simple': policy: patient 0, day " in told
    assert "raised AttributeError" in told
