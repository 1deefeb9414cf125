from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb.catheter import CatheterError, Column, Slug, outflow_timeline, transport
from openitb.timeline import Parcel, TimelineError
from openitb.units import MS_PER_DAY, MS_PER_H, PG_PER_UG

PATH_NL = 375_000  # 0.199 mL tubing and 80 cm of 2.2 µL/cm


def steady(flow_nl_per_day: int, concentration: int, days: int = 1, from_day: Fraction | int = 0) -> Parcel:
    start = int(from_day * MS_PER_DAY)
    volume = flow_nl_per_day * days
    return Parcel(start, start + days * MS_PER_DAY, volume, volume * concentration)


def dose_ug_per_day(out: Parcel) -> Fraction:
    return Fraction(out.mass_pg * MS_PER_DAY, PG_PER_UG * (out.end_ms - out.start_ms))


@st.composite
def parcels(draw: st.DrawFn) -> list[Parcel]:
    made, at = [], 0
    for _ in range(draw(st.integers(1, 12))):
        start = at + draw(st.integers(0, 5_000))
        at = start + draw(st.integers(1, 10**8))
        volume = draw(st.integers(0, 500_000))
        made.append(Parcel(start, at, volume, draw(st.integers(0, 2_000 * volume)) if volume else 0))
    return made


columns = st.lists(
    st.tuples(st.integers(1, 300_000), st.integers(0, 10**9)).map(lambda t: Slug(*t)), max_size=5
).map(lambda slugs: Column(tuple(slugs)))


@given(columns, parcels())
def test_volume_and_drug_are_conserved_to_the_unit(column: Column, delivered: list[Parcel]) -> None:
    after, out = transport(column, delivered)
    assert after.volume_nl == column.volume_nl
    assert sum(p.volume_nl for p in out) == sum(p.volume_nl for p in delivered)
    assert column.mass_pg + sum(p.mass_pg for p in delivered) == after.mass_pg + sum(p.mass_pg for p in out)


@given(columns, parcels(), st.data())
def test_several_calls_give_what_one_call_gives(
    column: Column, delivered: list[Parcel], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(delivered)))
    middle, first = transport(column, delivered[:cut])
    end, second = transport(middle, delivered[cut:])
    whole_end, whole = transport(column, delivered)
    assert first + second == whole
    assert end == whole_end


@given(columns, st.integers(1, 400), st.integers(2, 40), st.integers(1, 2_000))
def test_a_delivery_cut_into_equal_parts_carries_the_same_drug_by_each_part(
    column: Column, part_nl: int, parts: int, concentration: int
) -> None:
    whole = Parcel(0, parts * 1_000, part_nl * parts, part_nl * parts * concentration)
    cut = [Parcel(k * 1_000, k * 1_000 + 1_000, part_nl, part_nl * concentration) for k in range(parts)]
    once, out_once = transport(column, [whole])
    stepped, out_cut = transport(column, cut)
    assert once.mass_pg == stepped.mass_pg
    assert sum(p.mass_pg for p in out_once) == sum(p.mass_pg for p in out_cut)


@given(columns, parcels())
def test_outflows_are_in_order_last_a_while_and_fill_each_delivery(
    column: Column, delivered: list[Parcel]
) -> None:
    _, out = transport(column, delivered)
    assert all(p.end_ms > p.start_ms for p in out)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(out))
    spans = [
        sum(p.end_ms - p.start_ms for p in out if d.start_ms <= p.start_ms < d.end_ms) for d in delivered
    ]
    assert spans == [d.end_ms - d.start_ms if d.volume_nl else 0 for d in delivered]


@given(columns, parcels())
def test_first_in_is_first_out_by_cumulative_volume(column: Column, delivered: list[Parcel]) -> None:
    """Independent reference: one list of everything in order, cut at the volume that left."""
    _, out = transport(column, delivered)
    line = [(s.volume_nl, s.mass_pg) for s in column.slugs] + [(p.volume_nl, p.mass_pg) for p in delivered]
    to_leave, expected = sum(p.volume_nl for p in delivered), Fraction(0)
    for volume, mass in line:
        if volume and to_leave:
            taken = min(volume, to_leave)
            expected += Fraction(mass * taken, volume)
            to_leave -= taken
    assert 0 <= sum(p.mass_pg for p in out) - expected < 1


