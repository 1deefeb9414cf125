"""`openitb program` as it is called."""

from pathlib import Path

import pytest

from openitb.cli.main import run
from openitb.programmer.sealed import unseal
from openitb.programmer.second import parse_staff

VISITS = Path(__file__).parents[2] / "examples" / "visits"


@pytest.mark.parametrize("file", sorted(VISITS.glob("*.toml")), ids=lambda file: file.stem)
def test_every_example_visit_runs_and_leaves_a_report_that_reads_back(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, paper = tmp_path / "report.json", tmp_path / "report.pdf"
    arguments = ["program", "--demo", "--script", str(file), "--json", str(report), "--pdf", str(paper)]
    assert run(arguments) == 0
    printed = capsys.readouterr().out
    assert "DEMO: an exercise" in printed
    content = unseal(report.read_text(encoding="utf-8"))
    assert content["demo"] is True
    assert content["outcome"]["kind"] == "applied"
    assert content["digest"] in printed
    assert paper.read_bytes().startswith(b"%PDF")


def test_a_visit_that_is_refused_ends_with_one_and_says_not_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (VISITS / "adjust.toml").read_text(encoding="utf-8").replace("120", "901")
    file = tmp_path / "visit.toml"
    file.write_text(text, encoding="utf-8")
    assert run(["program", "--demo", "--script", str(file)]) == 1
    assert "Not changed. limits: nothing was sent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "--by"),
        (["--by", "dr-a"], "--chart"),
        (["--demo", "--home", "x"], "--demo"),
        (["--enrol", "dr-a"], "--staff"),
    ],
)
def test_what_is_missing_is_named_in_one_line(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["program", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(named)
    assert error.count("\n") == 1


def test_people_are_put_on_the_staff_list_once_and_their_secret_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "staff.toml"
    monkeypatch.setenv("OPENITB_SECRET_DR_A", "blue-heron")
    assert run(["program", "--staff", str(file), "--enrol", "dr-a"]) == 0
    assert run(["program", "--staff", str(file), "--enrol", "dr-a"]) == 2
    assert list(parse_staff(file.read_text())) == ["dr-a"]
    assert "blue-heron" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
