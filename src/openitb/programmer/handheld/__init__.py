"""The patient's handheld: status, alarms in words, and requests the pump alone decides."""

from openitb.programmer.handheld.unit import (
    Allowed,
    Answer,
    Card,
    Denied,
    Granted,
    NoContact,
    NotSent,
    Status,
    Unanswered,
    Unit,
    check,
    press_bolus,
    press_step,
    status,
)
from openitb.programmer.handheld.words import AlarmWords, alarm_words, wait_text

__all__ = [
    "AlarmWords",
    "Allowed",
    "Answer",
    "Card",
    "Denied",
    "Granted",
    "NoContact",
    "NotSent",
    "Status",
    "Unanswered",
    "Unit",
    "alarm_words",
    "check",
    "press_bolus",
    "press_step",
    "status",
    "wait_text",
]
