"""What stands in the tubing and catheter: slugs of fluid, the one nearest the tip first."""

from dataclasses import dataclass, replace


class CatheterError(ValueError):
    """Fluid was described that cannot exist; the message names the field, the value and the unit."""


@dataclass(frozen=True, slots=True)
class Slug:
    """Fluid of one concentration: volume and drug when it was formed, and how much has left since.

    The drug left in a partly used slug follows from its volume alone, so that taking 3 nL and then
    5 nL gives the same drug as taking 8 nL. Refuses negative amounts, no volume, and more drawn than
    there was, with `CatheterError`.
    """

    volume_nl: int
    mass_pg: int
    drawn_nl: int = 0

    def __post_init__(self) -> None:
        if self.volume_nl <= 0:
            raise CatheterError(f"slug volume: got {self.volume_nl} nL, expected above 0 nL")
        if self.mass_pg < 0:
            raise CatheterError(f"slug drug: got {self.mass_pg} pg, expected at least 0 pg")
        if not 0 <= self.drawn_nl < self.volume_nl:
            raise CatheterError(f"slug drawn: got {self.drawn_nl} nL of {self.volume_nl} nL")

    @property
    def left_nl(self) -> int:
        """Fluid still in place."""
        return self.volume_nl - self.drawn_nl

    @property
    def left_pg(self) -> int:
        """Drug still in place, rounded down."""
        return self.mass_pg * self.left_nl // self.volume_nl

    def drawn(self, volume_nl: int) -> "Slug":
        """The slug after `volume_nl` more has left; some must stay."""
        return replace(self, drawn_nl=self.drawn_nl + volume_nl)

    def joined(self, behind: "Slug") -> "Slug | None":
        """One slug for both, if they hold exactly the same concentration; None if they do not."""
        same = self.mass_pg * behind.volume_nl == behind.mass_pg * self.volume_nl
        whole = (self.mass_pg * self.left_nl) % self.volume_nl == 0
        if not (same and whole and behind.drawn_nl == 0):
            return None
        return Slug(self.left_nl + behind.volume_nl, self.left_pg + behind.mass_pg)


@dataclass(frozen=True, slots=True)
class Column:
    """The fluid between pump outlet and catheter tip; `slugs[0]` leaves next. Its volume is fixed."""

    slugs: tuple[Slug, ...]

    @classmethod
    def filled(cls, volume_nl: int, concentration_ug_per_ml: int) -> "Column":
        """A path of that volume holding one concentration; 0 µg/mL is drug-free fluid or nothing yet.

        Refuses a negative volume or concentration with `CatheterError`.
        """
        if volume_nl < 0:
            raise CatheterError(f"path volume: got {volume_nl} nL, expected at least 0 nL")
        if concentration_ug_per_ml < 0:
            raise CatheterError(
                f"concentration: got {concentration_ug_per_ml} µg/mL, expected at least 0 µg/mL"
            )
        return cls((Slug(volume_nl, volume_nl * concentration_ug_per_ml),) if volume_nl else ())

    def fed_by(self, upstream: "Column") -> "Column":
        """This column with another one upstream of it, as a catheter behind the pump's tubing."""
        return Column(self.slugs + upstream.slugs)

    def split(self, volume_nl: int) -> tuple["Column", "Column"]:
        """The `volume_nl` nearest the tip, and what stands behind it; both hold what they held."""
        ahead, behind, missing = list[Slug](), list[Slug](), volume_nl
        for slug in self.slugs:
            if slug.left_nl <= missing:
                ahead.append(slug)
            elif missing:
                later = slug.drawn(missing)
                ahead.append(Slug(missing, slug.left_pg - later.left_pg))
                behind.append(later)
            else:
                behind.append(slug)
            missing = max(0, missing - slug.left_nl)
        return Column(tuple(ahead)), Column(tuple(behind))

    def reversed_by(self, volume_nl: int) -> tuple["Column", int]:
        """The column after drug-free fluid pushed that much of it back into the pump, and the drug in it.

        No more comes back than the column holds; beyond it the fluid that enters is drug-free.
        """
        back_nl = min(volume_nl, self.volume_nl)
        kept, back = self.split(self.volume_nl - back_nl)
        return Column((Slug(back_nl, 0), *kept.slugs)) if back_nl else self, back.mass_pg

    @property
    def volume_nl(self) -> int:
        """Fluid inside, which is the dead volume of the path."""
        return sum(slug.left_nl for slug in self.slugs)

    @property
    def mass_pg(self) -> int:
        """Drug inside."""
        return sum(slug.left_pg for slug in self.slugs)
