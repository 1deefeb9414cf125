"""The drug library: which strengths may be in the reservoir and the most of each per day.

It travels as canonical CBOR, signed by its publisher. The pump takes only a higher version than the
one it has, so a recorded older library cannot bring back limits that were withdrawn.

Holds: SYS-09.
"""

from dataclasses import dataclass

from openitb.protocol import schema
from openitb.protocol.schema import ProtocolError
from openitb.protocol.writing import encoded

LIBRARY_VERSION = 1
MAX_LIBRARY_BYTES = 32_768


@dataclass(frozen=True, slots=True)
class LibraryStrength:
    """One strength of one drug: its concentration, and the most drug a program of it may give per day."""

    drug_id: str
    name: str
    concentration_ug_per_ml: int
    highest_dose_pg_per_day: int


@dataclass(frozen=True, slots=True)
class DrugLibrary:
    """A numbered edition; `source` says who issued it, instants are ms UTC."""

    version: int
    source: str
    issued_ms: int
    expires_ms: int
    strengths: tuple[LibraryStrength, ...]

    def strengths_of(self, concentration_ug_per_ml: int) -> tuple[LibraryStrength, ...]:
        """The entries of a concentration."""
        return tuple(s for s in self.strengths if s.concentration_ug_per_ml == concentration_ug_per_ml)


def library_bytes(library: DrugLibrary) -> bytes:
    """The canonical form, over which the signature goes."""
    return encoded((LIBRARY_VERSION, "DrugLibrary", library))


def read_library(data: bytes) -> DrugLibrary:
    """The library that `library_bytes` wrote; any other bytes raise `ProtocolError`."""
    if len(data) > MAX_LIBRARY_BYTES:
        raise ProtocolError("library", f"got {len(data)} bytes, expected at most {MAX_LIBRARY_BYTES}")
    match schema.from_bytes(data, "library"):
        case [int(version), "DrugLibrary", dict(fields)] if version == LIBRARY_VERSION:
            return schema.from_plain(DrugLibrary, fields, "library")
        case _:
            raise ProtocolError("library", f"expected a drug library of version {LIBRARY_VERSION}")
