"""`openitb simulate`: what it prints and writes, and that a refusal leaves nothing behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from openitb.cli import simulate as verb
from openitb.cli.main import run
from openitb.world import export

ROOT = Path(__file__).parents[2]
BOLUS = str(ROOT / "examples" / "screening-bolus.toml")
MISSED = str(ROOT / "examples" / "missed-refill.toml")
FORGOTTEN = ROOT / "examples" / "bridge-forgotten-500-to-2000.toml"

LISTED = {
    "time_h", "lumbar_csf_ng_per_ml", "cisternal_csf_ng_per_ml", "plasma_ng_per_ml",
    "leg_effect_site_ng_per_ml", "arm_effect_site_ng_per_ml", "brainstem_ng_per_ml", "leg_ashworth",
    "arm_ashworth", "spasm_score", "hm_ratio", "tolerance", "withdrawal", "sedation",
    "respiratory_depression", "tip_ug_per_h", "flow_ml_per_day", "reservoir_ml", "events", "summary",
}  # fmt: skip

Captured = pytest.CaptureFixture[str]


def refused(capsys: Captured, *arguments: str) -> str:
    """The one line of a refusal."""
    assert run(["simulate", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err.strip()


def case_with(tmp_path: Path, old: str, new: str) -> str:
    text = FORGOTTEN.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "case.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return str(path)


def test_json_is_one_document_with_the_listed_keys_and_no_nan(capsys: Captured) -> None:
    assert run(["simulate", BOLUS, "--json"]) == 0
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert set(told) == LISTED
    assert {*told["reservoir_ml"]} == {None}
    assert len(told["time_h"]) == len(told["leg_ashworth"]) == 24 * 12 + 1


@pytest.mark.requirement("SYS-10")
@pytest.mark.hazard("HAZ-34")
def test_the_same_case_gives_the_same_bytes_in_another_process(capsys: Captured) -> None:
    assert run(["simulate", MISSED, "--json"]) == 0
    here = capsys.readouterr().out
    code = "from openitb.cli.main import main; main()"
    there = subprocess.run(
        [sys.executable, "-c", code, "simulate", MISSED, "--json"],
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo"},
        timeout=120,
        check=True,
    )
    assert there.stdout.decode() == here


def test_json_goes_out_while_the_files_are_written(capsys: Captured, tmp_path: Path) -> None:
    csv, parquet, plot = (tmp_path / name for name in ("a.csv", "a.parquet", "a.png"))
    files = ["--csv", str(csv), "--parquet", str(parquet), "--plot", str(plot)]
    assert run(["simulate", MISSED, "--json", *files]) == 0
    told = json.loads(capsys.readouterr().out)
    table = pl.read_csv(csv)
    assert set(table.columns) == LISTED - {"events", "summary"}
    assert table.equals(pl.read_parquet(parquet))
    assert table["leg_ashworth"].to_list() == pytest.approx(told["leg_ashworth"], rel=1e-9)
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "a.parquet", "a.png"]


@pytest.mark.parametrize("ending", ["svg", "pdf"])
def test_a_picture_may_be_drawn_in_lines(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"course.{ending}"
    assert run(["simulate", BOLUS, "--plot", str(path)]) == 0
    assert path.stat().st_size > 1000


def test_no_reservoir_is_an_empty_column_and_not_a_number(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    assert run(["simulate", BOLUS, "--parquet", str(path)]) == 0
    assert pl.read_parquet(path)["reservoir_ml"].null_count() == 24 * 12 + 1


@pytest.fixture
def no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run would fail the test."""
    monkeypatch.setattr(verb, "run", lambda *_: pytest.fail("the case was run"))


@pytest.mark.usefixtures("no_run")
@pytest.mark.parametrize("option", ["--csv", "--parquet", "--plot"])
def test_a_file_that_cannot_be_written_is_refused_before_the_run(
    capsys: Captured, tmp_path: Path, option: str
) -> None:
    nowhere = tmp_path / "none" / "course.png"
    assert refused(capsys, BOLUS, option, str(nowhere)).startswith(f"{option}: cannot write")
    assert refused(capsys, BOLUS, option, str(tmp_path)).startswith(f"{option}: ")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.usefixtures("no_run")
