"""What the rows of the study add up to: the figures of the page, kept as JSON beside it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from openitb.body.anatomy import Floats
from openitb.twin.faults import LABELS, NONE, TOLERANCE
from tools.twin.calibration import AFTER_DAYS
from tools.twin.detection import DEVICE
from tools.twin.patients import TONE
from tools.twin.study import DETECTION, Row, parts, rows

Figures = dict[str, Any]
KEPT = Path(__file__).parents[2] / "docs" / "twin" / "figures.json"
FALSE_ALARMS = 0.05  # of healthy patients, over the whole record, at which rules are compared
DETECTORS = ("twin", "volume_ml", "worse")
_DIGITS = 3


def computed(folder: Path) -> Figures:
    """The figures of what is kept in a folder."""
    named = {part: rows(folder, part) for part in parts()}
    return {
        "calibration": {
            part: _calibration(found) for part, found in named.items() if found and part != DETECTION
        },
        "detection": _detection(named[DETECTION]),
    }


def kept() -> Figures:
    """The figures the page was last written from."""
    found: Figures = json.loads(KEPT.read_text(encoding="utf-8"))
    return found


def as_text(figures: Figures) -> str:
    """The figures as they are kept."""
    return json.dumps(figures, ensure_ascii=False, separators=(",", ":")) + "\n"


def _calibration(found: Sequence[Row]) -> Figures:
    numbers = {name: _numbers([row["numbers"][name] for row in found]) for name in found[0]["numbers"]}
    ahead = {
        series: [_course([row["course"][f"{series} {day}"] for row in found]) for day in AFTER_DAYS]
        for series in TONE
    }
    return {
        "patients": len(found),
        "numbers": numbers,
        "numbers_held": _mean([each["held"] for each in numbers.values()]),
        "course": ahead,
        "course_held": _mean([each["held"] for lines in ahead.values() for each in lines]),
        "none": _mean([row["none"] for row in found]),
        "warned": _mean([row["warned"] for row in found]),
        "largest_k": _short(max(row["k"] for row in found)),
        "fewest_effective": round(min(row["effective"] for row in found)),
        "standardised": _mean([row["standardised"] for row in found]),
        "tone_points": _mean([row["tone_points"] for row in found]),
        "occasion": _mean([row["occasion"][0] for row in found]),
        "occasion_shrinkage": _mean([row["occasion"][1] for row in found]),
    }


def _numbers(found: Sequence[Sequence[float]]) -> Figures:
    """Held by the band, error of the median as a logarithm, shrinkage of one patient."""
    held, off, left = np.array(found, dtype=np.float64).T
    return {
        "held": _short(held.mean()),
        "off": _short(_rms(off)),
        "shrinkage": _short(left.mean()),
    }


def _course(found: Sequence[Sequence[float]]) -> Figures:
    held, off, width = np.array(found, dtype=np.float64).T
    return {
        "held": _short(held.mean()),
        "off": _short(_rms(off)),
        "width": _short(width.mean()),
    }


def _detection(found: Sequence[Row]) -> Figures:
    healthy = [row for row in found if row["label"] in {NONE, TOLERANCE}]
    faulty = [row for row in found if row["label"] in DEVICE]
    if not (healthy and faulty):
        return {}
    return {
        "healthy": len(healthy),
        "faulty": {label: sum(row["label"] == label for row in faulty) for label in DEVICE},
        "rules": {name: _rule(name, healthy, faulty) for name in DETECTORS},
        "published": _published(healthy, faulty),
        "belief": {label: _belief([row for row in found if row["label"] == label]) for label in LABELS},
    }


def _rule(name: str, healthy: Sequence[Row], faulty: Sequence[Row]) -> Figures:
    calm, hit = (np.array([_highest(name, row) for row in group]) for group in (healthy, faulty))
    marks = np.unique(np.concatenate([calm, hit, [np.inf]]))[::-1]
    curve = [(_short((calm >= mark).mean()), _short((hit >= mark).mean())) for mark in marks]
    limit = float(min(mark for mark in marks if (calm >= mark).mean() <= FALSE_ALARMS))
    within = [row for row in faulty if _alarm_day(name, limit, row) is not None]
    delays = [float(_alarm_day(name, limit, row) or 0) - row["from_day"] for row in within]
    seen = [_visits_until(name, limit, row) for row in within]
    return {
        "curve": curve,
        "area": _short(_area(calm, hit)),
        "limit": None if np.isinf(limit) else _short(limit),
        "found": _short(len(within) / len(faulty)),
        "delay_days": _short(float(np.median(delays))) if delays else None,
        "visits": _mean(seen) if seen else None,
        "by_label": {
            label: _found([row for row in faulty if row["label"] == label], name, limit) for label in DEVICE
        },
    }


def _found(faulty: Sequence[Row], name: str, limit: float) -> float:
    return _mean([_alarm_day(name, limit, row) is not None for row in faulty]) if faulty else 0.0


def _published(healthy: Sequence[Row], faulty: Sequence[Row]) -> Figures:
    """The volume rule as it stands: evaluate or accept."""
    calm = [any(visit["evaluate"] for visit in row["visits"]) for row in healthy]
    hit = [any(visit["evaluate"] for visit in _after(row)) for row in faulty]
    return {"false": _mean(calm), "found": _mean(hit)}


def _belief(found: Sequence[Row]) -> dict[str, float]:
    """Mean probability of each label at the last visit, of patients of one label."""
    return {label: _mean([row["visits"][-1][label] for row in found]) for label in LABELS} if found else {}


def _statistic(name: str, visit: Mapping[str, Any]) -> float:
    return float(sum(visit[label] for label in DEVICE)) if name == "twin" else float(visit[name])


def _highest(name: str, row: Row) -> float:
    """The highest a rule ever stood; of a fault only from its beginning on."""
    return max((_statistic(name, visit) for visit in _after(row)), default=-np.inf)


def _after(row: Row) -> list[Mapping[str, Any]]:
    begun = row["from_day"] if row["label"] in DEVICE else 0.0
    return [visit for visit in row["visits"] if visit["day"] > begun]


def _alarm_day(name: str, limit: float, row: Row) -> float | None:
    return next((visit["day"] for visit in _after(row) if _statistic(name, visit) >= limit), None)


def _visits_until(name: str, limit: float, row: Row) -> int:
    """The visit after the fault at which it is found, 1 the first."""
    after = _after(row)
    return next(k for k, visit in enumerate(after, start=1) if _statistic(name, visit) >= limit)


def _area(calm: np.ndarray[Any, Any], hit: np.ndarray[Any, Any]) -> float:
    """Under the curve: how often a fault stands higher than health, ties half."""
    above = (hit[:, None] > calm).mean()
    return float(above + (hit[:, None] == calm).mean() / 2)


def _mean(values: Sequence[float | None]) -> float:
    return _short(float(np.mean([value for value in values if value is not None])))


def _rms(values: Floats) -> float:
    return float(np.sqrt((values**2).mean()))


def _short(value: float) -> float:
    return float(f"{float(value):.{_DIGITS}g}")
