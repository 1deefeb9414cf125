"""Bits that turn over in memory that is running: masked, or minimum rate with a critical alarm.

Every value of the firmware's state is changed in either copy, bit by bit: program, rates, counters, credits,
windows, clock, alarms, log. What the pump delivers from then on is what it would have delivered, or no more
than minimum rate with a critical alarm. Never another dose that nobody is told of.
"""

import copy
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import get_args, get_type_hints

import pytest

from openitb import catalogue, units
from openitb.implant import (
    Implant,
    advance,
    handle,
    latched_alarms,
    log_entries,
    program_digest,
    with_memory_hit,
)
from openitb.implant.firmware.log import new_log
from openitb.implant.firmware.state import Firmware
from openitb.prescription import Flex, FlexPattern, FlexStep, SimpleContinuous
from openitb.protocol import (
    AlarmCondition,
    Applied,
    DeliverBolus,
    EnablePatientBolus,
    LogKind,
    SetLowReservoirAlarm,
    StageProgram,
)

HOUR, MINUTE, UG = units.MS_PER_H, units.MS_PER_MIN, units.PG_PER_UG
EVERY_DAY = tuple(range(7))
NIGHT_AND_DAY = Flex((FlexPattern(EVERY_DAY, (FlexStep(0, 12 * UG), FlexStep(8 * HOUR, 6 * UG))),))
WIDEST = 64  # bits of a counter
FEW = (0, 5, 17, 31, 40)
MINIMUM_NL_PER_DAY = catalogue.load().pump("synchromed-ii-20").minimum_rate_nl_per_day
TELLING = {LogKind.SELF_TEST_FAILED, LogKind.MEMORY_MASKED}
NO_LOG = new_log("NGP000001")
Path = tuple[str | int, ...]


@pytest.fixture
def busy(bench: object) -> Implant:
    """An implant at its fullest: flex, bolus, prime and bridge under way, a program staged, a permission."""
    bench.order(NIGHT_AND_DAY)
    bench.run_days(1)
    bench.refill(18_000_000, 2000, bridge_nl=316_000)
    bench.run(HOUR)
    bench.order(NIGHT_AND_DAY, prime_nl=100_000)
    bench.run(20 * MINUTE)
    digest = program_digest(bench.implant)
    for request in (
        EnablePatientBolus("nurse", "allowed", 5 * UG, 15 * MINUTE, 4 * HOUR, 3),
        DeliverBolus("nurse", "bolus", digest, 10_000, 30 * MINUTE),
        StageProgram("nurse", "stage", digest, SimpleContinuous(230 * UG), 50_000),
    ):
        assert isinstance(bench.tell(request), Applied)
    bench.run(MINUTE)
    firmware = bench.implant.firmware
    assert firmware.link.staged
    assert firmware.controller.bolus
    assert firmware.controller.stages
    assert firmware.patient.bolus
    return bench.implant


def leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every value that is not made of others, with where it is; of those that are none, the numbers."""
    if is_dataclass(value):
        hints = get_type_hints(type(value))
        for each in fields(value):
            held = getattr(value, each.name)
            if held is not None or int in get_args(hints[each.name]):
                yield from leaves(held, (*path, each.name))
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from leaves(each, (*path, number))
    else:
        yield path, value


def turned(value: object, bits: tuple[int, ...]) -> Iterator[object]:
    """The value with one bit turned over, once for each of the bits that it has."""
    match value:
        case bool():
            yield not value
        case Enum():
            kinds = list(type(value))
            yield kinds[(kinds.index(value) + 1) % len(kinds)]
        case int():
            yield from (value ^ (1 << bit) for bit in bits)
        case str():
            yield from (_turned_text(value, bit) for bit in bits if bit < 7 * len(value))
        case bytes():
            yield from (_turned_bytes(value, bit) for bit in bits if bit < 8 * len(value))
        case None:
            yield from (1 << bit for bit in bits)
        case other:
            raise AssertionError(f"no way to turn a bit of {other!r}")


def _turned_text(value: str, bit: int) -> str:
    place = bit // 7
    return value[:place] + chr(ord(value[place]) ^ (1 << bit % 7)) + value[place + 1 :]


def _turned_bytes(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def put(whole: object, path: Path, value: object) -> object:
    """The same with another value at a place; nothing is checked on the way, as memory checks nothing."""
    if not path:
        return value
    first, *rest = path
    if isinstance(whole, tuple):
        inner = put(whole[first], tuple(rest), value)
        return (*whole[:first], inner, *whole[first + 1 :])
    changed = copy.copy(whole)
    object.__setattr__(changed, first, put(getattr(whole, first), tuple(rest), value))
    return changed


def hits(implant: Implant, bits: tuple[int, ...], second: bool) -> Iterator[tuple[Path, Implant]]:
    """The implant with one bit of one copy turned over, for every value and each of the bits."""
    for path, value in leaves(implant.firmware):
        for wrong in turned(value, bits):
            hit = with_memory_hit(implant, put(implant.firmware, path, wrong), second=second)
            yield (*path, str(wrong)[:40]), hit


def forgetting(implant: Implant) -> Firmware:
    """All that the pump holds but its log, which tells of what was masked."""
    return replace(implant.firmware, log=NO_LOG)


def is_told(after: Implant) -> bool:
    return AlarmCondition.SETTINGS_LOST in latched_alarms(after)


def assert_right_or_told(implant: Implant, bits: tuple[int, ...], second: bool) -> tuple[int, int]:
    """How many hits were masked, and how many ended in the safe state; anything else fails."""
    until_ms = implant.now_ms + HOUR
    sound = advance(implant, until_ms)
    strokes_nl = MINIMUM_NL_PER_DAY * HOUR // units.MS_PER_DAY + 2 * implant.build.stroke_nl
    masked = safe = 0
    for where, hit in hits(implant, bits, second):
        lived = advance(hit, until_ms)
        noted = {entry.kind for entry in log_entries(lived.implant)} & TELLING
        assert noted, where
        if is_told(lived.implant):
            assert sum(parcel.volume_nl for parcel in lived.delivered) <= strokes_nl, where
            safe += 1
        else:
            assert lived.delivered == sound.delivered, where
            assert forgetting(lived.implant) == forgetting(sound.implant), where
            masked += 1
    return masked, safe


@pytest.mark.requirement("SYS-03", "DEL-14")
@pytest.mark.parametrize("second", [False, True], ids=["working copy", "second copy"])
def test_a_bit_of_running_memory_is_masked_or_found_before_another_dose(busy: Implant, second: bool) -> None:
    masked, safe = assert_right_or_told(busy, FEW, second)
    assert masked > 100
    assert safe > 100


@pytest.mark.slow
@pytest.mark.requirement("SYS-03", "DEL-14")
@pytest.mark.parametrize("second", [False, True], ids=["working copy", "second copy"])
def test_every_bit_of_running_memory_is_masked_or_found_before_another_dose(
    busy: Implant, second: bool
) -> None:
    assert min(assert_right_or_told(busy, tuple(range(WIDEST)), second)) > 0


@pytest.mark.requirement("SYS-03", "LOG-07")
def test_what_is_masked_is_logged_without_an_alarm_and_the_next_step_begins_with_two_like_copies(
    busy: Implant,
) -> None:
    path = ("controller", "program", "week", 0, "rate_nl_per_day")
    hit = with_memory_hit(busy, put(busy.firmware, path, 10**6))
    after = advance(hit, busy.now_ms).implant
    assert log_entries(after)[-1].kind is LogKind.MEMORY_MASKED
    assert latched_alarms(after) == latched_alarms(busy)
    assert after.firmware == after.second
    assert log_entries(advance(after, busy.now_ms + HOUR).implant)[: len(log_entries(after))] == log_entries(
        after
    )


@pytest.mark.requirement("SYS-03")
def test_a_hit_is_found_before_a_command_is_carried_out(busy: Implant) -> None:
    path = ("controller", "bolus", "left")
    hit = with_memory_hit(busy, put(busy.firmware, path, 10**6))
    command = SetLowReservoirAlarm("nurse", "after", 3_000_000)
    after, _ = handle(hit, command, busy.now_ms)
    kinds = [entry.kind for entry in log_entries(after)]
    assert kinds.index(LogKind.SELF_TEST_FAILED) < len(kinds) - 1
    assert is_told(after)
    assert after.firmware.controller.bolus is None


@pytest.mark.requirement("SYS-03")
def test_a_stall_that_memory_dates_before_all_time_does_not_stop_time(busy: Implant) -> None:
    wrong = put(busy.firmware, ("feeling", "still_since_ms"), 1)
    moved = advance(with_memory_hit(busy, wrong), busy.now_ms + HOUR).implant
    assert moved.firmware.counter.tick_ms == busy.firmware.counter.tick_ms + HOUR
