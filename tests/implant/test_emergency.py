"""Break-glass: down is the only way, the clinic is told, a critical alarm goes on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb import catalogue, units
from openitb.implant import from_bytes, latched_alarms, program_digest, to_bytes
from openitb.implant.firmware.controller import rate
from openitb.implant.radio import audible_alarms, contact_ended
from openitb.prescription import Flex, FlexPattern, FlexStep, MinimumRate, SimpleContinuous, Stopped
from openitb.protocol import (
    AlarmCondition,
    Applied,
    DeliverBolus,
    EnablePatientAdjustment,
    EnablePatientBolus,
    Interrogate,
    Interrogation,
    LogKind,
    OverdoseAttestation,
    OverdoseSign,
    ProgramPump,
    PumpState,
    ReadAccess,
    RecordRefill,
    ReduceToMinimum,
    Refused,
    RequestPatientAdjustment,
    RequestPatientBolus,
    Role,
    SetClock,
    SilenceAlarm,
)

HOUR = units.MS_PER_H
FACTS = catalogue.load().practice["emergency"]
DUE_MS = FACTS.fact("withdrawal_alarm_after").whole("ms")
STOPPED_ALARMS = (AlarmCondition.STOPPED_LONG, AlarmCondition.STOPPED_TOO_LONG)
SIMPLE = SimpleContinuous(200_000_000)
SEEN = OverdoseAttestation("Dr. Stone", "emergency department", (OverdoseSign.UNCONSCIOUS,))
UNSEEN = OverdoseAttestation("Dr. Stone", "emergency department", ())


def reduce(bench: object, attested: OverdoseAttestation = SEEN, role: Role = Role.BREAK_GLASS) -> object:
    return bench.tell(ReduceToMinimum("ambulance", bench.command_id(), attested), role)


def flow(bench: object) -> int:
    implant = bench.implant
    firmware = implant.firmware
    return rate(firmware.controller, implant.build, firmware.at_ms, firmware.clock.zone_offset_ms)


def kinds(bench: object) -> list[LogKind]:
    return [entry.kind for entry in bench.implant.firmware.log.entries]


@pytest.mark.requirement("TEL-10")
def test_an_attested_overdose_reduces_the_flow_at_the_outlet(bench: object) -> None:
    bench.order(SIMPLE)
    bench.run(24 * HOUR)
    assert isinstance(reduce(bench), Applied)
    start = bench.now_ms
    bench.run(24 * HOUR)
    assert bench.delivered_nl(start) <= 6_000 + 250
    assert bench.implant.firmware.controller.state is PumpState.MINIMUM_RATE


@pytest.mark.requirement("TEL-10")
def test_without_a_sign_of_overdose_nothing_is_reduced(bench: object) -> None:
    bench.order(SIMPLE)
    before = flow(bench)
    assert reduce(bench, UNSEEN).field == "attestation"
    nameless = OverdoseAttestation("", "ward", SEEN.signs)
    assert reduce(bench, nameless).field == "attestation.name"
    assert flow(bench) == before


@pytest.mark.requirement("TEL-10")
def test_a_reduction_during_a_prime_ends_the_prime(bench: object) -> None:
    bench.order(SIMPLE, prime_nl=500_000)
    bench.run(60_000)
    reduce(bench)
    assert flow(bench) == 6_000
    assert LogKind.STAGE_GIVEN_UP in kinds(bench)


@pytest.mark.requirement("TEL-10")
@pytest.mark.parametrize("order", [Stopped(), MinimumRate()])
def test_a_pump_at_or_below_the_minimum_is_left_as_it_is(bench: object, order: object) -> None:
    bench.order(order)
    before = flow(bench)
    assert reduce(bench).field == "state"
    assert flow(bench) == before


@pytest.mark.requirement("TEL-10", "LOG-01")
def test_the_log_tells_the_clinic_who_attested_what(bench: object) -> None:
    bench.order(SIMPLE)
    reduce(bench)
    entry = next(e for e in bench.read().log if e.kind is LogKind.REDUCED_IN_EMERGENCY)
    assert entry.actor == "break-glass: ambulance"
    assert (entry.get("attested_by"), entry.get("signs")) == ("Dr. Stone", "unconscious")


@pytest.mark.requirement("TEL-10")
def test_the_withdrawal_clock_sounds_at_once_and_turns_critical_on_time(bench: object) -> None:
    bench.order(SIMPLE)
    reduce(bench)
    assert latched_alarms(bench.implant) == (AlarmCondition.EMERGENCY_REDUCTION,)
    bench.run(DUE_MS - 1)
    assert AlarmCondition.WITHDRAWAL_CLOCK not in latched_alarms(bench.implant)
    assert bench.tell(ReadAccess("er"), Role.BREAK_GLASS).reduced_for_ms == DUE_MS - 1
    bench.run(1)
    assert AlarmCondition.WITHDRAWAL_CLOCK in latched_alarms(bench.implant)
    assert any(alarm.critical for alarm in bench.read().alarms)


@pytest.mark.requirement("TEL-10", "BOL-08")
@pytest.mark.parametrize("order", [SIMPLE, MinimumRate()])
def test_a_reduction_ends_a_bolus_whatever_runs_below_it(bench: object, order: object) -> None:
    bench.order(order)
    bolus = DeliverBolus("nurse", bench.command_id(), program_digest(bench.implant), 20_000, HOUR)
    assert isinstance(bench.tell(bolus), Applied)
    assert bench.implant.firmware.controller.state is PumpState.BOLUS
    assert isinstance(reduce(bench), Applied)
    assert bench.implant.firmware.controller.state is PumpState.MINIMUM_RATE
    assert LogKind.BOLUS_ENDED_EARLY in kinds(bench)


@pytest.mark.requirement("TEL-10", "BOL-01")
def test_after_a_reduction_the_patient_may_ask_for_nothing_until_it_is_allowed_again(bench: object) -> None:
    bench.order(SIMPLE)
    bench.tell(EnablePatientBolus("nurse", bench.command_id(), 10_000_000, HOUR // 4, 2 * HOUR, 4))
    bench.tell(EnablePatientAdjustment("nurse", bench.command_id(), 5, 180_000_000, 220_000_000))
    assert bench.implant.firmware.patient.allows_anything
    assert isinstance(reduce(bench), Applied)
    assert LogKind.PATIENT_CONTROL_CHANGED in kinds(bench)[-4:]
    bench.order(SIMPLE)
    for request in (
        RequestPatientBolus("patient", bench.command_id()),
        RequestPatientAdjustment("patient", bench.command_id(), -1),
    ):
        assert bench.tell(request, Role.PATIENT).field == "permission"


@pytest.mark.requirement("TEL-10")
def test_a_clinicians_new_order_ends_the_emergency(bench: object) -> None:
    bench.order(SIMPLE)
    reduce(bench)
    bench.run(DUE_MS)
    bench.order(SimpleContinuous(100_000_000))
    assert latched_alarms(bench.implant) == ()
    assert bench.tell(ReadAccess("nurse")).reduced_for_ms is None


@pytest.mark.requirement("TEL-10", "SYS-06")
def test_the_withdrawal_clock_survives_a_restart_and_a_clock_that_is_set(bench: object) -> None:
    bench.order(SIMPLE)
    reduce(bench)
    bench.implant = from_bytes(to_bytes(bench.implant))
    bench.tell(SetClock("nurse", bench.command_id(), 0, 0))
    bench.run(DUE_MS)
    assert AlarmCondition.WITHDRAWAL_CLOCK in latched_alarms(bench.implant)


@pytest.mark.requirement("TEL-10")
def test_break_glass_reads_everything_and_leaves_its_own_entry(bench: object) -> None:
    reading = bench.tell(Interrogate("ambulance"), Role.BREAK_GLASS)
    assert isinstance(reading, Interrogation)
    assert reading.log[-1].kind is LogKind.EMERGENCY_READ


@pytest.mark.requirement("TEL-10")
def test_break_glass_requests_are_counted_by_the_hour(bench: object) -> None:
    most = FACTS.fact("requests_per_hour").whole("1")
    for _ in range(most):
        assert isinstance(bench.tell(Interrogate("x"), Role.BREAK_GLASS), Interrogation)
    length = len(bench.implant.firmware.log.entries)
    assert bench.tell(Interrogate("x"), Role.BREAK_GLASS).field == "role"
    assert len(bench.implant.firmware.log.entries) == length
    assert isinstance(bench.read(), Interrogation)
    bench.run(HOUR)
    assert isinstance(bench.tell(Interrogate("x"), Role.BREAK_GLASS), Interrogation)


FLEX = Flex((FlexPattern(tuple(range(7)), (FlexStep(0, 10_000_000), FlexStep(6 * HOUR, 2_000_000))),))
attempts = st.one_of(
    st.builds(ReduceToMinimum, st.just("er"), st.uuids().map(str), st.sampled_from([SEEN, UNSEEN])),
    st.builds(SilenceAlarm, st.just("er"), st.uuids().map(str), st.integers(-1, 2 * 24 * HOUR)),
    st.builds(Interrogate, st.just("er")),
    st.builds(
        ProgramPump,
        st.just("er"),
        st.uuids().map(str),
        st.just("DIGEST"),
        st.sampled_from([Stopped(), SIMPLE, FLEX, MinimumRate()]),
        st.sampled_from([0, 250_000]),
    ),
    st.builds(
        RecordRefill,
        st.just("er"),
        st.uuids().map(str),
        st.just("DIGEST"),
        st.just(9_000_000),
        st.just(2000),
        st.just(0),
    ),
    st.integers(1, 12 * HOUR),
)


@pytest.mark.requirement("TEL-10")
@settings(max_examples=60)
@given(
    start=st.sampled_from([Stopped(), MinimumRate(), SIMPLE, FLEX]),
    prime_nl=st.sampled_from([0, 100_000]),
    history=st.lists(attempts, max_size=12),
)
def test_no_sequence_of_break_glass_requests_raises_what_is_delivered(
    make_bench: object, start: object, prime_nl: int, history: list[object]
) -> None:
    bench, control = make_bench(), make_bench()
    for each in (bench, control):
        each.order(start, 0 if isinstance(start, Stopped) else prime_nl)
    for attempt in history:
        if isinstance(attempt, int):
            bench.run(attempt)
            control.run(attempt)
            assert bench.implant.hardware.delivered_nl <= control.implant.hardware.delivered_nl
            assert flow(bench) <= max(flow(control), 6_000)
        else:
            digest = bench.implant.firmware.controller.program.digest
            bench.tell(_aimed(attempt, digest), Role.BREAK_GLASS)


def _aimed(attempt: object, digest: str) -> object:
    if isinstance(attempt, ProgramPump):
        return ProgramPump(attempt.actor, attempt.command_id, digest, attempt.order, attempt.prime_nl)
    if isinstance(attempt, RecordRefill):
        return RecordRefill(attempt.actor, attempt.command_id, digest, attempt.volume_nl, 2000, 0)
    return attempt


def silence(bench: object, ms: int, role: Role) -> object:
    return bench.tell(SilenceAlarm("x", bench.command_id(), ms), role)


@pytest.mark.requirement("TEL-10", "ALM-05")
def test_break_glass_cannot_silence_a_critical_alarm_but_a_clinician_can_for_a_while(bench: object) -> None:
    bench.run(48 * HOUR)
    assert latched_alarms(bench.implant) == STOPPED_ALARMS
    assert silence(bench, 60_000, Role.BREAK_GLASS).field == "alarm"
    assert audible_alarms(bench.implant) == latched_alarms(bench.implant)
    assert isinstance(silence(bench, 60_000, Role.CLINICIAN), Applied)
    assert audible_alarms(bench.implant) == ()
    assert latched_alarms(bench.implant) == STOPPED_ALARMS
    bench.run(60_000)
    assert audible_alarms(bench.implant) == STOPPED_ALARMS


@pytest.mark.requirement("ALM-04")
@pytest.mark.parametrize("ms", [0, -1, 20 * units.MS_PER_MIN + 1])
def test_a_critical_alarm_is_silenced_for_a_bounded_time_only(bench: object, ms: int) -> None:
    bench.run(48 * HOUR)
    assert isinstance(silence(bench, ms, Role.CLINICIAN), Refused)
    assert audible_alarms(bench.implant) == STOPPED_ALARMS


@pytest.mark.requirement("ALM-05", "ALM-07")
def test_a_new_condition_sounds_though_another_was_silenced(bench: object) -> None:
    bench.order(SIMPLE)
    reduce(bench)
    silence(bench, 24 * HOUR, Role.BREAK_GLASS)
    assert audible_alarms(bench.implant) == ()
    bench.run(DUE_MS)
    assert audible_alarms(bench.implant) == (AlarmCondition.WITHDRAWAL_CLOCK,)


@pytest.mark.requirement("ALM-06")
def test_a_silenced_critical_alarm_sounds_again_when_the_contact_ends(bench: object) -> None:
    bench.run(48 * HOUR)
    silence(bench, 10 * units.MS_PER_MIN, Role.CLINICIAN)
    implant = contact_ended(bench.implant, bench.implant.now_ms)
    assert audible_alarms(implant) == STOPPED_ALARMS
    assert implant.firmware.log.entries[-1].kind is LogKind.SILENCE_ENDED


@pytest.mark.requirement("ALM-05")
def test_nothing_is_silenced_while_nothing_sounds(bench: object) -> None:
    bench.order(SIMPLE)
    assert silence(bench, 60_000, Role.CLINICIAN).field == "alarm"
