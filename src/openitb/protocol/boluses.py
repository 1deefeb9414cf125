"""Doses beside the program: what a clinician may order or allow, and what a patient may ask for.

Nothing here changes the order that runs, except an adjustment the clinician has allowed. A dose given
in pg is metered by the drug that leaves the outlet, in whole strokes, never more than was ordered.
"""

from dataclasses import dataclass
from enum import StrEnum


class BolusKind(StrEnum):
    """Who asked for a bolus."""

    CLINICIAN = "clinician"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class DeliverBolus:
    """Deliver `volume_nl` once, spread evenly over `duration_ms`, on top of the program.

    Where program and bolus together exceed the pump's highest flow the bolus takes longer. One bolus
    at a time. A stop, a new program, a refill and a critical alarm end it; nothing resumes by itself:
    what is left is in the log, and to go on is another command.
    """

    actor: str
    command_id: str
    expected_digest: str
    volume_nl: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class CancelBolus:
    """End the bolus under way; what it delivered is in the log."""

    actor: str
    command_id: str


@dataclass(frozen=True, slots=True)
class EnablePatientBolus:
    """Let the patient ask for `dose_pg` over `duration_ms`.

    Again no sooner than `lockout_ms` after the last one began, and no more than `most_per_day` in any
    24 h, both by the pump's own elapsed time, which no setting of a clock changes.
    """

    actor: str
    command_id: str
    dose_pg: int
    duration_ms: int
    lockout_ms: int
    most_per_day: int


@dataclass(frozen=True, slots=True)
class DisablePatientBolus:
    """Let the patient ask for no bolus any longer; one under way is ended."""

    actor: str
    command_id: str


@dataclass(frozen=True, slots=True)
class EnablePatientAdjustment:
    """Let the patient move the daily dose in steps of `step_percent` of the dose that runs now.

    Within `low_pg_per_day` and `high_pg_per_day`. A new program ends the permission.
    """

    actor: str
    command_id: str
    step_percent: int
    low_pg_per_day: int
    high_pg_per_day: int


@dataclass(frozen=True, slots=True)
class DisablePatientAdjustment:
    """Let the patient adjust nothing any longer; the dose stays as it is."""

    actor: str
    command_id: str


@dataclass(frozen=True, slots=True)
class RequestPatientBolus:
    """The patient's own request; granted or refused by the pump alone."""

    actor: str
    command_id: str


@dataclass(frozen=True, slots=True)
class RequestPatientAdjustment:
    """The patient's own request to move the dose by so many steps, down if below zero."""

    actor: str
    command_id: str
    steps: int


@dataclass(frozen=True, slots=True)
class BolusReport:
    """A bolus under way. `left_ms` is how long it takes if the program's flow stays as it is.

    None while the program itself takes all that the pump can give.
    """

    kind: BolusKind
    volume_nl: int
    left_nl: int
    left_ms: int | None


@dataclass(frozen=True, slots=True)
class PatientBolusReport:
    """What the patient may ask for, and `wait_ms` until the next request can be granted.

    `wait_ms` counts lock-out and number only; the other conditions are those of the moment.
    """

    dose_pg: int
    duration_ms: int
    lockout_ms: int
    most_per_day: int
    given_in_day: int
    wait_ms: int


@dataclass(frozen=True, slots=True)
class PatientAdjustmentReport:
    """What the patient may move, and by how many steps it stands off the clinician's dose."""

    step_percent: int
    low_pg_per_day: int
    high_pg_per_day: int
    base_pg_per_day: int
    steps: int
    wait_ms: int


PatientRequest = RequestPatientBolus | RequestPatientAdjustment
BolusCommand = (
    DeliverBolus
    | CancelBolus
    | EnablePatientBolus
    | DisablePatientBolus
    | EnablePatientAdjustment
    | DisablePatientAdjustment
    | PatientRequest
)
