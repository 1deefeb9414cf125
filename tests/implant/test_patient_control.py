"""What the patient may do: nothing until a clinician allows it, and then no more than that."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb import units
from openitb.implant import Implant, from_bytes, log_entries, program_digest, pump_state, to_bytes
from openitb.implant.firmware.alarms import Alarm
from openitb.implant.firmware.controller import Stage
from openitb.implant.firmware.patient import NOTHING_ALLOWED
from openitb.prescription import (
    SimpleContinuous,
)
from openitb.protocol import (
    AlarmCondition,
    Applied,
    BolusKind,
    DisablePatientAdjustment,
    DisablePatientBolus,
    EnablePatientAdjustment,
    EnablePatientBolus,
    LogKind,
    PumpState,
    Refused,
    RequestPatientBolus,
    Role,
    SetClock,
    StageKind,
)

DAY, HOUR, MINUTE, SECOND = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN, units.MS_PER_S
U = units.PG_PER_UG
SIMPLE = SimpleContinuous(200 * U)
LOCKOUT = 2 * HOUR


def allow(
    bench: object, dose_pg: int = 10 * U, lockout_ms: int = LOCKOUT, most: int = 4
) -> Applied | Refused:
    command = EnablePatientBolus("nurse", bench.command_id(), dose_pg, 15 * MINUTE, lockout_ms, most)
    return bench.tell(command)


def press(bench: object) -> Applied | Refused:
    return bench.tell(RequestPatientBolus("patient", bench.command_id()), Role.PATIENT)


def begun(bench: object) -> list[int]:
    return [entry.tick_ms for entry in log_entries(bench.implant) if entry.kind is LogKind.BOLUS_STARTED]


@pytest.fixture
def treated(bench: object) -> object:
    bench.order(SIMPLE)
    allow(bench)
    return bench


@pytest.mark.requirement("BOL-01")
def test_off_until_a_clinician_enables_it(bench: object) -> None:
    bench.order(SIMPLE)
    refused = press(bench)
    assert isinstance(refused, Refused)
    assert refused.field == "permission"
    assert bench.read().patient_bolus is None


def test_a_request_gives_the_permitted_dose_over_its_time(treated: object) -> None:
    assert isinstance(press(treated), Applied)
    assert treated.read().bolus.kind is BolusKind.PATIENT
    treated.run(15 * MINUTE)
    # 10 µg are 20 µL; a quarter of an hour of program 4.17 µL
    assert abs(treated.delivered_nl() - 24_167) <= 250
    assert pump_state(treated.implant) is PumpState.RUNNING


@pytest.mark.parametrize(
    ("strength", "volume_nl"), [(500, 20_000), (2000, 5_000), (1999, 5_000), (700, 14_250)]
)
def test_a_dose_is_metered_in_whole_strokes_and_never_more(
    make_bench: Callable, strength: int, volume_nl: int
) -> None:
    bench = make_bench(concentration=strength)
    bench.order(SIMPLE)
    allow(bench)
    press(bench)
    assert bench.read().bolus.volume_nl == volume_nl
    assert volume_nl * strength <= 10 * U < (volume_nl + 250) * strength


@pytest.mark.requirement("BOL-03")
def test_a_refused_request_says_when_to_ask_again_and_is_logged(treated: object) -> None:
    press(treated)
    treated.run(30 * MINUTE)
    before = treated.implant.firmware.counter
    refused = press(treated)
    assert isinstance(refused, Refused)
    assert (refused.field, refused.reason) == ("lockout", "the lock-out holds; again in 1 h 30 min")
    assert refused.wait_ms == 90 * MINUTE
    last = log_entries(treated.implant)[-1]
    assert (last.kind, last.actor, last.get("field")) == (LogKind.REFUSED, "patient: patient", "lockout")
    assert treated.implant.firmware.counter == before
    assert treated.read().patient_bolus.wait_ms == 90 * MINUTE


@pytest.mark.requirement("BOL-01")
def test_the_lock_out_ends_to_the_millisecond(treated: object) -> None:
    press(treated)
    treated.run(LOCKOUT - 1)
    assert isinstance(press(treated), Refused)
    treated.run(1)
    assert isinstance(press(treated), Applied)


@pytest.mark.requirement("BOL-01")
def test_the_number_counts_over_any_24_hours_and_not_the_day_of_the_calendar(treated: object) -> None:
    treated.run(17 * HOUR)
    for _ in range(4):
        assert isinstance(press(treated), Applied)
        treated.run(LOCKOUT)
    refused = press(treated)  # an hour after midnight
    assert isinstance(refused, Refused)
    assert (refused.field, refused.reason) == (
        "most_per_day",
        "as many as allowed were given; again in 16 h",
    )
    treated.run(16 * HOUR - 1)
    assert isinstance(press(treated), Refused)
    treated.run(1)
    assert isinstance(press(treated), Applied)


@pytest.mark.requirement("BOL-02", "PAT-06")
@given(jumps=st.lists(st.integers(-400 * DAY, 400 * DAY), min_size=1, max_size=4))
@settings(max_examples=30)
def test_no_setting_of_the_clock_shortens_or_lengthens_a_lock_out(
    make_bench: Callable, jumps: list[int]
) -> None:
    bench = make_bench()
    bench.order(SIMPLE)
    allow(bench)
    press(bench)
    for jump in jumps:
        at = max(0, bench.implant.firmware.at_ms + jump)
        bench.tell(SetClock("nurse", bench.command_id(), at, 0))
        assert isinstance(press(bench), Refused)
    bench.run(LOCKOUT - 1)
    assert isinstance(press(bench), Refused)
    bench.run(1)
    assert isinstance(press(bench), Applied)


@pytest.mark.requirement("BOL-02", "SYS-06")
def test_a_restart_at_any_second_keeps_the_lock_out(treated: object) -> None:
    allow(treated, lockout_ms=15 * MINUTE)
    press(treated)
    for _ in range(15 * 60 - 1):
        treated.run(SECOND)
        treated.implant = from_bytes(to_bytes(treated.implant))
        assert treated.implant.firmware.patient.lockout_left_ms(treated.now_ms) > 0
    assert isinstance(press(treated), Refused)
    treated.run(SECOND)
    assert isinstance(press(treated), Applied)


@pytest.mark.requirement("BOL-02")
def test_enabling_anew_forgets_nothing_that_was_given(treated: object) -> None:
    press(treated)
    treated.run(HOUR)
    treated.tell(DisablePatientBolus("nurse", treated.command_id()))
    allow(treated, most=1)
    refused = press(treated)
    assert isinstance(refused, Refused)
    treated.run(HOUR)
    assert press(treated).field == "most_per_day"


BREAKS: dict[str, Callable[[Implant], Implant]] = {
    "permission": lambda implant: with_patient(implant, bolus=None),
    "lockout": lambda implant: with_patient(implant, begun_ms=(implant.firmware.counter.tick_ms - 1,)),
    "most_per_day": lambda implant: with_patient(
        implant, begun_ms=(implant.firmware.counter.tick_ms - LOCKOUT,) * 4
    ),
    "alarms": lambda implant: replace(
        implant,
        firmware=replace(implant.firmware, alarms=(Alarm(AlarmCondition.STOPPED_TOO_LONG, 0),)),
    ),
    "reservoir": lambda implant: replace(
        implant,
        firmware=replace(
            implant.firmware, reservoir=replace(implant.firmware.reservoir, filled_nl=1_420_000 + 167_000)
        ),
    ),
    "bridge": lambda implant: with_control(implant, stages=(bridge_of(implant, 40),)),
    "state": lambda implant: with_control(
        implant, stages=(Stage(StageKind.PRIME, None, 10**9), *implant.firmware.controller.stages)
    ),
}


def with_patient(implant: Implant, **changed: object) -> Implant:
    patient = implant.firmware.patient
    both = {"begun_ms": patient.begun_ms + changed.get("begun_ms", ())}
    patient = replace(patient, **{**changed, **both})
    return replace(implant, firmware=replace(implant.firmware, patient=patient))


def with_control(implant: Implant, **changed: object) -> Implant:
    control = replace(implant.firmware.controller, **changed)
    return replace(implant, firmware=replace(implant.firmware, controller=control))


def bridge_of(implant: Implant, strokes: int) -> Stage:
    program = implant.firmware.controller.program
    return Stage(StageKind.BRIDGE, program, implant.firmware.counter.strokes + strokes)


@pytest.mark.requirement("BOL-01")
@pytest.mark.parametrize("broken", [c for n in range(len(BREAKS) + 1) for c in combinations(BREAKS, n)])
def test_every_condition_alone_and_with_any_others_refuses(treated: object, broken: tuple[str, ...]) -> None:
    treated.run(10 * HOUR)
    for name in broken:
        treated.implant = BREAKS[name](treated.implant)
    reply = press(treated)
    if not broken:
        assert isinstance(reply, Applied)
    else:
        assert isinstance(reply, Refused)
        assert reply.field in broken
        assert begun(treated) == []


@pytest.mark.requirement("BOL-01")
@settings(max_examples=30)
@given(
    presses=st.lists(st.integers(1, 5 * HOUR), min_size=1, max_size=40),
    lockout=st.integers(15, 600).map(lambda m: m * MINUTE),
    most=st.integers(1, 6),
)
def test_however_often_the_button_is_pressed_lock_out_and_number_hold(
    make_bench: Callable, presses: list[int], lockout: int, most: int
) -> None:
    bench = make_bench()
    bench.order(SIMPLE)
    allow(bench, lockout_ms=lockout, most=most)
    for wait in presses:
        bench.run(wait)
        press(bench)
    ticks = begun(bench)
    assert all(later - earlier >= lockout for earlier, later in pairwise(ticks))
    assert all(sum(at <= other < at + DAY for other in ticks) <= most for at in ticks)


@pytest.mark.requirement("BOL-07")
@pytest.mark.parametrize(
    ("dose_pg", "duration_ms", "lockout_ms", "most", "field"),
    [
        (10 * U, 15 * MINUTE, 15 * MINUTE, 24, None),
        (10 * U, 15 * MINUTE, 15 * MINUTE - 1, 4, "lockout_ms"),
        (10 * U, 15 * MINUTE, DAY + 1, 4, "lockout_ms"),
        (10 * U, 30 * MINUTE, 15 * MINUTE, 4, "lockout"),
        (10 * U, 15 * MINUTE, HOUR, 0, "most_per_day"),
        (10 * U, 15 * MINUTE, HOUR, 25, "most_per_day"),
        (0, 15 * MINUTE, HOUR, 4, "dose"),
        (U // 10, 15 * MINUTE, HOUR, 4, "volume_nl"),
        (1100 * U, 23 * HOUR, DAY, 1, "volume_nl"),
        (10 * U, 10 * SECOND, HOUR, 4, "duration_ms"),
    ],
)
def test_a_permission_has_hard_limits(
    bench: object, dose_pg: int, duration_ms: int, lockout_ms: int, most: int, field: str | None
) -> None:
    bench.order(SIMPLE)
    reply = bench.tell(
        EnablePatientBolus("nurse", bench.command_id(), dose_pg, duration_ms, lockout_ms, most)
    )
    assert (reply.field if isinstance(reply, Refused) else None) == field


@pytest.mark.requirement("PAT-01")
@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.PATIENT, Role.CLINICIAN}])
def test_nobody_but_patient_and_clinician_asks_for_a_patient_bolus(treated: object, role: Role) -> None:
    refused = treated.tell(RequestPatientBolus("someone", "one"), role)
    assert isinstance(refused, Refused)
    assert refused.field == "role"


@pytest.mark.requirement("PAT-01")
def test_the_patient_permits_nothing(bench: object) -> None:
    bench.order(SIMPLE)
    commands = (
        EnablePatientBolus("patient", "one", 10 * U, 15 * MINUTE, LOCKOUT, 4),
        EnablePatientAdjustment("patient", "two", 5, 150 * U, 250 * U),
        DisablePatientBolus("patient", "three"),
        DisablePatientAdjustment("patient", "four"),
    )
    for command in commands:
        assert bench.tell(command, Role.PATIENT).field == "role"
    assert bench.implant.firmware.patient == NOTHING_ALLOWED


def test_taking_the_permission_away_ends_the_patients_bolus(treated: object) -> None:
    press(treated)
    treated.run(6 * MINUTE)
    treated.tell(DisablePatientBolus("nurse", treated.command_id()))
    assert treated.read().bolus is None
    (ended,) = (e for e in log_entries(treated.implant) if e.kind is LogKind.BOLUS_ENDED_EARLY)
    assert (ended.get("kind"), ended.get("delivered_nl")) == ("patient", 8_000)


@pytest.mark.requirement("PAT-03", "BOL-13")
def test_the_same_request_sent_twice_is_one_bolus(treated: object) -> None:
    request = RequestPatientBolus("patient", "press")
    first = treated.tell(request, Role.PATIENT)
    treated.run(5 * HOUR)
    assert treated.tell(request, Role.PATIENT) == first
    assert len(begun(treated)) == 1


@pytest.mark.requirement("BOL-04")
def test_a_patients_bolus_changes_no_program(treated: object) -> None:
    digest = program_digest(treated.implant)
    press(treated)
    treated.run(HOUR)
    assert program_digest(treated.implant) == digest


def test_a_bolus_during_a_bridge_is_metered_for_the_drug_in_the_path(treated: object) -> None:
    treated.refill(18_000_000, 2000, 375_000)
    assert isinstance(press(treated), Applied)
    assert treated.read().bolus.volume_nl == 20_000  # of 500 µg/mL
