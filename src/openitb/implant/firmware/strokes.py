"""Strokes: how a flow becomes whole strokes, each at an exact instant, in integers only.

Flow is accumulated in nL/day x ms. Each time it reaches the cost of a stroke, a stroke is made and
the rest is carried on, also over a change of flow, so nothing is lost and nothing is made up.

Holds: DEL-01, DEL-02.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Train:
    """Evenly spaced strokes from `start_ms` on, up to and including `end_ms`, on the pump's own ticks.

    `phase` is the flow already accumulated at the start, `cost` that of a whole stroke.
    """

    start_ms: int
    end_ms: int
    phase: int
    rate_nl_per_day: int
    cost: int

    @property
    def flow(self) -> int:
        """Everything accumulated by the end, in nL/day x ms."""
        return self.phase + self.rate_nl_per_day * (self.end_ms - self.start_ms)

    @property
    def count(self) -> int:
        """Whole strokes made."""
        return self.flow // self.cost

    @property
    def left(self) -> int:
        """What is accumulated at the end towards the next stroke."""
        return self.flow % self.cost

    def last_ms(self, before: int | None) -> int | None:
        """The tick of the last stroke; `before` if none is made."""
        count = self.count
        return self.tick_of(count) if count else before

    def tick_of(self, stroke: int) -> int:
        """The tick of the n-th stroke of the train, n from 1; the flow must be above zero."""
        return self.start_ms - (self.phase - stroke * self.cost) // self.rate_nl_per_day

    def until(self, end_ms: int) -> "Train":
        """The same train, ended earlier."""
        return replace(self, end_ms=end_ms)


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a train: strokes the rotor's feedback confirmed, and what a meter would read.

    `measured` left with strokes, in millionths of a nL; `loose` left without, in nL/day x ms.
    `level_nl` is what a level sensor reads at the end.
    """

    confirmed: int
    measured: int = 0
    loose: int = 0
    level_nl: int = 0


@dataclass(frozen=True, slots=True)
class Counter:
    """The pump's count: its tick, strokes made since implantation, flow accumulated towards the next."""

    tick_ms: int = 0
    strokes: int = 0
    phase: int = 0

    def after(self, train: Train, confirmed: int | None = None) -> "Counter":
        """The count at the end of a train of which `confirmed` strokes were felt to be made (None: all)."""
        count, phase = divmod(train.flow, train.cost)
        return Counter(train.end_ms, self.strokes + (count if confirmed is None else confirmed), phase)

    def flowed(self, cost: int) -> int:
        """All flow since implantation, in nL/day x ms."""
        return self.strokes * cost + self.phase
