"""What goes wrong with a drilled implant: faults of the catalogue, and a controller that errs."""

import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

from openitb import catalogue, units
from openitb.implant import Implant, advance, handle, latched_alarms, program_digest, pump_state
from openitb.implant.faults import COURSES, Laid, Setting, choose, drawn, lay
from openitb.implant.faults.parameters import parameters
from openitb.implant.firmware.bolus import new_bolus
from openitb.implant.firmware.controller import Controller, Stage
from openitb.implant.firmware.credits import SEAL_BYTES, Credit, CreditKind
from openitb.implant.firmware.seal import sealed
from openitb.implant.hardware.spells import SpellKind
from openitb.prescription.program import WeekStep
from openitb.protocol import AlarmCondition, Applied, BolusKind, ProgramPump, PumpState, StageKind
from openitb.records import replace
from openitb.world.drill.flows import WEEK, Flows, mean_of

NO_PATH = Setting(0, 0, 0)  # a drill has no catheter; what falls on the path alone is not drawn
UNWATCHED_MS = 4 * units.MS_PER_H  # one of the guard's windows
EXTRA_STROKES = 2_000
HALTED = {PumpState.GUARD_STOP, PumpState.END_OF_SERVICE, PumpState.STOPPED}

Errs = tuple[Implant, Implant]  # as it is authorised, and as it errs
Error = Callable[[Implant], Errs]


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault of the catalogue laid on the first implant, `at_ms` after the start, with values of its own."""

    fault_id: str
    at_ms: int
    given: tuple[tuple[str, object], ...] = ()

    def laid(self, start_ms: int) -> Laid:
        """What it does."""
        return lay(choose(self.fault_id, dict(self.given)), replace(NO_PATH, at_ms=start_ms + self.at_ms))


def _lies_on_the_pump(fault_id: str) -> bool:
    entry = catalogue.load().faults[fault_id]
    if not entry.lays:
        return False
    laid = lay(parameters(entry, {}, COURSES[entry.lays].takes), NO_PATH)
    felt = [spell for spell in laid.pump if spell.kind is not SpellKind.MUTE]  # nobody listens in a drill
    return bool(felt or laid.needle)


def drawn_fault(draw: random.Random, at_ms: int) -> tuple[str, Laid]:
    """A fault of pump or needle, its values drawn from their ranges, that begins at an instant."""
    fault_id = draw.choice(_FAULTS)
    return fault_id, lay(drawn(fault_id, draw), replace(NO_PATH, at_ms=at_ms))


def run_wild(implant: Implant, error: Error, flows: Flows) -> str:
    """What a copy of an implant does whose controller errs: empty if the guard held it, else what leaked.

    The bound is the order's own fullest window, what credits were worth, and two strokes; twice the window
    where the guard's limits are younger than it, since they do not judge the time before them.
    """
    if pump_state(implant) in HALTED:
        return ""
    sound, wrong = error(implant)
    cost, worth = implant.build.stroke_cost, sum(entry.left for entry in sound.firmware.guard.ledger.open)
    later = advance(wrong, implant.now_ms + UNWATCHED_MS).implant
    made = (later.firmware.counter.strokes - sound.firmware.counter.strokes) * cost
    began_ms = sound.firmware.counter.tick_ms - UNWATCHED_MS
    young = any(limit.since_ms > began_ms for limit in later.firmware.guard.limits.windows)
    most = (1 + young) * fullest(flows, UNWATCHED_MS) + worth + 2 * cost
    if made > most:
        return f"{made // units.MS_PER_DAY} nL in 4 h, {most // units.MS_PER_DAY} nL were authorised"
    stopped = pump_state(later) is PumpState.GUARD_STOP
    sounds = AlarmCondition.DELIVERY_GUARD in latched_alarms(later)
    return "the guard stopped it and nothing sounds" if stopped and not sounds else ""


def fullest(flows: Flows, window_ms: int) -> int:
    """The most flow in any window of the week, or at the mean, in nL/day x ms."""
    starts = [start for start, _ in flows]
    ends = *starts[1:], WEEK
    spans = ((end - start) * flow for (start, flow), end in zip(flows, ends, strict=True))
    *before, whole_week = accumulate(spans, initial=0)

    def until(at_ms: int) -> int:
        weeks, into = divmod(at_ms, WEEK)
        place = bisect_right(starts, into) - 1
        return weeks * whole_week + before[place] + (into - starts[place]) * flows[place][1]

    begins = {edge for start in starts for edge in (start, start - window_ms)}
    held = (until(begin + window_ms) - until(begin) for begin in begins)
    return max(*held, mean_of(flows) * window_ms)


def _three_times_the_program(implant: Implant) -> Errs:
    """Every flow of the week tripled behind the guard's back."""
    program = implant.firmware.controller.program
    week = tuple(replace(step, rate_nl_per_day=3 * step.rate_nl_per_day) for step in program.week)
    return implant, _signed(_with(implant, program=replace(program, week=week)))


