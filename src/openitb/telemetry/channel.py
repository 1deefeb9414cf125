"""The programmer's end: a channel to one implant, and what its failures mean."""

import socket
from types import TracebackType
from typing import Self

from openitb.telemetry import stream
from openitb.telemetry.errors import FrameError, HandshakeError, LinkDown, NoAnswer
from openitb.telemetry.hello import Hello
from openitb.telemetry.keys import Keys, key_id
from openitb.telemetry.limits import Limits
from openitb.telemetry.noise import HANDSHAKE_BYTES, MAX_PLAIN, Initiator, Transport

Address = tuple[str, int]

_DEFAULT_LIMITS = Limits()


def connect(address: Address, serial: str, keys: Keys, limits: Limits = _DEFAULT_LIMITS) -> "Channel":
    """Open a channel to the implant `serial` behind `address`, proving both sides' keys.

    Raises `LinkDown` when nobody answers in time, or the other side is not that implant.
    """
    sock = _dial(address, serial, limits)
    try:
        return Channel(sock, _handshake(sock, Hello(serial, key_id(keys.own.public)), keys, limits), limits)
    except (FrameError, HandshakeError) as error:
        stream.close(sock)
        raise LinkDown(f"implant {serial}: no session: {error}") from None


class Channel:
    """An open session: one request at a time, each with its answer. Use as a context manager."""

    def __init__(self, sock: socket.socket, transport: Transport, limits: Limits) -> None:
        self._sock = sock
        self._transport = transport
        self._limits = limits
        self._open = True

    def send(self, request: bytes) -> bytes:
        """The implant's answer to `request`.

        Raises `LinkDown` when nothing was sent (closed channel, request too long) and
        `NoAnswer` when the request left and no valid answer came in time. After that the channel
        is closed, so that a late answer is never taken for the answer to another request.
        """
        if not self._open:
            raise LinkDown("channel: closed, open a new session")
        if len(request) > MAX_PLAIN:
            raise LinkDown(f"request: got {len(request)} bytes, expected at most {MAX_PLAIN}")
        try:
            return self._exchange(request)
        except FrameError as error:
            self.close()
            raise NoAnswer(f"no answer, the request may have been acted on: {error}") from None

    def close(self) -> None:
        """End the session; the implant keeps nothing of it but its log."""
        if self._open:
            self._open = False
            stream.close(self._sock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _exchange(self, request: bytes) -> bytes:
        stream.send_frame(self._sock, self._transport.seal(request), self._limits.answer_s)
        return self._transport.open(stream.receive_frame(self._sock, self._limits.answer_s))


def _dial(address: Address, serial: str, limits: Limits) -> socket.socket:
    try:
        sock = socket.create_connection(address, timeout=limits.connect_s)
    except OSError as error:
        raise LinkDown(f"implant {serial}: nobody answers at port {address[1]}: {error}") from None
    stream.without_delay(sock)
    return sock


def _handshake(sock: socket.socket, hello: Hello, keys: Keys, limits: Limits) -> Transport:
    prologue = hello.encode()
    initiator = Initiator(keys, prologue)
    stream.send_frame(sock, prologue, limits.handshake_s)
    stream.send_frame(sock, initiator.first(), limits.handshake_s)
    answer = stream.receive_frame(sock, limits.handshake_s, limit=HANDSHAKE_BYTES)
    _, transport = initiator.second(answer)
    return transport
