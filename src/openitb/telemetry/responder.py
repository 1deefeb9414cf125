"""The implant's end of one contact, frame by frame, without a socket or a clock.

hello -> challenge -> proof and first handshake message -> answer -> sealed requests. In a pairing
the handshake has one message more, and one sealed request follows it. A frame that does not belong
where it arrives ends the contact.
"""

from collections.abc import Callable
from typing import Protocol

from openitb.telemetry import contact
from openitb.telemetry.errors import FrameError, HandshakeError
from openitb.telemetry.frames import MAX_FRAME
from openitb.telemetry.hello import MAX_HELLO, Hello, Purpose, decode_hello
from openitb.telemetry.keys import KeyPair, Keys
from openitb.telemetry.noise import HANDSHAKE_BYTES, KK, XXPSK3, Handshake, Party, Transport
from openitb.telemetry.pairing import check_digits, code_key

LONGEST_OPENING = contact.PROOF_BYTES + HANDSHAKE_BYTES
_NOBODY = bytes(32)  # the secret that is tried for who is not known, so that they cost the same


class Gate(Protocol):
    """What stands behind the link: pinned keys, answers, and whether a frame crosses the skin at all."""

    def carries(self, serial: str, size: int) -> bool:
        """True if a frame of `size` bytes gets across between wand and implant now."""

    def keys_for(self, hello: Hello) -> Keys | None:
        """The keys of the implant and the pinned caller a hello names; None if either is unknown."""

    def answer(self, hello: Hello, request: bytes) -> bytes:
        """The answer to a request of a caller who has proved the key that the hello named.

        What it raises ends the contact without an answer, and is told as any thread's failure is.
        """

    def pairing(self, serial: str) -> "PairingGate | None":
        """The open pairing gate of an implant; None while pairing is not allowed."""

    def ended(self, hello: Hello) -> None:
        """A proved caller has gone."""


class PairingGate(Protocol):
    """An implant that lets itself be paired, once, with who holds the code on its card."""

    @property
    def own(self) -> KeyPair:
        """The implant's static key."""

    @property
    def code(self) -> bytes:
        """The code that must be known."""

    def admit(self, public: bytes, digits: str, request: bytes) -> bytes:
        """Take a proved key in and answer; `digits` are to be shown at the implant's end."""


class Responder:
    """One contact: feed it frames, send what it returns; `TelemetryError` ends it.

    `fresh` makes the key of one handshake; a recorded run passes its own.
    """

    def __init__(self, gate: Gate, challenge: bytes, fresh: Callable[[], KeyPair] = KeyPair.generate) -> None:
        self._gate = gate
        self._challenge = challenge
        self._fresh = fresh
        self._hello: Hello | None = None
        self._next: Callable[[bytes], bytes] = self._on_hello
        self._limit = MAX_HELLO
        self.exchanged_keys = False
        self.proved = False

    @property
    def longest_frame(self) -> int:
        """No frame above this is taken next."""
        return self._limit

    def receive(self, frame: bytes) -> bytes | None:
        """The frame to send back; None if either of the two does not get across."""
        hello = self._hello or decode_hello(frame)
        if not self._gate.carries(hello.serial, len(frame)):
            return None
        answer = self._next(frame)
        return answer if self._gate.carries(hello.serial, len(answer)) else None

    def end(self) -> None:
        """The connection is gone."""
        if self.proved and self._hello is not None and self._hello.purpose is Purpose.SESSION:
            self._gate.ended(self._hello)

    def _on_hello(self, frame: bytes) -> bytes:
        self._hello = decode_hello(frame)
        self._limit = LONGEST_OPENING
        is_session = self._hello.purpose is Purpose.SESSION
        self._next = self._on_session_opening if is_session else self._on_pairing_opening
        return self._challenge

    def _on_session_opening(self, frame: bytes) -> bytes:
        hello = self._named()
        keys = self._gate.keys_for(hello)
        message = self._proved(frame, contact.session_secret(keys) if keys else _NOBODY, hello)
        if keys is None:
            raise HandshakeError("hello: got a serial or a key that is not known here")
        party = Party(False, keys.own, keys.peer_public)
        handshake = Handshake(KK, party, self._prologue(), self._fresh())
        handshake.read(message)
        answer = handshake.write()
        transport = handshake.transport()
        self.proved = True
        self._limit = MAX_FRAME
        self._next = lambda sealed: self._on_request(transport, sealed)
        return answer

    def _on_request(self, transport: Transport, sealed: bytes) -> bytes:
        return transport.seal(self._gate.answer(self._named(), transport.open(sealed)))

    def _on_pairing_opening(self, frame: bytes) -> bytes:
        hello = self._named()
        gate = self._gate.pairing(hello.serial)
        message = self._proved(frame, contact.pairing_secret(gate.code) if gate else _NOBODY, hello)
        if gate is None:
            raise HandshakeError("pairing: the gate is not open")
        party = Party(False, gate.own, psk=code_key(gate.code))
        handshake = Handshake(XXPSK3, party, self._prologue(), self._fresh())
        handshake.read(message)
        answer = handshake.write()
        self._limit = MAX_FRAME
        self._next = lambda last: self._on_pairing_last(gate, handshake, last)
        return answer

    def _on_pairing_last(self, gate: PairingGate, handshake: Handshake, frame: bytes) -> bytes:
        request = handshake.read(frame)
        transport = handshake.transport()
        self.proved = True
        self._next = self._on_nothing_more
        digits = check_digits(transport.handshake_hash)
        return transport.seal(gate.admit(handshake.peer_public, digits, request))

    def _on_nothing_more(self, _frame: bytes) -> bytes:
        raise FrameError("pairing: over, expected a new contact")

    def _proved(self, frame: bytes, secret: bytes, hello: Hello) -> bytes:
        """The handshake message behind a proof that fits; the first thing that costs a key exchange."""
        given, message = frame[: contact.PROOF_BYTES], frame[contact.PROOF_BYTES :]
        if not contact.is_proof(given, secret, hello.encode(), self._challenge):
            raise HandshakeError("proof: does not fit the challenge")
        self.exchanged_keys = True
        return message

    def _prologue(self) -> bytes:
        return self._named().encode() + self._challenge

    def _named(self) -> Hello:
        if self._hello is None:
            raise FrameError("hello: missing, expected it first")
        return self._hello
