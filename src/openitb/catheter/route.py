"""The path from outlet to tip with what is wrong with it: a column of fluid, and holes in its wall."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from openitb.catheter.column import Column
from openitb.catheter.leaks import Leak, cut_at
from openitb.catheter.transport import transport
from openitb.timeline import Parcel


@dataclass(frozen=True, slots=True)
class Route:
    """What stands in the path, the leaks it has or will have, and all that was lost by them."""

    column: Column
    leaks: tuple[Leak, ...] = ()
    astray_nl: int = 0
    astray_pg: int = 0

    def with_leaks(self, leaks: Iterable[Leak]) -> "Route":
        """The route with more holes."""
        return replace(self, leaks=(*self.leaks, *leaks))

    def mended(self, at_ms: int) -> "Route":
        """The route after a revision: no hole from `at_ms` on."""
        return replace(self, leaks=tuple(leak.closed(at_ms) for leak in self.leaks if leak.from_ms < at_ms))


@dataclass(frozen=True, slots=True)
class Travelled:
    """A route later, what left the tip and what was lost on the way, each in order of time."""

    route: Route
    outflow: tuple[Parcel, ...]
    astray: tuple[Parcel, ...] = ()


def travel(route: Route, delivered: Iterable[Parcel]) -> Travelled:
    """Push `delivered` through the route. Volume and drug are conserved, tip and leaks together.

    Past a leak the column moves on only by what passes it, so a front comes later. Refuses what
    `transport` refuses, with `CatheterError`.
    """
    outflow: list[Parcel] = []
    astray: list[Parcel] = []
    for open_now, parcels in groupby(cut_at(delivered, route.leaks), key=lambda p: _open(route, p)):
        route, left, lost = _through(route, tuple(parcels), open_now)
        outflow += left
        astray += lost
    return Travelled(route, tuple(outflow), tuple(sorted(astray, key=lambda parcel: parcel.start_ms)))


def _open(route: Route, parcel: Parcel) -> tuple[int, ...]:
    """Which leaks a parcel meets, the one nearest the pump first."""
    found = [index for index, leak in enumerate(route.leaks) if leak.covers(parcel.start_ms)]
    return tuple(sorted(found, key=lambda index: -route.leaks[index].before_tip_nl))


def _through(
    route: Route, parcels: tuple[Parcel, ...], open_now: tuple[int, ...]
) -> tuple[Route, tuple[Parcel, ...], list[Parcel]]:
    """Column by column from the pump to the tip, with a share lost at each leak between them."""
    leaks, lost = list(route.leaks), list[Parcel]()
    ahead, behind = route.column, Column(())
    for index in open_now:
        ahead, last = ahead.split(leaks[index].before_tip_nl)
        last, parcels = transport(last, parcels)
        leaks[index], parcels, gone = _shared(leaks[index], parcels)
        behind, lost = last.fed_by(behind), lost + gone
    ahead, parcels = transport(ahead, parcels)
    after = replace(
        route,
        column=ahead.fed_by(behind),
        leaks=tuple(leaks),
        astray_nl=route.astray_nl + sum(parcel.volume_nl for parcel in lost),
        astray_pg=route.astray_pg + sum(parcel.mass_pg for parcel in lost),
    )
    return after, parcels, lost


def _shared(leak: Leak, parcels: tuple[Parcel, ...]) -> tuple[Leak, tuple[Parcel, ...], list[Parcel]]:
    kept, lost = list[Parcel](), list[Parcel]()
    for parcel in parcels:
        leak, passed, gone = leak.shared(parcel)
        kept.append(passed)
        if gone.volume_nl:
            lost.append(gone)
    return leak, tuple(kept), lost
