"""What the review of a visit says besides the gate: filling, path, clock, log; and what takes two people.

Hard stops, soft needs a reason, notes only tell, as in the gate.

Holds: ALM-03, BAT-05, TIM-02, PRG-05, PRG-18, PRG-19, BOL-10, BOL-11, BOL-12, RES-02, RES-05, RES-06, RES-07.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from openitb import catalogue, units
from openitb.catalogue import Entry
from openitb.guidance import volume_discrepancy
from openitb.prescription.answers import Step, fact_number, number
from openitb.prescription.gate_case import finding
from openitb.prescription.guardrails import Finding, Verdict
from openitb.prescription.orders import MinimumRate, SimpleContinuous, Stopped
from openitb.programmer.action_rules import action_findings
from openitb.programmer.actions import AllowAdjustment
from openitb.programmer.lead import Warned, lead_findings
from openitb.programmer.library import NO_LIBRARY, library_line
from openitb.programmer.package import faults
from openitb.programmer.plan import Plan
from openitb.programmer.review import pump_date, signals_percent, with_stop
from openitb.programmer.slips import slip
from openitb.programmer.workflow import SOUND, SOUND_HEARD, SOUND_NOT_HEARD, SOUND_UNKNOWN
from openitb.protocol import LogKind, StageKind

Rule = Callable[[Plan], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Slip:
    """A new figure that may be the old one typed wrongly: it has to be typed a second time."""

    field: str
    why: str


def judged(plan: Plan) -> Verdict:
    """The whole verdict: the gate's findings and those of the visit around them."""
    around = tuple(found for rule in (*RULES, action_findings) for found in rule(plan))
    return with_stop(Verdict((*plan.verdict.findings, *around), plan.new), plan.draft.order)


def slips(plan: Plan) -> tuple[Slip, ...]:
    """The figures the person is interrupted for, whatever else is said of them."""
    read = plan.reading.interrogation
    last = plan.history.last_effective_dose_pg_per_day
    pairs = [("concentration", read.concentration_ug_per_ml, plan.concentration_ug_per_ml)]
    if isinstance(plan.draft.order, SimpleContinuous) and last:
        pairs.append(("order", last, plan.draft.order.dose_pg_per_day))
    elif plan.draft.order is not None and plan.new is not None and last and not _is_idle(plan):
        pairs.append(("order", last, plan.new.daily_dose_pg))
    scale = {"order": Decimal(units.PG_PER_UG), "concentration": Decimal(1)}
    found = ((field, slip(old / scale[field], new / scale[field])) for field, old, new in pairs)
    return (*(Slip(field, why) for field, why in found if why), *_clock_jump(plan))


def _clock_jump(plan: Plan) -> Iterator[Slip]:
    """A clock that jumps moves every step of a flex order: far enough, it is typed a second time."""
    read, zone = plan.reading.interrogation, plan.draft.zone_offset_ms
    if zone is None:
        return
    apart_ms = plan.reading.received_at_ms + zone - read.at_ms - read.zone_offset_ms
    if abs(apart_ms) > _practice("programmer").fact("clock_jump").whole("ms"):
        hours = units.format_number(apart_ms / units.MS_PER_H, 1)
        yield Slip("zone", f"the pump's clock jumps by {hours} h")


def high_alert(plan: Plan) -> tuple[str, ...]:
    """Why this takes two people; empty if one may do it, or if it is urgent to give less."""
    if plan.draft.is_urgent:
        return ()
    return tuple(why for why, holds in _HIGH_ALERT if holds(plan))


def _reservoir_fits(plan: Plan) -> Iterator[Finding]:
    held = plan.reading.interrogation.reservoir
    if plan.volume_nl > held.capacity_nl:
        text = f"got {_ml(plan.volume_nl)} with the residual, expected at most {_ml(held.capacity_nl)}"
        yield _found("hard", "over-capacity", "injected_volume", text, (plan.pump, "reservoir_capacity"))
    low = plan.draft.low_alarm_nl
    if low is not None and not held.residual_nl <= low <= held.capacity_nl:
        text = f"got {_ml(low)}, expected {_ml(held.residual_nl)} to {_ml(held.capacity_nl)}"
        yield _found("hard", "low-alarm-range", "low_alarm", text, (plan.pump, "residual_volume"))


