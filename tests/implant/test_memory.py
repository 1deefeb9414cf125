"""Memory under bad luck: every write may fail in every way, and every bit may flip."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from openitb import units
from openitb.implant import Implant, StoreError, advance, latched_alarms, log_entries, pump_state, to_bytes
from openitb.implant import memory as memories
from openitb.implant.faults.bad_store import BadStore, Failure, PowerLostError
from openitb.implant.memory import Slot, recall, save
from openitb.implant.store import MAGIC
from openitb.prescription import SimpleContinuous
from openitb.protocol import (
    AlarmCondition,
    EnablePatientBolus,
    LogKind,
    PumpState,
    RequestPatientBolus,
    RevokeKey,
    Role,
    verify_chain,
)

DAY = units.MS_PER_DAY
BITS = 8


def kept(*implants: Implant) -> BadStore:
    store = BadStore()
    for implant in implants:
        save(store, implant)
    return store


def save_all(store: BadStore, states: tuple[Implant, ...]) -> None:
    """Save until the power fails, which it must."""
    for state in states:
        try:
            save(store, state)
        except PowerLostError:
            return
    pytest.fail("no write failed")


@pytest.fixture
def states(bench: object) -> tuple[Implant, ...]:
    """A life in steps, each a state to be saved."""
    found = [bench.implant]
    for micrograms in (150, 200, 250):
        bench.order(SimpleContinuous(micrograms * units.PG_PER_UG))
        bench.run_days(1)
        found.append(bench.implant)
    return tuple(found)


def test_what_was_saved_last_is_recalled(states: tuple[Implant, ...]) -> None:
    assert recall(kept(*states)) == states[-1]


@pytest.mark.requirement("SYS-05", "TEL-04")
@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("fails_at", range(1, 7))
def test_a_write_that_fails_leaves_the_state_before_or_after_it(
    fails_at: int, failure: Failure, states: tuple[Implant, ...]
) -> None:
    store = kept(states[0])
    store.fails_at, store.failure, store.writes = fails_at, failure, 0
    save_all(store, states[1:])
    store.power_on()
    number = (fails_at + 1) // 2  # each save takes two writes; the state whose save failed
    found = recall(store)
    entries = [e for e in log_entries(found) if e.kind is not LogKind.MEMORY_MASKED]
    assert entries in [list(log_entries(state)) for state in states[number - 1 : number + 1]]
    save(store, found)
    assert recall(store) == found


def test_power_may_fail_again_while_the_second_try_is_saved(states: tuple[Implant, ...]) -> None:
    for failure in Failure:
        store = kept(states[0])
        for state in states[1:]:
            for fails_at in (1, 2):
                store.fails_at, store.failure, store.writes = fails_at, failure, 0
                with pytest.raises(PowerLostError):
                    save(store, state)
                assert len(log_entries(recall(store))) >= len(log_entries(states[0]))
        store.power_on()
        save(store, states[-1])
        assert recall(store) == states[-1]


@pytest.mark.requirement("SYS-03", "LOG-07")
def test_every_single_bit_that_flips_is_masked_by_the_other_slot(
    states: tuple[Implant, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = kept(states[1])
    sound = dict(store.slots)
    monkeypatch.setattr(memories, "from_bytes", lambda data: data)  # which bytes are believed is at stake
    monkeypatch.setattr(memories, "_noted", lambda data, _slot: data)
    expected = to_bytes(states[1])
    for slot in Slot:
        for bit in range(len(sound[slot]) * BITS):
            store.slots = dict(sound)
            store.flip(slot, bit)
            assert recall(store) == expected


def test_a_masked_slot_is_noted_in_the_log_and_raises_no_alarm(states: tuple[Implant, ...]) -> None:
    store = kept(states[1])
    store.flip(Slot.A, 5000)
    found = recall(store)
    assert log_entries(found)[-1].kind is LogKind.MEMORY_MASKED
    assert log_entries(found)[-1].get("slot") == "a"
    assert replace(found.firmware, log=states[1].firmware.log) == states[1].firmware


@pytest.mark.parametrize("sealed", [True, False])
def test_an_implant_of_an_earlier_format_is_said_to_be_one_and_not_to_be_damaged(
    states: tuple[Implant, ...], monkeypatch: pytest.MonkeyPatch, sealed: bool
) -> None:
    old = b"openitb implant 3" + to_bytes(states[0]).removeprefix(MAGIC.rstrip())
    store = BadStore()
    if sealed:
        monkeypatch.setattr(memories, "to_bytes", lambda _: old)
        save(store, states[0])
    else:  # as it was before there were slots
        store.write(Slot.A, old)
    with pytest.raises(StoreError, match=r"^implant: got the earlier format 3, expected format \d+$"):
        recall(store)


def damaged_beliefs(implant: Implant) -> BadStore:
    """Both slots with one bit of the belief turned over."""
    store = kept(implant)
    place = store.slots[Slot.A].index(b"stopped_since_ms")
    for slot in Slot:
        store.flip(slot, place * BITS)
    return store


@pytest.mark.requirement("DEL-14")
def test_when_both_slots_are_damaged_the_pump_goes_on_at_minimum_rate_and_sounds(
    states: tuple[Implant, ...],
) -> None:
    found = recall(damaged_beliefs(states[-1]))
    assert pump_state(found) is PumpState.MINIMUM_RATE
    assert AlarmCondition.SETTINGS_LOST in latched_alarms(found)
    assert found.hardware == states[-1].hardware
    assert found.firmware.counter == states[-1].firmware.counter
    later = advance(found, found.now_ms + DAY).implant
    assert later.hardware.delivered_nl - found.hardware.delivered_nl in {5_750, 6_000}


def test_the_log_of_a_pump_that_lost_its_memory_goes_on_from_where_it_stood(
    states: tuple[Implant, ...],
) -> None:
    found = recall(damaged_beliefs(states[-1]))
    log = found.firmware.log
    assert log.anchor == states[-1].firmware.log.head
    assert log.entries[0].kind is LogKind.MEMORY_LOST
    assert verify_chain(log.entries, log.anchor) is None


def test_a_pump_that_lost_its_memory_still_refuses_a_revoked_key_and_repeats_its_answers(
    bench: object,
) -> None:
    bench.order(SimpleContinuous(200 * units.PG_PER_UG))
    revoke = RevokeKey("nurse", "revoke", bytes(8))
    answer = bench.tell(revoke)
    bench.tell(EnablePatientBolus("nurse", "allow", 10 * units.PG_PER_UG, 900_000, 7_200_000, 4))
    bench.tell(RequestPatientBolus("patient", "ask"), Role.PATIENT)
    before = bench.implant.firmware
    bench.implant = recall(damaged_beliefs(bench.implant))
    after = bench.implant.firmware
    assert after.link.revoked == (bytes(8),)
    assert bench.tell(revoke) == answer
    assert after.controller.bolus is None
    assert not after.patient.allows_anything
    assert after.patient.begun_ms == before.patient.begun_ms != ()


def test_the_alarm_of_lost_memory_ends_when_a_clinician_programs_the_pump(
    bench: object, states: tuple[Implant, ...]
) -> None:
    bench.implant = recall(damaged_beliefs(states[-1]))
    bench.order(SimpleContinuous(200 * units.PG_PER_UG))
    assert AlarmCondition.SETTINGS_LOST not in latched_alarms(bench.implant)
    assert pump_state(bench.implant) is PumpState.RUNNING


@pytest.mark.parametrize("name", [b"filled_mass_pg", b"filled_at_stroke"])
def test_when_truth_or_plate_are_gone_too_it_is_refused(name: bytes, states: tuple[Implant, ...]) -> None:
    store = damaged_beliefs(states[-1])
    for slot in Slot:
        for place in _places(store.slots[slot], name):
            store.flip(slot, place * BITS)
    with pytest.raises(StoreError, match="both slots are damaged"):
        recall(store)


def _places(data: bytes, name: bytes) -> list[int]:
    return [at for at in range(len(data)) if data.startswith(name, at)]


def test_a_save_costs_two_writes(make_bench: Callable) -> None:
    assert kept(make_bench().implant).writes == len(Slot)


# --- the slots themselves ------------------------------------------------------------------------------


def sealed_by_hand(number: int, data: bytes) -> bytes:
    """A slot as docs say: seal, number of eight bytes, SHA-256 over number and state, state."""
    counted = bytes([0] * 7 + [number])
    return b"openitb slot 1\n" + counted + hashlib.sha256(counted + data).digest() + data


@pytest.mark.requirement("SYS-05")
def test_a_save_is_numbered_one_more_than_the_newest_in_both_slots(states: tuple[Implant, ...]) -> None:
    store = BadStore()
    for number, state in enumerate(states[:3], start=1):
        save(store, state)
        assert store.slots == dict.fromkeys(Slot, sealed_by_hand(number, to_bytes(state)))


ABSENT, BROKEN = None, b""


@pytest.mark.requirement("SYS-05")
@pytest.mark.parametrize(
    ("a", "b", "believed", "noted", "first_written"),
    [
        (1, ABSENT, 1, None, "b"),
        (ABSENT, 1, 1, None, "a"),
        (1, 1, 1, None, "b"),
        (1, 2, 2, None, "a"),
        (2, 1, 2, None, "b"),
        (1, BROKEN, 1, "b", "b"),
        (BROKEN, 1, 1, "a", "a"),
    ],
)
def test_the_higher_number_is_believed_and_the_other_slot_is_written_first(
    a: int | bytes | None,
    b: int | bytes | None,
    believed: int,
    noted: str | None,
    first_written: str,
    states: tuple[Implant, ...],
) -> None:
    store = BadStore()
    for slot, what in ((Slot.A, a), (Slot.B, b)):
        if what is not ABSENT:
            number = what or 9  # a number that nothing vouches for is not believed, however high
            damage = b"!" if what == BROKEN else b""
            store.slots[slot] = sealed_by_hand(number, to_bytes(states[number % len(states)])) + damage
    found = recall(store)
    expected = states[believed]
    if noted is None:
        assert found == expected
    else:
        assert found.firmware.log.entries[:-1] == expected.firmware.log.entries
        assert found.firmware.log.entries[-1].get("slot") == noted
    store.fails_at, store.failure, store.writes = 1, Failure.WRITTEN, 0
    before = dict(store.slots)
    with pytest.raises(PowerLostError):
        save(store, states[3])
    assert [slot.value for slot in Slot if store.slots.get(slot) != before.get(slot)] == [first_written]
    written = store.slots[Slot(first_written)]
    assert written == sealed_by_hand(believed + 1, to_bytes(states[3]))


@pytest.mark.requirement("DEL-14")
@pytest.mark.parametrize("lost", [b"", b"openitb slot 1\n", b"nothing of a state at all"])
@pytest.mark.parametrize("other", Slot)
def test_of_two_damaged_slots_the_one_that_still_tells_enough_is_used(
    other: Slot, lost: bytes, states: tuple[Implant, ...]
) -> None:
    store = damaged_beliefs(states[-1])
    whole = recall(store)
    store.slots[other] = lost
    assert recall(store) == whole


@pytest.mark.parametrize("left", [b"x", b"openitb slot 1\n"])
def test_a_slot_with_anything_in_it_is_damaged_and_not_empty(left: bytes) -> None:
    for slot in Slot:
        store = BadStore()
        store.slots[slot] = left
        with pytest.raises(StoreError) as error:
            recall(store)
        assert str(error.value) == "implant: both slots are damaged beyond what minimum rate needs"


def test_a_memory_with_nothing_in_it_is_told_from_a_damaged_one() -> None:
    with pytest.raises(StoreError) as error:
        recall(BadStore())
    assert str(error.value) == "implant: nothing is kept in either slot"
