"""Signatures over bytes: Ed25519, the publisher's public key pinned beforehand."""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from openitb.telemetry.errors import HandshakeError
from openitb.telemetry.keys import KEY_BYTES

SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A publisher's private key, never printed, and its public key."""

    private: bytes = field(repr=False)
    public: bytes

    @classmethod
    def generate(cls) -> "SigningKey":
        """A fresh key from the operating system's random source."""
        return cls.from_private(Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_private(cls, private: bytes) -> "SigningKey":
        """The key of stored bytes; `HandshakeError` unless there are 32."""
        if len(private) != KEY_BYTES:
            raise HandshakeError(f"signing key: got {len(private)} bytes, expected {KEY_BYTES}")
        return cls(private, Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())

    def sign(self, data: bytes) -> bytes:
        """The signature over `data`, 64 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self.private).sign(data)


def is_signed(public: bytes, data: bytes, signature: bytes) -> bool:
    """True if `signature` over `data` was made with the private half of `public`."""
    if len(public) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
