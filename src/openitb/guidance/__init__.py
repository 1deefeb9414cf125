"""Rules of each stage of the therapy as pure functions, each answer with its steps and sources."""

from openitb.guidance.dosing import (
    PHASES,
    Phase,
    StartDoseAnswer,
    TitrationAnswer,
    start_dose,
    titration_step,
)

__all__ = ["PHASES", "Phase", "StartDoseAnswer", "TitrationAnswer", "start_dose", "titration_step"]
