"""A live implant behind a loopback port, with a clock the test turns."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import pytest

from openitb import catalogue, units
from openitb.implant import Contents, Home, Implant, PumpService, new_implant, provision
from openitb.programmer import Wand
from openitb.programmer.chart import Chart, parse_chart
from openitb.programmer.second import PROPOSES, VERIFIES, Approval, Person, enrol, sign
from openitb.programmer.session import Sender
from openitb.programmer.station import Station
from openitb.programmer.visit import (
    Consent,
    Visit,
    answer,
    commit_visit,
    open_visit,
    proposal,
    review_visit,
)
from openitb.programmer.workflow import workflow

SERIAL = "NGP-TEST-1"
START_MS = 1_767_600_000_000
LOW_ALARM_NL = 4 * units.NL_PER_ML
SOUND = {"sound": "unknown"}
PACKAGE = {"product": "lioresal-intrathecal", "lot": "L-2041", "expiry": "2027-03-31"}
SECRETS = {"dr-a": "blue-heron", "nurse-b": "green-finch"}
CHART = f"""
[patient]
id = "P-001"
origin = "spinal"
age = "40 year"
cap = "900 ug/day"
[implant]
serial = "{SERIAL}"
pump = "synchromed-ii-20"
catheter = "ascenda-8780"
catheter_length = "80 cm"
"""


@dataclass
class HandClock:
    """Time that moves when it is told to."""

    now_ms: int = START_MS

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class Bench:
    """An implant, the wand to reach it, the clock both live by, and the people of the clinic."""

    service: PumpService
    home: Home
    wand: Wand
    sender: Sender
    clock: HandClock
    staff: dict[str, Person]
    sessions: Iterator[int] = field(default_factory=lambda: count(1))
    chart: Chart = field(default_factory=lambda: parse_chart(CHART))

    def open(self, kind: str, **answers: object) -> Visit:
        """A visit with its answers filled in, the patient's number being the chart's."""
        visit = open_visit(self.wand, workflow(kind), self.chart, f"visit-{next(self.sessions)}", self.sender)
        assert isinstance(visit, Visit), visit
        asked = {key: given for key, given in {**PACKAGE, **SOUND}.items() if key in visit.workflow.required}
        for key, given in {"patient_id": "P-001", **asked, **answers}.items():
            visit = answer(visit, key, given, self.clock())
        return visit

    def reviewed(self, kind: str, **answers: object) -> Visit:
        return review_visit(self.open(kind, **answers), self.clock())

    def approval(self, visit: Visit, first: str = "dr-a", second: str = "nurse-b") -> Approval:
        acts = [
            (first, proposal(visit, PROPOSES, visit.session_id, self.clock())),
            (second, proposal(visit, VERIFIES, "elsewhere", self.clock())),
        ]
        return Approval(*(sign(self.staff[person], SECRETS[person], act) for person, act in acts))

    def consent(self, visit: Visit, reason: str = "", **retyped: object) -> Consent:
        assert visit.plan is not None
        return Consent(visit.plan.digest, reason, retyped, self.approval(visit))

    def commit(self, visit: Visit, consent: Consent) -> Visit:
        return commit_visit(visit, consent, self.wand, self.sender, self.staff)

    def order(self, ug_per_day: int) -> Visit:
        """Run a dose, whatever it takes."""
        visit = self.reviewed("adjust", order={"mode": "simple continuous", "dose": f"{ug_per_day} ug/day"})
        again = {"order": {"mode": "simple continuous", "dose": f"{ug_per_day} ug/day"}}
        return self.commit(visit, self.consent(visit, "by the test", **again))

    @property
    def implant(self):
        return self.service.implant(self.wand.serial)


def with_early_alarm(implant: Implant) -> Implant:
    """The implant with a low-reservoir alarm that leads by five days also at half a mL a day."""
    firmware = implant.firmware
    reservoir = replace(firmware.reservoir, low_alarm_nl=LOW_ALARM_NL)
    return replace(implant, firmware=replace(firmware, reservoir=reservoir))


@pytest.fixture(scope="session")
def staff() -> dict[str, Person]:
    return {person: enrol(person, person.title(), secret) for person, secret in SECRETS.items()}


@pytest.fixture
def bench(tmp_path: Path, staff: dict[str, Person]) -> Iterator[Bench]:
    clock = HandClock()
    pump = catalogue.load().pump("synchromed-ii-20")
    contents = Contents(volume_nl=18 * units.NL_PER_ML, concentration_ug_per_ml=500)
    home = Home(tmp_path / "implants")
    provision(home, with_early_alarm(new_implant(SERIAL, pump, contents, START_MS)))
    service = PumpService(home, clock)
    address = service.start()
    wand = Wand(address, SERIAL, home.programmer_keys(SERIAL))
    yield Bench(service, home, wand, Sender("nurse", clock), clock, staff)
    service.stop()


@pytest.fixture
def station(bench: Bench) -> Station:
    numbers = count(1)
    return Station(bench.wand, bench.chart, bench.staff, bench.clock, lambda: f"id-{next(numbers)}")
