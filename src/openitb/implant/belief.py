"""What an implant believes of itself, for those who set truth and belief side by side.

A programmer learns the same by interrogation, which leaves an entry in the log; this leaves none.
"""

from openitb.implant.implant import Implant
from openitb.protocol import AlarmCondition, LogEntry, PumpState


def believed_volume_nl(implant: Implant) -> int:
    """The computed volume in the reservoir."""
    return implant.firmware.believed_nl(implant.build)


def concentration_ug_per_ml(implant: Implant) -> int:
    """The label concentration it was told."""
    return implant.firmware.controller.program.concentration_ug_per_ml


def program_digest(implant: Implant) -> str:
    """The digest of the committed program, which the next command must name."""
    return implant.firmware.controller.program.digest


def pump_state(implant: Implant) -> PumpState:
    """What it is doing."""
    return implant.firmware.state


def latched_alarms(implant: Implant) -> tuple[AlarmCondition, ...]:
    """The alarm conditions that stand, in the order they were raised."""
    return tuple(alarm.condition for alarm in implant.firmware.alarms)


def log_entries(implant: Implant) -> tuple[LogEntry, ...]:
    """The whole log it keeps."""
    return implant.firmware.log.entries
