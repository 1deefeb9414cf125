"""What a visit can do besides order, filling and boluses: one small act each, and how it is told.

Holds: PRG-15, PAT-04, ALM-03, ALM-04.
"""

import json
from dataclasses import dataclass

from openitb import units
from openitb.prescription.orders import format_duration
from openitb.programmer.entry import EntryError
from openitb.programmer.library import library_line, told
from openitb.programmer.outcomes import Reading
from openitb.protocol import (
    Command,
    ConfirmProgram,
    DisablePatientAdjustment,
    DisablePatientBolus,
    DrugLibrary,
    EnablePatientAdjustment,
    OverdoseAttestation,
    ProtocolError,
    ReduceToMinimum,
    RevokeKey,
    SilenceAlarm,
    SoundTone,
    UpdateLibrary,
    read_library,
)

LIBRARY_FORMAT = "openitb signed drug library 1"
TONES = {"single": False, "two tones": True}
ADJUSTMENT_LABEL = "Adjustment on request"
_NONE = "none"

Told = tuple[str, str, str]  # a row of the review: label, as it is, as it would be


@dataclass(frozen=True, slots=True)
class Reduce:
    """Minimum rate at once, on an attested overdose."""

    attestation: OverdoseAttestation

    def command(self, _reading: Reading, actor: str, command_id: str) -> Command:
        """What is sent."""
        return ReduceToMinimum(actor, command_id, self.attestation)

    def row(self, _reading: Reading) -> Told:
        """What the review shows."""
        seen = self.attestation
        signs = ", ".join(sign.value for sign in seen.signs)
        return "Overdose attested", _NONE, f"{seen.name}, {seen.place}: {signs}"


@dataclass(frozen=True, slots=True)
class Silence:
    """Keep what is latched now from sounding for a while."""

    duration_ms: int

    def command(self, _reading: Reading, actor: str, command_id: str) -> Command:
        """What is sent."""
        return SilenceAlarm(actor, command_id, self.duration_ms)

    def row(self, reading: Reading) -> Told:
        """What the review shows."""
        left_ms = reading.access.silenced_for_ms if reading.access else 0
        old = f"{format_duration(left_ms)} left" if left_ms else _NONE
        return "Silence", old, f"{format_duration(self.duration_ms)}, for what is latched now"


@dataclass(frozen=True, slots=True)
class Sound:
    """Let the pump sound one of its two tones."""

    critical: bool

    def command(self, _reading: Reading, actor: str, command_id: str) -> Command:
        """What is sent."""
        return SoundTone(actor, command_id, self.critical)

    def row(self, _reading: Reading) -> Told:
        """What the review shows."""
        return "Test tone", _NONE, "two tones, as a critical alarm" if self.critical else "a single tone"


@dataclass(frozen=True, slots=True)
class Revoke:
    """Never again take a key, such as that of a lost handheld."""

    key_id: bytes

    def command(self, _reading: Reading, actor: str, command_id: str) -> Command:
        """What is sent."""
        return RevokeKey(actor, command_id, self.key_id)

    def row(self, reading: Reading) -> Told:
        """What the review shows."""
        return "Key", key_text(self.key_id, reading), "revoked, never taken again"


@dataclass(frozen=True, slots=True)
class UseLibrary:
    """Replace the pump's drug library; `edition` is what the signed bytes read as."""

    data: bytes
    signature: bytes
    edition: DrugLibrary

    def command(self, _reading: Reading, actor: str, command_id: str) -> Command:
        """What is sent."""
        return UpdateLibrary(actor, command_id, self.data, self.signature)

    def row(self, reading: Reading) -> Told:
        """What the review shows."""
        return "Drug library", library_line(reading.access), told(self.edition)


