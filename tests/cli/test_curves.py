"""`openitb pump curves`: the table, the JSON, the picture, the refusals."""

import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from openitb.cli.main import run


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["pump", "curves", "--over", "1 day", *arguments]) == 0
    return capsys.readouterr().out


def test_the_table_names_windows_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys)
    assert "0.4 mL/day over 1 d " in text
    assert "12 h" in text
    assert "1 min" in text


def test_the_json_holds_both_curves(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(told(capsys, "--json", "--flow-error", "5 %"))
    assert found["overall_percent"] == pytest.approx(5, abs=0.2)
    assert found["trumpet"][0]["length_ms"] == 60_000
    assert found["startup"]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_picture_is_written(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "--plot", str(tmp_path / f"curves.{ending}"))
    assert (tmp_path / f"curves.{ending}").stat().st_size > 10_000


@pytest.mark.parametrize(
    "options",
    [[], ["--dose", "50 ug/day"], ["--fault", "F-04", "--over", "2 day"], ["--flow-error", "-90 %"]],
    ids=" ".join,
)
def test_a_picture_names_its_windows_and_shows_every_point_of_them(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = []
    real = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda f, *a, **k: (figures.append(f), real(f, *a, **k)))
    told(capsys, *options, "--plot", str(tmp_path / "curves.svg"))
    for axis in figures[0].axes:
        low, high = axis.get_ylim()
        for line in axis.get_lines():
            assert all(low <= value <= high for value in line.get_ydata())
    start, trumpet = figures[0].axes
    assert "mean of the last" in start.texts[0].get_text()
    labels = [label.get_text() for label in (*trumpet.get_xticklabels(), *trumpet.get_yticklabels())]
    assert "1 h" in labels
    assert not any("$" in label or "^" in label for label in labels)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--dose", "1 ug/day"], "--dose: got '1 ug/day', expected"),
        (["--dose", "0 ug/day"], "--dose: got '0 ug/day', expected above 0"),
        (["--dose", ".5 ug/day"], "--dose: got '.5 ug/day' (the leading zero is missing)"),
        (["--dose"], "--dose: missing its value"),
        (["--pump", "hose"], "--pump: got 'hose'"),
        (["--fault", "F-99"], "--fault.id: got 'F-99'"),
        (["--over", "0day"], "--over: got '0day', expected at least 2 min"),
        (["--over", "1e9day"], "--over: got '1e9day' (no exponent"),
        (["--over", "-1 day"], "--over: got -1 day, expected at least 0"),
        (["--plot", "curves.gif"], "--plot: got 'curves.gif', expected a file that ends in one of .png"),
        (["--plot", "curves"], "--plot: got 'curves', expected a file that ends in one of .png"),
        (["--plot", "no/curves.png"], "--plot: got 'no/curves.png' (No such file or directory)"),
        (["--plot", "."], "--plot: got '.' (Is a directory)"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_refused_in_one_line(
    options: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["pump", "curves", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith(says)
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
