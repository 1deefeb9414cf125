"""The page about the twin: `page.md` with its figures filled in."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from openitb.twin import LABELS
from tools.twin.calibration import AFTER_DAYS
from tools.twin.detection import DEVICE
from tools.twin.figures import FALSE_ALARMS
from tools.twin.patients import TONE, VISIT_DAYS

Figures = Mapping[str, Any]
TEMPLATE = Path(__file__).with_name("page.md")
AIM = (0.85, 0.95)
_SURE = 1.65  # SDs of a share beyond which a miss is not put down to few patients
_RULES = {
    "twin": "twin's probability of a device fault",
    "volume_ml": "volume difference",
    "worse": "legs worse",
}


def page(figures: Figures) -> str:
    """The whole page."""
    text = TEMPLATE.read_text(encoding="utf-8")
    for mark, value in {**_study(figures["calibration"]), **_detection(figures["detection"])}.items():
        text = text.replace(f"%{mark}%", value)
    return text


def _study(calibration: Mapping[str, Figures]) -> dict[str, str]:
    first = next(iter(calibration.values()))
    return {
        "DAYS": ", ".join(map(str, VISIT_DAYS)),
        "AFTER": ", ".join(map(str, AFTER_DAYS)),
        "STUDY_ROWS": _table((_words(name), *_summary(found)) for name, found in calibration.items()),
        "COURSE_ROWS": _table(
            (_words(name), *(_line(found, series) for series in TONE)) for name, found in calibration.items()
        ),
        "NUMBERS_ROWS": _table(
            _number(name, each, first["patients"]) for name, each in first["numbers"].items()
        ),
    }


def _summary(found: Figures) -> tuple[str, ...]:
    return (
        str(found["patients"]),
        _held(found["numbers_held"], found["patients"]),
        _held(found["course_held"], found["patients"]),
        _percent(found["warned"]),
        f"{found['largest_k']:.2f}",
        f"{found['standardised']:.2f}",
    )


def _line(found: Figures, series: str) -> str:
    return ", ".join(
        f"{_held(each['held'], found['patients'])} ({each['off']:.2f}; {each['width']:.2f})"
        for each in found["course"][series]
    )


def _number(name: str, found: Figures, patients: int) -> tuple[str, ...]:
    return f"`{name}`", _held(found["held"], patients), f"{found['off']:.2f}", f"{found['shrinkage']:.2f}"


def _detection(detection: Figures) -> dict[str, str]:
    belief = {label: found for label, found in detection["belief"].items() if found}
    return {
        "HEALTHY": str(detection["healthy"]),
        "FAULTY": str(sum(detection["faulty"].values())),
        "KINDS": ", ".join(f"{number} {label}" for label, number in detection["faulty"].items()),
        "LIMIT": _percent(FALSE_ALARMS),
        "LABELS": " | ".join(f"{label} found" for label in DEVICE),
        "DASHES": " | ".join("---" for _ in DEVICE),
        "DETECTION_ROWS": _table((words, *_rule(detection["rules"][name])) for name, words in _RULES.items()),
        "FALSE": _percent(detection["published"]["false"]),
        "FOUND": _percent(detection["published"]["found"]),
        "ALL_LABELS": " | ".join(LABELS),
        "ALL_DASHES": " | ".join("---" for _ in LABELS),
        "BELIEF_ROWS": _table(
            (label, *(_percent(found[each]) for each in LABELS)) for label, found in belief.items()
        ),
    }


def _rule(rule: Figures) -> tuple[str, ...]:
    return (
        f"{rule['area']:.2f}",
        _percent(rule["found"]),
        "" if rule["visits"] is None else f"{rule['visits']:.1f}",
        "" if rule["delay_days"] is None else f"{rule['delay_days']:.0f} days",
        *(_percent(rule["by_label"].get(label, 0.0)) for label in DEVICE),
    )


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _held(share: float, patients: int) -> str:
    """A share in percent, a miss in bold."""
    if AIM[0] <= share <= AIM[1]:
        return _percent(share)
    edge = AIM[0] if share < AIM[0] else AIM[1]
    few = abs(share - edge) <= _SURE * (edge * (1 - edge) / patients) ** 0.5
    return f"**{_percent(share)}**{' (few)' if few else ''}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _words(part: str) -> str:
    return part.replace("_", " ")
