"""A visit: one patient, one pump, one workflow, from reading to read-back; a value that moves in steps.

Nothing is sent before `commit_visit`, and only what the last review showed. Every move takes the time,
so an idle programmer locks itself; a locked visit has lost its draft and never touched the pump.

Holds: PRG-03, PRG-04, PRG-05, PRG-09, PRG-10, PRG-11, PRG-12, PRG-13, PRG-14, PRG-18, PRG-19.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from openitb import catalogue, units
from openitb.prescription.guardrails import GateRefusal
from openitb.programmer import fates
from openitb.programmer.actions import Revoke
from openitb.programmer.chart import Chart, mismatches
from openitb.programmer.draft import Value, draft_of, read_answer
from openitb.programmer.entry import EntryError
from openitb.programmer.fates import Sent
from openitb.programmer.outcomes import Applied, Outcome, Partly, Reading, Refused, Unknown, Unreachable
from openitb.programmer.plan import Plan
from openitb.programmer.plan_rules import high_alert, judged, slips
from openitb.programmer.sealed import dose_of_report
from openitb.programmer.second import Act, Approval, SecondPersonError, Staff, compare_blind, require_approval
from openitb.programmer.sending import Errand, send, settle
from openitb.programmer.session import Sender, Wand, interrogate, staleness
from openitb.programmer.workflow import PATIENT, Workflow
from openitb.telemetry import key_id

Idle = Literal["active", "warning", "locked"]


class VisitError(ValueError):
    """A move that this visit does not allow now; one line for a person."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person says to the review: the plan they saw, why limits are passed, slips typed again."""

    plan_digest: str
    reason: str = ""
    retyped: Mapping[str, object] = field(default_factory=dict)
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """Everything of one visit. `read_only` says why nothing may be sent; empty if it may.

    `sent` are the commands of a commit, `outcome` what became of them; a visit is committed at most once.
    `session_id` is fresh for every visit; its commands carry it, so the pump does them once even if the same
    visit is committed twice.
    """

    workflow: Workflow
    chart: Chart
    session_id: str
    reading: Reading
    touched_ms: int
    read_only: tuple[str, ...] = ()
    answers: Mapping[str, Value] = field(default_factory=dict)
    plan: Plan | None = None
    consent: Consent | None = None
    sent: tuple[Sent, ...] = ()
    outcome: Outcome | None = None
    is_committed: bool = False
    is_locked: bool = False


def open_visit(
    wand: Wand, kind: Workflow, chart: Chart, session_id: str, sender: Sender
) -> Visit | Unreachable:
    """Begin by reading the pump; a pump or model that is not the chart's leaves the visit read-only.

    Refuses with `VisitError` a workflow that the sender's key may not be used for.
    """
    if sender.role not in kind.roles:
        allowed = ", ".join(role.value for role in kind.roles)
        raise VisitError(f"{kind.workflow_id}: got a {sender.role.value} key, expected {allowed}")
    reading = interrogate(wand, sender)
    if isinstance(reading, Unreachable):
        return reading
    wrong = mismatches(chart, reading, chart.patient_id)
    return Visit(kind, chart, session_id, reading, sender.clock(), wrong)


def answer(visit: Visit, key: str, given: object, now_ms: int) -> Visit:
    """The visit with one field filled in; the last review no longer holds.

    Refuses with `EntryError` a field the workflow does not ask or a value that does not read, and with
    `VisitError` an answer when it is too late for it. A patient number that is not the chart's leaves
    the visit read-only for good.
    """
    visit = touched(visit, now_ms)
    if key not in visit.workflow.fields:
        asked = ", ".join(visit.workflow.fields)
        raise EntryError(f"{key}: got a field that {visit.workflow.title!r} does not ask, expected {asked}")
    if visit.is_committed and key not in visit.workflow.afterwards:
        raise VisitError(f"{key}: the visit is committed, begin another to change more")
    value = read_answer(key, given)
    answered = {**visit.answers, key: value}
    if key in visit.workflow.afterwards:
        return replace(visit, answers=answered)
    wrong = visit.read_only
    if key == PATIENT:
        wrong = (*wrong, *mismatches(visit.chart, visit.reading, str(value)))
    return replace(visit, answers=answered, plan=None, consent=None, read_only=tuple(dict.fromkeys(wrong)))


