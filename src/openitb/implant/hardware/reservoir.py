"""The reservoir as it is: volume and drug mass, drawn by strokes, filled and emptied by needle."""

from dataclasses import dataclass

from openitb.implant.errors import ImplantError
from openitb.records import quick, replace


@quick
@dataclass(frozen=True, slots=True)
class Reservoir:
    """Fluid in nL and drug in pg. The mass is a function of the volume left since the last fill.

    So drawing a volume in many parts takes out exactly the mass that drawing it at once would, and
    nothing is ever lost in rounding. Refuses more fluid than `capacity_nl` with `ImplantError`.
    """

    volume_nl: int
    filled_volume_nl: int
    filled_mass_pg: int
    capacity_nl: int
    residual_nl: int

    def __post_init__(self) -> None:
        if not 0 <= self.volume_nl <= self.filled_volume_nl <= self.capacity_nl:
            raise ImplantError(
                f"reservoir: got {self.volume_nl} nL of {self.filled_volume_nl} nL filled, "
                f"expected 0 to {self.capacity_nl} nL"
            )
        if self.filled_mass_pg < 0:
            raise ImplantError(f"reservoir: got {self.filled_mass_pg} pg of drug, expected 0 or more")

    @property
    def mass_pg(self) -> int:
        """Drug in the fluid that is left."""
        return self.mass_at(self.volume_nl)

    def mass_at(self, volume_nl: int) -> int:
        """Drug in the fluid when so much of it is left, in pg."""
        return self.filled_mass_pg * volume_nl // self.filled_volume_nl if self.filled_volume_nl else 0

    @property
    def available_nl(self) -> int:
        """What pump or needle can still take out."""
        return max(0, self.volume_nl - self.residual_nl)

    def without(self, volume_nl: int) -> tuple["Reservoir", int]:
        """The reservoir after `volume_nl` is taken out, and the drug that went with it."""
        if not volume_nl:
            return self, 0
        left = replace(self, volume_nl=self.volume_nl - volume_nl)
        return left, self.mass_pg - left.mass_pg

    def filled(self, volume_nl: int, mass_pg: int) -> "Reservoir":
        """The reservoir after a needle added fluid, fully mixed with what was left."""
        if volume_nl < 0 or self.volume_nl + volume_nl > self.capacity_nl:
            raise ImplantError(
                f"fill: got {volume_nl} nL on top of {self.volume_nl} nL, expected 0 nL to the capacity "
                f"of {self.capacity_nl} nL together"
            )
        volume = self.volume_nl + volume_nl
        return replace(self, volume_nl=volume, filled_volume_nl=volume, filled_mass_pg=self.mass_pg + mass_pg)
