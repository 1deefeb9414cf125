"""A TCP socket read and written in frames, every wait bounded by one deadline.

Whatever goes wrong with the connection is a `FrameError`, so that a failure of the link is never
mistaken for a failure of something else.
"""

import socket
import time
from contextlib import suppress

from openitb.telemetry.errors import FrameError
from openitb.telemetry.frames import MAX_FRAME, encode_frame, read_frame


def send_frame(sock: socket.socket, payload: bytes, within_s: float) -> None:
    """Send one frame; `FrameError` if it is too long or the peer does not take it in time."""
    frame = encode_frame(payload)
    try:
        sock.settimeout(within_s)
        sock.sendall(frame)
    except OSError as error:
        raise _lost(error) from None


def receive_frame(sock: socket.socket, within_s: float, limit: int = MAX_FRAME) -> bytes:
    """The next frame, whole, within `within_s` seconds however slowly its bytes drip in.

    Raises `FrameError` for bytes that are no frame and a late or broken connection.
    """
    deadline = time.monotonic() + within_s

    def receive(count: int) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise FrameError(f"frame: not whole within {within_s:g} s")
        sock.settimeout(left)
        return sock.recv(count)

    try:
        return read_frame(receive, limit)
    except OSError as error:
        raise _lost(error) from None


def without_delay(sock: socket.socket) -> None:
    """Let short frames leave at once, if the peer is still there."""
    with suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def close(sock: socket.socket) -> None:
    """End both directions now, also while another thread waits on the socket."""
    with suppress(OSError):  # the peer may have left first
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def _lost(error: OSError) -> FrameError:
    return FrameError(f"connection: {error}")
