"""A policy of one's own: a function from what a clinic sees to what it decides."""

from openitb.cohort.study import HOLD, Plan, Seen


def gentle(seen: Seen) -> Plan:
    """Up by a tenth while legs are stiff, down by a tenth for whoever is drowsy."""
    if "drowsy" in seen.reports:
        return Plan(change_percent=-10)
    return Plan(change_percent=+10) if seen.leg > 1 else HOLD
