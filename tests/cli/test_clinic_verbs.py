"""The verbs that keep a clinic: made up, backed up, restored, verified, told of sessions elsewhere."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = "patient_number,pump_serial,at,mode,concentration_ug_per_ml,daily_dose_ug,reservoir_ml"


def openitb(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    outer = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "openitb", *arguments],
        env=outer | {"OPENITB_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clinic") / "home"
    made = openitb(folder, "demo", "--patients", "3", "--years", "1")
    assert made.returncode == 0, made.stderr
    return folder


def test_a_clinic_is_restored_as_it_was_backed_up(home: Path, tmp_path: Path) -> None:
    archive, there = tmp_path / "clinic.tar.gz", tmp_path / "there"
    before = json.loads(openitb(home, "verify", "--json").stdout)
    assert before["faults"] == []
    kept = openitb(home, "backup", str(archive))
    assert kept.returncode == 0, kept.stderr
    assert before["head"] in kept.stdout
    back = openitb(there, "restore", str(archive))
    assert back.returncode == 0, back.stderr
    assert json.loads(openitb(there, "verify", "--json").stdout) == before
    again = openitb(there, "restore", str(archive))
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "is not empty" in again.stderr


def test_a_hand_on_the_database_is_found_and_told(home: Path, tmp_path: Path) -> None:
    archive, there = tmp_path / "clinic.tar.gz", tmp_path / "there"
    openitb(home, "backup", str(archive))
    openitb(there, "restore", str(archive))
    with sqlite3.connect(there / "clinic.sqlite3") as database:
        database.execute("UPDATE record_patient SET notes = 'forged'")
    found = openitb(there, "verify")
    assert found.returncode == 1
    assert "record.patient" in found.stderr


def test_sessions_are_brought_in_and_bad_rows_told_by_line(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "sessions.csv"
    good = "MANY-000000,MANY-1-000000,2026-11-01T10:00,simple continuous,500,60,19.0"
    bad = "MANY-000000,MANY-1-000000,2026-11-02T10:00,simple continuous,500,60 mg,19.0"
    file.write_text("\n".join([HEAD, good, bad, ""]))
    done = openitb(home, "import", str(file))
    assert done.returncode == 1
    assert done.stderr.startswith("line 3: daily_dose_ug: got '60 mg'")
    assert "1 refused" in done.stdout
    whole = openitb(home, "import", str(file), "--all-or-nothing")
    assert whole.returncode == 2
    assert "nothing was kept" in whole.stderr


@pytest.mark.parametrize("verb", ["backup", "restore", "import"])
def test_what_cannot_be_is_refused_in_one_line(home: Path, tmp_path: Path, verb: str) -> None:
    place = home if verb != "restore" else tmp_path / "new"
    refused = openitb(place, verb, str(tmp_path / "no" / "such.file"))
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "such.file" in refused.stderr
