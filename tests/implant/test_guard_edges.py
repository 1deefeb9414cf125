"""The guard at its edges: the last tick, the last unit, the last run it remembers, nothing at all."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb import units
from openitb.implant.firmware.admission import Extra, Flow, foreseen_breach
from openitb.implant.firmware.credits import (
    NO_CREDITS,
    SEAL_BYTES,
    Charge,
    Credit,
    CreditKind,
    Issuer,
    Ledger,
    Open,
    key_of,
)
from openitb.implant.firmware.guard import Guard, Limits
from openitb.implant.firmware.passed import MOST_RUNS, NOTHING, Breach, Limit, Passed, Run
from openitb.implant.firmware.strokes import Train

DAY = units.MS_PER_DAY
COST = 250 * DAY
KEY = key_of("NGP000001")
ISSUER = Issuer(KEY)
SHORTEST_MS = 900  # the drive's
QUICKEST = COST // SHORTEST_MS


def train(start: int, end: int, rate: int, phase: int = 0) -> Train:
    return Train(start, end, phase, rate, COST)


def guard(highest: int = QUICKEST, windows: tuple[Limit, ...] = (), **changes: object) -> Guard:
    return replace(Guard(SHORTEST_MS, KEY, Limits(highest, DAY, windows)), **changes)


def credit(
    strokes: int = 10, highest: int = QUICKEST, kind: CreditKind = CreditKind.PATH, refundable: int = 0
) -> Credit:
    return ISSUER.issue(kind, strokes * COST, highest, refundable)[1]


# --- windows, against every tick counted --------------------------------------------------------------

pasts = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 5]),
        st.sampled_from([0, 0, 4]),
        st.integers(1, 12),
        st.sampled_from([0, 0, 0, 9]),
        st.sampled_from([0, 0, 2]),
    ),
    max_size=7,
)


nexts = st.lists(
    st.builds(
        Run,
        st.just(0),
        st.integers(1, 20),
        st.integers(0, 6),
        st.sampled_from([0, 3]),
        st.sampled_from([0, 0, 7]),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=600)
@given(
    past=pasts,
    nexts=nexts,
    limit=st.builds(Limit, st.integers(1, 30), st.integers(0, 90), st.booleans()),
    changed=st.integers(-30, 25),
    spanning=st.integers(0, 150),
)
def test_a_breach_is_the_first_tick_too_full_with_boluses_bursts_and_limits_that_changed(
    past: list[tuple[int, ...]], nexts: list[Run], limit: Limit, changed: int, spanning: int
) -> None:
    passed, now = NOTHING, 0
    for plain, bolus, length, at_once, gap in past:
        passed = passed.after([Run(now, now + length, plain, bolus, at_once)], 1000)
        now += length + gap
    limit = replace(limit, since_ms=max(0, now + changed), spanning=spanning)
    runs = end_to_end(nexts, now)
    then = passed.after(runs, 1000)
    over = [at for at in range(now, runs[-1].end_ms + 1) if held_by_hand(then, limit, at) > limit.at(at)]
    found = passed.breach(runs, limit)
    assert found == (Breach(over[0], limit.window_ms) if over else None)


def end_to_end(runs: list[Run], now: int) -> list[Run]:
    placed = []
    for run in runs:
        placed.append(replace(run, start_ms=now, end_ms=now + run.end_ms))
        now = placed[-1].end_ms
    return placed


def held_by_hand(passed: Passed, limit: Limit, end: int) -> int:
    """Tick by tick: what came after the window's beginning and not after its end."""
    total = 0
    for run in passed.runs:
        begin = end - limit.window_ms
        if begin < run.start_ms <= end:
            total += run.burst
        flow = run.rate_nl_per_day + (run.extra_nl_per_day if limit.with_boluses else 0)
        total += flow * sum(begin < tick <= end for tick in range(run.start_ms + 1, run.end_ms + 1))
    return total


def test_a_run_tells_its_flow_with_and_without_the_bolus_and_what_came_at_its_start() -> None:
    run = Run(10, 20, 3, 4, burst=50)
    assert (run.rate(with_boluses=True), run.rate(with_boluses=False)) == (7, 3)
    assert [run.until(at, with_boluses=False) for at in (9, 10, 11, 20, 99)] == [0, 50, 53, 80, 80]
    assert run.until(11, with_boluses=True) == 57


