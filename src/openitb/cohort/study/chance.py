"""Chance of one person at a time, from streams that every arm of a study shares.

A number depends on seed, person, purpose and occasion alone, so that two arms differ by what is done and not
by luck (common random numbers).
"""

from openitb.body.anatomy import Floats
from openitb.cohort.people.draws import Ids, exponential, normal, uniform


class Chances:
    """The numbers of a block of people; each stream is drawn for all of them when first asked for."""

    def __init__(self, seed: int, ids: Ids) -> None:
        self.seed, self.ids = seed, ids
        self._known: dict[tuple[str, str, int], Floats] = {}

    def happens(self, chance: float, purpose: str, row: int, occasion: int) -> bool:
        """True with this probability."""
        return bool(self._drawn("uniform", purpose, occasion)[row] < chance)

    def wait(self, mean: float, purpose: str, row: int, occasion: int) -> float:
        """An exponential time of this mean."""
        return mean * float(self._drawn("exponential", purpose, occasion)[row])

    def error(self, sd: float, purpose: str, row: int, occasion: int) -> float:
        """A normal error of this standard deviation."""
        return sd * float(self._drawn("normal", purpose, occasion)[row])

    def _drawn(self, kind: str, purpose: str, occasion: int) -> Floats:
        key = (kind, purpose, occasion)
        if key not in self._known:
            draw = {"uniform": uniform, "exponential": exponential, "normal": normal}[kind]
            self._known[key] = draw(self.seed, f"study {purpose}", self.ids, occasion)
        return self._known[key]
