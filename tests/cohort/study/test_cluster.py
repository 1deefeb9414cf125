"""A study on a Dask cluster gives the same bytes, also when a worker is killed in the middle."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openitb.cohort.study import PolicyError, Study, StudyError, Where, run
from tests.cohort.study.test_run import digests, small_blocks

distributed = pytest.importorskip("distributed")
assert small_blocks  # a fixture that holds here too

Made = Callable[..., Study]
ROOT = Path(__file__).parents[3]
MANY = ("people = 4", "people = 16")


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, list["subprocess.Popen[bytes]"]]]:
    """A scheduler and three workers, each a process of its own."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    where = tmp_path / "scheduler.json"
    tool = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    started = [
        _started(
            [*tool, "--port", "0", "--no-dashboard", "--scheduler-file", str(where)], environment, tmp_path
        )
    ]
    try:
        _until(where.exists)
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(where)]
        plain = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "60"]
        started += [_started([*worker, *plain], environment, tmp_path) for _ in range(3)]
        with distributed.Client(scheduler_file=str(where), set_as_default=False) as client:
            client.wait_for_workers(3, timeout=120)
            address = client.scheduler.address
        yield address, started[1:]
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
            process.wait()


def _started(command: list[str], environment: dict[str, str], folder: Path) -> "subprocess.Popen[bytes]":
    with (folder / f"log-{time.monotonic_ns()}").open("wb") as log:
        return subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)


def _until(is_so: Callable[[], bool]) -> None:
    for _ in range(1200):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("never came")


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_nothing(
    made: Made, tmp_path: Path, scheduler: tuple[str, list["subprocess.Popen[bytes]"]]
) -> None:
    address, workers = scheduler
    mine = '\n[policy]\nkind = "python"\nfunction = "mine.py:mine"\n'
    (tmp_path / "mine.py").write_text(
        "from openitb.cohort.study import Plan\ndef mine(seen):\n    return Plan()\n"
    )
    study = made(MANY, more=mine, calm=False)
    run(study, tmp_path / "local", Where(jobs=1))
    heard: list[int] = []

    def kill_one(done: int, of: int) -> None:
        heard.append(done)
        if done == 2:
            workers[0].send_signal(signal.SIGKILL)

    run(study, tmp_path / "cluster", Where(scheduler=address), kill_one)
    assert workers[0].wait(timeout=30) == -signal.SIGKILL
    assert heard[-1] == 8
    assert digests(tmp_path / "cluster") == digests(tmp_path / "local")


@pytest.mark.slow
def test_a_policy_that_fails_on_a_cluster_is_told_as_at_home(
    made: Made, tmp_path: Path, scheduler: tuple[str, list["subprocess.Popen[bytes]"]]
) -> None:
    mine = '\n[policy]\nkind = "python"\nfunction = "mine.py:mine"\n'
    (tmp_path / "mine.py").write_text("def mine(seen):\n    return 'more'\n")
    with pytest.raises(PolicyError, match=r"policy: patient [02], day \d+: returned 'more', expected a Plan"):
        run(made(more=mine), tmp_path / "out", Where(scheduler=scheduler[0]))


def test_a_scheduler_that_does_not_answer_is_refused_in_one_line(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openitb.cohort.study.cluster._CONNECT_S", 0.5)
    with pytest.raises(StudyError, match="--scheduler: no scheduler answers") as told:
        run(made(), tmp_path / "out", Where(scheduler="tcp://127.0.0.1:1"))
    assert "\n" not in str(told.value)
