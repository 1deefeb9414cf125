"""A checked change: what surrounds an effect in the log, and the effect."""

from collections.abc import Callable
from dataclasses import dataclass

from openitb.implant.firmware.state import Firmware
from openitb.protocol import LogKind
from openitb.protocol.chain import Detail


@dataclass(frozen=True, slots=True)
class Change:
    """A checked command: the entries around it, what was asked for, and its effect."""

    intent: LogKind
    asked: Detail
    outcomes: tuple[LogKind, ...]
    effect: Callable[[Firmware], Firmware]
