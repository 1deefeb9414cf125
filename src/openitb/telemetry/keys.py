"""Static keys of the link: X25519, 32 raw bytes each, pinned on both sides beforehand.

Holds: TEL-14.
"""

import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from openitb.telemetry.errors import HandshakeError
from openitb.telemetry.hello import KEY_ID_BYTES

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key, never printed, and its public key."""

    private: bytes = field(repr=False)
    public: bytes

    @classmethod
    def generate(cls) -> "KeyPair":
        """A fresh pair from the operating system's random source."""
        return cls.from_private(X25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_private(cls, private: bytes) -> "KeyPair":
        """The pair of a stored private key; `HandshakeError` unless it has 32 bytes."""
        _require_length("private key", private)
        return cls(private, X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())


@dataclass(frozen=True, slots=True)
class Keys:
    """What one side of a session holds: its own pair and the other side's pinned public key."""

    own: KeyPair
    peer_public: bytes

    def __post_init__(self) -> None:
        _require_length("peer public key", self.peer_public)


def key_id(public: bytes) -> bytes:
    """A short name of a public key for the hello; a name only, it proves nothing."""
    return hashlib.sha256(b"openitb key\n" + public).digest()[:KEY_ID_BYTES]


def _require_length(what: str, key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise HandshakeError(f"{what}: got {len(key)} bytes, expected {KEY_BYTES}")
