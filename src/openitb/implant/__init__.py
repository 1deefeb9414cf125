"""The virtual pump: hardware that is true, firmware that believes, and its life between them."""

from openitb.implant.belief import (
    believed_volume_nl,
    concentration_ug_per_ml,
    latched_alarms,
    log_entries,
    program_digest,
    pump_state,
)
from openitb.implant.build import Build
from openitb.implant.errors import ImplantError
from openitb.implant.firmware.alarms import Signal, signal_of
from openitb.implant.hardware.parts import Hardware
from openitb.implant.hardware.spells import Spell, SpellKind
from openitb.implant.home import Home
from openitb.implant.implant import (
    Advanced,
    Contents,
    Implant,
    Specimen,
    advance,
    fill,
    handle,
    new_implant,
    with_memory_hit,
    with_spells,
    withdraw,
)
from openitb.implant.service import PumpService, list_serials, provision
from openitb.implant.store import StoreError, from_bytes, to_bytes

__all__ = [
    "Advanced",
    "Build",
    "Contents",
    "Hardware",
    "Home",
    "Implant",
    "ImplantError",
    "PumpService",
    "Signal",
    "Specimen",
    "Spell",
    "SpellKind",
    "StoreError",
    "advance",
    "believed_volume_nl",
    "concentration_ug_per_ml",
    "fill",
    "from_bytes",
    "handle",
    "latched_alarms",
    "list_serials",
    "log_entries",
    "new_implant",
    "program_digest",
    "provision",
    "pump_state",
    "signal_of",
    "to_bytes",
    "with_memory_hit",
    "with_spells",
    "withdraw",
]
