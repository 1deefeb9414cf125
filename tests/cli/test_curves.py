"""`openitb pump curves`: the table, the JSON, the picture, the refusals."""

import json
from pathlib import Path

import pytest

from openitb.cli.main import run


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["pump", "curves", "--over", "1 day", *arguments]) == 0
    return capsys.readouterr().out


def test_the_table_names_windows_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys)
    assert "0.4 mL/day over 1 days" in text
    assert "17.07 h" in text
    assert "1 min" in text


def test_the_json_holds_both_curves(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(told(capsys, "--json", "--flow-error", "5 %"))
    assert found["overall_percent"] == pytest.approx(5, abs=0.2)
    assert found["trumpet"][0]["length_ms"] == 60_000
    assert found["startup"]


def test_a_picture_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "--plot", str(tmp_path / "curves.png"))
    assert (tmp_path / "curves.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--dose", "1 ug/day", "--dose"),
        ("--pump", "hose", "--pump: got 'hose'"),
        ("--fault", "F-99", "--fault.id: got 'F-99'"),
    ],
)
def test_what_cannot_be_is_refused(
    option: str, value: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pump", "curves", option, value]) == 2
    assert says in capsys.readouterr().err
