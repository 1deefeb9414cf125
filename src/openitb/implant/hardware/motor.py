"""The drive as it is: each stroke moves its nominal volume, or a little more or less of it."""

from dataclasses import dataclass, replace

from openitb.implant.errors import ImplantError

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Motor:
    """`gain_ppm` is the true deviation of the stroke volume, `carried` the millionths of a nL owed.

    The part of a nL that a stroke moves beyond whole nL is carried to the next, so the total after n
    strokes does not depend on how they were counted out.
    """

    gain_ppm: int = 0
    carried: int = 0

    def __post_init__(self) -> None:
        if not -MILLION < self.gain_ppm < MILLION:
            raise ImplantError(
                f"gain: got {self.gain_ppm} ppm, expected between -{MILLION} and {MILLION} ppm"
            )

    def moved(self, nominal_nl: int) -> tuple["Motor", int]:
        """The motor and the whole nL that really moved when strokes of `nominal_nl` were made."""
        volume_nl, carried = divmod(self.carried + nominal_nl * (MILLION + self.gain_ppm), MILLION)
        return replace(self, carried=carried), volume_nl

    def strokes_for(self, volume_nl: int, stroke_nl: int) -> int:
        """The fewest strokes that move at least `volume_nl`."""
        return -((self.carried - volume_nl * MILLION) // (stroke_nl * (MILLION + self.gain_ppm)))
