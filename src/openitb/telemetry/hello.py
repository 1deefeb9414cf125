"""The first frame of a contact, in the clear: which implant is meant, what for, and which key follows.

It selects the implant and the pinned key and nothing else. Its exact bytes open the prologue of the
handshake, so a hello altered on the way, or meant for another serial, makes the handshake fail.

Holds: TEL-12.
"""

import re
from dataclasses import dataclass
from enum import IntEnum

from openitb.telemetry.errors import FrameError

MAGIC = b"openitb telemetry 2\n"
KEY_ID_BYTES = 8
NO_KEY = bytes(KEY_ID_BYTES)
MAX_HELLO = len(MAGIC) + 1 + KEY_ID_BYTES + 32

_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")


class Purpose(IntEnum):
    """What a contact is for, and with it the handshake that follows."""

    SESSION = 1  # KK between pinned keys
    PAIRING = 2  # XXpsk3, only while the implant's gate is open


@dataclass(frozen=True, slots=True)
class Hello:
    """A serial number and the id of the caller's static key; refuses other shapes with `FrameError`."""

    serial: str
    key_id: bytes
    purpose: Purpose = Purpose.SESSION

    def __post_init__(self) -> None:
        if not is_serial(self.serial):
            raise FrameError(f"serial: got {self.serial!r:.60}, expected 1 to 32 letters, digits and hyphens")
        if len(self.key_id) != KEY_ID_BYTES:
            raise FrameError(f"key_id: got {len(self.key_id)} bytes, expected {KEY_ID_BYTES}")

    def encode(self) -> bytes:
        """The hello as bytes, also the beginning of the prologue."""
        return MAGIC + bytes([self.purpose]) + self.key_id + self.serial.encode("ascii")


def decode_hello(data: bytes) -> Hello:
    """Read a hello; any other bytes raise `FrameError`."""
    start = len(MAGIC) + 1 + KEY_ID_BYTES
    if not data.startswith(MAGIC) or len(data) <= start:
        raise FrameError("hello: got other bytes, expected a contact of this link, version 2")
    purpose = data[len(MAGIC)]
    if purpose not in set(Purpose):
        raise FrameError(f"purpose: got {purpose}, expected one of {', '.join(str(int(p)) for p in Purpose)}")
    key_id = data[len(MAGIC) + 1 : start]
    return Hello(data[start:].decode("ascii", errors="replace"), key_id, Purpose(purpose))


def is_serial(text: str) -> bool:
    """True for a serial number as the link and the store accept it."""
    return _SERIAL.fullmatch(text) is not None
