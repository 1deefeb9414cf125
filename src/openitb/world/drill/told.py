"""What commands and mishaps do to the reference: each is known to have been carried out."""

from collections.abc import Callable
from typing import Any

from openitb import catalogue
from openitb.prescription import MinimumRate, Order, OrderError, daily_dose_pg
from openitb.prescription.boluses import PERCENT, PatientBolus, adjusted
from openitb.protocol import (
    CancelBolus,
    Command,
    CommitStaged,
    DeliverBolus,
    DisablePatientAdjustment,
    DisablePatientBolus,
    EnablePatientAdjustment,
    EnablePatientBolus,
    ProgramPump,
    RecordRefill,
    ReduceToMinimum,
    RequestPatientAdjustment,
    RequestPatientBolus,
    SetClock,
    SetDoseLimits,
    SetLowReservoirAlarm,
    StageProgram,
)
from openitb.records import replace
from openitb.world.drill.expected import CRITICAL, DAY, Caps, Expected, Extra, Felt, Moved, Staging
from openitb.world.drill.flows import nearest


def told(now: Expected, command: Command, staged_digest: str = "") -> None:
    """A command was carried out now; `staged_digest` is what the pump calls what it has staged."""
    now.unlawful = ""
    program = now.order, now.concentration
    if isinstance(command, StageProgram):
        _staged(now, command, staged_digest)
    elif type(command) in _EFFECTS:
        _EFFECTS[type(command)](now, command)
    if program != (now.order, now.concentration) and not isinstance(command, ReduceToMinimum):
        now.reduced_ms = None
    now.alarms = set()
    now.settle()


def needled(now: Expected, out_nl: int, in_nl: int) -> None:
    """A needle drew some fluid and gave some; nothing in the firmware notices."""
    now.fluid.volume_nl += in_nl - out_nl


def reset(now: Expected) -> None:
    """The supply dipped: minimum rate, settings lost, nothing allowed."""
    halted = now.halted
    _programmed(now, MinimumRate(), 0)
    now.ahead, now.halted = (), halted
    now.allowed.nothing()
    now.felt.settings_lost = True


def forgotten(now: Expected) -> None:
    """Memory was lost but for what a pump must not forget: as a reset, and nothing felt or staged."""
    reset(now)
    now.felt, now.staging, now.halted = Felt(settings_lost=True), None, False
    now.alarms = set()
    now.settle()


def _programmed(now: Expected, order: Order, prime_nl: int) -> None:
    since = now.tick_ms if now.stopped_at_ms is None else now.stopped_at_ms
    now.order, now.prime, now.bolus = order, nearest(prime_nl, now.specs.stroke_nl), None
    now.stopped_at_ms = since if now.is_still else None
    now.halted, now.given_back = False, 0
    now.allowed.moved, now.felt.settings_lost = None, False


def _ordered(now: Expected, command: ProgramPump) -> None:
    _programmed(now, command.order, command.prime_nl)


def _refilled(now: Expected, command: RecordRefill) -> None:
    now.believed_nl, now.prime, now.bolus = command.volume_nl, 0, None
    if command.concentration_ug_per_ml == now.concentration:
        return
    left, kept = nearest(command.bridge_nl or 0, now.specs.stroke_nl), []
    for count, drug in now.ahead:
        taken = min(count, left)
        kept += [(taken, drug)] if taken else []
        left -= taken
    now.ahead = (*kept, (left, now.concentration)) if left else tuple(kept)
    now.concentration = command.concentration_ug_per_ml
    now.caps = _caps(now, now.caps)


