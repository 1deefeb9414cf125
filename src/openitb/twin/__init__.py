"""What a clinic's record says about this patient's body and system.

`load` reads a record, `fit` says what it tells, `predicted` what comes under any order, `updates` what was
believed visit by visit. `infer_flow` and `predict_reservoir` look at refill volumes alone.
"""

from openitb.twin.errors import TwinError
from openitb.twin.faults import LABELS
from openitb.twin.fitting import PRESETS, Assumed, Fit, Update, assuming, fit, updates
from openitb.twin.flow import (
    CATHETER_CAUTION,
    Assumptions,
    FlowInference,
    Gain,
    NothingToInfer,
    infer_flow,
    usual_assumptions,
)
from openitb.twin.predict import Course, Line, Span, gated, predicted, usual_span
from openitb.twin.record import (
    ClinicRecord,
    Implanted,
    Ordered,
    Refilled,
    Reported,
    Scored,
    TrialBolus,
    Whom,
)
from openitb.twin.record_file import load, parse
from openitb.twin.records import EmptiedReservoir, ReservoirNow
from openitb.twin.reservoir import ReservoirPrediction, predict_reservoir
from openitb.twin.summary import Estimate, Residuals, Trust

__all__ = [
    "CATHETER_CAUTION",
    "LABELS",
    "PRESETS",
    "Assumed",
    "Assumptions",
    "ClinicRecord",
    "Course",
    "EmptiedReservoir",
    "Estimate",
    "Fit",
    "FlowInference",
    "Gain",
    "Implanted",
    "Line",
    "NothingToInfer",
    "Ordered",
    "Refilled",
    "Reported",
    "ReservoirNow",
    "ReservoirPrediction",
    "Residuals",
    "Scored",
    "Span",
    "TrialBolus",
    "Trust",
    "TwinError",
    "Update",
    "Whom",
    "assuming",
    "fit",
    "gated",
    "infer_flow",
    "load",
    "parse",
    "predict_reservoir",
    "predicted",
    "updates",
    "usual_assumptions",
    "usual_span",
]
