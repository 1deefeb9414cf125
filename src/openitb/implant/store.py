"""An implant as bytes and back: its whole state, versioned and checked.

What is read back is either the implant that was written, to the last integer, or a `StoreError`.
The checksum finds damage; the log's chain and the program's digest are checked besides.

Holds: SYS-03, SYS-06.
"""

import hashlib

from openitb.implant.errors import ImplantError
from openitb.implant.implant import Implant
from openitb.protocol import ProtocolError, schema, verify_chain

MAGIC = b"openitb implant 1\n"
DIGEST_BYTES = hashlib.sha256().digest_size


class StoreError(ImplantError):
    """Bytes that are not an implant of this version, or were damaged."""


def to_bytes(implant: Implant) -> bytes:
    """The whole implant; the same implant gives the same bytes."""
    body = schema.to_bytes(schema.to_plain(implant))
    return MAGIC + hashlib.sha256(body).digest() + body


def from_bytes(data: bytes) -> Implant:
    """The implant that `to_bytes` wrote; any other bytes raise `StoreError`."""
    if not data.startswith(MAGIC):
        raise StoreError(f"implant: got {len(data)} bytes of something else, expected version 1")
    digest, body = data[len(MAGIC) :][:DIGEST_BYTES], data[len(MAGIC) + DIGEST_BYTES :]
    if hashlib.sha256(body).digest() != digest:
        raise StoreError("implant: the checksum does not match, the file is damaged or cut short")
    try:
        implant = schema.from_plain(Implant, schema.from_bytes(body, "implant"), "implant")
    except ProtocolError as error:
        raise StoreError(str(error)) from None
    return _verified(implant)


def _verified(implant: Implant) -> Implant:
    log = implant.firmware.log
    fault = verify_chain(log.entries, log.anchor)
    if fault is not None:
        raise StoreError(f"implant {implant.serial}: log: {fault.problem}")
    return implant
