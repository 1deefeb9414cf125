"""What the programmer gives, as the plain values the pages show."""

from collections.abc import Iterator

from openitb import catalogue, programmer, units
from openitb.catalogue import Fact, Pump
from openitb.clinic.desk import summaries
from openitb.clinic.desk.foresight import Running
from openitb.clinic.desk.ports import (
    AlarmState,
    Figure,
    Finding,
    LogLine,
    OrderRefused,
    ProgramSummary,
    PumpReading,
    Review,
)
from openitb.prescription import compile_order
from openitb.prescription.calculators import RefillAnswer
from openitb.prescription.guardrails import Finding as GateFinding
from openitb.prescription.program import Program
from openitb.programmer import Reading
from openitb.programmer.review import pump_date, refill_dates
from openitb.protocol import AlarmReport, Interrogation, LogKind
from openitb.protocol.describe import describe_entry

LOG_LINES = 40


def pump_reading(reading: Reading) -> PumpReading:
    """One interrogation as the pages show and keep it."""
    read = reading.interrogation
    pump = catalogue.load().pump(read.pump_id)
    program = compile_order(read.order, read.concentration_ug_per_ml, pump)
    dates = refill_dates(reading, program, reading.received_at_ms)
    return PumpReading(
        at_ms=read.at_ms,
        received_at_ms=reading.received_at_ms,
        serial=read.serial,
        program=program_summary(program, dates, reading.received_at_ms),
        rate_now_nl_per_day=read.rate_nl_per_day,
        reservoir_nl=read.reservoir.volume_nl,
        capacity_nl=read.reservoir.capacity_nl,
        low_reservoir_alarm_nl=read.reservoir.low_alarm_nl,
        battery=_battery(read),
        alarms=tuple(_alarm(alarm) for alarm in read.alarms),
        log=tuple(_log_lines(reading)),
        extra=tuple(_extra(reading, pump)),
        zone_offset_ms=read.zone_offset_ms,
    )


def review(made: programmer.Review, now_ms: int) -> Review | OrderRefused:
    """A review as the pages show it; a refusal with its findings where the pump cannot run the order."""
    findings = tuple(_finding(finding) for finding in made.verdict.findings)
    if made.new is None:
        hard = "; ".join(f"{finding.field}: {finding.message}" for finding in made.verdict.of("hard"))
        return OrderRefused(hard, findings)
    return Review(
        digest=made.digest,
        old=program_summary(made.old, made.old_refill, now_ms),
        new=program_summary(made.new, made.new_refill, now_ms),
        outcome=made.verdict.outcome,
        findings=findings,
    )


def running(reading: Reading) -> Running:
    """What a pump runs, since its log's last change of program; from when it was read if it keeps none."""
    changes = [entry.at_ms for entry in reading.log if entry.kind is LogKind.PROGRAM_CHANGED]
    return Running(reading.interrogation.order, changes[-1] if changes else reading.interrogation.at_ms)


def program_summary(program: Program, dates: RefillAnswer | None, now_ms: int) -> ProgramSummary:
    """A program with its derived figures."""
    if dates is None:
        return summaries.program_summary(program)
    low_at_ms = now_ms + int(dates.days_to_low_reservoir * units.MS_PER_DAY)
    return summaries.program_summary(program, low_at_ms, dates.refill_by.isoformat())


def _finding(found: GateFinding) -> Finding:
    return Finding(found.level, found.rule, found.field, found.message, found.sources, found.confidence.value)


def _battery(read: Interrogation) -> Figure:
    by = pump_date(read.battery.replacement_indicator_ms, read.zone_offset_ms)
    used = units.format_number(read.battery.used_permille / 10, 0)
    fact = catalogue.load().practice["battery"].fact("longevity_capacity")
    return _figure(f"{used} % used, replace by {by:%Y-%m}", fact)


def _figure(text: str, fact: Fact) -> Figure:
    return Figure(text, fact.confidence.value, ", ".join(fact.source))


def _alarm(alarm: AlarmReport) -> AlarmState:
    condition = alarm.condition.value
    text = condition.capitalize() + (" (two-tone alarm)" if alarm.critical else " (single tone)")
    return AlarmState(
        condition.replace(" ", "-"), "critical" if alarm.critical else "warning", text, alarm.since_ms
    )


def _log_lines(reading: Reading) -> Iterator[LogLine]:
    for entry in reversed(reading.log[-LOG_LINES:]):
        detail = describe_entry(entry)
        text = f"{entry.kind.value}: {detail}" if detail else entry.kind.value
        by = "" if entry.actor == "pump" else f", by {entry.actor}"
        yield LogLine(entry.number, entry.at_ms, f"{text}{by}")


def _extra(reading: Reading, pump: Pump) -> Iterator[tuple[str, Figure]]:
    read = reading.interrogation
    yield "State", Figure(read.state.value)
    yield "Delivered since refill", Figure(units.format_volume(read.reservoir.delivered_since_refill_nl))
    for stage in read.stages:
        left = units.format_volume(stage.left_nl)
        yield f"{stage.kind.value.capitalize()} under way", Figure(f"{left} left")
    residual = units.format_volume(read.reservoir.residual_nl)
    yield "Residual volume", _figure(residual, pump.fact("residual_volume"))
    yield "Stroke", _figure(f"{pump.stroke_volume_nl} nL", pump.fact("stroke_volume"))
    yield "Log", Figure(reading.log_fault or f"{len(reading.log)} entries, chain verified")
