"""A store for simulations that fails as flash does: at a chosen write, whole, torn or out of order."""

from dataclasses import dataclass, field
from enum import StrEnum

from openitb.implant.memory import Slot

BLOCK = 64  # bytes that reach the medium together


class Failure(StrEnum):
    """What the failing write leaves behind."""

    NOTHING = "nothing"  # the slot is as it was
    TORN = "torn"  # the first part is new, the rest old or missing
    SHUFFLED = "shuffled"  # later blocks arrived, earlier ones did not
    ERASED = "erased"  # the slot is empty
    WRITTEN = "written"  # all of it arrived, only the answer did not


class PowerLostError(OSError):
    """The supply failed during a write."""


@dataclass
class BadStore:
    """Keeps slots in memory. The `fails_at`-th write from now (1 is the next) fails, then all do.

    `power_on` ends that. `None` never fails.
    """

    fails_at: int | None = None
    failure: Failure = Failure.NOTHING
    slots: dict[Slot, bytes] = field(default_factory=dict)
    writes: int = 0

    def read(self, slot: Slot) -> bytes | None:
        """What is in the slot."""
        return self.slots.get(slot)

    def write(self, slot: Slot, data: bytes) -> None:
        """Replace the slot, or fail as told with `PowerLostError`."""
        self.writes += 1
        if self.fails_at is None or self.writes < self.fails_at:
            self.slots[slot] = data
            return
        if self.writes == self.fails_at:
            self.slots[slot] = left_behind(self.slots.get(slot, b""), data, self.failure)
        raise PowerLostError(f"power lost at write {self.writes}")

    def power_on(self) -> None:
        """The supply is back; nothing fails any more."""
        self.fails_at = None

    def flip(self, slot: Slot, bit: int) -> None:
        """Turn one bit of a slot over."""
        data = bytearray(self.slots[slot])
        data[bit // 8] ^= 1 << bit % 8
        self.slots[slot] = bytes(data)


def left_behind(old: bytes, new: bytes, failure: Failure) -> bytes:
    """What a failing write leaves in a slot that held `old`."""
    match failure:
        case Failure.NOTHING:
            return old
        case Failure.TORN:
            return new[: len(new) // 2] + old[len(new) // 2 :]
        case Failure.SHUFFLED:
            return _shuffled(old, new)
        case Failure.ERASED:
            return b""
        case Failure.WRITTEN:
            return new


def _shuffled(old: bytes, new: bytes) -> bytes:
    """Every other block is new, the first one old."""
    before = old.ljust(len(new), b"\xff")
    blocks = range(0, len(new), BLOCK)
    return b"".join((new if n % 2 else before)[at : at + BLOCK] for n, at in enumerate(blocks))
