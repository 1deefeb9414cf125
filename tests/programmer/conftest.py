"""A live implant behind a loopback port, with a clock the test turns."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from openitb import catalogue, units
from openitb.implant import Contents, Home, PumpService, new_implant, provision
from openitb.programmer import Wand
from openitb.programmer.session import Sender

SERIAL = "NGP-TEST-1"
START_MS = 1_767_600_000_000


@dataclass
class HandClock:
    """Time that moves when it is told to."""

    now_ms: int = START_MS

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class Bench:
    """An implant, the wand to reach it, and the clock both live by."""

    service: PumpService
    wand: Wand
    sender: Sender
    clock: HandClock


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    clock = HandClock()
    pump = catalogue.load().pump("synchromed-ii-20")
    contents = Contents(volume_nl=18 * units.NL_PER_ML, concentration_ug_per_ml=500)
    home = Home(tmp_path / "implants")
    provision(home, new_implant(SERIAL, pump, contents, START_MS))
    service = PumpService(home, clock)
    address = service.start()
    yield Bench(service, Wand(address, SERIAL, home.programmer_keys(SERIAL)), Sender("nurse", clock), clock)
    service.stop()
