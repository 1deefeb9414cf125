"""Trains taken together are what they are one by one: in the guard, at the outlet, over a whole life."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openitb import units
from openitb.implant import Specimen, latched_alarms, program_digest
from openitb.implant import implant as implants
from openitb.implant.firmware.credits import key_of
from openitb.implant.firmware.guard import Guard, Limits
from openitb.implant.firmware.passed import MOST_RUNS, NOTHING, Limit, Run
from openitb.implant.firmware.seal import sealed
from openitb.implant.firmware.strokes import Train
from openitb.implant.hardware.clock import Crystal
from openitb.implant.hardware.motor import Motor
from openitb.implant.hardware.outlet import Outlet
from openitb.implant.hardware.parts import Hardware
from openitb.implant.hardware.reservoir import Reservoir
from openitb.prescription import Flex, FlexPattern, FlexStep, Periodic, WeekStep
from openitb.protocol import AlarmCondition, Applied, SetClock, SetDoseLimits, WindowDose

DAY, HOUR = units.MS_PER_DAY, units.MS_PER_H
START_MS = 1_767_571_200_000
COST = 250 * DAY
RESIDUAL, CAPACITY = 1_400_000, 20_000_000
HIGHEST = 24_000_000
EVERY_DAY = tuple(range(7))


def flex(rates: list[int], days: tuple[int, ...] = EVERY_DAY) -> FlexPattern:
    every = DAY // len(rates)
    return FlexPattern(days, tuple(FlexStep(i * every, rate * 1_000_000) for i, rate in enumerate(rates)))


TWELVE = Flex((flex([12, 24, 6, 18, 9, 21, 12, 3, 15, 8, 30, 5]),))
WEEKEND = Flex((flex([12, 6], (0, 1, 2, 3, 4)), flex([6, 12, 9], (5, 6))))
DOSES = Periodic(50_000_000, 200 * units.MS_PER_MIN, 6 * HOUR, 120_000_000, HOUR)


@contextmanager
def one_by_one() -> Iterator[None]:
    """As if no two trains were ever taken together."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(implants, "trains_ahead", lambda *_: iter(()))
        yield


flows = st.lists(st.tuples(st.sampled_from([0, 1, 3, 7]), st.integers(1, 40)), min_size=1, max_size=8)


@pytest.mark.requirement("DEL-06")
@example(past=[(3, 5), (7, 5)], to_come=[(7, 9)], most=35, w=5, since=0)
@example(past=[(3, 5), (7, 5)], to_come=[(8, 9)], most=35, w=5, since=0)
@example(past=[(7, 10)], to_come=[(7, 5)], most=40, w=7, since=8)
@given(past=flows, to_come=flows, most=st.integers(0, 120), w=st.integers(1, 50), since=st.integers(0, 200))
def test_over_many_runs_a_breach_is_the_first_tick_at_which_a_counted_window_holds_too_much(
    past: list[tuple[int, int]], to_come: list[tuple[int, int]], most: int, w: int, since: int
) -> None:
    passed, per_tick, runs = NOTHING, list[int](), list[Run]()
    for flow, length in past:
        passed = passed.after((Run(len(per_tick), len(per_tick) + length, flow),), 1000)
        per_tick += [flow] * length
    now, limit = len(per_tick), Limit(w, most, since_ms=since, spanning=2 * most)
    for flow, length in to_come:
        runs.append(Run(len(per_tick), len(per_tick) + length, flow))
        per_tick += [flow] * length
    ends = range(now, len(per_tick) + 1)
    over = [at for at in ends if sum(per_tick[max(0, at - w) : at]) > limit.at(at)]
    found = passed.breach(runs, limit)
    assert (found.at_ms if found else None) == (over[0] if over else None)


asks = st.lists(
    st.tuples(
        st.sampled_from([0, 1_000_000, 3_000_000, 12_000_000, 24_000_000, 30_000_000, -1]),
        st.integers(0, 90_000),
        st.sampled_from([0] * 9 + [1, COST]),
    ),
    min_size=1,
    max_size=12,
)
LIMITS = tuple(
    Limit(ms, nl * DAY, bolus)
    for ms, nl, bolus in ((10_000, 1_100, False), (60_000, 3_000, True), (200_000, 7_777, False))
)


