"""The implants' end: one loopback port, one thread per session, every stranger's cost bounded.

Holds: TEL-11.
"""

import socket
import threading
from contextlib import suppress
from typing import Protocol

from openitb.telemetry import stream
from openitb.telemetry.channel import Address
from openitb.telemetry.errors import FrameError, HandshakeError, LinkDown
from openitb.telemetry.hello import MAX_HELLO, Hello, decode_hello
from openitb.telemetry.keys import Keys
from openitb.telemetry.limits import Limits
from openitb.telemetry.noise import HANDSHAKE_BYTES, Transport, respond

LOOPBACK = "127.0.0.1"

_DEFAULT_LIMITS = Limits()


class Gate(Protocol):
    """What stands behind the port: it knows the pinned keys and answers requests."""

    def keys_for(self, hello: Hello) -> Keys | None:
        """The keys of the implant and the pinned caller a hello names; None if either is unknown."""

    def answer(self, hello: Hello, request: bytes) -> bytes:
        """The answer to a request of a caller who has proved the key that the hello named.

        What it raises ends the session without an answer, and is told as any thread's failure is.
        """


class Listener:
    """Serves a gate on 127.0.0.1 from `start` to `stop`; port 0 takes a free one."""

    def __init__(self, gate: Gate, port: int = 0, limits: Limits = _DEFAULT_LIMITS) -> None:
        self._gate = gate
        self._port = port
        self._limits = limits
        self._lock = threading.Lock()
        self._sessions: dict[socket.socket, threading.Thread] = {}
        self._server: socket.socket | None = None
        self._accepting: threading.Thread | None = None

    def start(self) -> Address:
        """Open the port and serve in the background; `LinkDown` if the port is taken."""
        self._server = _listen(self._port)
        self._accepting = threading.Thread(target=self._accept, args=(self._server,), daemon=True)
        self._accepting.start()
        port: int = self._server.getsockname()[1]
        return LOOPBACK, port

    def stop(self) -> None:
        """Close the port and every session, and wait until their threads have ended."""
        if self._server is None or self._accepting is None:
            return
        stream.close(self._server)
        self._accepting.join()
        with self._lock:
            sessions = dict(self._sessions)
        for sock, thread in sessions.items():
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
            if len(self._sessions) >= self._limits.sessions:
                stream.close(sock)
                return
            thread = threading.Thread(target=self._session, args=(sock,), daemon=True)
            self._sessions[sock] = thread
            thread.start()

    def _session(self, sock: socket.socket) -> None:
        try:
            # A stranger, or a peer that left: silence is the answer, so nothing is learnt from it.
            with suppress(FrameError, HandshakeError):
                self._serve(sock)
        finally:
            with self._lock:
                self._sessions.pop(sock, None)
            stream.close(sock)

    def _serve(self, sock: socket.socket) -> None:
        stream.without_delay(sock)
        hello = decode_hello(stream.receive_frame(sock, self._limits.handshake_s, limit=MAX_HELLO))
        keys = self._gate.keys_for(hello)
        if keys is None:
            return
        transport = self._handshake(sock, hello, keys)
        while True:
            request = transport.open(stream.receive_frame(sock, self._limits.idle_s))
            answer = self._gate.answer(hello, request)
            stream.send_frame(sock, transport.seal(answer), self._limits.answer_s)

    def _handshake(self, sock: socket.socket, hello: Hello, keys: Keys) -> Transport:
        first = stream.receive_frame(sock, self._limits.handshake_s, limit=HANDSHAKE_BYTES)
        _, answer, transport = respond(first, keys, hello.encode())
        stream.send_frame(sock, answer, self._limits.handshake_s)
        return transport


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise LinkDown(f"port: cannot listen on {port}: {error.strerror or error}") from None
