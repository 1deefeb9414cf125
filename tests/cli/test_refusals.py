"""Bad input to pumps, programmers, drills and sums: one line with field, what came and what was expected."""

from pathlib import Path

import pytest

from openitb.cli.main import run

VISIT = str(Path(__file__).parents[2] / "examples" / "visits" / "adjust.toml")
FAULT_RUN = str(Path(__file__).parents[2] / "examples" / "fault-runs" / "kink.toml")
START_DOSE = ["calc", "start-dose", "--effective-bolus"]
NEW = ["pump", "new", "N1", "--home", "h"]
RUN = ["pump", "run", "--home", "."]
EMERGENCY = ["program", "--break-glass", "--by", "x"]
UNIT = ["handheld", "pair", "--home", ".", "--serial", "N1", "--unit", "u"]

CASES = (
    ([*NEW, "--volume", "99mL"], "--volume: got '99mL', expected at most 20 mL, the reservoir of SynchroMed"),
    ([*NEW, "--volume", ".5 mL"], "--volume: got '.5 mL' (the leading zero is missing), expected a number"),
    ([*NEW, "--volume", "2e1 mL"], "--volume: got '2e1 mL' (no exponent: the digits in full), expected"),
    ([*NEW, "--volume", "18"], "--volume: got '18' (the unit is missing), expected a number and a unit"),
    ([*NEW, "--concentration", "0 ug/mL"], "--concentration: got 0 ug/mL, expected at least 1 ug/mL"),
    ([*NEW, "--model", "hose"], "--model: got 'hose', expected one of prometra-ii-20"),
    ([*NEW, "--count", "0"], "--count: got '0', expected a whole number from 1 to 10000"),
    ([*NEW, "--count", "many"], "--count: got 'many', expected a whole number from 1 to 10000"),
    ([*NEW, "--count"], "--count: missing its value, expected one after it"),
    ([*NEW, "--colour", "red"], "No such option: --colour, expected one of --home, --model"),
    ([*NEW, "N2"], "Got unexpected extra argument(s) (N2) (a value and its unit are one argument"),
    (["pump", "new", "--home", "h"], "serial: missing, expected serial number of the implant"),
    (
        ["pump", "new", "a/b", "--home", "h"],
        "serial: got 'a/b', expected 1 to 32 letters, digits and hyphens",
    ),
    (["pump", "new", "x" * 31, "--home", "h", "--count", "2"], "serial: got 'xxxxxxxx"),
    ([*RUN, "--port", "99999"], "--port: got '99999', expected a whole number from 0 to 65535"),
    ([*RUN, "--speed", "nan"], "--speed: got 'nan', expected a number from 0.001 to 1000000"),
    ([*RUN, "--speed", "inf"], "--speed: got 'inf', expected a number from 0.001 to 1000000"),
    ([*RUN, "--speed", "fast"], "--speed: got 'fast', expected a number from 0.001 to 1000000"),
    (["pump", "run", "--home", "no"], "--home: got 'no', expected a folder that exists"),
    (["pump", "pair", "N1", "--home", "no"], "serial: got 'N1', expected an implant; none lives in 'no'"),
    (["pump", "pair", "N1", "--home", ".", "--role", "boss"], "--role: got 'boss', expected one of"),
    (["pump", "wand", "N1", "--home", ".", "--tilt", "steep"], "--tilt: got 'steep', expected a number"),
    (["pump", "wand", "N1", "--home", ".", "--tilt", "99"], "--tilt: got 99 degrees, expected 0 to 90"),
    (["pump", "wand", "N1", "--home", ".", "--distance", "nan"], "--distance: got nan mm, expected 0 to"),
    (["pump", "wand", "N1", "--home", "no"], "serial: got 'N1', expected an implant; none lives in 'no'"),
    (["pump", "publish", "no", "--home", ".", "--out", "o"], "table: got 'no' (No such file or directory)"),
    (["pump", "publish", VISIT, "--home", "no", "--out", "o"], "--home: got 'no', expected a folder"),
    (["pump", "publish", VISIT, "--home", ".", "--out", "no/o"], "--out: got 'no/o' (No such file"),
    (["pump", "publish", VISIT, "--home", ".", "--out", "o"], "library.expires: missing, expected expires"),
    (["program", "--demo", "--script", "no"], "--script: got 'no' (No such file or directory), expected a"),
    (["program", "--demo", "--script", "."], "--script: got '.' (Is a directory), expected a file"),
    (["program", "--demo", "--script", "bytes"], "--script: got 'bytes', expected a text file"),
    (["program", "--demo", "--script", "empty"], "script.workflow: missing, expected text"),
    (["program", "--demo", "--workflow", "walk"], "--workflow: got 'walk', expected one of initial-implant"),
    (["program", "--demo", "--script", VISIT, "--by", "x"], "--by: got 'x' besides --script, expected"),
    (["program", "--demo", "--script", VISIT, "--workflow", "adjust"], "--workflow: got 'adjust' besides"),
    (["program", "--demo", "--script", VISIT, "--json", "no/r"], "--json: got 'no/r' (No such file"),
    (["program", "--demo", "--script", VISIT, "--pdf", "."], "--pdf: got '.' (Is a directory), expected"),
    (["program", "--demo", "--staff", "x"], "--demo: got --home, --chart or --staff besides, expected an"),
    (["program", "--demo", "--by", "nobody"], "--by: got 'nobody', expected somebody on the staff list"),
    (["program", "--by", "x", "--home", ".", "--chart", "no"], "--chart: got 'no' (No such file"),
    (["program", "--by", "x", "--home", ".", "--chart", "bad"], "--chart: not TOML"),
    (["program", "--by", "x", "--home", ".", "--chart", "empty"], "patient: missing, expected a table"),
    ([*EMERGENCY, "--home", "no", "--serial", "N1"], "--home: got 'no', expected a folder that exists"),
    ([*EMERGENCY, "--home", ".", "--serial", "N1"], "--serial: got 'N1', expected an implant; none lives"),
    ([*EMERGENCY, "--home", "."], "--serial: missing, expected the serial number of the pump"),
    (["program", "--staff", "s", "--enrol", "a/b"], "--enrol: got 'a/b', expected 1 to 32 letters"),
    (["program", "--staff", "s", "--enrol", ""], "--enrol: got '', expected 1 to 32 letters"),
    (["program", "--staff", "bad", "--enrol", "a"], "staff list: not TOML"),
    (["program", "--staff", "people", "--enrol", "a"], "staff list: ann: got no person, expected name"),
    (["handheld", "--home", "."], "--serial: missing, expected the pump's serial number"),
    (["handheld", "--home", "no", "--serial", "N1"], "--serial: got 'N1', expected an implant; none lives"),
    (["handheld", "--demo", "--home", "."], "--demo: got --home besides, expected --demo without it"),
    (["handheld", "bolus", "--demo", "--code", "x"], "bolus: got --code besides, expected bolus without it"),
    (["handheld", "pair", "--demo"], "--demo: got pair besides, expected --demo without it"),
    ([*UNIT, "--code", "wrong"], "--code: got 5 characters, expected a code of 26"),
    ([*UNIT, "--code", "1" * 26], "--code: got characters that no code has, expected it as the pump's end"),
    ([*UNIT, "--code", "A" * 26], "--home: got '.', expected one where the pumps run"),
    (["drill", "soon"], "what: got 'soon' (No such file or directory), expected a seed or a file"),
    (["drill", "7", "--steps", "0"], "--steps: got '0', expected a whole number, 1 or more"),
    (["drill", "7", "--pumps", "101"], "--pumps: got '101', expected a whole number from 1 to 100"),
    (["drill", "7", "--record"], "--record: got it with a seed, expected it with files only"),
    (["drill", FAULT_RUN, "--steps", "5"], "--steps: got it with a file, expected it with seeds only"),
    (["drill", "bytes"], "what: got 'bytes', expected a text file, not other bytes"),
    (["drill", "bad"], "bad: not TOML"),
    (["drill", "shares"], "shares: shares: got [1], expected a table"),
    (["drill", "faults"], "faults: faults: got 'ident', expected id, at and given"),
    (["drill", "row"], "row: faults: got 3, expected a table with id and at"),
    ([*START_DOSE, "50 ug", "--effect-duration", "0 h"], "--effect-duration: got 0 h, expected above zero"),
    ([*START_DOSE, "0 ug", "--effect-duration", "6 h"], "--effective-bolus: got 0 µg, expected above zero"),
    (["sources", "--of", "no"], "--of: got 'no' (No such file or directory), expected a file"),
    (["sources", "--of", "bad"], "--of: got 'bad', which is not JSON, expected a result of openitb"),
    (["sources", "--of", "bytes"], "--of: got 'bytes', expected a text file, not other bytes"),
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files that are nothing of what anybody asks for."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "bad").write_text("= nothing")
    (tmp_path / "people").write_text("[ann]\nname = 'Ann'\n")
    (tmp_path / "empty").touch()
    drill = "seed = 1\nsteps = 1\nmost_pumps = 1\n"
    (tmp_path / "shares").write_text(f"{drill}shares = [1]")
    (tmp_path / "faults").write_text(f"{drill}[[faults]]\nident = 'F-04'\nat = '1 h'")
    (tmp_path / "row").write_text(f"{drill}faults = [3]")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("arguments", "told"), CASES, ids=[" ".join(given)[:70] for given, _ in CASES])
