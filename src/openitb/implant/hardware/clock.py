"""The crystal as it is: it counts the pump's own milliseconds, a little fast or slow."""

from dataclasses import dataclass

from openitb.implant.errors import ImplantError
from openitb.records import replace

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Crystal:
    """Ticks of 1 ms: `counted_ms` of them at `started_ms`; `drift_ppm` above zero runs fast.

    `aged_ppm` is what ageing, heat or shock add to the drift it was made with, since `started_ms`.
    """

    started_ms: int
    drift_ppm: int = 0
    counted_ms: int = 0
    aged_ppm: int = 0

    def __post_init__(self) -> None:
        if not -MILLION < self.drift_ppm + self.aged_ppm < MILLION:
            raise ImplantError(
                f"drift: got {self.drift_ppm + self.aged_ppm} ppm, "
                f"expected between -{MILLION} and {MILLION} ppm"
            )

    def tick_ms(self, at_ms: int) -> int:
        """What the crystal has counted at a true instant, none before `started_ms`."""
        return self.counted_ms + (at_ms - self.started_ms) * self._per_million // MILLION

    def instant_ms(self, tick_ms: int) -> int:
        """The first true instant at which it has counted `tick_ms`."""
        return self.started_ms - ((self.counted_ms - tick_ms) * MILLION) // self._per_million

    def aged(self, at_ms: int, aged_ppm: int) -> "Crystal":
        """The crystal that keeps its count and runs with another drift from a true instant on."""
        if aged_ppm == self.aged_ppm:
            return self
        return replace(self, started_ms=at_ms, counted_ms=self.tick_ms(at_ms), aged_ppm=aged_ppm)

    @property
    def _per_million(self) -> int:
        return MILLION + self.drift_ppm + self.aged_ppm