def _alarm_leads(plan: Plan) -> Iterator[Finding]:
    """Low is said early enough for a refill at the flow that would run."""
    held, low = plan.reading.interrogation.reservoir, plan.draft.low_alarm_nl
    if plan.new is None:
        return
    before = Warned(plan.old, plan.pump, held, held.low_alarm_nl)
    after = Warned(plan.new, plan.pump, held, held.low_alarm_nl if low is None else low)
    yield from lead_findings(before, after, is_stated=low is not None)


def _drawn_as_expected(plan: Plan) -> Iterator[Finding]:
    """The residual volume stays behind, so it is not among what can be drawn."""
    held, drawn = plan.reading.interrogation.reservoir, plan.draft.drawn_nl
    if drawn is None:
        return
    expected = max(0, held.volume_nl - held.residual_nl)
    answer = volume_discrepancy(expected, drawn, held.delivered_since_refill_nl)
    if answer.judgement == "evaluate":
        asks = " ".join(answer.asks)
        text = f"got {_ml(drawn)}, expected {_ml(expected)}: {answer.direction}. {asks} State cause and plan"
        yield _found(
            "soft", "volume-discrepancy", "drawn_volume", text, (_practice("volume-discrepancy"), "evaluate")
        )


def _bridge_decided(plan: Plan) -> Iterator[Finding]:
    bridge, entry = plan.draft.bridge_nl, _practice("concentration-change")
    fact = (entry, "bridge_required")
    if plan.changes_concentration and bridge is None:
        text = "missing, expected a volume, or 0 mL on purpose: the path still holds the old drug"
        yield _found("hard", "bridge-undecided", "bridge_volume", text, fact)
    elif not plan.changes_concentration and bridge is not None:
        text = f"got {_ml(bridge)}, expected none where the concentration stays"
        yield _found("hard", "bridge-without-change", "bridge_volume", text, fact)
    elif bridge is not None:
        yield from _against_path(plan, "bridge_volume", bridge)


def _prime_known(plan: Plan) -> Iterator[Finding]:
    prime, fact = plan.draft.prime_nl, (_practice("prime"), "drug_mixes_at_priming_speed")
    if not prime:
        return
    if plan.chart.path is None:
        text = f"got {_ml(prime)}, expected the catheter on record first: nothing is primed without it"
        yield _found("hard", "prime-without-path", "prime_volume", text, fact)
        return
    if isinstance(plan.order, Stopped):
        yield _found(
            "hard", "prime-with-stop", "prime_volume", "got a prime with a stop, expected 0 mL", fact
        )
    yield from _against_path(plan, "prime_volume", prime)


def _against_path(plan: Plan, field: str, volume_nl: int) -> Iterator[Finding]:
    """Both numbers, tubing and catheter, beside the volume asked for."""
    path = plan.chart.path
    if path is None:
        yield _found(
            "soft", "path-unknown", field, f"got {_ml(volume_nl)}, no catheter on record to compare with"
        )
        return
    fact = (_practice("programmer"), "bridge_tolerance")
    given, whole = Fraction(volume_nl, units.NL_PER_ML), path.volume_ml
    sums = {whole, path.catheter_ml, path.tubing_ml}
    near = any(abs(given - known) <= fact_number(*fact, "mL") for known in sums)
    text = (
        f"got {number(given)} mL; tubing {number(path.tubing_ml)} mL + catheter "
        f"{number(path.catheter_ml)} mL = {number(whole)} mL"
    )
    yield _found("note" if near and given else "soft", "against-path", field, text, fact)


