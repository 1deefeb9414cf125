"""The guard over all windows of time, against a list of strokes counted one by one."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.implant.firmware.admission import Extra, Flow, foreseen_breach
from openitb.implant.firmware.credits import Charge, Credit, CreditKind, Issuer, key_of
from openitb.implant.firmware.guard import Guard, Limits
from openitb.implant.firmware.passed import MOST_RUNS, NOTHING, Breach, Limit, Passed, Run
from openitb.implant.firmware.strokes import Train

MINUTE, HOUR, DAY = units.MS_PER_MIN, units.MS_PER_H, units.MS_PER_DAY
STROKE = 250
COST = STROKE * DAY
KEY = key_of("NGP000001")
ISSUER = Issuer(KEY)
HIGHEST = 24_000_000


def guard(highest: int = HIGHEST, windows: tuple[Limit, ...] = ()) -> Guard:
    return Guard(COST // HIGHEST, KEY, Limits(highest, DAY, windows))


def train(start: int, end: int, rate: int, phase: int = 0) -> Train:
    return Train(start, end, phase, rate, COST)


def volume(nl: int) -> int:
    """A volume as flow, nL/day x ms."""
    return nl * DAY


# --- incident 20: each bolus passes, a later window holds too much ---------------------------------

BASAL = 144_000_000  # 6 mL/h
BOLUS = 1_440_000_000  # 1 mL in a minute, on top
MOST = 26_500_000
WINDOW = 240 * MINUTE
SCRIPT = (100, 140, 180)
PCA = Guard(1, KEY, Limits(BASAL, DAY, (Limit(WINDOW, volume(MOST), with_boluses=True),)))
ALWAYS = (Flow(1000 * MINUTE, BASAL),)


def lived(until_min: int, boluses: tuple[int, ...]) -> Guard:
    """The pump of the incident: off until minute 60, then basal, with boluses of a minute."""
    edges = sorted({0, 60, until_min, *boluses, *(b + 1 for b in boluses)})
    passed = NOTHING
    for start, end in pairwise(edge for edge in edges if edge <= until_min):
        basal, bolus = (0 if start < 60 else BASAL), BOLUS * (start in boluses)
        passed = passed.after((Run(start * MINUTE, end * MINUTE, basal, bolus),), DAY)
    return replace(PCA, passed=passed)


def bolus_at(minute: int) -> Extra:
    return Extra(minute * MINUTE, (minute + 1) * MINUTE, BOLUS)


def held_ml(passed: Passed, minute: int) -> float:
    return passed.held(WINDOW, minute * MINUTE, with_boluses=True) / volume(1_000_000)


@pytest.mark.requirement("DEL-06")
@pytest.mark.hazard("INC-20", without="a look at every window to come")
def test_incident_20_all_three_boluses_pass_a_check_at_the_moment_they_are_asked_for() -> None:
    for number, minute in enumerate(SCRIPT):
        before = lived(minute, SCRIPT[:number])
        assert held_ml(before.passed, minute) + 1 <= 26.5
    assert held_ml(lived(320, SCRIPT).passed, 320) == 27.0


@pytest.mark.requirement("DEL-06")
@pytest.mark.hazard("INC-20")
def test_incident_20_the_third_bolus_is_refused_because_of_minute_295() -> None:
    for number, minute in enumerate(SCRIPT[:2]):
        assert (
            foreseen_breach(lived(minute, SCRIPT[:number]), minute * MINUTE, ALWAYS, bolus_at(minute)) is None
        )
    third = foreseen_breach(lived(180, SCRIPT[:2]), 180 * MINUTE, ALWAYS, bolus_at(180))
    assert third == Breach(295 * MINUTE + 1, WINDOW)


@pytest.mark.requirement("DEL-06", "DEL-07")
@pytest.mark.hazard("INC-20")
def test_incident_20_without_admission_the_guard_stops_the_stroke_that_would_cross_the_limit() -> None:
    after = lived(181, SCRIPT)
    asked = train(181 * MINUTE, 500 * MINUTE, BASAL)
    admitted = after.admitted(asked)
    assert admitted is not None
    assert admitted.end_ms == 295 * MINUTE
    assert after.after(admitted).admitted(replace(asked, start_ms=295 * MINUTE)) is None


@pytest.mark.requirement("DEL-06")
def test_the_third_bolus_is_admitted_once_the_first_has_left_every_window_to_come() -> None:
    waiting = lived(341, SCRIPT[:2])
    assert foreseen_breach(waiting, 341 * MINUTE, ALWAYS, bolus_at(341)) is None


# --- windows, against strokes counted one by one -----------------------------------------------------

rates = st.sampled_from([0, 1_000_000, 3_000_000, 12_000_000, 24_000_000, 30_000_000, -1])
asks = st.lists(
    st.tuples(rates, st.integers(0, 90_000), st.sampled_from([0, 0, 0, 1, COST - 1, COST, 5 * COST])),
    min_size=1,
    max_size=10,
)
LIMITS = (Limit(10_000, volume(1_100)), Limit(60_000, volume(3_000)), Limit(200_000, volume(7_777)))


def driven(watch: Guard, asked: list[tuple[int, int, int]], latching: bool = False) -> list[int]:
    """The ticks of the strokes that came through when a controller asked for these trains in turn."""
    made, now, halted = [], 0, False
    for rate, ms, jump in asked:
        end = now + ms
        wanted = train(now, end, rate, watch.phase + jump)
        admitted = None if halted else watch.admitted(wanted)
        halted = halted or (latching and admitted != wanted)
        if admitted is not None:
            made += [admitted.tick_of(n) for n in range(1, admitted.count + 1)]
            watch = watch.after(admitted)
        rest = admitted.end_ms if admitted else now
        if rest < end:
            watch = watch.after(train(rest, end, 0))
        now = end
    return made


@pytest.mark.requirement("DEL-06", "DEL-07", "DEL-08")
@given(asks)
def test_whatever_the_controller_asks_no_window_holds_more_than_its_limit_and_one_stroke(
    asked: list[tuple[int, int, int]],
) -> None:
    made = driven(guard(windows=LIMITS), asked)
    for i, last in enumerate(made):
        for limit in LIMITS:
            inside = [tick for tick in made[: i + 1] if tick > last - limit.window_ms]
            assert len(inside) * COST <= limit.most + COST
    assert all(later - earlier >= COST // HIGHEST for earlier, later in pairwise(made))


@pytest.mark.requirement("DEL-06")
@given(asks)
def test_no_window_of_any_length_holds_more_than_the_highest_flow_of_the_program_and_one_stroke(
    asked: list[tuple[int, int, int]],
) -> None:
    made = driven(guard(highest=3_000_000, windows=LIMITS), [(rate, ms, 0) for rate, ms, _ in asked])
    for i, first in enumerate(made):
        for n, last in enumerate(made[i:]):
            assert n * COST <= 3_000_000 * (last - first)


runs = st.lists(st.tuples(st.sampled_from([0, 1, 3, 7]), st.integers(1, 40)), min_size=1, max_size=8)


@given(
    past=runs, rate=st.integers(1, 9), ms=st.integers(1, 60), most=st.integers(0, 120), w=st.integers(1, 50)
)
def test_a_breach_is_the_first_tick_at_which_a_window_counted_tick_by_tick_holds_too_much(
    past: list[tuple[int, int]], rate: int, ms: int, most: int, w: int
) -> None:
    passed, per_tick = NOTHING, []
    for flow, length in past:
        passed = passed.after((Run(len(per_tick), len(per_tick) + length, flow),), 1000)
        per_tick += [flow] * length
    now = len(per_tick)
    per_tick += [rate] * ms
    over = [at for at in range(now, now + ms + 1) if sum(per_tick[max(0, at - w) : at]) > most]
    found = passed.breach((Run(now, now + ms, rate),), Limit(w, most))
    assert (found.at_ms if found else None) == (over[0] if over else None)


@given(asks, st.integers(1, 100_000))
def test_no_cut_through_time_moves_a_veto(asked: list[tuple[int, int, int]], every: int) -> None:
    pieces = []
    for rate, ms, _ in asked:
        whole, rest = divmod(ms, every)
        pieces += [(rate, every, 0)] * min(whole, 20) + [(rate, rest + every * max(0, whole - 20), 0)]
    merged = [(rate, ms, 0) for rate, ms, _ in asked]
    watch = guard(windows=LIMITS)
    assert driven(watch, pieces, latching=True) == driven(watch, merged, latching=True)


def test_a_window_that_began_before_the_change_is_held_to_the_larger_limit() -> None:
    limit = Limit(HOUR, volume(1_000), since_ms=10 * HOUR, spanning=volume(4_000))
    assert [limit.at(at) for at in (10 * HOUR, 11 * HOUR - 1, 11 * HOUR)] == [
        volume(4_000),
        volume(4_000),
        volume(1_000),
    ]


def test_memory_is_bounded_and_forgetting_never_makes_room() -> None:
    passed = NOTHING
    for tick in range(3 * MOST_RUNS):
        passed = passed.after((Run(tick, tick + 1, 1 + tick % 2),), DAY)
    assert len(passed.runs) <= MOST_RUNS
    end = 3 * MOST_RUNS
    for window in (10, 1000, 2000, 2500, 3000):
        true = sum(1 + tick % 2 for tick in range(end - window, end))
        assert passed.held(window, end, with_boluses=False) >= true


# --- credits -----------------------------------------------------------------------------------------

TIGHT = guard(highest=400_000)


def prime(strokes: int = 100, highest: int = HIGHEST) -> Credit:
    return ISSUER.issue(CreditKind.PATH, strokes * COST, highest)[1]


@pytest.mark.requirement("DEL-07")
def test_a_prime_without_a_credit_is_an_overdose_to_the_guard() -> None:
    assert TIGHT.admitted(train(0, 19 * MINUTE, HIGHEST)) is None


@pytest.mark.requirement("DEL-07", "BOL-13")
def test_a_credit_lets_its_volume_through_once_and_is_then_worth_nothing() -> None:
    charge = Charge(prime(), HIGHEST)
    charges = (charge,)
    watch = TIGHT.granted(charge.credit)
    admitted = watch.admitted(train(0, HOUR, HIGHEST), charges)
    assert admitted is not None
    assert admitted.count == 100
    spent = watch.after(admitted, charges)
    assert spent.admitted(train(admitted.end_ms, HOUR, HIGHEST), charges) is None
    assert spent.granted(charge.credit) == spent


@pytest.mark.requirement("DEL-07")
@pytest.mark.parametrize(
    "change",
    [
        {"flow": 10**20},
        {"highest_nl_per_day": 10**9},
        {"number": 7},
        {"kind": CreditKind.BOLUS},
        {"seal": b""},
        {"refundable": 10**20},
    ],
)
def test_a_credit_that_was_changed_or_made_up_is_not_accepted(change: dict[str, object]) -> None:
    credit = prime(highest=12_000_000)
    forged = replace(credit, **change)
    assert TIGHT.granted(forged) == TIGHT
    assert TIGHT.granted(credit).admitted(train(0, MINUTE, 12_000_000), (Charge(forged, 12_000_000),)) is None


def test_a_credit_of_another_pump_is_not_accepted() -> None:
    _, credit = Issuer(key_of("NGP000002")).issue(CreditKind.PATH, COST, HIGHEST)
    assert TIGHT.granted(credit) == TIGHT


@pytest.mark.requirement("DEL-07")
def test_the_credit_of_a_bridge_is_no_licence_for_the_speed_of_a_prime() -> None:
    credit = prime(1500, 500_000)
    watch = TIGHT.granted(credit)
    slow, fast = train(0, HOUR, 500_000), train(0, HOUR, 500_001)
    assert watch.admitted(slow, (Charge(credit, 500_000),)) == slow
    assert watch.admitted(fast, (Charge(credit, 500_001),)) is None


@pytest.mark.requirement("DEL-04", "DEL-07")
def test_a_credit_covers_no_more_than_the_flow_charged_to_it() -> None:
    credit = prime(100, 1_000_000)
    watch = TIGHT.granted(credit)
    both = train(0, MINUTE, 1_400_000)
    assert watch.admitted(both, (Charge(credit, 1_000_000),)) == both
    assert watch.admitted(train(0, MINUTE, 1_400_001), (Charge(credit, 1_000_000),)) is None
    assert watch.admitted(both, (Charge(credit, 999_999),)) is None
    assert watch.admitted(both, (Charge(credit, -1),)) is None


@pytest.mark.requirement("DEL-07")
def test_one_credit_cannot_be_charged_twice_at_once() -> None:
    credit = prime(100, 1_000_000)
    watch = TIGHT.granted(credit)
    twice = (Charge(credit, 1_000_000), Charge(credit, 1_000_000))
    assert watch.admitted(train(0, MINUTE, 2_000_000), twice) is None


@pytest.mark.requirement("DEL-04")
def test_a_bolus_during_a_bridge_runs_on_two_credits_and_ends_with_the_first_of_them() -> None:
    bridge = prime(1000, 500_000)
    issuer = Issuer(KEY, last_number=1)
    _, bolus = issuer.issue(CreditKind.BOLUS, 10 * COST, 2_000_000)
    watch = TIGHT.granted(bridge).granted(bolus)
    charges = (Charge(bridge, 500_000), Charge(bolus, 2_000_000))
    admitted = watch.admitted(train(0, HOUR, 2_500_000), charges)
    assert admitted is not None
    assert admitted.end_ms == 10 * COST // 2_000_000


def test_a_withdrawn_credit_cannot_be_handed_in_again() -> None:
    credit = prime()
    watch = TIGHT.granted(credit).withdrawn(())
    assert watch.granted(credit).admitted(train(0, MINUTE, HIGHEST), (Charge(credit, HIGHEST),)) is None


@pytest.mark.requirement("DEL-06")
@pytest.mark.parametrize(("kind", "strokes"), [(CreditKind.BOLUS, 40), (CreditKind.PATH, 100)])
def test_a_bolus_counts_as_dose_and_a_prime_does_not(kind: CreditKind, strokes: int) -> None:
    limited = guard(highest=400_000, windows=(Limit(HOUR, volume(10_000), with_boluses=True),))
    _, credit = ISSUER.issue(kind, 100 * COST, HIGHEST)
    admitted = limited.granted(credit).admitted(train(0, HOUR, HIGHEST), (Charge(credit, HIGHEST),))
    assert admitted is not None
    assert admitted.count == strokes


@pytest.mark.requirement("BOL-04", "DEL-06")
def test_a_bolus_on_its_credit_takes_no_room_from_the_program() -> None:
    day = (Limit(HOUR, 400_000 * HOUR),)
    credit = prime(40, 600_000)
    watch = guard(highest=400_000, windows=day).granted(replace(credit))
    asked = train(0, MINUTE, 1_000_000)
    watch = watch.after(watch.admitted(asked, (Charge(credit, 600_000),)), (Charge(credit, 600_000),))
    rest = train(MINUTE, 5 * HOUR, 400_000, watch.phase)
    assert watch.admitted(rest) == rest


@pytest.mark.requirement("DEL-11")
def test_flow_that_nothing_accounts_for_counts_as_if_it_came_at_once() -> None:
    limited = guard(highest=400_000, windows=(Limit(HOUR, volume(300)),))
    honest = limited.after(train(0, 27_000, 400_000))
    assert honest.phase == COST // 2
    assert honest.admitted(train(27_000, 54_000, 400_000, COST // 2)) is not None
    assert limited.admitted(train(0, 54_000, 400_000, COST - 1)).end_ms < 54_000
