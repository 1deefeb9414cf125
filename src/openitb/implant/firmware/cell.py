"""The cell as it is judged: weak once it has looked weak for longer than good, by so much.

Every moment that it looks weak adds, every other takes away again, never below nothing. So a dip, however
deep, alarms nobody, and a cell that sags more often than it recovers is told of.

Holds: BAT-01.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """`weak_ms` as it stood at the tick `since_ms`, from when on the cell looked as `is_weak` says."""

    is_weak: bool = False
    since_ms: int = 0
    weak_ms: int = 0

    def at(self, tick_ms: int) -> int:
        """How much longer it has looked weak than good, in ms."""
        passed_ms = tick_ms - self.since_ms
        return self.weak_ms + passed_ms if self.is_weak else max(0, self.weak_ms - passed_ms)

    def seen(self, is_weak: bool, tick_ms: int) -> "Cell":
        """The cell as it looks from now on."""
        return self if is_weak is self.is_weak else Cell(is_weak, tick_ms, self.at(tick_ms))

    def due_ms(self, enough_ms: int) -> int | None:
        """The tick at which it will have looked weak for long enough; None while it looks good."""
        return self.since_ms + enough_ms - self.weak_ms if self.is_weak else None


NEW_CELL = Cell()