def _caps(now: Expected, caps: Caps) -> Caps:
    """Limits on dose as limits on flow of the drug on the label; counted from now."""
    flow = {limit.window_ms: limit.most_pg * DAY // now.concentration for limit in caps.limits}
    return Caps(caps.limits, flow, since_ms=now.tick_ms)


def _staged(now: Expected, command: StageProgram, digest: str) -> None:
    lasts_ms = catalogue.load().practice["transfer"].fact("staged_lifetime").whole("ms")
    now.staging = Staging(digest, command.order, command.prime_nl, now.tick_ms + lasts_ms)


def _committed(now: Expected, command: CommitStaged) -> None:
    """TEL-06: what is committed was staged, by its digest and in time, bit for bit."""
    staging, now.staging = now.staging, None
    if staging is None or staging.digest != command.staged_digest or now.tick_ms >= staging.until_ms:
        now.unlawful = f"TEL-06: committed {command.staged_digest:.12}, staged was {staging}"
    if staging is not None:
        _programmed(now, staging.order, staging.prime_nl)


def _set_clock(now: Expected, command: SetClock) -> None:
    now.clock_ms, now.zone_ms = command.at_ms - now.tick_ms, command.zone_offset_ms
    now.felt.clock_lost = False


def _set_low_alarm(now: Expected, command: SetLowReservoirAlarm) -> None:
    now.low_alarm_nl = command.volume_nl


def _limited(now: Expected, command: SetDoseLimits) -> None:
    now.caps = _caps(now, Caps(command.limits))


def _reduced(now: Expected, _command: ReduceToMinimum) -> None:
    _programmed(now, MinimumRate(), 0)
    now.allowed.nothing()
    now.staging, now.reduced_ms = None, now.tick_ms


def _delivered(now: Expected, command: DeliverBolus) -> None:
    stroke = now.specs.stroke_nl
    _begin(now, command.volume_nl // stroke * stroke, command.duration_ms, by_patient=False)


def _cancelled(now: Expected, _command: CancelBolus) -> None:
    now.bolus = None


def _bolus_allowed(now: Expected, command: EnablePatientBolus) -> None:
    times = command.duration_ms, command.lockout_ms, command.most_per_day
    now.allowed.bolus = PatientBolus(command.dose_pg, *times)


def _no_bolus_allowed(now: Expected, _command: DisablePatientBolus) -> None:
    now.allowed.bolus = None
    now.bolus = None if now.bolus and now.bolus.by_patient else now.bolus


def _adjustment_allowed(now: Expected, command: EnablePatientAdjustment) -> None:
    bounds = command.low_pg_per_day, command.high_pg_per_day
    now.allowed.moved = Moved(now.order, command.step_percent, *bounds, now.tick_ms)


def _no_adjustment_allowed(now: Expected, _command: DisablePatientAdjustment) -> None:
    now.allowed.moved = None


def _begin(now: Expected, volume_nl: int, duration_ms: int, by_patient: bool) -> None:
    standing = now.alarms & CRITICAL
    if now.bolus is not None or standing:
        now.unlawful = f"BOL-05: a bolus was begun beside {now.bolus} and {sorted(standing)}"
    whole = volume_nl * DAY
    now.bolus = Extra(-(-whole // duration_ms), whole, by_patient)


def _requested(now: Expected, _command: RequestPatientBolus) -> None:
    """BOL-02: only if allowed, after the lock-out and within the number, by elapsed time."""
    permission, given = now.allowed.bolus, now.allowed.given_ms
    if permission is None:
        now.unlawful = "BOL-02: a patient's bolus that nobody allowed"
        return
    drug, stroke = now.ahead[0][1] if now.ahead else now.concentration, now.specs.stroke_nl
    volume_nl = permission.dose_pg // drug // stroke * stroke
    _begin(now, volume_nl, permission.duration_ms, by_patient=True)
    recent = [tick for tick in given if now.tick_ms - tick < now.specs.counted_over_ms]
    if given and now.tick_ms - given[-1] < permission.lockout_ms:
        now.unlawful = f"BOL-02: a bolus {now.tick_ms - given[-1]} ms after the last"
    if len(recent) >= permission.most_per_day:
        now.unlawful = f"BOL-02: bolus number {len(recent) + 1} of a day"
    now.allowed.given_ms = [*recent, now.tick_ms]


def _adjusted(now: Expected, command: RequestPatientAdjustment) -> None:
    """A patient's step: within the range, one up at a time and not too soon."""
    moved, steps = now.allowed.moved, command.steps
    if moved is None:
        now.unlawful = "PAT-03: a patient's adjustment that nobody allowed"
        return
    wait_ms = catalogue.load().limits["every-patient"].fact("increase_interval").whole("ms")
    if steps > 1 or (steps > 0 and now.tick_ms - moved.raised_ms < wait_ms):
        now.unlawful = f"PAT-03: {steps} steps up {now.tick_ms - moved.raised_ms} ms after the last"
    raised_ms = now.tick_ms if steps > 0 else moved.raised_ms
    moved = replace(moved, steps=moved.steps + steps, raised_ms=raised_ms)
    try:
        order = adjusted(moved.base, PERCENT + moved.steps * moved.step_percent)
    except OrderError as error:
        now.unlawful = f"PAT-03: {error}"
        return
    if not moved.low_pg_per_day <= daily_dose_pg(order) <= moved.high_pg_per_day:
        now.unlawful = f"PAT-03: {daily_dose_pg(order)} pg/day is outside the range"
    now.order, now.allowed.moved = order, moved


# Keys, library, silence and confirmation are not in it: nothing flows otherwise for them.
_EFFECTS: dict[type, Callable[[Expected, Any], None]] = {
    ProgramPump: _ordered,
    RecordRefill: _refilled,
    SetLowReservoirAlarm: _set_low_alarm,
    SetClock: _set_clock,
    SetDoseLimits: _limited,
    CommitStaged: _committed,
    ReduceToMinimum: _reduced,
    DeliverBolus: _delivered,
    CancelBolus: _cancelled,
    EnablePatientBolus: _bolus_allowed,
    DisablePatientBolus: _no_bolus_allowed,
    EnablePatientAdjustment: _adjustment_allowed,
    DisablePatientAdjustment: _no_adjustment_allowed,
    RequestPatientBolus: _requested,
    RequestPatientAdjustment: _adjusted,
}
