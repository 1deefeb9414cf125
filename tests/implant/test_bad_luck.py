"""A memory that holds everything - staged program, bolus, prime, bridge - under every failure there is.

After it: the state before, the state after, or minimum rate with a critical alarm. Never another therapy.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from openitb import units
from openitb.implant import (
    Implant,
    StoreError,
    advance,
    handle,
    latched_alarms,
    log_entries,
    program_digest,
    pump_state,
    to_bytes,
)
from openitb.implant import store as stores
from openitb.implant.faults.bad_store import BadStore, Failure, PowerLostError
from openitb.implant.memory import HEAD_BYTES, Slot, recall, save
from openitb.prescription import Flex, FlexPattern, FlexStep, SimpleContinuous
from openitb.protocol import (
    AlarmCondition,
    Applied,
    CommitStaged,
    ConfirmProgram,
    DeliverBolus,
    LogKind,
    PumpState,
    ReadStaged,
    RecordRefill,
    Reply,
    Request,
    StageProgram,
)

BITS = 8
HOUR, MINUTE = units.MS_PER_H, units.MS_PER_MIN
EVERY_DAY = tuple(range(7))
NIGHT_AND_DAY = Flex((FlexPattern(EVERY_DAY, (FlexStep(0, 12_000_000), FlexStep(8 * HOUR, 6_000_000))),))
NEXT = SimpleContinuous(230 * units.PG_PER_UG)


def told(bench: object, request: Request) -> Reply:
    reply = bench.tell(request)
    assert isinstance(reply, Applied), reply
    return reply


@pytest.fixture
def full(bench: object) -> Implant:
    """An implant with a flex program, a bolus under way, a prime and a bridge, and a program staged."""
    bench.order(NIGHT_AND_DAY)
    bench.run_days(1)
    bench.refill(18_000_000, 2000, bridge_nl=316_000)
    bench.run(HOUR)
    bench.order(NIGHT_AND_DAY, prime_nl=100_000)
    bench.run(20 * MINUTE)
    told(bench, DeliverBolus("nurse", "bolus", program_digest(bench.implant), 10_000, 30 * MINUTE))
    told(bench, StageProgram("nurse", "stage", program_digest(bench.implant), NEXT, 50_000))
    bench.run(MINUTE)
    firmware = bench.implant.firmware
    assert firmware.link.staged
    assert firmware.controller.bolus
    assert firmware.controller.stages
    return bench.implant


# --- bits ----------------------------------------------------------------------------------------------


@pytest.mark.requirement("SYS-03", "DEL-14")
def test_a_bit_that_flips_anywhere_in_one_slot_costs_nothing(full: Implant) -> None:
    store = BadStore()
    save(store, full)
    sound = dict(store.slots)
    for slot in Slot:
        for place in range(0, len(sound[slot]), 199):  # every bit is turned over in test_memory
            store.slots = dict(sound)
            store.flip(slot, place * BITS + place % BITS)
            found = recall(store)
            assert replace(found.firmware, log=full.firmware.log) == full.firmware
            assert found.hardware == full.hardware


@pytest.mark.slow
@pytest.mark.requirement("SYS-03", "DEL-14")
def test_the_same_bit_flipped_in_both_slots_leaves_minimum_rate_and_an_alarm_or_nothing_to_run(
    full: Implant,
) -> None:
    """Every bit of the state. What a damaged state gives depends on which sections read back alone, so
    bits are sorted by that first and one of each sort is recalled whole."""
    data = to_bytes(full)
    sorts: dict[tuple[bool, ...], int] = {}
    for bit in range(len(data) * BITS):
        sorts.setdefault(sound_sections(data, bit), bit)
    assert (True, True, True) not in sorts  # no flip goes unseen
    assert len(sorts) == 4  # truth, belief or plate; or the frame around them
    outcomes = [recalled_with_both_flipped(full, HEAD_BYTES * BITS + bit) for bit in sorts.values()]
    assert outcomes.count(None) == 2  # the frame, and the parts themselves: nothing is left to run
    for found in filter(None, outcomes):
        assert_safe(found, full)


@pytest.mark.parametrize("place", range(HEAD_BYTES))
def test_a_damaged_head_of_both_slots_leaves_minimum_rate_and_an_alarm(place: int, full: Implant) -> None:
    found = recalled_with_both_flipped(full, place * BITS + place % BITS)
    assert found is not None
    assert_safe(found, full)


def sound_sections(data: bytes, bit: int) -> tuple[bool, ...]:
    changed = bytearray(data)
    changed[bit // BITS] ^= 1 << bit % BITS
    try:
        return tuple(bool(body) for body in stores._sections(bytes(changed)))
    except StoreError:
        return ()


def recalled_with_both_flipped(implant: Implant, bit: int) -> Implant | None:
    store = BadStore()
    save(store, implant)
    for slot in Slot:
        store.flip(slot, bit)
    try:
        return recall(store)
    except StoreError:
        return None


def assert_safe(found: Implant, before: Implant) -> None:
    """Minimum rate, told aloud, at the outlet too; nothing of the old therapy goes on."""
    assert pump_state(found) is PumpState.MINIMUM_RATE
    assert AlarmCondition.SETTINGS_LOST in latched_alarms(found)
    assert found.firmware.link.staged is None
    assert found.firmware.controller.bolus is None
    assert found.firmware.controller.stages == ()
    later = advance(found, found.now_ms + units.MS_PER_DAY).implant
    assert later.hardware.delivered_nl - before.hardware.delivered_nl in {5_750, 6_000}


# --- writes --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A command as it was told, and the state before and after it."""

    request: Request
    before: Implant
    after: Implant
    reply: Reply