def test_runs_of_one_flow_are_kept_as_one_and_only_those() -> None:
    first, on, faster = Run(0, 5, 2), Run(5, 9, 2), Run(9, 12, 3)
    before = NOTHING.after([Run(-3, 0, 1)], 99)
    for passed in (before.after([first], 99).after([on], 99).after([faster], 99),
                   before.after([first, on, faster], 99)):  # fmt: skip
        assert passed.runs == (Run(-3, 0, 1), Run(0, 9, 2), faster)
    for other in (Run(5, 9, 2, 1), Run(6, 9, 2), Run(5, 9, 2, 0, 1)):
        assert NOTHING.after([first, other], 99).runs == (first, other)


def test_a_run_is_forgotten_at_the_tick_at_which_no_window_reaches_it() -> None:
    passed = NOTHING.after([Run(0, 10, 1), Run(10, 29, 2)], 20)
    assert passed.runs[0] == Run(0, 10, 1)
    assert passed.after([Run(29, 30, 3)], 20).runs == (Run(10, 29, 2), Run(29, 30, 3))


def test_runs_that_fit_once_the_oldest_is_forgotten_are_all_kept() -> None:
    runs = tuple(Run(at, at + 1, 1 + at % 2) for at in range(MOST_RUNS + 1))
    assert NOTHING.after(runs, MOST_RUNS).runs == runs[1:]


def test_as_many_runs_as_there_is_room_for_are_kept_and_one_more_joins_the_two_oldest() -> None:
    runs = tuple(Run(at, at + 1, 1 + at % 2, 5) for at in range(MOST_RUNS))
    assert NOTHING.room == MOST_RUNS
    passed = NOTHING.after(runs, DAY)
    assert passed.runs == runs
    assert passed.room == 0
    joined = passed.after([Run(MOST_RUNS, MOST_RUNS + 1, 9)], DAY).runs
    assert len(joined) == MOST_RUNS
    assert joined[0] == Run(2, 2, 0, burst=(1 + 5) + (2 + 5))  # both with their bolus, as if just now
    assert joined[1:] == (*runs[2:], Run(MOST_RUNS, MOST_RUNS + 1, 9))
    assert NOTHING.after((Run(-1, 0, 4), *runs, Run(MOST_RUNS, MOST_RUNS + 1, 9)), DAY).runs == (
        Run(2, 2, 0, burst=4 + (1 + 5) + (2 + 5)),
        *joined[1:],
    )


def test_what_came_at_once_is_in_no_window_any_more_at_the_tick_at_which_it_drops_out() -> None:
    passed = NOTHING.after([Run(0, 10, 0, burst=7)], DAY)
    to_come = [Run(10, 20, 1)]  # 16 in the window up to 19, 10 in the one up to 20
    assert passed.breach(to_come, Limit(20, 16)) is None
    assert passed.breach(to_come, Limit(20, 15)) == Breach(19, 20)


# --- trains ---------------------------------------------------------------------------------------------


def test_a_train_that_ends_before_it_starts_or_flows_back_is_no_train() -> None:
    assert guard().admitted(train(10, 9, 0)) is None
    assert guard().admitted(train(10, 9, 1)) is None
    assert guard().admitted(train(0, 9, -1, phase=COST)) is None


def test_a_train_of_no_time_or_no_flow_is_let_through() -> None:
    for nothing in (train(5, 5, 0), train(0, 1000, 0, phase=COST - 1), train(0, 1000, 1)):
        assert guard().admitted(nothing) == nothing


def test_a_stroke_that_no_flow_makes_is_not_made() -> None:
    assert guard().admitted(train(0, 1000, 0, phase=COST)) is None


@pytest.mark.parametrize("highest", [-1, 0, 100])
def test_a_train_is_let_through_up_to_the_highest_flow_and_a_halt_whatever_it_is(highest: int) -> None:
    limited = guard(highest=highest)
    for rate, let in ((0, True), (max(highest, 0) + 1, False), (highest, highest > 0)):
        asked = train(0, 1000, rate)
        assert limited.admitted(asked) == (asked if let or rate == 0 else None)
    assert limited.whole([train(0, 1000, highest)]) == ((train(0, 1000, highest),) if highest >= 0 else ())


