"""The state table against the pump: every state, every event, and nothing that the table does not say."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise, product

import pytest

from openitb import units
from openitb.implant import Implant, latched_alarms, program_digest, pump_state
from openitb.implant.firmware.alarms import CRITICAL
from openitb.implant.firmware.bolus import Bolus
from openitb.implant.firmware.table import OVERLAYS, TABLE, Event, Flow, delivers
from openitb.implant.firmware.watch import settled, vetoed
from openitb.implant.state_page import page
from openitb.prescription import (
    Flex,
    FlexPattern,
    FlexStep,
    MinimumRate,
    Order,
    Periodic,
    SimpleContinuous,
    Stopped,
)
from openitb.protocol import (
    AlarmCondition,
    Applied,
    CancelBolus,
    DeliverBolus,
    DisablePatientAdjustment,
    DisablePatientBolus,
    EnablePatientAdjustment,
    EnablePatientBolus,
    PumpState,
    Refused,
    RequestPatientAdjustment,
    RequestPatientBolus,
    Role,
    SetClock,
    SetLowReservoirAlarm,
    StageKind,
)

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
U = units.PG_PER_UG
SIMPLE = SimpleContinuous(200 * U)
FLEX = Flex((FlexPattern(tuple(range(7)), (FlexStep(0, 12 * U), FlexStep(8 * HOUR, 6 * U))),))
PERIODIC = Periodic(20 * U, 30 * MINUTE, 6 * HOUR, 100 * U)
BRIDGE_NL = 375_000


# --- how a pump comes to each state ---------------------------------------------------------------


def ordered(bench: object, order: Order = SIMPLE) -> None:
    assert isinstance(bench.order(order), Applied)
    permit(bench)


def bridged(bench: object, order: Order = SIMPLE) -> None:
    ordered(bench, order)
    assert isinstance(bench.record(19_000_000, 2000, BRIDGE_NL), Applied)


def twice_bridged(bench: object) -> None:
    bench.run(3 * HOUR)
    assert isinstance(bench.record(19_000_000, 1000, BRIDGE_NL), Applied)


def primed(bench: object) -> None:
    assert isinstance(bench.order(bench.read().order, prime_nl=100_000), Applied)


def dosed(bench: object) -> None:
    digest = program_digest(bench.implant)
    assert isinstance(bench.tell(DeliverBolus("nurse", bench.command_id(), digest, 10_000, HOUR)), Applied)


def asked(bench: object) -> None:
    assert isinstance(request(bench), Applied)


def stopped_by_guard(bench: object) -> None:
    bench.implant = replace(bench.implant, firmware=vetoed(bench.implant.firmware, bench.implant.build))


def spent(bench: object) -> None:
    """Replacement due so long ago that service is over."""
    firmware, build = bench.implant.firmware, bench.implant.build
    eri_ms = firmware.counter.tick_ms - build.battery.eri_to_eos_ms
    bench.implant = replace(bench.implant, firmware=settled(replace(firmware, eri_ms=eri_ms), build))


Way = tuple[Callable[[object], None], ...]


def with_order(order: Order, come: Callable[..., None] = ordered) -> Callable[[object], None]:
    return lambda bench: come(bench, order)


idle = with_order(MinimumRate())

WAYS: dict[PumpState, tuple[Way, ...]] = {
    PumpState.STOPPED: ((), (ordered, with_order(Stopped())), (bridged, with_order(Stopped()))),
    PumpState.MINIMUM_RATE: ((idle,), (bridged, idle)),
    PumpState.RUNNING: tuple((with_order(order),) for order in (SIMPLE, FLEX, PERIODIC)),
    PumpState.PRIME: (
        (ordered, primed),
        (idle, primed),
        (bridged, primed),
    ),
    PumpState.BRIDGE: ((bridged,), (with_order(FLEX, bridged),), (bridged, twice_bridged)),
    PumpState.BOLUS: (
        (ordered, dosed),
        (ordered, asked),
        (idle, dosed),
        (bridged, dosed),
        (bridged, asked),
    ),
    PumpState.GUARD_STOP: (
        (ordered, stopped_by_guard),
        (bridged, stopped_by_guard),
        (ordered, dosed, stopped_by_guard),
    ),
    PumpState.END_OF_SERVICE: ((spent,), (ordered, spent), (ordered, dosed, spent), (bridged, primed, spent)),
}


# --- what may come to it --------------------------------------------------------------------------


def permit(bench: object) -> object:
    allowed = EnablePatientBolus("nurse", bench.command_id(), 5 * U, 15 * MINUTE, HOUR, 4)
    dose = bench.read().dose_pg_per_day
    if dose > 100 * U:
        step = EnablePatientAdjustment("nurse", bench.command_id(), 5, dose * 8 // 10, dose * 12 // 10)
        bench.tell(step)
    return bench.tell(allowed)


def request(bench: object) -> object:
    return bench.tell(RequestPatientBolus("patient", bench.command_id()), Role.PATIENT)


def adjust(bench: object) -> object:
    return bench.tell(RequestPatientAdjustment("patient", bench.command_id(), -1), Role.PATIENT)


def cancel(bench: object) -> object:
    return bench.tell(CancelBolus("nurse", bench.command_id()))


def bolus(bench: object) -> object:
    digest = program_digest(bench.implant)
    return bench.tell(DeliverBolus("nurse", bench.command_id(), digest, 10_000, HOUR))


def other(bench: object) -> int:
    return 1000 if bench.read().concentration_ug_per_ml != 1000 else 500


def same_refill(bench: object) -> object:
    return bench.record(19_000_000, bench.read().concentration_ug_per_ml, None)


def set_clock(bench: object) -> object:
    return bench.tell(SetClock("nurse", bench.command_id(), bench.implant.firmware.at_ms + HOUR, 0))


def stage_done(bench: object) -> None:
    first = bench.implant.firmware.controller.stages[0]
    while first in bench.implant.firmware.controller.stages:
        bench.run(HOUR if first.kind is StageKind.BRIDGE else MINUTE)


def bolus_done(bench: object) -> None:
    while bench.implant.firmware.controller.bolus:
        bench.run(MINUTE)


def struck(bench: object) -> None:
    """A fault strikes the count: the computed reservoir is empty."""
    firmware, build = bench.implant.firmware, bench.implant.build
    told = replace(firmware.reservoir, filled_nl=build.residual_nl, filled_at_stroke=firmware.counter.strokes)
    bench.implant = replace(bench.implant, firmware=settled(replace(firmware, reservoir=told), build))


EVENTS: dict[Event, tuple[Callable[[object], object], ...]] = {
    Event.READ: (lambda bench: bench.read(),),
    Event.SETTING: (
        lambda bench: bench.tell(SetLowReservoirAlarm("nurse", bench.command_id(), 4_000_000)),
        set_clock,
    ),
    Event.PROGRAM: tuple(lambda bench, order=order: bench.order(order) for order in (SIMPLE, FLEX, PERIODIC)),
    Event.IDLE: (lambda bench: bench.order(MinimumRate()),),
    Event.STOP: (lambda bench: bench.order(Stopped()),),
    Event.PROGRAM_AND_PRIME: (lambda bench: bench.order(SIMPLE, prime_nl=100_000),),
    Event.REFILL: (same_refill, lambda bench: bench.record(19_000_000, other(bench), 0)),
    Event.REFILL_AND_BRIDGE: (lambda bench: bench.record(19_000_000, other(bench), BRIDGE_NL),),
    Event.BOLUS: (bolus,),
    Event.CANCEL: (cancel,),
    Event.PERMIT: (
        permit,
        lambda bench: bench.tell(DisablePatientBolus("nurse", bench.command_id())),
        lambda bench: bench.tell(DisablePatientAdjustment("nurse", bench.command_id())),
    ),
    Event.REQUEST: (request,),
    Event.ADJUST: (adjust,),
    Event.STAGE_DONE: (stage_done,),
    Event.BOLUS_DONE: (bolus_done,),
    Event.CRITICAL_ALARM: (struck,),
    Event.VETO: (stopped_by_guard,),
    Event.SERVICE_OVER: (spent,),
}


PUMPS = ("synchromed-ii-20", "prometra-ii-20")


def came_to(make_bench: Callable, way: Way, pump_id: str = PUMPS[0]) -> object:
    bench = make_bench(pump_id)
    for step in way:
        step(bench)
    return bench


def can_occur(event: Event, bench: object) -> bool:
    return event is not Event.STAGE_DONE or bool(bench.implant.firmware.controller.stages)


def tried(make_bench: Callable, state: PumpState, event: Event) -> Iterator[tuple[PumpState, object]]:
    """Where each way of bringing the event about leads, from each way into the state, on either drive."""
    for pump_id, way, happen in product(PUMPS, WAYS[state], EVENTS[event]):
        if pump_id == "prometra-ii-20" and idle in way:
            continue  # minimum rate on a valve pump is a stop, see below
        bench = came_to(make_bench, way, pump_id)
        assert pump_state(bench.implant) is state
        if can_occur(event, bench):
            reply = happen(bench)
            yield pump_state(bench.implant), reply


@pytest.mark.requirement("DEL-13", "DEL-15")
def test_minimum_rate_on_a_valve_pump_is_a_stop_and_sounds_like_one(make_bench: Callable) -> None:
    bench = came_to(make_bench, (idle,), "prometra-ii-20")
    assert (bench.read().state, bench.read().rate_nl_per_day) == (PumpState.STOPPED, 0)
    bench.run_days(2)
    assert AlarmCondition.STOPPED_TOO_LONG in latched_alarms(bench.implant)
    assert isinstance(bench.order(MinimumRate(), prime_nl=100_000), Refused)


@pytest.mark.requirement("DEL-15")
@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", TABLE)
def test_each_event_leads_where_the_table_says_and_nowhere_else(
    state: PumpState, event: Event, make_bench: Callable
) -> None:
    row = TABLE[state]
    assert not (event in row.leads and event in row.refuses)
    if event in row.refuses:
        for after, reply in tried(make_bench, state, event):
            assert (after, reply) == (state, Refused("state", row.refuses[event]))
    elif event in row.leads:
        seen = list(tried(make_bench, state, event))
        assert {after for after, _ in seen} == set(row.leads[event])
        assert not [reply for _, reply in seen if isinstance(reply, Refused)]


def test_every_state_of_the_protocol_is_in_the_table() -> None:
    assert set(TABLE) | set(OVERLAYS) == set(PumpState)
    assert not set(TABLE) & set(OVERLAYS)
    assert {flow for row in TABLE.values() for flow in [row.flow]} == set(Flow)


CANNOT = {
    Event.STAGE_DONE: set(TABLE) - {PumpState.PRIME, PumpState.BRIDGE, PumpState.MINIMUM_RATE},
    Event.BOLUS_DONE: set(TABLE) - {PumpState.BOLUS},
    Event.VETO: {PumpState.STOPPED, PumpState.GUARD_STOP, PumpState.END_OF_SERVICE},
    Event.SERVICE_OVER: {PumpState.END_OF_SERVICE},
}


@pytest.mark.parametrize("event", Event)
def test_an_event_is_left_out_only_where_it_cannot_occur(event: Event) -> None:
    left_out = {state for state, row in TABLE.items() if event not in {*row.leads, *row.refuses}}
    assert left_out == CANNOT.get(event, set())


def reached(state: PumpState) -> set[PumpState]:
    """Every state that some sequence of events leads to."""
    found, ahead = {state}, [state]
    while ahead:
        fresh = {to for targets in TABLE[ahead.pop()].leads.values() for to in targets} - found
        found |= fresh
        ahead += fresh
    return found


@pytest.mark.requirement("DEL-15")
@pytest.mark.parametrize("state", TABLE)
def test_no_state_is_without_an_exit_to_delivery_unless_a_critical_alarm_sounds(state: PumpState) -> None:
    if not any(map(delivers, reached(state))):
        assert TABLE[state].alarm in CRITICAL
    if not delivers(state):
        assert TABLE[state].alarm in CRITICAL


@pytest.mark.parametrize("state", [state for state in TABLE if state is not PumpState.END_OF_SERVICE])
def test_a_clinician_alone_can_bring_any_pump_in_service_to_deliver(state: PumpState) -> None:
    assert any(map(delivers, TABLE[state].leads[Event.PROGRAM]))


@pytest.mark.requirement("DEL-15")
@pytest.mark.parametrize("state", TABLE)
def test_the_alarm_of_a_state_without_delivery_does_sound(state: PumpState, make_bench: Callable) -> None:
    for way in WAYS[state]:
        bench = came_to(make_bench, way)
        bench.run_days(2)
        expected = TABLE[state].alarm
        assert expected is None or expected in latched_alarms(bench.implant)


@pytest.mark.requirement("DEL-15")
@pytest.mark.parametrize("state", TABLE)
def test_what_flows_in_a_state_is_what_the_table_says(state: PumpState, make_bench: Callable) -> None:
    for way in WAYS[state]:
        bench = came_to(make_bench, way)
        bench.run(SHORT_MS)
        assert pump_state(bench.implant) is state
        assert bench.read().rate_nl_per_day == expected_flow(bench.implant)


SHORT_MS = 10 * units.MS_PER_S


def expected_flow(implant: Implant) -> int:
    control, build = implant.firmware.controller, implant.build
    program = next((s.program for s in control.stages if s.kind is StageKind.BRIDGE), control.program)
    below = program.rate_at(implant.firmware.at_ms, 0)
    bolus: Bolus | None = control.bolus
    match TABLE[control.state].flow:
        case Flow.NONE:
            return 0
        case Flow.HIGHEST:
            return build.highest_flow_nl_per_day
        case Flow.BOLUS:
            assert bolus is not None
            return below + bolus.rate_nl_per_day
        case _:
            return below


def test_nothing_is_made_up_after_a_guard_stop(make_bench: Callable) -> None:
    bench = came_to(make_bench, (ordered, stopped_by_guard))
    bench.run_days(3)
    assert AlarmCondition.DELIVERY_GUARD in latched_alarms(bench.implant)
    bench.order(SIMPLE)
    before = bench.implant.firmware.counter.strokes
    bench.run(54_000 - 1)
    assert bench.implant.firmware.counter.strokes == before
    bench.run(1)
    assert bench.implant.firmware.counter.strokes == before + 1


def test_the_page_of_the_table_is_up_to_date(pytestconfig: pytest.Config) -> None:
    written = (pytestconfig.rootpath / "docs" / "states.md").read_text(encoding="utf-8")
    assert written == page(), "write it again: python -m openitb.implant.state_page > docs/states.md"


def test_the_page_shows_every_state_and_every_event() -> None:
    text = page()
    assert all(f"`{name.value}`" in text for name in (*PumpState,))
    assert all(event.value in text for event in Event)
    rows = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert all(first == second for first, second in pairwise(rows) if {first, second} <= {rows[-1]})
