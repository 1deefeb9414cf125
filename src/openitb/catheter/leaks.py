"""Holes in the path: a part of what passes them is lost beside the catheter, for a time or for good."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from openitb.catheter.column import CatheterError
from openitb.timeline import Parcel
from openitb.units import divide_nearest

ALL = 1000  # permille


@dataclass(frozen=True, slots=True)
class Leak:
    """Loses `lost_permille` of what passes a place `before_tip_nl` short of the tip.

    From `from_ms` up to, not including, `until_ms` (None: for good). All of it lost is a disconnection,
    or a tip that lies outside the fluid space; a kink whose pressure finds a way out is the same for
    the patient. `owed` is carried so that the total lost does not depend on how time is cut. Refuses
    a share outside 0 to 1000, a place beyond the tip and an empty span with `CatheterError`.
    """

    from_ms: int
    until_ms: int | None
    lost_permille: int
    before_tip_nl: int = 0
    owed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.lost_permille <= ALL:
            raise CatheterError(f"leak: got {self.lost_permille} of 1000 lost, expected 0 to {ALL}")
        if self.before_tip_nl < 0:
            raise CatheterError(f"leak: got {self.before_tip_nl} nL before the tip, expected 0 nL or more")
        if self.until_ms is not None and self.until_ms <= self.from_ms:
            raise CatheterError(f"leak: got an end at {self.until_ms} ms, expected after {self.from_ms} ms")

    def covers(self, at_ms: int) -> bool:
        """True if it is open at that instant."""
        return self.from_ms <= at_ms and (self.until_ms is None or at_ms < self.until_ms)

    def closed(self, at_ms: int) -> "Leak":
        """The leak with its end no later than `at_ms`, which must be after its beginning."""
        return replace(self, until_ms=at_ms if self.until_ms is None else min(self.until_ms, at_ms))

    def shared(self, parcel: Parcel) -> tuple["Leak", Parcel, Parcel]:
        """The leak afterwards, what passes on and what is lost of a parcel that came to the place."""
        lost_nl, owed = divmod(self.owed + parcel.volume_nl * self.lost_permille, ALL)
        lost_nl = min(lost_nl, parcel.volume_nl)
        lost_pg = parcel.mass_pg * lost_nl // parcel.volume_nl if parcel.volume_nl else 0
        kept = replace(parcel, volume_nl=parcel.volume_nl - lost_nl, mass_pg=parcel.mass_pg - lost_pg)
        return replace(self, owed=owed), kept, replace(parcel, volume_nl=lost_nl, mass_pg=lost_pg)


def cut_at(parcels: Iterable[Parcel], leaks: Iterable[Leak]) -> Iterator[Parcel]:
    """The parcels, cut where a leak opens or closes inside one; a parcel flows evenly."""
    edges = sorted({edge for leak in leaks for edge in (leak.from_ms, leak.until_ms) if edge is not None})
    for parcel in parcels:
        rest = parcel
        for edge in edges:
            if rest.start_ms < edge < rest.end_ms:
                first, rest = _halves(rest, edge)
                yield first
        yield rest


def _halves(parcel: Parcel, at_ms: int) -> tuple[Parcel, Parcel]:
    elapsed, whole = at_ms - parcel.start_ms, parcel.end_ms - parcel.start_ms
    volume_nl = divide_nearest(parcel.volume_nl * elapsed, whole)
    mass_pg = parcel.mass_pg * volume_nl // parcel.volume_nl if parcel.volume_nl else 0
    first = replace(parcel, end_ms=at_ms, volume_nl=volume_nl, mass_pg=mass_pg)
    left_nl, left_pg = parcel.volume_nl - volume_nl, parcel.mass_pg - mass_pg
    return first, replace(parcel, start_ms=at_ms, volume_nl=left_nl, mass_pg=left_pg)
