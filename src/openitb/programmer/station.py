"""A programmer as it stands on a desk: wand, chart, staff list, clock; and one for exercises."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from openitb import catalogue, units
from openitb.implant import (
    Contents,
    Home,
    Implant,
    ImplantError,
    PumpService,
    handle,
    new_implant,
    program_digest,
    provision,
)
from openitb.prescription.orders import SimpleContinuous
from openitb.programmer.chart import Chart, parse_chart, unknown_patient
from openitb.programmer.second import Person, Staff, enrol
from openitb.programmer.session import Clock, Sender, Wand
from openitb.protocol import EnablePatientBolus, ProgramPump, Role
from openitb.telemetry import Keys, key_id

DEMO_SECRETS = {"dr-demo": "heron-demo", "nurse-demo": "finch-demo"}

_DEMO_SERIAL = "NGP-DEMO-1"
_DEMO_MODEL = "synchromed-ii-20"
_DEMO_DOSE_PG_PER_DAY = 100 * units.PG_PER_UG
_DEMO_CONTENTS = Contents(volume_nl=18 * units.NL_PER_ML, concentration_ug_per_ml=500)
_DEMO_AGE_MS = 30 * units.MS_PER_DAY
_DEMO_CHART = f"""
[patient]
id = "DEMO-1"
origin = "spinal"
age = "40 year"
cap = "900 ug/day"
[implant]
serial = "{_DEMO_SERIAL}"
pump = "{_DEMO_MODEL}"
catheter = "ascenda-8780"
catheter_length = "80 cm"
"""


_DEMO_PERMISSION = EnablePatientBolus(
    "demo",
    "demo-permission",
    dose_pg=5 * units.PG_PER_UG,
    duration_ms=15 * units.MS_PER_MIN,
    lockout_ms=4 * units.MS_PER_H,
    most_per_day=3,
)


@dataclass(frozen=True, slots=True)
class Station:
    """What a visit needs around it. `new_id` gives a fresh name for a session or a command."""

    wand: Wand
    chart: Chart
    staff: Staff
    clock: Clock
    new_id: Callable[[], str]
    is_demo: bool = False
    patient_keys: Keys | None = None
    role: Role = Role.CLINICIAN
    handheld_key: bytes | None = None

    def sender(self, person_id: str) -> Sender:
        """Who speaks to the pump, by this station's clock."""
        return Sender(person_id, self.clock, self.role)


def station_at(home: Home, chart: Chart, staff: Staff, clock: Clock, new_id: Callable[[], str]) -> Station:
    """The station that reaches the chart's pump through a running service; `ImplantError` if none runs."""
    wand = Wand(home.address(), chart.serial, home.programmer_keys(chart.serial))
    handheld = key_id(home.programmer_public(chart.serial, Role.PATIENT))
    return Station(wand, chart, staff, clock, new_id, handheld_key=handheld)


def emergency_station(home: Home, serial: str, clock: Clock, new_id: Callable[[], str]) -> Station:
    """A station with a break-glass key and nothing on record of the patient; `ImplantError` if none runs."""
    keys = home.programmer_keys(serial, Role.BREAK_GLASS)
    wand = Wand(home.address(), serial, keys)
    return Station(wand, unknown_patient(serial), {}, clock, new_id, role=Role.BREAK_GLASS)


def patient_wand(station: Station) -> Wand:
    """The way a patient's handheld takes to the same pump; `ImplantError` where the station has none."""
    if station.patient_keys is None:
        raise ImplantError("handheld: this station holds no patient's keys")
    return replace(station.wand, keys=station.patient_keys)


@contextmanager
def demo_station(clock: Clock, new_id: Callable[[], str], *, fresh: bool = False) -> Iterator[Station]:
    """A station with a pump of its own that is gone afterwards; no other pump can be reached from it.

    The pump has run for a month; a `fresh` one comes out of its box, as for an implantation.
    """
    with tempfile.TemporaryDirectory(prefix="openitb-demo-") as folder:
        home = Home(Path(folder))
        provision(home, _fresh_implant(clock()) if fresh else _demo_implant(clock()))
        service = PumpService(home, clock)
        address = service.start()
        try:
            wand = Wand(address, _DEMO_SERIAL, home.programmer_keys(_DEMO_SERIAL))
            chart, keys = parse_chart(_DEMO_CHART), home.programmer_keys(_DEMO_SERIAL, Role.PATIENT)
            yield Station(wand, chart, _demo_staff(), clock, new_id, is_demo=True, patient_keys=keys)
        finally:
            service.stop()


def _demo_implant(now_ms: int) -> Implant:
    """A pump that has given one dose for a month."""
    start_ms = now_ms - _DEMO_AGE_MS
    implant = _fresh_implant(start_ms)
    order = SimpleContinuous(_DEMO_DOSE_PG_PER_DAY)
    implant, _ = handle(implant, ProgramPump("demo", "demo-start", program_digest(implant), order), start_ms)
    return handle(implant, _DEMO_PERMISSION, start_ms)[0]


def _fresh_implant(now_ms: int) -> Implant:
    return new_implant(_DEMO_SERIAL, catalogue.load().pump(_DEMO_MODEL), _DEMO_CONTENTS, now_ms)


def _demo_staff() -> dict[str, Person]:
    return {name: enrol(name, name, secret) for name, secret in DEMO_SECRETS.items()}
