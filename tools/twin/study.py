"""The whole study: its parts, each a row of JSON per patient, kept as they come in a folder of choice.

`python -m tools.twin FOLDER` runs what is missing there, about ten minutes of one free core, and writes the
page; an interrupted run goes on where it stopped.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from openitb.twin import PRESETS, Assumed, assuming
from tools.twin.calibration import calibration
from tools.twin.detection import detection
from tools.twin.patients import Setting

Row = dict[str, Any]
PATIENTS, FEWER, WATCHED, HEALTHY = 40, 20, 50, 0.4
MIXED = {"cerebral": 0.4, "spinal": 0.25, "multiple sclerosis": 0.2, "paediatric": 0.15}
DETECTION = "detection"
KNOWN = ("itself assumed", "the other assumed", "the other assumed beyond doubt")


def parts() -> dict[str, Callable[[int], Iterator[Row]]]:
    """Every part by its name: what is true, and what was assumed; each is told how many patients to skip."""
    watched = Setting(WATCHED, 23, "well_mixed", MIXED)
    found: dict[str, Callable[[int], Iterator[Row]]] = {
        DETECTION: partial(detection, HEALTHY, watched, assuming("well_mixed"))
    }
    for true in PRESETS:
        other = next(each for each in PRESETS if each != true)
        weights = (assuming(true), assuming(other), Assumed({other: 1.0}))
        for name, assumed, count in zip(KNOWN, weights, (PATIENTS, PATIENTS, FEWER), strict=True):
            found[f"{true}, {name}"] = partial(calibration, Setting(count, 11, true, MIXED), assumed)
    return found


def run(folder: Path, part: str) -> None:
    """Compute the rows of a part that are missing."""
    path = _file(folder, part)
    done = len(rows(folder, part))
    with path.open("a", encoding="utf-8") as kept:
        for row in parts()[part](done):
            kept.write(json.dumps(row, separators=(",", ":")) + "\n")
            kept.flush()


def rows(folder: Path, part: str) -> list[Row]:
    """The rows of a part that are there."""
    path = _file(folder, part)
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _file(folder: Path, part: str) -> Path:
    return folder / f"{part.replace(',', '').replace(' ', '-').replace('_', '-')}.jsonl"
