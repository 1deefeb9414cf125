"""What the guard is told after a command, worked out by hand to the last unit and tick."""

from dataclasses import replace

import pytest

from openitb import units
from openitb.implant import from_bytes, to_bytes
from openitb.implant.firmware import authority, dose_limits
from openitb.implant.firmware.credits import CreditKind, Issuer, Ledger, Open, key_of
from openitb.implant.firmware.passed import Limit
from openitb.implant.firmware.surveillance import UNREMARKABLE, Surveillance
from openitb.prescription import Flex, FlexPattern, FlexStep, MinimumRate, SimpleContinuous
from openitb.protocol import (
    Applied,
    DeliverBolus,
    Refused,
    SetClock,
    SetDoseLimits,
    SetLowReservoirAlarm,
    StageKind,
    WindowDose,
)

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
UG = units.PG_PER_UG
SIMPLE = SimpleContinuous(200 * UG)  # 400,000 nL/day of 500 µg/mL
COST = 250 * DAY
HIGHEST = 24_000_000


def flex(*steps: tuple[int, int]) -> Flex:
    """By hours and nL/day, as doses of 500 µg/mL."""
    listed = tuple(FlexStep(hour * HOUR, -(-flow * 500 // 24)) for hour, flow in steps)
    return Flex((FlexPattern(tuple(range(7)), listed),))


NIGHT = flex((0, 576_000), (8, 288_000))


def windows(bench: object) -> dict[tuple[int, bool], Limit]:
    found = bench.implant.firmware.guard.limits.windows
    return {(limit.window_ms, limit.with_boluses): limit for limit in found}


def limit_dose(bench: object, **most_pg: int) -> Applied | Refused:
    """Limits in pg, by hours."""
    doses = tuple(WindowDose(int(name[1:]) * HOUR, pg) for name, pg in most_pg.items())
    digest = bench.implant.firmware.controller.program.digest
    return bench.tell(SetDoseLimits("nurse", bench.command_id(), digest, doses))


def some_setting(bench: object) -> None:
    """A command that changes nothing of what flows."""
    assert isinstance(bench.tell(SetLowReservoirAlarm("nurse", bench.command_id(), 2_000_000)), Applied)


# --- limits from the program ---------------------------------------------------------------------------


def test_a_program_of_one_flow_needs_no_window_beside_its_highest_flow(bench: object) -> None:
    bench.order(SIMPLE)
    limits = bench.implant.firmware.guard.limits
    assert (limits.highest_nl_per_day, limits.memory_ms, limits.windows) == (400_000, DAY, ())


def test_a_window_may_hold_the_fullest_of_the_program_or_the_mean_that_a_lost_clock_runs_at(
    bench: object,
) -> None:
    bench.order(flex((0, 576_000), (8, 288_001)))  # the mean, 384,000 2/3, runs as 384,001 without a clock
    found = windows(bench)
    assert set(found) == {(DAY, False)}  # one hour and four are held by the highest flow
    assert found[DAY, False].most == 384_001 * DAY > 576_000 * 8 * HOUR + 288_001 * 16 * HOUR


def test_the_fullest_window_may_end_with_a_step_as_well_as_begin_with_one(bench: object) -> None:
    bench.order(flex((0, 200_000), (8, 600_000), (16, 100_000)))
    program = bench.implant.firmware.controller.program
    assert authority.fullest(program, 10 * HOUR) == (8 * 600_000 + 2 * 200_000) * HOUR
    bench.order(flex((0, 100_000), (8, 600_000), (16, 200_000)))
    program = bench.implant.firmware.controller.program
    assert authority.fullest(program, 10 * HOUR) == (8 * 600_000 + 2 * 200_000) * HOUR


def test_a_new_program_lets_windows_that_reach_back_hold_what_they_held_and_it_adds(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run(5 * HOUR)
    bench.order(NIGHT)
    (limit,) = windows(bench).values()
    fullest = 576_000 * 8 * HOUR + 288_000 * 16 * HOUR
    assert limit == Limit(DAY, fullest, False, 5 * HOUR, 400_000 * 5 * HOUR + fullest)


def test_a_limit_stays_as_it_is_while_program_and_clock_do(bench: object) -> None:
    bench.order(NIGHT)
    bench.run(3 * HOUR)
    (before,) = windows(bench).values()
    some_setting(bench)
    assert tuple(windows(bench).values()) == (before,)
    bench.tell(SetClock("nurse", "clock", bench.implant.firmware.at_ms, HOUR))
    (after,) = windows(bench).values()
    assert (before.since_ms, after.since_ms) == (0, 3 * HOUR)


def test_a_command_that_changes_what_flows_has_the_flow_judged_anew(bench: object) -> None:
    bench.order(SIMPLE)
    noticed = Surveillance(*(7 for _ in Surveillance.__dataclass_fields__))
    firmware = replace(bench.implant.firmware, surveillance=noticed)
    bench.implant = replace(bench.implant, firmware=firmware)
    some_setting(bench)
    assert bench.implant.firmware.surveillance == noticed
    bench.order(NIGHT)
    assert bench.implant.firmware.surveillance == UNREMARKABLE


# --- limits on dose ------------------------------------------------------------------------------------


def test_a_limit_on_drug_is_one_on_flow_rounded_down(bench: object) -> None:
    bench.order(SIMPLE)
    assert isinstance(limit_dose(bench, h24=300 * UG + 1), Applied)
    most = windows(bench)[DAY, True].most
    assert most == (300 * UG + 1) * DAY // 500
    assert isinstance(most, int)
    bench.refill(18_000_000, 1000, bridge_nl=0)
    assert windows(bench)[DAY, True].most == (300 * UG + 1) * DAY // 1000


def test_a_first_limit_counts_boluses_in_what_was_held_before(bench: object) -> None:
    bench.order(SIMPLE)
    digest = bench.implant.firmware.controller.program.digest
    bench.tell(DeliverBolus("nurse", "bolus", digest, 10_000, 10 * MINUTE))
    bench.run(HOUR)
    limit_dose(bench, h24=400 * UG)
    limit = windows(bench)[DAY, True]
    held = 400_000 * HOUR + 10_000 * DAY
    assert limit == Limit(DAY, 800_000 * DAY, True, HOUR, held + 800_000 * DAY)


def test_a_limit_set_again_to_the_same_stays_and_another_spans_the_larger_of_both(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run(HOUR)
    limit_dose(bench, h24=400 * UG)
    first = windows(bench)[DAY, True]
    bench.run(HOUR)
    limit_dose(bench, h24=400 * UG)
    assert windows(bench)[DAY, True] == first
    limit_dose(bench, h24=300 * UG)
    second = windows(bench)[DAY, True]
    assert second == Limit(DAY, 600_000 * DAY, True, 2 * HOUR, first.spanning)
    assert first.spanning > first.most


@pytest.mark.parametrize(("after_ms", "remembers"), [(DAY - 1, True), (DAY, False)])
def test_what_windows_spanned_before_a_limit_is_remembered_until_none_reaches_back_to_it(
    after_ms: int, remembers: bool, bench: object
) -> None:
    bench.order(SIMPLE)
    bench.run(HOUR)
    limit_dose(bench, h24=400 * UG)
    first = windows(bench)[DAY, True]
    bench.run(after_ms)
    limit_dose(bench, h24=300 * UG)
    assert windows(bench)[DAY, True].spanning == (first.spanning if remembers else first.most)


def test_the_dose_of_the_fullest_window_is_rounded_up_against_the_limit(bench: object) -> None:
    bench.order(flex((0, 576_002), (8, 288_000)))  # 12,000,041 2/3 pg in an hour
    refused = limit_dose(bench, h1=12_000_041)
    assert (refused.field, refused.reason) == (
        "limits",
        "got 12 µg in the fullest 1 h of the program, expected at most 12 µg",
    )
    assert isinstance(limit_dose(bench, h1=12_000_042), Applied)


def test_an_order_for_which_the_past_leaves_no_room_is_told_how_much_in_which_time_and_when(
    bench: object,
) -> None:
    bench.order(flex((0, 960_000), (4, 96_000)))
    assert isinstance(limit_dose(bench, h24=130 * UG), Applied)
    bench.run(DAY + 4 * HOUR + 30 * MINUTE)
    refused = bench.order(SimpleContinuous(115 * UG))
    assert refused.field == "limits"
    told, _, wait = refused.reason.rpartition(" in ")
    assert told == "with what was delivered before, 130 µg in 24 h would be exceeded"
    assert wait == "3 h 34 min"  # 10 µg more at 115/24 - 2 µg an hour


def test_times_are_told_in_hours_and_minutes() -> None:
    assert [dose_limits._hours(ms) for ms in (HOUR, 90 * MINUTE, 59_999, 0)] == [
        "1 h",
        "1 h 30 min",
        "0 h 0 min",
        "0 h",
    ]


def test_a_bolus_is_foreseen_to_the_tick_at_which_its_last_flow_comes(
    bench: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.order(SIMPLE)
    assert isinstance(limit_dose(bench, h24=900 * UG), Applied)
    seen: list[object] = []
    monkeypatch.setattr(dose_limits, "foreseen_breach", lambda *asked: seen.append(asked))
    digest = bench.implant.firmware.controller.program.digest
    bench.tell(DeliverBolus("nurse", "bolus", digest, 10_000, 7 * MINUTE))
    (guard, now_ms, basal, extra) = seen[-1]
    assert {limit.with_boluses for limit in guard.limits.windows} == {True}
    bolus = bench.implant.firmware.controller.bolus
    assert guard == bench.implant.firmware.guard  # which has no other windows for a program of one flow
    assert (extra.start_ms, extra.rate_nl_per_day) == (now_ms, bolus.rate_nl_per_day)
    assert isinstance(extra.end_ms, int)
    assert (extra.end_ms - 1 - now_ms) * bolus.rate_nl_per_day < bolus.left
    assert (extra.end_ms - now_ms) * bolus.rate_nl_per_day >= bolus.left
    assert basal[-1].end_ms >= extra.end_ms + DAY
    assert {flow.rate_nl_per_day for flow in basal} == {400_000}


def test_a_program_that_goes_on_by_the_clock_is_foreseen_by_the_clock(
    bench: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.order(NIGHT)
    bench.run(5 * HOUR)
    seen: list[object] = []
    monkeypatch.setattr(dose_limits, "foreseen_breach", lambda *asked: seen.append(asked))
    assert isinstance(limit_dose(bench, h24=900 * UG), Applied)
    (_, now_ms, basal, extra) = seen[-1]
    assert extra is None
    assert now_ms == 5 * HOUR
    assert [(flow.end_ms, flow.rate_nl_per_day) for flow in basal[:3]] == [
        (8 * HOUR, 576_000),
        (24 * HOUR, 288_000),
        (32 * HOUR, 576_000),
    ]


def test_minimum_rate_is_not_held_to_a_limit(bench: object) -> None:
    bench.order(MinimumRate())  # 3 µg a day
    assert isinstance(limit_dose(bench, h24=UG), Applied)
    assert isinstance(bench.order(SimpleContinuous(30 * UG)), Refused)
    assert isinstance(bench.order(MinimumRate()), Applied)


def test_minimum_rate_has_room_beside_what_a_limit_allows_and_what_it_allowed(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run(HOUR)
    limit_dose(bench, h24=400 * UG)
    before = windows(bench)[DAY, True]
    bench.run(HOUR)
    bench.order(MinimumRate())  # 6,000 nL/day
    room = 6_000 * DAY
    assert windows(bench)[DAY, True] == replace(
        before, most=before.most + room, since_ms=2 * HOUR, spanning=before.spanning + room
    )


def test_a_bolus_on_minimum_rate_is_held_to_the_limit_without_that_room(bench: object) -> None:
    bench.order(SIMPLE)
    limit_dose(bench, h24=400 * UG)
    bench.run(DAY)
    bench.order(MinimumRate())
    bench.run(DAY)
    digest = bench.implant.firmware.controller.program.digest

    def bolus(nl: int) -> object:
        return bench.tell(DeliverBolus("nurse", bench.command_id(), digest, nl, HOUR))

    assert bolus(800_000 - 5_750).field == "limits"  # 6,000 nL a day beside it, but for its hour
    assert isinstance(bolus(800_000 - 6_250), Applied)


# --- credits of stages ---------------------------------------------------------------------------------


def test_a_prime_and_a_bridge_behind_it_are_each_credited_with_what_is_left_of_them(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, bridge_nl=316_000)  # 1,264 strokes at 400,000 nL/day
    bench.run(10_000_000)
    counter = bench.implant.firmware.counter
    bench.order(SIMPLE, prime_nl=100_000)  # 400 strokes, moved within the bridge
    prime, bridge = bench.implant.firmware.controller.stages
    assert (prime.kind, bridge.kind) == (StageKind.PRIME, StageKind.BRIDGE)
    assert prime.credit.flow == 400 * COST - counter.phase + HIGHEST
    left = bridge.until_stroke - prime.until_stroke
    assert bridge.credit.flow == left * COST + bridge.credit.highest_nl_per_day
    assert prime.credit.highest_nl_per_day == HIGHEST
    assert bridge.credit.highest_nl_per_day == 400_000 == authority.highest_flow(bridge.program)
    assert prime.credit.refundable == prime.credit.flow - HIGHEST
    stall = bench.implant.build.bridge_stall_ms
    assert bridge.credit.refundable == left * COST + 400_000 * stall
    assert {prime.credit.kind, bridge.credit.kind} == {CreditKind.PATH}


def test_a_bridge_that_lies_wholly_within_the_prime_before_it_is_credited_no_second_time(
    bench: object,
) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, bridge_nl=100_000)
    before = bench.implant.firmware.issuer.last_number
    bench.order(SIMPLE, prime_nl=100_000)
    assert bench.implant.firmware.issuer.last_number == before + 1
    prime, _ = bench.implant.firmware.controller.stages
    assert prime.credit.flow == 400 * COST + HIGHEST


def test_a_credit_that_still_fits_is_kept_over_other_commands_and_restarts(bench: object) -> None:
    bench.order(SIMPLE, prime_nl=316_000)
    digest = bench.implant.firmware.controller.program.digest
    bench.run(20 * MINUTE)
    assert isinstance(bench.tell(DeliverBolus("nurse", "bolus", digest, 10_000, 10 * MINUTE)), Applied)
    bench.run(MINUTE + 1)
    before = bench.implant.firmware
    assert before.controller.bolus
    some_setting(bench)
    bench.implant = from_bytes(to_bytes(bench.implant))
    after = bench.implant.firmware
    assert after.controller.bolus == before.controller.bolus
    assert after.controller.stages == before.controller.stages
    assert after.issuer == before.issuer
    assert after.guard.ledger == before.guard.ledger


def test_a_credit_of_a_prime_is_kept_over_other_commands_and_withdrawn_with_the_prime(bench: object) -> None:
    bench.order(SIMPLE, prime_nl=316_000)
    bench.run(MINUTE + 1)
    before = bench.implant.firmware
    some_setting(bench)
    after = bench.implant.firmware
    assert (after.issuer, after.guard.ledger) == (before.issuer, before.guard.ledger)
    bench.order(SIMPLE)
    assert bench.implant.firmware.guard.ledger == Ledger(1)


@pytest.mark.parametrize(("left", "kept"), [(-1, False), (0, True), (COST - 1, True), (COST, False)])
def test_a_credit_is_kept_if_what_is_left_on_it_covers_the_stage_and_less_than_a_stroke_more(
    left: int, kept: bool, bench: object
) -> None:
    bench.order(SIMPLE, prime_nl=100_000)
    firmware, build = bench.implant.firmware, bench.implant.build
    (stage,) = firmware.controller.stages
    flow = 400 * COST
    ledger = Ledger(1, (Open(stage.credit, flow + left),))
    firmware = replace(firmware, guard=replace(firmware.guard, ledger=ledger))
    after, credited = authority._credited(firmware, build, stage, flow)
    assert (credited == stage) == kept
    assert (after == firmware) == kept
    if not kept:
        assert credited.credit.number == stage.credit.number + 1
        assert after.guard.ledger.left(credited.credit) == flow + HIGHEST


def test_a_credit_of_another_speed_is_not_kept(bench: object) -> None:
    bench.order(SIMPLE, prime_nl=100_000)
    firmware, build = bench.implant.firmware, bench.implant.build
    (stage,) = firmware.controller.stages
    slower = Issuer(key_of("NGP000001"), 1).issue(CreditKind.PATH, 400 * COST, HIGHEST - 1)[1]
    ledger = Ledger(2, (Open(slower, 400 * COST),))
    firmware = replace(firmware, guard=replace(firmware.guard, ledger=ledger))
    _, credited = authority._credited(firmware, build, replace(stage, credit=slower), 400 * COST)
    assert credited.credit.highest_nl_per_day == HIGHEST


@pytest.mark.parametrize("flow", [0, -1])
def test_a_stage_with_nothing_left_gets_no_credit_and_one_with_a_unit_does(flow: int, bench: object) -> None:
    bench.order(SIMPLE, prime_nl=100_000)
    firmware, build = bench.implant.firmware, bench.implant.build
    (stage,) = firmware.controller.stages
    bare = replace(stage, credit=None)
    for given in (bare, stage):
        assert authority._credited(firmware, build, given, flow) == (firmware, bare)
    assert authority._credited(firmware, build, bare, 1)[1].credit.flow == 1 + HIGHEST