def transfer(bench: object) -> Iterator[Told]:
    """A refill to another strength, then stage, commit and confirm, each a command of its own."""
    bench.order(SimpleContinuous(200 * units.PG_PER_UG))
    bench.run(HOUR)
    bench.needle(18_000_000, 2000)
    volume_nl = bench.implant.reservoir.volume_nl
    yield tell(
        bench, RecordRefill("nurse", "refill", program_digest(bench.implant), volume_nl, 2000, 316_000)
    )
    yield tell(bench, StageProgram("nurse", "stage", program_digest(bench.implant), NEXT, 50_000))
    staged = bench.tell(ReadStaged("nurse")).staged
    yield tell(bench, CommitStaged("nurse", "commit", staged.staged_digest))
    yield tell(bench, ConfirmProgram("nurse", "confirm", program_digest(bench.implant)))


def tell(bench: object, request: Request) -> Told:
    bench.run(MINUTE)
    before = bench.implant
    reply = told(bench, request)
    return Told(request, before, bench.implant, reply)


@pytest.fixture(scope="module")
def steps(make_bench: Callable) -> tuple[Told, ...]:
    return tuple(transfer(make_bench()))


@pytest.mark.requirement("SYS-05", "TEL-04", "TEL-05", "TEL-06")
@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("step", range(4), ids=["refill", "stage", "commit", "confirm"])
@pytest.mark.parametrize("fails_at", [1, 2])
def test_power_lost_at_any_write_of_a_step_leaves_before_or_after_and_the_command_is_safe_to_repeat(
    fails_at: int, step: int, failure: Failure, steps: tuple[Told, ...]
) -> None:
    one = steps[step]
    store = BadStore()
    save(store, one.before)
    store.fails_at, store.failure, store.writes = fails_at, failure, 0
    with pytest.raises(PowerLostError):
        save(store, one.after)
    store.power_on()
    found = recall(store)
    assert unmasked(found) in (unmasked(one.before), unmasked(one.after))
    again, reply = handle(found, one.request, found.now_ms)
    assert isinstance(reply, Applied)
    assert reply.program_digest == one.reply.program_digest
    assert unmasked(again).firmware.controller == one.after.firmware.controller
    kinds = [entry.kind for entry in log_entries(again) if entry.kind is not LogKind.MEMORY_MASKED]
    assert kinds == [entry.kind for entry in log_entries(one.after)]  # once, however often it is sent


@pytest.mark.requirement("SYS-05", "TEL-06")
@pytest.mark.parametrize("failure", Failure)
def test_power_lost_at_every_write_in_turn_of_a_whole_transfer_loses_no_step_that_was_answered(
    failure: Failure, steps: tuple[Told, ...]
) -> None:
    store = BadStore()
    for one in steps:
        save(store, one.before)
        for fails_at in (1, 2):
            store.fails_at, store.failure, store.writes = fails_at, failure, 0
            with pytest.raises(PowerLostError):
                save(store, one.after)
            assert unmasked(recall(store)) in (unmasked(one.before), unmasked(one.after))
        store.power_on()
        save(store, one.after)
        assert recall(store) == one.after


def unmasked(implant: Implant) -> Implant:
    """Without what recalling notes in the log: a masked slot is told and changes nothing else."""
    return replace(implant, firmware=replace(implant.firmware, log=None))
