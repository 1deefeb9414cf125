"""The crystal as it is: it counts the pump's own milliseconds, a little fast or slow."""

from dataclasses import dataclass

from openitb.implant.errors import ImplantError

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Crystal:
    """Ticks of 1 ms since `started_ms`; `drift_ppm` above zero runs fast."""

    started_ms: int
    drift_ppm: int = 0

    def __post_init__(self) -> None:
        if not -MILLION < self.drift_ppm < MILLION:
            raise ImplantError(
                f"drift: got {self.drift_ppm} ppm, expected between -{MILLION} and {MILLION} ppm"
            )

    def tick_ms(self, at_ms: int) -> int:
        """What the crystal has counted at a true instant."""
        return (at_ms - self.started_ms) * (MILLION + self.drift_ppm) // MILLION

    def instant_ms(self, tick_ms: int) -> int:
        """The first true instant at which it has counted `tick_ms`."""
        return self.started_ms - (-tick_ms * MILLION) // (MILLION + self.drift_ppm)
