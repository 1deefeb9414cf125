"""Run a case: events through the gate and the pump, fluid through the catheter, drug through the body.

`simulate(case)` is one pure function from a `Case` to a `Simulation`. What is impossible in the
middle of a run (an order the gate refuses, a flow the pump cannot make) is a `CaseError` that names
the event; nothing is written before the whole run has succeeded.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from openitb import implant as implants
from openitb import units
from openitb.implant import Implant
from openitb.implant.faults import Needle, describe
from openitb.prescription import guardrails
from openitb.prescription.guardrails import Finding, GateRefusal, GateRequest
from openitb.prescription.orders import Order, OrderError, Stopped, describe_order
from openitb.prescription.program import compile_order
from openitb.timeline import Impulse, Parcel
from openitb.world import truth as system_truth
from openitb.world.case import Case, Event, LayFault, LumbarBolus, Oral, Refill, SetOrder, System
from openitb.world.casefile import CaseError
from openitb.world.pump_dialogue import Dialogue, Filled
from openitb.world.trouble import TipAt, after_fill, at_the_tip, fate_of_fill, laid_on, tip_after
from openitb.world.truth import SystemTruth

Progress = Callable[[float], None]
NOT_REACHED = "the port could not be reached"
ALL = 1000  # permille
UNNAMED = "CASE-0001"  # serial of a pump that lives only as long as the run


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of the story: what was done, by the record, and how it ended."""

    at_ms: int
    kind: str
    text: str
    outcome: str = "applied"
    findings: tuple[Finding, ...] = ()
    mistake: str = ""


@dataclass(frozen=True, slots=True)
class ReservoirPoint:
    """Fluid truly in the reservoir at an instant; two points at one instant are a refill."""

    at_ms: int
    volume_nl: int


@dataclass(frozen=True, slots=True)
class Visit:
    """The implant as an event found it and as it left it, with the truth in both."""

    event: Event
    found: Implant
    left: Implant


@dataclass(frozen=True, slots=True)
class SystemCourse:
    """What the system did: parcels at the pump outlet and at the tip, how full it was, every visit.

    `astray` was lost between outlet and tip, `beside` went into the tissue round the pump at a fill;
    `tips` is where the tip lay, from the start on.
    """

    end: SystemTruth
    delivered: tuple[Parcel, ...]
    outflow: tuple[Parcel, ...]
    reservoir: tuple[ReservoirPoint, ...]
    injected_pg: int
    withdrawn_pg: int
    visits: tuple[Visit, ...] = ()
    astray: tuple[Parcel, ...] = ()
    beside: tuple[Impulse, ...] = ()
    tips: tuple[TipAt, ...] = ()


@dataclass(slots=True)
class _Run:
    """The state of a run in progress."""

    case: Case
    system: System
    truth: SystemTruth
    dialogue: Dialogue
    concentration_ug_per_ml: int
    order: Order = field(default_factory=Stopped)
    interrupted: bool = False
    last_dose_pg_per_day: int | None = None
    last_increase_ms: int | None = None
    injected_pg: int = 0
    withdrawn_pg: int = 0
    delivered: list[Parcel] = field(default_factory=list)
    outflow: list[Parcel] = field(default_factory=list)
    reservoir: list[ReservoirPoint] = field(default_factory=list)
    story: list[Happening] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    astray: list[Parcel] = field(default_factory=list)
    beside: list[Impulse] = field(default_factory=list)
    needles: list[Needle] = field(default_factory=list)
    tips: tuple[TipAt, ...] = ()


def run_system(
    case: Case, progress: Progress | None = None, serial: str = UNNAMED
) -> tuple[SystemCourse | None, tuple[Happening, ...]]:
    """Run pump and catheter through every event; None for the course where there is no pump.

    Returns the course and the story, one line for each event in order. Raises `CaseError` naming the
    event that cannot be.
    """
    if case.system is None:
        return None, tuple(_without_pump(event) for event in case.events)
    run = _begin(case, case.system, serial)
    for index, event in enumerate(case.events):
        _meet(run, event)
        if progress:
            progress((index + 1) / (len(case.events) + 1))
    _advance(run, case.until_ms)
    course = SystemCourse(
        run.truth,
        tuple(run.delivered),
        at_the_tip(run.system, run.truth, run.outflow),
        tuple(run.reservoir),
        run.injected_pg,
        run.withdrawn_pg,
        tuple(run.visits),
        tuple(run.astray),
        tuple(run.beside),
        run.tips,
    )
    return course, tuple(run.story)


