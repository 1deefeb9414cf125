"""The interrogation: everything the pump believes, in one reply."""

from openitb.implant.build import Build
from openitb.implant.firmware import alarms, controller
from openitb.implant.firmware.refusal import require
from openitb.implant.firmware.service_life import charge_used, replacement_due_ms, service_ends_ms
from openitb.implant.firmware.signals import share_ppm
from openitb.implant.firmware.state import Firmware
from openitb.prescription import daily_dose_pg
from openitb.protocol import (
    AlarmReport,
    BatteryReport,
    BolusReport,
    Interrogation,
    PatientAdjustmentReport,
    PatientBolusReport,
    ReservoirReport,
    StageReport,
)

LOG_PAGE = 64
PERMILLE = 1_000


def require_page(firmware: Firmware, log_after: int | None) -> None:
    """`RefusalError` if no page of the log can start after entry number `log_after`."""
    first, last = firmware.log.anchor.number, firmware.log.head.number
    fits = log_after is None or first <= log_after <= last
    require(fits, "log_after", f"got {log_after}, expected {first} to {last}")


def interrogation(firmware: Firmware, build: Build, log_after: int | None) -> Interrogation:
    """What the pump reports now, with the page of the log that was asked for."""
    control, clock = firmware.controller, firmware.clock
    anchor, page = firmware.log.page(log_after, LOG_PAGE)
    return Interrogation(
        serial=build.serial,
        pump_id=build.pump_id,
        at_ms=firmware.at_ms,
        zone_offset_ms=clock.zone_offset_ms,
        age_ms=firmware.counter.tick_ms,
        state=firmware.state,
        order=control.program.order,
        program_digest=control.program.digest,
        concentration_ug_per_ml=control.program.concentration_ug_per_ml,
        rate_nl_per_day=controller.rate(control, build, firmware.at_ms, clock.zone_offset_ms),
        dose_pg_per_day=control.program.daily_dose_pg,
        stages=_stages(firmware, build),
        reservoir=_reservoir(firmware, build),
        alarms=tuple(
            AlarmReport(alarm.condition, alarm.condition in alarms.CRITICAL, alarm.since_ms)
            for alarm in firmware.alarms
        ),
        battery=_battery(firmware, build),
        log_anchor=anchor,
        log=page,
        log_head=firmware.log.head,
        dose_limits=firmware.dose_limits,
        bolus=_bolus(firmware, build),
        patient_bolus=_patient_bolus(firmware, build),
        patient_adjustment=_patient_adjustment(firmware, build),
    )


def _stages(firmware: Firmware, build: Build) -> tuple[StageReport, ...]:
    """What is ahead: a bridge that the prime before it will have cleared is not."""
    reports = []
    start = firmware.counter.strokes
    for stage in firmware.controller.stages:
        if stage.until_stroke <= start:
            continue
        drug = stage.program.concentration_ug_per_ml if stage.program else None
        if stage.until_stroke > start:  # a bridge may lie wholly within the prime before it
            reports.append(StageReport(stage.kind, (stage.until_stroke - start) * build.stroke_nl, drug))
            start = stage.until_stroke
    return tuple(reports)


def _reservoir(firmware: Firmware, build: Build) -> ReservoirReport:
    believed, strokes = firmware.reservoir, firmware.counter.strokes
    return ReservoirReport(
        volume_nl=firmware.believed_nl(build),
        low_alarm_nl=believed.low_alarm_nl,
        residual_nl=build.residual_nl,
        capacity_nl=build.capacity_nl,
        delivered_nl=strokes * build.stroke_nl,
        delivered_since_refill_nl=believed.drawn_nl(strokes, build.stroke_nl),
        delivered_pg=believed.delivered_pg(strokes, build.stroke_nl),
    )


def _bolus(firmware: Firmware, build: Build) -> BolusReport | None:
    bolus = firmware.controller.bolus
    if bolus is None:
        return None
    zone_offset_ms = firmware.clock.zone_offset_ms
    flow = controller.bolus_flow(firmware.controller, build, firmware.at_ms, zone_offset_ms)
    left_ms = -(-bolus.left // flow) if flow else None
    return BolusReport(bolus.kind, bolus.volume_nl, bolus.left_nl, left_ms)


def _patient_bolus(firmware: Firmware, build: Build) -> PatientBolusReport | None:
    patient, tick_ms = firmware.patient, firmware.counter.tick_ms
    if patient.bolus is None:
        return None
    return PatientBolusReport(
        dose_pg=patient.bolus.dose_pg,
        duration_ms=patient.bolus.duration_ms,
        lockout_ms=patient.bolus.lockout_ms,
        most_per_day=patient.bolus.most_per_day,
        given_in_day=len(patient.recent(tick_ms, build.modes)),
        wait_ms=patient.wait_ms(tick_ms, build.modes),
    )


def _patient_adjustment(firmware: Firmware, build: Build) -> PatientAdjustmentReport | None:
    moved = firmware.patient.adjustment
    if moved is None:
        return None
    return PatientAdjustmentReport(
        step_percent=moved.step_percent,
        low_pg_per_day=moved.low_pg_per_day,
        high_pg_per_day=moved.high_pg_per_day,
        base_pg_per_day=daily_dose_pg(moved.base),
        steps=moved.steps,
        wait_ms=firmware.patient.raise_wait_ms(firmware.counter.tick_ms, build.modes),
    )


def _battery(firmware: Firmware, build: Build) -> BatteryReport:
    design, counter, cost = build.battery, firmware.counter, build.stroke_cost
    flow = firmware.controller.mean_flow_nl_per_day
    eri_ms = firmware.eri_ms
    if eri_ms is None:
        eri_ms = replacement_due_ms(design, counter, cost, flow, flow)
    return BatteryReport(
        used_permille=charge_used(design, counter, cost) * PERMILLE // design.capacity,
        replacement_indicator_ms=firmware.clock.at_ms(eri_ms),
        end_of_service_ms=firmware.clock.at_ms(service_ends_ms(design, eri_ms)),
        signals_ppm=share_ppm(firmware),
    )
