"""Log entries of the implant and the hash chain that ties them together.

Each entry's digest covers its own content and the digest before it, so a changed, missing, added
or moved entry is found by anyone who holds the entries and the anchor they start from. A cut tail
shows only against a head that was read earlier: keep the head of every interrogation.

Holds: LOG-03.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from openitb.protocol.writing import encoder_without
from openitb.records import quick

DIGEST_BYTES = 32


class LogKind(StrEnum):
    """What an entry tells; an intent is written before its effect, the outcome after."""

    IMPLANTED = "implanted"
    INTERROGATED = "interrogated"
    PROGRAM_INTENDED = "program intended"
    PROGRAM_CHANGED = "program changed"
    STOPPED = "stopped"
    REFILL_INTENDED = "refill intended"
    REFILL_RECORDED = "refill recorded"
    ALARM_SETTING_INTENDED = "alarm setting intended"
    ALARM_SETTING_CHANGED = "alarm setting changed"
    CLOCK_INTENDED = "clock intended"
    CLOCK_SET = "clock set"
    LIMITS_INTENDED = "dose limits intended"
    LIMITS_SET = "dose limits set"
    REFUSED = "refused"
    ALARM_RAISED = "alarm raised"
    ALARM_CLEARED = "alarm cleared"
    STAGE_FINISHED = "stage finished"
    STAGE_GIVEN_UP = "stage given up"
    BOLUS_INTENDED = "bolus intended"
    BOLUS_STARTED = "bolus started"
    BOLUS_FINISHED = "bolus finished"
    BOLUS_ENDED_EARLY = "bolus ended early"
    PATIENT_CONTROL_INTENDED = "patient control intended"
    PATIENT_CONTROL_CHANGED = "patient control changed"
    MOTOR_STALLED = "motor stalled"
    MOTOR_RECOVERED = "motor recovered"
    RESET = "low-battery reset"
    RESTARTED = "restarted"
    RESTARTED_TOO_OFTEN = "restarted too often"
    SELF_TEST_FAILED = "self test failed"
    CLOCK_LOST = "clock lost"
    TELEMETRY_CAPTURED = "telemetry captured"
    TELEMETRY_RELEASED = "telemetry released"
    MEMORY_MASKED = "memory masked"
    MEMORY_LOST = "memory lost"
    LOG_WRAPPED = "log wrapped"
    STAGING_INTENDED = "staging intended"
    PROGRAM_STAGED = "program staged"
    CONFIRMATION_INTENDED = "confirmation intended"
    PROGRAM_CONFIRMED = "program confirmed"
    EMERGENCY_READ = "emergency read"
    EMERGENCY_REDUCTION_INTENDED = "emergency reduction intended"
    REDUCED_IN_EMERGENCY = "reduced in emergency"
    SILENCE_INTENDED = "silence intended"
    ALARM_SILENCED = "alarm silenced"
    SILENCE_ENDED = "silence ended"
    KEY_PAIRED = "key paired"
    REVOCATION_INTENDED = "revocation intended"
    KEY_REVOKED = "key revoked"
    LIBRARY_INTENDED = "library intended"
    LIBRARY_UPDATED = "library updated"
    TONE_INTENDED = "test tone intended"
    TONE_SOUNDED = "test tone sounded"

    @property
    def is_intent(self) -> bool:
        """True for what is written before the effect, and so is no sign of it."""
        return self.name.endswith("_INTENDED")


Detail = tuple[tuple[str, str | int], ...]


@quick
@dataclass(frozen=True, slots=True)
class Anchor:
    """The point a stretch of log hangs from: number and digest of the entry before it."""

    number: int
    digest: bytes


@quick
@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry: `tick_ms` counts from implantation and never jumps, `at_ms` is the pump's own clock."""

    number: int
    tick_ms: int
    at_ms: int
    kind: LogKind
    actor: str
    detail: Detail
    digest: bytes

    def __hash__(self) -> int:
        return hash(self.digest)  # equal entries have equal digests

    def get(self, name: str) -> str | int | None:
        """The detail of that name; None if the entry has none."""
        return dict(self.detail).get(name)


_content = encoder_without(LogEntry, "digest")


@dataclass(frozen=True, slots=True)
class ChainFault:
    """Why a log cannot be trusted from entry `number` on."""

    number: int
    problem: str


def genesis(serial: str) -> Anchor:
    """The anchor of a log that starts with the implant itself."""
    return Anchor(0, hashlib.sha256(f"openitb log 1\n{serial}".encode()).digest())


def entry_digest(before: bytes, entry: LogEntry) -> bytes:
    """The digest an entry must carry after one with the digest `before`; SHA-256."""
    return hashlib.sha256(before + _content(entry)).digest()


def verify_chain(entries: Sequence[LogEntry], anchor: Anchor) -> ChainFault | None:
    """The first fault of a stretch of log that follows `anchor`; None if it is whole."""
    before = anchor
    for entry in entries:
        if entry.number != before.number + 1:
            return ChainFault(entry.number, f"got entry {entry.number}, expected {before.number + 1}")
        if entry.digest != entry_digest(before.digest, entry):
            return ChainFault(entry.number, f"entry {entry.number} does not fit the one before it")
        before = Anchor(entry.number, entry.digest)
    return None
