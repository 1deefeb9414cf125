"""Everything the report shows, computed; and kept as JSON beside it, so that the page can be checked fast."""

import json
from math import isnan
from pathlib import Path
from typing import Any, get_args

from openitb.body import Dispersion, typical_adult
from openitb.cohort.people.causes import STATED
from tools.validate.sensitivity import sensitivity
from tools.validate.spread import spread
from tools.validate.targets import figure, targets
from tools.validate.trajectories import trajectories

Figures = dict[str, Any]
DIGITS = 4
DISPERSIONS: tuple[Dispersion, ...] = get_args(Dispersion)
KEPT = Path(__file__).parents[2] / "docs" / "validation" / "figures.json"


def computed() -> Figures:
    """All figures, from the typical adult and from people; takes about two minutes."""
    return {
        "typical": {name: typical(name) for name in DISPERSIONS},
        "spread": {name: spread(name) for name in DISPERSIONS},
        "doses": {name: {cause: trajectories(cause, name) for cause in STATED} for name in DISPERSIONS},
        "sensitivity": {name: sensitivity(name) for name in DISPERSIONS},
    }


def typical(dispersion: Dispersion) -> dict[str, float | None]:
    """The figures of the typical adult by target; None for what never happens."""
    body = typical_adult(dispersion)
    found = {t.target_id: figure(t, body) for kind in ("targets", "observations") for t in targets(kind)}
    return {name: None if isnan(value) else float(f"{value:.{DIGITS}g}") for name, value in found.items()}


def kept() -> Figures:
    """The figures the page was last written from."""
    found: Figures = json.loads(KEPT.read_text(encoding="utf-8"))
    return found


def as_text(figures: Figures) -> str:
    """The figures as they are kept."""
    return json.dumps(figures, ensure_ascii=False, indent=None, separators=(",", ":")) + "\n"
