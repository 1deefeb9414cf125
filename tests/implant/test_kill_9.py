"""The pump's own process, killed with signal 9 between any two steps of a transfer, and started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from openitb import catalogue, units
from openitb.implant import Contents, Home, handle, latched_alarms, new_implant, program_digest, provision
from openitb.prescription import SimpleContinuous
from openitb.protocol import (
    Applied,
    CommitStaged,
    ConfirmProgram,
    Interrogate,
    Interrogation,
    LogKind,
    ProgramPump,
    ReadStaged,
    Reply,
    Request,
    StageProgram,
    TransferReport,
    decode_reply,
    encode,
)
from openitb.telemetry import Limits, TelemetryError, connect

SERIAL = "NGP000001"
PATIENT = Limits(connect_s=10.0, handshake_s=10.0, answer_s=10.0, idle_s=10.0)
OLD, NEW = (SimpleContinuous(micrograms * units.PG_PER_UG) for micrograms in (200, 230))

# `openitb pump run`, except that the process kills itself before its n-th call to the disk from when a
# file with that number appears. A save opens a slot, writes it over and syncs it, once for each slot.
RUN = """
import os, signal, sys
from pathlib import Path
from openitb.implant import home
from openitb.cli.pump import app
ARMED = Path(sys.argv.pop())

class Deadly:
    calls = 0
    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in {"open", "fsync"}:
            return real
        def call(*args, **more):
            if ARMED.exists():
                Deadly.calls += 1
                if Deadly.calls == int(ARMED.read_text()):
                    os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **more)
        return call

home.os = Deadly()
app()
"""
CALLS_OF_A_SAVE = 4  # open and sync, for two slots
AROUND_EACH_SLOT = (1, 3, 4)  # neither slot is new; one is; both are and nobody was told


@dataclass
class Process:
    """The running pump and how to speak to it."""

    home: Home
    pump: subprocess.Popen[str]

    def ask(self, request: Request) -> Reply:
        with connect(self.home.address(), SERIAL, self.home.programmer_keys(SERIAL), PATIENT) as channel:
            return decode_reply(channel.send(encode(request)))

    def arm(self, call: int) -> None:
        beside = armed(self.home).with_suffix(".new")
        beside.write_text(str(call))
        beside.replace(armed(self.home))

    def running(self) -> Interrogation:
        reading = self.ask(Interrogate("nurse"))
        assert isinstance(reading, Interrogation)
        return reading


def armed(home: Home) -> Path:
    return home.path.parent / "armed"


@contextmanager
def process(home: Home) -> Iterator[Process]:
    armed(home).unlink(missing_ok=True)
    arguments = [sys.executable, "-c", RUN, "run", "--home", str(home.path), str(armed(home))]
    pump = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert "1 implant at 127.0.0.1 port" in pump.stdout.readline()
        yield Process(home, pump)
    finally:
        pump.kill()
        pump.wait(20)
        pump.stdout.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An implant that runs the old program, filled just now."""
    now_ms = time.time_ns() // 1_000_000
    pump = catalogue.load().pump("synchromed-ii-20")
    made = new_implant(SERIAL, pump, Contents(18_000_000, 500), now_ms)
    running, _ = handle(made, ProgramPump("nurse", "old", program_digest(made), OLD), now_ms)
    provision(tmp_path / "home", running)
    return Home(tmp_path / "home")


def staging(pump: Process) -> Request:
    return StageProgram("nurse", "stage", pump.running().program_digest, NEW, 0)


def committing(pump: Process) -> Request:
    assert isinstance(pump.ask(staging(pump)), Applied)
    report = pump.ask(ReadStaged("nurse"))
    assert isinstance(report, TransferReport)
    return CommitStaged("nurse", "commit", report.staged.staged_digest)


def confirming(pump: Process) -> Request:
    applied = pump.ask(committing(pump))
    assert isinstance(applied, Applied)
    return ConfirmProgram("nurse", "confirm", applied.program_digest)


OUTCOME = {
    staging: LogKind.PROGRAM_STAGED,
    committing: LogKind.PROGRAM_CHANGED,
    confirming: LogKind.PROGRAM_CONFIRMED,
}


@pytest.mark.slow
@pytest.mark.requirement("SYS-05", "SYS-06", "TEL-05", "TEL-06")
@pytest.mark.hazard("HAZ-12")
@pytest.mark.parametrize(
    ("last", "call"),
    [
        *((staging, call) for call in AROUND_EACH_SLOT),
        *((committing, call) for call in range(1, CALLS_OF_A_SAVE + 1)),
        *((confirming, call) for call in AROUND_EACH_SLOT),
    ],
)
def test_a_pump_killed_at_any_step_of_a_transfer_runs_the_old_program_or_the_new_one_and_may_be_asked_again(
    last: Callable[[Process], Request], call: int, home: Home
) -> None:
    with process(home) as first:
        request = last(first)
        before = first.running()
        first.arm(call)
        with pytest.raises((TelemetryError, ConnectionError)):
            first.ask(request)
        assert first.pump.wait(20) == -signal.SIGKILL
    with process(home) as second:
        after = second.running()
        assert after.order in ({OLD, NEW} if last is committing else {before.order})
        applied = second.ask(request)
        assert isinstance(applied, Applied)
        assert second.ask(request) == applied
        final = second.running()
    assert final.order == (OLD if last is staging else NEW)
    assert times_done(final, last) == times_done(before, last) + 1
    assert latched_alarms(home.load(SERIAL)) == ()


def times_done(reading: Interrogation, last: Callable[[Process], Request]) -> int:
    return [entry.kind for entry in reading.log].count(OUTCOME[last])
