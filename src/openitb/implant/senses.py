"""What an implant's parts let its firmware feel: the one narrow door from truth to belief.

The firmware of a real pump measures next to nothing. It feels whether the rotor follows its steps,
how the cell holds up, whether its clock kept time and whether a strong field is near. Everything
else it computes. A part that lies shows up here as a sense that is wrong.
"""

from dataclasses import dataclass
from enum import StrEnum


class Supply(StrEnum):
    """How the cell looks from inside."""

    GOOD = "good"
    WEAK = "weak"  # replacement is due
    SPENT = "spent"  # nothing can be driven any more


@dataclass(frozen=True, slots=True)
class Senses:
    """One moment. `disturbed` is electromagnetic noise: entries of the log may be late.

    `captured` is noise that the telemetry coil takes for a programmer, `reset` a fall of the supply
    below what memory needs, `clock_kept` false once the adjustable clock has lost its time, `locked` a
    fault that lets nobody read or program the pump while therapy goes on, and `hung` that what drives the
    motor makes no progress.
    """

    supply: Supply = Supply.GOOD
    reset: bool = False
    clock_kept: bool = True
    disturbed: bool = False
    captured: bool = False
    locked: bool = False
    hung: bool = False


CALM = Senses()
