"""Commands and interrogation: whole or not at all, once, by whom, and always answered."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.implant import log_entries, program_digest, signal_of
from openitb.implant.firmware.commands import ANSWERS_KEPT
from openitb.prescription import Flex, FlexPattern, FlexStep, SimpleContinuous, Stopped, compile_order
from openitb.protocol import (
    AlarmCondition,
    Anchor,
    Applied,
    Interrogate,
    Interrogation,
    LogKind,
    NoAnswerKept,
    ProgramPump,
    PumpState,
    ReadAnswer,
    RecordRefill,
    Refused,
    ReservoirReport,
    Role,
    SetClock,
    SetLowReservoirAlarm,
    encode,
    verify_chain,
)
from openitb.protocol.chain import genesis

DAY, HOUR = units.MS_PER_DAY, units.MS_PER_H
START_MS = 1_767_571_200_000
SIMPLE = SimpleContinuous(200_000_000)
OTHER = SimpleContinuous(220_000_000)


def program(bench: object, order: object = SIMPLE, command_id: str = "one") -> ProgramPump:
    return ProgramPump("nurse", command_id, program_digest(bench.implant), order)


def kinds(bench: object) -> list[LogKind]:
    return [entry.kind for entry in log_entries(bench.implant)]


def test_an_interrogation_tells_all_that_the_pump_believes(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(10)
    read = bench.read()
    assert (read.serial, read.pump_id, read.age_ms) == ("NGP000001", "synchromed-ii-20", 10 * DAY)
    assert (read.at_ms, read.zone_offset_ms) == (START_MS + 10 * DAY, 0)
    assert (read.state, read.order, read.rate_nl_per_day) == (PumpState.RUNNING, SIMPLE, 400_000)
    assert (read.concentration_ug_per_ml, read.dose_pg_per_day) == (500, 200_000_000)
    assert read.program_digest == program_digest(bench.implant)
    assert read.reservoir == ReservoirReport(
        volume_nl=16_000_000,
        low_alarm_nl=2_000_000,
        residual_nl=1_400_000,
        capacity_nl=20_000_000,
        delivered_nl=4_000_000,
        delivered_since_refill_nl=4_000_000,
        delivered_pg=2_000_000_000,
    )
    assert (read.alarms, read.stages) == ((), ())
    assert verify_chain(read.log, read.log_anchor) is None
    assert read.log_head == Anchor(read.log[-1].number, read.log[-1].digest)


@pytest.mark.requirement("RES-01")
def test_the_delivered_total_goes_on_over_a_refill_of_another_concentration(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(10)
    bench.refill(18_000_000, 1000, 0)
    bench.run_days(10)
    read = bench.read()
    assert read.reservoir.delivered_nl == 6_000_000
    assert read.reservoir.delivered_since_refill_nl == 2_000_000
    assert read.reservoir.delivered_pg == 4_000_000_000


@pytest.mark.requirement("LOG-01")
def test_an_interrogation_is_logged_with_who_read(bench: object) -> None:
    bench.tell(Interrogate("Ada"), Role.READ_ONLY)
    last = log_entries(bench.implant)[-1]
    assert (last.kind, last.actor) == (LogKind.INTERROGATED, "read-only: Ada")


def test_an_interrogation_changes_nothing_but_the_log(bench: object) -> None:
    bench.order(SIMPLE)
    before = bench.implant
    bench.read()
    after = bench.implant
    assert replace(after.firmware, log=before.firmware.log) == before.firmware


def test_a_program_is_answered_with_the_digest_that_now_runs(bench: object) -> None:
    applied = bench.order(SIMPLE)
    assert isinstance(applied, Applied)
    assert applied.program_digest == bench.read().program_digest


@pytest.mark.requirement("TEL-05")
@pytest.mark.hazard("INC-17")
def test_a_command_sent_again_is_answered_again_and_not_repeated(bench: object) -> None:
    command = program(bench)
    first = bench.tell(command)
    bench.run_days(1)
    state = bench.implant
    assert bench.tell(command) == first
    assert bench.implant == state


@pytest.mark.requirement("TEL-05")
def test_a_refill_sent_again_does_not_fill_the_count_again(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(10)
    command = RecordRefill("nurse", "refill", program_digest(bench.implant), 19_400_000, 500)
    bench.tell(command)
    bench.run_days(1)
    bench.tell(command)
    assert bench.read().reservoir.volume_nl == 19_000_000


@pytest.mark.requirement("TEL-05")
def test_a_refusal_sent_again_is_refused_again_in_the_same_words(bench: object) -> None:
    command = ProgramPump("nurse", "one", "stale", SIMPLE)
    first = bench.tell(command)
    assert isinstance(first, Refused)
    assert bench.tell(command) == first
    assert kinds(bench).count(LogKind.REFUSED) == 1


@pytest.mark.requirement("TEL-05")
def test_an_id_used_for_another_command_is_refused(bench: object) -> None:
    bench.tell(program(bench))
    refused = bench.tell(program(bench, OTHER))
    assert isinstance(refused, Refused)
    assert refused.field == "command_id"
    assert bench.read().order == SIMPLE


@pytest.mark.requirement("PRG-10")
@pytest.mark.hazard("INC-19", "HAZ-29")
def test_a_program_made_against_an_older_one_is_refused(bench: object) -> None:
    stale = program(bench, SIMPLE, "late")
    bench.order(OTHER)
    refused = bench.tell(stale)
    assert isinstance(refused, Refused)
    assert refused.field == "expected_digest"
    assert bench.read().order == OTHER


@pytest.mark.requirement("PRG-10")
def test_a_refill_made_against_an_older_program_is_refused(bench: object) -> None:
    stale = RecordRefill("nurse", "late", program_digest(bench.implant), 19_000_000, 500)
    bench.order(SIMPLE)
    refused = bench.tell(stale)
    assert isinstance(refused, Refused)
    assert refused.field == "expected_digest"


@pytest.mark.requirement("LOG-01")
def test_a_refused_command_changes_nothing_but_the_log(bench: object) -> None:
    bench.order(SIMPLE)
    before = bench.implant
    bench.tell(ProgramPump("nurse", "bad", "stale", OTHER))
    after = bench.implant
    unchanged = replace(after.firmware, log=before.firmware.log, answers=before.firmware.answers)
    assert unchanged == before.firmware
    last = log_entries(after)[-1]
    assert (last.kind, last.get("field")) == (LogKind.REFUSED, "expected_digest")


@pytest.mark.requirement("TEL-01")
@pytest.mark.hazard("INC-22")
@pytest.mark.parametrize(
    "command",
    [
        ProgramPump("aide", "x", "", SIMPLE),
        RecordRefill("aide", "x", "", 19_000_000, 500),
        SetLowReservoirAlarm("aide", "x", 3_000_000),
        SetClock("aide", "x", START_MS, 0),
    ],
)
def test_a_reader_may_change_nothing(command: object, bench: object) -> None:
    refused = bench.tell(command, Role.READ_ONLY)
    assert refused == Refused("role", "got read-only, expected clinician")


@pytest.mark.requirement("RES-06")
@pytest.mark.parametrize("volume_nl", [-1, 0, 1_399_999, 20_000_001])
def test_a_refill_outside_residual_and_capacity_is_refused(volume_nl: int, bench: object) -> None:
    refused = bench.record(volume_nl, 500, None)
    assert isinstance(refused, Refused)
    assert refused.field == "volume_nl"
    assert "expected 1.4 mL to 20 mL" in refused.reason


@pytest.mark.requirement("RES-06")
@pytest.mark.parametrize("volume_nl", [1_400_000, 20_000_000])
def test_a_refill_at_the_limits_is_taken(volume_nl: int, bench: object) -> None:
    assert isinstance(bench.record(volume_nl, 500, None), Applied)


@pytest.mark.parametrize("concentration", [0, -500])
def test_a_concentration_that_is_not_above_zero_is_refused(concentration: int, bench: object) -> None:
    refused = bench.record(19_000_000, concentration, 0)
    assert isinstance(refused, Refused)
    assert refused.field == "concentration"


@pytest.mark.requirement("DEL-03")
def test_a_flow_the_pump_cannot_make_is_refused_with_its_limits(bench: object) -> None:
    refused = bench.order(SimpleContinuous(1_000_000))
    assert isinstance(refused, Refused)
    assert "0.048 mL/day to 24 mL/day" in refused.reason


def test_more_flex_changes_than_the_pump_holds_are_refused(bench: object) -> None:
    steps = tuple(FlexStep(hour * HOUR, (10 + hour % 2) * 10**6) for hour in range(14))
    refused = bench.order(Flex((FlexPattern(tuple(range(7)), steps),)))
    assert isinstance(refused, Refused)
    assert "14 changes" in refused.reason


@pytest.mark.parametrize("volume_nl", [1_399_999, 20_000_001])
def test_an_alarm_volume_outside_residual_and_capacity_is_refused(volume_nl: int, bench: object) -> None:
    refused = bench.tell(SetLowReservoirAlarm("nurse", "alarm", volume_nl))
    assert isinstance(refused, Refused)
    assert refused.field == "volume_nl"


@pytest.mark.parametrize(
    ("at_ms", "zone_ms", "field"),
    [
        (-1, 0, "at_ms"),
        (10**15, 0, "at_ms"),
        (0, 15 * HOUR, "zone_offset_ms"),
        (0, -15 * HOUR, "zone_offset_ms"),
    ],
)
def test_an_impossible_clock_is_refused(at_ms: int, zone_ms: int, field: str, bench: object) -> None:
    refused = bench.tell(SetClock("nurse", "clock", at_ms, zone_ms))
    assert isinstance(refused, Refused)
    assert refused.field == field


@pytest.mark.requirement("TIM-01", "DEL-17")
@pytest.mark.hazard("INC-14")
def test_setting_the_clock_changes_no_delivered_volume_of_a_constant_dose(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run_days(1)
    bench.tell(SetClock("nurse", "clock", START_MS + 400 * DAY, HOUR))
    bench.run_days(1)
    assert bench.delivered_nl() == 800_000
    assert bench.read().at_ms == START_MS + 401 * DAY
    assert bench.read().age_ms == 2 * DAY


@pytest.mark.requirement("LOG-01")
def test_every_change_is_logged_as_intent_before_and_outcome_after(bench: object) -> None:
    bench.order(SIMPLE)
    bench.record(19_000_000, 1000, 0)
    bench.tell(SetLowReservoirAlarm("nurse", "alarm", 3_000_000))
    bench.tell(SetClock("nurse", "clock", START_MS, 0))
    bench.order(Stopped())
    assert kinds(bench) == [
        LogKind.IMPLANTED,
        LogKind.PROGRAM_INTENDED,
        LogKind.PROGRAM_CHANGED,
        LogKind.REFILL_INTENDED,
        LogKind.REFILL_RECORDED,
        LogKind.ALARM_SETTING_INTENDED,
        LogKind.ALARM_SETTING_CHANGED,
        LogKind.CLOCK_INTENDED,
        LogKind.CLOCK_SET,
        LogKind.PROGRAM_INTENDED,
        LogKind.PROGRAM_CHANGED,
        LogKind.STOPPED,
    ]


@pytest.mark.requirement("LOG-01")
def test_a_program_entry_tells_actor_and_digests_before_and_after(bench: object) -> None:
    before = program_digest(bench.implant)
    bench.order(SIMPLE)
    entry = log_entries(bench.implant)[-1]
    assert entry.actor == "clinician: nurse"
    assert (entry.get("before"), entry.get("after")) == (before, program_digest(bench.implant))
    assert (entry.get("mode"), entry.get("dose_pg_per_day")) == ("simple continuous", 200_000_000)


def test_the_needle_leaves_no_trace_in_the_log(bench: object) -> None:
    before = log_entries(bench.implant)
    bench.needle(18_000_000, 2000)
    assert log_entries(bench.implant) == before


@pytest.mark.requirement("LOG-06")
@pytest.mark.parametrize("name", ["", "x" * 81, "two\nlines", "\x1b[31m"])
def test_an_actor_that_could_forge_the_log_is_refused(name: str, bench: object) -> None:
    before = log_entries(bench.implant)
    for request in (Interrogate(name), ProgramPump(name, "x", "", SIMPLE)):
        refused = bench.tell(request)
        assert isinstance(refused, Refused)
        assert refused.field == "actor"
    assert log_entries(bench.implant) == before


@pytest.mark.requirement("DEL-02")
def test_a_fraction_cannot_enter_by_the_back_door(bench: object) -> None:
    refused = bench.tell(SetLowReservoirAlarm("nurse", "alarm", 3_000_000.5))
    assert isinstance(refused, Refused)


@pytest.mark.requirement("LOG-03", "LOG-05")
def test_a_long_log_is_read_page_by_page_and_hangs_together(bench: object) -> None:
    for _ in range(150):
        bench.read()
    anchor, entries, after = genesis("NGP000001"), [], 0
    while True:
        page = bench.tell(Interrogate("nurse", log_after=after))
        assert verify_chain(page.log, page.log_anchor) is None
        entries += page.log
        after = page.log[-1].number
        if after == page.log_head.number:
            break
    assert verify_chain(entries, anchor) is None
    assert len(entries) > 150


@pytest.mark.parametrize("after", [-1, 10_000])
def test_a_page_that_does_not_exist_is_refused(after: int, bench: object) -> None:
    refused = bench.tell(Interrogate("nurse", log_after=after))
    assert isinstance(refused, Refused)
    assert refused.field == "log_after"


def test_the_largest_reply_fits_a_frame(bench: object) -> None:
    long_name = "é" * 80
    for number in range(200):
        bench.tell(ProgramPump(long_name, f"{'x' * 60}{number}", "stale" * 800, SIMPLE))
    reading = bench.tell(Interrogate(long_name))
    assert isinstance(reading, Interrogation)
    assert len(encode(reading)) <= 60_000


# The program of every new 20 mL bench: stopped at 500 µg/mL.
NEW_DIGEST = compile_order(Stopped(), 500, catalogue.load().pump("synchromed-ii-20")).digest

requests = st.one_of(
    st.builds(Interrogate, st.text(max_size=5), st.none() | st.integers()),
    st.builds(
        ProgramPump,
        st.text(max_size=5),
        st.text(max_size=5),
        st.text(max_size=5),
        st.just(SIMPLE),
        st.integers(),
    ),
    st.builds(
        RecordRefill,
        st.just("a"),
        st.text(max_size=5),
        st.sampled_from([NEW_DIGEST, "stale"]),
        st.integers(),
        st.integers(),
        st.none() | st.integers(),
    ),
    st.builds(SetLowReservoirAlarm, st.just("a"), st.text(max_size=5), st.integers()),
    st.builds(SetClock, st.just("a"), st.text(max_size=5), st.integers(), st.integers()),
)


@pytest.mark.requirement("TEL-08")
@given(st.lists(requests, max_size=4))
def test_no_request_raises(make_bench: object, asked: list[object]) -> None:
    bench = make_bench()
    for request in asked:
        assert isinstance(bench.tell(request), Applied | Refused | Interrogation)
    bench.run_days(1)
    bench.check_accounts()


@pytest.mark.requirement("ALM-03", "ALM-13")
def test_a_critical_condition_sounds_two_tones_and_any_other_one() -> None:
    single = signal_of((AlarmCondition.LOW_RESERVOIR, AlarmCondition.ELECTIVE_REPLACEMENT))
    double = signal_of((AlarmCondition.LOW_RESERVOIR, AlarmCondition.EMPTY_RESERVOIR))
    assert (single.tones, single.duration_ms, single.interval_ms) == (1, 1000, HOUR)
    assert (double.tones, double.duration_ms, double.interval_ms) == (2, 3000, 600_000)
    assert signal_of(()) is None


@pytest.mark.requirement("PAT-02", "TEL-05")
def test_what_was_answered_can_be_read_again_by_every_role_and_changes_nothing(bench: object) -> None:
    applied = bench.order(SIMPLE)
    refused = bench.tell(SetLowReservoirAlarm("nurse", "too-much", 10**9))
    before = bench.implant.firmware
    for role in Role:
        assert bench.tell(ReadAnswer("x", applied.command_id), role) == applied
        assert bench.tell(ReadAnswer("x", "too-much"), role) == refused
        assert bench.tell(ReadAnswer("x", "never"), role) == NoAnswerKept("never", may_be_forgotten=False)
    after = replace(bench.implant.firmware, link=before.link)
    assert after == before


@pytest.mark.requirement("TEL-05")
def test_an_answer_that_made_room_for_later_ones_is_said_to_be_forgotten_perhaps(bench: object) -> None:
    first = bench.order(SIMPLE).command_id
    for number in range(ANSWERS_KEPT):
        assert isinstance(bench.tell(ReadAnswer("x", first)), Applied)
        bench.tell(SetLowReservoirAlarm("nurse", f"low-{number}", 3_000_000))
    assert bench.tell(ReadAnswer("x", first)) == NoAnswerKept(first, may_be_forgotten=True)
