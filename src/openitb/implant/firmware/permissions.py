"""What the patient may do: each permission given, taken or used, checked before it is done.

Off until a clinician enables it. A dose the patient moved is the clinician's dose in percent, so going
up and down again ends exactly where it began.
"""

from collections.abc import Callable

from openitb.catalogue import Pump
from openitb.implant.build import Build
from openitb.implant.firmware.access import require_within_library
from openitb.implant.firmware.boluses import without_bolus
from openitb.implant.firmware.change import Change, asked_program
from openitb.implant.firmware.controller import at_new_order
from openitb.implant.firmware.limits import require_dose, require_duration, require_volume, require_within
from openitb.implant.firmware.patient import Adjustment
from openitb.implant.firmware.refusal import RefusalError, require
from openitb.implant.firmware.state import Firmware
from openitb.prescription import compile_order, daily_dose_pg
from openitb.prescription.boluses import PERCENT, PatientBolus, adjusted, bolus_volume_nl
from openitb.prescription.orders import format_duration
from openitb.protocol import (
    BolusKind,
    DisablePatientAdjustment,
    DisablePatientBolus,
    EnablePatientAdjustment,
    EnablePatientBolus,
    LogKind,
    RequestPatientAdjustment,
)
from openitb.protocol.chain import Detail
from openitb.records import replace

Permission = (
    EnablePatientBolus
    | DisablePatientBolus
    | EnablePatientAdjustment
    | DisablePatientAdjustment
    | RequestPatientAdjustment
)


def plan(firmware: Firmware, build: Build, command: Permission, pump: Pump) -> Change:
    """The change a command asks for; raises `RefusalError` or `OrderError` if it cannot be made."""
    match command:
        case EnablePatientBolus():
            return _enable_bolus(firmware, build, command)
        case DisablePatientBolus():
            return _permission((("bolus", "off"),), _with_no_patient_bolus)
        case EnablePatientAdjustment():
            return _enable_adjustment(firmware, build, command, pump)
        case DisablePatientAdjustment():
            return _permission((("adjustment", "off"),), without_adjustment)
        case RequestPatientAdjustment():
            return _adjust(firmware, build, command, pump)


def without_adjustment(firmware: Firmware) -> Firmware:
    """The firmware with no adjustment permitted; the dose stays as it is."""
    return replace(firmware, patient=replace(firmware.patient, adjustment=None))


def _enable_bolus(firmware: Firmware, build: Build, command: EnablePatientBolus) -> Change:
    limits = build.modes
    require_within("lockout_ms", command.lockout_ms, limits.shortest_lockout_ms, limits.longest_lockout_ms)
    allowed = 1 <= command.most_per_day <= limits.most_boluses_per_day
    expected = f"1 to {limits.most_boluses_per_day}"
    require(allowed, "most_per_day", f"got {command.most_per_day}, expected {expected}")
    permission = PatientBolus(command.dose_pg, command.duration_ms, command.lockout_ms, command.most_per_day)
    drug = firmware.controller.program.concentration_ug_per_ml
    volume_nl = bolus_volume_nl(command.dose_pg, drug, build.stroke_nl)
    require_volume(volume_nl, build)
    require_duration(command.duration_ms, volume_nl, build)
    asked: Detail = (
        ("bolus", "on"),
        ("dose_pg", command.dose_pg),
        ("duration_ms", command.duration_ms),
        ("lockout_ms", command.lockout_ms),
        ("most_per_day", command.most_per_day),
    )
    return _permission(asked, lambda now: replace(now, patient=replace(now.patient, bolus=permission)))


def _enable_adjustment(
    firmware: Firmware, build: Build, command: EnablePatientAdjustment, pump: Pump
) -> Change:
    limits, program = build.modes, firmware.controller.program
    low, high, step = command.low_pg_per_day, command.high_pg_per_day, command.step_percent
    adjusted(program.order, PERCENT)  # refuses an order without a dose
    dose = program.daily_dose_pg
    widest = dose * limits.widest_range_percent // PERCENT
    fits = 1 <= step <= limits.largest_step_percent
    require(fits, "step_percent", f"got {step} %, expected 1 to {limits.largest_step_percent} %")
    require_dose("low_pg_per_day", low, dose - widest, dose)
    require_dose("high_pg_per_day", high, dose, dose + widest)
    for percent in (low * PERCENT // dose, high * PERCENT // dose):  # what the pump cannot run at all
        compile_order(adjusted(program.order, percent), program.concentration_ug_per_ml, pump)
    adjustment = Adjustment(program.order, step, low, high, firmware.counter.tick_ms)
    asked: Detail = (
        ("adjustment", "on"),
        ("step_percent", step),
        ("low_pg_per_day", low),
        ("high_pg_per_day", high),
    )
    return _permission(asked, lambda now: replace(now, patient=replace(now.patient, adjustment=adjustment)))


def _adjust(firmware: Firmware, build: Build, command: RequestPatientAdjustment, pump: Pump) -> Change:
    """One step up at a time and no sooner than a clinician would; down as far as the range goes."""
    adjustment = firmware.patient.adjustment
    if adjustment is None:
        raise RefusalError("permission", "no adjustment on request is enabled; a clinician can do that")
    fits = command.steps == 1 or command.steps < 0
    require(fits, "steps", f"got {command.steps}, expected 1 up, or any number below zero to go down")
    if command.steps > 0:
        wait = firmware.patient.raise_wait_ms(firmware.counter.tick_ms, build.modes)
        reason = f"raised or permitted recently; up again in {format_duration(wait)}"
        require(wait == 0, "steps", reason, wait)
    moved = replace(adjustment, steps=adjustment.steps + command.steps)
    concentration = firmware.controller.program.concentration_ug_per_ml
    order = adjusted(adjustment.base, PERCENT + moved.steps * moved.step_percent)
    require_dose("steps", daily_dose_pg(order), moved.low_pg_per_day, moved.high_pg_per_day)
    program = compile_order(order, concentration, pump)
    require_within_library(firmware, program)
    controller = at_new_order(firmware.controller, program, pump)
    raised_ms = firmware.counter.tick_ms if command.steps > 0 else adjustment.raised_ms
    patient = replace(firmware.patient, adjustment=replace(moved, raised_ms=raised_ms))
    asked: Detail = (
        *asked_program(program, firmware.controller.program.digest),
        ("steps", command.steps),
        ("steps_in_all", moved.steps),
    )
    return Change(
        LogKind.PROGRAM_INTENDED,
        asked,
        (LogKind.PROGRAM_CHANGED,),
        lambda now: replace(now, controller=controller, patient=patient),
    )


def _permission(asked: Detail, effect: Callable[[Firmware], Firmware]) -> Change:
    return Change(LogKind.PATIENT_CONTROL_INTENDED, asked, (LogKind.PATIENT_CONTROL_CHANGED,), effect)


def _with_no_patient_bolus(firmware: Firmware) -> Firmware:
    under_way = firmware.controller.bolus
    if under_way is not None and under_way.kind is BolusKind.PATIENT:
        firmware = without_bolus(firmware)
    return replace(firmware, patient=replace(firmware.patient, bolus=None))
