"""`openitb handheld` as it is called."""

from pathlib import Path

import pytest

from openitb.cli.main import run


def test_an_exercise_shows_what_is_allowed_and_gives_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["handheld", "--demo"]) == 0
    printed = capsys.readouterr().out
    assert "No alarms." in printed
    assert "Extra dose of 5 µg over 15 min, 0 of 3 given in 24 h. You may ask now" in printed
    assert "No change of the daily dose on request" in printed
    assert run(["handheld", "bolus", "--demo"]) == 0
    assert capsys.readouterr().out == "The pump gives your extra dose now.\n"


def test_what_is_not_allowed_is_said_and_ends_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["handheld", "more", "--demo"]) == 1
    assert "Not given: no adjustment on request is enabled" in capsys.readouterr().out


@pytest.mark.requirement("PAT-02", "PAT-03")
def test_a_request_that_was_not_answered_is_remembered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    memory = tmp_path / "handheld" / "NGP-1.json"
    memory.parent.mkdir()
    memory.write_text('{"pending": "r-1"}')
    (tmp_path / "address").write_text("127.0.0.1 1\n")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "NGP-1.pub").write_bytes(bytes(range(32)))
    arguments = ["--home", str(tmp_path), "--serial", "NGP-1"]
    assert run(["handheld", "bolus", *arguments]) == 1
    assert "nothing was sent" in capsys.readouterr().out
    assert run(["handheld", "check", *arguments]) == 1
    assert "Unknown, check" in capsys.readouterr().out
    assert "r-1" in memory.read_text()


def test_a_pump_out_of_reach_is_unknown_and_says_whom_to_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "address").write_text("127.0.0.1 1\n")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "NGP-1.pub").write_bytes(bytes(range(32)))
    arguments = ["--home", str(tmp_path), "--serial", "NGP-1", "--call", "Call 555 0100."]
    assert run(["handheld", "status", *arguments]) == 1
    printed = capsys.readouterr().out
    assert "unknown, check" in printed
    assert "Call 555 0100." in printed


def test_what_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["handheld"]) == 2
    assert capsys.readouterr().err.startswith("--home, --serial: missing")
