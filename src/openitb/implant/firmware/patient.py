"""What the patient may do, as a clinician allowed it, and what was made of it; off at first.

All times are ticks, the pump's own elapsed time: setting its clock neither shortens nor lengthens a
lock-out. What was given is remembered also over a change of the permission. Holds: BOL-02.
"""

from dataclasses import dataclass

from openitb.implant.build import ModeLimits
from openitb.prescription import Order
from openitb.prescription.boluses import PatientBolus
from openitb.records import replace


@dataclass(frozen=True, slots=True)
class Adjustment:
    """The clinician's order, how far it may be moved, and by how many steps it is.

    `raised_ms` is the tick of the last increase, or of the permission.
    """

    base: Order
    step_percent: int
    low_pg_per_day: int
    high_pg_per_day: int
    raised_ms: int
    steps: int = 0


@dataclass(frozen=True, slots=True)
class PatientControls:
    """Permissions, and the ticks at which boluses began, the last that can still count."""

    bolus: PatientBolus | None = None
    begun_ms: tuple[int, ...] = ()
    adjustment: Adjustment | None = None

    @property
    def allows_anything(self) -> bool:
        """True while a clinician lets the patient ask for something."""
        return self.bolus is not None or self.adjustment is not None

    def withheld(self) -> "PatientControls":
        """With every permission ended; what was given still counts, should one be given again."""
        return replace(self, bolus=None, adjustment=None) if self.allows_anything else self

    def begun(self, tick_ms: int, limits: ModeLimits) -> "PatientControls":
        """With one bolus more, begun now."""
        ticks = (*self.recent(tick_ms, limits), tick_ms)
        return replace(self, begun_ms=ticks[-limits.most_boluses_per_day :])

    def recent(self, tick_ms: int, limits: ModeLimits) -> tuple[int, ...]:
        """The boluses that count now, of any 24 h."""
        return tuple(begun for begun in self.begun_ms if tick_ms - begun < limits.boluses_counted_over_ms)

    def lockout_left_ms(self, tick_ms: int) -> int:
        """How long the lock-out still holds; zero if it does not."""
        if self.bolus is None or not self.begun_ms:
            return 0
        return max(0, self.begun_ms[-1] + self.bolus.lockout_ms - tick_ms)

    def count_left_ms(self, tick_ms: int, limits: ModeLimits) -> int:
        """How long the number still holds; zero if one more is within it."""
        recent = self.recent(tick_ms, limits)
        if self.bolus is None or len(recent) < self.bolus.most_per_day:
            return 0
        return recent[-self.bolus.most_per_day] + limits.boluses_counted_over_ms - tick_ms

    def wait_ms(self, tick_ms: int, limits: ModeLimits) -> int:
        """How long until neither lock-out nor number stands against a bolus."""
        return max(self.lockout_left_ms(tick_ms), self.count_left_ms(tick_ms, limits))

    def raise_wait_ms(self, tick_ms: int, limits: ModeLimits) -> int:
        """How long until the dose may be raised; zero if it may be now, or not at all."""
        if self.adjustment is None:
            return 0
        return max(0, self.adjustment.raised_ms + limits.increase_interval_ms - tick_ms)


NOTHING_ALLOWED = PatientControls()
