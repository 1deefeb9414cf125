"""The clinician's programmer and the patient's handheld, over the wand link.

Every call ends in a value the caller has to look at. Reading gives a `Reading` or `Unreachable`;
committing gives `Applied` (and read back), `Refused` (nothing changed), `Partly` (some of several
commands) or `Unknown` (look again).

One order: `interrogate`, `review`, `commit`, `settle`, as the web pages use them. A whole visit by a
workflow: `visit`, with `script` and `dialogue` around it and `report` at its end. The patient's side is
in `handheld`.
"""

from openitb.programmer.outcomes import (
    Applied,
    Outcome,
    Partly,
    Reading,
    Refused,
    Unknown,
    Unreachable,
    VisitOutcome,
)
from openitb.programmer.review import DoseHistory, Review, dose_history, review
from openitb.programmer.session import Sender, Wand, commit, interrogate, settle

__all__ = [
    "Applied",
    "DoseHistory",
    "Outcome",
    "Partly",
    "Reading",
    "Refused",
    "Review",
    "Sender",
    "Unknown",
    "Unreachable",
    "VisitOutcome",
    "Wand",
    "commit",
    "dose_history",
    "interrogate",
    "review",
    "settle",
]
