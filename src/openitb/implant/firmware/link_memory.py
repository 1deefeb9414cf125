"""What the pump remembers for the link: a staged program, keys, a silence, an emergency, a library.

All of it is part of the saved state, so a restart forgets none of it. Ticks count from implantation.
"""

from dataclasses import dataclass

from openitb.prescription import Order
from openitb.protocol import DrugLibrary, Role
from openitb.records import replace


@dataclass(frozen=True, slots=True)
class Staged:
    """A program beside the running one, and the tick at which it is dropped."""

    digest: str
    against_digest: str
    program_digest: str
    order: Order
    prime_nl: int
    reason: str
    dose_pg_per_day: int
    by: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class Peer:
    """A paired programmer: its key, what it may do, and the tick from which it may no more."""

    key_id: bytes
    public: bytes
    role: Role
    name: str
    paired_ms: int
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class Emergency:
    """A reduction by attestation: since when, for which program it holds, when it turns critical."""

    since_ms: int
    due_ms: int
    program_digest: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Conditions that do not sound before the tick `until_ms`; `with_contact` ends with the session."""

    until_ms: int
    conditions: tuple[str, ...]
    with_contact: bool


@dataclass(frozen=True, slots=True)
class Library:
    """The drug library in use and the SHA-256 of its bytes, in hex."""

    edition: DrugLibrary
    digest: str


@dataclass(frozen=True, slots=True)
class HourCount:
    """How many break-glass requests came in the hour that began at a tick."""

    began_ms: int
    count: int


@dataclass(frozen=True, slots=True)
class Spent:
    """Frames heard and sent, and tones sounded up to a tick, since implantation."""

    frames: int = 0
    tones: int = 0
    tones_until_ms: int = 0


NOTHING_SPENT = Spent()


@dataclass(frozen=True, slots=True)
class LinkMemory:
    """Everything above, for one pump. `publisher` is the key that libraries must be signed with."""

    staged: Staged | None = None
    unconfirmed: str = ""
    peers: tuple[Peer, ...] = ()
    revoked: tuple[bytes, ...] = ()
    emergency: Emergency | None = None
    silence: Silence | None = None
    library: Library | None = None
    publisher: bytes = b""
    break_glass: HourCount | None = None
    spent: Spent = NOTHING_SPENT

    def settled(self) -> "LinkMemory":
        """Without what is under way: a program laid aside, a silence."""
        is_settled = self.staged is None and self.silence is None
        return self if is_settled else replace(self, staged=None, silence=None)


NOTHING_REMEMBERED = LinkMemory()
