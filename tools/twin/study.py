"""The whole study: what is run, and its figures kept as JSON beside the page.

`python -m tools.twin.study PART` runs one part and keeps its rows; the page is written from what is kept.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from openitb.twin.fitting import PRESETS, Assumed, assuming
from tools.twin.calibration import calibration
from tools.twin.detection import detection
from tools.twin.patients import Setting

KEPT = Path(__file__).parents[2] / "docs" / "twin"
PATIENTS, FEWER, WATCHED, HEALTHY = 60, 30, 80, 0.4
MIXED = {"cerebral": 0.4, "spinal": 0.25, "multiple sclerosis": 0.2, "paediatric": 0.15}


def parts() -> dict[str, Callable[[], list[dict[str, Any]]]]:
    """Every part by its name: what is true, and what was assumed."""
    found: dict[str, Callable[[], list[dict[str, Any]]]] = {}
    for true in PRESETS:
        other = next(each for each in PRESETS if each != true)
        for name, assumed, count in (
            ("itself assumed", assuming(true), PATIENTS),
            ("the other assumed", assuming(other), PATIENTS),
            ("the other assumed beyond doubt", Assumed({other: 1.0}), FEWER),
        ):
            setting = Setting(count, 11, true, MIXED)
            found[f"{true}, {name}"] = partial(calibration, setting, assumed)
    watched = Setting(WATCHED, 23, "well_mixed", MIXED)
    found["detection"] = partial(detection, watched, assuming("well_mixed"), HEALTHY)
    return found


def file(part: str) -> Path:
    """Where the rows of a part are kept."""
    return KEPT / f"{part.replace(',', '').replace(' ', '-').replace('_', '-')}.json"


def main() -> int:
    """Run the parts named, or all."""
    known = parts()
    KEPT.mkdir(exist_ok=True)
    for part in sys.argv[1:] or known:
        file(part).write_text(json.dumps(known[part](), separators=(",", ":")) + "\n", encoding="utf-8")
        print(part, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
