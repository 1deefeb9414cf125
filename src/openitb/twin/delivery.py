"""What a pump means to deliver by its orders and refills: fluid by its own count, drug at the tip.

Hours count from the start of the record. A healthy system delivers this; a hypothesis about a fault changes
it afterwards. Once the reservoir is empty by the count, nothing flows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from openitb.body.anatomy import Floats
from openitb.catheter import Column, transport
from openitb.prescription import Program
from openitb.timeline import Parcel
from openitb.twin.record import ClinicRecord, Ordered, Refilled
from openitb.units import MS_PER_DAY, MS_PER_H, PG_PER_UG

_SAME = 1e-6  # whole nL make rates differ by less


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A piecewise constant rate per hour: `value` (n,) from `start_h` (n,) on, up to `end_h`; 0 outside."""

    start_h: Floats
    value: Floats
    end_h: float

    def total(self, at_h: Floats) -> Floats:
        """What has come by these hours."""
        edges = np.append(self.start_h, self.end_h)
        sums = np.concatenate([[0.0], np.cumsum(self.value * np.diff(edges))])
        return np.asarray(np.interp(at_h, edges, sums), dtype=np.float64)

    def decays(self, rates_per_h: Floats, at_h: Floats) -> Floats:
        """The decays z' = rate (u - z) at these hours (n, rates), rising, from nothing; exact."""
        edges = np.union1d(np.append(self.start_h, self.end_h), at_h)
        rate = self.at(edges)
        kept = np.exp(-np.outer(np.diff(edges), rates_per_h))
        wanted = {float(hour) for hour in at_h}
        found, now = list[Floats](), np.zeros(len(rates_per_h))
        for k, edge in enumerate(edges.tolist()):
            if k:
                now = rate[k - 1] + (now - rate[k - 1]) * kept[k - 1]
            if edge in wanted:
                found.append(now)
        return np.array(found)[np.searchsorted(np.unique(at_h), at_h)]

    def at(self, hours: Floats) -> Floats:
        """The rate from each of these hours on."""
        values = np.concatenate([[0.0], self.value, [0.0]])
        edges = np.append(self.start_h, self.end_h)
        return np.asarray(values[np.searchsorted(edges, hours, side="right")])


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """Fluid in nL/h by the pump's count, and drug at the tip in µg/h if that is what it delivers."""

    counted: Steps
    tip: Steps


@dataclass(frozen=True, slots=True)
class Proposed:
    """A program from an instant on, for however long one looks ahead."""

    at_ms: int
    program: Program


def delivery(record: ClinicRecord, until_ms: int, proposed: Proposed | None = None) -> Delivery:
    """The record's delivery up to `until_ms`; the proposed program takes over where it begins."""
    parcels = [*_run_in(record), *_parcels(record, until_ms, proposed)]
    counted = _steps([(p.start_ms, p.end_ms, p.volume_nl) for p in parcels], record.start_ms)
    if len({p.mass_pg / p.volume_nl for p in parcels if p.volume_nl} | {float(record.system.ug_per_ml)}) > 1:
        column = Column.filled(record.system.path_nl, record.system.ug_per_ml)
        parcels = list(transport(column, parcels)[1])
    drug = [(p.start_ms, p.end_ms, p.mass_pg / PG_PER_UG) for p in parcels]
    return Delivery(counted, _steps(drug, record.start_ms))


def _run_in(record: ClinicRecord) -> Iterator[Parcel]:
    """The first order, for as long as it had run before the record."""
    first = record.first(Ordered)
    if record.treated_ms and first:
        begun = record.start_ms - record.treated_ms
        yield from _flowing(first.program, (begun, first.at_ms), record, record.system.ug_per_ml)


def _parcels(record: ClinicRecord, until_ms: int, proposed: Proposed | None) -> Iterator[Parcel]:
    program: Program | None = None
    strength, left_nl, at = record.system.ug_per_ml, float("inf"), record.start_ms
    for instant, change in (*_changes(record, until_ms, proposed), (until_ms, None)):
        if program is not None:
            for parcel in _flowing(program, (at, instant), record, strength):
                taken = _taken(parcel, left_nl)
                left_nl -= taken.volume_nl if taken else 0
                if taken:
                    yield taken
        at = instant
        if isinstance(change, Refilled):
            strength, left_nl = change.ug_per_ml, float(change.volume_nl)
        elif change is not None:
            program = change


def _changes(
    record: ClinicRecord, until_ms: int, proposed: Proposed | None
) -> Iterator[tuple[int, Refilled | Program]]:
    last = until_ms if proposed is None else min(proposed.at_ms, until_ms)
    for entry in record.entries:
        if entry.at_ms > last:
            break
        if isinstance(entry, Refilled):
            yield entry.at_ms, entry
        elif isinstance(entry, Ordered):
            yield entry.at_ms, entry.program
    if proposed is not None and proposed.at_ms < until_ms:
        yield proposed.at_ms, proposed.program


def _flowing(
    program: Program, span_ms: tuple[int, int], record: ClinicRecord, ug_per_ml: int
) -> Iterator[Parcel]:
    start, end = span_ms
    if start >= end:
        return
    for piece in program.timeline(start, end, record.zone_offset_ms).segments():
        volume = round(float(piece.value) * (piece.end_ms - piece.start_ms) / MS_PER_DAY)
        if volume:
            yield Parcel(piece.start_ms, piece.end_ms, volume, volume * ug_per_ml)


def _taken(parcel: Parcel, left_nl: float) -> Parcel | None:
    """As much of a parcel as the reservoir still has."""
    if parcel.volume_nl <= left_nl:
        return parcel
    part = int(left_nl)
    end = parcel.start_ms + round((parcel.end_ms - parcel.start_ms) * part / parcel.volume_nl)
    if not part or end <= parcel.start_ms:
        return None
    return Parcel(parcel.start_ms, end, part, parcel.mass_pg * part // parcel.volume_nl)


def _steps(pieces: list[tuple[int, int, float]], start_ms: int) -> Steps:
    """Amounts over spans of ms as a rate per hour, with nothing in the gaps."""
    edges, rates, end = [0.0], [0.0], 0.0
    if pieces and pieces[0][0] < start_ms:
        edges[0] = end = (pieces[0][0] - start_ms) / MS_PER_H
    for from_ms, to_ms, amount in pieces:
        at, until = (from_ms - start_ms) / MS_PER_H, (to_ms - start_ms) / MS_PER_H
        rate = amount / (until - at)
        if at > end:
            edges.append(end)
            rates.append(0.0)
        if at > end or abs(rate - rates[-1]) > _SAME * rate:
            edges.append(at)
            rates.append(rate)
        end = until
    return Steps(np.array(edges), np.array(rates), end)
