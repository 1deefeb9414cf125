"""Start-up and trumpet curves as a picture, in the tradition of IEC 60601-2-24.

Above the flow since the start beside the set one, with the smoothing stated; below the largest and the
smallest error of any window, over the length of the window. Windows shorter than the time between two
deliveries are left out: they hold one delivery or none, and would hide all others.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoMinorLocator, FuncFormatter, MaxNLocator, NullLocator

from openitb import units
from openitb.cli.spans import span_text
from openitb.implant.metrology import Curves, Window

_NOTICE = "OpenITB simulation, not a medical device"
_INK, _FAINT, _GRID, _BAND = "#1f2937", "#6b7280", "#e5e7eb", "#eef2ff"
_BLUE, _RUST = "#0f62fe", "#b3541e"
_SIZE_IN, _DPI = (6.6, 8.2), 160
_HEADROOM = 1.15
_IN_MINUTES, _IN_HOURS = 3 * units.MS_PER_H, 4 * units.MS_PER_DAY
_STYLE: dict[Any, Any] = {
    "font.size": 11,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "svg.fonttype": "none",
}


@dataclass(frozen=True, slots=True)
class Bench:
    """What stood on the bench: a line about pump and setting, and the accuracy its maker states, percent."""

    title: str
    accuracy_percent: float


def plot(found: Curves, bench: Bench, path: Path) -> None:
    """Write the picture; the format follows the file's name."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE_IN, layout="constrained")
        start, trumpet = figure.subplots(2, 1)
        _start_up(start, found, bench)
        _trumpet(trumpet, found, bench)
        figure.suptitle(bench.title, x=0.01, ha="left", fontsize=13, parse_math=False)
        figure.supxlabel(_NOTICE, x=0.99, ha="right", fontsize=9, color=_FAINT)
        figure.savefig(path, dpi=_DPI)


def _start_up(axis: Axes, found: Curves, bench: Bench) -> None:
    """Flow over time; the axis begins at no flow and at the start."""
    size, unit = _time_unit(found.startup[-1].after_ms)
    due = found.set_nl_per_day / units.NL_PER_ML
    off = due * bench.accuracy_percent / 100
    times = [0.0, *(point.after_ms / size for point in found.startup)]
    flows = [0.0, *(point.flow_nl_per_day / units.NL_PER_ML for point in found.startup)]
    accuracy = f"accuracy stated, ±{bench.accuracy_percent:g} %"
    axis.axhspan(due - off, due + off, color=_BAND, zorder=0, label=accuracy)
    axis.axhline(due, color=_RUST, lw=1.2, ls="--", label=f"set, {due:g} mL/day")
    axis.plot(times, flows, color=_BLUE, lw=1.6, label="delivered")
    axis.set_xlim(0, times[-1])
    axis.set_ylim(0, max(*flows, due + off) * _HEADROOM)
    axis.set_xlabel(f"time since the start, {unit}")
    axis.set_ylabel("flow, mL/day")
    mean = f"mean of the last {span_text(found.smoothing_ms)}, before that of all since the start"
    axis.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 3, 6, 10]))
    _finish(axis, "Start-up: flow since the start", f"{mean}\n{_first(found)}")


def _first(found: Curves) -> str:
    if found.first_ms is None:
        return "nothing left the outlet"
    return f"first fluid within {span_text(found.first_ms)}"


def _trumpet(axis: Axes, found: Curves, bench: Bench) -> None:
    """Largest and smallest error over the window, on a linear axis so that the shape is the trumpet's."""
    shown = _even(found)
    lengths = [window.length_ms for window in shown]
    off = bench.accuracy_percent
    axis.axhspan(-off, off, color=_BAND, zorder=0, label=f"accuracy stated, ±{off:g} %")
    axis.axhline(0, color=_FAINT, lw=0.8)
    axis.plot(lengths, [w.highest_percent for w in shown], color=_BLUE, marker="o", ms=4, label="highest")
    axis.plot(lengths, [w.lowest_percent for w in shown], color=_RUST, marker="o", ms=4, label="lowest")
    overall = f"in all, {_percent(found.overall_percent)}"
    axis.axhline(found.overall_percent, color=_INK, lw=1.2, ls="--", label=overall)
    axis.set_xscale("log")
    axis.set_xticks(lengths, [span_text(length) for length in lengths], rotation=45, ha="right")
    axis.xaxis.set_minor_locator(NullLocator())
    low, high = min(w.lowest_percent for w in shown), max(w.highest_percent for w in shown)
    axis.set_ylim(min(low, -off) * _HEADROOM, max(high, off) * _HEADROOM)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _percent(value)))
    axis.set_xlabel("observation window")
    axis.set_ylabel("error of the flow")
    every = f"every window of a record of {span_text(found.span_ms)}"
    _finish(axis, "Trumpet: error over the window", f"{every}\n{_left_out(found)}")


def _even(found: Curves) -> tuple[Window, ...]:
    """The windows that hold a delivery or more on average; the longest where none does."""
    held = tuple(window for window in found.trumpet if window.length_ms >= found.between_ms)
    return held or found.trumpet[-1:]


def _left_out(found: Curves) -> str:
    if _even(found) == found.trumpet:
        return "the shortest is that of the record"
    return f"left out: shorter than {span_text(found.between_ms)}, which hold one delivery or none"


def _percent(value: float) -> str:
    """`+10 %`, `0 %` and a true minus sign."""
    shown = units.format_number(abs(value), 1)
    sign = "" if shown == "0" else "+" if value > 0 else "\N{MINUS SIGN}"
    return f"{sign}{shown} %"


def _time_unit(span_ms: int) -> tuple[int, str]:
    if span_ms <= _IN_MINUTES:
        return units.MS_PER_MIN, "minutes"
    if span_ms <= _IN_HOURS:
        return units.MS_PER_H, "hours"
    return units.MS_PER_DAY, "days"


def _finish(axis: Axes, title: str, note: str) -> None:
    axis.set_title(title, loc="left", fontsize=12, fontweight="bold", pad=34)
    axis.text(0, 1.02, note, transform=axis.transAxes, fontsize=9, color=_FAINT, linespacing=1.4)
    axis.yaxis.set_minor_locator(AutoMinorLocator(2))
    axis.grid(color=_GRID, lw=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=9, loc="best")
