"""The clinician's programmer and the patient's handheld, over the wand link.

Every call ends in a value the caller has to look at. Reading gives a `Reading` or `Unreachable`;
committing gives `Applied` (read back and confirmed), `Refused` (nothing changed), `Partly` (some of several
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
)
from openitb.programmer.review import DoseHistory, Review, dose_history, review
from openitb.programmer.sending import Errand, commit, settle
from openitb.programmer.session import Sender, Wand, interrogate

__all__ = [
    "Applied",
    "DoseHistory",
    "Errand",
    "Outcome",
    "Partly",
    "Reading",
    "Refused",
    "Review",
    "Sender",
    "Unknown",
    "Unreachable",
    "Wand",
    "commit",
    "dose_history",
    "interrogate",
    "review",
    "settle",
]
