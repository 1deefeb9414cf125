"""Drug libraries for a drill: editions signed by the publisher that every pump knows, and forged ones."""

import hashlib

from openitb.protocol import DrugLibrary, LibraryStrength, library_bytes
from openitb.telemetry import SigningKey

STRENGTHS = (500, 501, 1000, 1001, 1500, 1999, 2000, 2499, 2500)
HIGHEST_PG_PER_DAY = 10**13  # above any flow: what a library refuses is tested elsewhere

PUBLISHER = SigningKey.from_private(hashlib.sha256(b"openitb drill publisher").digest())
FORGER = SigningKey.from_private(hashlib.sha256(b"openitb drill forger").digest())


def edition(version: int, expires_ms: int) -> tuple[bytes, bytes]:
    """A library and its publisher's signature."""
    data = library_bytes(_library(version, expires_ms))
    return data, PUBLISHER.sign(data)


def forged(version: int, expires_ms: int) -> tuple[bytes, bytes]:
    """A library signed by somebody else."""
    data = library_bytes(_library(version, expires_ms))
    return data, FORGER.sign(data)


def _library(version: int, expires_ms: int) -> DrugLibrary:
    strengths = tuple(LibraryStrength("baclofen", "Baclofen", each, HIGHEST_PG_PER_DAY) for each in STRENGTHS)
    return DrugLibrary(version, "drill", 0, expires_ms, strengths)