def _begin(case: Case, system: System, serial: str) -> _Run:
    truth = system_truth.assemble(system, case.start_ms, case.zone_offset_ms, serial)
    run = _Run(case, system, truth, Dialogue(), system.concentration_ug_per_ml)
    run.tips = (TipAt(case.start_ms, system.tip),)
    run.reservoir.append(ReservoirPoint(case.start_ms, system_truth.true_volume_nl(truth)))
    return run


def _meet(run: _Run, event: Event) -> None:
    """Come to an event. What does not touch the pump leaves its stretch of flow whole."""
    if isinstance(event.action, SetOrder | Refill | LayFault):
        _advance(run, event.at_ms)
        found = run.truth.implant
        {SetOrder: _set_order, Refill: _refill, LayFault: _fault}[type(event.action)](run, event)
        run.visits.append(Visit(event, found, run.truth.implant))
    else:
        found = implants.advance(run.truth.implant, event.at_ms).implant
        run.story.append(_without_pump(event))
        run.visits.append(Visit(event, found, found))


def _advance(run: _Run, at_ms: int) -> None:
    run.truth, passage = system_truth.run_to(run.truth, at_ms)
    run.delivered += passage.delivered
    run.outflow += passage.outflow
    run.astray += passage.astray
    level = run.reservoir[-1].volume_nl
    for parcel in passage.delivered:
        run.reservoir.append(ReservoirPoint(parcel.start_ms, level))
        level -= parcel.volume_nl
        run.reservoir.append(ReservoirPoint(parcel.end_ms, level))


def _set_order(run: _Run, event: Event) -> None:
    action, truth = event.action, event.truth
    assert isinstance(action, SetOrder) and isinstance(truth, SetOrder)  # noqa: S101, PT018 - narrowed by _meet
    findings = _judge(run, event, action.order, run.concentration_ug_per_ml)
    outcome = run.dialogue.program(run.truth.implant, truth.order, event.at_ms)
    run.truth = SystemTruth(outcome.implant, run.truth.route)
    if outcome.refusal:
        raise CaseError(f"event {event.number}: order: the pump refused: {outcome.refusal}")
    _remember(run, action.order, event.at_ms)
    mistake = describe_order(truth.order) if event.is_mistake else ""
    run.story.append(
        Happening(event.at_ms, "order", describe_order(action.order), "applied", findings, mistake)
    )


def _judge_strength(run: _Run, event: Event, refill: Refill) -> tuple[Finding, ...]:
    """A new concentration gives the pump a new program, which passes the gate; the dose is no news."""
    if refill.concentration_ug_per_ml == run.concentration_ug_per_ml:
        return ()
    judged = _judge(run, event, run.order, refill.concentration_ug_per_ml)
    return tuple(finding for finding in judged if finding.level != "note")


def _judge(run: _Run, event: Event, order: Order, concentration_ug_per_ml: int) -> tuple[Finding, ...]:
    """The one gate; refusals name the event."""
    request = GateRequest(
        order=order,
        concentration_ug_per_ml=concentration_ug_per_ml,
        pump=run.system.pump,
        patient=run.case.patient.limits,
        last_effective_dose_pg_per_day=run.last_dose_pg_per_day,
        last_increase_ms=run.last_increase_ms,
        at_ms=event.at_ms,
        interruption=run.interrupted,
    )
    try:
        return tuple(guardrails.check(request).admit(event.override))
    except (GateRefusal, OrderError) as error:
        raise CaseError(f"event {event.number}: {error}") from None


def _remember(run: _Run, order: Order, at_ms: int) -> None:
    """Keep what the next order is measured by; minimum rate treats nobody and counts as a break."""
    pump = run.system.pump
    dose, last = (
        compile_order(order, run.concentration_ug_per_ml, pump).daily_dose_pg,
        run.last_dose_pg_per_day,
    )
    run.order = order
    if dose <= pump.minimum_rate_nl_per_day * run.concentration_ug_per_ml:
        run.interrupted = last is not None
        return
    if last is None or dose > last:
        run.last_increase_ms = at_ms
    run.last_dose_pg_per_day, run.interrupted = dose, False


