"""Plug flow through a column, counted by volume: what goes in pushes the same volume out.

Smearing of a front by diffusion is 2 to 3 µL at basal flow, below one part in fifty of the usual
dead volume, which is why plug flow is enough.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from openitb.catheter.column import CatheterError, Column, Slug
from openitb.timeline import Parcel, Segment, Timeline, join
from openitb.units import MS_PER_H, PG_PER_UG, divide_nearest

_Piece = tuple[int, int]  # volume in nL, drug in pg


def transport(column: Column, delivered: Iterable[Parcel]) -> tuple[Column, tuple[Parcel, ...]]:
    """Push `delivered` through `column`; returns the column afterwards and what left the tip.

    Volume and drug are conserved to the unit, and passing the parcels in several calls gives the same
    as passing them in one. Inside a parcel a concentration front falls on the nearest ms. Refuses
    parcels out of order, without duration, or with drug but no fluid, with `CatheterError`.
    """
    slugs, left, last_ms = deque(column.slugs), list[Parcel](), None
    for parcel in delivered:
        _check(parcel, last_ms)
        last_ms = parcel.end_ms
        if parcel.volume_nl:
            _push(slugs, Slug(parcel.volume_nl, parcel.mass_pg))
            left.extend(_timed(_pull(slugs, parcel.volume_nl), parcel))
    return Column(tuple(slugs)), tuple(left)


def outflow_timeline(outflows: Iterable[Parcel], start_ms: int, end_ms: int) -> Timeline:
    """Drug leaving the tip in µg/h between two instants, zero where nothing leaves.

    Refuses an empty span and overlapping outflows with `TimelineError`.
    """
    inside = [_rate(parcel) for parcel in outflows if parcel.end_ms > start_ms and parcel.start_ms < end_ms]
    clipped = [Segment(max(s.start_ms, start_ms), min(s.end_ms, end_ms), s.value) for s in inside]
    return join(_with_gaps(clipped, start_ms, end_ms), "ug/h")


def _check(parcel: Parcel, last_ms: int | None) -> None:
    if last_ms is not None and parcel.start_ms < last_ms:
        raise CatheterError(f"parcel start: got {parcel.start_ms} ms, expected {last_ms} ms or later")
    if parcel.volume_nl < 0 or (parcel.mass_pg and not parcel.volume_nl):
        raise CatheterError(
            f"parcel: got {parcel.mass_pg} pg in {parcel.volume_nl} nL, expected fluid to hold it"
        )
    if parcel.volume_nl and parcel.end_ms <= parcel.start_ms:
        raise CatheterError(
            f"parcel end: got {parcel.end_ms} ms, expected after its start {parcel.start_ms} ms"
        )


def _push(slugs: deque[Slug], new: Slug) -> None:
    joined = slugs[-1].joined(new) if slugs else None
    if joined is None:
        slugs.append(new)
    else:
        slugs[-1] = joined


def _pull(slugs: deque[Slug], volume_nl: int) -> Iterator[_Piece]:
    while volume_nl:
        first = slugs.popleft()
        taken = min(volume_nl, first.left_nl)
        volume_nl -= taken
        if taken == first.left_nl:
            yield taken, first.left_pg
        else:
            slugs.appendleft(first.drawn(taken))
            yield taken, first.left_pg - slugs[0].left_pg


def _timed(pieces: Iterable[_Piece], parcel: Parcel) -> Iterator[Parcel]:
    """Spread the pieces over the parcel's time by volume; one too short for a ms joins the next."""
    start, passed, volume, mass = parcel.start_ms, 0, 0, 0
    for piece_nl, piece_pg in pieces:
        passed, volume, mass = passed + piece_nl, volume + piece_nl, mass + piece_pg
        span = divide_nearest((parcel.end_ms - parcel.start_ms) * passed, parcel.volume_nl)
        end = parcel.start_ms + span
        if end > start and (end < parcel.end_ms or passed == parcel.volume_nl):
            yield Parcel(start, end, volume, mass)
            start, volume, mass = end, 0, 0


def _rate(parcel: Parcel) -> Segment:
    ug = parcel.mass_pg / PG_PER_UG
    return Segment(parcel.start_ms, parcel.end_ms, ug * MS_PER_H / (parcel.end_ms - parcel.start_ms))


def _with_gaps(segments: list[Segment], start_ms: int, end_ms: int) -> list[Segment]:
    """The segments with zeros before, between and after, so that the whole span is covered."""
    edge = start_ms
    covered: list[Segment] = []
    for segment in (*segments, Segment(end_ms, end_ms, 0.0)):
        if segment.start_ms > edge:
            covered.append(Segment(edge, segment.start_ms, 0.0))
        if segment.end_ms > segment.start_ms:
            covered.append(segment)
        edge = max(edge, segment.end_ms)
    return covered