def _sequence_exists(plan: Plan) -> Iterator[Finding]:
    if not plan.sequence:
        text = "neither refill nor order can go first: order minimum rate, fill, then order"
        yield _found("hard", "no-sequence", "order", text)


def _keeps_running(plan: Plan) -> Iterator[Finding]:
    """An order kept through a change of strength has to run there too."""
    if plan.changes_concentration and plan.new is None and plan.draft.order is None:
        text = f"the order that runs cannot run at {plan.concentration_ug_per_ml} µg/mL: state a new one"
        yield _found("hard", "order-needed", "order", text)


def _clock_agrees(plan: Plan) -> Iterator[Finding]:
    reading, fact = plan.reading, (_practice("programmer"), "clock_tolerance")
    apart = abs(reading.interrogation.at_ms - reading.received_at_ms)
    if apart > fact[0].fact(fact[1]).whole("ms") and plan.draft.zone_offset_ms is None:
        minutes = units.format_number(apart / units.MS_PER_MIN, 1)
        text = f"the pump clock is {minutes} min from the programmer's: set it, or say why not"
        yield _found("soft", "clock-apart", "zone", text, fact)


def _log_hangs_together(plan: Plan) -> Iterator[Finding]:
    if plan.reading.log_fault:
        text = f"the pump's log cannot be trusted ({plan.reading.log_fault}): dose history may be incomplete"
        yield _found("soft", "log-fault", "log", text)


def _alarms_told(plan: Plan) -> Iterator[Finding]:
    for alarm in plan.reading.interrogation.alarms:
        kind = "critical alarm" if alarm.critical else "alarm"
        yield _found("note", "alarm-present", "alarms", f"{kind} present: {alarm.condition.value}")


def _unconfirmed_told(plan: Plan) -> Iterator[Finding]:
    transfer = plan.reading.transfer
    if transfer is not None and not transfer.confirmed:
        text = "committed, not yet confirmed by read-back: compare what runs with what was meant"
        yield _found("note", "unconfirmed", "order", text)


def _library_told(plan: Plan) -> Iterator[Finding]:
    access = plan.reading.access
    if access is not None and access.library is None:
        yield _found("note", "no-library", "library", NO_LIBRARY)
    elif access is not None and access.library and access.library.expires_ms <= plan.made_at_ms:
        yield _found(
            "note", "library-over", "library", f"{library_line(access)}: it is over, bring a newer one"
        )


def _stages_told(plan: Plan) -> Iterator[Finding]:
    for stage in plan.reading.interrogation.stages:
        text = f"a {stage.kind.value} is under way, {_ml(stage.left_nl)} left; a new order gives up a prime"
        yield _found("note", "stage-under-way", "order", text)


def _sound_tried(plan: Plan) -> Iterator[Finding]:
    """Whether the pump is heard, as far as anybody knows; told, and nothing waits for it."""
    said, fact = plan.draft.sound, (_practice("test-tone"), "tried_within")
    since_ms = plan.reading.interrogation.at_ms - fact[0].fact(fact[1]).whole("ms")
    log = plan.reading.log
    tried = any(entry.kind is LogKind.TONE_SOUNDED and entry.at_ms >= since_ms for entry in log)
    if said == SOUND_HEARD and not tried:
        text = f"got heard, and the pump's log holds no tone of the last {fact[0].fact(fact[1]).text()}"
        yield _found("note", "sound-untried", SOUND, f"{text}: take the sound as untried", fact)
    elif said == SOUND_NOT_HEARD:
        text = "the tone was not heard: alarms reach this patient by handheld and readings only"
        yield _found("note", "sound-unheard", SOUND, text, fact)
    elif said == SOUND_UNKNOWN:
        text = "not known whether this pump is heard: sound a tone with the workflow alarm-test"
        yield _found("note", "sound-untried", SOUND, text, fact)


