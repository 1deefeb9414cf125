"""A fit as plain values, and as a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from openitb.body.anatomy import Floats
from openitb.prescription import order_to_mapping
from openitb.twin.faults import LABELS
from openitb.twin.fitting import Fit, Update
from openitb.twin.likelihood import SERIES as SCORED
from openitb.twin.likelihood import middle_of
from openitb.twin.predict import Course, Line
from openitb.units import MS_PER_DAY

NOTICE = "OpenITB simulation, not a medical device"
_INK, _FAINT, _GRID, _BLUE = "#1f2937", "#6b7280", "#e5e7eb", "#0f62fe"
_COLOURS = ("#d1d5db", "#f0a36b", "#b91c1c", "#7c3aed", "#0f766e")
_NAMES = {
    "leg_ashworth": "leg Ashworth\n1 to 5",
    "arm_ashworth": "arm Ashworth\n1 to 5",
    "spasm_score": "spasms\n0 to 4",
    "sedation_tolerant": "sedation\npart of full effect",
    "withdrawal": "withdrawal\ndrive",
}


def to_json(fitted: Fit, course: Course | None, updates: Sequence[Update]) -> dict[str, Any]:
    """Everything a fit says, as plain values for JSON."""
    return {
        "at_ms": fitted.at_ms,
        "probabilities": dict(fitted.probabilities),
        "since_ms": fitted.since_ms,
        "dispersions": dict(fitted.dispersions),
        "estimates": [asdict(each) for each in fitted.estimates],
        "residuals": asdict(fitted.residuals),
        "trust": asdict(fitted.trust),
        "course": None if course is None else _course(course),
        "updates": [{**asdict(each), "probabilities": dict(each.probabilities)} for each in updates],
    }


def draw(fitted: Fit, course: Course, updates: Sequence[Update], path: Path) -> None:
    """Write the picture: predicted course with what was seen, and the probabilities visit by visit."""
    rows = len(course.series) + bool(updates)
    with mpl.rc_context({"font.size": 9, "axes.edgecolor": _FAINT, "text.color": _INK}):
        figure = Figure(figsize=(10, 1.8 * rows + 0.8), layout="constrained")
        axes = list(np.ravel(figure.subplots(rows, 1, squeeze=False)))
        if updates:
            _belief(axes.pop(0), fitted, updates)
        for axis, (name, line) in zip(axes, course.series.items(), strict=True):
            _line(axis, fitted, course, (name, line))
        axes[-1].set_xlabel("days from the start of the record")
        figure.supxlabel(NOTICE, x=0.99, ha="right", fontsize=7, color=_FAINT)
        figure.savefig(path, dpi=140)


def _belief(axis: Axes, fitted: Fit, updates: Sequence[Update]) -> None:
    days = _days(fitted, [each.at_ms for each in updates])
    parts = [[each.probabilities[label] for each in updates] for label in LABELS]
    axis.stackplot(days, parts, labels=LABELS, colors=_COLOURS)
    axis.set(ylim=(0, 1), xlim=(days[0], days[-1]), ylabel="probability\nafter each visit")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(LABELS), frameon=False, fontsize=8)


def _line(axis: Axes, fitted: Fit, course: Course, named: tuple[str, Line]) -> None:
    name, line = named
    days = _days(fitted, course.time_ms.tolist())
    axis.fill_between(days, line.low, line.high, color=_BLUE, alpha=0.16, lw=0)
    axis.plot(days, line.median, color=_BLUE, lw=1.5)
    now = _days(fitted, [course.now_ms])[0]
    axis.axvline(now, color=_FAINT, lw=0.8, ls=":")
    seen = [
        (each.at_ms, middle_of(each.cuts)[each.given])
        for each in fitted.targets[0].model.seen
        if each.series == name
    ]
    inside = [(at, value) for at, value in seen if at >= course.time_ms[0]]
    if inside and name in SCORED.values():
        axis.plot(
            _days(fitted, [at for at, _ in inside]), [value for _, value in inside], "o", color=_INK, ms=4
        )
    axis.set(
        ylabel=_NAMES[name], ylim=(0, 5.2 if "ashworth" in name else 4.2 if name == "spasm_score" else 1.02)
    )
    axis.grid(visible=True, color=_GRID, lw=0.6)
    axis.spines[["top", "right"]].set_visible(False)


def _days(fitted: Fit, at_ms: Sequence[int]) -> Floats:
    return (np.array(at_ms, dtype=np.float64) - fitted.record.start_ms) / MS_PER_DAY


def _course(course: Course) -> dict[str, Any]:
    verdict = course.verdict
    return {
        "time_ms": course.time_ms.tolist(),
        "now_ms": course.now_ms,
        "order": order_to_mapping(course.program.order),
        "gate": None if verdict is None else verdict.outcome,
        "findings": [] if verdict is None else [each.message for each in verdict.findings],
        "series": {name: _plain(line) for name, line in course.series.items()},
        "warnings": list(course.warnings),
    }


def _plain(line: Line) -> Mapping[str, Any]:
    values = {name: np.round(getattr(line, name), 4).tolist() for name in ("low", "median", "high")}
    return {"unit": line.unit, **values}
