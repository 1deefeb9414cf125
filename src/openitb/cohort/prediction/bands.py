"""A band: where the middle and most of a population lie, at every instant."""

from dataclasses import dataclass

import numpy as np

from openitb import catalogue
from openitb.body.anatomy import Floats


@dataclass(frozen=True, slots=True)
class Spread:
    """A band at one instant."""

    low: float
    median: float
    high: float
    typical: float


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """One series over time in `unit`: quantiles of the sampled people, and the typical person's line.

    All arrays of shape (n,). `low` and `high` are the catalogue's `forecast.band_low` and `band_high`.
    """

    unit: str
    low: Floats
    median: Floats
    high: Floats
    typical: Floats

    def at(self, index: int) -> Spread:
        """The band at one sample."""
        return Spread(*(float(line[index]) for line in (self.low, self.median, self.high, self.typical)))


def band(unit: str, lines: Floats) -> Band:
    """The band of series (1 + people, n), the typical person's first and not counted among the people."""
    low, median, high = np.quantile(lines[1:], quantiles(), axis=0)
    return Band(unit, low, median, high, lines[0])


def highest(lines: Floats) -> Spread:
    """The spread of each line's own highest value; lines as in `band`."""
    peaks = lines.max(axis=1)
    low, median, high = np.quantile(peaks[1:], quantiles()).tolist()
    return Spread(low, median, high, float(peaks[0]))


def same_for_all(unit: str, values: Floats) -> Band:
    """The band of a series in which people do not differ."""
    return Band(unit, values, values, values, values)


def quantiles() -> tuple[float, float, float]:
    """Parts of the people below the three lines of a band, such as 0.05, 0.5 and 0.95."""
    low, high = (float(_fact(name)) for name in ("band_low", "band_high"))
    return low, 0.5, high


def band_name() -> str:
    """How the band is called on a page: `5 to 95 %`."""
    low, _, high = quantiles()
    return f"{low * 100:g} to {high * 100:g} %"


def _fact(name: str) -> float:
    return float(catalogue.load().practice["forecast"].fact(name).number("1"))
