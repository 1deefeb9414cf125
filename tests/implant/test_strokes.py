"""Strokes and the guard in front of the motor."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.implant.firmware.credits import key_of
from openitb.implant.firmware.guard import Guard, Limits
from openitb.implant.firmware.strokes import Counter, Train

COST = 250 * units.MS_PER_DAY
HIGHEST = 24_000_000
GUARD = Guard(COST // HIGHEST, key_of("NGP000001"), Limits(HIGHEST, units.MS_PER_DAY))

rates = st.integers(1, HIGHEST)
phases = st.integers(0, COST - 1)


def train(rate: int, phase: int = 0, ms: int = units.MS_PER_DAY, start: int = 0) -> Train:
    return Train(start, start + ms, phase, rate, COST)


def test_400_microlitres_a_day_is_a_stroke_every_54_seconds() -> None:
    day = train(400_000)
    assert day.count == 1600
    assert [day.tick_of(n) for n in (1, 2, 1600)] == [54_000, 108_000, units.MS_PER_DAY]


def test_a_stroke_falls_on_the_first_whole_millisecond_at_which_it_is_due() -> None:
    third = train(7)  # one stroke in 250/7 days
    due = third.tick_of(1)
    assert replace(third, end_ms=due).count == 1
    assert replace(third, end_ms=due - 1).count == 0


def test_what_is_accumulated_towards_a_stroke_is_carried_over_a_change_of_flow() -> None:
    half_stroke = train(400_000, ms=27_000)
    counter = Counter().after(half_stroke)
    assert (counter.strokes, counter.phase) == (0, COST // 2)
    assert train(100_000, phase=counter.phase).tick_of(1) == 108_000


@pytest.mark.requirement("DEL-02")
@given(rate=rates, phase=phases, ms=st.integers(0, 10**9), cut=st.data())
def test_cutting_a_train_changes_no_count(rate: int, phase: int, ms: int, cut: st.DataObject) -> None:
    whole = train(rate, phase, ms)
    middle = cut.draw(st.integers(0, ms))
    counter = Counter(0, 0, phase).after(whole.until(middle))
    rest = Train(middle, ms, counter.phase, rate, COST)
    assert counter.after(rest) == Counter(0, 0, phase).after(whole)


@given(rate=rates, phase=phases, ms=st.integers(1, 10**9))
def test_the_guard_admits_every_flow_the_pump_is_made_for(rate: int, phase: int, ms: int) -> None:
    asked = train(rate, phase, ms)
    assert GUARD.admitted(asked) == asked


@pytest.mark.requirement("DEL-03", "DEL-07")
def test_the_guard_admits_the_highest_flow_and_nothing_above_it() -> None:
    assert GUARD.admitted(train(HIGHEST))
    assert GUARD.admitted(train(HIGHEST + 1)) is None


@given(before=rates, after=rates, phase=phases, ms=st.integers(1, 10**8))
def test_the_guard_admits_any_change_between_allowed_flows(
    before: int, after: int, phase: int, ms: int
) -> None:
    first = train(before, phase, ms)
    counter = Counter(0, 0, phase).after(first)
    then = train(after, counter.phase, ms, start=ms)
    assert GUARD.after(first).admitted(then) == then


@pytest.mark.requirement("DEL-07", "DEL-08")
@pytest.mark.hazard("HAZ-01")
@pytest.mark.parametrize(
    "corrupted",
    [
        train(-1),
        train(10**12),
        train(400_000, phase=3 * COST),
        train(400_000, phase=COST),
        train(0, phase=COST),
        Train(1000, 0, 0, 400_000, COST),
        Train(0, units.MS_PER_DAY, 0, 400_000, 1),
    ],
    ids=["reverse", "free flow", "three at once", "one overdue", "at rest", "back in time", "tiny strokes"],
)
def test_the_guard_vetoes_what_a_faulty_controller_asks(corrupted: Train) -> None:
    assert GUARD.admitted(corrupted) is None


@pytest.mark.requirement("DEL-07")
def test_the_guard_vetoes_a_train_repeated_at_once() -> None:
    once = train(HIGHEST, phase=COST - 1, ms=1)
    assert once.count == 1
    assert GUARD.admitted(once) == once
    assert GUARD.after(once).admitted(replace(once, start_ms=1, end_ms=2)) is None


@pytest.mark.requirement("DEL-04", "DEL-07")
@given(
    st.lists(
        st.tuples(st.integers(-(10**6), 10**9), st.integers(-COST, 2 * COST), st.integers(0, 5000)),
        max_size=12,
    )
)
def test_no_window_of_time_holds_more_than_the_highest_flow_and_one_stroke(
    asked: list[tuple[int, int, int]],
) -> None:
    guard, now, made = GUARD, 0, []
    for rate, phase, ms in asked:
        wanted = Train(now, now + ms, phase, rate, COST)
        if guard.admitted(wanted) == wanted:
            made += [wanted.tick_of(n) for n in range(1, wanted.count + 1)]
            guard = guard.after(wanted)
        now += ms
    for i, first in enumerate(made):
        for n, last in enumerate(made[i:]):
            assert n * COST <= HIGHEST * (last - first)
