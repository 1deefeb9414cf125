"""The pump's log: append-only, numbered, each entry sealed to the one before it.

`anchor` is where the kept stretch begins: the birth of the implant as long as nothing was dropped.

Holds: LOG-02, LOG-03.
"""

from dataclasses import dataclass, replace

from openitb.protocol import Anchor, LogEntry, LogKind, entry_digest
from openitb.protocol.chain import Detail, genesis


@dataclass(frozen=True, slots=True)
class Log:
    """Entries in order after `anchor`."""

    anchor: Anchor
    entries: tuple[LogEntry, ...] = ()

    @property
    def head(self) -> Anchor:
        """The last entry's number and digest; keep it to notice a log that was cut short."""
        return Anchor(self.entries[-1].number, self.entries[-1].digest) if self.entries else self.anchor

    def appended(self, instant: "Instant", kind: LogKind, actor: str, detail: Detail) -> "Log":
        """The log with one entry more."""
        before = self.head
        open_entry = LogEntry(before.number + 1, instant.tick_ms, instant.at_ms, kind, actor, detail, b"")
        entry = replace(open_entry, digest=entry_digest(before.digest, open_entry))
        return replace(self, entries=(*self.entries, entry))

    def page(self, after: int | None, size: int) -> tuple[Anchor, tuple[LogEntry, ...]]:
        """At most `size` entries after number `after`, or the latest; with the anchor they hang from."""
        first = max(0, len(self.entries) - size) if after is None else after - self.anchor.number
        kept = self.entries[first : first + size]
        before = self.entries[first - 1] if first else None
        return (Anchor(before.number, before.digest) if before else self.anchor), kept


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment on the pump's two clocks: ticks since implantation, and its own UTC."""

    tick_ms: int
    at_ms: int


def new_log(serial: str) -> Log:
    """The empty log of a new implant."""
    return Log(genesis(serial))
