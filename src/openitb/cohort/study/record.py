"""The clinic's file of one patient in a study: what was ordered, seen and booked."""

from dataclasses import dataclass, field

from openitb.cohort.study.seen import Seen
from openitb.guidance import DiscrepancyAnswer


@dataclass(slots=True)
class File:
    """What the clinic has of one patient, and when they come next (days since the start)."""

    row: int
    dose_pg: int
    ug_per_ml: int
    filled_nl: int
    increased_h: float | None
    untreated_leg: int = 0
    filled_day: int = 0
    checkup_day: int = 0
    refill_day: int = 0
    slip_days: float = 0.0
    quiet_until: int = 0
    looked_day: int | None = None
    repair_day: int | None = None
    is_alarmed: bool = False
    is_called: bool = False
    reports: list[str] = field(default_factory=list)
    past: list[Seen] = field(default_factory=list)
    judged: list[DiscrepancyAnswer] = field(default_factory=list)
    turns: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    days: dict[str, float] = field(default_factory=dict)

    def count(self, what: str) -> int:
        """Count one more; gives how many there were before."""
        before = self.counts.get(what, 0)
        self.counts[what] = before + 1
        return before

    def turn(self, purpose: str) -> int:
        """The occasion of the next draw for a purpose."""
        before = self.turns.get(purpose, 0)
        self.turns[purpose] = before + 1
        return before

    def first(self, what: str, day: float) -> None:
        """Note the first day on which something was so."""
        self.days.setdefault(what, day)
