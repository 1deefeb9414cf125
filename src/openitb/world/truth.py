"""One patient's system in truth: an implant and the catheter behind it, under one clock."""

from collections.abc import Iterable
from dataclasses import dataclass

from openitb import catheter, implant
from openitb.catheter import Column, Route
from openitb.implant import Contents, Implant
from openitb.timeline import Parcel
from openitb.world.case import System


@dataclass(frozen=True, slots=True)
class SystemTruth:
    """What is really in the pump and in the path to the tip."""

    implant: Implant
    route: Route

    @property
    def column(self) -> Column:
        """The fluid between outlet and tip."""
        return self.route.column


@dataclass(frozen=True, slots=True)
class Passage:
    """What left the pump, what left the tip and what was lost between while the clock ran."""

    delivered: tuple[Parcel, ...]
    outflow: tuple[Parcel, ...]
    astray: tuple[Parcel, ...] = ()


def assemble(system: System, at_ms: int, zone_offset_ms: int, serial: str) -> SystemTruth:
    """A filled pump, stopped, with tubing and catheter holding the same drug as the reservoir."""
    contents = Contents(system.fill_nl, system.concentration_ug_per_ml)
    made = implant.new_implant(serial, system.pump, contents, at_ms, zone_offset_ms, system.specimen)
    return SystemTruth(made, Route(Column.filled(system.path_volume_nl, system.concentration_ug_per_ml)))


def run_to(truth: SystemTruth, at_ms: int) -> tuple[SystemTruth, Passage]:
    """Let the pump run until `at_ms`."""
    advanced = implant.advance(truth.implant, at_ms)
    return passed(SystemTruth(advanced.implant, truth.route), advanced.delivered)


def passed(truth: SystemTruth, delivered: Iterable[Parcel]) -> tuple[SystemTruth, Passage]:
    """Push what the pump delivered through the catheter."""
    parcels = tuple(delivered)
    travelled = catheter.travel(truth.route, parcels)
    passage = Passage(parcels, travelled.outflow, travelled.astray)
    return SystemTruth(truth.implant, travelled.route), passage


def true_volume_nl(truth: SystemTruth) -> int:
    """Fluid really in the reservoir."""
    return truth.implant.hardware.reservoir.volume_nl


def believed_volume_nl(truth: SystemTruth) -> int:
    """Fluid the pump computes it holds."""
    return truth.implant.firmware.believed_nl(truth.implant.build)
