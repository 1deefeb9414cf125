"""A TCP socket read and written in frames, every wait bounded by one deadline."""

import socket
import time
from contextlib import suppress

from openitb.telemetry.frames import MAX_FRAME, encode_frame, read_frame


def send_frame(sock: socket.socket, payload: bytes, within_s: float) -> None:
    """Send one frame; `OSError` when the peer does not take it in time."""
    sock.settimeout(within_s)
    sock.sendall(encode_frame(payload))


def receive_frame(sock: socket.socket, within_s: float, limit: int = MAX_FRAME) -> bytes:
    """The next frame, whole, within `within_s` seconds however slowly its bytes drip in.

    Raises `FrameError` for bytes that are no frame, `OSError` for a late or broken connection.
    """
    deadline = time.monotonic() + within_s

    def receive(count: int) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no whole frame within {within_s:g} s")
        sock.settimeout(left)
        return sock.recv(count)

    return read_frame(receive, limit)


def close(sock: socket.socket) -> None:
    """End both directions now, also while another thread waits on the socket."""
    with suppress(OSError):  # the peer may have left first
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
