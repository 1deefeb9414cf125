"""What a thousand implants that live in one process cost: CPU seconds per second of real time.

Every one runs a program of twelve changes a day. Once nobody speaks to them, once a programmer in another
process reads one of them a second (its own cost is not counted). Beside it the naive way to let them
live: advancing each of them once a second. Saving and starting are told apart from living.
Run: python benchmarks/live_implants.py [folder to put the implants in]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from openitb import catalogue, units
from openitb.implant import (
    Contents,
    Home,
    Implant,
    PumpService,
    advance,
    handle,
    new_implant,
    program_digest,
    provision,
)
from openitb.prescription import Flex, FlexPattern, FlexStep
from openitb.protocol import Interrogate, Interrogation, ProgramPump, decode_reply, encode
from openitb.telemetry import connect

IMPLANTS = 1_000
WINDOW_S = 20
RATES_UG_PER_H = (12, 24, 6, 18, 9, 21, 12, 3, 15, 8, 30, 5)
TARGET_PERCENT = 10
READER = "reader"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def serial(number: int) -> str:
    return f"NGP{number:06}"


def running(number: int) -> Implant:
    """An implant that gives a flex program since an hour ago."""
    pump, began_ms = catalogue.load().pump("synchromed-ii-20"), now_ms() - units.MS_PER_H
    made = new_implant(serial(number), pump, Contents(18 * units.NL_PER_ML, 500), began_ms)
    every_ms = units.MS_PER_DAY // len(RATES_UG_PER_H)
    steps = [FlexStep(i * every_ms, rate * units.PG_PER_UG) for i, rate in enumerate(RATES_UG_PER_H)]
    order = Flex((FlexPattern(tuple(range(7)), tuple(steps)),))
    return handle(made, ProgramPump("bench", "start", program_digest(made), order), began_ms)[0]


def read_one_a_second(folder: str) -> None:
    """The programmer's process: says when it has begun, then goes on until it is ended."""
    home, number = Home(Path(folder)), 0
    address = home.address()
    while True:
        name = serial(number % IMPLANTS)
        with connect(address, name, home.programmer_keys(name)) as channel:
            reply = decode_reply(channel.send(encode(Interrogate("bench"))))
        assert isinstance(reply, Interrogation)
        number += 1
        print(number, flush=True)
        time.sleep(1)


def percent_of_a_core() -> float:
    """CPU time of this process over a while, in percent of real time."""
    cpu, wall = time.process_time(), time.monotonic()
    time.sleep(WINDOW_S)
    return 100 * (time.process_time() - cpu) / (time.monotonic() - wall)


def while_read(folder: Path) -> float:
    command = [sys.executable, __file__, READER, str(folder)]
    reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  # this very file
    assert reader.stdout is not None
    reader.stdout.readline()
    try:
        return percent_of_a_core()
    finally:
        reader.terminate()
        reader.communicate()


def advanced_every_second(implants: list[Implant]) -> float:
    """What it would cost to advance all of them once a second, in percent of a core."""
    cpu = time.process_time()
    for second in range(1, 4):
        implants = [advance(one, one.now_ms + second * units.MS_PER_S).implant for one in implants]
    return 100 * (time.process_time() - cpu) / 3


def measure(folder: Path) -> None:
    home = Home(folder)
    implants = [running(number) for number in range(IMPLANTS)]
    for one in implants:
        provision(home, one)
    service = PumpService(home, now_ms)
    cpu = time.process_time()
    service.start()
    started_s = time.process_time() - cpu
    rows = [("nobody speaks to them", percent_of_a_core()), ("one is read each second", while_read(folder))]
    cpu = time.process_time()
    service.catch_up()
    saved_s = time.process_time() - cpu
    service.stop()
    rows.append(("naive: each advanced once a second", advanced_every_second(implants)))
    print(f"{IMPLANTS} implants, twelve changes a day, {WINDOW_S} s each")
    print(f"{'% of a core':<38}{'cost':>9}{'of the ' + str(TARGET_PERCENT) + ' % aimed at':>24}")
    for name, cost in rows:
        print(f"{name:<38}{cost:>9.2f}{cost / TARGET_PERCENT:>23.2f}x")
    share = 100 * saved_s / (units.MS_PER_DAY / units.MS_PER_S)
    print(
        f"starting them: {started_s:.1f} s; saving them once a day: {saved_s:.1f} s, {share:.4f} % of a core"
    )


def in_memory() -> Path | None:
    """A file system in memory, where there is one: it is the processor that is measured here."""
    shared = Path("/dev/shm")  # noqa: S108  # only a place for a folder of our own
    return shared if shared.is_dir() else None


def main() -> None:
    if sys.argv[1:2] == [READER]:
        read_one_a_second(sys.argv[2])
        return
    where = sys.argv[1] if len(sys.argv) > 1 else in_memory()
    with tempfile.TemporaryDirectory(dir=where) as folder:
        measure(Path(folder))


if __name__ == "__main__":
    main()
