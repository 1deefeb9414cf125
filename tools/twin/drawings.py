"""The page's drawings."""

from collections.abc import Mapping, Sequence
from typing import Any

from tools.twin.calibration import AFTER_DAYS
from tools.twin.patients import TONE
from tools.validate.svg import Axis, Panel, dots, line, sheet

Figures = Mapping[str, Any]
_PARTS = (0.0, 0.25, 0.5, 0.75, 1.0)
_HELD = Axis(0.0, 1.0, _PARTS, "share held by the band")
_RULES = (
    ("twin", "Twin's probability"),
    ("volume_ml", "Volume difference"),
    ("worse", "Legs worse"),
)


def drawings(figures: Figures) -> dict[str, str]:
    """Every drawing by file name."""
    found = {"coverage.svg": coverage(figures["calibration"])}
    return {**found, "detection.svg": roc(figures["detection"])} if figures["detection"] else found


def coverage(calibration: Mapping[str, Figures]) -> str:
    """Coverage of every predicted score and day, one panel for each part; the aim between lines."""
    return sheet([_coverage(name, found) for name, found in calibration.items()])


def roc(detection: Figures) -> str:
    """Found against false alarms, one panel for each rule; the dot is where rules are compared."""
    return sheet([_roc(words, detection["rules"][name]) for name, words in _RULES], columns=3)


def _coverage(name: str, found: Figures) -> Panel:
    across = Axis(
        0.0, len(TONE) + 1.0, (), "leg, arm, spasms; each after " + ", ".join(map(str, AFTER_DAYS)) + " days"
    )
    points = [
        (place + 0.2 * (k - 1), each["held"])
        for place, series in enumerate(TONE, start=1)
        for k, each in enumerate(found["course"][series])
    ]
    edges = [line([(0.0, part), (len(TONE) + 1.0, part)], "b") for part in (0.85, 0.95)]
    return Panel(name.replace("_", " "), across, _HELD, (*edges, dots(points)))


def _roc(words: str, rule: Figures) -> Panel:
    across = Axis(0.0, 1.0, _PARTS, "false alarms, of patients without a fault")
    up = Axis(0.0, 1.0, _PARTS, "found, of faults")
    curve: Sequence[tuple[float, float]] = [(0.0, 0.0), *map(tuple, rule["curve"]), (1.0, 1.0)]
    chance = line([(0.0, 0.0), (1.0, 1.0)], "axis")
    at = max((point for point in curve if point[0] <= 0.05), key=lambda point: point[1])
    return Panel(
        f"{words}, area {rule['area']:.2f}", across, up, (chance, line(_stepped(curve), "a"), dots([at]))
    )


def _stepped(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Up before across, as no threshold lies between."""
    points = [curve[0]]
    for x, y in curve[1:]:
        points += [(points[-1][0], y), (x, y)]
    return points
