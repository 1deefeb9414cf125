"""An implant on disk: what is read back is what was written, or a refusal in one line."""

import fcntl
import os
import threading
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openitb import units
from openitb.implant import (
    Home,
    Implant,
    ImplantError,
    StoreError,
    advance,
    from_bytes,
    list_serials,
    log_entries,
    provision,
    to_bytes,
)
from openitb.implant import home as home_module
from openitb.implant.firmware.state import logged
from openitb.implant.radio import with_publisher
from openitb.prescription import Flex, FlexPattern, FlexStep, SimpleContinuous
from openitb.protocol import LogKind, Role

SIMPLE = SimpleContinuous(200_000_000)


@pytest.fixture
def lived(bench: object) -> object:
    """A bench whose implant has something of everything in its memory."""
    steps = (FlexStep(0, 12_000_000), FlexStep(8 * units.MS_PER_H, 6_000_000))
    bench.order(Flex((FlexPattern(tuple(range(7)), steps),)), prime_nl=140_000)
    bench.run_days(47)
    bench.refill(18_000_000, 2000, 375_000)
    bench.run(1234)
    bench.order(SIMPLE)
    return bench


@pytest.mark.requirement("SYS-06")
def test_an_implant_reads_back_equal_and_lives_on_equal(lived: object) -> None:
    copy = from_bytes(to_bytes(lived.implant))
    assert copy == lived.implant
    later = lived.implant.now_ms + 90 * units.MS_PER_DAY
    assert advance(copy, later) == advance(lived.implant, later)


def test_the_same_implant_gives_the_same_bytes(lived: object) -> None:
    assert to_bytes(lived.implant) == to_bytes(from_bytes(to_bytes(lived.implant)))


@pytest.mark.requirement("LOG-03", "SYS-06")
def test_a_log_that_grew_and_wrapped_between_saves_reads_back_entry_by_entry(lived: object) -> None:
    log = replace(lived.implant.firmware.log, capacity=50, block=21)
    firmware = replace(lived.implant.firmware, log=log)
    for number in range(120):
        firmware = logged(firmware, LogKind.INTERROGATED, "nurse", (("n", number),))
        copy = from_bytes(to_bytes(replace(lived.implant, firmware=firmware)))
        assert copy.firmware.log == firmware.log
    assert firmware.log.anchor.number > 0


@pytest.mark.requirement("SYS-03")
@pytest.mark.hazard("HAZ-11")
def test_any_damaged_byte_is_found(lived: object) -> None:
    data = to_bytes(lived.implant)

    @settings(max_examples=200)
    @given(position=st.integers(0, len(data) - 1), flip=st.integers(1, 255))
    def damaged(position: int, flip: int) -> None:
        changed = bytearray(data)
        changed[position] ^= flip
        with pytest.raises(StoreError):
            from_bytes(bytes(changed))

    damaged()


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(noise: bytes) -> None:
    with pytest.raises(StoreError):
        from_bytes(noise)


