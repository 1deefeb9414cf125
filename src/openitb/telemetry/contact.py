"""The challenge of an implant and the caller's proof: one short hash decides before any key exchange.

The implant answers every hello with a challenge that it never uses twice: a start counter that is
kept over restarts, a count since then, and chance. The caller returns a code over hello and challenge
under a secret that only holders of the two static keys (or, to pair, of the code on the implant's
card) can compute. Whoever cannot is dropped after one hash. The challenge is part of the prologue, so
no recorded handshake fits a later contact, even if an implant's random source repeated itself.

Holds: TEL-04, TEL-11.
"""

import hmac
import secrets
import threading

from openitb.telemetry.keys import Keys, static_secret

COUNT_BYTES = 8
CHANCE_BYTES = 16
CHALLENGE_BYTES = 2 * COUNT_BYTES + CHANCE_BYTES
PROOF_BYTES = 16


class Challenges:
    """Makes challenges; `start` must be higher at each start of the implant's radio."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._count = 0
        self._lock = threading.Lock()

    def next(self) -> bytes:
        """A challenge that was never made before."""
        with self._lock:
            self._count += 1
            count = self._count
        head = self._start.to_bytes(COUNT_BYTES, "big") + count.to_bytes(COUNT_BYTES, "big")
        return head + secrets.token_bytes(CHANCE_BYTES)


def proof(secret: bytes, hello: bytes, challenge: bytes) -> bytes:
    """The code a caller returns for a challenge."""
    return hmac.digest(secret, b"openitb proof\n" + challenge + hello, "sha256")[:PROOF_BYTES]


def is_proof(given: bytes, secret: bytes, hello: bytes, challenge: bytes) -> bool:
    """True if the code fits; takes the same time either way."""
    return hmac.compare_digest(given, proof(secret, hello, challenge))


def session_secret(keys: Keys) -> bytes:
    """The secret of two pinned static keys."""
    shared = static_secret(keys.own, keys.peer_public)
    return hmac.digest(shared, b"openitb session contact\n", "sha256")


def pairing_secret(code: bytes) -> bytes:
    """The secret of a pairing code."""
    return hmac.digest(code, b"openitb pairing contact\n", "sha256")
