"""A simulation as a picture: what was done and given above what it did, on one time axis."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from openitb import units
from openitb.protocol import LogKind
from openitb.world.delivery import ordered_timeline
from openitb.world.headline import clock
from openitb.world.series import Floats
from openitb.world.simulation import Simulation

_NOTICE = "OpenITB simulation, not a medical device"
_INK, _FAINT, _GRID = "#1f2937", "#6b7280", "#e5e7eb"
_BLUE, _RUST, _GREEN, _ALARM = "#0f62fe", "#b3541e", "#4d7c0f", "#b91c1c"
_PANEL_IN, _LINE_IN, _LETTER_PART, _MOST_LABEL_ROWS = 2.0, 0.2, 0.0105, 4
_STEEP = 5  # times the usual height at which a peak hides the rest of its panel
_IN_HOURS = 96


@dataclass(frozen=True, slots=True)
class _Time:
    """The axis: hours or days from the start."""

    hours: Floats
    unit: str
    per_hour: float

    @property
    def values(self) -> Floats:
        return self.hours * self.per_hour


@dataclass(frozen=True, slots=True)
class _Mark:
    """Something that happened: where on the axis, in which words and colour."""

    at: float
    text: str
    colour: str

    @property
    def ink(self) -> str:
        return self.colour if self.colour == _ALARM else _INK


@dataclass(frozen=True, slots=True)
class _Words:
    """Where the words of a mark stand above the panels."""

    mark: _Mark
    start: float
    row: int


Panel = Callable[[Axes, Simulation, _Time], None]


def draw(simulation: Simulation, path: Path) -> None:
    """Write the picture; the format follows the file's name (png, svg, pdf)."""
    panels = _panels(simulation)
    time, marks = _time(simulation.time_h), _marks(simulation)
    words = _rows(marks, time)
    strip_in = _LINE_IN * (1 + max((each.row for each in words), default=0))
    with mpl.rc_context({"font.size": 9, "axes.edgecolor": _FAINT, "text.color": _INK}):
        figure = Figure(figsize=(10, 1 + strip_in + _PANEL_IN * len(panels)), layout="constrained")
        rows = figure.subplots(
            len(panels) + 1, 1, sharex=True, height_ratios=[strip_in / _PANEL_IN] + [1] * len(panels)
        )
        for axis, panel in zip(rows[1:], panels, strict=True):
            panel(axis, simulation, time)
            _finish(axis)
        _write_words(rows[0], words)
        for mark in marks:
            for axis in rows[1:]:
                axis.axvline(mark.at * time.per_hour, color=mark.colour, lw=0.8, ls=":", zorder=0)
        _finish_time(rows[-1], time)
        figure.suptitle(
            simulation.case.title or "Simulation", x=0.01, ha="left", fontsize=13, parse_math=False
        )
        figure.supxlabel(_NOTICE, x=0.99, ha="right", fontsize=7, color=_FAINT)
        figure.savefig(path, dpi=140)


def _panels(simulation: Simulation) -> list[Panel]:
    system: list[Panel] = [_tip, _reservoir] if simulation.system else []
    return [*system, _concentrations, _scores, _fractions]


def _tip(axis: Axes, simulation: Simulation, time: _Time) -> None:
    if simulation.case.system:
        ordered = ordered_timeline(simulation.case, simulation.case.system)
        start = simulation.case.start_ms
        edges = np.array([*ordered.starts_ms, ordered.end_ms], dtype=np.float64)
        hours = (edges - start) / units.MS_PER_H * time.per_hour
        values = [*ordered.values, ordered.values[-1]]
        axis.step(hours, values, where="post", color=_FAINT, lw=1.2, ls="--", label="ordered")
    given = simulation.series["tip_ug_per_h"]
    axis.step(time.values, given, where="post", color=_BLUE, lw=1.5, label="left the tip")
    axis.set_ylabel("drug at the tip\nµg/h")
    axis.set_ylim(0, max(axis.get_ylim()[1], 1e-6))


def _reservoir(axis: Axes, simulation: Simulation, time: _Time) -> None:
    axis.plot(time.values, simulation.series["reservoir_ml"], color=_BLUE, lw=1.5, label="fluid in it")
    if simulation.case.system:
        residual = simulation.case.system.pump.residual_volume_nl / units.NL_PER_ML
        axis.axhline(residual, color=_FAINT, lw=1, ls="--", label="residual volume")
    axis.set_ylabel("reservoir\nmL")
    axis.set_ylim(bottom=0)


