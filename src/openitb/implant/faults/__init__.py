"""Faults as data: rows of the catalogue turned into what they do to pump, path and needle."""

from openitb.implant.faults.chance import Chance, drawn, first_ms, per_refill
from openitb.implant.faults.courses import COURSES, Laid, Needle, Setting, choose, describe, lay
from openitb.implant.faults.parameters import FaultError, Parameters

__all__ = [
    "COURSES",
    "Chance",
    "FaultError",
    "Laid",
    "Needle",
    "Parameters",
    "Setting",
    "choose",
    "describe",
    "drawn",
    "first_ms",
    "lay",
    "per_refill",
]
