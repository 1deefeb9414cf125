"""Running a study: the same bytes however it is run, nothing finished lost, another study refused."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from openitb.cohort.study import PolicyError, Study, StudyError, Where, run
from openitb.cohort.study.run import tasks

Made = Callable[..., Study]
TWO = '\n[[arm]]\nname = "a"\n[[arm]]\nname = "b"\nsystem.alarm_volume = "4 mL"\n'
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two people in a block."""
    module = sys.modules["openitb.cohort.study.run"]
    real = module.number
    monkeypatch.setattr(module, "number", lambda *asked: 2.0 if asked[1] == "block" else real(*asked))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(folder.rglob("*.parquet"))
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_results_do_not_depend_on_the_number_of_processes_or_on_an_interruption(
    made: Made, tmp_path: Path
) -> None:
    study, one, cut = made(more=TWO, calm=False), tmp_path / "one", tmp_path / "cut"
    run(study, one, Where(jobs=1))
    run(study, cut, Where(jobs=2))
    assert len(digests(one)) == 2 * len(tasks(study)) + 2
    assert digests(cut) == digests(one)
    for file in sorted(cut.rglob("*block00001.people.parquet")):
        file.unlink()
    heard: list[tuple[int, int]] = []
    run(study, cut, Where(jobs=2), lambda done, of: heard.append((done, of)))
    assert heard == [(2, 4), (3, 4), (4, 4)]
    assert digests(cut) == digests(one)


def test_finished_blocks_are_not_followed_again(made: Made, tmp_path: Path) -> None:
    study = made(more=TWO)
    first = run(study, tmp_path / "out", Where(jobs=1))
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "out" / "blocks").iterdir()}
    again = run(study, tmp_path / "out", Where(jobs=1))
    assert again.equals(first)
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "out" / "blocks").iterdir()} == before


def test_a_changed_study_is_refused_and_nothing_is_touched(made: Made, tmp_path: Path) -> None:
    run(made(), tmp_path / "out", Where(jobs=1))
    before = digests(tmp_path / "out")
    with pytest.raises(StudyError, match="holds another study, or this one before it"):
        run(made(("seed = 7", "seed = 8")), tmp_path / "out", Where(jobs=1))
    assert digests(tmp_path / "out") == before


def test_a_policy_that_was_edited_makes_another_study(made: Made, tmp_path: Path) -> None:
    mine = '\n[policy]\nkind = "python"\nfunction = "mine.py:mine"\n'
    code = "from openitb.cohort.study import Plan\ndef mine(seen):\n    return Plan()\n"
    (tmp_path / "mine.py").write_text(code)
    before = made(more=mine).digest
    (tmp_path / "mine.py").write_text(code.replace("Plan()", "Plan(change_percent=5)"))
    assert made(more=mine).digest != before


def test_a_folder_with_something_else_in_it_is_refused(made: Made, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(StudyError, match="holds something else"):
        run(made(), tmp_path / "mine", Where(jobs=1))
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_damaged_manifest_is_refused(made: Made, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "study.json").write_text("{")
    with pytest.raises(StudyError, match="is damaged"):
        run(made(), tmp_path / "out", Where(jobs=1))


def test_a_policy_that_fails_for_one_patient_keeps_the_blocks_of_the_others(
    made: Made, tmp_path: Path
) -> None:
    mine = '\n[policy]\nkind = "python"\nfunction = "mine.py:mine"\n'
    head = "from openitb.cohort.study import Plan\ndef mine(seen):\n"
    (tmp_path / "mine.py").write_text(head + "    assert seen.patient != 3, 'no three'\n    return Plan()\n")
    with pytest.raises(PolicyError) as told:
        run(made(more=mine), tmp_path / "out", Where(jobs=1))
    assert str(told.value).startswith("policy: patient 3, day ") or "policy: patient 3, day " in str(
        told.value
    )
    assert str(told.value).endswith("raised AssertionError: no three")
    assert [file.name for file in sorted((tmp_path / "out" / "blocks").glob("*people*"))] == [
        "arm00-block00000.people.parquet"
    ]


def test_a_kill_at_any_moment_loses_no_finished_block(made: Made, tmp_path: Path, small: str) -> None:
    """The program is killed as soon as a block is there, then the study is run again."""
    whole = tmp_path / "whole"
    study = made(("people = 4", "people = 6"), more=TWO)
    run(study, whole, Where(jobs=1))
    cut, code = tmp_path / "cut", _SCRIPT
    command = [sys.executable, "-c", code, str(tmp_path / "small.toml"), str(cut)]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": "src"}, start_new_session=True
    )
    try:
        _until(lambda: len(list(cut.glob("blocks/*people.parquet"))) >= 1)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = {file.name: file.stat().st_mtime_ns for file in cut.glob("blocks/arm*people.parquet")}
    assert 1 <= len(done) < len(tasks(study))
    run(study, cut, Where(jobs=1))
    assert all((cut / "blocks" / name).stat().st_mtime_ns == at for name, at in done.items())
    assert digests(cut) == digests(whole)


_SCRIPT = """
import sys
from pathlib import Path
if __name__ == "__main__":
    module = __import__("openitb.cohort.study.run", fromlist=["run"])
    real = module.number
    module.number = lambda entry, name, unit=None: 2.0 if name == "block" else real(entry, name, unit)
    from openitb.cohort.study import load
    module.run(load(Path(sys.argv[1])), Path(sys.argv[2]), module.Where(jobs=1))
"""


def _until(is_so: Callable[[], bool]) -> None:
    for _ in range(2400):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("never came")


def test_everybody_has_a_row_in_every_arm_and_the_folder_says_which_study_it_is(
    made: Made, tmp_path: Path
) -> None:
    study = made(more=TWO)
    people = run(study, tmp_path / "out", Where(jobs=1))
    assert people.select("arm", "patient").rows() == [(arm, who) for arm in range(2) for who in range(4)]
    visits = pl.read_parquet(tmp_path / "out" / "visits.parquet")
    assert visits.group_by("arm").len()["len"].sum() == people["visits"].sum()
    assert json.loads((tmp_path / "out" / "study.json").read_text())["digest"] == study.digest


def test_no_processes_are_refused() -> None:
    with pytest.raises(StudyError, match="--jobs: got 0"):
        Where(jobs=0)
