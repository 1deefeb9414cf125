"""A year in the life of a whole cohort: flex dosing with four changes a day, every hour summarised.

People are drawn by cause, set up and followed, each at a dose of their own, in as many processes as asked
for. Of every person: mean, least and most of leg and arm Ashworth, sedation and withdrawal over all hours,
and hours beyond three thresholds. Prints what it ran, nothing is extrapolated.
Run: python benchmarks/cohort_year.py [--people 1000000] [--years 1] [--processes 2]
"""

import argparse
import os
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from numpy.typing import NDArray

from openitb.cohort.engine.cohort import Cohort
from openitb.cohort.engine.inflow import Program
from openitb.cohort.engine.responses import infusion_basis, responses
from openitb.cohort.engine.watch import Summary, Threshold, Watch
from openitb.cohort.people import People, Population, draw
from openitb.units import HOURS_PER_DAY, PG_PER_UG

Floats = NDArray[np.float64]

SEED = 1
BLOCK = 32_768
DAYS_A_YEAR = 365
DOSES_UG_PER_DAY = (50.0, 100.0, 200.0, 300.0, 400.0, 600.0)
PARTS = np.array([0.7, 1.3, 1.1, 0.9])  # of the mean rate, by quarter of the day
UG_PER_ML = 2000
WATCH = Watch(
    thresholds=(
        Threshold("stiff legs", "leg_ashworth", 3.0),
        Threshold("drowsy", "sedation", 0.5),
        Threshold("in withdrawal", "withdrawal", 0.3),
    )
)


@dataclass(frozen=True)
class Done:
    """A block of people: what was seen, processor seconds by stage, and the process's memory in MiB."""

    rows: Floats
    stages_s: tuple[float, ...]
    peak_mib: float


def flex(people: People) -> Program:
    """Each person's own dose, as the pump's whole nL/day."""
    dose = np.array(DOSES_UG_PER_DAY)[people.ids % len(DOSES_UG_PER_DAY)]
    nl_per_day = np.rint(np.outer(dose, PARTS) * PG_PER_UG / UG_PER_ML)
    starts = np.arange(len(PARTS)) * HOURS_PER_DAY / len(PARTS)
    return Program(starts, nl_per_day * UG_PER_ML / PG_PER_UG / HOURS_PER_DAY)


def block(first: int, end: int, days: int) -> Done:
    """Draw, set up and follow the people of these numbers."""
    marks = [time.process_time()]
    people = draw(Population(), np.arange(first, end), SEED)
    marks.append(time.process_time())
    found = responses(people, "T12", infusion_basis())
    marks.append(time.process_time())
    cohort = Cohort(people, found, WATCH)
    cohort.set_program(np.arange(len(people)), flex(people))
    cohort.live(days)
    marks.append(time.process_time())
    return Done(table(cohort.summary()), tuple(np.diff(marks)), peak_mib())


def table(seen: Summary) -> Floats:
    """One row for each number of the summary, people last."""
    tables = (seen.mean, seen.least, seen.most, seen.beyond)
    return np.array([values for some in tables for values in some.values()])


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def blocks(people: int, size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, people, size):
        yield first, min(first + size, people)


def year(people: int, days: int, processes: int) -> tuple[Floats, list[Done], float, float]:
    """Everything from nothing: what was seen, the blocks, seconds, and the memory of all processes."""
    size = min(BLOCK, -(-people // processes))
    start = time.perf_counter()
    seen, done = np.empty((len(table_names()), people)), []
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        spans = list(blocks(people, size))
        for (first, end), part in zip(
            spans, pool.map(block, *zip(*spans, strict=True), [days] * len(spans)), strict=True
        ):
            seen[:, first:end] = part.rows
            done.append(Done(np.empty(0), part.stages_s, part.peak_mib))
    took = time.perf_counter() - start
    workers = sorted((part.peak_mib for part in done), reverse=True)[:processes]
    return seen, done, took, peak_mib() + sum(workers)


def table_names() -> list[str]:
    parts = [f"{part} {name}" for part in ("mean", "least", "most") for name in WATCH.series]
    return parts + [f"hours {threshold.name}" for threshold in WATCH.thresholds]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--people", type=int, default=100_000)
    asked.add_argument("--years", type=int, default=1)
    asked.add_argument("--processes", type=int, default=2)
    asked = asked.parse_args()
    days = asked.years * DAYS_A_YEAR
    seen, done, took, peak = year(asked.people, days, asked.processes)
    per_year = took * asked.processes / asked.people / asked.years
    print(f"{asked.people:,} people x {days} days in {asked.processes} processes of one thread")
    print(f"{took:.1f} s from nothing to summaries, {peak:.0f} MiB at most in all processes together")
    print(f"{per_year * 1e6:.0f} µs of a core per patient-year")
    stages = np.sum([part.stages_s for part in done], axis=0) / asked.people * 1e6
    print("µs of processor time per person: drawn {:.1f}, responses {:.1f}, followed {:.1f}".format(*stages))
    for name, row in zip(table_names(), seen, strict=True):
        print(f"  {name:<22}" + "".join(f"{value:>10.3f}" for value in np.quantile(row, (0.05, 0.5, 0.95))))


if __name__ == "__main__":
    main()
