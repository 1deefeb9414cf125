"""`openitb pump`: implants are made, paired and served from the command line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from openitb import units
from openitb.cli.main import run
from openitb.implant import Home
from openitb.implant.pairing import request_bytes
from openitb.implant.wand import Placement
from openitb.programmer.actions import read_signed_library
from openitb.protocol import Interrogate, Interrogation, decode_reply, encode
from openitb.telemetry import Candidate, KeyPair, Keys, connect, is_signed, pair, read_code

HOUR_MS = 3_600_000


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Home:
    assert run(["pump", "new", "NGP", "--home", str(tmp_path), "--count", "3", "--volume", "15 mL"]) == 0
    assert capsys.readouterr().out == "3 new: NGP-1 to NGP-3\n"
    return Home(tmp_path)


def served(home: Home, *options: str) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-m", "openitb", "pump", "run", "--home", str(home.path), *options]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("3 implants at 127.0.0.1 port ")
    return process


def read(home: Home, serial: str, keys: Keys | None = None) -> Interrogation:
    with connect(home.address(), serial, keys or home.programmer_keys(serial)) as channel:
        reply = decode_reply(channel.send(encode(Interrogate("nurse"))))
    assert isinstance(reply, Interrogation)
    return reply


def test_new_implants_are_filled_as_asked(home: Home) -> None:
    assert home.serials() == ("NGP-1", "NGP-2", "NGP-3")
    assert home.load("NGP-2").reservoir.volume_nl == 15_000_000


def test_a_faster_service_lets_implants_age_faster_and_goes_on_from_there(home: Home) -> None:
    process = served(home, "--speed", "36000")
    try:
        first = read(home, "NGP-1")
        while read(home, "NGP-1").age_ms < first.age_ms + HOUR_MS:
            pass
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.stdout.close()
    before = home.load("NGP-1").now_ms
    process = served(home)
    try:
        assert read(home, "NGP-1").at_ms >= before
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@pytest.mark.requirement("TEL-09")
def test_a_programmer_is_paired_with_the_code_that_is_shown(home: Home) -> None:
    process = served(home)
    opening = [sys.executable, "-m", "openitb", "pump", "pair", "NGP-2", "--home", str(home.path)]
    gate = subprocess.Popen(opening, stdout=subprocess.PIPE, text=True)
    try:
        code = read_code(gate.stdout.readline().split(": ")[1])
        own = KeyPair.generate()
        paired = pair(home.address(), "NGP-2", Candidate(own, code, request_bytes("Ada")))
        said = gate.communicate(timeout=20)[0]
        assert said.startswith(f"NGP-2: paired with Ada; both ends must show {paired.digits}")
        assert read(home, "NGP-2", Keys(own, paired.implant_public)).serial == "NGP-2"
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def test_the_wand_is_put_where_asked(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pump", "wand", "NGP-1", "--home", str(home.path), "--distance", "40", "--tilt", "10"]) == 0
    assert home.wand("NGP-1") == Placement(40.0, 10.0)
    assert re.fullmatch(
        r"NGP-1: a frame of 500 bytes gets across in \d+ % of tries\n", capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["wand", "NOBODY"], "serial: got 'NOBODY', expected one of NGP-1, NGP-2, NGP-3"),
        (["pair", "NOBODY", "--no-wait"], "serial: got 'NOBODY'"),
        (["wand", "NGP-1", "--distance", "-3"], "distance: got -3 mm"),
        (["new", "NGP-1"], "serial: got 'NGP-1', which already lives here"),
        (["new", "NGP-9", "--volume", "18"], "--volume: got '18'"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    home: Home, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pump", *arguments, "--home", str(home.path)]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


def test_a_second_service_on_the_same_implants_is_refused_in_one_line(home: Home) -> None:
    process = served(home)
    try:
        arguments = [sys.executable, "-m", "openitb", "pump", "run", "--home", str(home.path)]
        ended = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.stdout.close()
    assert ended.returncode == 2
    assert re.fullmatch(r"implants: process \d+ still runs the pumps [^\n]+\n", ended.stderr)


STRENGTH = """
[[strength]]
drug = "baclofen"
name = "Baclofen"
concentration = "500 ug/mL"
highest = "900 ug/day"
"""
LIBRARY = f"""
version = 3
source = "clinic pharmacy"
expires = 2100-12-31
{STRENGTH}
"""


@pytest.mark.requirement("PRG-15", "SYS-09")
def test_a_drug_library_is_signed_with_the_key_the_implants_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out, home = tmp_path / "library.toml", tmp_path / "library.signed", tmp_path / "implants"
    table.write_text(LIBRARY)
    home.mkdir()
    assert run(["pump", "publish", str(table), "--home", str(home), "--out", str(out)]) == 0
    assert "version 3 of clinic pharmacy, signed, with Baclofen 500 µg/mL" in capsys.readouterr().out
    made = read_signed_library(out.read_text())
    assert made.edition.strengths[0].highest_dose_pg_per_day == 900 * units.PG_PER_UG
    assert is_signed(Home(home).publisher().public, made.data, made.signature)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("version = 3", "", "library.version: missing"),
        ("version = 3", 'version = "3"', "library.version: got '3'"),
        ("2100-12-31", '"soon"', "library.expires"),
        ('"900 ug/day"', '"900"', "strength.highest"),
        ("[[strength]]", "[strength]", "library.strength"),
        ("version = 3", "version = -1", "library.version: got -1"),
        ("2100-12-31", "2020-12-31", "library.expires: got 2020-12-31, expected a day to come"),
        ('"Baclofen"', "7", "strength.name: got 7"),
        ("[[strength]]", "spare = 1\n[[strength]]", "library.spare: got an unknown key"),
        ("version = 3", "version = = 3", "library: not TOML"),
        (STRENGTH, STRENGTH * 2, "library.strength: got baclofen 500 µg/mL twice"),
        ('drug = "baclofen"', "", "strength.drug: missing"),
    ],
)
def test_a_table_that_is_no_library_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, named: str
) -> None:
    table, out = tmp_path / "library.toml", tmp_path / "library.signed"
    table.write_text(LIBRARY.replace(old, new))
    assert run(["pump", "publish", str(table), "--home", str(tmp_path), "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(named)
    assert error.count("\n") == 1
    assert not out.exists()
