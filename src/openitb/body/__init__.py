"""The body: drug at the catheter tip, by needle or by mouth becomes concentration, effect and scores.

`run(params, inputs, baseline, times_h)` gives every series at any times; `typical_adult` and
`with_overrides` make a person. Floats in µg, mL and h.
"""

from openitb.body.course import Course, run
from openitb.body.effect import Baseline
from openitb.body.inputs import Inputs, LumbarBolus, OralDose, PumpBolus
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
    "between_subject_sds",
    "run",
    "typical_adult",
    "with_overrides",
]
