"""Rules of each stage of the therapy as pure functions, each answer with its steps and sources.

One module per stage, imported by name: `candidacy`, `goals`, `trial`, `trial_watch`, `worklist`, `recovery`,
`taper`, `life`, `away`, `trouble`, `triage`, `outcomes`. What several rooms ask for stands here.
"""

from openitb.guidance.discrepancy import DiscrepancyAnswer, calls_for_escalation, volume_discrepancy
from openitb.guidance.dosing import (
    PHASES,
    Phase,
    StartDoseAnswer,
    TitrationAnswer,
    start_dose,
    titration_step,
)

__all__ = [
    "PHASES",
    "DiscrepancyAnswer",
    "Phase",
    "StartDoseAnswer",
    "TitrationAnswer",
    "calls_for_escalation",
    "start_dose",
    "titration_step",
    "volume_discrepancy",
]