def test_no_train_is_faster_than_the_drive_whatever_is_authorised() -> None:
    fast = guard(highest=10 * QUICKEST)
    assert fast.admitted(train(0, SHORTEST_MS, QUICKEST)) is not None
    assert fast.admitted(train(0, SHORTEST_MS, QUICKEST + 1)) is None
    assert fast.admitted(train(0, 1, QUICKEST + 1)) is None  # not even for a moment


def test_a_stroke_that_was_due_at_the_start_or_before_is_not_made_up() -> None:
    rate = QUICKEST // 2
    assert guard(phase=COST).admitted(train(0, 10_000, rate, phase=COST)) is None
    assert guard(phase=COST - rate).admitted(train(0, 10_000, rate, phase=COST - rate)) is not None


@pytest.mark.parametrize(("since_ms", "let"), [(SHORTEST_MS, True), (SHORTEST_MS - 1, False)])
@pytest.mark.parametrize("ends_ms", [5000, 5000 + 2000])
def test_a_stroke_keeps_its_distance_from_the_last_one(since_ms: int, let: bool, ends_ms: int) -> None:
    rate = QUICKEST // 2
    watch = guard(phase=COST - 5 * rate, last_stroke_ms=5000 - since_ms)
    asked = train(4995, ends_ms, rate, phase=COST - 5 * rate)
    assert asked.tick_of(1) == 5000
    assert (watch.admitted(asked) is not None) == let
    before = asked.until(4998)  # without a stroke
    after = train(4998, ends_ms, rate, before.left)
    assert before.count == 0
    assert watch.whole([asked]) == ((asked,) if let else ())
    assert watch.whole([before, after]) == ((before, after) if let else (before,))


def test_the_guard_remembers_its_last_stroke_over_trains_without_one() -> None:
    rate = QUICKEST // 2
    asked = train(0, 5000, rate)
    watch = guard().after(asked)
    assert watch.last_stroke_ms == asked.tick_of(asked.count)
    assert watch.phase == asked.flow % COST
    assert watch.after(train(5000, 5001, 0, watch.phase)).last_stroke_ms == watch.last_stroke_ms


def test_a_halt_is_let_through_even_where_a_window_is_too_full_already() -> None:
    full = guard().after(train(0, 90_000, QUICKEST)).told(Limits(QUICKEST, DAY, (Limit(DAY, 1),)))
    still = train(90_000, 95_000, 0, full.phase)
    assert full.admitted(still) == still
    assert full.admitted(train(90_000, 95_000, 1, full.phase)) is None


def test_a_train_is_cut_one_tick_before_the_breach_and_refused_where_nothing_is_left() -> None:
    limited = guard(windows=(Limit(DAY, 1000 * QUICKEST),))
    asked = train(0, 5000, QUICKEST)
    assert limited.admitted(asked) == asked.until(1000)
    assert guard(windows=(Limit(DAY, QUICKEST),)).admitted(asked) == asked.until(1)
    assert guard(windows=(Limit(DAY, QUICKEST - 1),)).admitted(asked) is None


# --- charges --------------------------------------------------------------------------------------------


def test_a_charge_of_nothing_lasts_for_the_whole_train() -> None:
    paid = credit()
    watch = guard().granted(paid)
    asked = train(7000, 17_000, 5)
    assert watch.admitted(asked, (Charge(paid, 0),)) == asked
    assert watch.admitted(train(7000, 7000, 0), (Charge(paid, 0),)) is None  # no tick of it is covered


def test_a_charge_lasts_whole_ticks_and_may_be_as_small_as_one() -> None:
    paid = ISSUER.issue(CreditKind.PATH, 1_000, 3)[1]
    watch = guard(highest=0).granted(paid)
    for rate, lasts in ((1, 1000), (3, 333)):
        admitted = watch.admitted(train(0, 5000, rate), (Charge(paid, rate),))
        assert admitted == train(0, lasts, rate)
        assert isinstance(admitted.end_ms, int)
    assert watch.admitted(train(0, 5000, 4), (Charge(paid, 4),)) is None


def test_a_credit_pays_what_flowed_and_gets_back_what_was_missed_once() -> None:
    paid = credit(10, refundable=3 * COST)
    asked = train(0, 4 * SHORTEST_MS, QUICKEST)
    flow = QUICKEST * 4 * SHORTEST_MS
    watch = guard(highest=0).granted(paid).after(asked, (Charge(paid, QUICKEST),), missed=2)
    assert watch.ledger.left(paid) == 10 * COST - flow + 2 * COST
    again = watch.after(
        replace(asked, start_ms=5000, end_ms=5000 + 4 * SHORTEST_MS), (Charge(paid, QUICKEST),), 2
    )
    assert again.ledger.left(paid) == 10 * COST - 2 * flow + 3 * COST


