"""Holes in the path: what is lost, what comes later, and that nothing vanishes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.catheter import CatheterError, Column, Leak, Route, transport, travel
from openitb.timeline import Parcel
from openitb.units import MS_PER_DAY, MS_PER_H

PATH_NL = 300_000
FULL = Route(Column.filled(PATH_NL, 500))


def day(number: int = 0, volume_nl: int = 400_000, concentration: int = 500) -> Parcel:
    start = number * MS_PER_DAY
    return Parcel(start, start + MS_PER_DAY, volume_nl, volume_nl * concentration)


def volume(parcels: tuple[Parcel, ...]) -> int:
    return sum(parcel.volume_nl for parcel in parcels)


def test_a_whole_path_is_plug_flow() -> None:
    travelled = travel(FULL, [day()])
    column, outflow = transport(FULL.column, [day()])
    assert (travelled.route.column, travelled.outflow, travelled.astray) == (column, outflow, ())


def test_a_leak_at_the_tip_loses_its_share() -> None:
    travelled = travel(FULL.with_leaks([Leak(0, None, 300)]), [day()])
    assert (volume(travelled.outflow), volume(travelled.astray)) == (280_000, 120_000)
    assert travelled.route.astray_pg == 120_000 * 500


def test_a_disconnection_at_the_pump_lets_nothing_out_and_the_column_stands() -> None:
    travelled = travel(FULL.with_leaks([Leak(0, None, 1000, PATH_NL)]), [day(concentration=2000)])
    assert volume(travelled.outflow) == 0
    assert (travelled.route.column.mass_pg, travelled.route.astray_pg) == (PATH_NL * 500, 400_000 * 2000)


def test_behind_a_leak_a_front_comes_later() -> None:
    half = FULL.with_leaks([Leak(0, None, 500, PATH_NL)])
    travelled = travel(half, [day(concentration=2000), day(1, concentration=2000)])
    change = next(p for p in travelled.outflow if p.mass_pg == p.volume_nl * 2000)
    assert change.start_ms == MS_PER_DAY + MS_PER_DAY // 2  # 300,000 nL at half of 400,000 a day


def test_a_leak_in_the_middle_leaves_what_is_past_it_to_the_tip() -> None:
    route = Route(Column.filled(100_000, 2000).fed_by(Column.filled(200_000, 500)))
    travelled = travel(route.with_leaks([Leak(0, None, 1000, 100_000)]), [day()])
    assert volume(travelled.outflow) == 0
    assert travelled.route.column.split(100_000)[0].mass_pg == 100_000 * 2000


def test_a_leak_opens_and_closes_at_its_instants() -> None:
    leak = Leak(6 * MS_PER_H, 12 * MS_PER_H, 1000)
    travelled = travel(FULL.with_leaks([leak]), [day()])
    assert volume(travelled.astray) == 100_000
    assert {(p.start_ms, p.end_ms) for p in travelled.astray} == {(6 * MS_PER_H, 12 * MS_PER_H)}


def test_a_revision_closes_what_was_open_and_drops_what_was_to_come() -> None:
    route = FULL.with_leaks([Leak(0, None, 500), Leak(5 * MS_PER_DAY, None, 500)]).mended(MS_PER_DAY)
    assert [(leak.from_ms, leak.until_ms) for leak in route.leaks] == [(0, MS_PER_DAY)]


leaks = st.lists(
    st.builds(
        lambda start, length, share, place: Leak(start, start + length if length else None, share, place),
        st.integers(0, 3 * MS_PER_DAY),
        st.integers(0, 2 * MS_PER_DAY),
        st.integers(0, 1000),
        st.integers(0, PATH_NL + 10),
    ),
    max_size=4,
)
days = st.lists(st.tuples(st.integers(0, 900_000), st.integers(0, 2000)), min_size=1, max_size=5)


@given(leaks, days)
def test_fluid_and_drug_leave_by_tip_or_leak_and_nothing_vanishes(
    holes: list[Leak], given_days: list[tuple[int, int]]
) -> None:
    delivered = [day(n, nl, c) for n, (nl, c) in enumerate(given_days)]
    travelled = travel(FULL.with_leaks(holes), delivered)
    out, lost = travelled.outflow, travelled.astray
    assert travelled.route.column.volume_nl == PATH_NL
    assert volume(out) + volume(lost) == sum(p.volume_nl for p in delivered)
    drug = sum(p.mass_pg for p in (*out, *lost)) + travelled.route.column.mass_pg
    assert drug == FULL.column.mass_pg + sum(p.mass_pg for p in delivered)
    assert (travelled.route.astray_nl, travelled.route.astray_pg) == (
        volume(lost),
        sum(p.mass_pg for p in lost),
    )


@given(leaks, days, st.data())
def test_the_volume_lost_does_not_depend_on_the_cut(
    holes: list[Leak], given_days: list[tuple[int, int]], data: st.DataObject
) -> None:
    delivered = [day(n, nl, c) for n, (nl, c) in enumerate(given_days)]
    route = FULL.with_leaks(holes)
    cut = data.draw(st.integers(0, len(delivered)))
    parts = travel(travel(route, delivered[:cut]).route, delivered[cut:]).route
    whole = travel(route, delivered).route
    assert parts.astray_nl == whole.astray_nl
    assert abs(parts.astray_pg - whole.astray_pg) <= 2 * len(holes) + 2


def test_fluid_pushed_back_takes_the_drug_nearest_the_pump_with_it() -> None:
    column = Column.filled(100_000, 2000).fed_by(Column.filled(200_000, 500))
    after, back_pg = column.reversed_by(50_000)
    assert (after.volume_nl, back_pg) == (PATH_NL, 50_000 * 500)
    assert after.slugs[0].mass_pg == 0
    emptied, all_pg = column.reversed_by(10**9)
    assert (emptied.volume_nl, emptied.mass_pg, all_pg) == (PATH_NL, 0, column.mass_pg)


@pytest.mark.parametrize(
    ("leak", "told"),
    [
        (lambda: Leak(0, None, 1001), "got 1001 of 1000 lost, expected 0 to 1000"),
        (lambda: Leak(0, None, 5, -1), "got -1 nL before the tip"),
        (lambda: Leak(7, 7, 5), "got an end at 7 ms, expected after 7 ms"),
    ],
)
def test_an_impossible_leak_is_refused(leak: object, told: str) -> None:
    with pytest.raises(CatheterError, match=told):
        leak()
