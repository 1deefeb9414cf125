"""Files in memory that lose power, die or fail at any operation, as a disk under a process does.

A file is made in the five operations of `openitb.implant.home.write_whole` and written over in the two
of `write_over`. What was not forced to disk when the power went is torn: new up to anywhere and as it
was from there on; and a new name may or may not have stuck.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from openitb.implant.faults.bad_store import BLOCK
from openitb.implant.memory import HEAD_BYTES
from openitb.implant.store import DIGEST_BYTES, LENGTH_BYTES, MAGIC

OPERATIONS = ("create", "write", "sync", "rename", "sync folder")
OPERATIONS_OVER = ("write", "sync")


class Mishap(StrEnum):
    """What happens at an operation instead of it."""

    POWER_LOSS = "power loss"
    KILL = "kill"
    DISK_ERROR = "disk error"


class ProcessEnded(Exception):  # noqa: N818 - an event, named as one
    """The process that wrote is no more; only the disk remains."""


@dataclass
class _File:
    """What a file holds in memory, how much of that is on the platter (None: nothing yet), and over what."""

    content: bytes
    synced: bytes | None = None
    over: bytes = b""


class Disk:
    """A folder of whole files; `arm` lays a mishap on a coming operation."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self._on_platter: dict[str, _File] = {}  # the folder as last forced to disk
        self._mishap: Mishap | None = None
        self._left = 0
        self.struck: Mishap | None = None

    def arm(self, mishap: Mishap, operations: int) -> None:
        """Let `mishap` strike after so many more operations."""
        self._mishap, self._left = mishap, operations

    def disarm(self) -> None:
        """No mishap after all."""
        self._mishap = self.struck = None

    def names(self) -> tuple[str, ...]:
        """The whole files."""
        return tuple(sorted(name for name in self._files if not name.endswith(".new")))

    def read(self, name: str) -> bytes | None:
        """The bytes of a file; None if there is none."""
        return self._files[name].content if name in self._files else None

    def replace(self, name: str, data: bytes) -> None:
        """Replace a file by a complete one; raises `ProcessEnded` or `OSError` where a mishap strikes."""
        beside = name + ".new"
        self._operate()
        self._files[beside] = _File(b"")
        self._operate()
        self._files[beside].content = data
        self._operate()
        self._files[beside].synced = data
        self._operate()
        self._files[name] = self._files.pop(beside)
        self._operate()
        self._on_platter = dict(self._files)

    def write_over(self, name: str, data: bytes) -> None:
        """Write a file over where it lies; raises as `replace` does, and a disk error empties it."""
        file = self._files[name]
        try:
            self._operate()
            file.content, file.synced, file.over = data, None, file.content
            self._operate()
        except OSError:
            file.content, file.synced, file.over = b"", None, file.content
            raise
        file.synced = data

    def lose_power(self, draw: random.Random) -> None:
        """What is left when the power comes back: folder old or new, unforced files torn or out of order."""
        kept = self._on_platter if draw.random() < 0.5 else self._files
        self._files = {name: self._after_loss(file, draw) for name, file in kept.items()}
        self._on_platter = dict(self._files)

    def flip(self, name: str, bit: int) -> None:
        """Turn one bit of a file at rest; again to turn it back."""
        spoilt = bytearray(self._files[name].content)
        spoilt[bit // 8 % len(spoilt)] ^= 1 << bit % 8
        self._files[name].content = bytes(spoilt)

    def _operate(self) -> None:
        if self._mishap is None:
            return
        self._left -= 1
        if self._left >= 0:
            return
        self.struck, self._mishap = self._mishap, None
        if self.struck is Mishap.DISK_ERROR:
            raise OSError("the disk does not take it")
        raise ProcessEnded(self.struck.value)

    def _after_loss(self, file: _File, draw: random.Random) -> _File:
        if file.synced == file.content:
            return file
        torn = _torn(file, draw) if draw.random() < 0.5 else _out_of_order(file, draw)
        return _File(torn, torn)


def _torn(file: _File, draw: random.Random) -> bytes:
    """The new bytes up to somewhere, and then what was there before."""
    end = draw.randint(0, len(file.content))
    return file.content[:end] + file.over[end:]


def _out_of_order(file: _File, draw: random.Random) -> bytes:
    """Some blocks new, some old, later ones perhaps before earlier ones."""
    old, new = file.over.ljust(len(file.content), b"\xff"), file.content
    blocks = range(0, len(new), BLOCK)
    return b"".join((new if draw.random() < 0.5 else old)[at : at + BLOCK] for at in blocks)


def belief_of(sealed: bytes) -> tuple[int, int]:
    """Where in a slot the section lies that holds all the firmware remembers: from byte, to byte."""
    truth = HEAD_BYTES + len(MAGIC)
    belief = truth + LENGTH_BYTES + DIGEST_BYTES + _length(sealed, truth)
    first = belief + LENGTH_BYTES + DIGEST_BYTES
    return first, first + _length(sealed, belief)


def _length(sealed: bytes, at: int) -> int:
    return int.from_bytes(sealed[at : at + LENGTH_BYTES], "big")
