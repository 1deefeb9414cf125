"""The clinician's programmer: interrogate, review, commit, read back, over the wand link.

Every call ends in a value the caller has to look at. Reading gives a `Reading` or `Unreachable`;
committing gives `Applied` (and read back), `Refused` (nothing changed) or `Unknown` (look again).
"""

from openitb.programmer.outcomes import Applied, Outcome, Reading, Refused, Unknown, Unreachable
from openitb.programmer.review import DoseHistory, Review, dose_history, review
from openitb.programmer.session import Wand, commit, interrogate, settle

__all__ = [
    "Applied",
    "DoseHistory",
    "Outcome",
    "Reading",
    "Refused",
    "Review",
    "Unknown",
    "Unreachable",
    "Wand",
    "commit",
    "dose_history",
    "interrogate",
    "review",
    "settle",
]
