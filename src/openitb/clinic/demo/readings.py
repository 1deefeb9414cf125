"""What the programmer read at each visit: the pump as it was found, and again once the work was done."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from openitb import units
from openitb.clinic.demo.cast import House
from openitb.clinic.demo.play import Played
from openitb.clinic.desk.ports import PumpReading
from openitb.clinic.desk.wand_values import pump_reading
from openitb.implant import Implant, handle, log_entries
from openitb.programmer import Reading
from openitb.protocol import Interrogate, Interrogation
from openitb.world.case import Refill, SetOrder
from openitb.world.simulate import Visit

ACTOR = "demo"
LOG_LINES_KEPT = 6


@dataclass(frozen=True, slots=True)
class Kept:
    """A reading of the record. `after` says that it was made after the work of a visit."""

    at_ms: int
    after: bool
    reading: PumpReading


def kept_readings(played: Played, house: House) -> tuple[Kept, ...]:
    """Two readings of every visit to the pump, in order of time; none later than the story."""
    if played.therapy is None:
        return ()
    until_ms = played.therapy.case.until_ms
    return tuple(kept for kept in _all(played, house) if kept.at_ms <= until_ms)


def read_again_ms(house: House, at_ms: int) -> int:
    """When the pump is read again after a visit that began at `at_ms`."""
    return at_ms + house.read_again_after_min * units.MS_PER_MIN


def _all(played: Played, house: House) -> Iterator[Kept]:
    for at_ms, visits in groupby(_visits(played), key=lambda visit: visit.event.at_ms):
        done = list(visits)
        yield _kept(done[0].found, at_ms, after=False)
        yield _kept(done[-1].left, read_again_ms(house, at_ms), after=True)


def _visits(played: Played) -> Iterator[Visit]:
    return (visit for visit, _ in played.visits() if isinstance(visit.event.action, SetOrder | Refill))


def _kept(implant: Implant, at_ms: int, *, after: bool) -> Kept:
    read, reply = handle(implant, Interrogate(ACTOR), at_ms)
    assert isinstance(reply, Interrogation)  # noqa: S101 - reading is never refused to a clinician
    shown = pump_reading(Reading(reply, at_ms, log_entries(read)))
    return Kept(at_ms, after, replace(shown, log=shown.log[:LOG_LINES_KEPT]))
