"""The programmer's end: a channel to one implant, and what its failures mean."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from openitb.telemetry.caller import Caller, PairingCaller
from openitb.telemetry.contact import CHALLENGE_BYTES
from openitb.telemetry.errors import FrameError, HandshakeError, LinkDown, NoAnswer
from openitb.telemetry.frames import MAX_FRAME
from openitb.telemetry.keys import KeyPair, Keys
from openitb.telemetry.limits import Limits
from openitb.telemetry.line import Address, Dialer, Line, LoopbackDialer
from openitb.telemetry.noise import MAX_PLAIN, Transport

_DEFAULT_LIMITS = Limits()


def connect(where: Address | Dialer, serial: str, keys: Keys, limits: Limits = _DEFAULT_LIMITS) -> "Channel":
    """Open a channel to the implant `serial` behind `where`, proving both sides' keys.

    A contact that is turned away unheard, as happens in a crowd, is tried again for `limits.contact_s`.
    Raises `LinkDown` when nobody answers in time, or the other side is not that implant.
    """
    line, caller = None, Caller(serial, keys)
    try:
        line, challenge = _heard(_dialer(where), serial, caller.hello(), limits)
        line.send(caller.opening(challenge), limits.handshake_s)
        return Channel(line, caller.transport(line.receive(limits.handshake_s, MAX_FRAME)), limits)
    except (FrameError, HandshakeError) as error:
        if line is not None:
            line.close()
        raise LinkDown(f"implant {serial}: no session: {error}") from None


@dataclass(frozen=True, slots=True)
class Paired:
    """What a pairing gave: the implant's answer, its key to pin, and digits to compare by eye."""

    answer: bytes
    implant_public: bytes
    digits: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who wants to be paired: its own key, the code on the implant's card, what it asks for."""

    own: KeyPair
    code: bytes = field(repr=False)
    request: bytes


def pair(
    where: Address | Dialer, serial: str, candidate: Candidate, limits: Limits = _DEFAULT_LIMITS
) -> Paired:
    """Pair with an implant whose gate is open; trust the key only once a person compared the digits.

    Raises `LinkDown` when the gate is closed, the code is wrong, or nobody answers, and `NoAnswer`
    when the implant may already have taken the key in.
    """
    line, caller = None, PairingCaller(serial, candidate.own, candidate.code)
    try:
        line, challenge = _heard(_dialer(where), serial, caller.hello(), limits)
        line.send(caller.opening(challenge), limits.handshake_s)
        last = caller.last(line.receive(limits.handshake_s, MAX_FRAME), candidate.request)
    except (FrameError, HandshakeError) as error:
        if line is not None:
            line.close()
        raise LinkDown(f"implant {serial}: not paired: {error}") from None
    try:
        line.send(last, limits.answer_s)
        return Paired(*caller.welcome(line.receive(limits.answer_s, MAX_FRAME)))
    except FrameError as error:
        raise NoAnswer(f"implant {serial}: may have been paired, read its keys: {error}") from None
    finally:
        line.close()


class Channel:
    """An open session: one request at a time, each with its answer. Use as a context manager."""

    def __init__(self, line: Line, transport: Transport, limits: Limits) -> None:
        self._line = line
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
            self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _exchange(self, request: bytes) -> bytes:
        self._line.send(self._transport.seal(request), self._limits.answer_s)
        return self._transport.open(self._line.receive(self._limits.answer_s, MAX_FRAME))


def _dialer(where: Address | Dialer) -> Dialer:
    return LoopbackDialer(where) if isinstance(where, tuple) else where


def _dial(dialer: Dialer, serial: str, limits: Limits) -> Line:
    try:
        return dialer.dial(limits)
    except LinkDown as error:
        raise LinkDown(f"implant {serial}: {error}") from None


def _heard(dialer: Dialer, serial: str, hello: bytes, limits: Limits) -> tuple[Line, bytes]:
    """A line on which the implant answered with a challenge; raises the last `FrameError` otherwise."""
    while True:
        line = _dial(dialer, serial, limits)
        try:
            line.send(hello, limits.handshake_s)
            return line, line.receive(limits.handshake_s, CHALLENGE_BYTES)
        except FrameError:
            line.close()
            if not dialer.may_try_again(limits):
                raise
