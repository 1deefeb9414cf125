"""Noise handshakes over `cryptography`: KK between pinned keys, XXpsk3 for pairing.

After the Noise Protocol Framework, revision 34, sections 5, 7 and 9. A pattern is data: the tokens
of each message in turn. Transport messages carry their counter in the clear (section 11.4), so a
lost frame does not block the session; a receiver takes a counter once, and only in increasing order.
The first message can be replayed by anyone who recorded it, so it carries no payload and nothing is
done on its account.

Holds: TEL-01, TEL-03, TEL-13.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from openitb.telemetry.errors import FrameError, HandshakeError
from openitb.telemetry.frames import MAX_FRAME
from openitb.telemetry.keys import KEY_BYTES, KeyPair, Keys, static_secret

Either = TypeVar("Either", str, bytes)

TAG_BYTES = 16
COUNTER_BYTES = 8
MAX_PLAIN = MAX_FRAME - COUNTER_BYTES - TAG_BYTES
HANDSHAKE_BYTES = KEY_BYTES + TAG_BYTES

_LAST_COUNTER = 2 ** (8 * COUNTER_BYTES) - 2  # the highest nonce is reserved by Noise


@dataclass(frozen=True, slots=True)
class Pattern:
    """A handshake: its full name, the tokens of each message, and what both sides hold beforehand."""

    name: bytes
    messages: tuple[tuple[str, ...], ...]
    statics_known: bool
    with_psk: bool


KK = Pattern(
    b"Noise_KK_25519_ChaChaPoly_SHA256",
    (("e", "es", "ss"), ("e", "ee", "se")),
    statics_known=True,
    with_psk=False,
)
XXPSK3 = Pattern(
    b"Noise_XXpsk3_25519_ChaChaPoly_SHA256",
    (("e",), ("e", "ee", "s", "es"), ("s", "se", "psk")),
    statics_known=False,
    with_psk=True,
)


@dataclass(frozen=True, slots=True)
class Party:
    """What one side brings to a handshake; `peer_public` only if known beforehand, `psk` if shared."""

    is_initiator: bool
    own: KeyPair
    peer_public: bytes = b""
    psk: bytes = field(default=b"", repr=False)


class Handshake:
    """One side of one handshake: `write` and `read` in turn, then `transport`."""

    def __init__(
        self, pattern: Pattern, party: Party, prologue: bytes, ephemeral: KeyPair | None = None
    ) -> None:
        self._pattern = pattern
        self._party = party
        self._ephemeral = ephemeral or KeyPair.generate()
        self._peer_ephemeral = b""
        self._peer_static = party.peer_public
        self._turn = 0
        self._state = _Symmetric(pattern.name)
        self._state.mix_hash(prologue)
        if pattern.statics_known:
            for public in self._in_order(party.own.public, party.peer_public):
                self._state.mix_hash(public)

    @property
    def peer_public(self) -> bytes:
        """The other side's static key: pinned, or learnt and proved by the end of the handshake."""
        return self._peer_static

    def write(self, payload: bytes = b"") -> bytes:
        """The next message; leave the payload of a first message empty, it can be replayed."""
        written = b"".join(self._write_token(token) for token in self._tokens())
        return written + self._state.seal(payload)

    def read(self, message: bytes) -> bytes:
        """The payload of the other side's message; `HandshakeError` if it proves nothing."""
        rest = message
        for token in self._tokens():
            rest = self._read_token(token, rest)
        return self._state.open(rest)

    def transport(self) -> "Transport":
        """The sealed channel that both sides now share; `HandshakeError` before the last message."""
        if self._turn < len(self._pattern.messages):
            raise HandshakeError(f"handshake: got {self._turn} messages, expected all of them first")
        first, second = self._state.split()
        sending, receiving = self._in_order(first, second)
        return Transport(sending, receiving, self._state.hash)

    def _tokens(self) -> tuple[str, ...]:
        tokens = self._pattern.messages[self._turn]
        self._turn += 1
        return tokens

    def _write_token(self, token: str) -> bytes:
        if token == "e":  # noqa: S105  # a Noise token is no password
            self._mix_ephemeral(self._ephemeral.public)
            return self._ephemeral.public
        if token == "s":  # noqa: S105
            return self._state.seal(self._party.own.public)
        self._mix_token(token)
        return b""

    def _read_token(self, token: str, rest: bytes) -> bytes:
        if token == "e":  # noqa: S105
            self._peer_ephemeral, rest = _split_at(rest, KEY_BYTES)
            self._mix_ephemeral(self._peer_ephemeral)
        elif token == "s":  # noqa: S105
            sealed, rest = _split_at(rest, KEY_BYTES + TAG_BYTES)
            self._peer_static = self._state.open(sealed)
        else:
            self._mix_token(token)
        return rest

    def _mix_ephemeral(self, public: bytes) -> None:
        self._state.mix_hash(public)
        if self._pattern.with_psk:
            self._state.mix_key(public)

    def _mix_token(self, token: str) -> None:
        if token == "psk":  # noqa: S105
            self._state.mix_key_and_hash(self._party.psk)
            return
        self._state.mix_key(self._shared_secret(*self._in_order(*token)))

    def _shared_secret(self, mine: str, theirs: str) -> bytes:
        if mine == theirs == "s":
            return static_secret(self._party.own, self._peer_static)
        own = self._ephemeral if mine == "e" else self._party.own
        return own.shared_with(self._peer_ephemeral if theirs == "e" else self._peer_static)

    def _in_order(self, first: Either, second: Either) -> tuple[Either, Either]:
        return (first, second) if self._party.is_initiator else (second, first)


