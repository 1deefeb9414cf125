"""A small drawing of dose rate through the day, old behind new, as coordinates for inline SVG."""

from dataclasses import dataclass
from itertools import zip_longest

from openitb import units
from openitb.clinic.desk.ports import DayProfile, DayStep

WIDTH = 480
HEIGHT = 96


@dataclass(frozen=True, slots=True)
class DayPlot:
    """One pattern of weekdays: paths in a box of WIDTH x HEIGHT, and the rate at its upper edge."""

    label: str
    new_path: str
    old_path: str
    top_pg_per_h: int
    steps: tuple[DayStep, ...]
    width: int = WIDTH
    height: int = HEIGHT


def compare(old: tuple[DayProfile, ...], new: tuple[DayProfile, ...]) -> list[DayPlot]:
    """A plot for each pattern of the new program, with the old one's pattern of the same place behind."""
    top = max((step.dose_rate_pg_per_h for day in (*old, *new) for step in day.steps), default=0)
    pairs = zip_longest(new, old) if len(old) <= len(new) else zip(new, old, strict=False)
    return [_plot(after, before or old[-1] if old else None, top) for after, before in pairs]


def _plot(new: DayProfile, old: DayProfile | None, top: int) -> DayPlot:
    before = _path(old.steps, top) if old else ""
    return DayPlot(new.label, _path(new.steps, top), before, top, new.steps)


def _path(steps: tuple[DayStep, ...], top: int) -> str:
    """Step line from midnight to midnight; empty without steps."""
    points: list[str] = []
    for step in steps:
        x, y = _x(step.from_ms_of_day), _y(step.dose_rate_pg_per_h, top)
        points.append(f"H{x:.1f} V{y:.1f}" if points else f"M{x:.1f} {y:.1f}")
    return f"{' '.join(points)} H{WIDTH}" if points else ""


def _x(ms_of_day: int) -> float:
    return WIDTH * ms_of_day / units.MS_PER_DAY


def _y(rate: int, top: int) -> float:
    return HEIGHT - 4 - (HEIGHT - 12) * rate / top if top else HEIGHT - 4
