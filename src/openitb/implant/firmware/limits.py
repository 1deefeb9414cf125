"""What doses beside the program are held to, whoever orders them. Holds: BOL-07."""

from openitb import units
from openitb.implant.build import Build
from openitb.implant.firmware.refusal import require
from openitb.prescription.orders import format_duration


def require_volume(volume_nl: int, build: Build) -> None:
    """A bolus within the pump's limits for one."""
    low, high = build.modes.smallest_bolus_nl, build.modes.largest_bolus_nl
    limits = f"{units.format_volume(low)} to {units.format_volume(high)}"
    given = units.format_volume(volume_nl, places=6)
    require(low <= volume_nl <= high, "volume_nl", f"got {given}, expected {limits}")


def require_duration(duration_ms: int, volume_nl: int, build: Build) -> None:
    """Long enough for the pump's highest flow, and within the limits."""
    needed = -(-volume_nl * units.MS_PER_DAY // build.highest_flow_nl_per_day)
    shortest = max(build.modes.shortest_bolus_ms, needed)
    require_within("duration_ms", duration_ms, shortest, build.modes.longest_bolus_ms)


def require_within(field: str, given_ms: int, low_ms: int, high_ms: int) -> None:
    """A duration within limits."""
    limits = f"{format_duration(low_ms)} to {format_duration(high_ms)}"
    require(low_ms <= given_ms <= high_ms, field, f"got {format_duration(given_ms)}, expected {limits}")


def require_dose(field: str, given: int, low: int, high: int) -> None:
    """A daily dose within limits."""
    limits = f"{units.format_dose(low)} to {units.format_dose(high)}"
    require(low <= given <= high, field, f"got {units.format_dose(given)}, expected {limits}")
