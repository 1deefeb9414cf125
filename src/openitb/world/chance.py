"""Faults that come by chance in a case: which, when and how bad, settled before the run."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from openitb import catalogue
from openitb.catalogue import FaultEntry
from openitb.implant.faults import Parameters, drawn, first_ms, per_refill
from openitb.world.actions import Event, LayFault, Refill
from openitb.world.casefile import CaseError, ChanceTable


def drawn_events(table: ChanceTable, events: Sequence[Event], start_ms: int, until_ms: int) -> list[Event]:
    """Faults that come by chance between two instants, numbered after the written events.

    Every fault has a stream of its own, so that naming one more does not change the others. Raises
    `CaseError` for an unknown row and one without a hazard.
    """
    known = {name: _with_hazard(name) for name in table.faults}
    found = [*_in_time(known, table, start_ms, until_ms), *_at_refills(known, table, events)]
    ordered = sorted(found, key=lambda pair: pair[0])
    return [_event(n, at_ms, chosen) for n, (at_ms, chosen) in enumerate(ordered, start=len(events) + 1)]


def _event(number: int, at_ms: int, chosen: Parameters) -> Event:
    action = LayFault(chosen, by_chance=True)
    return Event(number, at_ms, action, action, None)


def _with_hazard(name: str) -> FaultEntry:
    if name not in catalogue.load().faults:
        raise CaseError(f"chance.faults: got {name!r}, expected ids of the catalogue's faults")
    entry = catalogue.load().fault(name)
    if not entry.lays or not {"failed", "per_refill"} & entry.facts.keys():
        raise CaseError(f"chance.faults: {name} has no hazard; write it as an event")
    return entry


def _in_time(
    known: Mapping[str, FaultEntry], table: ChanceTable, start_ms: int, until_ms: int
) -> Iterator[tuple[int, Parameters]]:
    for name, entry in known.items():
        stream = Random(f"{table.seed}:{name}")  # noqa: S311 - a repeatable course, not a secret
        wait_ms = first_ms(entry, stream, table.times)
        if wait_ms is not None and start_ms + wait_ms < until_ms:
            yield start_ms + wait_ms, drawn(name, stream)


def _at_refills(
    known: Mapping[str, FaultEntry], table: ChanceTable, events: Sequence[Event]
) -> Iterator[tuple[int, Parameters]]:
    for name, entry in known.items():
        stream = Random(f"{table.seed}:{name}:refill")  # noqa: S311 - as above
        for event in events:
            if isinstance(event.action, Refill) and per_refill(entry, stream, table.times):
                yield event.at_ms, drawn(name, stream)
