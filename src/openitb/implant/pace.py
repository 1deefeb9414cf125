"""How fast the time of virtual implants runs: as it does for everybody, or so many times faster."""

from collections.abc import Callable
from dataclasses import dataclass

NS_PER_MS = 1_000_000

Nanoseconds = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Pace:
    """A clock that stood at `start_ms` when `steady` told `began_ns`, and runs `factor` times as fast.

    Exact for any factor that is a whole number of thousandths; it never runs back, as `steady` does not.
    """

    start_ms: int
    began_ns: int
    factor_permille: int
    steady: Nanoseconds

    def __call__(self) -> int:
        """Now, ms since the epoch, UTC."""
        passed_ns = self.steady() - self.began_ns
        return self.start_ms + passed_ns * self.factor_permille // (1000 * NS_PER_MS)


def pace_from(start_ms: int, factor_permille: int, steady: Nanoseconds) -> Pace:
    """A clock that stands at `start_ms` now."""
    return Pace(start_ms, steady(), factor_permille, steady)
