"""Studies: many people, arms that differ, a clinic with its delays, and what came of it.

`load` reads a study file, `run` follows everybody and keeps blocks that are done, `follow` is the engine
under both studies and `environment`. A policy is a function from `Seen` to `Plan`.
"""

from openitb.cohort.study.build import Changed, load
from openitb.cohort.study.course import answered, follow
from openitb.cohort.study.design import Arm, Study
from openitb.cohort.study.errors import PolicyError, StudyError
from openitb.cohort.study.run import Where, run
from openitb.cohort.study.seen import HOLD, Emptied, Plan, Policy, Seen

__all__ = [
    "HOLD",
    "Arm",
    "Changed",
    "Emptied",
    "Plan",
    "Policy",
    "PolicyError",
    "Seen",
    "Study",
    "StudyError",
    "Where",
    "answered",
    "follow",
    "load",
    "run",
]
