"""A run of many people as JSON, table or picture."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from openitb.body.anatomy import Floats
from openitb.cohort.prediction.bands import quantiles
from openitb.cohort.prediction.case_run import PeopleRun
from openitb.units import HOURS_PER_DAY
from openitb.world.used import used

NOTICE = "Simulation for education and research. Not a medical device."

_LINES = ("low", "median", "high", "typical")
_PANELS = {
    "tip_ug_per_h": "drug at tip\nµg/h",
    "lumbar_csf_ng_per_ml": "lumbar CSF\nng/mL",
    "leg_ashworth": "leg Ashworth\n1-5",
    "arm_ashworth": "arm Ashworth\n1-5",
    "spasm_score": "spasms\n0-4",
    "withdrawal": "withdrawal\ndrive",
    "sedation": "sedation\n0-1",
}
_INK, _GRID, _FILL, _TYPICAL = "#1f2937", "#e5e7eb", "#0f62fe", "#b3541e"
_SHOWN_IN_DAYS_FROM_H = 72


def to_json(run: PeopleRun) -> dict[str, Any]:
    """Bands, people, seed and what it all rests on, as plain data."""
    low, _, high = quantiles()
    series = {
        name: {"unit": band.unit} | {line: getattr(band, line).tolist() for line in _LINES}
        for name, band in run.series.items()
    }
    return {
        "version": 1,
        "title": run.case.title,
        "people": run.sampling.people,
        "seed": run.sampling.seed,
        "band": [low, high],
        "time_h": run.time_h.tolist(),
        "series": series,
        "basis": list(run.basis),
        "used": used(run.case),
        "notice": NOTICE,
    }


def table(run: PeopleRun) -> pl.DataFrame:
    """One row per output time; each series with its low, median, high and typical column."""
    columns = {
        f"{name}_{line}": np.asarray(getattr(band, line))
        for name, band in run.series.items()
        for line in _LINES
    }
    return pl.DataFrame({"time_h": run.time_h, **columns})


def write_csv(run: PeopleRun, path: Path) -> None:
    """Write the table as CSV."""
    table(run).write_csv(path)


def draw(run: PeopleRun, path: Path) -> None:
    """Write a picture of the bands; the format follows the file's name (png, svg, pdf)."""
    shown = [name for name in _PANELS if name in run.series]
    time, unit = _time_axis(run.time_h)
    with mpl.rc_context({"font.size": 9, "axes.edgecolor": _INK, "axes.labelcolor": _INK}):
        figure = Figure(figsize=(10, 1.0 + 1.5 * len(shown)), layout="constrained")
        axes = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        for axis, name in zip(axes, shown, strict=True):
            _panel(axis, time, run, name)
        axes[-1].set_xlabel(f"time from start, {unit}")
        title = f"{run.case.title or 'Cohort'}: {run.sampling.people} people"
        figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=_INK)
        figure.text(0.99, 0.002, NOTICE, ha="right", fontsize=7, color="#6b7280")
        figure.align_ylabels(axes)
        figure.savefig(path, dpi=140)


def _panel(axis: Axes, time: Floats, run: PeopleRun, name: str) -> None:
    band = run.series[name]
    if band.low is band.high:
        axis.plot(time, band.median, color=_FILL, lw=1.4, drawstyle="steps-post", label="the same for all")
    else:
        axis.fill_between(time, band.low, band.high, color=_FILL, alpha=0.15, lw=0, label=run.band_name)
        axis.plot(time, band.median, color=_FILL, lw=1.6, label="median")
        axis.plot(time, band.typical, color=_TYPICAL, lw=1.0, ls="--", label="typical person")
    axis.legend(loc="upper right", frameon=False, fontsize=8, ncols=3)
    axis.set_ylabel(_PANELS[name])
    axis.grid(visible=True, color=_GRID, lw=0.6)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_ylim(0.0, max(axis.get_ylim()[1] * 1.15, 0.1))


def _time_axis(time_h: Floats) -> tuple[Floats, str]:
    in_days = time_h[-1] > _SHOWN_IN_DAYS_FROM_H
    return (time_h / HOURS_PER_DAY, "days") if in_days else (time_h, "hours")
