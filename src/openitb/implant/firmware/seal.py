"""A digest of what only commands may change: the program, and every limit on it.

It is taken when a command has been carried out and compared before anything rests on it. So a change that
nobody ordered shows, whatever made it.
"""

import hashlib

from openitb.implant.firmware.state import Firmware
from openitb.records import remembered, replace


def seal_of(firmware: Firmware) -> str:
    """The digest that belongs to the firmware as it is."""
    control, guard = firmware.controller, firmware.guard
    ordered = (control.program, control.mean_flow_nl_per_day, firmware.dose_limits)
    return _digest(*ordered, guard.limits, guard.shortest_interval_ms, guard.key)


def is_sealed(firmware: Firmware) -> bool:
    """True if nothing has changed since the seal was taken."""
    return firmware.seal == seal_of(firmware)


def sealed(firmware: Firmware) -> Firmware:
    """The firmware with the seal of what it holds now."""
    return replace(firmware, seal=seal_of(firmware))


def resealed(before: Firmware, after: Firmware) -> Firmware:
    """`after` with a new seal; with the old one if `before` was changed by nobody's order."""
    return sealed(after) if is_sealed(before) else after


@remembered
def _digest(*content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()
