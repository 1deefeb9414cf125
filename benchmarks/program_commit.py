"""How long it takes to change a program over the loopback link, every answer on disk before it leaves.

One contact: handshake, stage, read back, commit, confirm; hundreds of them, with a young log and with a
full one, which is saved with every command. Beside it the processor time of both ends, and what the disk
alone takes for as many forced writes of as many bytes, so that a busy machine or disk shows for what it is.
Run: python benchmarks/program_commit.py [folder on the disk to measure]
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from openitb import catalogue, units
from openitb.implant import (
    Contents,
    Home,
    Implant,
    PumpService,
    new_implant,
    program_digest,
    provision,
    to_bytes,
)
from openitb.implant.firmware.state import logged
from openitb.implant.home import write_over
from openitb.prescription import SimpleContinuous
from openitb.protocol import (
    Applied,
    CommitStaged,
    ConfirmProgram,
    LogKind,
    ReadStaged,
    Reply,
    Request,
    StageProgram,
    TransferReport,
    decode_reply,
    encode,
)
from openitb.telemetry import Address, Channel, Keys, connect

TIMES = 300
SERIAL = "NGP000001"
STEPS = ("handshake", "stage", "read back", "commit", "confirm")
PROCESSOR = "processor, both ends"
SLOTS, SAVED_COMMANDS = 2, 3
TARGET_MS = 50


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def implant(entries: int) -> Implant:
    """One whose log holds so many entries."""
    pump = catalogue.load().pump("synchromed-ii-20")
    made = new_implant(SERIAL, pump, Contents(18 * units.NL_PER_ML, 500), now_ms())
    firmware = made.firmware
    while len(firmware.log.entries) < entries:
        firmware = logged(firmware, LogKind.INTERROGATED, "clinician: bench")
    return replace(made, firmware=firmware)


def transfer(address: Address, keys: Keys, number: int, digest: str) -> tuple[list[float], str]:
    """The instants at which the steps of one transfer ended, and the digest that then runs."""
    marks = [time.perf_counter()]

    def done(reply: Reply) -> Reply:
        marks.append(time.perf_counter())
        return reply

    with connect(address, SERIAL, keys) as channel:
        marks.append(time.perf_counter())
        order = SimpleContinuous((100 + number % 2) * units.PG_PER_UG)
        done(ask(channel, StageProgram("bench", f"stage-{number}", digest, order)))
        report = done(ask(channel, ReadStaged("bench")))
        assert isinstance(report, TransferReport)
        assert report.staged is not None
        commit = CommitStaged("bench", f"commit-{number}", report.staged.staged_digest)
        applied = done(ask(channel, commit))
        assert isinstance(applied, Applied), applied
        done(ask(channel, ConfirmProgram("bench", f"confirm-{number}", applied.program_digest)))
    return marks, applied.program_digest


def ask(channel: Channel, request: Request) -> Reply:
    return decode_reply(channel.send(encode(request)))


def transfers(folder: Path, entries: int) -> dict[str, list[float]]:
    """Milliseconds of each step and of the whole, by name."""
    home, made = Home(folder), implant(entries)
    provision(home, made)
    service = PumpService(home, now_ms)
    address, keys, digest = service.start(), home.programmer_keys(SERIAL), program_digest(made)
    took: dict[str, list[float]] = {name: [] for name in (*STEPS, "whole", PROCESSOR)}
    for number in range(TIMES):
        spent = time.process_time()
        marks, digest = transfer(address, keys, number, digest)
        took[PROCESSOR].append(1e3 * (time.process_time() - spent))
        for name, (start, end) in zip(STEPS, pairwise(marks), strict=True):
            took[name].append(1e3 * (end - start))
        took["whole"].append(1e3 * (marks[-1] - marks[0]))
    service.stop()
    return took


def disk_alone(folder: Path, size: int) -> list[float]:
    """Milliseconds that as many forced writes take as one transfer does."""
    slots, data = [folder / f"slot-{number}" for number in range(SLOTS)], os.urandom(size)
    for slot in slots:
        slot.write_bytes(data)

    def write() -> None:
        for slot in slots * SAVED_COMMANDS:
            write_over(slot, data)

    return [milliseconds(write) for _ in range(TIMES)]


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - start)


def percentile(values: list[float], part: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * part // 100)]


def show(name: str, values: list[float]) -> None:
    print(f"{name:<34}" + "".join(f"{percentile(values, part):>9.2f}" for part in (50, 95, 99)))


def machine() -> str:
    """What else goes on: a figure is worth little without it."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def main() -> None:
    where = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent
    for entries in (1, 1_500):
        size = len(to_bytes(implant(entries)))
        print(f"\n{TIMES} transfers, {entries} log entries, {size / 1e3:.0f} kB of state, {machine()}")
        print(f"{'ms':<34}{'p50':>9}{'p95':>9}{'p99':>9}")
        with tempfile.TemporaryDirectory(dir=where) as folder:
            took = transfers(Path(folder), entries)
        for name, values in took.items():
            show(name, values)
        with tempfile.TemporaryDirectory(dir=where) as folder:
            disk = disk_alone(Path(folder), size)
        show(f"the disk alone, {SLOTS * SAVED_COMMANDS} forced writes", disk)
        whole = percentile(took["whole"], 99)
        ratios = f"{whole / percentile(disk, 99):.1f} times the disk alone"
        print(f"p99 of the whole: {whole / TARGET_MS:.2f} of the {TARGET_MS} ms aimed at, {ratios}")


if __name__ == "__main__":
    main()
