"""What a clinic's record says about this patient's system.

`infer_flow` reads refill visits: how truly the pump delivers. `predict_reservoir` says what is truly in the
reservoir and when it truly runs low.
"""

from openitb.twin.errors import TwinError
from openitb.twin.flow import (
    CATHETER_CAUTION,
    Assumptions,
    FlowInference,
    Gain,
    NothingToInfer,
    infer_flow,
    usual_assumptions,
)
from openitb.twin.records import EmptiedReservoir, ReservoirNow
from openitb.twin.reservoir import ReservoirPrediction, predict_reservoir

__all__ = [
    "CATHETER_CAUTION",
    "Assumptions",
    "EmptiedReservoir",
    "FlowInference",
    "Gain",
    "NothingToInfer",
    "ReservoirNow",
    "ReservoirPrediction",
    "TwinError",
    "infer_flow",
    "predict_reservoir",
    "usual_assumptions",
]