def _signals_told(plan: Plan) -> Iterator[Finding]:
    """What tones and telemetry have taken from the cell, once it is more than their share."""
    fact = (_practice("requirement-values"), "bat_05_share")
    most = fact_number(*fact, "percent")
    taken = signals_percent(plan.reading.interrogation.battery)
    if taken > most:
        shares = f"{number(taken, 2)} % of the cell, expected at most {number(most)} %"
        text = f"tones and telemetry have taken {shares}"
        yield _found(
            "note",
            "signals-spent",
            "battery",
            f"{text}: plan the replacement earlier, clear what sounds",
            fact,
        )


def _package_fits(plan: Plan) -> Iterator[Finding]:
    if plan.draft.package is None:
        return
    today = pump_date(plan.made_at_ms, plan.reading.interrogation.zone_offset_ms)
    for field, text in faults(plan.draft.package, plan.concentration_ug_per_ml, today):
        yield _found("hard", "package", field, text)


def _prime_is_new(plan: Plan) -> Iterator[Finding]:
    """A path is primed once for each fill, revision or pump: again is asked about."""
    if plan.draft.prime_nl and _primed_since_fill(plan):
        text = f"got {_ml(plan.draft.prime_nl)}; the path was primed since the last fill. State why again"
        yield _found("soft", "primed-already", "prime_volume", text)


def _primed_since_fill(plan: Plan) -> bool:
    primed = False
    for entry in plan.reading.log:
        if entry.kind in {LogKind.REFILL_RECORDED, LogKind.IMPLANTED}:
            primed = False
        primed = primed or (entry.kind is LogKind.STAGE_FINISHED and entry.get("stage") == StageKind.PRIME)
    return primed


RULES: tuple[Rule, ...] = (
    _package_fits,
    _prime_is_new,
    _reservoir_fits,
    _alarm_leads,
    _drawn_as_expected,
    _bridge_decided,
    _prime_known,
    _sequence_exists,
    _keeps_running,
    _clock_agrees,
    _log_hangs_together,
    _alarms_told,
    _stages_told,
    _unconfirmed_told,
    _sound_tried,
    _signals_told,
    _library_told,
)


def _is_idle(plan: Plan) -> bool:
    return isinstance(plan.order, Stopped | MinimumRate)


def _changes_much(plan: Plan) -> bool:
    last = plan.history.last_effective_dose_pg_per_day
    if plan.draft.order is None or plan.new is None or not last:
        return False
    change = abs(Fraction(plan.new.daily_dose_pg, last) - 1) * 100
    return change > fact_number(_practice("programmer"), "second_person_change", "percent")


def _is_first(plan: Plan) -> bool:
    return (
        plan.draft.order is not None
        and plan.history.last_effective_dose_pg_per_day is None
        and not _is_idle(plan)
    )


_HIGH_ALERT: tuple[tuple[str, Callable[[Plan], bool]], ...] = (
    ("drug and concentration at a fill", lambda plan: plan.draft.injected_nl is not None),
    ("prime", lambda plan: bool(plan.draft.prime_nl)),
    ("bridge", lambda plan: bool(plan.draft.bridge_nl)),
    ("first order", _is_first),
    ("large change of dose", _changes_much),
    ("bolus", lambda plan: plan.draft.bolus is not None),
    ("adjustment on request", lambda plan: isinstance(plan.draft.action, AllowAdjustment)),
    ("limit overridden", lambda plan: bool(plan.verdict.of("soft"))),
)


def _found(level: str, rule: str, field: str, message: str, fact: tuple[Entry, str] | None = None) -> Finding:
    facts = () if fact is None else (fact,)
    values: tuple[Step, ...] = ()
    match level:
        case "hard":
            return finding("hard", rule, field, message, values, facts)
        case "soft":
            return finding("soft", rule, field, message, values, facts)
        case _:
            return finding("note", rule, field, message, values, facts)


def _practice(name: str) -> Entry:
    return catalogue.load().practice[name]


def _ml(volume_nl: int) -> str:
    return units.format_volume(volume_nl)
