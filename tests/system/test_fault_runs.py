"""Recorded fault runs come out as they were recorded, and show what they say they show."""

import re
import shutil
from pathlib import Path

import pytest

from openitb import catalogue
from openitb.cli.main import run as openitb
from openitb.implant.faults import COURSES
from openitb.world.drill.recorded import RecordError, read, record, recorded, replay

RUNS = sorted((Path(__file__).parents[2] / "examples" / "fault-runs").glob("*.toml"))
# Incidents of safety.md 5 that happen before an order is sent or after a bolus has left the catheter.
ELSEWHERE = {"INC-01", "INC-02", "INC-03", "INC-04", "INC-08", "INC-11", "INC-12", "INC-13"}
PAIRING = "INC-23"  # a pairing is not drilled: see tests/telemetry and tests/implant/test_link_service.py


@pytest.mark.slow
@pytest.mark.requirement("SYS-10")
@pytest.mark.parametrize("file", RUNS, ids=lambda file: file.stem)
def test_a_recorded_fault_run_comes_out_byte_for_byte(file: Path) -> None:
    lived = replay(read(file))
    assert lived.missing == frozenset()
    assert lived.is_same, f"the history is another; if it should be, run: openitb drill --record {file.name}"


def test_every_kind_of_fault_and_every_incident_of_implant_and_link_has_a_run() -> None:
    shown = {fault_id for file in RUNS for fault_id in read(file).shows}
    faults = catalogue.load().faults
    assert {faults[fault_id].lays for fault_id in shown if fault_id in faults} - {""} == COURSES.keys()
    incidents = {f"INC-{number:02}" for number in range(1, 27)}
    assert incidents - ELSEWHERE - {PAIRING} <= shown


def test_a_run_that_comes_out_otherwise_is_refused_and_recorded_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "stall.toml"
    shutil.copy(next(run for run in RUNS if run.stem == "stall"), file)
    sound = file.read_text(encoding="utf-8")
    file.write_text(re.sub('digest = "."', 'digest = "x"', sound), encoding="utf-8")
    assert openitb(["drill", str(file)]) == 2
    assert "got the history" in capsys.readouterr().err
    record(file)
    assert openitb(["drill", str(file)]) == 0
    assert "byte for byte as recorded" in capsys.readouterr().out


def test_a_seed_is_drilled_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert openitb(["drill", "7", "--steps", "40"]) == 0
    first = capsys.readouterr().out
    assert openitb(["drill", "7", "--steps", "40"]) == 0
    assert first == capsys.readouterr().out
    assert "every invariant held" in first


@pytest.mark.parametrize(
    ("plain", "field"),
    [
        ({"seed": 1, "steps": 2}, "most_pumps"),
        ({"seed": "1", "steps": 2, "most_pumps": 1}, "seed"),
        ({"seed": 1, "steps": 2, "most_pumps": 1, "sead": 2}, "sead"),
        ({"seed": 1, "steps": 2, "most_pumps": 1, "shares": {"tea": 1}}, "tea"),
        ({"seed": 1, "steps": 2, "most_pumps": 1, "faults": [{"id": "F-03"}]}, "at"),
    ],
)
def test_a_file_that_is_no_record_is_refused_by_its_field(plain: dict[str, object], field: str) -> None:
    with pytest.raises(RecordError, match=field):
        recorded(plain, "file")
