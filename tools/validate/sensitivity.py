"""What each headline output makes of each parameter, one at a time about the typical adult."""

from collections.abc import Mapping
from dataclasses import replace
from math import exp

from openitb.body import BodyParameters, Dispersion, between_subject_sds, typical_adult
from openitb.body.parameters import known_by_field
from tools.validate import experiments as x

UNSPREAD = 0.2  # for parameters without a spread between people
# Between 0 and 1 by nature; moved up they would leave their range.
FRACTIONS = {"oral_availability", "tone_relief", "loss_threshold", "cord_deep_fraction"}

OUTPUTS: Mapping[str, tuple[str, x.Read]] = {
    "lumbar CSF at 300 µg/day": ("ng/mL", lambda p: 300 * x.steady(p)[x.LUMBAR]),
    "leg Ashworth, tolerant, 300 µg/day": ("point", lambda p: x.tone(p, (4.0, 300), x.TOLERANT)),
    "arm Ashworth, tolerant, 300 µg/day": ("point", lambda p: x.tone(p, (3.0, 300), x.TOLERANT, x.ARM)),
    "leg points gained by a 50 µg bolus": ("point", lambda p: float(x.fall(x.bolus(p, 50)).max())),
    "sedation, tolerant, 800 µg/day": ("1", x.sedation(800)),
    "withdrawal after a stop at 300 µg/day": (
        "1", lambda p: float(x.stopped(p, 300)["withdrawal"].values.max()),
    ),
}  # fmt: skip


def sensitivity(dispersion: Dispersion) -> dict[str, dict[str, list[float]]]:
    """By output and parameter: its value with the parameter one SD (or 20 %) lower, and higher."""
    typical, sds = typical_adult(dispersion), between_subject_sds()
    found: dict[str, dict[str, list[float]]] = {name: {} for name in OUTPUTS}
    for field, _ in known_by_field():
        width = sds.get(field, UNSPREAD)
        moved = [_moved(getattr(typical, field), sign * width, field) for sign in (-1, 1)]
        bodies = [_with(typical, field, value) for value in moved]
        for name, (_, read) in OUTPUTS.items():
            found[name][field] = [float(f"{read(body):.4g}") for body in bodies]
    for name, (_, read) in OUTPUTS.items():
        found[name]["typical"] = [float(f"{read(typical):.4g}")]
    return found


def _with(body: BodyParameters, field: str, value: float) -> BodyParameters:
    return replace(body, **{field: value})  # type: ignore[arg-type]  # every field but `cells` is a float


def _moved(value: float, log_step: float, field: str) -> float:
    moved = value * exp(log_step)
    return min(moved, 1.0) if field in FRACTIONS else moved