def test_nothing_is_given_back_where_nothing_was_missed() -> None:
    paid = credit(10, refundable=3 * COST)
    watch = guard(highest=0).granted(paid)
    asked = train(0, SHORTEST_MS, QUICKEST)
    assert (
        watch.after(asked, (Charge(paid, QUICKEST),)).ledger.left(paid) == 10 * COST - QUICKEST * SHORTEST_MS
    )


def test_what_a_bolus_missed_is_not_given_back() -> None:
    paid = credit(10, kind=CreditKind.BOLUS, refundable=3 * COST)
    asked = train(0, SHORTEST_MS, QUICKEST)
    watch = guard(highest=0).granted(paid).after(asked, (Charge(paid, QUICKEST),), missed=1)
    assert watch.ledger.left(paid) == 10 * COST - QUICKEST * SHORTEST_MS


# --- credits --------------------------------------------------------------------------------------------


def test_credits_are_numbered_from_one_on_without_a_gap_and_give_nothing_back_unless_said() -> None:
    issuer, first = ISSUER.issue(CreditKind.PATH, 5, 7)
    issuer, second = issuer.issue(CreditKind.BOLUS, 6, 8, 9)
    assert [first.number, second.number, issuer.last_number] == [1, 2, 2]
    assert (first.kind, first.flow, first.highest_nl_per_day, first.refundable) == (CreditKind.PATH, 5, 7, 0)
    assert second.refundable == 9
    assert len(second.seal) == SEAL_BYTES
    assert issuer.key == KEY


def test_the_seal_is_the_one_that_saved_pumps_carry() -> None:
    assert ISSUER.issue(CreditKind.PATH, 5, 7)[1].seal.hex() == "77be830c7f3e7966c07a4cf529ce1a62"


def test_the_smallest_credit_is_taken_and_an_empty_one_is_not() -> None:
    smallest, empty = (ISSUER.issue(CreditKind.PATH, flow, 7)[1] for flow in (1, 0))
    assert NO_CREDITS.accepted(smallest, KEY).left(smallest) == 1
    assert NO_CREDITS.accepted(empty, KEY) == NO_CREDITS


def test_what_was_never_taken_has_nothing_left() -> None:
    assert NO_CREDITS.left(None) == 0
    assert NO_CREDITS.left(credit()) == 0


def test_a_credit_is_closed_when_its_last_unit_is_spent_and_others_are_not_touched() -> None:
    issuer, one = ISSUER.issue(CreditKind.PATH, 10, 7, 5)
    _, other = issuer.issue(CreditKind.PATH, 20, 7)
    ledger = NO_CREDITS.accepted(one, KEY).accepted(other, KEY)
    assert ledger.spent(one, 9) == Ledger(2, (Open(one, 1), Open(other, 20)))
    assert ledger.spent(one, 10) == Ledger(2, (Open(other, 20),))
    assert ledger.only((one,)) == Ledger(2, (Open(one, 10),))


# --- admission ------------------------------------------------------------------------------------------


def test_a_bolus_that_lasts_as_long_as_the_flow_below_it_is_seen_whole() -> None:
    limited = guard(highest=100, windows=(Limit(50, 1_000, with_boluses=True),))
    basal = (Flow(20, 10), Flow(200, 0))
    assert foreseen_breach(limited, 0, basal, Extra(0, 20, 40)) is None  # 20 x (10 + 40) is the limit
    assert foreseen_breach(limited, 0, basal, Extra(0, 20, 41)) == Breach(20, 50)
    assert foreseen_breach(limited, 0, basal, Extra(5, 20, 54)) == Breach(20, 50)
    assert foreseen_breach(limited, 0, basal, Extra(5, 20, 53)) is None


def test_what_the_program_adds_later_is_seen_too() -> None:
    limited = guard(highest=100, windows=(Limit(50, 1_000, with_boluses=True),))
    assert foreseen_breach(limited, 0, (Flow(60, 0), Flow(200, 21))) == Breach(60 + 48, 50)
    assert foreseen_breach(limited, 0, (Flow(60, 0), Flow(200, 20))) is None
    assert foreseen_breach(limited, 0, ()) is None