@given(parcels(), st.integers(-(10**12), 10**12))
def test_shifting_time_shifts_the_outflow_and_changes_nothing_else(delivered: list[Parcel], by: int) -> None:
    def moved(p: Parcel) -> Parcel:
        return Parcel(p.start_ms + by, p.end_ms + by, p.volume_nl, p.mass_pg)

    column = Column.filled(PATH_NL, 500)
    _, out = transport(column, delivered)
    _, later = transport(column, [moved(p) for p in delivered])
    assert later == tuple(moved(p) for p in out)


def test_a_change_of_rate_acts_at_once() -> None:
    _, out = transport(Column.filled(PATH_NL, 500), [steady(400_000, 500), steady(200_000, 500, from_day=1)])
    assert [dose_ug_per_day(p) for p in out] == [200, 100]


@pytest.mark.hazard("HAZ-05", without="the bridge")
def test_bridge_forgotten_500_to_2000_gives_a_quarter_of_the_dose_for_90_hours() -> None:
    _, out = transport(Column.filled(PATH_NL, 500), [steady(100_000, 2000, days=5)])
    assert [(p.end_ms / MS_PER_H, dose_ug_per_day(p)) for p in out] == [(90.0, 50), (120.0, 200)]


@pytest.mark.requirement("BOL-12")
@pytest.mark.hazard("HAZ-05")
def test_bridge_done_500_to_2000_keeps_the_dose_and_the_front_arrives_at_22_h_30() -> None:
    bridge = Parcel(0, 81_000_000, PATH_NL, PATH_NL * 2000)
    _, out = transport(
        Column.filled(PATH_NL, 500), [bridge, steady(100_000, 2000, from_day=Fraction(22.5) / 24)]
    )
    assert bridge.end_ms / MS_PER_H == 22.5
    assert [(p.end_ms / MS_PER_H, dose_ug_per_day(p)) for p in out] == [(22.5, 200), (46.5, 200)]


@pytest.mark.hazard("HAZ-05", without="the bridge")
def test_bridge_forgotten_2000_to_500_gives_four_times_the_dose_for_22_h_30() -> None:
    _, out = transport(Column.filled(PATH_NL, 2000), [steady(400_000, 500, days=2)])
    assert [(p.end_ms / MS_PER_H, dose_ug_per_day(p)) for p in out] == [(22.5, 800), (48.0, 200)]


@pytest.mark.requirement("BOL-12")
@pytest.mark.hazard("HAZ-05")
def test_bridge_done_2000_to_500_keeps_the_dose_through_its_90_hours() -> None:
    bridge = Parcel(0, 90 * MS_PER_H, PATH_NL, PATH_NL * 500)
    _, out = transport(
        Column.filled(PATH_NL, 2000), [bridge, steady(400_000, 500, from_day=Fraction(90, 24))]
    )
    assert [dose_ug_per_day(p) for p in out] == [200, 200]


@pytest.mark.hazard("INC-02")
def test_a_prime_of_the_dead_volume_brings_the_drug_exactly_to_the_tip() -> None:
    path = Column.filled(176_000, 0).fed_by(Column.filled(199_000, 500))
    prime = Parcel(0, 20 * 60_000, 176_000, 176_000 * 500)
    after, out = transport(path, [prime])
    assert sum(p.mass_pg for p in out) == 0
    assert after.mass_pg == PATH_NL * 500


@pytest.mark.hazard("INC-02", without="asking what the tubing holds")
def test_a_prime_of_the_whole_path_with_the_tubing_already_full_gives_a_bolus() -> None:
    path = Column.filled(176_000, 0).fed_by(Column.filled(199_000, 500))
    _, out = transport(path, [Parcel(0, 20 * 60_000, PATH_NL, PATH_NL * 500)])
    assert sum(p.mass_pg for p in out) == 199_000 * 500  # 99.5 µg that nobody ordered


