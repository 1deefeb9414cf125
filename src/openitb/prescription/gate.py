"""What the one gate asks and answers: request, findings, verdict."""

from dataclasses import dataclass
from typing import Literal, get_args

from openitb.catalogue import Confidence, Pump
from openitb.prescription.answers import Step
from openitb.prescription.boluses import PatientBolus, SingleBolus
from openitb.prescription.modes import Order, OrderError
from openitb.prescription.program import Program

Origin = Literal["spinal", "cerebral"]
Level = Literal["hard", "soft", "note"]
Outcome = Literal["accepted", "needs reason", "refused"]

ORIGINS: tuple[Origin, ...] = get_args(Origin)


class GateRefusal(ValueError):  # noqa: N818  a refusal is an answer, not a fault
    """The gate does not let an order pass; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class PatientLimits:
    """What the gate knows of a patient: origin of spasticity, age, the prescriber's own cap.

    Refuses an unknown origin and a negative age with `OrderError`. An unknown age is None; adult
    limits are then used and the findings say so.
    """

    origin: Origin
    age_years: float | None = None
    cap_pg_per_day: int | None = None

    def __post_init__(self) -> None:
        if self.origin not in ORIGINS:
            raise OrderError(f"patient.origin: got {self.origin!r}, expected one of {', '.join(ORIGINS)}")
        if self.age_years is not None and not self.age_years >= 0:
            raise OrderError(f"patient.age: got {self.age_years} years, expected zero or more")


@dataclass(frozen=True, slots=True)
class GateRequest:
    """An order about to be given, with what is in force.

    `last_effective_dose_pg_per_day` is the last dose the patient truly had, None before the first
    order; `last_increase_ms` is when it last went up, the start of therapy included. `interruption`
    says that delivery was broken off since, so that this order restores it. `bolus` is one to be given
    or allowed on top of `order`, which then is the order in force; `last_bolus_pg` the one before it.
    """

    order: Order
    concentration_ug_per_ml: int
    pump: Pump
    patient: PatientLimits
    last_effective_dose_pg_per_day: int | None
    last_increase_ms: int | None
    at_ms: int
    interruption: bool = False
    bolus: SingleBolus | PatientBolus | None = None
    last_bolus_pg: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the gate says about an order: the rule, its inputs and values, and its sources.

    `level` hard stops the order, soft needs a reason, note only tells. `confidence` is that of the
    least trusted catalogue value behind the rule. `next_ms` is when it would no longer be made, where time
    alone mends it.
    """

    level: Level
    rule: str
    field: str
    message: str
    sources: tuple[str, ...]
    confidence: Confidence
    values: tuple[Step, ...] = ()
    next_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings about one order, and the program it compiles to where the pump can run it."""

    findings: tuple[Finding, ...]
    program: Program | None

    @property
    def outcome(self) -> Outcome:
        """`refused` with any hard finding, `needs reason` with any soft one, else `accepted`."""
        if self.of("hard"):
            return "refused"
        return "needs reason" if self.of("soft") else "accepted"

    def of(self, level: Level) -> tuple[Finding, ...]:
        """The findings of one level."""
        return tuple(finding for finding in self.findings if finding.level == level)

    def admit(self, override: str | None = None) -> tuple[Finding, ...]:
        """The findings, if the order may pass; `override` is the reason given for soft ones.

        Raises `GateRefusal` for a hard finding whatever the reason, and for soft ones without one.
        """
        if self.outcome == "refused":
            raise GateRefusal(_line(self.of("hard")))
        if self.outcome == "needs reason" and not (override and override.strip()):
            raise GateRefusal(f"{_line(self.of('soft'))} (may be overridden with a reason)")
        return self.findings


def _line(findings: tuple[Finding, ...]) -> str:
    return "; ".join(f"{finding.field}: {finding.message}" for finding in findings)