@dataclass(frozen=True, slots=True)
class AllowAdjustment:
    """Let the patient move the daily dose by steps within a range."""

    step_percent: int
    low_pg_per_day: int
    high_pg_per_day: int

    def command(self, _reading: Reading, actor: str, command_id: str) -> Command:
        """What is sent."""
        rule = (self.step_percent, self.low_pg_per_day, self.high_pg_per_day)
        return EnablePatientAdjustment(actor, command_id, *rule)

    def row(self, reading: Reading) -> Told:
        """What the review shows."""
        new = _range(self.step_percent, self.low_pg_per_day, self.high_pg_per_day)
        return ADJUSTMENT_LABEL, _moved(reading), new


@dataclass(frozen=True, slots=True)
class ForbidAdjustment:
    """Let the patient move nothing any longer."""

    def command(self, _reading: Reading, actor: str, command_id: str) -> Command:
        """What is sent."""
        return DisablePatientAdjustment(actor, command_id)

    def row(self, reading: Reading) -> Told:
        """What the review shows."""
        return ADJUSTMENT_LABEL, _moved(reading), _NONE


@dataclass(frozen=True, slots=True)
class ForbidBolus:
    """Let the patient ask for no bolus any longer."""

    def command(self, _reading: Reading, actor: str, command_id: str) -> Command:
        """What is sent."""
        return DisablePatientBolus(actor, command_id)

    def row(self, reading: Reading) -> Told:
        """What the review shows."""
        return "Bolus on request", "allowed" if reading.interrogation.patient_bolus else _NONE, _NONE


@dataclass(frozen=True, slots=True)
class Confirm:
    """Tell the pump that what runs was read back and is meant."""

    def command(self, reading: Reading, actor: str, command_id: str) -> Command:
        """What is sent."""
        return ConfirmProgram(actor, command_id, reading.interrogation.program_digest)

    def row(self, reading: Reading) -> Told:
        """What the review shows."""
        waits = reading.transfer is not None and not reading.transfer.confirmed
        return "Commit of what runs", "not yet confirmed" if waits else "confirmed", "confirmed by read-back"


Action = (
    Reduce
    | Silence
    | Sound
    | Revoke
    | UseLibrary
    | AllowAdjustment
    | ForbidAdjustment
    | ForbidBolus
    | Confirm
)


def key_text(key_id: bytes, reading: Reading) -> str:
    """A key by its id, with what the pump knows of it."""
    peers = reading.access.peers if reading.access else ()
    known = next((f", {peer.name}, {peer.role.value}" for peer in peers if peer.key_id == key_id), "")
    return f"{key_id.hex()}{known or ', not paired at this pump'}"


def signed_library_text(data: bytes, signature: bytes) -> str:
    """A drug library and its signature as the text of a file."""
    held = {"format": LIBRARY_FORMAT, "library": data.hex(), "signature": signature.hex()}
    return json.dumps(held, indent=1) + "\n"


def read_signed_library(text: str) -> UseLibrary:
    """The library of such a file; `EntryError` for anything else, an unsigned one included.

    Whether the signature is genuine only the pump can tell: it holds the publisher's key.
    """
    try:
        held = json.loads(text)
        if held["format"] != LIBRARY_FORMAT:
            raise EntryError(f"library_file: got {held['format']!r:.60}, expected {LIBRARY_FORMAT!r}")
        data, signature = (bytes.fromhex(held[name]) for name in ("library", "signature"))
        if not signature:
            raise EntryError("library_file: got no signature, expected one of the publisher")
        return UseLibrary(data, signature, read_library(data))
    except (KeyError, TypeError, ValueError, ProtocolError) as error:
        if isinstance(error, EntryError):
            raise
        raise EntryError(
            f"library_file: not a signed drug library ({type(error).__name__}: {error})"
        ) from None


def _moved(reading: Reading) -> str:
    allowed = reading.interrogation.patient_adjustment
    if allowed is None:
        return _NONE
    return _range(allowed.step_percent, allowed.low_pg_per_day, allowed.high_pg_per_day)


def _range(step_percent: int, low_pg: int, high_pg: int) -> str:
    return f"{step_percent} % a step, {units.format_dose(low_pg)} to {units.format_dose(high_pg)}"
