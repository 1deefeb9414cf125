"""The programmer's end of opening a contact, frame by frame, without a socket or a clock."""

from collections.abc import Callable

from openitb.telemetry import contact
from openitb.telemetry.errors import HandshakeError
from openitb.telemetry.hello import NO_KEY, Hello, Purpose
from openitb.telemetry.keys import KeyPair, Keys, key_id
from openitb.telemetry.noise import KK, XXPSK3, Handshake, Party, Transport
from openitb.telemetry.pairing import check_digits, code_key


class Caller:
    """Opens a session with a pinned implant: `hello`, `opening`, `transport`, in this order.

    `fresh` makes the key of one handshake; a recorded run passes its own.
    """

    def __init__(self, serial: str, keys: Keys, fresh: Callable[[], KeyPair] = KeyPair.generate) -> None:
        self._hello = Hello(serial, key_id(keys.own.public))
        self._keys = keys
        self._fresh = fresh
        self._handshake: Handshake | None = None

    def hello(self) -> bytes:
        """The first frame."""
        return self._hello.encode()

    def opening(self, challenge: bytes) -> bytes:
        """The proof and the first handshake message, for the implant's challenge."""
        _require_challenge(challenge)
        party = Party(True, self._keys.own, self._keys.peer_public)
        self._handshake = Handshake(KK, party, self.hello() + challenge, self._fresh())
        proof = contact.proof(contact.session_secret(self._keys), self.hello(), challenge)
        return proof + self._handshake.write()

    def transport(self, answer: bytes) -> Transport:
        """The sealed channel; `HandshakeError` unless the implant proved its key."""
        handshake = _begun(self._handshake)
        handshake.read(answer)
        return handshake.transport()


class PairingCaller:
    """Pairs with an implant by its code: `hello`, `opening`, `last`, `welcome`, in this order."""

    def __init__(
        self, serial: str, own: KeyPair, code: bytes, fresh: Callable[[], KeyPair] = KeyPair.generate
    ) -> None:
        self._hello = Hello(serial, NO_KEY, Purpose.PAIRING)
        self._own = own
        self._code = code
        self._fresh = fresh
        self._handshake: Handshake | None = None
        self._transport: Transport | None = None

    def hello(self) -> bytes:
        """The first frame."""
        return self._hello.encode()

    def opening(self, challenge: bytes) -> bytes:
        """The proof of the code and the first handshake message."""
        _require_challenge(challenge)
        party = Party(True, self._own, psk=code_key(self._code))
        self._handshake = Handshake(XXPSK3, party, self.hello() + challenge, self._fresh())
        proof = contact.proof(contact.pairing_secret(self._code), self.hello(), challenge)
        return proof + self._handshake.write()

    def last(self, answer: bytes, request: bytes) -> bytes:
        """The last handshake message, with what is asked for; now the implant's key is known."""
        handshake = _begun(self._handshake)
        handshake.read(answer)
        message = handshake.write(request)
        self._transport = handshake.transport()
        return message

    def welcome(self, sealed: bytes) -> tuple[bytes, bytes, str]:
        """The implant's answer, its key, and the digits to compare; it too has proved the code."""
        handshake = _begun(self._handshake)
        if self._transport is None:
            raise HandshakeError("pairing: not finished, expected the last message first")
        answer = self._transport.open(sealed)
        return answer, handshake.peer_public, check_digits(self._transport.handshake_hash)


def _require_challenge(challenge: bytes) -> None:
    if len(challenge) != contact.CHALLENGE_BYTES:
        raise HandshakeError(f"challenge: got {len(challenge)} bytes, expected {contact.CHALLENGE_BYTES}")


def _begun(handshake: Handshake | None) -> Handshake:
    if handshake is None:
        raise HandshakeError("handshake: not begun, expected a challenge first")
    return handshake
