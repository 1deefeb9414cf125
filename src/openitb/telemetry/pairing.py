"""Pairing codes: what is printed on the implant's card and typed in by hand, and what both ends show.

A code holds 128 random bits, so it cannot be guessed and an attempt cannot be tried offline. It is
the pre-shared key of the pairing handshake. Besides, both ends show six digits of the handshake's
hash: a person compares them before the new key is trusted.

Holds: TEL-09.
"""

import base64
import hmac
import secrets

from openitb.telemetry.errors import HandshakeError

CODE_BYTES = 16
CODE_LETTERS = 26  # 128 bits in base 32, without padding
GROUP = 4
DIGITS = 6


def new_code() -> bytes:
    """A fresh pairing code."""
    return secrets.token_bytes(CODE_BYTES)


def code_text(code: bytes) -> str:
    """The code as printed: letters and digits in groups of four."""
    letters = base64.b32encode(code).decode("ascii").rstrip("=")
    return "-".join(letters[i : i + GROUP] for i in range(0, len(letters), GROUP))


def read_code(text: str) -> bytes:
    """The code a person typed; `HandshakeError` if it is none."""
    letters = "".join(text.split()).replace("-", "").upper()
    padding = "=" * (-len(letters) % 8)
    try:
        code = base64.b32decode(letters + padding)
    except ValueError:
        code = b""
    if len(letters) != CODE_LETTERS:
        raise HandshakeError(f"code: got {len(letters)} characters, expected a code of {CODE_LETTERS}")
    if len(code) != CODE_BYTES or code_text(code).replace("-", "") != letters:
        raise HandshakeError("code: got characters that no code has, expected it as the pump's end shows it")
    return code


def code_key(code: bytes) -> bytes:
    """The code as the pre-shared key of the handshake, 32 bytes."""
    return hmac.digest(code, b"openitb pairing key\n", "sha256")


def check_digits(handshake_hash: bytes) -> str:
    """Six digits that both ends show after a pairing; other digits mean somebody is in between."""
    mixed = hmac.digest(handshake_hash, b"openitb check digits\n", "sha256")
    return f"{int.from_bytes(mixed, 'big') % 10**DIGITS:0{DIGITS}d}"
