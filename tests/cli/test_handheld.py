"""`openitb handheld` as it is called."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from openitb import catalogue, units
from openitb.cli.main import run
from openitb.cli.pump import clock
from openitb.implant import Contents, Home, PumpService, new_implant, provision
from openitb.implant.pairing import open_gate
from openitb.programmer.session import Wand, ask, contact
from openitb.protocol import Applied, RevokeKey, Role
from openitb.telemetry import code_text


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
    assert capsys.readouterr().err.startswith("--home: missing")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "implants")
    pump = catalogue.load().pump("synchromed-ii-20")
    contents = Contents(volume_nl=18 * units.NL_PER_ML, concentration_ug_per_ml=500)
    provision(home, new_implant("NGP-1", pump, contents, clock()))
    service = PumpService(home, clock)
    service.start()
    yield home
    service.stop()


@pytest.mark.requirement("TEL-09", "PAT-04")
def test_a_new_handheld_is_paired_by_code_used_and_shut_out_again(
    live: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = open_gate(live, "NGP-1", Role.PATIENT, clock())
    unit = tmp_path / "unit"
    where = ["--home", str(live.path), "--serial", "NGP-1", "--unit", str(unit)]
    assert run(["handheld", "pair", *where, "--code", code_text(gate.code), "--name", "Ada's"]) == 0
    printed = capsys.readouterr().out
    entry = live.load("NGP-1").firmware.log.entries[-1]
    assert f"Digits {entry.get('digits')}:" in printed
    assert f"as key {entry.get('key_id')}." in printed
    assert (unit / "NGP-1.key").stat().st_mode & 0o777 == 0o600
    assert run(["handheld", "status", *where]) == 0
    assert "The pump says: stopped." in capsys.readouterr().out
    wand = Wand(live.address(), "NGP-1", live.programmer_keys("NGP-1"))
    with contact(wand) as channel:
        revoked = ask(channel, RevokeKey("nurse", "1", bytes.fromhex(str(entry.get("key_id")))))
    assert isinstance(revoked, Applied)
    assert run(["handheld", "status", *where]) == 1
    assert "No contact with the pump" in capsys.readouterr().out


@pytest.mark.requirement("TEL-09")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"--code": "AAAA"}, "code: got 4 characters"),
        ({"--code": "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AA"}, "not paired"),
        ({"--name": ""}, "not paired|pairing.name"),
        ({"--serial": "no/pe"}, "serial"),
        ({"--unit": None}, "--unit: missing"),
    ],
)
def test_a_pairing_that_goes_wrong_is_one_line_and_leaves_no_keys(
    live: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, str | None], said: str
) -> None:
    gate = open_gate(live, "NGP-1", Role.PATIENT, clock())
    asked = {
        "--home": str(live.path),
        "--serial": "NGP-1",
        "--unit": str(tmp_path / "unit"),
        "--code": code_text(gate.code),
        **change,
    }
    arguments = [part for name, value in asked.items() if value is not None for part in (name, value)]
    assert run(["handheld", "pair", *arguments]) == 2
    error = capsys.readouterr().err
    assert any(part in error for part in said.split("|")), error
    assert error.count("\n") == 1
    assert not (tmp_path / "unit").exists()