def test_bad_input_is_one_line_and_changes_nothing(
    arguments: list[str], told: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(place.rglob("*"))
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(told)
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert sorted(place.rglob("*")) == before


def test_several_new_implants_are_made_all_or_none(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*NEW[:2], "N-2", *NEW[3:]]) == 0
    before = sorted(place.rglob("*"))
    assert run(["pump", "new", "N", "--home", "h", "--count", "3"]) == 2
    assert capsys.readouterr().err.startswith("serial: got 'N-2', which already lives here, expected another")
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize("text", ["{}", "nonsense", "[1]", '"x"'])
def test_a_handheld_that_cannot_read_what_it_asked_for_says_so(
    text: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(NEW) == 0
    (place / "h" / "address").write_text("127.0.0.1 1\n")
    memory = place / "h" / "handheld" / "N1.json"
    memory.parent.mkdir()
    memory.write_text(text)
    assert run(["handheld", "bolus", "--home", "h", "--serial", "N1"]) == 2
    assert capsys.readouterr().err.startswith("h/handheld/N1.json: got no record of a request, expected")
    assert memory.read_text() == text


@pytest.mark.parametrize(("name", "told"), [("address", "address: got 'junk'"), ("starts", "starts: got")])
def test_a_home_whose_small_files_hold_something_else_is_refused(
    name: str, told: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(NEW) == 0
    (place / "h" / name).write_text("junk")
    capsys.readouterr()
    verbs = {"address": ["handheld", "--serial", "N1"], "starts": ["pump", "run"]}
    assert run([*verbs[name], "--home", "h"]) == 2
    assert capsys.readouterr().err.startswith(told)


def test_a_new_handheld_whose_folder_is_taken_is_refused_before_the_pump_is_asked(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "u").mkdir()
    (place / "u" / "N1.key").write_bytes(b"key")
    assert run([*UNIT, "--code", "A" * 26]) == 2
    assert capsys.readouterr().err.startswith("--unit: u holds a handheld for N1 already")


def test_a_handheld_is_not_kept_where_there_is_a_file(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "u").touch()
    assert run([*UNIT, "--code", "A" * 26]) == 2
    assert capsys.readouterr().err.startswith("--unit: got 'u', expected a folder that can be written")
