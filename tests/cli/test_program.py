"""`openitb program` as it is called."""

from pathlib import Path

import pytest

from openitb.cli.main import run
from openitb.programmer.script import parse_script
from openitb.programmer.sealed import unseal
from openitb.programmer.second import parse_staff
from openitb.programmer.workflow import workflow, workflows

VISITS = Path(__file__).parents[2] / "examples" / "visits"


NEEDS_MORE_THAN_A_FILE = {
    "drug-library": "a library signed by the publisher of this very pump",
    "revoke-key": "the id of a key that this very pump takes",
    "silence-alarm": "an alarm that is latched now",
    "confirm": "a commit that nobody could read back",
}


def test_every_workflow_that_an_exercise_can_show_has_an_example() -> None:
    scripts = (parse_script(file.read_text(encoding="utf-8"), VISITS) for file in VISITS.glob("*.toml"))
    shown = {workflow(script.workflow).workflow_id for script in scripts}
    assert shown | set(NEEDS_MORE_THAN_A_FILE) == set(workflows())
    assert not shown & set(NEEDS_MORE_THAN_A_FILE)


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


CHART = """
[patient]
id = "P-1"
origin = "spinal"
age = "40 year"
[implant]
serial = "NGP1"
pump = "synchromed-ii-20"
"""


@pytest.mark.requirement("PRG-19", "PRG-09")
@pytest.mark.parametrize(
    ("who", "secret", "named"),
    [
        ("ghost", "blue-heron", "by: got 'ghost', expected somebody on the staff list"),
        ("dr-a", "grey-heron", "secret: not the one of dr-a"),
        ("dr-a", "", "secret: not the one of dr-a"),
    ],
)
def test_nobody_works_under_a_number_that_is_not_theirs(
    who: str,
    secret: str,
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home, chart, staff = tmp_path / "home", tmp_path / "chart.toml", tmp_path / "staff.toml"
    assert run(["pump", "new", "NGP1", "--home", str(home)]) == 0
    chart.write_text(CHART)
    monkeypatch.setenv("OPENITB_SECRET_DR_A", "blue-heron")
    assert run(["program", "--staff", str(staff), "--enrol", "dr-a"]) == 0
    monkeypatch.setenv("OPENITB_SECRET_DR_A", secret)
    monkeypatch.setenv("OPENITB_SECRET_GHOST", secret)
    text = (VISITS / "adjust.toml").read_text(encoding="utf-8")
    visit = tmp_path / "visit.toml"
    visit.write_text("\n".join(f'by = "{who}"' if x.startswith("by =") else x for x in text.splitlines()))
    capsys.readouterr()
    files = ["--home", str(home), "--chart", str(chart), "--staff", str(staff)]
    assert run(["program", *files, "--script", str(visit)]) == 2
    assert capsys.readouterr().err.startswith(named)


@pytest.mark.requirement("PRG-19")
def test_an_exercise_too_is_for_the_people_on_its_list_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["program", "--demo", "--by", "nobody"]) == 2
    assert capsys.readouterr().err.startswith("--by: got 'nobody'")


@pytest.mark.requirement("RES-04", "RES-08")
def test_the_printed_report_of_a_fill_says_what_was_drawn_and_from_which_package(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["program", "--demo", "--script", str(VISITS / "refill-and-adjust.toml")]) == 0
    printed = capsys.readouterr().out
    assert "10.6 mL, expected 10.6 mL" in printed
    assert "lot L-2041, until 2099-12-31" in printed
