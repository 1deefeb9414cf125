"""What of a pump stands in the way of an order that no rule speaks against: its own alarms."""

from collections.abc import Iterable

from openitb.clinic.desk.ports import AlarmState, Caution, Level

EMPTY = "empty-reservoir"
LOW = "low-reservoir"

_SAID: dict[str, tuple[Level, str, str]] = {
    "end-of-service": (
        "critical",
        "The pump is at the end of its service",
        "This order delivers nothing: the pump has to be replaced.",
    ),
    "delivery-guard": (
        "critical",
        "The delivery guard has stopped the pump",
        "It delivers nothing now. An order starts it again: find out first why it was stopped.",
    ),
    "over-delivery": (
        "critical",
        "The pump gave more than it counted and stopped itself",
        "It delivers nothing now, and an order starts it again: the last dose was larger than it was told.",
    ),
    "under-delivery": (
        "critical",
        "The pump gives less than it counts",
        "The last dose was smaller than it was told: a higher order may come on top of a mended fault.",
    ),
    "withdrawal-clock": (
        "critical",
        "The pump has run at its minimum rate since an emergency",
        "Watch for withdrawal now. The last dose may no longer be tolerated.",
    ),
    "motor-stall": (
        "critical",
        "The motor stands still",
        "The pump delivers nothing while it is stalled, whatever is ordered. Find out what stalls it.",
    ),
    "control-hung": (
        "critical",
        "The pump hangs and restarts",
        "It may deliver nothing or only its minimum rate. Read it again, and plan a replacement.",
    ),
    "level-doubtful": (
        "warning",
        "Level sensor and count differ",
        "Dates reckon with the smaller of the two. Draw the reservoir empty and compare.",
    ),
    "settings-lost": (
        "critical",
        "The pump has lost its settings",
        "What runs is not what was ordered before. An order gives it settings again: check the dose anew.",
    ),
    EMPTY: (
        "critical",
        "The reservoir is empty by the pump's count",
        "This order delivers nothing until the reservoir is refilled. Watch for withdrawal.",
    ),
    LOW: (
        "warning",
        "The reservoir is low by the pump's count",
        "This order has little left to deliver: refill first, or soon.",
    ),
    "emergency-reduction": (
        "warning",
        "The pump was set to its minimum rate in an emergency",
        "An overdose was attested. Find out what happened before the dose goes up again.",
    ),
    "stopped-long": (
        "warning",
        "The pump has stood still for a day",
        "The last dose may no longer be tolerated.",
    ),
    "stopped-too-long": (
        "warning",
        "The pump has stood still for too long",
        "The last dose may no longer be tolerated, and the pump may not start again.",
    ),
    "clock-lost": (
        "warning",
        "The pump has lost its clock",
        "Steps of a flex order come at wrong times until the clock is set.",
    ),
    "elective-replacement": (
        "warning",
        "The battery is near its end",
        "Plan the replacement of the pump.",
    ),
}


def cautions(alarms: Iterable[AlarmState]) -> tuple[Caution, ...]:
    """What the alarms of a reading mean for an order, worst first; empty goes without low."""
    standing = {alarm.code for alarm in alarms}
    if EMPTY in standing:
        standing.discard(LOW)
    return tuple(Caution(*said) for code, said in _SAID.items() if code in standing)
