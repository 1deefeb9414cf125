"""Static keys of the link: X25519, 32 raw bytes each, pinned on both sides beforehand.

Holds: TEL-14.
"""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from openitb.telemetry.errors import HandshakeError
from openitb.telemetry.hello import KEY_ID_BYTES

KEY_BYTES = 32
SECRETS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key, never printed, and its public key."""

    public: bytes
    _key: X25519PrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls) -> "KeyPair":
        """A fresh pair from the operating system's random source."""
        return cls._of(X25519PrivateKey.generate())

    @classmethod
    def from_private(cls, private: bytes) -> "KeyPair":
        """The pair of a stored private key; `HandshakeError` unless it has 32 bytes."""
        _require_length("private key", private)
        return cls._of(X25519PrivateKey.from_private_bytes(private))

    @classmethod
    def _of(cls, key: X25519PrivateKey) -> "KeyPair":
        return cls(key.public_key().public_bytes_raw(), key)

    @property
    def private(self) -> bytes:
        """The private key, to be stored."""
        return self._key.private_bytes_raw()

    def shared_with(self, public: bytes) -> bytes:
        """The X25519 secret with the holder of a public key; `HandshakeError` for one that shares none."""
        try:
            return self._key.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:
            raise HandshakeError("handshake: got a public key that shares no secret") from None


@dataclass(frozen=True, slots=True)
class Keys:
    """What one side of a session holds: its own pair and the other side's pinned public key."""

    own: KeyPair
    peer_public: bytes

    def __post_init__(self) -> None:
        _require_length("peer public key", self.peer_public)


def static_secret(own: KeyPair, peer_public: bytes) -> bytes:
    """The secret of two static keys; both sides compute it once and keep it, as long as their keys."""
    return _static_secret(own.private, peer_public)


@lru_cache(maxsize=SECRETS_KEPT)
def _static_secret(private: bytes, peer_public: bytes) -> bytes:
    return KeyPair.from_private(private).shared_with(peer_public)


def key_id(public: bytes) -> bytes:
    """A short name of a public key for the hello; a name only, it proves nothing."""
    return hashlib.sha256(b"openitb key\n" + public).digest()[:KEY_ID_BYTES]


def _require_length(what: str, key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise HandshakeError(f"{what}: got {len(key)} bytes, expected {KEY_BYTES}")