def _refill(run: _Run, event: Event) -> None:
    action, truth = event.action, event.truth
    assert isinstance(action, Refill) and isinstance(truth, Refill)  # noqa: S101, PT018 - narrowed by _meet
    if not fate_of_fill(run.needles, event.at_ms).reached:
        run.story.append(Happening(event.at_ms, "refill", _refilled(action), NOT_REACHED))
        return
    findings = _judge_strength(run, event, action)
    needle = _filled(run, truth, event.at_ms)
    bridge_nl = run.system.path_volume_nl if truth.bridge else None
    believed_nl = run.system.pump.residual_volume_nl + action.volume_nl
    outcome = run.dialogue.refill(
        needle.implant, believed_nl, action.concentration_ug_per_ml, bridge_nl, event.at_ms
    )
    run.truth = SystemTruth(outcome.implant, run.truth.route)
    if outcome.refusal:
        raise CaseError(f"event {event.number}: refill: the pump refused: {outcome.refusal}")
    run.concentration_ug_per_ml = action.concentration_ug_per_ml
    run.reservoir.append(ReservoirPoint(event.at_ms, system_truth.true_volume_nl(run.truth)))
    mistake = _refilled(truth) if event.is_mistake else ""
    run.story.append(Happening(event.at_ms, "refill", _refilled(action), "applied", findings, mistake))


def _filled(run: _Run, truth: Refill, at_ms: int) -> Filled:
    """The implant emptied and filled with what does not go beside it."""
    beside_nl = truth.volume_nl * fate_of_fill(run.needles, at_ms).beside_permille // ALL
    inside_nl, strength = truth.volume_nl - beside_nl, truth.concentration_ug_per_ml
    needle = run.dialogue.needle(run.truth.implant, inside_nl, inside_nl * strength, at_ms)
    run.withdrawn_pg += needle.withdrawn_pg
    run.injected_pg += inside_nl * strength
    if beside_nl:
        run.beside.append(Impulse(at_ms, beside_nl * strength, "pg"))
    run.needles = after_fill(run.needles)
    return needle


def _fault(run: _Run, event: Event) -> None:
    assert isinstance(event.action, LayFault)  # noqa: S101 - narrowed by _meet
    run.truth, laid = laid_on(run.truth, run.system, event)
    run.needles += laid.needle
    run.tips = tip_after(run.tips, laid, event)
    run.reservoir.append(ReservoirPoint(event.at_ms, system_truth.true_volume_nl(run.truth)))
    outcome = "by chance" if event.action.by_chance else "laid"
    run.story.append(Happening(event.at_ms, "fault", describe(event.action.chosen), outcome))


def _without_pump(event: Event) -> Happening:
    match event.action, event.truth:
        case LumbarBolus(dose_pg, level), truth:
            text = f"{units.format_mass(dose_pg)} by lumbar puncture at {level}"
            mistake = units.format_mass(truth.dose_pg) if isinstance(truth, LumbarBolus) else ""
            return Happening(event.at_ms, "lumbar bolus", text, mistake=mistake if event.is_mistake else "")
        case Oral(dose_pg, every_ms, for_ms), truth:
            every = units.format_number(Fraction(every_ms, units.MS_PER_H).__float__(), 2)
            days = units.format_number(for_ms / units.MS_PER_DAY, 2)
            text = f"{_milligrams(dose_pg)} baclofen by mouth every {every} h for {days} days"
            mistake = _milligrams(truth.dose_pg) if isinstance(truth, Oral) else ""
            return Happening(event.at_ms, "oral", text, mistake=mistake if event.is_mistake else "")
    raise CaseError(f"event {event.number}: needs a pump, expected a [system] table")


def _milligrams(dose_pg: int) -> str:
    return f"{units.format_number(dose_pg / (1000 * units.PG_PER_UG), 3)} mg"


def _refilled(refill: Refill) -> str:
    concentration = units.format_concentration(refill.concentration_ug_per_ml)
    bridge = {None: "", True: ", with bridge", False: ", no bridge"}[refill.bridge]
    return f"{units.format_volume(refill.volume_nl)} of {concentration}{bridge}"
