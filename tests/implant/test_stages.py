"""Bridge and prime: bounded by volume, exact to the stroke, right whatever comes between."""

from collections.abc import Callable

import pytest

from openitb import units
from openitb.implant import log_entries, program_digest, pump_state
from openitb.prescription import Flex, FlexPattern, FlexStep, MinimumRate, SimpleContinuous, Stopped
from openitb.protocol import Applied, LogKind, PumpState, Refused, StageKind, StageReport

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
START_MS = 1_767_571_200_000
SIMPLE = SimpleContinuous(200_000_000)
BRIDGE_NL = 375_000


def flows(bench: object) -> list[tuple[int, int]]:
    """(end in ms from the start, volume) of the parcels that delivered."""
    return [(p.end_ms - START_MS, p.volume_nl) for p in bench.parcels if p.volume_nl]


@pytest.mark.requirement("BOL-12")
@pytest.mark.hazard("HAZ-05")
def test_the_worked_bridge_takes_22_and_a_half_hours_at_the_old_flow_then_switches(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(1)
    assert isinstance(bench.refill(18_000_000, 2000, BRIDGE_NL), Applied)
    assert bench.read().stages == (StageReport(StageKind.BRIDGE, BRIDGE_NL, 500),)
    assert (bench.read().state, bench.read().rate_nl_per_day) == (PumpState.BRIDGE, 400_000)
    bench.run_days(2)
    switch = DAY + 22 * HOUR + 30 * MINUTE
    assert flows(bench)[1:] == [(switch, BRIDGE_NL), (3 * DAY, 106_250)]
    assert (bench.read().state, bench.read().rate_nl_per_day) == (PumpState.RUNNING, 100_000)
    bench.check_accounts()


def test_the_end_of_a_bridge_is_logged_at_its_last_stroke(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, BRIDGE_NL)
    bench.run_days(2)
    (entry,) = (e for e in bench.implant.firmware.log.entries if e.kind is LogKind.STAGE_FINISHED)
    assert (entry.at_ms - START_MS, entry.get("stage")) == (22 * HOUR + 30 * MINUTE, "bridge")


@pytest.mark.hazard("HAZ-05", without="the bridge")
def test_no_bridge_on_purpose_switches_at_once(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, bridge_nl=0)
    bench.run_days(1)
    assert flows(bench) == [(DAY, 100_000)]


@pytest.mark.requirement("RES-07")
@pytest.mark.hazard("HAZ-05")
def test_a_bridge_must_be_stated_when_the_concentration_changes(bench: object) -> None:
    bench.order(SIMPLE)
    refused = bench.refill(18_000_000, 2000)
    assert isinstance(refused, Refused)
    assert (refused.field, "500 to 2000" in refused.reason) == ("bridge_nl", True)
    assert bench.read().concentration_ug_per_ml == 500


def test_a_bridge_is_refused_where_the_concentration_stays(bench: object) -> None:
    bench.order(SIMPLE)
    refused = bench.refill(18_000_000, 500, BRIDGE_NL)
    assert isinstance(refused, Refused)
    assert refused.field == "bridge_nl"


@pytest.mark.requirement("BOL-12")
def test_a_flex_order_is_bridged_at_its_old_flows_by_time_of_day(bench: object) -> None:
    steps = (FlexStep(0, 12_000_000), FlexStep(8 * HOUR, 6_000_000))
    bench.order(Flex((FlexPattern(tuple(range(7)), steps),)))
    bench.refill(18_000_000, 1000, 240_000)
    bench.run_days(1)
    # 24 nL/h per µg/h at 500: 8 h x 24,000 nL, then 48,000 nL at 12,000 nL/h, then half the flow
    assert flows(bench) == [(8 * HOUR, 192_000), (12 * HOUR, 48_000), (24 * HOUR, 72_000)]


@pytest.mark.requirement("BOL-12")
def test_a_new_dose_during_a_bridge_holds_with_the_old_drug_too(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, BRIDGE_NL)
    bench.run(10 * HOUR)
    before = bench.delivered_nl()
    bench.order(SimpleContinuous(300_000_000))
    assert bench.read().rate_nl_per_day == 600_000
    left = BRIDGE_NL - before
    assert bench.read().stages == (StageReport(StageKind.BRIDGE, left // 250 * 250, 500),)
    bench.run_days(2)
    assert bench.read().rate_nl_per_day == 150_000
    assert before + bench.parcels[1].volume_nl == BRIDGE_NL


@pytest.mark.requirement("BOL-12")
def test_a_second_change_waits_for_both_fronts(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, BRIDGE_NL)
    bench.run(9 * HOUR)  # 150,000 nL through, 225,000 nL of 500 still ahead
    bench.refill(18_000_000, 1000, BRIDGE_NL)
    assert bench.read().stages == (
        StageReport(StageKind.BRIDGE, 225_000, 500),
        StageReport(StageKind.BRIDGE, 150_000, 2000),
    )
    bench.run_days(4)
    assert [volume for _, volume in flows(bench)][:3] == [150_000, 225_000, 150_000]
    ends = [end for end, _ in flows(bench)]
    assert ends[:3] == [9 * HOUR, 22 * HOUR + 30 * MINUTE, 22 * HOUR + 30 * MINUTE + 36 * HOUR]
    assert bench.read().rate_nl_per_day == 200_000


def test_a_smaller_second_bridge_cuts_the_first_short(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, BRIDGE_NL)
    bench.refill(18_000_000, 1000, 100_000)
    assert bench.read().stages == (StageReport(StageKind.BRIDGE, 100_000, 500),)


@pytest.mark.requirement("BOL-12")
def test_a_stop_holds_a_bridge_and_the_same_volume_is_left_after_it(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, BRIDGE_NL)
    bench.run(9 * HOUR)
    bench.order(Stopped())
    assert pump_state(bench.implant) is PumpState.STOPPED
    bench.run(12 * HOUR)
    bench.order(SIMPLE)
    assert bench.read().stages == (StageReport(StageKind.BRIDGE, 225_000, 500),)
    bench.run_days(1)
    assert flows(bench)[1] == (34 * HOUR + 30 * MINUTE, 225_000)


def test_a_dose_the_pump_cannot_give_with_the_old_drug_is_refused_during_a_bridge(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, BRIDGE_NL)
    digest = program_digest(bench.implant)
    refused = bench.order(SimpleContinuous(20_000_000_000))  # 40 mL/day of 500, 10 mL/day of 2000
    assert isinstance(refused, Refused)
    assert refused.field == "order.dose"
    assert program_digest(bench.implant) == digest


@pytest.mark.requirement("RES-07", "DEL-03")
def test_an_order_the_pump_cannot_run_at_the_new_concentration_is_refused_whole(bench: object) -> None:
    bench.order(SimpleContinuous(30_000_000))  # 0.06 mL/day of 500, 0.015 of 2000
    refused = bench.record(19_000_000, 2000, BRIDGE_NL)
    assert isinstance(refused, Refused)
    reading = bench.read()
    assert (reading.concentration_ug_per_ml, reading.reservoir.volume_nl) == (500, 20_000_000)
    assert reading.stages == ()


@pytest.mark.requirement("DEL-04")
def test_a_prime_runs_at_the_highest_flow_then_gives_way_to_the_program(bench: object) -> None:
    bench.order(SIMPLE, prime_nl=316_000)
    assert (bench.read().state, bench.read().rate_nl_per_day) == (PumpState.PRIME, 24_000_000)
    bench.run(HOUR)
    prime, rest = flows(bench)
    assert prime == (1264 * 900, 316_000)
    assert rest[1] == (HOUR - prime[0]) * 400_000 // DAY // 250 * 250


@pytest.mark.requirement("DEL-04")
def test_the_first_stroke_of_a_prime_keeps_its_distance_from_the_last_one(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run(54_000)
    bench.order(SIMPLE, prime_nl=1_000)
    bench.run(899)
    assert bench.delivered_nl() == 250
    bench.run(1)
    assert bench.delivered_nl() == 500


def test_a_new_program_gives_up_a_prime_under_way(bench: object) -> None:
    bench.order(SIMPLE, prime_nl=316_000)
    bench.run(9 * MINUTE)
    bench.order(SIMPLE)
    assert bench.read().stages == ()
    assert bench.read().rate_nl_per_day == 400_000
    (entry,) = (e for e in log_entries(bench.implant) if e.kind is LogKind.STAGE_GIVEN_UP)
    assert (entry.get("stage"), entry.get("left_nl")) == ("prime", 316_000 - 150_000)


@pytest.mark.parametrize(("concentration", "bridge_nl"), [(500, None), (2000, 0), (2000, 100_000)])
def test_a_refill_gives_up_a_prime_under_way(
    concentration: int, bridge_nl: int | None, bench: object
) -> None:
    bench.order(SIMPLE, prime_nl=316_000)
    bench.run(9 * MINUTE)
    bench.refill(18_000_000, concentration, bridge_nl)
    assert all(stage.kind is StageKind.BRIDGE for stage in bench.read().stages)
    assert bench.read().rate_nl_per_day in {400_000, 100_000}


@pytest.mark.requirement("BOL-12")
def test_a_prime_moves_the_column_on_so_the_bridge_is_shorter_by_it(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, BRIDGE_NL)
    bench.order(SIMPLE, prime_nl=300_000)
    assert bench.read().stages == (
        StageReport(StageKind.PRIME, 300_000, None),
        StageReport(StageKind.BRIDGE, 75_000, 500),
    )


def test_a_prime_that_clears_the_whole_path_leaves_no_bridge(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, 100_000)
    bench.order(SIMPLE, prime_nl=300_000)
    assert bench.read().stages == (StageReport(StageKind.PRIME, 300_000, None),)
    bench.run(1200 * 900)
    assert bench.delivered_nl() == 300_000
    assert bench.read().rate_nl_per_day == 100_000


def test_a_volume_between_two_strokes_is_bridged_to_the_nearest(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, 315_926)
    assert bench.read().stages[0].left_nl == 316_000


@pytest.mark.parametrize(("volume_nl", "given"), [(-1, "-0.000001 mL"), (2_000_001, "2.000001 mL")])
def test_an_absurd_prime_or_bridge_is_refused(volume_nl: int, given: str, bench: object) -> None:
    refused = bench.order(SIMPLE, prime_nl=volume_nl)
    assert refused == Refused("prime_nl", f"got {given}, expected 0 to 2 mL")
    refused = bench.record(19_000_000, 2000, volume_nl)
    assert refused == Refused("bridge_nl", f"got {given}, expected 0 to 2 mL")


def test_a_prime_with_a_stop_is_refused(bench: object) -> None:
    refused = bench.order(Stopped(), prime_nl=1_000)
    assert isinstance(refused, Refused)
    assert refused.field == "prime_nl"


def test_the_prime_on_the_table_can_end_at_minimum_rate(bench: object) -> None:
    bench.order(MinimumRate(), prime_nl=316_000)
    bench.run(HOUR)
    assert pump_state(bench.implant) is PumpState.MINIMUM_RATE
    assert bench.delivered_nl() in {316_000, 316_250}


def test_a_valve_pump_primes_at_its_own_highest_flow(make_bench: Callable) -> None:
    bench = make_bench("prometra-ii-20")
    bench.order(SIMPLE, prime_nl=300_000)
    bench.run(15 * MINUTE)
    assert flows(bench)[0] == (15 * MINUTE, 300_000)


def test_a_bridge_within_a_prime_is_through_when_the_prime_is_however_time_is_cut(
    make_bench: Callable,
) -> None:
    whole, cut = make_bench(), make_bench()
    for bench in (whole, cut):
        bench.order(SIMPLE)
        bench.refill(18_000_000, 2000, bridge_nl=100_000)
        bench.order(SIMPLE, prime_nl=300_000)
        assert [(s.kind, s.left_nl) for s in bench.read().stages] == [("prime", 300_000)]
    whole.run(19 * MINUTE)
    for _ in range(19):
        cut.run(MINUTE)
    assert whole.implant == cut.implant
    assert whole.read().stages == ()
