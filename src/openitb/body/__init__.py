"""The body: drug at the catheter tip, by needle or by mouth becomes concentration, effect and scores.

`run(params, inputs, baseline, times_h)` gives every series at any times; `typical_adult` and
`with_overrides` make a person. Floats in µg, mL and h.
"""

from openitb.body.anatomy import level_moved
from openitb.body.course import Course, run
from openitb.body.effect import Baseline
from openitb.body.inputs import Inputs, LumbarBolus, OralDose, PumpBolus, TipMove
from openitb.body.parameters import (
    BodyError,
    BodyParameters,
    Dispersion,
    between_subject_sds,
    typical_adult,
    with_overrides,
)

__all__ = [
    "Baseline",
    "BodyError",
    "BodyParameters",
    "Course",
    "Dispersion",
    "Inputs",
    "LumbarBolus",
    "OralDose",
    "PumpBolus",
    "TipMove",
    "between_subject_sds",
    "level_moved",
    "run",
    "typical_adult",
    "with_overrides",
]
