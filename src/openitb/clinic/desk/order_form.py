"""The order as a form: what was typed, shown again as typed, and its textual form for the core.

Nothing is checked here; a number without a unit gets the unit printed beside its box, and
`openitb.prescription` refuses what does not read.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from openitb.prescription.modes import DAY_NAMES

MODES = (
    ("simple continuous", "Simple continuous", "One constant rate"),
    ("flex", "Flex", "Rates by time of day, optionally by weekday"),
    ("minimum rate", "Minimum rate", "Keeps the drive turning; too little to treat"),
    ("stopped", "Stopped", "No delivery"),
)
DOSE_UNIT = "ug/day"
RATE_UNIT = "ug/h"

_NUMBER = re.compile(r"\s*[+-]?[\d.]+\s*")


@dataclass(frozen=True, slots=True)
class StepRow:
    """One row of a flex pattern as typed."""

    start: str = ""
    rate: str = ""


@dataclass(frozen=True, slots=True)
class PatternRows:
    """One flex pattern as typed."""

    days: tuple[str, ...] = DAY_NAMES
    steps: tuple[StepRow, ...] = (StepRow("00:00"),)


@dataclass(frozen=True, slots=True)
class OrderForm:
    """The whole order as typed."""

    mode: str = "simple continuous"
    dose: str = ""
    patterns: tuple[PatternRows, ...] = field(default=(PatternRows(),))

    def to_mapping(self) -> dict[str, Any]:
        """The textual form of the order."""
        if self.mode == "simple continuous":
            return {"mode": self.mode, "dose": _with_unit(self.dose, DOSE_UNIT)}
        if self.mode == "flex":
            return {"mode": self.mode, "patterns": [_pattern_mapping(pattern) for pattern in self.patterns]}
        return {"mode": self.mode}


def order_from_json(text: str) -> dict[str, Any]:
    """The order a page carried along as JSON; anything else than a JSON table is no order."""
    try:
        order = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
    return order if isinstance(order, dict) else {}


def from_post(data: QueryDict) -> OrderForm:
    """The form as it came; rows left wholly empty are left out."""
    numbers = data.getlist("pattern")
    patterns = tuple(_posted_pattern(data, number) for number in numbers)
    return OrderForm(data.get("mode", ""), data.get("dose", ""), patterns or (PatternRows(),))


def from_mapping(order: Mapping[str, Any]) -> OrderForm:
    """The form that shows an order in canonical textual form."""
    mode = str(order.get("mode", ""))
    if mode == "flex":
        patterns = order.get("patterns") or [{"days": DAY_NAMES, "steps": order.get("steps", [])}]
        return OrderForm(mode, "", tuple(_shown_pattern(pattern) for pattern in patterns))
    return OrderForm(mode, _without_unit(order.get("dose", ""), DOSE_UNIT))


def _posted_pattern(data: QueryDict, number: str) -> PatternRows:
    pairs = zip(data.getlist(f"from-{number}"), data.getlist(f"rate-{number}"), strict=False)
    steps = tuple(
        StepRow(start.strip(), rate.strip()) for start, rate in pairs if start.strip() or rate.strip()
    )
    return PatternRows(tuple(data.getlist(f"days-{number}")), steps)


def _shown_pattern(pattern: Mapping[str, Any]) -> PatternRows:
    steps = tuple(
        StepRow(step["from"], _without_unit(step["dose_rate"], RATE_UNIT)) for step in pattern["steps"]
    )
    return PatternRows(tuple(pattern["days"]), steps)


def _pattern_mapping(pattern: PatternRows) -> dict[str, Any]:
    steps = [{"from": step.start, "dose_rate": _with_unit(step.rate, RATE_UNIT)} for step in pattern.steps]
    return {"days": list(pattern.days), "steps": steps}


def _with_unit(text: str, unit: str) -> str:
    return f"{text.strip()} {unit}" if _NUMBER.fullmatch(text) else text.strip()


def _without_unit(text: str, unit: str) -> str:
    return text.removesuffix(unit).strip()