def _concentrations(axis: Axes, simulation: Simulation, time: _Time) -> None:
    lumbar, cord = (simulation.series[n] for n in ("lumbar_csf_ng_per_ml", "leg_effect_site_ng_per_ml"))
    axis.plot(time.values, lumbar, color=_BLUE, lw=1.5, label="lumbar CSF")
    axis.plot(time.values, cord, color=_RUST, lw=1.5, label="cord, legs")
    axis.set_ylabel("concentration\nng/mL")
    if lumbar.max() > _STEEP * max(np.percentile(lumbar, 95), cord.max()):
        axis.set_yscale("log")
        axis.set_ylim(1, lumbar.max() * 2)
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axis.set_ylim(bottom=0)


def _scores(axis: Axes, simulation: Simulation, time: _Time) -> None:
    lines = (
        ("leg_ashworth", "leg Ashworth, 1 to 5", _BLUE),
        ("arm_ashworth", "arm Ashworth, 1 to 5", _RUST),
        ("spasm_score", "spasms, 0 to 4", _GREEN),
    )
    for name, label, colour in lines:
        axis.plot(time.values, simulation.series[name], color=colour, lw=1.5, label=label)
    untreated = simulation.case.patient.leg_ashworth
    axis.axhline(untreated, color=_BLUE, lw=0.8, ls="--", label="legs untreated")
    axis.set_ylabel("score")
    axis.set_ylim(0, 5.2)


def _fractions(axis: Axes, simulation: Simulation, time: _Time) -> None:
    lines = (
        ("withdrawal", "withdrawal", _BLUE),
        ("sedation", "sedation", _RUST),
        ("respiratory_depression", "respiratory depression", _ALARM),
    )
    for name, label, colour in lines:
        axis.plot(time.values, simulation.series[name], color=colour, lw=1.5, label=label)
    axis.set_ylabel("part of the\nlargest effect")
    axis.set_ylim(0, 1.02)


def _finish(axis: Axes) -> None:
    axis.grid(visible=True, color=_GRID, lw=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(colors=_INK)
    axis.legend(
        loc="lower right", bbox_to_anchor=(1, 0.99), frameon=False, fontsize=8, ncols=4, borderaxespad=0.1
    )


def _finish_time(axis: Axes, time: _Time) -> None:
    axis.set_xlabel(f"time from the start, {time.unit}")
    axis.set_xlim(0, float(time.values[-1]))
    span = float(time.hours[-1])
    if time.unit == "hours" and span > 6:
        axis.xaxis.set_major_locator(MultipleLocator(3 if span <= 24 else 12))
    else:
        axis.xaxis.set_major_locator(MaxNLocator(nbins=12, steps=[1, 2, 5, 10]))


def _time(hours: Floats) -> _Time:
    if hours[-1] <= _IN_HOURS:
        return _Time(hours, "hours", 1.0)
    return _Time(hours, "days", 1 / units.HOURS_PER_DAY)


def _marks(simulation: Simulation) -> list[_Mark]:
    """Everything done and every alarm, in order of time; `at` in hours."""
    start = simulation.case.start_ms
    done = [
        _Mark(
            (told.at_ms - start) / units.MS_PER_H,
            f"{told.kind} (mistake)" if told.mistake else told.kind,
            _ALARM if told.mistake else _FAINT,
        )
        for told in simulation.story
    ]
    log = simulation.system.end.implant.firmware.log.entries if simulation.system else ()
    alarms = [
        _Mark(
            entry.tick_ms / units.MS_PER_H,
            f"alarm: {entry.get('condition')} {clock(entry.tick_ms / units.MS_PER_H)}",
            _ALARM,
        )
        for entry in log
        if entry.kind is LogKind.ALARM_RAISED
    ]
    return sorted(done + alarms, key=lambda mark: mark.at)


def _rows(marks: list[_Mark], time: _Time) -> list[_Words]:
    """Each mark's words in the lowest row with room; in a crowd some keep only their line."""
    letter = float(time.values[-1]) * _LETTER_PART
    free = [0.0] * _MOST_LABEL_ROWS
    placed: list[_Words] = []
    for mark in marks:
        wide = letter * len(mark.text)
        start = max(0.0, min(mark.at * time.per_hour, float(time.values[-1]) - wide))
        row = next((r for r, end in enumerate(free) if start >= end), None)
        if row is not None:
            free[row] = start + wide + 2 * letter
            placed.append(_Words(mark, start, row))
    return placed


def _write_words(axis: Axes, words: list[_Words]) -> None:
    axis.set_axis_off()
    axis.set_ylim(-0.2, max((each.row for each in words), default=0) + 1)
    for each in words:
        place = (each.start, each.row)
        axis.annotate(each.mark.text, place, fontsize=8, color=each.mark.ink, annotation_clip=False)