def test_a_refill_of_mixed_concentration_reaches_the_tip_after_the_dead_volume() -> None:
    mixed = Parcel(0, MS_PER_DAY, 400_000, 400_000 * 37_900 // 20)  # 1.4 mL of 500 under 18.6 mL of 2000
    _, out = transport(Column.filled(PATH_NL, 500), [mixed])
    assert out[-1].concentration_ug_per_ml == 1895
    assert out[0].volume_nl == PATH_NL


def test_a_constant_concentration_stays_one_slug_however_many_strokes_pass() -> None:
    strokes = [Parcel(k * 1_000, k * 1_000 + 1_000, 250, 125_000) for k in range(5_000)]
    after, _ = transport(Column.filled(PATH_NL, 500), strokes)
    assert len(after.slugs) == 1


def test_no_dead_volume_passes_the_delivery_on_unchanged() -> None:
    delivered = [steady(100_000, 500), steady(200_000, 2000, from_day=1)]
    assert transport(Column.filled(0, 500), delivered) == (Column(()), tuple(delivered))


def test_the_outflow_timeline_covers_the_span_with_zeros_where_nothing_leaves() -> None:
    out = [Parcel(MS_PER_H, 3 * MS_PER_H, 1_000, 2_000_000)]
    line = outflow_timeline(out, 0, 5 * MS_PER_H)
    assert (line.unit, line.starts_ms, line.values, line.end_ms) == (
        "ug/h",
        (0, MS_PER_H, 3 * MS_PER_H),
        (0.0, 1.0, 0.0),
        5 * MS_PER_H,
    )


@given(columns, parcels())
def test_the_outflow_timeline_integrates_to_the_drug_that_left(
    column: Column, delivered: list[Parcel]
) -> None:
    _, out = transport(column, delivered)
    line = outflow_timeline(out, -5, delivered[-1].end_ms + 5)
    left_ug = sum(p.mass_pg for p in out) / PG_PER_UG
    assert line.integral() / MS_PER_H == pytest.approx(left_ug, rel=1e-12, abs=1e-12)


def test_the_outflow_timeline_is_clipped_to_its_span() -> None:
    out = [Parcel(0, 4 * MS_PER_H, 1_000, 4_000_000)]
    line = outflow_timeline(out, MS_PER_H, 3 * MS_PER_H)
    assert (line.starts_ms, line.values, line.end_ms) == ((MS_PER_H,), (1.0,), 3 * MS_PER_H)


@pytest.mark.parametrize(
    ("parcel", "message"),
    [
        (Parcel(5, 5, 250, 0), "parcel end: got 5 ms"),
        (Parcel(0, 5, -1, 0), "in -1 nL"),
        (Parcel(0, 5, 0, 7), "got 7 pg in 0 nL"),
        (Parcel(0, 5, 10, -7), "slug drug: got -7 pg"),
    ],
)
def test_fluid_that_cannot_exist_is_refused_by_name(parcel: Parcel, message: str) -> None:
    with pytest.raises(CatheterError, match=message):
        transport(Column.filled(PATH_NL, 500), [parcel])


def test_parcels_out_of_order_are_refused() -> None:
    with pytest.raises(CatheterError, match="expected 86400000 ms or later"):
        transport(Column.filled(PATH_NL, 500), [steady(1_000, 500), steady(1_000, 500)])


@pytest.mark.parametrize(("volume", "concentration"), [(-1, 500), (10, -500)])
def test_a_path_that_cannot_exist_is_refused(volume: int, concentration: int) -> None:
    with pytest.raises(CatheterError, match="expected at least 0"):
        Column.filled(volume, concentration)


def test_overlapping_outflows_and_an_empty_span_are_refused() -> None:
    with pytest.raises(TimelineError, match="overlaps"):
        outflow_timeline([Parcel(0, 5, 1, 1), Parcel(4, 9, 1, 1)], 0, 10)
    with pytest.raises(TimelineError):
        outflow_timeline([], 10, 10)
