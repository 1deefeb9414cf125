"""Lines: what carries frames between a programmer and the implants' end."""

import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from openitb.telemetry import stream
from openitb.telemetry.contact import Challenges
from openitb.telemetry.errors import FrameError, HandshakeError, LinkDown
from openitb.telemetry.limits import Limits
from openitb.telemetry.responder import Gate, Responder

Address = tuple[str, int]


class Line(Protocol):
    """Frames out and frames in; whatever goes wrong on the way is a `FrameError`."""

    def send(self, frame: bytes, within_s: float) -> None:
        """Send one frame."""

    def receive(self, within_s: float, limit: int) -> bytes:
        """The next frame, at most `limit` bytes."""

    def close(self) -> None:
        """End it."""


class Dialer(Protocol):
    """Opens lines to one place; `LinkDown` if nobody is there."""

    def dial(self, limits: Limits) -> Line:
        """A fresh line."""

    def may_try_again(self, limits: Limits) -> bool:
        """Wait a moment, then say whether there is time for another attempt."""


class SocketLine:
    """A line over TCP."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, frame: bytes, within_s: float) -> None:
        """Send one frame within so many seconds."""
        stream.send_frame(self._sock, frame, within_s)

    def receive(self, within_s: float, limit: int) -> bytes:
        """The next frame within so many seconds."""
        return stream.receive_frame(self._sock, within_s, limit)

    def close(self) -> None:
        """End both directions."""
        stream.close(self._sock)


class LoopbackDialer:
    """Dials a port on this machine."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._began = time.monotonic()

    def dial(self, limits: Limits) -> SocketLine:
        """A connection; `LinkDown` if nobody listens."""
        try:
            sock = socket.create_connection(self._address, timeout=limits.connect_s)
        except OSError as error:
            raise LinkDown(f"nobody answers at port {self._address[1]}: {error}") from None
        stream.without_delay(sock)
        return SocketLine(sock)

    def may_try_again(self, limits: Limits) -> bool:
        """Wait a moment, so that a crowd at the port can pass; True within `limits.contact_s`."""
        time.sleep(limits.retry_s)
        return time.monotonic() - self._began < limits.contact_s


Air = Callable[[bytes], tuple[bytes, ...]]


def clear_air(frame: bytes) -> tuple[bytes, ...]:
    """Every frame arrives, once and in order."""
    return (frame,)


class NearDialer:
    """Lines to a gate in the same thread, with no socket, clock or wait: for whole-system simulation.

    `to_implant` and `to_programmer` say what becomes of each frame on its way: nothing, itself, or
    any other frames. A line on which nothing came reports a `FrameError`, as a timeout would.
    """

    def __init__(
        self, gate: Gate, challenges: Challenges, to_implant: Air = clear_air, to_programmer: Air = clear_air
    ) -> None:
        self._gate = gate
        self._challenges = challenges
        self._airs = (to_implant, to_programmer)

    def dial(self, _limits: Limits) -> "NearLine":
        """A fresh line."""
        return NearLine(Responder(self._gate, self._challenges.next()), *self._airs)

    def may_try_again(self, _limits: Limits) -> bool:
        """No: no time passes here, so nothing would be different."""
        return False


class NearLine:
    """A line whose other end is a responder called directly."""

    def __init__(self, responder: Responder, to_implant: Air, to_programmer: Air) -> None:
        self._responder: Responder | None = responder
        self._to_implant = to_implant
        self._to_programmer = to_programmer
        self._inbox: deque[bytes] = deque()

    def send(self, frame: bytes, _within_s: float) -> None:
        """Let the frame arrive, and collect what comes back."""
        for arrived in self._to_implant(frame):
            self._inbox.extend(self._answers(arrived))

    def receive(self, _within_s: float, limit: int) -> bytes:
        """The next frame that came; `FrameError` if none did, or one too long."""
        if not self._inbox:
            raise FrameError("frame: nothing came")
        frame = self._inbox.popleft()
        if not 0 < len(frame) <= limit:
            raise FrameError(f"frame: got a length of {len(frame)} bytes, expected 1 to {limit}")
        return frame

    def close(self) -> None:
        """Hang up."""
        if self._responder is not None:
            self._responder.end()
            self._responder = None

    def _answers(self, frame: bytes) -> tuple[bytes, ...]:
        if self._responder is None or len(frame) > self._responder.longest_frame:
            self.close()
            return ()
        try:
            answer = self._responder.receive(frame)
        except (FrameError, HandshakeError):  # the implant hangs up without a word
            self.close()
            return ()
        return () if answer is None else self._to_programmer(answer)
