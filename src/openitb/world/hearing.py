"""The alarms of a run, and by when somebody close to the implant has heard each."""

from collections.abc import Iterator
from dataclasses import dataclass

from openitb import catalogue
from openitb.implant.sounds import PERCENT, Sounding, given_off, heard_by_ms, hearing, mute_from_ms, soundings
from openitb.protocol import LogEntry, LogKind
from openitb.world.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Told:
    """An alarm raised at the pump's tick `raised_ms`; `heard_by_ms` is the tick by which a tone of it was
    heard with the catalogue's shown chance, None if none was by then.
    """

    condition: str
    raised_ms: int
    heard_by_ms: int | None


def shown_chance() -> float:
    """The chance that "heard by" stands for."""
    return float(catalogue.load().practice["hearing"].fact("shown_chance").number("percent")) / PERCENT


def alarms_told(simulation: Simulation) -> Iterator[Told]:
    """Every alarm of the pump's log, in order; none without a pump."""
    if simulation.system is None:
        return
    firmware = simulation.system.end.implant.firmware
    case, entries = simulation.case, firmware.log.entries
    ear = hearing(impaired=case.patient.hears_badly)
    wall_ms = case.start_ms + case.zone_offset_ms
    meant = soundings(entries, firmware.counter.tick_ms)
    sounded = tuple(given_off(meant, mute_from_ms(simulation.system.end.implant)))
    for entry in entries:
        if entry.kind is LogKind.ALARM_RAISED:
            while_latched = _between(sounded, entry.tick_ms, _cleared_ms(entries, entry))
            heard = heard_by_ms(ear, while_latched, wall_ms, shown_chance())
            yield Told(str(entry.get("condition")), entry.tick_ms, heard)


def _between(sounded: tuple[Sounding, ...], start_ms: int, end_ms: int | None) -> Iterator[Sounding]:
    """What sounded while an alarm was latched; every change of what is latched begins another sounding."""
    return (s for s in sounded if s.start_ms >= start_ms and (end_ms is None or s.start_ms < end_ms))


def _cleared_ms(entries: tuple[LogEntry, ...], raised: LogEntry) -> int | None:
    later = (entry for entry in entries if entry.number > raised.number)
    condition = raised.get("condition")
    cleared = (e for e in later if e.kind is LogKind.ALARM_CLEARED and e.get("condition") == condition)
    return next((entry.tick_ms for entry in cleared), None)
