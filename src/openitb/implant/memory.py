"""Memory that outlives power: two slots, each with a number and checksums, over a store that may fail.

A save writes the older slot and, when that is safe, the other one with the same content. So a write
that fails at any point leaves the state before or after it, and damage to one slot is masked by the
other. Only when both are damaged is anything lost: then the pump is at minimum rate with a critical
alarm, as far as counts and label can still be read.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from openitb.implant.firmware.state import PUMP, logged
from openitb.implant.implant import Implant
from openitb.implant.store import StoreError, earlier_version, from_bytes, salvaged, to_bytes
from openitb.protocol import LogKind
from openitb.records import replace

SEAL = b"openitb slot 1\n"
NUMBER_BYTES = 8
DIGEST_BYTES = hashlib.sha256().digest_size
HEAD_BYTES = len(SEAL) + NUMBER_BYTES + DIGEST_BYTES


class Slot(StrEnum):
    """The two places a state is kept in."""

    A = "a"
    B = "b"


class Store(Protocol):
    """Where slots are kept. A write that raises may leave anything in its slot, nothing in the other."""

    def read(self, slot: Slot) -> bytes | None:
        """What is in the slot; None if nothing ever was."""
        ...

    def write(self, slot: Slot, data: bytes) -> None:
        """Replace what is in the slot; when it returns the data outlives power. `OSError` if it fails."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    """A slot as found: its number is 0 and `sound` false if it is empty or damaged."""

    slot: Slot
    number: int
    data: bytes
    sound: bool


def save(store: Store, implant: Implant) -> None:
    """Keep a state in both slots, the older one first. `OSError` if a write fails.

    Holds: SYS-05.
    """
    newest, older = _found(store)
    number = max(newest.number, older.number) + 1
    data = to_bytes(implant)
    sealed = SEAL + number.to_bytes(NUMBER_BYTES, "big") + _digest(number, data) + data
    store.write(older.slot, sealed)
    store.write(newest.slot, sealed)


def recall(store: Store) -> Implant:
    """The state that was saved last.

    A damaged slot beside a sound one is masked and noted in the log. Two damaged ones give the pump at
    minimum rate with a critical alarm. Raises `StoreError` where not even that can be read, or nothing
    was ever saved. Holds: DEL-14, SYS-03, SYS-05, LOG-07.
    """
    newest, older = _found(store)
    if newest.sound:
        implant = from_bytes(newest.data)
        return implant if older.sound or not older.data else _noted(implant, older.slot)
    if not newest.data and not older.data:
        raise StoreError("implant: nothing is kept in either slot")
    return _saved_from(newest, older)


def _found(store: Store) -> tuple[_Kept, _Kept]:
    """Both slots, the one to be believed first: sound before damaged, then the higher number."""
    first, second = (store.read(slot) for slot in Slot)
    one = _opened(Slot.A, first)
    other = replace(one, slot=Slot.B) if first == second else _opened(Slot.B, second)
    best, worse = sorted((one, other), key=lambda kept: (not kept.sound, -kept.number))
    return best, worse


def _opened(slot: Slot, sealed: bytes | None) -> _Kept:
    if sealed is None:
        return _Kept(slot, 0, b"", sound=False)
    number = int.from_bytes(sealed[len(SEAL) :][:NUMBER_BYTES], "big")
    digest, data = sealed[len(SEAL) + NUMBER_BYTES : HEAD_BYTES], sealed[HEAD_BYTES:]
    sound = sealed.startswith(SEAL) and digest == _digest(number, data)
    whole = earlier_version(sealed) is not None  # written before there were slots
    return _Kept(slot, number if sound else 0, sealed if whole else data or sealed, sound)


def _saved_from(*damaged: _Kept) -> Implant:
    """The first slot that still tells enough to go on at minimum rate; an earlier format is no damage."""
    for kept in damaged:
        if earlier_version(kept.data) is not None:
            return from_bytes(kept.data)
    for kept in damaged:
        try:
            return salvaged(kept.data)
        except StoreError:
            continue
    raise StoreError("implant: both slots are damaged beyond what minimum rate needs")


def _noted(implant: Implant, slot: Slot) -> Implant:
    detail = (("slot", slot.value),)
    return replace(implant, firmware=logged(implant.firmware, LogKind.MEMORY_MASKED, PUMP, detail))


def _digest(number: int, data: bytes) -> bytes:
    return hashlib.sha256(number.to_bytes(NUMBER_BYTES, "big") + data).digest()
