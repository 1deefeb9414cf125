"""The delivery guard: stands between controller and motor and shares nothing with either.

It sees strokes and the clock, and knows one limit of its own: the shortest time between two strokes,
which is that of the pump's highest flow. Whatever the controller believes, no window of time then
holds more volume than the highest flow delivers in it, and one stroke (safety.md DEL-03, DEL-07).

Holds: DEL-07, DEL-08.
"""

from dataclasses import dataclass, replace

from openitb.implant.firmware.strokes import Train


@dataclass(frozen=True, slots=True)
class Guard:
    """The limit, and the tick of the last stroke that was let through."""

    shortest_interval_ms: int
    last_stroke_ms: int | None = None

    def admits(self, train: Train) -> bool:
        """True if every stroke of the train, and its distance from the last one, keeps the limit."""
        if train.end_ms < train.start_ms or train.rate_nl_per_day < 0:
            return False
        if train.rate_nl_per_day == 0:
            return train.count == 0
        if train.rate_nl_per_day * self.shortest_interval_ms > train.cost:
            return False
        return train.count == 0 or self._may_follow(train.tick_of(1), train.start_ms)

    def after(self, train: Train) -> "Guard":
        """The guard once an admitted train has run."""
        return replace(self, last_stroke_ms=train.tick_of(train.count)) if train.count else self

    def _may_follow(self, first_ms: int, start_ms: int) -> bool:
        if first_ms <= start_ms:
            return False  # a stroke that should have been made already is not made up
        return self.last_stroke_ms is None or first_ms - self.last_stroke_ms >= self.shortest_interval_ms
