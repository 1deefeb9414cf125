"""The implants' end: one loopback port, one thread per contact, every stranger's cost bounded.

Strangers and proved callers are counted apart. A stranger costs one challenge and one hash; when too
many wait at once the one that waited longest is dropped, so a flood of idle connections keeps nobody
out; when they come too fast they are closed unread.

Holds: TEL-08, TEL-11.
"""

import socket
import threading
import time
from contextlib import suppress

from openitb.telemetry import stream
from openitb.telemetry.contact import Challenges
from openitb.telemetry.errors import FrameError, HandshakeError, LinkDown
from openitb.telemetry.limits import Limits
from openitb.telemetry.line import Address
from openitb.telemetry.responder import Gate, Responder
from openitb.telemetry.toll import Costs, Toll

LOOPBACK = "127.0.0.1"

_DEFAULT_LIMITS = Limits()


class Listener:
    """Serves a gate on 127.0.0.1 from `start` to `stop`; port 0 takes a free one."""

    def __init__(
        self,
        gate: Gate,
        port: int = 0,
        limits: Limits = _DEFAULT_LIMITS,
        challenges: Challenges | None = None,
    ) -> None:
        self._gate = gate
        self._port = port
        self._limits = limits
        self._challenges = challenges or Challenges(0)
        self._lock = threading.Lock()
        self._toll = Toll(limits.strangers_per_s, limits.strangers_burst, time.monotonic)
        self._strangers: dict[socket.socket, threading.Thread] = {}  # longest waiting first
        self._proved: dict[socket.socket, threading.Thread] = {}
        self._server: socket.socket | None = None
        self._accepting: threading.Thread | None = None
        self.costs = Costs()

    def start(self) -> Address:
        """Open the port and serve in the background; `LinkDown` if the port is taken."""
        self._server = _listen(self._port)
        self._accepting = threading.Thread(target=self._accept, args=(self._server,), daemon=True)
        self._accepting.start()
        port: int = self._server.getsockname()[1]
        return LOOPBACK, port

    def stop(self) -> None:
        """Close the port and every contact, and wait until their threads have ended."""
        if self._server is None or self._accepting is None:
            return
        stream.close(self._server)
        self._accepting.join()
        with self._lock:
            contacts = self._strangers | self._proved
        for sock, thread in contacts.items():
            stream.close(sock)
            thread.join()
        self._server = None

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return  # closed by stop
            self._admit(sock)

    def _admit(self, sock: socket.socket) -> None:
        with self._lock:
            if not self._toll.take():
                self.costs.turned_away += 1
                stream.close(sock)
                return
            if len(self._strangers) >= self._limits.strangers:
                stream.close(self._drop_longest_waiting())
            thread = threading.Thread(target=self._contact, args=(sock,), daemon=True)
            self._strangers[sock] = thread
            thread.start()

    def _drop_longest_waiting(self) -> socket.socket:
        oldest = next(iter(self._strangers))
        del self._strangers[oldest]
        return oldest

    def _contact(self, sock: socket.socket) -> None:
        responder = Responder(self._gate, self._challenges.next())
        try:
            # A stranger, or a peer that left: silence is the answer, so nothing is learnt from it.
            with suppress(FrameError, HandshakeError):
                self._serve(sock, responder)
        finally:
            with self._lock:
                self.costs.key_exchanges += responder.exchanged_keys
                self._strangers.pop(sock, None)
                self._proved.pop(sock, None)
            stream.close(sock)
            responder.end()

    def _serve(self, sock: socket.socket, responder: Responder) -> None:
        stream.without_delay(sock)
        deadline = time.monotonic() + 2 * self._limits.handshake_s
        while not responder.proved:
            self._answer(sock, responder, min(self._limits.handshake_s, deadline - time.monotonic()))
        while True:
            self._answer(sock, responder, self._limits.idle_s)

    def _answer(self, sock: socket.socket, responder: Responder, within_s: float) -> None:
        frame = stream.receive_frame(sock, within_s, limit=responder.longest_frame)
        was_stranger = not responder.proved
        answer = responder.receive(frame)
        if was_stranger:
            self._account(sock, responder)
        if answer is not None:
            stream.send_frame(sock, answer, self._limits.answer_s)

    def _account(self, sock: socket.socket, responder: Responder) -> None:
        if responder.proved:
            self._prove(sock)
        elif not responder.exchanged_keys:
            with self._lock:
                self.costs.challenges += 1

    def _prove(self, sock: socket.socket) -> None:
        """From now on the caller is no stranger."""
        with self._lock:
            self._toll.give_back()
            thread = self._strangers.pop(sock, None)
            if thread is None or len(self._proved) >= self._limits.sessions:
                raise FrameError("sessions: as many as are allowed, expected one to end first")
            self._proved[sock] = thread
            self.costs.sessions += 1


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port), backlog=socket.SOMAXCONN)
    except OSError as error:
        raise LinkDown(f"port: cannot listen on {port}: {error.strerror or error}") from None
