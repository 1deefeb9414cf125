"""What may be asked in an emergency, also by somebody who has no clinician's key."""

from dataclasses import dataclass
from enum import StrEnum


class OverdoseSign(StrEnum):
    """What was seen that speaks for an overdose of baclofen."""

    RESPIRATORY_DEPRESSION = "respiratory depression"
    UNCONSCIOUS = "unconscious"
    DROWSY = "drowsy"
    LOSS_OF_TONE = "loss of tone"
    SEIZURE = "seizure"
    SLOW_HEART = "slow heart"


@dataclass(frozen=True, slots=True)
class OverdoseAttestation:
    """Who vouches for an overdose, where, and by which signs; kept in the pump's log by name."""

    name: str
    place: str
    signs: tuple[OverdoseSign, ...]


@dataclass(frozen=True, slots=True)
class ReduceToMinimum:
    """Fall back to the minimum rate at once; refused unless that lowers the flow.

    Starts the withdrawal clock: the pump counts from here, sounds, and says so at each reading.
    """

    actor: str
    command_id: str
    attestation: OverdoseAttestation


@dataclass(frozen=True, slots=True)
class SilenceAlarm:
    """Keep the alarms latched now from sounding for `duration_ms`; a new condition sounds all the same.

    Conditions, log and reports are untouched.
    """

    actor: str
    command_id: str
    duration_ms: int


EmergencyCommand = ReduceToMinimum | SilenceAlarm
