"""Pictures of a study as SVG whose ink and grid follow the page, light or dark."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from openitb.body.anatomy import Floats
from openitb.cohort.study.answer import OutcomeAnswer, column
from openitb.cohort.study.design import PERCENT, Study, number
from openitb.cohort.study.file import PlotTable

ARM_COLOURS = ("#2f7ed8", "#e0671b", "#1f9e77", "#b4519c", "#94830c", "#c23b4b", "#6f6ad6", "#5f7f8f")
LABELS = {
    "leg_ashworth": "leg Ashworth, 1-5",
    "arm_ashworth": "arm Ashworth, 1-5",
    "spasm_score": "spasm score, 0-4",
    "sedation": "sedation if not used to it, 0-1",
    "sedation_tolerant": "sedation, 0-1",
    "withdrawal": "withdrawal drive, 0-1",
    "dose": "daily dose, µg",
    "residual_day": "one volume off",
    "residual_twice_day": "two volumes off",
    "score_day": "scores risen",
}
_INK, _GRID = "#0a0b0c", "#d0d1d2"  # replaced by the page's own
_WIDTH_IN, _PANEL_IN = 5.6, 2.5
_STYLE: Any = {
    "font.size": 10, "svg.fonttype": "none", "svg.hashsalt": "openitb", "text.color": _INK,
    "axes.edgecolor": _INK, "axes.labelcolor": _INK, "xtick.color": _INK, "ytick.color": _INK,
    "axes.spines.top": False, "axes.spines.right": False, "font.family": "sans-serif",
    "axes.titlesize": 10, "axes.titlelocation": "left",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Data:
    study: Study
    people: pl.DataFrame
    found: tuple[OutcomeAnswer, ...]


def draw(study: Study, people: pl.DataFrame, found: tuple[OutcomeAnswer, ...], plot: PlotTable) -> str:
    """One picture as SVG; its colours of text and grid are the variables `--ink` and `--grid`."""
    data = _Data(study, people, found)
    with mpl.rc_context(_STYLE):
        panels = list(_panels(study, plot))
        figure = Figure(figsize=(_WIDTH_IN, _PANEL_IN * len(panels) + 0.4), layout="constrained")
        axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
        for axis, what in zip(axes, panels, strict=True):
            axis.grid(visible=True, color=_GRID, lw=0.6)
            axis.set_axisbelow(True)
            _KINDS[plot.kind](axis, data, what)
        return _themed(figure)


def standalone(svg: str) -> str:
    """The same picture as a file of its own, which follows the reader's light or dark."""
    style = (
        "<style>svg{--ink:#1f2937;--grid:#e5e7eb;background:#fff}"
        "@media(prefers-color-scheme:dark){svg{--ink:#e5e7eb;--grid:#374151;background:#111827}}</style>"
    )
    return re.sub(r"(<svg[^>]*>)", rf"\1{style}", svg, count=1) + "\n"


def _panels(study: Study, plot: PlotTable) -> Iterator[tuple[str, ...]]:
    """What each panel shows: a name, or for finding an arm and all the signs."""
    if plot.kind == "found":
        yield from ((arm.name, *plot.of) for arm in study.arms)
    else:
        yield from ((name,) for name in plot.of)


