"""The first frame of a session, in the clear: which implant is meant, and which key will follow.

It selects the implant and the pinned key and nothing else. Its exact bytes are the prologue of the
handshake, so a hello altered on the way, or meant for another serial, makes the handshake fail.
"""

import re
from dataclasses import dataclass

from openitb.telemetry.errors import FrameError

MAGIC = b"openitb telemetry 1\n"
KEY_ID_BYTES = 8
MAX_HELLO = len(MAGIC) + KEY_ID_BYTES + 32

_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class Hello:
    """A serial number and the id of the caller's static key; refuses other shapes with `FrameError`."""

    serial: str
    key_id: bytes

    def __post_init__(self) -> None:
        if not is_serial(self.serial):
            raise FrameError(f"serial: got {self.serial!r:.60}, expected 1 to 32 letters, digits and hyphens")
        if len(self.key_id) != KEY_ID_BYTES:
            raise FrameError(f"key_id: got {len(self.key_id)} bytes, expected {KEY_ID_BYTES}")

    def encode(self) -> bytes:
        """The hello as bytes, also the prologue of the handshake."""
        return MAGIC + self.key_id + self.serial.encode("ascii")


def decode_hello(data: bytes) -> Hello:
    """Read a hello; any other bytes raise `FrameError`."""
    start = len(MAGIC) + KEY_ID_BYTES
    if not data.startswith(MAGIC) or len(data) <= start:
        raise FrameError("hello: got other bytes, expected a session of this link, version 1")
    return Hello(data[start:].decode("ascii", errors="replace"), data[len(MAGIC) : start])


def is_serial(text: str) -> bool:
    """True for a serial number as the link and the store accept it."""
    return _SERIAL.fullmatch(text) is not None