def _always_at_the_highest(implant: Implant) -> Errs:
    """The highest flow of the week, hour after hour: no flow is too high, only too long."""
    program = implant.firmware.controller.program
    highest = max(step.rate_nl_per_day for step in program.week)
    return implant, _signed(_with(implant, program=replace(program, week=(WeekStep(0, highest),))))


def _prime_out_of_nothing(implant: Implant) -> Errs:
    """A prime that nobody ordered, so without a credit."""
    until = implant.firmware.counter.strokes + EXTRA_STROKES
    return implant, _with(implant, stages=(Stage(StageKind.PRIME, None, until),))


def _prime_that_goes_on(implant: Implant) -> Errs:
    """A prime that was ordered, and does not end where it should."""
    order = implant.firmware.controller.program.order
    command = ProgramPump("drill", "prime", program_digest(implant), order, 50_000)
    primed, reply = handle(implant, command, implant.now_ms)
    if not isinstance(reply, Applied) or not primed.firmware.controller.stages:
        return implant, implant
    first, *rest = primed.firmware.controller.stages
    longer = replace(first, until_stroke=first.until_stroke + EXTRA_STROKES)
    return primed, _with(primed, stages=(longer, *rest))


def _bolus_out_of_nothing(implant: Implant) -> Errs:
    """A bolus that nobody ordered."""
    return implant, _with(implant, bolus=new_bolus(BolusKind.CLINICIAN, 200_000, units.MS_PER_H))


def _bolus_on_a_forged_credit(implant: Implant) -> Errs:
    """A bolus that nobody ordered, with a credit of the controller's own making."""
    guard, bolus = implant.firmware.guard, new_bolus(BolusKind.CLINICIAN, 200_000, units.MS_PER_H)
    number = guard.ledger.last_number + 1
    forged = Credit(number, CreditKind.BOLUS, bolus.whole, bolus.rate_nl_per_day, 0, bytes(SEAL_BYTES))
    firmware = replace(implant.firmware, guard=guard.granted(forged))
    return implant, _with(replace(implant, firmware=firmware), bolus=replace(bolus, credit=forged))


def _strokes_all_at_once(implant: Implant) -> Errs:
    """Accumulated flow of many strokes that nothing accounts for."""
    counter = implant.firmware.counter
    burst = replace(counter, phase=counter.phase + EXTRA_STROKES * implant.build.stroke_cost)
    return implant, replace(implant, firmware=replace(implant.firmware, counter=burst))


def _signed(implant: Implant) -> Implant:
    """The implant whose self test finds nothing: what errs is no bit that turned, but how it was made."""
    return replace(implant, firmware=sealed(implant.firmware))


def _with(implant: Implant, **changes: object) -> Implant:
    """The implant with another controller, told to nobody."""
    controller: Controller = replace(implant.firmware.controller, **changes)  # type: ignore[arg-type]  # ours
    return replace(implant, firmware=replace(implant.firmware, controller=controller))


ERRORS: tuple[Error, ...] = (
    _three_times_the_program,
    _always_at_the_highest,
    _prime_out_of_nothing,
    _prime_that_goes_on,
    _bolus_out_of_nothing,
    _bolus_on_a_forged_credit,
    _strokes_all_at_once,
)
_FAULTS = tuple(fault_id for fault_id in catalogue.load().faults if _lies_on_the_pump(fault_id))