@pytest.mark.requirement("SYS-05")
def test_a_truncated_file_is_refused(lived: object) -> None:
    data = to_bytes(lived.implant)
    for length in (0, 10, 40, len(data) // 2, len(data) - 1):
        with pytest.raises(StoreError):
            from_bytes(data[:length])


@pytest.mark.requirement("LOG-03")
@pytest.mark.hazard("HAZ-28")
def test_a_tampered_log_is_refused_even_with_a_fresh_checksum(lived: object) -> None:
    firmware = lived.implant.firmware
    entries = firmware.log.entries
    for forged in (
        (*entries[:2], replace(entries[2], actor="nobody"), *entries[3:]),
        (*entries[:2], *entries[3:]),
        entries[1:],
    ):
        log = replace(firmware.log, entries=forged)
        with pytest.raises(StoreError, match="log"):
            from_bytes(to_bytes(replace(lived.implant, firmware=replace(firmware, log=log))))


def test_an_impossible_reservoir_is_refused(lived: object) -> None:
    forged = deepcopy(lived.implant)
    object.__setattr__(forged.hardware.reservoir, "volume_nl", 10**9)
    with pytest.raises(StoreError, match="reservoir"):
        from_bytes(to_bytes(forged))
    assert from_bytes(to_bytes(lived.implant)).reservoir.volume_nl < 10**9


@pytest.fixture
def home(tmp_path: Path, bench: object) -> Home:
    provision(tmp_path / "home", bench.implant)
    return Home(tmp_path / "home")


def test_a_provisioned_implant_is_listed_and_loads(home: Home, bench: object) -> None:
    assert list_serials(home.path) == ("NGP000001",)
    assert home.load("NGP000001") == with_publisher(bench.implant, home.publisher().public)


def test_a_serial_is_provisioned_once(home: Home, bench: object) -> None:
    with pytest.raises(ImplantError, match="already lives here"):
        provision(home, bench.implant)


@pytest.mark.parametrize("serial", ["../NGP", "a/b", "", ".."])
def test_a_serial_that_leaves_the_folder_is_refused(serial: str, home: Home) -> None:
    with pytest.raises(ImplantError, match="serial"):
        home.load(serial)


def test_an_unknown_serial_is_refused_with_the_known_ones(home: Home) -> None:
    for ask in (home.load, home.programmer_keys):
        with pytest.raises(ImplantError, match="got 'NGP9', expected one of NGP000001"):
            ask("NGP9")


@pytest.mark.requirement("TEL-14")
@pytest.mark.hazard("HAZ-27")
def test_private_keys_are_readable_by_the_owner_only(home: Home) -> None:
    keys = [*home.path.rglob("*.key")]
    assert len(keys) == len(Role) + len(["the implant's", "the publisher's"])
    assert all(key.stat().st_mode & 0o777 == 0o600 for key in keys)


def test_both_sides_hold_each_others_public_key(home: Home) -> None:
    implant, programmer = home.implant_keys("NGP000001", Role.CLINICIAN), home.programmer_keys("NGP000001")
    assert implant.peer_public == programmer.own.public
    assert programmer.peer_public == implant.own.public


def test_keys_are_made_once_and_differ_by_role(home: Home) -> None:
    first = home.programmer_keys("NGP000001")
    assert home.programmer_keys("NGP000001") == first
    assert home.programmer_keys("NGP000001", Role.READ_ONLY).own != first.own


def test_a_file_of_another_implant_is_refused(home: Home) -> None:
    (home.path / "pumps" / "NGP2.cbor").write_bytes((home.path / "pumps" / "NGP000001.cbor").read_bytes())
    with pytest.raises(StoreError, match="the file holds NGP000001"):
        home.load("NGP2")


def crash(*_: object, **__: object) -> None:
    raise OSError("power lost")


@pytest.mark.requirement("SYS-05")
@pytest.mark.hazard("HAZ-12")
@pytest.mark.parametrize("step", ["open", "fdopen", "fsync"])
def test_a_failure_at_any_step_of_a_save_keeps_the_old_state(
    step: str, home: Home, bench: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = home.load("NGP000001")
    bench.order(SIMPLE)
    monkeypatch.setattr(home_module.os, step, crash)
    with pytest.raises(OSError, match="power lost"):
        home.save(bench.implant)
    monkeypatch.undo()
    assert home.load("NGP000001") == old
    assert home.serials() == ("NGP000001",)
    home.save(bench.implant)
    assert home.load("NGP000001") == bench.implant


@pytest.mark.requirement("SYS-05")
@pytest.mark.hazard("HAZ-12")
def test_a_crash_anywhere_in_a_slot_that_is_written_over_keeps_the_old_state(
    home: Home, bench: object
) -> None:
    old, slot = home.load("NGP000001"), home.path / "pumps" / "NGP000001.cbor"
    before = slot.read_bytes()
    other = (slot.with_suffix(".copy"), before)
    bench.order(SIMPLE)
    home.save(bench.implant)
    after = slot.read_bytes()
    assert len(after) > len(before)
    for written in (*range(60), *range(60, len(after), 211), len(after) - 1):
        slot.write_bytes(after[:written] + before[written:])
        other[0].write_bytes(other[1])
        found = home.load("NGP000001")
        assert replace(found.firmware, log=old.firmware.log) == old.firmware


@pytest.mark.requirement("SYS-05")
@pytest.mark.parametrize("step", ["open", "fdopen", "fsync", "replace"])
def test_a_failure_at_any_step_of_the_first_save_leaves_nothing_that_passes_for_an_implant(
    step: str, home: Home, bench: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(bench.implant, build=replace(bench.implant.build, serial="NGP000002"))
    monkeypatch.setattr(home_module.os, step, crash)
    with pytest.raises(OSError, match="power lost"):
        home.save(other)
    monkeypatch.undo()
    assert home.serials() == ("NGP000001",)


def test_a_reader_waits_until_a_slot_is_written(home: Home) -> None:
    slot, read = home.path / "pumps" / "NGP000001.cbor", list[Implant]()
    whole = slot.read_bytes()
    with slot.open("r+b") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        writing.truncate(100)
        reader = threading.Thread(target=lambda: read.append(home.load("NGP000001")))
        reader.start()
        reader.join(0.2)
        assert read == []
        writing.write(whole)
        writing.flush()
    reader.join()
    assert [log_entries(implant)[-1].kind for implant in read] == [LogKind.IMPLANTED]


@pytest.mark.requirement("SYS-05")
def test_a_half_written_file_beside_the_old_one_is_not_taken_for_an_implant(
    home: Home, bench: object
) -> None:
    beside = home.path / "pumps" / "NGP000001.cbor.new"
    beside.write_bytes(to_bytes(bench.implant)[:100])
    assert home.serials() == ("NGP000001",)
    assert home.load("NGP000001").firmware.log == bench.implant.firmware.log


def test_a_home_without_a_service_has_no_address(home: Home) -> None:
    with pytest.raises(ImplantError, match="no running service"):
        home.address()
    home.announce(("127.0.0.1", 7411))
    assert home.address() == ("127.0.0.1", 7411)
    assert os.access(home.path / "address", os.R_OK)
