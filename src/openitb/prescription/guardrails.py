"""The one gate: every order from any origin passes `check` before it goes to a pump.

Three kinds of finding. *Hard*: the pump's own limits, the prescriber's cap for this patient, figures
beyond anything plausible. *Soft*, overridden with a reason: the recommended range, the step limit by
origin and age, a ten-fold rise, restoring after an interruption, compounded strength. *Note*: what
the prescriber should have in mind. Step limits bind increases only and count from the last effective
dose; a reduction is never blocked. A bolus, single or allowed to the patient, passes the same gate: it
is judged with the order it comes on top of, over 24 h.
"""

from openitb.prescription.gate import (
    Finding,
    GateRefusal,
    GateRequest,
    Level,
    Origin,
    Outcome,
    PatientLimits,
    Verdict,
)
from openitb.prescription.gate_bolus_rules import BOLUS_RULES
from openitb.prescription.gate_case import judged
from openitb.prescription.gate_rules import RULES
from openitb.prescription.modes import OrderError
from openitb.prescription.program import Program, compile_order

__all__ = [
    "Finding",
    "GateRefusal",
    "GateRequest",
    "Level",
    "Origin",
    "Outcome",
    "PatientLimits",
    "Verdict",
    "check",
]


def check(request: GateRequest) -> Verdict:
    """Judge an order; never raises for what an order asks, only `OrderError` for no concentration."""
    case = judged(request)
    findings = tuple(finding for rule in (*RULES, *BOLUS_RULES) for finding in rule(case))
    return Verdict(findings, _program(request))


def _program(request: GateRequest) -> Program | None:
    try:
        return compile_order(request.order, request.concentration_ug_per_ml, request.pump)
    except OrderError:
        return None
