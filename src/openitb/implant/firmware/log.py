"""The pump's log: append-only, numbered, each entry sealed to the one before it.

`anchor` is where the kept stretch begins: the birth of the implant as long as nothing was dropped.
Memory is limited: when it is full the oldest entries give way together, and an entry says so. It
holds number and digest of the new anchor, so the chain itself seals it up to the head, which every
reading tells: who holds a head knows that the anchor is the pump's own.

Holds: LOG-02, LOG-03, LOG-04, SYS-08.
"""

from dataclasses import dataclass

from openitb import catalogue
from openitb.protocol import Anchor, LogEntry, LogKind, entry_digest
from openitb.protocol.chain import Detail, genesis
from openitb.records import replace

PUMP = "pump"


@dataclass(frozen=True, slots=True)
class Log:
    """Entries in order after `anchor`; never more than `capacity`, which lets go of `block` at a time."""

    anchor: Anchor
    capacity: int
    block: int
    entries: tuple[LogEntry, ...] = ()

    @property
    def head(self) -> Anchor:
        """The last entry's number and digest; keep it to notice a log that was cut short."""
        return Anchor(self.entries[-1].number, self.entries[-1].digest) if self.entries else self.anchor

    def appended(self, instant: "Instant", kind: LogKind, actor: str, detail: Detail) -> "Log":
        """The log with one entry more, and before it one about those that gave way to it."""
        log = self if len(self.entries) < self.capacity - 1 else self._wrapped(instant)
        return log._with(instant, kind, actor, detail)

    def _wrapped(self, instant: "Instant") -> "Log":
        gone, kept = self.entries[: self.block], self.entries[self.block :]
        anchor = Anchor(gone[-1].number, gone[-1].digest)
        alarms = sum(entry.kind is LogKind.ALARM_RAISED for entry in gone)
        detail: Detail = (("anchor", anchor.number), ("digest", anchor.digest.hex()), ("alarms", alarms))
        return replace(self, anchor=anchor, entries=kept)._with(instant, LogKind.LOG_WRAPPED, PUMP, detail)

    def _with(self, instant: "Instant", kind: LogKind, actor: str, detail: Detail) -> "Log":
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
    """The empty log of a new implant, as large as the catalogue says."""
    facts = catalogue.load().practice["memory"]
    return Log(genesis(serial), facts.fact("log_entries").whole("1"), facts.fact("log_block").whole("1"))
