"""A command that was checked: what it asks for and what it does."""

from collections.abc import Callable
from dataclasses import dataclass

from openitb import units
from openitb.implant.build import Build
from openitb.implant.firmware.refusal import require
from openitb.implant.firmware.state import Firmware
from openitb.prescription import Program, order_to_mapping
from openitb.protocol import LogKind
from openitb.protocol.chain import Detail


@dataclass(frozen=True, slots=True)
class Change:
    """A checked command: the entries around it, what was asked for, and its effect."""

    intent: LogKind
    asked: Detail
    outcomes: tuple[LogKind, ...]
    effect: Callable[[Firmware], Firmware]


def asked_program(program: Program, before: str) -> Detail:
    """A program as the log tells of it; `before` is the digest of the one it replaces."""
    return (
        ("before", before),
        ("after", program.digest),
        ("mode", str(order_to_mapping(program.order)["mode"])),
        ("dose_pg_per_day", program.daily_dose_pg),
        ("concentration_ug_per_ml", program.concentration_ug_per_ml),
    )


def require_current(firmware: Firmware, expected_digest: str) -> None:
    """`RefusalError` if the committed program is not the one the command was made for."""
    current = firmware.controller.program.digest
    reason = f"the pump runs another program ({current:.12}); interrogate again and review"
    require(expected_digest == current, "expected_digest", reason)


def whole_strokes(volume_nl: int, build: Build) -> int:
    """The number of strokes nearest to a volume."""
    return units.divide_nearest(volume_nl, build.stroke_nl)
