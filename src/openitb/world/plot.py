"""A simulation as a picture: what was given above what it did, on one time axis."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from openitb.units import MS_PER_H
from openitb.world.series import Floats
from openitb.world.simulation import Simulation

_PANELS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("drug at tip\nµg/h", (("tip_ug_per_h", "drug leaving the tip"),)),
    ("reservoir\nmL", (("reservoir_ml", "fluid in the reservoir"),)),
    (
        "concentration\nng/mL",
        (("lumbar_csf_ng_per_ml", "lumbar CSF"), ("leg_effect_site_ng_per_ml", "cord, legs")),
    ),
    (
        "score",
        (
            ("leg_ashworth", "leg Ashworth, 1-5"),
            ("arm_ashworth", "arm Ashworth, 1-5"),
            ("spasm_score", "spasms, 0-4"),
        ),
    ),
    (
        "fraction",
        (
            ("withdrawal", "withdrawal drive"),
            ("sedation", "sedation"),
            ("respiratory_depression", "respiratory depression"),
        ),
    ),
)
_NOTICE = "OpenITB simulation, not a medical device"
_LABEL_WIDTH = 0.05  # part of the axis
_INK = "#1f2937"
_COLOURS = ("#0f62fe", "#b3541e", "#5b7f2b")


def draw(simulation: Simulation, path: Path) -> None:
    """Write the picture; the format follows the file's name (png, svg, pdf)."""
    with mpl.rc_context({"font.size": 9, "axes.edgecolor": _INK, "axes.labelcolor": _INK}):
        figure = Figure(figsize=(10, 11), layout="constrained")
        axes = figure.subplots(len(_PANELS), 1, sharex=True)
        time, unit = _time_axis(simulation.time_h)
        for axis, (label, lines) in zip(axes, _PANELS, strict=True):
            _panel(axis, simulation, time, label, lines)
        axes[-1].set_xlabel(f"time from start, {unit}")
        _mark_events(axes, simulation, float(time[-1] / simulation.time_h[-1]))
        figure.suptitle(simulation.case.title or "Simulation", x=0.01, ha="left", fontsize=12, color=_INK)
        figure.text(
            0.99, 0.002, "OpenITB simulation, not a medical device", ha="right", fontsize=7, color="#6b7280"
        )
        figure.savefig(path, dpi=140)


def _time_axis(time_h: Floats) -> tuple[Floats, str]:
    return (time_h / 24, "days") if time_h[-1] > 72 else (time_h, "hours")


def _panel(
    axis: Axes, simulation: Simulation, time: Floats, label: str, lines: tuple[tuple[str, str], ...]
) -> None:
    for (name, legend), colour in zip(lines, _COLOURS, strict=False):
        style = "steps-post" if name == "tip_ug_per_h" else "default"
        axis.plot(time, simulation.series[name], color=colour, lw=1.4, label=legend, drawstyle=style)
    axis.set_ylabel(label)
    axis.grid(visible=True, color="#e5e7eb", lw=0.6)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(loc="upper right", frameon=False, fontsize=8, ncols=len(lines))
    low, high = axis.get_ylim()
    axis.set_ylim(min(low, 0.0), high * 1.15 if high > 0 else 1.0)


def _mark_events(axes: list[Axes], simulation: Simulation, per_hour: float) -> None:
    start = simulation.case.start_ms
    marks = [((h.at_ms - start) / MS_PER_H * per_hour, h.kind) for h in simulation.story]
    for at, _ in marks:
        for axis in axes:
            axis.axvline(at, color="#9ca3af", lw=0.7, ls=":", zorder=0)
    for at, label in _joined(marks, float(simulation.time_h[-1]) * per_hour * _LABEL_WIDTH):
        place = (at, 1.01)
        axes[0].annotate(label, place, xycoords=("data", "axes fraction"), fontsize=7, color=_INK)


def _joined(marks: list[tuple[float, str]], apart: float) -> list[tuple[float, str]]:
    """Labels nearer than `apart` share one place."""
    places: list[tuple[float, list[str]]] = []
    for at, kind in marks:
        if not places or at - places[-1][0] > apart:
            places.append((at, []))
        if kind not in places[-1][1]:
            places[-1][1].append(kind)
    return [(at, "\n".join(reversed(kinds))) for at, kinds in places]
