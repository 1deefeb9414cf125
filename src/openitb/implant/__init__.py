"""The virtual pump: hardware that is true, firmware that believes, and its life between them."""

from openitb.implant.build import Build, build_of
from openitb.implant.errors import ImplantError
from openitb.implant.firmware.alarms import Signal, signal_of
from openitb.implant.implant import (
    Advanced,
    Contents,
    Hardware,
    Implant,
    Specimen,
    advance,
    fill,
    handle,
    new_implant,
    withdraw,
)

__all__ = [
    "Advanced",
    "Build",
    "Contents",
    "Hardware",
    "Implant",
    "ImplantError",
    "Signal",
    "Specimen",
    "advance",
    "build_of",
    "fill",
    "handle",
    "new_implant",
    "signal_of",
    "withdraw",
]