def test_a_protected_file_is_refused_before_the_run(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)  # root may write anywhere
    assert "may be written" in refused(capsys, BOLUS, "--csv", str(tmp_path / "a.csv"))


@pytest.mark.usefixtures("no_run")
def test_a_picture_of_an_unknown_kind_is_refused_before_the_run(capsys: Captured, tmp_path: Path) -> None:
    line = refused(capsys, BOLUS, "--plot", str(tmp_path / "a.bmp"), "--csv", str(tmp_path / "a.csv"))
    assert line == "--plot: got 'a.bmp', expected a name ending in .png, .svg, .pdf"
    assert [*tmp_path.iterdir()] == []


@pytest.mark.usefixtures("no_run")
def test_two_outputs_in_one_file_are_refused(capsys: Captured, tmp_path: Path) -> None:
    both = str(tmp_path / "a")
    assert "expected a file for each" in refused(capsys, BOLUS, "--csv", both, "--parquet", both)


def test_what_the_gate_refuses_in_the_middle_leaves_nothing_written(capsys: Captured, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.csv").write_text("from before")
    worse = case_with(tmp_path, '"2000 ug/mL", bridge', '"3000 ug/mL", bridge')
    files = ["--csv", str(out / "a.csv"), "--parquet", str(out / "b.parquet"), "--plot", str(out / "c.png")]
    line = refused(capsys, worse, *files)
    assert line.startswith("event 2: concentration: got 3000 µg/mL")
    assert [p.name for p in out.iterdir()] == ["a.csv"]
    assert (out / "a.csv").read_text() == "from before"


def test_a_disk_that_fails_half_way_leaves_the_old_file(
    capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object, path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "write_csv", fails)
    kept = tmp_path / "a.csv"
    kept.write_text("whole")
    assert "No space left" in refused(capsys, BOLUS, "--csv", str(kept))
    assert kept.read_text() == "whole"
    assert [*tmp_path.iterdir()] == [kept]


@pytest.mark.parametrize("path", ["none.toml", "."])
def test_a_case_that_is_no_file_is_one_line(capsys: Captured, path: str) -> None:
    assert refused(capsys, path).startswith("case file: cannot read")


def test_no_case_at_all_is_one_line(capsys: Captured) -> None:
    assert (
        refused(capsys)
        == "CASE.toml: missing, expected the path of a case file such as examples/first-case.toml"
    )


def test_the_schema_is_printed_without_a_case(capsys: Captured) -> None:
    assert run(["simulate", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["version"]["const"] == 1


def printed(capsys: Captured, monkeypatch: pytest.MonkeyPatch, case: str, columns: int = 100) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run(["simulate", case]) == 0
    return capsys.readouterr().out


def test_the_print_begins_with_what_went_wrong(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(capsys, monkeypatch, MISSED).splitlines()
    assert lines[0] == "Missed refill, to withdrawal"
    stands_out = lines[lines.index("What stands out") + 1 :]
    assert "no drug left the tip from 13.00 d to 20.00 d" in stands_out[0]
    assert "low reservoir" in stands_out[1]


def test_the_print_says_what_truly_happened_and_what_the_pump_logged(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = printed(capsys, monkeypatch, str(ROOT / "examples" / "ten-fold-error.toml"), 200)
    assert "recorded simple continuous, 200 µg/day, truly simple continuous, 2000 µg/day" in text
    assert "program changed  mode simple continuous, dose 2000 µg/day" in text
    assert "10.00 times the ordered dose from 0.0 h to 36.0 h" in text


def test_the_print_has_no_digests_and_fits_the_width(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = printed(capsys, monkeypatch, str(FORGOTTEN), 80)
    assert "intended" not in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def test_a_title_is_printed_as_it_is(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = case_with(tmp_path, "Bridge forgotten, 500", "[/bold] [red]$x$, 500")
    assert printed(capsys, monkeypatch, case).startswith("[/bold] [red]$x$, 500 to 2000 µg/mL\n")
    assert run(["simulate", case, "--plot", str(tmp_path / "a.png")]) == 0