def review_visit(visit: Visit, now_ms: int) -> Visit:
    """The visit with everything reviewed; `EntryError` names the first field that is still empty."""
    visit = touched(visit, now_ms)
    if visit.is_committed:
        raise VisitError("the visit is committed, begin another to change more")
    draft = draft_of(required(visit.workflow, visit.chart), visit.answers)
    old_dose = None if draft.old_report is None else dose_of_report(draft.old_report)
    return replace(visit, plan=Plan(visit.reading, visit.chart, draft, now_ms, old_dose))


def required(kind: Workflow, chart: Chart) -> tuple[str, ...]:
    """The fields without which there is no review.

    The patient's number is asked to be compared with the record; where nobody is on record it is compared
    with nothing, and whoever needs an emergency key may be in no state to say it.
    """
    return tuple(key for key in kind.required if key != PATIENT or chart.limits is not None)


def proposal(visit: Visit, meaning: str, session_id: str, now_ms: int) -> Act:
    """What one of the two people signs for the plan as it stands."""
    return Act(meaning, _reviewed(visit).digest, session_id, now_ms)


def verify_blind(visit: Visit, entries: Mapping[str, object]) -> None:
    """Compare what the second person entered with the plan; `SecondPersonError` if they differ.

    The entries are written as in the first entry. Values are never shown: the caller discards the draft
    and begins again.
    """
    entered = {key: read_answer(key, given) for key, given in entries.items()}
    compare_blind(_reviewed(visit).blind_fields, entered)


def commit_visit(visit: Visit, consent: Consent, wand: Wand, sender: Sender, staff: Staff) -> Visit:
    """Send what was reviewed and read it back; the outcome is in the visit.

    Nothing is sent, and the outcome is `Refused`, unless the consent is to this very plan, the reading
    is fresh, the visit is not read-only, soft limits have a reason, likely slips were typed again and a
    high-alert change was verified by a second person.
    """
    visit, plan = touched(visit, sender.clock()), _reviewed(visit)
    problem = _own_key(plan, wand) or _obstacle(visit, plan, consent, sender.clock(), staff)
    if problem is not None:
        return replace(visit, outcome=problem)
    items = plan.items(sender.actor, visit.session_id, sender.clock(), consent.reason)
    outcome = send(wand, items, _digest_after(plan), sender)
    sent = tuple(map(fates.sent, items))
    return replace(visit, consent=consent, sent=sent, outcome=outcome, is_committed=True)


def settle_visit(visit: Visit, wand: Wand, sender: Sender) -> Visit:
    """Find out what became of a commit whose outcome is unknown; sends no order."""
    if not isinstance(visit.outcome, Unknown):
        return visit
    outcome = settle(wand, Errand(visit.sent, _digest_after(_reviewed(visit))), sender)
    return replace(visit, outcome=outcome, touched_ms=sender.clock())


def discard(visit: Visit, understood: str) -> Visit:
    """Clear the draft, if the person repeats what that means; `VisitError` says what to repeat."""
    if understood != consequence(visit):
        raise VisitError(f"discard: expected {consequence(visit)!r} to be confirmed")
    return _without_draft(visit)


def last_reading(visit: Visit) -> Reading:
    """The last the pump said of itself in this visit."""
    match visit.outcome:
        case Applied(reading) | Partly(reading):
            return reading
        case Refused(reading=reading) if reading is not None:
            return reading
        case _:
            return visit.reading


def consequence(visit: Visit) -> str:
    """What clearing the draft means, in words."""
    count = len(visit.answers)
    entries = "1 entry is" if count == 1 else f"{count} entries are"
    return f"{entries} lost, the pump is not touched"


