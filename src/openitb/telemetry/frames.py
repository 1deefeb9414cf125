"""Length-limited frames: two bytes of length, then that many bytes, never more than 65 535.

The limit is that of a Noise message. A reader holds at most one frame in memory.

Holds: TEL-08.
"""

from collections.abc import Callable

from openitb.telemetry.errors import FrameError

LENGTH_BYTES = 2
MAX_FRAME = 2 ** (8 * LENGTH_BYTES) - 1

Receive = Callable[[int], bytes]


def encode_frame(payload: bytes) -> bytes:
    """The payload with its length before it; `FrameError` if it is empty or too long."""
    if not 0 < len(payload) <= MAX_FRAME:
        raise FrameError(f"frame: got {len(payload)} bytes, expected 1 to {MAX_FRAME}")
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


def read_frame(receive: Receive, limit: int = MAX_FRAME) -> bytes:
    """The payload of the next frame; `receive(n)` gives up to n bytes and none at the end.

    Raises `FrameError` for an empty frame, one above `limit`, and an end inside a frame.
    """
    length = int.from_bytes(_exactly(receive, LENGTH_BYTES), "big")
    if not 0 < length <= limit:
        raise FrameError(f"frame: got a length of {length} bytes, expected 1 to {limit}")
    return _exactly(receive, length)


def _exactly(receive: Receive, count: int) -> bytes:
    parts: list[bytes] = []
    missing = count
    while missing:
        part = receive(missing)
        if not part:
            raise FrameError(f"frame: ended {missing} bytes early")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
