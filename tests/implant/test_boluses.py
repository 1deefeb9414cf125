"""Boluses on top of the program: exactly their volume, once, evenly, and the program goes on as before."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb import units
from openitb.implant import (
    Implant,
    Specimen,
    from_bytes,
    latched_alarms,
    log_entries,
    program_digest,
    pump_state,
    to_bytes,
)
from openitb.implant.firmware.watch import vetoed
from openitb.prescription import (
    Flex,
    FlexPattern,
    FlexStep,
    MinimumRate,
    Periodic,
    SimpleContinuous,
    Stopped,
)
from openitb.protocol import (
    AlarmCondition,
    Applied,
    BolusKind,
    BolusReport,
    CancelBolus,
    DeliverBolus,
    LogKind,
    PumpState,
    Refused,
    Role,
    SetClock,
)

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
SIMPLE = SimpleContinuous(200_000_000)  # 400,000 nL/day at 500 µg/mL
BOLUS_NL = 40_000  # 20 µg
HIGHEST = 24_000_000
STROKE = 250
NIGHT_AND_DAY = Flex(
    (FlexPattern(tuple(range(7)), (FlexStep(0, 12_000_000), FlexStep(8 * HOUR, 6_000_000))),)
)


def bolus(bench: object, volume_nl: int = BOLUS_NL, duration_ms: int = HOUR) -> Applied | Refused:
    digest = program_digest(bench.implant)
    return bench.tell(DeliverBolus("nurse", bench.command_id(), digest, volume_nl, duration_ms))


def entries(bench: object, kind: LogKind) -> list:
    return [entry for entry in log_entries(bench.implant) if entry.kind is kind]


def stroke_ticks(bench: object, span_ms: int, step_ms: int = 1_000) -> list[int]:
    """The seconds of a span in which strokes fell."""
    ticks = []
    for _ in range(span_ms // step_ms):
        before = bench.implant.firmware.counter.strokes
        bench.run(step_ms)
        ticks += [bench.now_ms] * (bench.implant.firmware.counter.strokes - before)
    return ticks


@pytest.mark.requirement("BOL-06")
def test_a_bolus_adds_its_volume_evenly_over_its_duration(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(1)
    assert isinstance(bolus(bench), Applied)
    bench.run(30 * MINUTE)
    half = bench.delivered_nl(DAY)
    assert abs(half - (8_333 + 20_000)) <= STROKE
    bench.run(30 * MINUTE)
    assert abs(bench.delivered_nl(DAY) - (16_667 + 40_000)) <= STROKE
    assert pump_state(bench.implant) is PumpState.RUNNING
    bench.check_accounts()


@pytest.mark.requirement("BOL-04")
@pytest.mark.parametrize("order", [SIMPLE, NIGHT_AND_DAY, MinimumRate()])
def test_after_a_bolus_strokes_fall_as_if_there_had_been_none(order: object, make_bench: Callable) -> None:
    with_bolus, control = make_bench(), make_bench()
    for bench in (with_bolus, control):
        bench.order(order)
        bench.run(7 * HOUR + 123_457)
    digest = program_digest(with_bolus.implant)
    bolus(with_bolus, 37_400, 47 * MINUTE)  # rounds down to 149 strokes
    for bench in (with_bolus, control):
        bench.run(2 * HOUR)
    assert with_bolus.implant.firmware.counter.phase == control.implant.firmware.counter.phase
    extra = with_bolus.implant.firmware.counter.strokes - control.implant.firmware.counter.strokes
    assert extra == 149
    assert program_digest(with_bolus.implant) == digest
    assert stroke_ticks(with_bolus, HOUR) == stroke_ticks(control, HOUR)


@pytest.mark.requirement("DEL-04")
def test_where_the_pump_has_no_room_a_bolus_takes_longer_and_not_faster(make_bench: Callable) -> None:
    bench = make_bench(concentration=50)
    bench.order(SimpleContinuous(1_100_000_000))  # 22 mL/day, 2 to spare
    bench.run(HOUR)
    assert isinstance(bolus(bench, 250_000, 30 * MINUTE), Applied)  # 12 mL/day if there were room
    assert bench.read().rate_nl_per_day == HIGHEST
    assert bench.read().bolus == BolusReport(BolusKind.CLINICIAN, 250_000, 250_000, 3 * HOUR)
    bench.run(3 * HOUR - 1)
    assert pump_state(bench.implant) is PumpState.BOLUS
    bench.run(1)
    assert pump_state(bench.implant) is PumpState.RUNNING
    assert bench.delivered_nl(HOUR) == 3_000_000


@pytest.mark.requirement("DEL-04")
def test_a_flex_step_into_a_bolus_takes_room_from_it(make_bench: Callable) -> None:
    rising = (FlexStep(0, 2_000_000), FlexStep(8 * HOUR, 45_000_000))  # 0.96, then 21.6 mL/day at 50 µg/mL
    bench = make_bench(concentration=50)
    bench.order(Flex((FlexPattern(tuple(range(7)), rising),)))
    bench.run(8 * HOUR - 15 * MINUTE)
    bolus(bench, 250_000, 30 * MINUTE)
    bench.run(15 * MINUTE)
    assert bench.read().rate_nl_per_day == HIGHEST
    assert bench.read().bolus.left_nl == 125_000
    assert bench.read().bolus.left_ms == 75 * MINUTE  # 125 µL at 2.4 mL/day
    bench.run(75 * MINUTE)
    assert pump_state(bench.implant) is PumpState.RUNNING


@pytest.mark.requirement("BOL-08", "BOL-05")
@settings(max_examples=40)
@given(
    volume=st.integers(4, 2_000).map(lambda n: n * STROKE),
    minutes=st.integers(20, 300),
    happenings=st.lists(
        st.tuples(
            st.integers(1, 2 * HOUR),
            st.sampled_from(["stop", "order", "prime", "refill", "cancel", "again", "reload", "clock"]),
        ),
        max_size=6,
    ),
    gain=st.sampled_from([0, 140_000, -140_000]),
)
def test_whatever_comes_between_a_bolus_never_adds_more_than_its_volume(
    make_bench: Callable, volume: int, minutes: int, happenings: list[tuple[int, str]], gain: int
) -> None:
    """Counted at the motor: strokes beyond those that program and primes account for."""
    bench = make_bench(specimen=Specimen(gain_ppm=gain))
    bench.order(SIMPLE)
    bolus(bench, volume, minutes * MINUTE)
    authorised = volume // STROKE
    for wait, what in happenings:
        bench.run(wait)
        authorised += happen(bench, what)
    bench.run_days(1)
    program = 400_000 * bench.now_ms // DAY // STROKE + 1
    assert bench.implant.firmware.counter.strokes <= authorised + program
    told = entries(bench, LogKind.BOLUS_STARTED)
    ended = entries(bench, LogKind.BOLUS_FINISHED) + entries(bench, LogKind.BOLUS_ENDED_EARLY)
    assert len(told) == len(ended)
    for entry in entries(bench, LogKind.BOLUS_ENDED_EARLY):
        assert entry.get("delivered_nl") + entry.get("left_nl") in {v.get("volume_nl") for v in told}
    bench.check_accounts()


def happen(bench: object, what: str) -> int:
    """Do it; the strokes it authorises beyond the program."""
    if what == "prime":
        return 200 if isinstance(bench.order(SIMPLE, prime_nl=50_000), Applied) else 0
    if what == "again":
        return 160 if isinstance(bolus(bench), Applied) else 0
    HAPPENINGS[what](bench)
    return 0


def reload(bench: object) -> None:
    bench.implant = from_bytes(to_bytes(bench.implant))


HAPPENINGS = {
    "stop": lambda bench: bench.order(Stopped()),
    "order": lambda bench: bench.order(SIMPLE),
    "refill": lambda bench: bench.record(19_000_000, 500, None),
    "cancel": lambda bench: bench.tell(CancelBolus("nurse", bench.command_id())),
    "reload": reload,
    "clock": lambda bench: bench.tell(
        SetClock("nurse", bench.command_id(), bench.implant.firmware.at_ms - 6 * HOUR, 0)
    ),
}


@pytest.mark.requirement("BOL-08")
def test_an_interrupted_bolus_then_a_prime_then_a_restart_give_no_second_bolus(bench: object) -> None:
    """The recall of 2020: bolus, interruption, prime, resume (INC-16)."""
    bench.order(SIMPLE)
    bolus(bench)
    bench.run(15 * MINUTE)
    bench.order(Stopped())
    stopped_at = bench.implant.firmware.counter.strokes
    bench.order(SIMPLE, prime_nl=50_000)
    bench.run(3 * MINUTE)  # 50 µL at 1 mL/h
    assert bench.implant.firmware.counter.strokes == stopped_at + 200
    bench.run(HOUR)
    since = bench.implant.firmware.counter.strokes - stopped_at - 200
    assert abs(since * STROKE - 16_667) <= STROKE
    (ended,) = entries(bench, LogKind.BOLUS_ENDED_EARLY)
    assert (ended.get("delivered_nl"), ended.get("left_nl")) == (10_000, 30_000)


@pytest.mark.requirement("BOL-05")
def test_one_bolus_at_a_time(bench: object) -> None:
    bench.order(SIMPLE)
    bolus(bench)
    refused = bolus(bench)
    assert isinstance(refused, Refused)
    assert (refused.field, refused.reason) == ("state", "a bolus is under way; one at a time")


@pytest.mark.requirement("BOL-13")
def test_a_bolus_sent_again_is_answered_again_and_not_given_again(bench: object) -> None:
    bench.order(SIMPLE)
    command = DeliverBolus("nurse", "bolus", program_digest(bench.implant), BOLUS_NL, HOUR)
    first = bench.tell(command)
    bench.run(2 * HOUR)
    assert bench.tell(command) == first
    assert bench.read().bolus is None


def test_a_bolus_for_another_program_is_refused(bench: object) -> None:
    bench.order(SIMPLE)
    refused = bench.tell(DeliverBolus("nurse", "one", "stale", BOLUS_NL, HOUR))
    assert isinstance(refused, Refused)
    assert refused.field == "expected_digest"


def test_cancelling_ends_a_bolus_and_tells_how_much_was_given(bench: object) -> None:
    bench.order(SIMPLE)
    bolus(bench)
    bench.run(45 * MINUTE)
    assert isinstance(bench.tell(CancelBolus("nurse", bench.command_id())), Applied)
    assert (bench.read().bolus, bench.read().state) == (None, PumpState.RUNNING)
    (ended,) = entries(bench, LogKind.BOLUS_ENDED_EARLY)
    assert (ended.actor, ended.get("delivered_nl")) == ("clinician: nurse", 30_000)


def test_there_is_nothing_to_cancel_without_a_bolus(bench: object) -> None:
    bench.order(SIMPLE)
    refused = bench.tell(CancelBolus("nurse", bench.command_id()))
    assert isinstance(refused, Refused)
    assert refused.reason == "no bolus is under way"


def test_intent_start_and_end_are_in_the_log_with_dose_and_volume(bench: object) -> None:
    bench.order(SIMPLE)
    bolus(bench)
    bench.run(HOUR)
    kinds = [entry.kind for entry in log_entries(bench.implant)][-3:]
    assert kinds == [LogKind.BOLUS_INTENDED, LogKind.BOLUS_STARTED, LogKind.BOLUS_FINISHED]
    (started,) = entries(bench, LogKind.BOLUS_STARTED)
    assert (started.get("volume_nl"), started.get("dose_pg")) == (40_000, 20_000_000)
    (finished,) = entries(bench, LogKind.BOLUS_FINISHED)
    assert finished.tick_ms == HOUR


@pytest.mark.requirement("BOL-07")
@pytest.mark.parametrize(
    ("volume_nl", "duration_ms", "field"),
    [
        (1_000, MINUTE, None),
        (999, MINUTE, "volume_nl"),
        (0, MINUTE, "volume_nl"),
        (-250, MINUTE, "volume_nl"),
        (2_000_000, 2 * HOUR, None),
        (2_000_001, 2 * HOUR, "volume_nl"),
        (40_000, MINUTE - 1, "duration_ms"),
        (1_000_000, HOUR, None),  # just the pump's highest flow
        (1_000_000, HOUR - 1, "duration_ms"),
        (40_000, DAY, None),
        (40_000, DAY + 1, "duration_ms"),
        (40_000, 0, "duration_ms"),
        (40_000, -HOUR, "duration_ms"),
    ],
)
def test_volumes_and_durations_have_hard_limits(
    bench: object, volume_nl: int, duration_ms: int, field: str | None
) -> None:
    bench.order(SIMPLE)
    reply = bolus(bench, volume_nl, duration_ms)
    assert (reply.field if isinstance(reply, Refused) else None) == field


@pytest.mark.requirement("BOL-01")
def test_a_bolus_that_the_reservoir_cannot_give_whole_is_refused(make_bench: Callable) -> None:
    bench = make_bench(volume_nl=1_400_000 + 100_000)
    bench.order(SimpleContinuous(24_000_000))  # 2 µL in the hour of the bolus
    refused = bolus(bench, 98_000, HOUR)
    assert isinstance(refused, Refused)
    assert (refused.field, "0.1 mL above the residual" in refused.reason) == ("reservoir", True)
    assert isinstance(bolus(bench, 97_000, HOUR), Applied)


@pytest.mark.requirement("BOL-09")
@pytest.mark.parametrize("kind", [BolusKind.CLINICIAN, BolusKind.PATIENT])
def test_a_critical_alarm_ends_a_bolus_and_logs_what_was_given(bench: object, kind: BolusKind) -> None:
    bench.order(SIMPLE)
    bolus(bench)
    bench.run(30 * MINUTE)
    bench.implant = nearly_empty(bench.implant, kind)
    bench.run(1)
    assert AlarmCondition.EMPTY_RESERVOIR not in latched_alarms(bench.implant)
    bench.run(30 * MINUTE)
    assert AlarmCondition.EMPTY_RESERVOIR in latched_alarms(bench.implant)
    (ended,) = entries(bench, LogKind.BOLUS_ENDED_EARLY)
    assert (ended.actor, ended.get("kind"), bench.read().bolus) == ("pump", kind.value, None)
    assert ended.get("delivered_nl") + ended.get("left_nl") == BOLUS_NL
    assert 20_000 <= ended.get("delivered_nl") <= 20_500
    assert bench.read().state is PumpState.RUNNING


def nearly_empty(implant: Implant, kind: BolusKind) -> Implant:
    """The count struck by a fault, one stroke above empty: no command can bring a bolus there."""
    firmware = implant.firmware
    told = replace(firmware.reservoir, filled_nl=1_400_250, filled_at_stroke=firmware.counter.strokes)
    control = replace(firmware.controller, bolus=replace(firmware.controller.bolus, kind=kind))
    return replace(implant, firmware=replace(firmware, reservoir=told, controller=control))


@pytest.mark.requirement("BOL-09")
def test_a_stroke_that_the_guard_refuses_ends_a_bolus(bench: object) -> None:
    bench.order(SIMPLE)
    bolus(bench)
    bench.run(30 * MINUTE)
    bench.implant = replace(bench.implant, firmware=vetoed(bench.implant.firmware, bench.implant.build))
    (ended,) = entries(bench, LogKind.BOLUS_ENDED_EARLY)
    assert (ended.get("delivered_nl"), bench.read().state) == (20_000, PumpState.GUARD_STOP)
    bench.order(SIMPLE)
    assert bench.read().bolus is None


@pytest.mark.requirement("BOL-01")
def test_no_bolus_begins_while_a_critical_alarm_stands(make_bench: Callable) -> None:
    bench = make_bench(volume_nl=1_500_000)
    bench.order(SIMPLE)
    bench.record(1_400_000, 500, None)
    refused = bolus(bench, 1_000, HOUR)
    assert isinstance(refused, Refused)
    assert (refused.field, refused.reason) == ("alarms", "a critical alarm stands: empty reservoir")


def test_a_bolus_during_a_bridge_delivers_the_old_drug_and_shortens_the_bridge(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, 375_000)
    assert isinstance(bolus(bench), Applied)
    (started,) = entries(bench, LogKind.BOLUS_STARTED)
    assert started.get("dose_pg") == 20_000_000  # of 500 µg/mL
    bench.run(HOUR)
    assert bench.read().state is PumpState.BRIDGE
    assert abs(bench.read().stages[0].left_nl - (375_000 - 40_000 - 16_667)) <= STROKE


def test_a_bolus_that_would_outlast_the_bridge_is_refused(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 2000, 50_000)
    refused = bolus(bench)  # 40 µL and an hour of program
    assert isinstance(refused, Refused)
    assert refused.field == "bridge"
    bench.run(4 * HOUR)
    assert isinstance(bolus(bench), Applied)


@pytest.mark.parametrize("role", [Role.PATIENT, Role.READ_ONLY])
def test_only_a_clinician_orders_a_bolus(bench: object, role: Role) -> None:
    bench.order(SIMPLE)
    command = DeliverBolus("someone", "one", program_digest(bench.implant), BOLUS_NL, HOUR)
    refused = bench.tell(command, role)
    assert isinstance(refused, Refused)
    assert refused.field == "role"


@settings(max_examples=40)
@given(
    volume=st.integers(4, 400).map(lambda n: n * STROKE),
    minutes=st.integers(10, 600),
    cuts=st.lists(st.integers(1, 3 * HOUR), max_size=8),
    order=st.sampled_from([SIMPLE, NIGHT_AND_DAY, Periodic(20_000_000, 30 * MINUTE, 6 * HOUR)]),
)
def test_however_time_is_cut_a_bolus_is_the_same(
    make_bench: Callable, volume: int, minutes: int, cuts: list[int], order: object
) -> None:
    whole, cut = make_bench(), make_bench()
    for bench in (whole, cut):
        bench.order(order)
        bench.run(5 * HOUR)
        bolus(bench, volume, minutes * MINUTE)
    for ms in cuts:
        cut.run(ms)
    end = 5 * HOUR + max(DAY, sum(cuts))
    whole.run_to(end)
    cut.run_to(end)
    assert whole.implant == cut.implant
