"""A study is run: blocks of people as independent tasks, in local processes or on a Dask cluster.

What a block gives depends on the study and its numbers alone, so neither the number of processes nor an
interruption changes a byte of the results.
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl

from openitb.cohort.study.build import build
from openitb.cohort.study.course import answered, follow
from openitb.cohort.study.design import Study, number
from openitb.cohort.study.errors import StudyError
from openitb.cohort.study.policies import Code
from openitb.cohort.study.results import as_parquet, frames
from openitb.cohort.study.store import Store, Task, opened

Progress = Callable[[int, int], None]
Written = tuple[bytes, bytes]
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A study as it travels to another process."""

    tables: Mapping[str, Any]
    codes: Mapping[str, Code]
    digest: str


@dataclass(frozen=True, slots=True)
class Where:
    """Where blocks are followed: in so many local processes, or by the workers of a Dask scheduler."""

    jobs: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise StudyError(f"--jobs: got {self.jobs}, expected at least 1")


def run(
    study: Study, folder: Path, where: Where | None = None, progress: Progress | None = None
) -> pl.DataFrame:
    """Run a study, or what is left of it, and give everybody's row.

    `progress` hears how many blocks are done, of how many. Raises `StudyError` for a folder that holds
    something else and for a policy that fails, `OSError` for a folder that cannot be written; the blocks
    that are done stay.
    """
    store, everything = opened(folder, study), tasks(study)
    left = [task for task in everything if not store.is_done(task)]
    if progress:
        progress(len(everything) - len(left), len(everything))
    if left:
        _follow(study, store, left, where or Where(), progress and _counting(progress, everything, left))
    return store.joined(everything)


def tasks(study: Study) -> tuple[Task, ...]:
    """The blocks of all arms, in order."""
    size = round(number("study", "block"))
    starts = range(0, study.people, size)
    return tuple(
        Task(arm, block, first, min(first + size, study.people))
        for arm in range(len(study.arms))
        for block, first in enumerate(starts)
    )


def block(parcel: Parcel, task: Task) -> Written:
    """Follow one block; gives the bytes of its two files."""
    study = _unpacked(parcel)
    arm = study.arms[task.arm]
    try:
        followed = answered(arm.policy, follow(study, arm, range(task.first, task.end)))
    except StudyError as error:
        prefix = f"arm {arm.name!r}: " if len(study.arms) > 1 else ""
        raise type(error)(str(error) if str(error).startswith(prefix) else f"{prefix}{error}") from None
    made = frames(task.arm, followed)
    return as_parquet(made.people), as_parquet(made.visits)


_unpacked_before: dict[str, Study] = {}


def _unpacked(parcel: Parcel) -> Study:
    if parcel.digest not in _unpacked_before:
        _unpacked_before.clear()
        _unpacked_before[parcel.digest] = build(parcel.tables, Path(), parcel.codes)
    return _unpacked_before[parcel.digest]


def _follow(
    study: Study, store: Store, left: Sequence[Task], where: Where, done: Callable[[], None] | None
) -> None:
    parcel = Parcel(study.tables, study.codes, study.digest)
    if where.scheduler is not None:
        from openitb.cohort.study.cluster import on_cluster  # Dask is an extra

        results: Iterator[tuple[Task, Written]] = on_cluster(where.scheduler, parcel, left)
    else:
        results = _in_processes(where.jobs or _cores(), parcel, left)
    for task, (people, visits) in results:
        store.write(task, people, visits)
        if done:
            done()


def _in_processes(jobs: int, parcel: Parcel, left: Sequence[Task]) -> Iterator[tuple[Task, Written]]:
    """Blocks as they are done; the first that fails ends the run once the others under way are kept."""
    count, context = min(jobs, len(left)), get_context("spawn")
    with _one_thread(), ProcessPoolExecutor(count, context, _left_to_the_parent) as pool:
        futures = {pool.submit(block, parcel, task): task for task in left}
        yield from _kept(pool, futures)


def _left_to_the_parent() -> None:
    """Ctrl-C at a terminal reaches every process; the one that was started answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _kept(pool: Executor, futures: Mapping[Future[Written], Task]) -> Iterator[tuple[Task, Written]]:
    failed: BaseException | None = None
    try:
        for future in as_completed(futures):
            if future.cancelled():
                continue
            if future.exception() is not None and failed is None:
                failed = future.exception()
                pool.shutdown(wait=False, cancel_futures=True)
            if future.exception() is None:
                yield futures[future], future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if isinstance(failed, BrokenProcessPool):
        raise StudyError(
            "run: a process ended on its own; what is done is kept, run again to go on"
        ) from None
    if failed is not None:
        raise failed


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started in here calculate with one thread each: same bytes, and they do not crowd."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _counting(progress: Progress, everything: Sequence[Task], left: Sequence[Task]) -> Callable[[], None]:
    done = len(everything) - len(left)

    def one_more() -> None:
        nonlocal done
        done += 1
        progress(done, len(everything))

    return one_more