class Initiator:
    """The programmer's side of a KK handshake; each method is called once, in this order."""

    def __init__(self, keys: Keys, prologue: bytes, ephemeral: KeyPair | None = None) -> None:
        self._handshake = Handshake(KK, Party(True, keys.own, keys.peer_public), prologue, ephemeral)

    def first(self, payload: bytes = b"") -> bytes:
        """The opening message; leave the payload empty, it can be replayed."""
        return self._handshake.write(payload)

    def second(self, message: bytes) -> tuple[bytes, "Transport"]:
        """Read the implant's answer: its payload, and the transport that both now share."""
        payload = self._handshake.read(message)
        return payload, self._handshake.transport()


def respond(
    message: bytes, keys: Keys, prologue: bytes, payload: bytes = b"", ephemeral: KeyPair | None = None
) -> tuple[bytes, bytes, "Transport"]:
    """The implant's side of KK: payload of the first message, the answer to send, and the transport.

    Raises `HandshakeError` when the caller does not hold the pinned key, named another serial in
    the prologue, or sent other bytes than a first message.
    """
    handshake = Handshake(KK, Party(False, keys.own, keys.peer_public), prologue, ephemeral)
    received = handshake.read(message)
    answer = handshake.write(payload)
    return received, answer, handshake.transport()


class Transport:
    """Sealed messages after the handshake, each way under its own key and counter.

    Holds: TEL-02.
    """

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
    """Running hash, chaining key and message key of a handshake (Noise section 5.2)."""

    def __init__(self, name: bytes) -> None:
        fits = len(name) <= hashlib.sha256().digest_size
        self.hash = name.ljust(32, b"\x00") if fits else hashlib.sha256(name).digest()
        self._chaining = self.hash
        self._key = b""
        self._counter = 0

    def mix_hash(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def mix_key(self, material: bytes) -> None:
        self._chaining, self._key = _derive(self._chaining, material, 2)
        self._counter = 0

    def mix_key_and_hash(self, material: bytes) -> None:
        self._chaining, mixed, self._key = _derive(self._chaining, material, 3)
        self.mix_hash(mixed)
        self._counter = 0

    def seal(self, plain: bytes) -> bytes:
        sealed = plain
        if self._key:
            sealed = ChaCha20Poly1305(self._key).encrypt(_nonce(self._counter), plain, self.hash)
            self._counter += 1
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed: bytes) -> bytes:
        plain: bytes | None = sealed
        if self._key:
            plain = _opened(ChaCha20Poly1305(self._key), self._counter, sealed, self.hash)
            self._counter += 1
        if plain is None:
            raise HandshakeError("handshake: the other side does not hold the pinned key for this serial")
        self.mix_hash(sealed)
        return plain

    def split(self) -> tuple[bytes, bytes]:
        first, second = _derive(self._chaining, b"", 2)
        return first, second


def _derive(chaining: bytes, material: bytes, outputs: int) -> tuple[bytes, ...]:
    """HKDF with SHA-256 as Noise section 4.3 writes it."""
    secret = hmac.digest(chaining, material, "sha256")
    made: list[bytes] = []
    for number in range(1, outputs + 1):
        before = made[-1] if made else b""
        made.append(hmac.digest(secret, before + bytes([number]), "sha256"))
    return tuple(made)


def _split_at(message: bytes, length: int) -> tuple[bytes, bytes]:
    if len(message) < length:
        raise HandshakeError(f"handshake: got {len(message)} bytes, expected at least {length}")
    return message[:length], message[length:]


def _nonce(counter: int) -> bytes:
    return bytes(4) + counter.to_bytes(COUNTER_BYTES, "little")


def _opened(cipher: ChaCha20Poly1305, counter: int, sealed: bytes, bound: bytes) -> bytes | None:
    try:
        return cipher.decrypt(_nonce(counter), sealed, bound)
    except InvalidTag:
        return None
