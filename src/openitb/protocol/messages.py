"""What a programmer may ask of an implant and what the implant answers.

Volumes are whole nL, drug pg, flows nL/day, doses pg/day, instants ms since the epoch, UTC, on the
pump's own clock. Everything an implant reports is what it believes, never what is true. The three
outcomes of a command are `Applied`, `Refused`, and no answer at all; after the last one send the
same command with the same `command_id` again, or interrogate.
"""

from dataclasses import dataclass
from enum import StrEnum

from openitb.prescription import Order
from openitb.protocol.access import AccessCommand, AccessReport, ReadAccess
from openitb.protocol.answers import NoAnswerKept, ReadAnswer
from openitb.protocol.boluses import (
    BolusCommand,
    BolusReport,
    PatientAdjustmentReport,
    PatientBolusReport,
)
from openitb.protocol.chain import Anchor, LogEntry
from openitb.protocol.emergency import EmergencyCommand
from openitb.protocol.limits import SetDoseLimits, WindowDose
from openitb.protocol.tones import SoundTone
from openitb.protocol.transfer import ReadStaged, TransferCommand, TransferReport

MAX_NAME = 80
MAX_COMMAND_ID = 64
MAX_REASON = 200


class PumpState(StrEnum):
    """What the pump is doing."""

    STOPPED = "stopped"
    MINIMUM_RATE = "minimum rate"
    RUNNING = "running"
    PRIME = "prime"
    BOLUS = "bolus"
    BRIDGE = "bridge"
    GUARD_STOP = "guard stop"
    END_OF_SERVICE = "end of service"
    MOTOR_STALL = "motor stall"


class StageKind(StrEnum):
    """A stretch of delivery bounded by volume that comes before the program."""

    PRIME = "prime"
    BRIDGE = "bridge"


class AlarmCondition(StrEnum):
    """Why an implant sounds."""

    LOW_RESERVOIR = "low reservoir"
    EMPTY_RESERVOIR = "empty reservoir"
    STOPPED_LONG = "stopped long"
    STOPPED_TOO_LONG = "stopped too long"
    ELECTIVE_REPLACEMENT = "elective replacement"
    END_OF_SERVICE = "end of service"
    DELIVERY_GUARD = "delivery guard"
    MOTOR_STALL = "motor stall"
    SETTINGS_LOST = "settings lost"
    CLOCK_LOST = "clock lost"
    OVER_DELIVERY = "over-delivery"
    UNDER_DELIVERY = "under-delivery"
    CONTROL_HUNG = "control hung"
    LEVEL_DOUBTFUL = "level doubtful"
    EMERGENCY_REDUCTION = "emergency reduction"
    WITHDRAWAL_CLOCK = "withdrawal clock"


@dataclass(frozen=True, slots=True)
class Interrogate:
    """Read the pump. `log_after` asks for the entries after that number; None for the latest."""

    actor: str
    log_after: int | None = None


@dataclass(frozen=True, slots=True)
class ProgramPump:
    """Run `order` from now on, if the committed program still is `expected_digest`.

    `prime_nl` is first moved at the pump's highest flow; a bridge under way goes on, at the new dose,
    until its volume is through; a prime under way is given up. A stop has to state its `reason`, which goes
    into the log. In one step: for simulations and tools; programmers go by `StageProgram`.
    """

    actor: str
    command_id: str
    expected_digest: str
    order: Order
    prime_nl: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RecordRefill:
    """Tell the pump what it now holds, in one step with everything that follows from it.

    `volume_nl` is the total in the reservoir. The order is kept and compiled at the new
    concentration. `bridge_nl` must be stated when the concentration changes: the volume still to
    come out at the old flow, 0 for none on purpose; None when the concentration stays. A prime under way
    is given up.
    """

    actor: str
    command_id: str
    expected_digest: str
    volume_nl: int
    concentration_ug_per_ml: int
    bridge_nl: int | None = None


@dataclass(frozen=True, slots=True)
class SetLowReservoirAlarm:
    """Sound the low-reservoir alarm at this computed volume."""

    actor: str
    command_id: str
    volume_nl: int


@dataclass(frozen=True, slots=True)
class SetClock:
    """Set the pump's clock (UTC) and the fixed offset of its wall time; shifts flex patterns."""

    actor: str
    command_id: str
    at_ms: int
    zone_offset_ms: int


@dataclass(frozen=True, slots=True)
class Applied:
    """Done: the digest of the committed program now, and the last log entry that tells of it."""

    command_id: str
    program_digest: str
    log_head: Anchor


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed: which field, and why, in one line.

    `wait_ms` is how long it was then until asking again could help; None where time alone does not.
    """

    field: str
    reason: str
    wait_ms: int | None = None


@dataclass(frozen=True, slots=True)
class StageReport:
    """A stage not yet finished: what is left of it, and its drug (None for a prime)."""

    kind: StageKind
    left_nl: int
    concentration_ug_per_ml: int | None


@dataclass(frozen=True, slots=True)
class ReservoirReport:
    """The reservoir as the pump computes it from strokes; `delivered_*` by label concentration."""

    volume_nl: int
    low_alarm_nl: int
    residual_nl: int
    capacity_nl: int
    delivered_nl: int
    delivered_since_refill_nl: int
    delivered_pg: int


@dataclass(frozen=True, slots=True)
class AlarmReport:
    """A latched condition; `critical` sounds two-tone, otherwise single-tone."""

    condition: AlarmCondition
    critical: bool
    since_ms: int


@dataclass(frozen=True, slots=True)
class BatteryReport:
    """Estimate from use so far and the programmed flow; the dates are on the pump's clock.

    `signals_ppm` is what tones and telemetry have taken from a new cell, in millionths of it.
    """

    used_permille: int
    replacement_indicator_ms: int
    end_of_service_ms: int
    signals_ppm: int = 0


@dataclass(frozen=True, slots=True)
class Interrogation:
    """Everything the pump believes. `log` is the stretch after `log_anchor`, at most one page."""

    serial: str
    pump_id: str
    at_ms: int
    zone_offset_ms: int
    age_ms: int
    state: PumpState
    order: Order
    program_digest: str
    concentration_ug_per_ml: int
    rate_nl_per_day: int
    dose_pg_per_day: int
    stages: tuple[StageReport, ...]
    reservoir: ReservoirReport
    alarms: tuple[AlarmReport, ...]
    battery: BatteryReport
    log_anchor: Anchor
    log: tuple[LogEntry, ...]
    log_head: Anchor
    dose_limits: tuple[WindowDose, ...] = ()
    bolus: BolusReport | None = None
    patient_bolus: PatientBolusReport | None = None
    patient_adjustment: PatientAdjustmentReport | None = None


LinkCommand = TransferCommand | EmergencyCommand | AccessCommand
Command = (
    ProgramPump
    | RecordRefill
    | SetLowReservoirAlarm
    | SetClock
    | SetDoseLimits
    | BolusCommand
    | LinkCommand
    | SoundTone
)
ReadRequest = Interrogate | ReadStaged | ReadAccess | ReadAnswer
Request = ReadRequest | Command
Reply = Interrogation | TransferReport | AccessReport | NoAnswerKept | Applied | Refused
Message = Request | Reply
