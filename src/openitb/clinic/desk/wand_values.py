"""What the programmer gives, as the plain values the pages show."""

from collections.abc import Iterator

from openitb import catalogue, programmer, units
from openitb.catalogue import Fact, Pump
from openitb.clinic.desk import summaries
from openitb.clinic.desk.cautions import cautions
from openitb.clinic.desk.foresight import Running, Stock
from openitb.clinic.desk.instants import clinic_day
from openitb.clinic.desk.ports import (
    AlarmState,
    Figure,
    Finding,
    Level,
    LogLine,
    OrderRefused,
    ProgramSummary,
    PumpReading,
    Review,
)
from openitb.clinic.desk.summaries import ReservoirDates
from openitb.prescription import compile_order
from openitb.prescription.answers import number
from openitb.prescription.calculators import RefillAnswer
from openitb.prescription.guardrails import Finding as GateFinding
from openitb.prescription.program import Program
from openitb.programmer import Reading
from openitb.programmer.handheld.words import in_order
from openitb.programmer.indicator import light_of, lines
from openitb.programmer.review import refill_dates, signals_percent
from openitb.protocol import AlarmCondition, AlarmReport, Interrogation, LogKind, PumpState
from openitb.protocol.describe import describe_entry

LOG_LINES = 40
_AT_REST = {PumpState.STOPPED, PumpState.GUARD_STOP, PumpState.END_OF_SERVICE, PumpState.MOTOR_STALL}


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
        program=_summary(read, program, dates, reading.received_at_ms),
        rate_now_nl_per_day=read.rate_nl_per_day,
        reservoir_nl=read.reservoir.volume_nl,
        capacity_nl=read.reservoir.capacity_nl,
        low_reservoir_alarm_nl=read.reservoir.low_alarm_nl,
        battery=_battery(read),
        alarms=_alarms(read),
        light=_light(read),
        log=tuple(_log_lines(reading)),
        extra=tuple(_extra(reading, pump)),
        zone_offset_ms=read.zone_offset_ms,
    )


def review(made: programmer.Review, reading: Reading, now_ms: int) -> Review | OrderRefused:
    """A review of a pump as it was read; a refusal with its findings where it cannot run the order."""
    findings = tuple(_finding(finding) for finding in made.verdict.findings)
    if made.new is None:
        hard = "; ".join(f"{finding.field}: {finding.message}" for finding in made.verdict.of("hard"))
        return OrderRefused(hard, findings)
    read = reading.interrogation
    return Review(
        digest=made.digest,
        old=_summary(read, made.old, made.old_refill, now_ms),
        new=_summary(read, made.new, made.new_refill, now_ms),
        outcome=made.verdict.outcome,
        findings=findings,
        cautions=cautions(_alarms(read)),
    )


def running(reading: Reading) -> Running:
    """What a pump runs, since its log's last change of program; from when it was read if it keeps none."""
    changes = [entry.at_ms for entry in reading.log if entry.kind is LogKind.PROGRAM_CHANGED]
    read = reading.interrogation
    stock = Stock(read.reservoir.volume_nl - read.reservoir.residual_nl, read.concentration_ug_per_ml)
    return Running(read.order, changes[-1] if changes else read.at_ms, stock)


def empty_at_ms(read: Interrogation, program: Program, now_ms: int) -> int | None:
    """When the pump will have counted itself empty under a program; None if it is, or nothing flows."""
    left_nl = read.reservoir.volume_nl - read.reservoir.residual_nl
    if left_nl <= 0 or not program.flow_nl_per_day:
        return None
    return now_ms + int(left_nl / program.flow_nl_per_day * units.MS_PER_DAY)


def _summary(
    read: Interrogation, program: Program, dates: RefillAnswer | None, now_ms: int
) -> ProgramSummary:
    """A program with its derived figures, for the reservoir as it was read."""
    empty_ms = empty_at_ms(read, program, now_ms)
    if dates is None:
        return summaries.program_summary(
            program, ReservoirDates(undated=_undated(read), empty_at_ms=empty_ms)
        )
    low_ms = now_ms + int(dates.days_to_low_reservoir * units.MS_PER_DAY)
    known = ReservoirDates(low_ms, dates.refill_by.isoformat(), empty_at_ms=empty_ms)
    return summaries.program_summary(program, known)


