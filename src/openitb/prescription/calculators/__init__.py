"""Bedside calculations as pure functions: values in canonical units in, an answer with its steps out.

Each answer is a frozen dataclass whose fields are the keys of `openitb calc --json`, followed by
`steps` (the shown work) and `sources` (the catalogue values it rests on, with their confidence).
Values that must not be taken are refused with `CalculationError`, one line naming the field.
"""

from openitb.prescription.answers import Answer, CalculationError, SourceNote, Step
from openitb.prescription.calculators.bridge import BridgeAnswer, bridge
from openitb.prescription.calculators.mix import MixAnswer, mix
from openitb.prescription.calculators.path import (
    FluidPath,
    Tubing,
    path_through,
    tubing_of_pump,
    tubing_stated,
)
from openitb.prescription.calculators.prime import HOLDS, PrimeAnswer, PrimeQuestion, prime
from openitb.prescription.calculators.refill import RefillAnswer, refill

__all__ = [
    "HOLDS",
    "Answer",
    "BridgeAnswer",
    "CalculationError",
    "FluidPath",
    "MixAnswer",
    "PrimeAnswer",
    "PrimeQuestion",
    "RefillAnswer",
    "SourceNote",
    "Step",
    "Tubing",
    "bridge",
    "mix",
    "path_through",
    "prime",
    "refill",
    "tubing_of_pump",
    "tubing_stated",
]
