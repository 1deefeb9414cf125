"""How long the drug lasts at the earliest, who comes first, and the ladder of a late refill."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.guidance.worklist import (
    KINDS,
    Filled,
    Freshness,
    PumpBounds,
    WorkItem,
    is_stale,
    item,
    late_refill,
    ordered,
    refill_item,
    reserve,
    reserve_sources,
    state_of_list,
    tolerance_nl,
)
from openitb.prescription.answers import CalculationError

ML, H, DAY, MIN = units.NL_PER_ML, units.MS_PER_H, units.MS_PER_DAY, units.MS_PER_MIN
PUMP = PumpBounds(1_400_000, Fraction(145, 1000))
FULL = Filled(0, 18 * ML, 400_000, PUMP, 2 * ML, 500_000)


def test_the_instants_of_a_reservoir_worked_by_hand() -> None:
    got = reserve(FULL)
    assert got.expected_low_ms == 40 * DAY  # (18 − 2) mL ÷ 0.4 mL/day
    assert got.expected_dry_ms == round(41.5 * DAY)  # (18 − 1.4) ÷ 0.4
    assert got.low_ms == int(15.5 / 0.458 * DAY)  # 17.5 − 2 at 14.5 % more flow
    assert got.dry_ms == int(16.1 / 0.458 * DAY)
    assert got.fails_ms == int(13.5 / 0.458 * DAY)  # at 4 mL withdrawal is credible
    assert got.withdrawal_ms == got.fails_ms + 8 * H


def test_withdrawal_is_credible_before_the_low_reservoir_alarm() -> None:
    assert reserve(FULL).withdrawal_ms < reserve(FULL).low_ms


def test_a_pump_that_does_not_deliver_fails_from_the_reading_on() -> None:
    got = reserve(replace(FULL, read_ms=DAY, flow_nl_per_day=0))
    assert (got.low_ms, got.dry_ms, got.withdrawal_ms) == (DAY, DAY, DAY + 8 * H)


def test_a_reservoir_already_below_a_level_has_reached_it_at_the_reading() -> None:
    got = reserve(replace(FULL, volume_nl=ML, read_ms=7))
    assert (got.low_ms, got.dry_ms, got.fails_ms) == (7, 7, 7)


FILLS = st.builds(
    Filled,
    st.integers(0, 100 * DAY),
    st.integers(0, 40 * ML),
    st.integers(0, 24 * ML),
    st.just(PUMP),
    st.integers(0, 6 * ML),
    st.integers(0, 2 * ML),
    st.one_of(st.none(), st.integers(0, 40 * ML)),
    st.one_of(st.none(), st.integers(1, 30 * ML)),
)


def instants(known: Filled) -> tuple[int, ...]:
    got = reserve(known)
    return got.low_ms, got.dry_ms, got.fails_ms, got.withdrawal_ms


@given(FILLS, st.integers(0, 40 * ML), st.integers(1, 30 * ML))
def test_an_estimate_never_puts_anything_off(known: Filled, least: int, fastest: int) -> None:
    bare = replace(known, least_nl=None, fastest_nl_per_day=None)
    told = replace(bare, least_nl=least, fastest_nl_per_day=fastest)
    assert all(a <= b for a, b in zip(instants(told), instants(bare), strict=True))


@given(FILLS, st.integers(0, 5 * ML), st.integers(0, 5 * ML), st.integers(0, 2 * ML))
def test_less_drug_more_flow_and_more_doubt_never_come_later(
    known: Filled, less: int, more: int, doubt: int
) -> None:
    worse = replace(
        known,
        volume_nl=max(0, known.volume_nl - less),
        flow_nl_per_day=known.flow_nl_per_day and known.flow_nl_per_day + more,
        tolerance_nl=known.tolerance_nl + doubt,
    )
    assert all(a <= b for a, b in zip(instants(worse), instants(known), strict=True))


@given(FILLS, st.integers(-DAY, DAY))
def test_moving_the_reading_moves_every_instant(known: Filled, by: int) -> None:
    moved = replace(known, read_ms=known.read_ms + by)
    assert instants(moved) == tuple(at + by for at in instants(known))


@given(FILLS)
def test_the_early_side_is_never_after_what_is_expected(known: Filled) -> None:
    got = reserve(known)
    assert got.low_ms <= got.expected_low_ms
    assert got.dry_ms <= got.expected_dry_ms
    assert known.read_ms <= got.fails_ms <= got.dry_ms


def test_a_typed_volume_is_doubted_more_until_it_is_verified() -> None:
    assert tolerance_nl(is_verified=False) > tolerance_nl(is_verified=True) == 500_000


@pytest.mark.parametrize("field", ["volume_nl", "flow_nl_per_day", "alarm_nl", "tolerance_nl"])
def test_a_figure_below_zero_is_refused(field: str) -> None:
    with pytest.raises(CalculationError, match=f"{field}: got -1"):
        replace(FULL, **{field: -1})  # type: ignore[arg-type]


def test_a_reserve_says_what_it_rests_on() -> None:
    pump = catalogue.load().pump("synchromed-ii-20")
    assert PumpBounds.of(pump) == PUMP
    assert "reserve.fails_from" in {note.name for note in reserve_sources(pump)}


ITEMS = st.lists(
    st.builds(
        WorkItem,
        st.sampled_from(KINDS),
        st.text("ab", min_size=1, max_size=3),
        st.integers(0, 50),
        st.one_of(st.none(), st.integers(0, 50)),
    ),
    max_size=8,
)


@given(ITEMS, st.integers(0, 50), st.integers(0, 20))
def test_more_danger_never_ranks_lower(items: list[WorkItem], harm: int, sooner: int) -> None:
    later = WorkItem("trend", "somebody", 5, harm)
    earlier = replace(later, harm_ms=harm - sooner)
    unknown = replace(later, harm_ms=None)
    ranks = [ordered([*items, each]).index(each) for each in (later, earlier, unknown)]
    assert ranks == sorted(ranks, reverse=True)


@given(ITEMS)
def test_the_order_does_not_depend_on_how_the_list_came(items: list[WorkItem]) -> None:
    assert ordered(items) == ordered(reversed(items))
    harms = [each.harm_ms for each in ordered(items)]
    assert all(a is None or (b is not None and a <= b) for a, b in pairwise(harms))


def test_an_item_has_the_harm_of_its_kind_unless_a_sooner_one_is_known() -> None:
    assert item("alarm critical", "a", DAY).harm_ms == DAY + 8 * H
    assert item("alarm critical", "a", DAY, DAY + H).harm_ms == DAY + H
    assert item("alarm critical", "a", DAY, 9 * DAY).harm_ms == DAY + 8 * H
    assert item("trial observation", "a", DAY).harm_ms == DAY
    with pytest.raises(CalculationError, match="kind: got 'refill due'"):
        item("refill due", "a", 0)


@pytest.mark.parametrize("kind", [k for k in KINDS if not k.startswith("refill")])
def test_every_other_kind_states_how_soon_it_may_do_harm(kind: str) -> None:
    assert item(kind, "a", 0).harm_ms is not None  # type: ignore[arg-type]


BY = 25 * DAY


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        (11 * DAY - 1, None),
        (11 * DAY, "refill due"),
        (BY - 1, "refill due"),
        (BY, "refill late"),
        (reserve(FULL).dry_ms, "refill late"),
    ],
)
def test_a_refill_is_listed_when_it_is_near(now: int, kind: str | None) -> None:
    found = refill_item("a", BY, FULL, now)
    assert (found.kind if found else None) == kind


def test_a_refill_date_set_after_the_drug_may_be_gone_does_not_hide_it() -> None:
    assert refill_item("a", 90 * DAY, FULL, DAY) == WorkItem(
        "refill due", "a", 90 * DAY, reserve(FULL).withdrawal_ms
    )
    dry = reserve(FULL).dry_ms
    late = refill_item("a", 90 * DAY, FULL, dry)
    assert late is not None
    assert (late.kind, late.due_ms) == ("refill late", dry)
    assert late_refill(90 * DAY, FULL, dry).step == 4


def test_a_refill_of_somebody_without_a_reading_has_unknown_harm() -> None:
    found = refill_item("a", 90 * DAY, None, 0)
    assert found is not None
    assert found.harm_ms is None


@pytest.mark.parametrize(
    ("late_h", "step"),
    [(-1, 0), (0, 1), (23, 1), (24, 2), (71, 2), (72, 3), (119, 3), (120, 4), (1000, 4)],
)
def test_the_ladder_by_lateness_alone(late_h: int, step: int) -> None:
    plenty = replace(FULL, volume_nl=40 * ML, flow_nl_per_day=100_000)
    assert late_refill(BY, plenty, BY + late_h * H).step == step


def test_the_ladder_goes_faster_where_withdrawal_is_near() -> None:
    harm = reserve(FULL).withdrawal_ms
    assert late_refill(harm - 2 * DAY, FULL, harm - 2 * DAY).step == 3
    assert late_refill(harm - 2 * DAY, FULL, harm).step == 4
    assert late_refill(harm + DAY, FULL, harm + DAY).step == 4
    assert late_refill(harm + DAY, FULL, harm).step == 0  # the date has not come, nothing is late


def test_a_late_refill_without_a_reading_is_at_the_top_at_once() -> None:
    assert late_refill(BY, None, BY).step == 4
    assert late_refill(BY, None, BY - 1).next_ms == BY


@given(
    FILLS, st.integers(0, 200 * DAY), st.integers(0, 300 * DAY), st.integers(0, DAY), st.integers(0, 9 * ML)
)
def test_the_ladder_never_goes_down_with_time_or_danger(
    known: Filled, by: int, now: int, more: int, less: int
) -> None:
    step = late_refill(by, known, now).step
    worse = replace(known, volume_nl=max(0, known.volume_nl - less))
    assert late_refill(by, known, now + more).step >= step
    assert late_refill(by, worse, now).step >= step
    assert late_refill(by - more, known, now).step >= step


@given(FILLS, st.integers(0, 200 * DAY), st.integers(0, 300 * DAY))
def test_the_next_step_comes_when_it_says(known: Filled, by: int, now: int) -> None:
    answer = late_refill(by, known, now)
    if answer.next_ms is not None:
        assert late_refill(by, known, answer.next_ms - 1).step == answer.step
        assert late_refill(by, known, answer.next_ms).step > answer.step


FRESH = Freshness("a", 0, None)


@pytest.mark.parametrize(
    ("person", "now", "stale"),
    [
        (FRESH, 180 * DAY, False),
        (FRESH, 180 * DAY + 1, True),
        (Freshness("a", None, None), 0, True),
        (Freshness("a", 0, DAY), DAY, False),
        (Freshness("a", 0, DAY), DAY + 1, True),
    ],
)
def test_data_go_stale(person: Freshness, now: int, stale: bool) -> None:
    assert is_stale(person, now) is stale


@pytest.mark.parametrize(
    ("items", "people", "computed", "state"),
    [
        ((), (FRESH,), DAY, "clear"),
        ((), (FRESH,), DAY - 15 * MIN, "clear"),
        ((), (FRESH,), DAY - 15 * MIN - 1, "stale"),
        ((), (FRESH, Freshness("b", None, None)), DAY, "stale"),
        ((), (), DAY, "stale"),
        ((WorkItem("trend", "a", 0, 0),), (FRESH,), DAY, "work to do"),
        ((WorkItem("trend", "a", 0, 0),), (Freshness("b", None, None),), 0, "work to do"),
    ],
)
def test_a_list_is_clear_only_on_fresh_data_of_everybody(
    items: tuple[WorkItem, ...], people: tuple[Freshness, ...], computed: int, state: str
) -> None:
    answer = state_of_list(items, people, computed, DAY)
    assert answer.state == state
    assert answer.stale == tuple(p.who for p in people if p.read_ms is None)
