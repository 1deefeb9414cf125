"""A bolus under way: an extra flow on top of the program, bounded by exactly what was ordered.

It is counted in accumulated flow, nL/day x ms, as strokes are. Its last millisecond carries what is
left, so it adds neither more nor less than its volume; and since that is a whole number of strokes,
the program's own strokes come afterwards at the same instants as if there had been no bolus.
Holds: BOL-04, BOL-06.
"""

from dataclasses import dataclass

from openitb import units
from openitb.implant.firmware.credits import Credit
from openitb.protocol import BolusKind
from openitb.records import replace


@dataclass(frozen=True, slots=True)
class Bolus:
    """`whole` and `left` in nL/day x ms; `rate_nl_per_day` spreads the whole evenly.

    `credit` is what the guard lets it run on.
    """

    kind: BolusKind
    whole: int
    rate_nl_per_day: int
    left: int
    credit: Credit | None = None

    @property
    def volume_nl(self) -> int:
        """What was ordered."""
        return self.whole // units.MS_PER_DAY

    @property
    def delivered_nl(self) -> int:
        """What it has added to the flow so far, rounded down."""
        return (self.whole - self.left) // units.MS_PER_DAY

    @property
    def left_nl(self) -> int:
        """What is still to come, rounded up."""
        return self.volume_nl - self.delivered_nl

    def flow(self, room_nl_per_day: int) -> int:
        """Its flow now, where the pump has `room_nl_per_day` to spare: less room, longer bolus."""
        return min(self.rate_nl_per_day, room_nl_per_day, self.left)

    def after(self, flow_nl_per_day: int, ms: int) -> "Bolus":
        """What is left of it after so long at that flow."""
        return replace(self, left=self.left - flow_nl_per_day * ms)


def new_bolus(kind: BolusKind, volume_nl: int, duration_ms: int) -> Bolus:
    """A bolus of `volume_nl` that takes `duration_ms`, or a little less where it does not divide."""
    whole = volume_nl * units.MS_PER_DAY
    return Bolus(kind, whole, -(-whole // duration_ms), whole)
