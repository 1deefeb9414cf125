"""Faults in a case: laid on truth at an instant, and met by whoever fills the pump."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from openitb import catalogue, implant
from openitb.body import BodyError, level_moved
from openitb.catheter import Bore, CatheterError, spread
from openitb.implant import ImplantError
from openitb.implant.faults import Laid, Needle, Setting, lay
from openitb.timeline import Parcel
from openitb.units import UnitError
from openitb.world.actions import Event, LayFault
from openitb.world.case import System
from openitb.world.casefile import CaseError
from openitb.world.truth import SystemTruth


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a fill: how much of it goes beside the pump, or whether the needle gets in at all."""

    reached: bool
    beside_permille: int


@dataclass(frozen=True, slots=True)
class TipAt:
    """The level at which the catheter's tip lies from an instant on."""

    from_ms: int
    level: str


def laid_on(truth: SystemTruth, system: System, event: Event) -> tuple[SystemTruth, Laid]:
    """The system after a fault was laid on it, and all that the fault does: trouble for the next needle too.

    Raises `CaseError` naming the event for what no part can have.
    """
    assert isinstance(event.action, LayFault)  # noqa: S101 - narrowed by the caller
    try:
        laid = lay(event.action.chosen, setting_of(system, event.at_ms))
        hurt = implant.with_spells(truth.implant, laid.pump)
    except (ImplantError, CatheterError, UnitError) as error:
        raise CaseError(f"event {event.number}: {error}") from None
    after = SystemTruth(hurt, truth.route.with_leaks(laid.path))
    return pushed_back(after, laid.reflux_nl, event.at_ms), laid


def tip_after(tips: Sequence[TipAt], laid: Laid, event: Event) -> tuple[TipAt, ...]:
    """Where the tip has lain so far, and where a fault has moved it.

    Raises `CaseError` naming the event where that would be outside the canal.
    """
    if not laid.tip_levels:
        return tuple(tips)
    try:
        return (*tips, TipAt(event.at_ms, level_moved(tips[-1].level, laid.tip_levels)))
    except BodyError as error:
        raise CaseError(f"event {event.number}: {error}") from None


def setting_of(system: System, at_ms: int) -> Setting:
    """Where a fault of this system falls."""
    return Setting(at_ms, system.path_volume_nl, system.catheter.volume_nl(1))


def pushed_back(truth: SystemTruth, volume_nl: int, at_ms: int) -> SystemTruth:
    """The system after spinal fluid ran up the path into the reservoir, as far as that has room."""
    reservoir = truth.implant.reservoir
    back_nl = min(volume_nl, reservoir.capacity_nl - reservoir.volume_nl)
    column, back_pg = truth.route.column.reversed_by(back_nl)
    filled = implant.fill(truth.implant, back_nl, back_pg, at_ms)
    return SystemTruth(filled, replace(truth.route, column=column))


def fate_of_fill(needles: Iterable[Needle], at_ms: int) -> Fate:
    """What the waiting trouble does to a fill now; the worst wins."""
    now = [needle for needle in needles if needle.covers(at_ms)]
    return Fate(
        not any(needle.unreachable for needle in now), max((n.beside_permille for n in now), default=0)
    )


def after_fill(needles: Iterable[Needle]) -> list[Needle]:
    """The trouble that is left for the fill after: one that goes beside the pump does so once."""
    return [needle for needle in needles if not needle.beside_permille]


def at_the_tip(system: System, end: SystemTruth, outflow: Sequence[Parcel]) -> tuple[Parcel, ...]:
    """What left the tip: as plug flow has it, or with its fronts spread on the way."""
    if system.front == "plug":
        return tuple(outflow)
    radius_cm = system.catheter.fact("inner_diameter").number("cm") / 2
    diffusivity = catalogue.load().practice["path"].fact("diffusivity").number("cm^2/s")
    bore = Bore(float(radius_cm), float(diffusivity))
    return spread(outflow, end.route.column, system.path_volume_nl, bore)
