"""Keys the pump knows and the drug library it checks orders against."""

from dataclasses import dataclass

from openitb.protocol.roles import Role


@dataclass(frozen=True, slots=True)
class PairRequest:
    """What a new programmer says of itself while it is paired; its role is given by the open gate."""

    name: str


@dataclass(frozen=True, slots=True)
class RevokeKey:
    """Never again take the key of this id; a key revoked can only come back by being paired anew."""

    actor: str
    command_id: str
    key_id: bytes


@dataclass(frozen=True, slots=True)
class UpdateLibrary:
    """Replace the drug library by this one, signed by its publisher and of a higher version."""

    actor: str
    command_id: str
    library: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class ReadAccess:
    """Read which keys are paired and revoked, which library is in use, and the withdrawal clock."""

    actor: str


@dataclass(frozen=True, slots=True)
class PeerReport:
    """A paired key; `expires_ms` is on the pump's clock, None for a key that does not expire."""

    key_id: bytes
    role: Role
    name: str
    paired_ms: int
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class LibraryReport:
    """The library in use, by version, source and SHA-256."""

    version: int
    source: str
    digest: str
    expires_ms: int


@dataclass(frozen=True, slots=True)
class AccessReport:
    """The reply to `ReadAccess`; `reduced_for_ms` is the withdrawal clock, None unless it runs."""

    peers: tuple[PeerReport, ...]
    revoked: tuple[bytes, ...]
    library: LibraryReport | None
    reduced_for_ms: int | None
    silenced_for_ms: int


AccessCommand = RevokeKey | UpdateLibrary
