"""What a review says of an action: bounds the pump would refuse beyond, and what a person should know.

Holds: PRG-15, PAT-04, ALM-04, TEL-06.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from openitb import catalogue, units
from openitb.prescription import OrderError, guardrails
from openitb.prescription.boluses import PERCENT, adjusted
from openitb.prescription.gate_case import finding
from openitb.prescription.guardrails import Finding, Level
from openitb.prescription.orders import Order, format_duration
from openitb.programmer.actions import AllowAdjustment, Confirm, Revoke, Silence, UseLibrary, key_text
from openitb.programmer.library import told
from openitb.programmer.plan import Plan


def action_findings(plan: Plan) -> Iterator[Finding]:
    """Everything there is to say of the action of a plan; nothing without one."""
    if plan.draft.action is not None:
        for rule in _RULES:
            yield from rule(plan)


def _silence(plan: Plan) -> Iterator[Finding]:
    action, alarms = plan.draft.action, plan.reading.interrogation.alarms
    if not isinstance(action, Silence):
        return
    if not alarms:
        yield _found("hard", "nothing-sounds", "silence_for", "no alarm is latched, expected one to silence")
    critical = any(alarm.critical for alarm in alarms)
    longest_ms = _practice_ms("silence", "critical_longest" if critical else "other_longest")
    if action.duration_ms > longest_ms:
        given, most = format_duration(action.duration_ms), format_duration(longest_ms)
        yield _found("hard", "silence-too-long", "silence_for", f"got {given}, expected at most {most}")
    if critical:
        text = "a critical alarm is silent only while this contact lasts, and sounds again with its end"
        yield _found("note", "silence-with-contact", "silence_for", text)


def _library(plan: Plan) -> Iterator[Finding]:
    action, access = plan.draft.action, plan.reading.access
    if not isinstance(action, UseLibrary):
        return
    held = access.library if access else None
    if held is not None and action.edition.version <= held.version:
        text = f"got {told(action.edition)}, expected a version above {held.version}"
        yield _found("hard", "library-older", "library_file", text)
    if action.edition.expires_ms <= plan.made_at_ms:
        yield _found("hard", "library-expired", "library_file", f"got {told(action.edition)}, which is over")


def _key(plan: Plan) -> Iterator[Finding]:
    action, access = plan.draft.action, plan.reading.access
    if not isinstance(action, Revoke):
        return
    if access is not None and action.key_id in access.revoked:
        yield _found("hard", "key-revoked", "key", f"got {action.key_id.hex()}, which is revoked already")
    elif access is None or action.key_id not in {peer.key_id for peer in access.peers}:
        text = f"got {key_text(action.key_id, plan.reading)}: a slip would shut out nobody, or somebody else"
        yield _found("soft", "key-unknown", "key", text)


def _confirm(plan: Plan) -> Iterator[Finding]:
    transfer = plan.reading.transfer
    if isinstance(plan.draft.action, Confirm) and (transfer is None or transfer.confirmed):
        yield _found("hard", "nothing-waits", "compared", "the pump waits for no confirmation")


def _adjustment(plan: Plan) -> Iterator[Finding]:
    """The most a patient can reach goes through the gate as if it were ordered."""
    action, read = plan.draft.action, plan.reading.interrogation
    if not isinstance(action, AllowAdjustment):
        return
    dose = read.dose_pg_per_day
    low, high = action.low_pg_per_day, action.high_pg_per_day
    if not low <= dose <= high:
        given = f"{units.format_dose(low)} to {units.format_dose(high)}"
        text = f"got {given}, expected a range around {units.format_dose(dose)}"
        yield _found("hard", "adjustment-range", "adjust_high", text)
        return
    try:
        yield from _most_reached(plan, adjusted(read.order, high * PERCENT // dose))
    except OrderError as error:
        yield _found("hard", "adjustment-order", "adjust_high", str(error))


def _most_reached(plan: Plan, order: Order) -> Iterator[Finding]:
    verdict = guardrails.check(replace(plan.gate_request, order=order, last_increase_ms=None))
    for found in (*verdict.of("hard"), *verdict.of("soft")):
        yield replace(found, field="adjust_high", message=f"the most the patient can reach: {found.message}")


_RULES: tuple[Callable[[Plan], Iterator[Finding]], ...] = (_silence, _library, _key, _confirm, _adjustment)


def _found(level: Level, rule: str, field: str, message: str) -> Finding:
    return finding(level, rule, field, message, ())


def _practice_ms(entry: str, fact: str) -> int:
    return catalogue.load().practice[entry].fact(fact).whole("ms")
