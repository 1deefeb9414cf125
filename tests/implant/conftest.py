"""A bench for one implant: what was ordered, what went in by needle, what came out."""

from collections.abc import Callable
from itertools import count, pairwise

import pytest
from hypothesis import settings

from openitb import catalogue, units
from openitb.implant import (
    Contents,
    Implant,
    Specimen,
    advance,
    fill,
    handle,
    new_implant,
    program_digest,
    withdraw,
)
from openitb.prescription import Order
from openitb.protocol import Applied, Interrogate, Interrogation, ProgramPump, RecordRefill, Refused, Role
from openitb.timeline import Parcel

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

START_MS = 1_767_571_200_000  # Monday 5 January 2026, 00:00 UTC
EXACT = Specimen()


class Bench:
    """Keeps an implant, its parcels and its fluid accounts; time in ms from the start."""

    def __init__(
        self,
        pump_id: str = "synchromed-ii-20",
        volume_nl: int = 20_000_000,
        concentration: int = 500,
        specimen: Specimen = EXACT,
        zone_offset_ms: int = 0,
    ) -> None:
        pump = catalogue.load().pump(pump_id)
        contents = Contents(volume_nl, concentration)
        self.implant: Implant = new_implant("NGP000001", pump, contents, START_MS, zone_offset_ms, specimen)
        self.parcels: list[Parcel] = []
        self.in_nl, self.in_pg = volume_nl, volume_nl * concentration
        self.out_nl = self.out_pg = 0
        self._ids = count(1)

    @property
    def now_ms(self) -> int:
        return self.implant.now_ms - START_MS

    def run_to(self, after_ms: int) -> tuple[Parcel, ...]:
        advanced = advance(self.implant, START_MS + after_ms)
        self.implant = advanced.implant
        self.parcels.extend(advanced.delivered)
        return advanced.delivered

    def run(self, ms: int) -> tuple[Parcel, ...]:
        return self.run_to(self.now_ms + ms)

    def run_days(self, days: int) -> tuple[Parcel, ...]:
        return self.run(days * units.MS_PER_DAY)

    def tell(self, request: object, role: Role = Role.CLINICIAN) -> Applied | Refused | Interrogation:
        self.implant, reply = handle(self.implant, request, self.implant.now_ms, role)
        return reply

    def order(self, order: Order, prime_nl: int = 0) -> Applied | Refused:
        digest = program_digest(self.implant)
        command = ProgramPump("nurse", self.command_id(), digest, order, prime_nl, "by the bench")
        return self.tell(command)

    def needle(self, volume_nl: int, concentration: int) -> None:
        """Empty down to the residual volume, then inject."""
        self.implant, out_nl, out_pg = withdraw(self.implant, self.implant.now_ms)
        self.implant = fill(self.implant, volume_nl, volume_nl * concentration, self.implant.now_ms)
        self.out_nl, self.out_pg = self.out_nl + out_nl, self.out_pg + out_pg
        self.in_nl, self.in_pg = self.in_nl + volume_nl, self.in_pg + volume_nl * concentration

    def record(self, volume_nl: int, concentration: int, bridge_nl: int | None) -> Applied | Refused:
        digest = program_digest(self.implant)
        return self.tell(
            RecordRefill("nurse", self.command_id(), digest, volume_nl, concentration, bridge_nl)
        )

    def refill(self, volume_nl: int, concentration: int, bridge_nl: int | None = None) -> Applied | Refused:
        self.needle(volume_nl, concentration)
        return self.record(self.implant.reservoir.volume_nl, concentration, bridge_nl)

    def read(self) -> Interrogation:
        return self.tell(Interrogate("nurse"))

    def command_id(self) -> str:
        return f"command-{next(self._ids)}"

    def delivered_nl(self, start_ms: int = 0, end_ms: int | None = None) -> int:
        """Volume of the parcels within a span that no parcel crosses."""
        end = self.now_ms if end_ms is None else end_ms
        inside = [p for p in self.parcels if start_ms <= p.start_ms - START_MS < end]
        assert not inside or inside[-1].end_ms - START_MS <= end
        return sum(p.volume_nl for p in inside)

    def check_accounts(self) -> None:
        """Nothing is lost or made: fluid and drug, needle, outlet and reservoir, to the last unit."""
        truth = self.implant.hardware
        assert truth.delivered_nl == sum(p.volume_nl for p in self.parcels)
        assert truth.delivered_pg == sum(p.mass_pg for p in self.parcels)
        assert self.in_nl - self.out_nl - truth.delivered_nl == truth.reservoir.volume_nl
        assert self.in_pg - self.out_pg - truth.delivered_pg == truth.reservoir.mass_pg
        assert all(before.end_ms == after.start_ms for before, after in pairwise(self.parcels))
        assert all(p.end_ms > p.start_ms and p.volume_nl >= 0 and p.mass_pg >= 0 for p in self.parcels)


@pytest.fixture(scope="session")
def make_bench() -> Callable[..., Bench]:
    return Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
