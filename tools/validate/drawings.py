"""The drawings of the report from its figures."""

from collections.abc import Mapping
from typing import Any

from openitb import catalogue
from openitb.body.parameters import known_by_field
from tools.validate.sensitivity import OUTPUTS
from tools.validate.spread import COURSE_H, DOSES
from tools.validate.svg import Axis, Panel, band, dots, line, page, sheet, words
from tools.validate.targets import PREFIX, targets
from tools.validate.trajectories import SHOWN_MONTHS

PRESETS = (("well_mixed", "a"), ("poorly_mixed", "b"))
SHOWN_BARS = 9
_ROW, _NAME, _BARS = 17, 150, 180

Figures = Mapping[str, Any]


def drawings(figures: Figures) -> dict[str, str]:
    """Every drawing by its file name."""
    return {
        "predictive.svg": sheet([_bolus(figures), _reflex(figures), _lumbar(figures)], columns=3),
        "doses.svg": sheet([_doses(figures, cause) for cause in figures["doses"]["well_mixed"]]),
        "sensitivity.svg": _tornado(figures["sensitivity"]["well_mixed"]),
    }


def _bolus(figures: Figures) -> Panel:
    seen = [(_fact(t.target_id, "hour"), _fact(t.target_id, "value")) for t in targets("course")]
    return Panel(
        "50 µg by lumbar puncture",
        Axis(0, 24, (0, 4, 8, 12, 24), "hours"),
        Axis(0, 100, (0, 25, 50, 75, 100), "% of excess leg tone taken"),
        (*_bands(figures, "bolus", COURSE_H.tolist()), dots(seen)),
    )


def _reflex(figures: Figures) -> Panel:
    seen = [(_fact(f"hm-{part}", "value"), float(part)) for part in (75, 50, 25)]
    return Panel(
        "H/M ratio, 1.7 years treated",
        Axis(20, 1500, (30, 100, 300, 1000), "µg/day", log=True),
        Axis(0, 100, (0, 25, 50, 75, 100), "% left"),
        (*_bands(figures, "reflex", DOSES.tolist()), dots(seen)),
    )


def _lumbar(figures: Figures) -> Panel:
    ends = [(float(dose), _fact(f"lumbar-{dose}", "value")) for dose in (50, 1200)]
    return Panel(
        "Lumbar CSF at steady state",
        Axis(20, 1500, (30, 100, 300, 1000), "µg/day", log=True),
        Axis(10, 10000, (10, 100, 1000, 10000), "ng/mL", log=True),
        (*_bands(figures, "lumbar", DOSES.tolist()), line(ends, "axis"), dots(ends)),
    )


def _doses(figures: Figures, cause: str) -> Panel:
    entries = catalogue.load().practice
    seen = [
        (_fact(t.target_id, "month") / 12, _fact(t.target_id, "value"))
        for t in targets("doses")
        if entries[PREFIX + t.target_id].fact("cause").text() == cause
    ]
    years = [month / 12 for month in SHOWN_MONTHS]
    drawn = []
    for preset, kind in PRESETS:
        shown = figures["doses"][preset][cause]
        if "mean" in shown:
            drawn += [
                band(years, (shown["low"], shown["high"]), f"f{kind}"),
                line(list(zip(years, shown["mean"], strict=True)), kind),
            ]
    across, up = Axis(0, 10, (0, 2, 4, 6, 8, 10), "years"), Axis(0, 700, (0, 200, 400, 600), "µg/day")
    return Panel(cause, across, up, (*drawn, dots(seen)))


def _bands(figures: Figures, name: str, across: list[float]) -> list[Any]:
    drawn = []
    for preset, kind in PRESETS:
        low, middle, high = figures["spread"][preset]["bands"][name]
        drawn += [band(across, (low, high), f"f{kind}"), line(list(zip(across, middle, strict=True)), kind)]
    return drawn


def _tornado(found: Mapping[str, Mapping[str, list[float]]]) -> str:
    """For each output the parameters that move it most, as bars from one end to the other."""
    parts, width, height = [], _NAME + _BARS + 20, (SHOWN_BARS + 3) * _ROW
    for k, (output, (unit, _)) in enumerate(OUTPUTS.items()):
        x, y = k % 2 * width, k // 2 * height
        inner = "".join(_bars(output, unit, found[output]))
        parts.append(f'<g transform="translate({x},{y})">{inner}</g>')
    return page(2 * width, -(-len(OUTPUTS) // 2) * height, parts)


def _bars(output: str, unit: str, moved: Mapping[str, list[float]]) -> list[str]:
    typical, shown = moved["typical"][0], ranked(moved)[:SHOWN_BARS]
    ends = [value for name in shown for value in moved[name]] + [typical]
    low, span = min(ends), (max(ends) - min(ends)) or 1.0

    def at(value: float) -> float:
        return _NAME + (value - low) / span * _BARS

    drawn = [words(f"{output}: {typical:.3g}{'' if unit == '1' else ' ' + unit}", 4, 14, kind="title")]
    for row, name in enumerate(shown, start=1):
        y = row * _ROW + 6
        drawn.append(words(_known(name), _NAME - 6, y + 10, "end"))
        for value, kind in zip(moved[name], ("bb", "ba"), strict=True):
            left, right = sorted((at(value), at(typical)))
            size = f'width="{right - left:.1f}" height="{_ROW - 5}"'
            drawn.append(f'<rect class="{kind}" x="{left:.1f}" y="{y}" {size}/>')
    bottom = (SHOWN_BARS + 1) * _ROW + 14
    return [
        *drawn,
        words(f"{low:.3g}", _NAME, bottom),
        words(f"{low + span:.3g}", _NAME + _BARS, bottom, "end"),
    ]


def ranked(moved: Mapping[str, list[float]]) -> list[str]:
    """Parameters by how far they move an output, furthest first."""
    names = [name for name in moved if name != "typical"]
    return sorted(names, key=lambda name: -abs(moved[name][1] - moved[name][0]))


def _known(field: str) -> str:
    return {name: known.name for name, known in known_by_field()}[field].replace("_", " ")


def _fact(target_id: str, name: str) -> float:
    return float(catalogue.load().practice[PREFIX + target_id].fact(name).number())