def guard(highest: int = HIGHEST) -> Guard:
    return Guard(COST // HIGHEST, key_of("NGP000001"), Limits(highest, DAY, LIMITS))


def trains(asked: list[tuple[int, int, int]]) -> list[Train]:
    made, now, phase = list[Train](), 0, 0
    for rate, ms, jump in asked:
        made.append(Train(now, now + ms, phase + jump, rate, COST))
        now, phase = now + ms, made[-1].left
    return made


@pytest.mark.requirement("DEL-06", "DEL-07", "DEL-08")
@settings(max_examples=400)
@given(asked=asks, highest=st.sampled_from([3_000_000, HIGHEST]))
def test_the_guard_lets_nothing_through_at_once_that_it_would_not_let_through_one_by_one(
    asked: list[tuple[int, int, int]], highest: int
) -> None:
    start = each = guard(highest)
    whole = start.whole(trains(asked))
    for train in whole:
        assert each.admitted(train) == train
        each = each.after(train)
    assert not whole or start.after_whole(whole) == each


@pytest.mark.requirement("DEL-06")
def test_what_keeps_every_limit_is_let_through_at_once_and_what_breaks_one_is_not() -> None:
    kind = trains([(3_000_000, 60_000, 0), (1_000_000, 60_000, 0)] * 5)
    assert guard().whole(kind) == tuple(kind)
    greedy = trains([(3_000_000, 60_000, 0)] * 3 + [(12_000_000, 90_000, 0), (1_000_000, 60_000, 0)])
    assert guard().whole(greedy) == tuple(greedy[:3])


@pytest.mark.requirement("DEL-06")
def test_a_train_whose_last_tick_would_be_too_much_is_not_let_through_at_once() -> None:
    narrow = Guard(1, key_of("NGP000001"), Limits(HIGHEST, DAY, (Limit(10, 25),)))
    full, more = (Train(0, ms, 0, 3, COST) for ms in (8, 9))
    assert narrow.whole([full]) == (full,)
    assert narrow.whole([more]) == ()


@pytest.mark.requirement("DEL-07", "DEL-11")
def test_trains_that_do_not_follow_from_each_other_are_not_let_through_at_once() -> None:
    first, second = trains([(3_000_000, 60_000, 0), (1_000_000, 60_000, 0)])
    for other in (
        replace(second, start_ms=59_999),
        replace(second, start_ms=60_001),
        replace(second, phase=second.phase + 1),
        replace(second, rate_nl_per_day=HIGHEST + 1),
    ):
        assert guard().whole([first, other]) == (first,)


def test_no_more_runs_are_taken_at_once_than_are_remembered_apart() -> None:
    many = trains([(1_000_000 + i % 2, 10, 0) for i in range(2 * MOST_RUNS)])
    assert len(guard().whole(many)) == MOST_RUNS


@settings(max_examples=300)
@given(
    available=st.sampled_from([0, 1, 250, 286, 333, 334, 500, 667, 1_000, 3_000]),
    gain=st.sampled_from([0, 0, -1, 145_000, -145_000, 333_333]),
    carried=st.integers(0, 999_999),
    strokes=st.lists(st.integers(0, 5), min_size=1, max_size=6),
)
def test_trains_made_at_once_move_what_they_move_one_by_one(
    available: int, gain: int, carried: int, strokes: list[int]
) -> None:
    tank = Reservoir(RESIDUAL + available, CAPACITY, CAPACITY * 500, CAPACITY, RESIDUAL)
    parts = Hardware(tank, Motor(gain, carried), Crystal(0, 77))
    asked = trains([(HIGHEST, 1_000 + 900_000 * n, 0) for n in strokes])
    at_once, each = (Outlet(parts, 0, 10**9) for _ in range(2))
    at_once.turn_whole(asked, 250)
    for train in asked:
        each.turn(train, 250)
    assert at_once.hardware == each.hardware
    assert at_once.parcels() == each.parcels()


ORDERS = [TWELVE, WEEKEND, DOSES]


@pytest.mark.requirement("DEL-01", "DEL-06", "SYS-10")
@settings(max_examples=40)
@given(
    order=st.sampled_from(ORDERS),
    specimen=st.builds(Specimen, st.integers(-145_000, 145_000), st.integers(-3000, 3000)),
    volume=st.integers(1_500_000, 4_000_000),
    bridge=st.integers(0, 300_000),
    clock_ms=st.integers(-DAY, DAY),
    watched=st.booleans(),
    cuts=st.lists(st.integers(1, 14 * DAY), min_size=1, max_size=5).map(sorted),
)
def test_a_life_in_whole_stretches_is_the_life_train_by_train(
    make_bench: Callable,
    order: object,
    specimen: Specimen,
    volume: int,
    bridge: int,
    clock_ms: int,
    watched: bool,
    cuts: list[int],
) -> None:
    def lived() -> object:
        bench = make_bench(volume_nl=volume, specimen=specimen)
        assert isinstance(bench.order(order, prime_nl=140_000), Applied)
        if watched:
            allowed = (WindowDose(4 * HOUR, 10**9), WindowDose(DAY, 10**9))
            assert isinstance(
                bench.tell(SetDoseLimits("nurse", "limits", program_digest(bench.implant), allowed)), Applied
            )
        assert isinstance(bench.record(volume, 550, bridge), Applied)
        bench.run(2 * DAY)
        bench.tell(SetClock("nurse", "clock", bench.implant.now_ms + clock_ms, HOUR))
        for cut in cuts:
            bench.run_to(2 * DAY + cut)
        return bench

    whole = lived()
    with one_by_one():
        parts = lived()
    assert whole.implant == parts.implant
    assert whole.parcels == parts.parcels


@pytest.mark.requirement("DEL-07")
@pytest.mark.hazard("HAZ-01")
@pytest.mark.parametrize(
    "rates", [(400_000, 900_000, 400_000), (430_000, 540_000, 430_000), (0, -1, 400_000)]
)
def test_a_program_corrupted_behind_the_guards_back_is_vetoed_at_the_same_tick(
    rates: tuple[int, ...], make_bench: Callable
) -> None:
    def lived() -> object:
        bench = make_bench()
        bench.order(WEEKEND)
        bench.run(HOUR)
        firmware = bench.implant.firmware
        week = tuple(WeekStep(i * 2 * DAY, rate) for i, rate in enumerate(rates))
        control = replace(firmware.controller, program=replace(firmware.controller.program, week=week))
        corrupted = sealed(replace(firmware, controller=control))  # nor does the self-test see it
        bench.implant = replace(bench.implant, firmware=corrupted)
        bench.run_days(9)
        return bench

    whole = lived()
    with one_by_one():
        parts = lived()
    assert AlarmCondition.DELIVERY_GUARD in latched_alarms(whole.implant)
    assert whole.implant == parts.implant


@pytest.mark.slow
@pytest.mark.requirement("BAT-02", "SYS-10")
@pytest.mark.parametrize("concentration", [2000, 250], ids=["by age", "by charge"])
def test_seven_years_in_whole_stretches_end_service_at_the_same_tick(
    concentration: int, make_bench: Callable
) -> None:
    def lived() -> object:
        bench = make_bench(concentration=concentration, volume_nl=18_000_000)
        bench.order(WEEKEND)
        for day in range(30, 7 * 365 + 30, 30):
            bench.run_to(day * DAY)
            bench.refill(18_000_000, concentration)
        return bench

    whole = lived()
    with one_by_one():
        parts = lived()
    assert AlarmCondition.END_OF_SERVICE in latched_alarms(whole.implant)
    assert whole.implant == parts.implant
    assert whole.parcels == parts.parcels