def _undated(read: Interrogation) -> str:
    if _counts_itself_empty(read):
        return "empty"
    return "low already" if read.reservoir.volume_nl <= read.reservoir.low_alarm_nl else ""


def _counts_itself_empty(read: Interrogation) -> bool:
    return any(alarm.condition is AlarmCondition.EMPTY_RESERVOIR for alarm in read.alarms)


def _finding(found: GateFinding) -> Finding:
    return Finding(found.level, found.rule, found.field, found.message, found.sources, found.confidence.value)


def _battery(read: Interrogation) -> Figure:
    by = clinic_day(read.battery.replacement_indicator_ms)
    used = units.format_number(read.battery.used_permille / 10, 0)
    fact = catalogue.load().practice["battery"].fact("longevity_capacity")
    return _figure(f"{used} % used, replace by {by.isoformat()}{_signals(read)}", fact)


def _signals(read: Interrogation) -> str:
    """What tones and telemetry have taken from the cell, once it is more than their share."""
    most = catalogue.load().practice["requirement-values"].fact("bat_05_share").number("percent")
    taken = signals_percent(read.battery)
    return f"; tones and telemetry took {number(taken, 2)} % of the cell" if taken > most else ""


def _figure(text: str, fact: Fact) -> Figure:
    return Figure(text, fact.confidence.value, ", ".join(fact.source))


def _alarms(read: Interrogation) -> tuple[AlarmState, ...]:
    return tuple(_alarm(alarm) for alarm in in_order(read.alarms))


def _light(read: Interrogation) -> str:
    light = light_of(read.alarms)
    return "" if light is None else light.priority.value


def _alarm(alarm: AlarmReport) -> AlarmState:
    condition = alarm.condition.value
    text = condition.capitalize() + (" (two-tone alarm)" if alarm.critical else " (single tone)")
    (words,) = lines((alarm,))
    level: Level = "critical" if alarm.critical else "warning"
    return AlarmState(condition.replace(" ", "-"), level, text, alarm.since_ms, words)


def _log_lines(reading: Reading) -> Iterator[LogLine]:
    for entry in reversed(reading.log[-LOG_LINES:]):
        detail = describe_entry(entry)
        text = f"{entry.kind.value}: {detail}" if detail else entry.kind.value
        by = "" if entry.actor == "pump" else f", by {entry.actor}"
        yield LogLine(entry.number, entry.at_ms, f"{text}{by}")


def _extra(reading: Reading, pump: Pump) -> Iterator[tuple[str, Figure]]:
    read = reading.interrogation
    yield "State", Figure(_state(read))
    if reading.transfer is not None and not reading.transfer.confirmed:
        yield "Program", Figure("committed, not yet confirmed by read-back")
    if reading.access is not None:
        library = reading.access.library
        yield (
            "Drug library",
            Figure(f"version {library.version}, {library.source}" if library else "none in use"),
        )
    yield "Delivered since refill", Figure(units.format_volume(read.reservoir.delivered_since_refill_nl))
    for stage in read.stages:
        left = units.format_volume(stage.left_nl)
        yield f"{stage.kind.value.capitalize()} under way", Figure(f"{left} left")
    residual = units.format_volume(read.reservoir.residual_nl)
    yield "Residual volume", _figure(residual, pump.fact("residual_volume"))
    yield "Stroke", _figure(f"{pump.stroke_volume_nl} nL", pump.fact(pump.metering_fact))
    yield "Log", Figure(reading.log_fault or f"{len(reading.log)} entries, chain verified")


def _state(read: Interrogation) -> str:
    """The drive turns on in an empty pump, so that its own word for it alone would mislead."""
    turns = read.state not in _AT_REST
    return read.state.value + (", but counts itself empty" if turns and _counts_itself_empty(read) else "")
