"""The review: what runs beside what is proposed, judged by the one gate, before anything is sent.

Holds: DEL-05, PRG-03, RES-01, RES-02.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from openitb import catalogue
from openitb.catalogue import Pump
from openitb.prescription import compile_order, guardrails
from openitb.prescription.answers import CalculationError
from openitb.prescription.calculators import RefillAnswer, refill
from openitb.prescription.gate_case import finding
from openitb.prescription.guardrails import GateRequest, PatientLimits, Verdict
from openitb.prescription.orders import Order, order_to_mapping
from openitb.prescription.program import Program
from openitb.programmer.lead import Warned, lead_findings
from openitb.programmer.outcomes import Reading
from openitb.protocol import BatteryReport, Interrogation, LogEntry, LogKind

PPM_PER_PERCENT = 10_000


@dataclass(frozen=True, slots=True)
class DoseHistory:
    """What step limits count from: the last dose truly given, when it last went up, and a break.

    `interrupted` is true while the pump is stopped or at minimum rate after having delivered.
    """

    last_effective_dose_pg_per_day: int | None
    last_increase_ms: int | None
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Review:
    """One proposed order beside the running program.

    `new` and `new_digest` are empty if the pump cannot run the order; the verdict then says why.
    `expected_digest` is the program this review was made against: the pump refuses if it has changed.
    `read_at_ms` is when the pump was read; a review of an old reading is not sent.
    """

    serial: str
    order: Order
    old: Program
    new: Program | None
    verdict: Verdict
    expected_digest: str
    old_refill: RefillAnswer | None
    new_refill: RefillAnswer | None
    read_at_ms: int

    @property
    def new_digest(self) -> str:
        """Digest of the program the order compiles to; empty if there is none."""
        return self.new.digest if self.new else ""

    @property
    def digest(self) -> str:
        """Identifies this review: the same order for the same pump in the same state."""
        content = json.dumps(
            [self.serial, self.expected_digest, order_to_mapping(self.order)], sort_keys=True
        )
        return hashlib.sha256(content.encode()).hexdigest()


def review(reading: Reading, order: Order, patient: PatientLimits, now_ms: int) -> Review:
    """Judge `order` for the pump as it was read; sends nothing.

    Raises `OrderError` for an order without meaning; what the pump or the patient's limits do not
    allow is in the verdict.
    """
    read = reading.interrogation
    pump = catalogue.load().pump(read.pump_id)
    history = dose_history(reading.log, pump)
    request = GateRequest(
        order=order,
        concentration_ug_per_ml=read.concentration_ug_per_ml,
        pump=pump,
        patient=patient,
        last_effective_dose_pg_per_day=history.last_effective_dose_pg_per_day,
        last_increase_ms=history.last_increase_ms,
        at_ms=now_ms,
        interruption=history.interrupted,
    )
    verdict = with_stop(next_told(guardrails.check(request), read.zone_offset_ms), order)
    old = compile_order(read.order, read.concentration_ug_per_ml, pump)
    verdict = _with_lead(verdict, read, old, pump)
    return Review(
        serial=read.serial,
        order=order,
        old=old,
        new=verdict.program,
        verdict=verdict,
        expected_digest=read.program_digest,
        old_refill=refill_dates(reading, old, now_ms),
        new_refill=refill_dates(reading, verdict.program, now_ms) if verdict.program else None,
        read_at_ms=reading.received_at_ms,
    )


def _with_lead(verdict: Verdict, read: Interrogation, old: Program, pump: Pump) -> Verdict:
    """The verdict, with an alarm that the order would make too late."""
    if verdict.program is None:
        return verdict
    held = read.reservoir
    before, after = (Warned(each, pump, held, held.low_alarm_nl) for each in (old, verdict.program))
    found = lead_findings(before, after, is_stated=False)
    return replace(verdict, findings=(*verdict.findings, *found))


def with_stop(verdict: Verdict, order: Order | None) -> Verdict:
    """The verdict on an order, with the reason that a stop has to state; soft. Holds: DEL-13."""
    program = verdict.program
    if order is None or program is None or not program.is_still:
        return verdict
    text = "a stop states its reason, which the pump keeps in its log"
    fact = (catalogue.load().practice["withdrawal"], "onset_low")
    found = finding("soft", "stop-reason", "order", text, (), (fact,))
    return replace(verdict, findings=(*verdict.findings, found))


def next_told(verdict: Verdict, zone_offset_ms: int) -> Verdict:
    """The verdict, each finding of time with the instant from which it would no longer be made."""
    told = tuple(
        found
        if found.next_ms is None
        else replace(
            found, message=f"{found.message}; next allowed at {pump_time(found.next_ms, zone_offset_ms)}"
        )
        for found in verdict.findings
    )
    return replace(verdict, findings=told)


def refill_dates(reading: Reading, program: Program, now_ms: int) -> RefillAnswer | None:
    """When this program would run the reservoir low; None where it delivers nothing to speak of."""
    read = reading.interrogation
    pump = catalogue.load().pump(read.pump_id)
    try:
        return refill(
            read.reservoir.volume_nl,
            read.reservoir.low_alarm_nl,
            read.concentration_ug_per_ml,
            program.daily_dose_pg,
            pump_date(now_ms, read.zone_offset_ms),
            pump,
        )
    except CalculationError:
        return None


def signals_percent(battery: BatteryReport) -> Fraction:
    """What tones and telemetry have taken from a new cell, in percent."""
    return Fraction(battery.signals_ppm, PPM_PER_PERCENT)


def pump_date(at_ms: int, zone_offset_ms: int) -> date:
    """The calendar day on a clock of fixed offset."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return (epoch + timedelta(milliseconds=at_ms + zone_offset_ms)).date()


def pump_time(at_ms: int, zone_offset_ms: int) -> str:
    """An instant as the pump's own clock shows it: `2026-01-05 08:00 by the pump's clock`."""
    shown = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms + zone_offset_ms)
    return f"{shown:%Y-%m-%d %H:%M} by the pump's clock"


def dose_history(log: tuple[LogEntry, ...], pump: Pump) -> DoseHistory:
    """Read the last effective dose and the last increase out of the pump's own log."""
    history = DoseHistory(None, None, interrupted=False)
    for entry in log:
        if entry.kind is LogKind.PROGRAM_CHANGED:
            history = _after(history, entry, pump)
    return history


def _after(history: DoseHistory, entry: LogEntry, pump: Pump) -> DoseHistory:
    dose, concentration = entry.get("dose_pg_per_day"), entry.get("concentration_ug_per_ml")
    if not isinstance(dose, int) or not isinstance(concentration, int):
        return history
    last = history.last_effective_dose_pg_per_day
    if dose <= pump.minimum_rate_nl_per_day * concentration:
        return replace(history, interrupted=last is not None)
    raised_ms = entry.at_ms if last is None or dose > last else history.last_increase_ms
    return DoseHistory(dose, raised_ms, interrupted=False)
