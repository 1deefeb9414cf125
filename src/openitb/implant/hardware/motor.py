"""The drive as it is: each stroke moves its nominal volume, or a little more or less of it."""

from dataclasses import dataclass

from openitb.implant.errors import ImplantError
from openitb.records import quick, replace

MILLION = 1_000_000
MOST_GAIN_PPM = 10 * MILLION  # far beyond any reported over-infusion; more is taken for a slip


@quick
@dataclass(frozen=True, slots=True)
class Motor:
    """`gain_ppm` is the true deviation of the stroke volume, `carried` the millionths of a nL owed.

    The part of a nL that a stroke moves beyond whole nL is carried to the next, so the total after n
    strokes does not depend on how they were counted out. Wear adds `worn_ppm` for a time; together
    they may take all of a stroke away but never turn it round.
    """

    gain_ppm: int = 0
    carried: int = 0

    def __post_init__(self) -> None:
        if not -MILLION < self.gain_ppm < MOST_GAIN_PPM:
            raise ImplantError(
                f"gain: got {self.gain_ppm} ppm, expected between -{MILLION} and {MOST_GAIN_PPM} ppm"
            )

    def moved(self, nominal_nl: int, worn_ppm: int = 0) -> tuple["Motor", int]:
        """The motor and the whole nL that really moved when strokes of `nominal_nl` were made."""
        volume_nl, carried = divmod(self.carried + nominal_nl * self.share_ppm(worn_ppm), MILLION)
        return self.owing(carried), volume_nl

    def owing(self, carried: int) -> "Motor":
        """The motor with so many millionths of a nL owed."""
        return self if carried == self.carried else replace(self, carried=carried)

    def strokes_for(self, volume_nl: int, stroke_nl: int, worn_ppm: int = 0) -> int | None:
        """The fewest strokes that move at least `volume_nl`; None where a stroke moves nothing."""
        per_stroke = stroke_nl * self.share_ppm(worn_ppm)
        return -((self.carried - volume_nl * MILLION) // per_stroke) if per_stroke else None

    def share_ppm(self, worn_ppm: int) -> int:
        """What a stroke moves in millionths of its nominal volume, never below zero."""
        return max(0, MILLION + self.gain_ppm + worn_ppm)
