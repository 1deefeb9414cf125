"""How urgent each alarm is: from the harm if nobody responds and how soon it comes, by one matrix.

The matrix is that of IEC 60601-1-8 as the Open PCA requirements give it; severity and onset of each row
are ours, for a drug whose absence can kill. Who changes a row or the matrix raises the edition and has it
reviewed: a test holds the whole table to what was agreed. The pump has two tones, so high is the critical
class and everything below it the other.

Holds: ALM-01.
"""

from collections.abc import Mapping
from enum import StrEnum

from openitb.protocol import AlarmCondition

EDITION = 1


class Harm(StrEnum):
    """What comes of it if nobody responds."""

    DEATH = "death or injury for good"
    REVERSIBLE = "injury that heals"
    MINOR = "discomfort"


class Onset(StrEnum):
    """How soon that comes."""

    IMMEDIATE = "at once"
    PROMPT = "within hours to days, too soon to reach a clinic by chance"
    DELAYED = "later, so that a visit can be planned"


class Priority(StrEnum):
    """How urgent an alarm is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


MATRIX: Mapping[tuple[Harm, Onset], Priority] = {
    (Harm.DEATH, Onset.IMMEDIATE): Priority.HIGH,
    (Harm.DEATH, Onset.PROMPT): Priority.HIGH,
    (Harm.DEATH, Onset.DELAYED): Priority.MEDIUM,
    (Harm.REVERSIBLE, Onset.IMMEDIATE): Priority.HIGH,
    (Harm.REVERSIBLE, Onset.PROMPT): Priority.MEDIUM,
    (Harm.REVERSIBLE, Onset.DELAYED): Priority.LOW,
    (Harm.MINOR, Onset.IMMEDIATE): Priority.MEDIUM,
    (Harm.MINOR, Onset.PROMPT): Priority.LOW,
    (Harm.MINOR, Onset.DELAYED): Priority.LOW,
}

OVERDOSE = (Harm.DEATH, Onset.IMMEDIATE)
WITHDRAWAL = (Harm.DEATH, Onset.PROMPT)
WITHDRAWAL_TO_COME = (Harm.DEATH, Onset.DELAYED)

TABLE: Mapping[AlarmCondition, tuple[Harm, Onset]] = {
    AlarmCondition.LOW_RESERVOIR: WITHDRAWAL_TO_COME,
    AlarmCondition.EMPTY_RESERVOIR: WITHDRAWAL,
    AlarmCondition.STOPPED_LONG: WITHDRAWAL_TO_COME,
    AlarmCondition.STOPPED_TOO_LONG: WITHDRAWAL,
    AlarmCondition.ELECTIVE_REPLACEMENT: WITHDRAWAL_TO_COME,
    AlarmCondition.END_OF_SERVICE: WITHDRAWAL,
    AlarmCondition.DELIVERY_GUARD: OVERDOSE,
    AlarmCondition.MOTOR_STALL: WITHDRAWAL,
    AlarmCondition.SETTINGS_LOST: WITHDRAWAL,
    AlarmCondition.CLOCK_LOST: (Harm.REVERSIBLE, Onset.PROMPT),  # right dose, wrong hours, from the first day
    AlarmCondition.OVER_DELIVERY: OVERDOSE,
    AlarmCondition.UNDER_DELIVERY: WITHDRAWAL,
    AlarmCondition.CONTROL_HUNG: WITHDRAWAL,
    AlarmCondition.LEVEL_DOUBTFUL: WITHDRAWAL_TO_COME,
    AlarmCondition.EMERGENCY_REDUCTION: WITHDRAWAL_TO_COME,
    AlarmCondition.WITHDRAWAL_CLOCK: WITHDRAWAL,
}


def priority_of(condition: AlarmCondition) -> Priority:
    """The priority of a condition."""
    return MATRIX[TABLE[condition]]


CRITICAL = frozenset(condition for condition in TABLE if priority_of(condition) is Priority.HIGH)
