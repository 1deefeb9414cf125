"""A visit as plain values, sealed by a digest.

Holds: PRG-18, PRG-20, LOG-06.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from openitb import catalogue, units
from openitb.catalogue import Pump
from openitb.prescription.answers import Value, number
from openitb.prescription.gate import Finding
from openitb.prescription.orders import describe_order, order_to_mapping
from openitb.programmer.advice import advice
from openitb.programmer.comparison import compare
from openitb.programmer.library import edition, edition_line, library_line
from openitb.programmer.outcomes import Applied, Outcome, Partly, Reading, Refused
from openitb.programmer.plan import Plan
from openitb.programmer.plan_rules import high_alert, judged, slips
from openitb.programmer.review import dose_history
from openitb.programmer.sealed import seal
from openitb.programmer.second import Approval, Signature
from openitb.programmer.visit import Visit, last_reading
from openitb.programmer.workflow import CHOSEN, FILE_FIELDS, PATIENT, TEXT_FIELDS
from openitb.protocol import LogEntry
from openitb.protocol.describe import describe_entry

KEPT_OUT = FILE_FIELDS | {PATIENT, "product", "lot", "expiry"}  # told elsewhere, or too long
_CONFIRMED = {
    True: "",
    False: ", committed, not yet confirmed by read-back",
    None: ", whether confirmed was not read",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """Where and by whom a report was made; `is_demo` marks it as an exercise on every page."""

    person: str
    made_at_ms: int
    is_demo: bool = False


def session_report(visit: Visit, desk: Desk) -> dict[str, Any]:
    """Everything of a visit, ready for JSON; digest over all the rest."""
    last = last_reading(visit)
    return seal(
        {
            "demo": desk.is_demo,
            "visit": _visit(visit, desk),
            "patient": _patient(visit),
            "pump": pump_state(last),
            "before": pump_state(visit.reading),
            "comparison": [] if visit.plan is None else _rows(visit.plan),
            "findings": []
            if visit.plan is None
            else [_finding(found) for found in judged(visit.plan).findings],
            "overrides": _overrides(visit, desk),
            "second_person": _second(visit),
            "refill": _refill(visit),
            "outcome": _outcome(visit),
            "advice": list(advice(visit)),
            "observations": _observations(visit),
            "log": [_entry(entry) for entry in _log_of_visit(visit.reading, last)],
            "limits": {"edition": edition(), "line": edition_line(last.access)},
        }
    )


def pump_state(reading: Reading) -> dict[str, Any]:
    """What the pump said, with what it rests on; amounts in whole units and in words."""
    read, held = reading.interrogation, reading.interrogation.reservoir
    from_log = dose_history(reading.log, _pump(reading))
    return {
        "serial": read.serial,
        "model": read.pump_id,
        "pump_clock_ms": read.at_ms,
        "zone_offset_ms": read.zone_offset_ms,
        "received_at_ms": reading.received_at_ms,
        "state": read.state.value,
        "order": order_to_mapping(read.order),
        "order_text": describe_order(read.order),
        "program_digest": read.program_digest,
        "concentration_ug_per_ml": read.concentration_ug_per_ml,
        "dose_pg_per_day": read.dose_pg_per_day,
        "last_effective_dose_pg_per_day": from_log.last_effective_dose_pg_per_day,
        "rate_nl_per_day": read.rate_nl_per_day,
        "reservoir_nl": held.volume_nl,
        "low_alarm_nl": held.low_alarm_nl,
        "delivered_nl": held.delivered_nl,
        "delivered_since_refill_nl": held.delivered_since_refill_nl,
        "stages": [{"kind": stage.kind.value, "left_nl": stage.left_nl} for stage in read.stages],
        "alarms": [
            {"condition": alarm.condition.value, "critical": alarm.critical, "since_ms": alarm.since_ms}
            for alarm in read.alarms
        ],
        "battery_used_permille": read.battery.used_permille,
        "battery_signals_ppm": read.battery.signals_ppm,
        "replacement_indicator_ms": read.battery.replacement_indicator_ms,
        "log_head": {"number": read.log_head.number, "digest": read.log_head.digest.hex()},
        "log_fault": reading.log_fault,
        "confirmed": None if reading.transfer is None else reading.transfer.confirmed,
        "library": library_line(reading.access),
    }


def outcome_text(outcome: Outcome | None) -> tuple[str, str]:
    """One word for what became of the pump, and the sentence; never more than was read back."""
    match outcome:
        case None:
            return "not committed", "Nothing was sent."
        case Applied():
            return "applied", "Read back: the pump stands as reviewed."
        case Refused(what, reason):
            return "refused", f"Not changed. {what}: {reason.removeprefix('not changed: ')}"
        case Partly(_, done, not_done, reason):
            left = f"; not done: {', '.join(not_done)}" if not_done else ""
            return "partly", f"Changed in part. Done: {', '.join(done)}{left}. {reason}"
        case _:
            return "unknown", f"Unknown, check: read the pump again. {outcome.reason}"


def _visit(visit: Visit, desk: Desk) -> dict[str, Any]:
    return {
        "workflow": visit.workflow.workflow_id,
        "title": visit.workflow.title,
        "session": visit.session_id,
        "by": desk.person,
        "made_at_ms": desk.made_at_ms,
        "read_only": list(visit.read_only),
    }


def _patient(visit: Visit) -> dict[str, Any]:
    limits = visit.chart.limits
    if limits is None:
        return {"id": str(visit.answers.get(PATIENT, "")), "on_record": False}
    return {
        "on_record": True,
        "id": visit.chart.patient_id,
        "origin": limits.origin,
        "age_years": limits.age_years,
        "cap_pg_per_day": limits.cap_pg_per_day,
    }


def _rows(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "label": row.label,
            "old": row.old,
            "new": row.new,
            "derived": row.is_derived,
            "changed": row.changed,
        }
        for row in compare(plan)
    ]


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "level": found.level,
        "rule": found.rule,
        "field": found.field,
        "message": found.message,
        "values": [
            {"text": step.text, "value": _plain(step.value), "unit": step.unit} for step in found.values
        ],
        "sources": list(found.sources),
        "confidence": found.confidence.value,
    }


def _overrides(visit: Visit, desk: Desk) -> list[dict[str, Any]]:
    """Every soft limit that was passed: by whom, why, with its values and the edition of the limits."""
    if visit.plan is None or not visit.is_committed or visit.consent is None:
        return []
    typed_again = [f"{found.field}: {found.why}" for found in slips(visit.plan)]
    return [
        {
            **_finding(found),
            "by": desk.person,
            "reason": visit.consent.reason,
            "typed_again": typed_again,
            "edition": edition(),
        }
        for found in judged(visit.plan).of("soft")
    ]


def _second(visit: Visit) -> dict[str, Any]:
    needed = [] if visit.plan is None else list(high_alert(visit.plan))
    approval = None if visit.consent is None else visit.consent.approval
    return {"needed_for": needed, "approval": None if approval is None else _approval(approval)}


def _refill(visit: Visit) -> dict[str, Any]:
    """The record of a fill: volumes, drug, package, and the two who stand for it; empty without one."""
    plan, approval = visit.plan, None if visit.consent is None else visit.consent.approval
    package = None if plan is None else plan.draft.package
    if plan is None or package is None:
        return {}
    held = plan.reading.interrogation.reservoir
    return {
        "expected_nl": max(0, held.volume_nl - held.residual_nl),
        "drawn_nl": plan.draft.drawn_nl,
        "injected_nl": plan.draft.injected_nl,
        "product": package.product,
        "concentration_ug_per_ml": plan.concentration_ug_per_ml,
        "lot": package.lot,
        "expires": package.expires.isoformat(),
        "people": [] if approval is None else [approval.proposed.person_id, approval.verified.person_id],
    }


def _approval(approval: Approval) -> dict[str, Any]:
    return {"proposed": _signature(approval.proposed), "verified": _signature(approval.verified)}


def _signature(signature: Signature) -> dict[str, Any]:
    act = signature.act
    return {
        "by": signature.person_id,
        "meaning": act.meaning,
        "plan_digest": act.plan_digest,
        "session": act.session_id,
        "at_ms": act.at_ms,
        "seal": signature.seal.hex(),
    }


def _outcome(visit: Visit) -> dict[str, Any]:
    word, sentence = outcome_text(visit.outcome)
    return {
        "kind": word,
        "text": sentence,
        "plan_digest": "" if visit.plan is None else visit.plan.digest,
        "commands": [{"what": sent.what, "command_id": sent.command_id} for sent in visit.sent],
    }


def _observations(visit: Visit) -> dict[str, str]:
    words = {**TEXT_FIELDS, **{key: label for key, (label, _) in CHOSEN.items()}}
    return {
        words[key]: str(value) for key, value in visit.answers.items() if key in words and key not in KEPT_OUT
    }


def _log_of_visit(first: Reading, last: Reading) -> tuple[LogEntry, ...]:
    """What the pump wrote since the visit began, its own first reading included."""
    since = first.interrogation.log_head.number
    return tuple(entry for entry in last.log if entry.number >= since)


def _entry(entry: LogEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "at_ms": entry.at_ms,
        "kind": entry.kind.value,
        "by": entry.actor,
        "text": describe_entry(entry),
        "digest": entry.digest.hex(),
    }


def _plain(value: Value) -> int | str:
    match value:
        case int() | str():
            return value
        case Fraction():
            return number(value, 6)
        case date():
            return value.isoformat()


def _pump(reading: Reading) -> Pump:
    return catalogue.load().pump(reading.interrogation.pump_id)


def shown_amounts(state: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A pump's state in words, for print."""
    return [
        ("Order", state["order_text"]),
        ("Daily dose", units.format_dose(state["dose_pg_per_day"])),
        ("Concentration", units.format_concentration(state["concentration_ug_per_ml"])),
        ("Flow now", units.format_flow(state["rate_nl_per_day"], 6)),
        ("State", state["state"]),
        ("Reservoir", units.format_volume(state["reservoir_nl"])),
        ("Low-reservoir alarm", units.format_volume(state["low_alarm_nl"])),
        ("Delivered since refill", units.format_volume(state["delivered_since_refill_nl"])),
        ("Alarms", ", ".join(alarm["condition"] for alarm in state["alarms"]) or "none"),
        ("Battery used", f"{units.format_number(state['battery_used_permille'] / 10, 1)} %"),
        ("Of it tones and telemetry", f"{units.format_number(state['battery_signals_ppm'] / 10_000, 2)} %"),
        ("Program digest", f"{state['program_digest']}{_CONFIRMED[state['confirmed']]}"),
        ("Drug library", state["library"]),
        ("Log", state["log_fault"] or f"{state['log_head']['number']} entries, chain verified"),
    ]