def _arms(axis: Axes, data: _Data, what: tuple[str, ...]) -> None:
    """An outcome by arm, with its interval: along the axis of the study, or name by name."""
    answer = next(each for each in data.found if each.outcome.name == what[0])
    scale = PERCENT if answer.outcome.show == "share" else 1.0
    rows = np.array([(a.estimate.value, a.estimate.low, a.estimate.high) for a in answer.arms]) * scale
    values, bars = rows[:, 0], np.abs(rows[:, 1:] - rows[:, :1]).T
    label = f"{what[0]}, {'% of people' if answer.outcome.show == 'share' else answer.outcome.unit}".strip(
        ", "
    )
    at = [arm.value for arm in data.study.arms]
    if data.study.axis and all(value is not None for value in at):
        axis.errorbar(
            np.array(at, float), values, bars, color=ARM_COLOURS[0], marker="o", ms=4, capsize=2, lw=1.4
        )
        axis.set(xlabel=data.study.axis, ylabel=label)
        axis.set_ylim(bottom=min(0.0, float(np.nanmin(rows))))
        return
    for place, name in enumerate(arm.name for arm in data.study.arms):
        colour = ARM_COLOURS[place % len(ARM_COLOURS)]
        axis.errorbar(values[place], place, xerr=bars[:, [place]], color=colour, marker="o", ms=5, capsize=3)
        axis.annotate(
            name, (values[place], place), (0, 7), textcoords="offset points", ha="center", fontsize=9
        )
    axis.set(xlabel=label, yticks=[], ylim=(len(data.study.arms) - 0.4, -0.8))
    axis.margins(x=0.25)
    if scale != 1.0:
        axis.set_xlim(-12, 112)
    axis.spines["left"].set_visible(False)


def _course(axis: Axes, data: _Data, what: tuple[str, ...]) -> None:
    """Median and band over the days."""
    values = _lists(data.people, f"course {what[0]}")
    days = np.arange(values.shape[1], dtype=np.float64) * max(1, -(-data.study.days // values.shape[1]))
    _bands(axis, data, days, values)
    axis.set(xlabel="day", ylabel=LABELS[what[0]])


def _day(axis: Axes, data: _Data, what: tuple[str, ...]) -> None:
    """Median and band over the hours of the last day."""
    values = _lists(data.people, f"day {what[0]}")
    _bands(axis, data, np.arange(values.shape[1], dtype=np.float64), values)
    axis.set(xlabel="hour of the last day", ylabel=LABELS[what[0]], xticks=range(0, 25, 6))


def _bands(axis: Axes, data: _Data, at: Floats, values: Floats) -> None:
    low, high = (number("forecast", f"band_{end}", "percent") / PERCENT for end in ("low", "high"))
    whose = data.people["arm"].to_numpy()
    for turn, arm in enumerate(data.study.arms):
        colour = ARM_COLOURS[turn % len(ARM_COLOURS)]
        band = np.quantile(values[whose == turn], (low, 0.5, high), axis=0)
        axis.fill_between(at, band[0], band[2], color=colour, alpha=0.12, lw=0)
        axis.plot(at, band[1], color=colour, lw=1.5, label=arm.name)
    if len(data.study.arms) > 1:
        axis.legend(frameon=False, fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _found(axis: Axes, data: _Data, what: tuple[str, ...]) -> None:
    """The share of people in whom each sign has been there by a day."""
    arm, *signs = what
    turn = [each.name for each in data.study.arms].index(arm)
    for sign, colour in zip(signs, ARM_COLOURS, strict=False):
        days = column(data.people, turn, sign)
        known = np.sort(days[~np.isnan(days)])
        at = np.concatenate([[0.0], known, [data.study.days]])
        share = np.concatenate([[0.0], np.arange(1, len(known) + 1), [len(known)]]) / len(days) * PERCENT
        axis.step(at, share, where="post", color=colour, lw=1.5, label=LABELS[sign])
    for planned in data.study.arms[turn].faults:
        axis.axvline(planned.at_day, color=_INK, lw=0.8, ls=":")
    axis.set(xlabel="day; dotted: the fault begins", ylabel="% of people", title=arm, ylim=(0, 102))
    axis.legend(frameon=False, fontsize=8)


def _lists(people: pl.DataFrame, name: str) -> Floats:
    return np.array(people[name].to_list(), dtype=np.float64)


def _themed(figure: Figure) -> str:
    into = StringIO()
    figure.savefig(into, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = into.getvalue()[into.getvalue().index("<svg") :]
    text = text.replace(_INK, "var(--ink)").replace(_GRID, "var(--grid)")
    text = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', 'role="img" width="100%"', text, count=1)
    return re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)


_KINDS = {"arms": _arms, "course": _course, "day": _day, "found": _found}
