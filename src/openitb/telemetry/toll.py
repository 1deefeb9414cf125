"""The toll: how many strangers are heard per second, whatever their number.

Holds: TEL-11.
"""

from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]


class Toll:
    """Tokens that fill up at a steady rate; each stranger takes one, who proves a key brings it back."""

    def __init__(self, per_s: float, burst: int, clock: Clock) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._filled_at = clock()

    def take(self) -> bool:
        """True if one more may be heard now."""
        now = self._clock()
        self._tokens = min(float(self._burst), self._tokens + (now - self._filled_at) * self._per_s)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def give_back(self) -> None:
        """The one who was heard was no stranger."""
        self._tokens = min(float(self._burst), self._tokens + 1)


@dataclass(slots=True)
class Costs:
    """What the port has done for its callers so far; grows only."""

    turned_away: int = 0
    challenges: int = 0
    key_exchanges: int = 0
    sessions: int = 0
