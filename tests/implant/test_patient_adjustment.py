"""The daily dose in the patient's hand: in steps, within a range, and back exactly to where it began."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb import units
from openitb.implant import log_entries, program_digest
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
    Applied,
    EnablePatientAdjustment,
    LogKind,
    PumpState,
    Refused,
    RequestPatientAdjustment,
    Role,
)

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
U = units.PG_PER_UG
SIMPLE = SimpleContinuous(200 * U)


def allow_steps(bench: object, step: int = 5, low: int = 170 * U, high: int = 230 * U) -> Applied | Refused:
    return bench.tell(EnablePatientAdjustment("nurse", bench.command_id(), step, low, high))


def move(bench: object, steps: int) -> Applied | Refused:
    return bench.tell(RequestPatientAdjustment("patient", bench.command_id(), steps), Role.PATIENT)


def test_no_adjustment_until_a_clinician_enables_it(bench: object) -> None:
    bench.order(SIMPLE)
    assert move(bench, -1).field == "permission"


def test_a_step_up_waits_as_long_as_a_clinicians_increase(bench: object) -> None:
    bench.order(SIMPLE)
    allow_steps(bench)
    refused = move(bench, 1)
    assert isinstance(refused, Refused)
    assert refused.reason == "raised or permitted recently; up again in 24 h"
    bench.run_days(1)
    assert isinstance(move(bench, 1), Applied)
    assert bench.read().dose_pg_per_day == 210 * U
    assert isinstance(move(bench, 1), Refused)


def test_down_at_once_and_up_again_ends_exactly_where_it_began(bench: object) -> None:
    bench.order(SimpleContinuous(200 * U + 1))
    allow_steps(bench)
    before = program_digest(bench.implant)
    move(bench, -2)
    assert bench.read().dose_pg_per_day == 180 * U
    for _ in range(2):
        bench.run_days(1)
        move(bench, 1)
    assert program_digest(bench.implant) == before
    assert bench.read().patient_adjustment.steps == 0


@pytest.mark.parametrize("steps", [2, 0, 100, 10**18])
def test_up_goes_one_step_at_a_time(bench: object, steps: int) -> None:
    bench.order(SIMPLE)
    allow_steps(bench)
    bench.run_days(2)
    assert move(bench, steps).field == "steps"


@pytest.mark.parametrize("steps", [-4, -19, -21, -(10**18)])
def test_below_the_range_nothing_changes(bench: object, steps: int) -> None:
    bench.order(SIMPLE)
    allow_steps(bench)
    before = bench.implant.firmware.controller
    assert isinstance(move(bench, steps), Refused)
    assert bench.implant.firmware.controller == before


@settings(max_examples=30)
@given(
    moves=st.lists(st.tuples(st.integers(0, 2 * DAY), st.integers(-6, 2)), max_size=20),
    step=st.integers(1, 10),
    order=st.sampled_from(
        [
            SIMPLE,
            Flex((FlexPattern(tuple(range(7)), (FlexStep(0, 10 * U + 1), FlexStep(12 * HOUR, 7 * U))),)),
            Periodic(20 * U, 30 * MINUTE, 6 * HOUR, 120 * U),
        ]
    ),
)
def test_however_it_is_moved_the_dose_stays_in_its_range(
    make_bench: Callable, moves: list[tuple[int, int]], step: int, order: object
) -> None:
    bench = make_bench()
    bench.order(order)
    base = bench.read().dose_pg_per_day
    low, high = base * 4 // 5, base * 6 // 5
    assert isinstance(allow_steps(bench, step, low, high), Applied)
    raised = [0]
    for wait, steps in moves:
        bench.run(wait)
        if isinstance(move(bench, steps), Applied) and steps > 0:
            assert bench.now_ms - raised[-1] >= DAY
            raised.append(bench.now_ms)
        assert low <= bench.read().dose_pg_per_day <= high


def test_a_new_program_ends_the_permission_and_says_so(bench: object) -> None:
    bench.order(SIMPLE)
    allow_steps(bench)
    bench.order(SimpleContinuous(210 * U))
    assert bench.read().patient_adjustment is None
    assert log_entries(bench.implant)[-2].kind is LogKind.PATIENT_CONTROL_CHANGED


def test_an_adjustment_is_an_order_in_the_log(bench: object) -> None:
    bench.order(SIMPLE)
    allow_steps(bench)
    move(bench, -1)
    intent, outcome = log_entries(bench.implant)[-2:]
    assert (intent.kind, outcome.kind) == (LogKind.PROGRAM_INTENDED, LogKind.PROGRAM_CHANGED)
    assert (outcome.actor, outcome.get("dose_pg_per_day")) == ("patient: patient", 190 * U)


def test_an_adjustment_during_a_bridge_holds_with_the_old_drug_too(bench: object) -> None:
    bench.order(SIMPLE)
    bench.refill(18_000_000, 1000, 375_000)
    allow_steps(bench, 10)
    assert isinstance(move(bench, -1), Applied)
    assert (bench.read().state, bench.read().rate_nl_per_day) == (PumpState.BRIDGE, 360_000)
    bench.run_days(3)
    assert bench.read().rate_nl_per_day == 180_000


@pytest.mark.parametrize(
    ("step", "low", "high", "field"),
    [
        (10, 140 * U, 260 * U, None),
        (11, 140 * U, 260 * U, "step_percent"),
        (0, 140 * U, 260 * U, "step_percent"),
        (5, 139 * U, 260 * U, "low_pg_per_day"),
        (5, 201 * U, 260 * U, "low_pg_per_day"),
        (5, 140 * U, 261 * U, "high_pg_per_day"),
        (5, 140 * U, 199 * U, "high_pg_per_day"),
    ],
)
def test_step_and_range_have_hard_limits(
    bench: object, step: int, low: int, high: int, field: str | None
) -> None:
    bench.order(SIMPLE)
    reply = allow_steps(bench, step, low, high)
    assert (reply.field if isinstance(reply, Refused) else None) == field


@pytest.mark.parametrize("order", [Stopped(), MinimumRate()])
def test_an_order_without_a_dose_cannot_be_adjusted(bench: object, order: object) -> None:
    bench.order(order)
    refused = allow_steps(bench)
    assert isinstance(refused, Refused)
    assert refused.field == "order"


def test_a_range_the_pump_cannot_run_is_refused_when_it_is_permitted(bench: object) -> None:
    bench.order(SimpleContinuous(26 * U))  # 52 µL a day; the pump begins at 48
    refused = allow_steps(bench, 10, 20 * U, 30 * U)
    assert isinstance(refused, Refused)
    assert "expected a flow of 0.048" in refused.reason
