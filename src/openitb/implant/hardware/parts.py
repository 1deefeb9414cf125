"""The parts of one implant as they are, and what is wrong or will go wrong with them."""

from collections.abc import Iterable
from dataclasses import dataclass

from openitb.implant.hardware.clock import Crystal
from openitb.implant.hardware.motor import Motor
from openitb.implant.hardware.reservoir import Reservoir
from openitb.implant.hardware.spells import Condition, Spell, condition_at, next_edge_ms, still_to_come
from openitb.records import quick, replace


@quick
@dataclass(frozen=True, slots=True)
class Hardware:
    """Truth: the parts, all that has left the outlet since implantation, and the spells laid on them.

    `seeped` is the part of a nL that free flow has let go beyond whole nL, in nL/day x ms,
    `meter_ppm` what a meter at the outlet reads too much.
    """

    reservoir: Reservoir
    motor: Motor
    crystal: Crystal
    delivered_nl: int = 0
    delivered_pg: int = 0
    seeped: int = 0
    spells: tuple[Spell, ...] = ()
    meter_ppm: int = 0

    def condition(self, at_ms: int) -> Condition:
        """What is wrong at a true instant."""
        return condition_at(self.spells, at_ms)

    def next_edge_ms(self, after_ms: int) -> int | None:
        """When that next changes; None if it stays."""
        return next_edge_ms(self.spells, after_ms)

    def with_spells(self, spells: Iterable[Spell]) -> "Hardware":
        """The parts with more laid on them."""
        return replace(self, spells=(*self.spells, *spells))

    def lived(self, until_ms: int) -> "Hardware":
        """The parts without the spells that are over."""
        left = still_to_come(self.spells, until_ms)
        return self if len(left) == len(self.spells) else replace(self, spells=left)