def idle(visit: Visit, now_ms: int) -> Idle:
    """Whether the programmer is in use, about to lock, or locked."""
    fact = catalogue.load().practice["programmer"].fact
    still_ms = now_ms - visit.touched_ms
    if visit.is_locked or still_ms >= fact("idle_lock").whole("ms"):
        return "locked"
    return "warning" if still_ms >= fact("idle_warning").whole("ms") else "active"


def idle_warning(visit: Visit, now_ms: int) -> str:
    """What to show before the lock; empty while the programmer is in use."""
    if idle(visit, now_ms) != "warning":
        return ""
    lock_ms = catalogue.load().practice["programmer"].fact("idle_lock").whole("ms")
    seconds = max(0, lock_ms - (now_ms - visit.touched_ms)) // units.MS_PER_S
    return f"locks in {seconds} s: {consequence(visit)}"


def touched(visit: Visit, now_ms: int) -> Visit:
    """The visit in use now; a locked one raises `VisitError`, its draft is gone."""
    if idle(visit, now_ms) == "locked":
        raise VisitError("the programmer locked itself: the draft is discarded, the pump is not touched")
    return replace(visit, touched_ms=now_ms)


def locked(visit: Visit) -> Visit:
    """The visit after the lock: no draft, no review; the outcome of what was sent stays."""
    return replace(_without_draft(visit), is_locked=True)


def _without_draft(visit: Visit) -> Visit:
    if visit.is_committed:
        return visit
    return replace(visit, answers={}, plan=None, consent=None)


def _reviewed(visit: Visit) -> Plan:
    if visit.plan is None:
        raise VisitError("nothing was reviewed: review before anything is signed or sent")
    return visit.plan


def _digest_after(plan: Plan) -> str:
    return plan.new.digest if plan.new else plan.reading.interrogation.program_digest


def _own_key(plan: Plan, wand: Wand) -> Refused | None:
    action = plan.draft.action
    if isinstance(action, Revoke) and action.key_id == key_id(wand.keys.own.public):
        return _not_sent("key", "got the key of this programmer, expected another: it would shut itself out")
    return None


def _obstacle(visit: Visit, plan: Plan, consent: Consent, now_ms: int, staff: Staff) -> Refused | None:
    """Why nothing is sent; None if it may be."""
    if visit.is_committed:
        raise VisitError("this visit was committed: settle it, or begin another")
    if visit.read_only and not plan.is_empty:
        return _not_sent("visit", f"read only: {'; '.join(visit.read_only)}")
    if consent.plan_digest != plan.digest:
        return _not_sent("review", "what was agreed to is not what was reviewed: review again")
    stale = staleness(visit.reading.received_at_ms, now_ms)
    if stale and not plan.is_empty:
        return _not_sent("reading", stale)
    return _limits(plan, consent) or _second(visit, plan, consent, now_ms, staff)


def _limits(plan: Plan, consent: Consent) -> Refused | None:
    if plan.is_empty:
        return None
    try:
        judged(plan).admit(consent.reason)
    except GateRefusal as error:
        return _not_sent("limits", str(error))
    for found in slips(plan):
        given = consent.retyped.get(found.field)
        if given is None or read_answer(found.field, given) != plan.typed(found.field):
            return _not_sent(found.field, f"{found.why}: expected it typed once more, the same")
    return None


def _second(visit: Visit, plan: Plan, consent: Consent, now_ms: int, staff: Staff) -> Refused | None:
    why = high_alert(plan)
    if not why:
        return None
    try:
        require_approval(consent.approval, staff, plan.digest, visit.session_id, now_ms)
    except SecondPersonError as error:
        return _not_sent("second person", f"{error} ({', '.join(why)})")
    return None


def _not_sent(what: str, reason: str) -> Refused:
    return Refused(what, f"nothing was sent: {reason}")
