"""The disk in memory does what the real one is asked to do, and loses what the real one may lose."""

import os
import random
from pathlib import Path
from typing import Any

import pytest

from openitb.implant import home as home_module
from openitb.implant.faults.bad_store import BLOCK
from openitb.timeline import Parcel
from openitb.world.drill.bed import Accounts
from openitb.world.drill.disk import OPERATIONS, OPERATIONS_OVER, Disk, Mishap, ProcessEnded

SEEDS = range(40)


def test_a_file_is_replaced_in_the_operations_of_the_real_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("open", "fdopen", "fsync", "replace"):
        real = getattr(os, name)

        def told(*args: Any, real: Any = real, name: str = name, **named: Any) -> Any:
            calls.append(name)
            return real(*args, **named)

        monkeypatch.setattr(home_module.os, name, told)
    home_module.write_whole(tmp_path / "file", b"data")
    assert calls == ["open", "fdopen", "fsync", "replace", "open", "fsync"]
    assert OPERATIONS == ("create", "write", "sync", "rename", "sync folder")


def test_a_slot_is_written_over_in_the_operations_of_the_real_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    (tmp_path / "slot").write_bytes(b"old" * 9)
    for name in ("open", "fdopen", "fsync", "replace"):
        real = getattr(os, name)

        def told(*args: Any, real: Any = real, name: str = name, **named: Any) -> Any:
            calls.append(name)
            return real(*args, **named)

        monkeypatch.setattr(home_module.os, name, told)
    home_module.write_over(tmp_path / "slot", b"new")
    assert calls == ["open", "fdopen", "fsync"]
    assert OPERATIONS_OVER == ("write", "sync")
    assert (tmp_path / "slot").read_bytes() == b"new"


@pytest.mark.requirement("SYS-05")
@pytest.mark.parametrize("operation", range(len(OPERATIONS_OVER)))
def test_a_file_that_is_written_over_when_the_power_goes_is_torn_anywhere_or_out_of_order(
    operation: int,
) -> None:
    old, new = b"o" * 2 * BLOCK, b"n" * 3 * BLOCK
    left = set[bytes]()
    for seed in range(400):
        disk = Disk()
        disk.replace("pump", old)
        disk.arm(Mishap.POWER_LOSS, operation)
        with pytest.raises(ProcessEnded):
            disk.write_over("pump", new)
        disk.lose_power(random.Random(seed))  # noqa: S311 - a repeatable history, not a secret
        left.add(disk.read("pump"))
    torn = {new[:end] + old[end:] for end in range(len(new) + 1)}
    was, empty, now = b"o" * BLOCK, b"\xff" * BLOCK, b"n" * BLOCK
    shuffled = {a + b + c for a in (was, now) for b in (was, now) for c in (empty, now)}
    if operation == 0:
        assert left == {old}
    else:
        assert left <= torn | shuffled
        assert shuffled <= left
        assert len(left & torn) > BLOCK


def test_a_disk_error_leaves_nothing_of_what_it_wrote_over() -> None:
    for operation in range(len(OPERATIONS_OVER)):
        disk = Disk()
        disk.replace("pump", b"old")
        disk.arm(Mishap.DISK_ERROR, operation)
        with pytest.raises(OSError, match="does not take it"):
            disk.write_over("pump", b"new")
        assert disk.read("pump") == b""


@pytest.mark.requirement("SYS-05")
@pytest.mark.parametrize("mishap", list(Mishap))
@pytest.mark.parametrize("operation", range(len(OPERATIONS)))
def test_whatever_strikes_at_any_operation_a_file_is_old_or_new(mishap: Mishap, operation: int) -> None:
    for seed in SEEDS:
        disk = Disk()
        disk.replace("pump", b"old" * 20)
        disk.arm(mishap, operation)
        with pytest.raises((ProcessEnded, OSError)):
            disk.replace("pump", b"new" * 20)
        if mishap is Mishap.POWER_LOSS:
            disk.lose_power(random.Random(seed))  # noqa: S311 - a repeatable history, not a secret
        assert disk.read("pump") in (b"old" * 20, b"new" * 20)
        assert (disk.read("pump") == b"old" * 20) or operation == len(OPERATIONS) - 1


def test_after_the_last_operation_the_new_file_outlasts_a_power_loss() -> None:
    for seed in SEEDS:
        disk = Disk()
        disk.replace("pump", b"old")
        disk.replace("pump", b"new")
        disk.lose_power(random.Random(seed))  # noqa: S311 - a repeatable history, not a secret
        assert disk.read("pump") == b"new"


def test_the_leaking_vessel_holds_the_excess_of_the_fullest_window() -> None:
    accounts = Accounts(in_nl=0, in_pg=0)
    day = 86_400_000
    for start, volume in ((0, 5), (day, 30), (2 * day, 40), (3 * day, 0)):
        accounts.flowed(Parcel(start, start + day, volume, 0), leak_nl_per_day=10)
    assert accounts.peak == (30 - 10 + 40 - 10) * day
