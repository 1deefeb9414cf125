"""The secure channel: Noise_KK_25519_ChaChaPoly_SHA256, both static keys pinned beforehand.

    -> s
    <- s
    ...
    -> e, es, ss
    <- e, ee, se

After the Noise Protocol Framework, revision 34, sections 5 and 7. Transport messages carry their
counter in the clear (section 11.4), so a lost frame does not block the session; a receiver takes a
counter once, and only in increasing order. The first message can be replayed by anyone who
recorded it, so it carries no payload and nothing is done on its account.

Holds: TEL-01, TEL-02, TEL-03, TEL-12, TEL-13.
"""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from openitb.telemetry.errors import FrameError, HandshakeError
from openitb.telemetry.frames import MAX_FRAME
from openitb.telemetry.keys import KEY_BYTES, KeyPair, Keys

PROTOCOL_NAME = b"Noise_KK_25519_ChaChaPoly_SHA256"
TAG_BYTES = 16
COUNTER_BYTES = 8
MAX_PLAIN = MAX_FRAME - COUNTER_BYTES - TAG_BYTES
HANDSHAKE_BYTES = KEY_BYTES + TAG_BYTES

_LAST_COUNTER = 2 ** (8 * COUNTER_BYTES) - 2  # the highest nonce is reserved by Noise


class Initiator:
    """The programmer's side of one handshake; each method is called once, in this order."""

    def __init__(self, keys: Keys, prologue: bytes, ephemeral: KeyPair | None = None) -> None:
        self._keys = keys
        self._ephemeral = ephemeral or KeyPair.generate()
        self._state = _Symmetric(prologue, keys.own.public, keys.peer_public)

    def first(self, payload: bytes = b"") -> bytes:
        """The opening message; leave the payload empty, it can be replayed."""
        self._state.mix_hash(self._ephemeral.public)
        self._state.mix_key(_shared(self._ephemeral, self._keys.peer_public))
        self._state.mix_key(_shared(self._keys.own, self._keys.peer_public))
        return self._ephemeral.public + self._state.seal(payload)

    def second(self, message: bytes) -> tuple[bytes, "Transport"]:
        """Read the implant's answer: its payload, and the transport that both now share."""
        theirs, sealed = _split_message(message)
        self._state.mix_hash(theirs)
        self._state.mix_key(_shared(self._ephemeral, theirs))
        self._state.mix_key(_shared(self._keys.own, theirs))
        payload = self._state.open(sealed)
        sending, receiving = self._state.split()
        return payload, Transport(sending, receiving, self._state.hash)


def respond(
    message: bytes, keys: Keys, prologue: bytes, payload: bytes = b"", ephemeral: KeyPair | None = None
) -> tuple[bytes, bytes, "Transport"]:
    """The implant's side: payload of the first message, the answer to send, and the transport.

    Raises `HandshakeError` when the caller does not hold the pinned key, named another serial in
    the prologue, or sent other bytes than a first message.
    """
    mine = ephemeral or KeyPair.generate()
    state = _Symmetric(prologue, keys.peer_public, keys.own.public)
    theirs, sealed = _split_message(message)
    state.mix_hash(theirs)
    state.mix_key(_shared(keys.own, theirs))
    state.mix_key(_shared(keys.own, keys.peer_public))
    received = state.open(sealed)
    state.mix_hash(mine.public)
    state.mix_key(_shared(mine, theirs))
    state.mix_key(_shared(mine, keys.peer_public))
    answer = mine.public + state.seal(payload)
    receiving, sending = state.split()
    return received, answer, Transport(sending, receiving, state.hash)


class Transport:
    """Sealed messages after the handshake, each way under its own key and counter."""

    def __init__(self, sending: bytes, receiving: bytes, handshake_hash: bytes) -> None:
        self.handshake_hash = handshake_hash
        self._sending = ChaCha20Poly1305(sending)
        self._receiving = ChaCha20Poly1305(receiving)
        self._next_counter = 0
        self._last_received = -1

    def seal(self, plain: bytes) -> bytes:
        """The frame for `plain`; `FrameError` if it is too long or the counter is used up."""
        if len(plain) > MAX_PLAIN:
            raise FrameError(f"message: got {len(plain)} bytes, expected at most {MAX_PLAIN}")
        if self._next_counter > _LAST_COUNTER:
            raise FrameError("counter: used up, expected a new session")
        counter = self._next_counter
        self._next_counter += 1
        return counter.to_bytes(COUNTER_BYTES, "big") + self._sending.encrypt(_nonce(counter), plain, b"")

    def open(self, frame: bytes) -> bytes:
        """The message in a frame; `FrameError` for altered, short, replayed and reordered frames."""
        counter = int.from_bytes(frame[:COUNTER_BYTES], "big")
        if len(frame) < COUNTER_BYTES + TAG_BYTES or counter > _LAST_COUNTER:
            raise FrameError(f"frame: got {len(frame)} bytes, expected a sealed message")
        if counter <= self._last_received:
            raise FrameError(f"counter: got {counter}, expected above {self._last_received}")
        plain = _opened(self._receiving, counter, frame[COUNTER_BYTES:], b"")
        if plain is None:
            raise FrameError("frame: altered on the way or sealed with another key")
        self._last_received = counter
        return plain


class _Symmetric:
    """Running hash and key of the handshake (Noise section 5.2)."""

    def __init__(self, prologue: bytes, initiator_public: bytes, responder_public: bytes) -> None:
        self.hash = PROTOCOL_NAME  # exactly one hash long, so it is used as it is
        self._chaining = PROTOCOL_NAME
        self._key = b""
        for part in (prologue, initiator_public, responder_public):
            self.mix_hash(part)

    def mix_hash(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def mix_key(self, shared: bytes) -> None:
        self._chaining, self._key = _derive(self._chaining, shared)

    def seal(self, plain: bytes) -> bytes:
        sealed = ChaCha20Poly1305(self._key).encrypt(_nonce(0), plain, self.hash)
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed: bytes) -> bytes:
        plain = _opened(ChaCha20Poly1305(self._key), 0, sealed, self.hash)
        if plain is None:
            raise HandshakeError("handshake: the other side does not hold the pinned key for this serial")
        self.mix_hash(sealed)
        return plain

    def split(self) -> tuple[bytes, bytes]:
        return _derive(self._chaining, b"")


def _derive(chaining: bytes, material: bytes) -> tuple[bytes, bytes]:
    secret = hmac.digest(chaining, material, "sha256")
    first = hmac.digest(secret, b"\x01", "sha256")
    return first, hmac.digest(secret, first + b"\x02", "sha256")


def _shared(own: KeyPair, theirs: bytes) -> bytes:
    try:
        private = X25519PrivateKey.from_private_bytes(own.private)
        return private.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError:
        raise HandshakeError("handshake: got a public key that shares no secret") from None


def _split_message(message: bytes) -> tuple[bytes, bytes]:
    if len(message) < HANDSHAKE_BYTES:
        raise HandshakeError(f"handshake: got {len(message)} bytes, expected at least {HANDSHAKE_BYTES}")
    return message[:KEY_BYTES], message[KEY_BYTES:]


def _nonce(counter: int) -> bytes:
    return bytes(4) + counter.to_bytes(COUNTER_BYTES, "little")


def _opened(cipher: ChaCha20Poly1305, counter: int, sealed: bytes, bound: bytes) -> bytes | None:
    try:
        return cipher.decrypt(_nonce(counter), sealed, bound)
    except InvalidTag:
        return None
