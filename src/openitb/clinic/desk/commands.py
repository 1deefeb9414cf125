"""Sending an order and writing down what became of it: intent first, then the outcome, once.

Holds: PRG-07, PRG-10.
"""

from dataclasses import asdict, dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone

from openitb.clinic.desk import instants, readings
from openitb.clinic.desk.ports import Commit, LinkFailure, OrderRefused, Outcome, PumpReading, Review, link
from openitb.clinic.people.models import User
from openitb.clinic.record.models import DoseOutcome, DoseRecord, Interrogation, System
from openitb.clinic.record.queries import unsettled_dose

PUMP_CHANGED = "The pump or the record changed since this review. Compare again before sending."
REASON_MISSING = "This order needs a reason. Write why it is right for this person, or change the order."
UNSETTLED = "An earlier command to this pump is unresolved. Read it back first; nothing was sent."
NOT_COMPARED = "Compare old and new and tick that you did. Nothing was sent."
NOT_ADMITTED = "The order is refused and cannot be overridden. Nothing was sent."
LONGEST_TEXT = 400  # that the record keeps of an outcome


@dataclass(frozen=True, slots=True)
class NotCommitted:
    """Nothing was sent: why, and the fresh review to show if there is one."""

    reason: str
    review: Review | None = None


def send(system: System, asked: Commit, by: User) -> DoseRecord | NotCommitted:
    """Review once more, write the intent, send, write the outcome."""
    fresh = link().review(system, asked.order, asked.override)
    if isinstance(fresh, OrderRefused):
        return NotCommitted(fresh.message)
    if isinstance(fresh, LinkFailure):
        return NotCommitted(fresh.reason)
    if reason := _obstacle(system, asked, fresh):
        return NotCommitted(reason, fresh)
    record = _intent(system, asked, fresh, by)
    if record is None:
        return NotCommitted(UNSETTLED, fresh)
    _write(record, link().commit(system, asked))
    return record


def resolve(record: DoseRecord) -> None:
    """Read back a command whose outcome is unknown and write what was found."""
    _write(record, link().read_back(record.system, record.command_id))


def _obstacle(system: System, asked: Commit, fresh: Review) -> str:
    if unsettled_dose(system):
        return UNSETTLED
    if fresh.digest != asked.review_digest:
        return PUMP_CHANGED
    if fresh.outcome == "refused":
        return NOT_ADMITTED
    if fresh.outcome == "needs reason" and not asked.override:
        return REASON_MISSING
    return "" if asked.compared else NOT_COMPARED


def _intent(system: System, asked: Commit, fresh: Review, by: User) -> DoseRecord | None:
    """The record of what is about to be sent; None if another command got in between.

    The database allows one command of unknown outcome per system, and each command id once.
    """
    try:
        with transaction.atomic():
            return DoseRecord.objects.create(
                at=timezone.now(),
                system=system,
                command_id=asked.command_id,
                order=dict(asked.order),
                concentration_ug_per_ml=fresh.new.concentration_ug_per_ml,
                program_digest=fresh.new.digest,
                daily_dose_pg=fresh.new.daily_dose_pg,
                by=by,
                findings=[asdict(finding) for finding in fresh.findings],
                override_reason=asked.override,
            )
    except IntegrityError:
        return None


def _write(record: DoseRecord, outcome: Outcome) -> None:
    text = outcome.text[:LONGEST_TEXT]
    if outcome.kind == "unknown":
        record.remain_unknown(text)
        return
    kept = _keep(record.system, outcome.reading)
    record.settle(DoseOutcome(outcome.kind), text, timezone.now(), kept)


def _keep(system: System, reading: PumpReading | None) -> Interrogation | None:
    if reading is None:
        return None
    remember_dates(system, reading)
    return readings.keep(system, reading)


def remember_dates(system: System, reading: PumpReading) -> None:
    """Move the refill dates of the patient list to those of a reading."""
    program = reading.program
    system.refill_by = _refill_by(system, reading)
    low = program.low_reservoir_at_ms
    system.low_reservoir_at = None if low is None else instants.from_ms(low)
    system.save()


def _refill_by(system: System, reading: PumpReading) -> date | None:
    """A reservoir that is low or empty already is due since then: it does not leave the list of the due."""
    if reading.program.refill_by:
        return date.fromisoformat(reading.program.refill_by)
    if not reading.program.undated:
        return None
    today = timezone.localdate(instants.from_ms(reading.received_at_ms))
    return min(today, system.refill_by or today)
