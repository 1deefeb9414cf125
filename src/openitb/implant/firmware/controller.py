"""The controller: which flow is due now, and until when.

A program runs for ever. Before it may come stages, each bounded by volume: a prime at the pump's
highest flow, a bridge at the flow of the drug that still fills tubing and catheter. A stage ends at
a stroke number, counted since implantation: that number is a place in the column of fluid, so it
stays right whatever is reprogrammed, stopped or refilled in the meantime. On top of program or bridge
may come a bolus; together they never exceed the pump's highest flow, the bolus gives way. What flows
in which state is the state table's word (`table`). Holds: DEL-04.
"""

from dataclasses import dataclass

from openitb.catalogue import Pump
from openitb.implant.build import Build
from openitb.implant.firmware.bolus import Bolus
from openitb.implant.firmware.credits import Charge, Credit
from openitb.implant.firmware.table import TABLE, Flow
from openitb.prescription import MinimumRate, Program, compile_order
from openitb.protocol import PumpState, StageKind
from openitb.records import remembered, replace


@dataclass(frozen=True, slots=True)
class Stage:
    """Delivery until stroke number `until_stroke`; `program` is None for a prime.

    `credit` is what the guard lets it run on; a stage without one is held to the program's limits.
    """

    kind: StageKind
    program: Program | None
    until_stroke: int
    credit: Credit | None = None


@dataclass(frozen=True, slots=True)
class Controller:
    """The committed program, the stages before it, and why nothing flows if nothing may.

    `halt` is GUARD_STOP or END_OF_SERVICE; `stopped_since_ms` the tick of an ordered stop.
    """

    program: Program
    mean_flow_nl_per_day: int
    stages: tuple[Stage, ...] = ()
    stopped_since_ms: int | None = None
    halt: PumpState | None = None
    bolus: Bolus | None = None

    @property
    def state(self) -> PumpState:
        """What the pump is doing."""
        if self.halt is not None:
            return self.halt
        if self.program.is_still:
            return PumpState.STOPPED  # whatever the order is called: the stop alarm must know
        if self.stages and self.stages[0].kind is StageKind.PRIME:
            return PumpState.PRIME
        if self.bolus is not None:
            return PumpState.BOLUS
        if isinstance(self.program.order, MinimumRate):
            return PumpState.MINIMUM_RATE  # also over a bridge: idling is what was ordered
        return PumpState.BRIDGE if self.stages else PumpState.RUNNING

    @property
    def running(self) -> Program | None:
        """The program that sets the flow; None while primed or halted."""
        if self.halt is not None:
            return None
        return self.stages[0].program if self.stages else self.program

    def charges(self, rate_nl_per_day: int, bolus_nl_per_day: int) -> tuple[Charge, ...]:
        """What of a flow goes on credits, given how much of it is bolus; the rest is the program's."""
        if self.halt is not None:
            return ()
        stage = self.stages[0].credit if self.stages else None
        bolus = self.bolus.credit if self.bolus else None
        path = (Charge(stage, rate_nl_per_day - bolus_nl_per_day),) if stage else ()
        return (*path, Charge(bolus, bolus_nl_per_day)) if bolus and bolus_nl_per_day else path


def with_program(
    controller: Controller, program: Program, stages: tuple[Stage, ...], tick_ms: int
) -> Controller:
    """The controller that runs `program` after `stages` from now on; ends a guard stop."""
    since = controller.stopped_since_ms if controller.stopped_since_ms is not None else tick_ms
    return Controller(program, mean_flow(program), stages, since if program.is_still else None)


def new_controller(program: Program) -> Controller:
    """The controller of a new implant, at tick 0."""
    return Controller(program, mean_flow(program), stopped_since_ms=0 if program.is_still else None)


@remembered
def mean_flow(program: Program) -> int:
    """Mean flow of a program in whole nL/day, rounded up: for forecasts that must not be late."""
    flow = program.flow_nl_per_day
    return -(-flow.numerator // flow.denominator)


def rate(controller: Controller, build: Build, at_ms: int, zone_offset_ms: int) -> int:
    """The flow due now in nL/day, a bolus included."""
    match TABLE[controller.state].flow:
        case Flow.NONE:
            return 0
        case Flow.HIGHEST:
            return build.highest_flow_nl_per_day
        case Flow.PROGRAM | Flow.BRIDGE | Flow.BOLUS:
            extra = bolus_flow(controller, build, at_ms, zone_offset_ms)
            return _program_rate(controller, at_ms, zone_offset_ms) + extra


def bolus_flow(controller: Controller, build: Build, at_ms: int, zone_offset_ms: int) -> int:
    """What of the flow due now is bolus, in nL/day: no more than the pump has to spare."""
    if controller.bolus is None:
        return 0
    below = _program_rate(controller, at_ms, zone_offset_ms)
    return controller.bolus.flow(build.highest_flow_nl_per_day - below)


def poured(controller: Controller, flow_nl_per_day: int, ms: int) -> Controller:
    """The controller after its bolus flowed so long."""
    if controller.bolus is None:
        return controller
    return replace(controller, bolus=controller.bolus.after(flow_nl_per_day, ms))


def next_change_ms(controller: Controller, at_ms: int, zone_offset_ms: int) -> int | None:
    """The next instant at which the flow changes with the time of day; None if it does not."""
    program = controller.running
    return None if program is None else program.next_change_ms(at_ms, zone_offset_ms)


def at_new_order(controller: Controller, program: Program, pump: Pump) -> Controller:
    """The controller with another dose of the same mode: bridges go on, each at the new dose."""
    stages = stages_at(program, controller.stages, pump)
    return replace(controller, program=program, mean_flow_nl_per_day=mean_flow(program), stages=stages)


def stages_at(program: Program, stages: tuple[Stage, ...], pump: Pump) -> tuple[Stage, ...]:
    """Bridges under way, each at the flow that gives the new dose with the drug it lets out."""
    return tuple(
        replace(stage, program=compile_order(program.order, stage.program.concentration_ug_per_ml, pump))
        for stage in without_prime(stages)
        if stage.program is not None
    )


def finish_stages(controller: Controller, strokes: int) -> tuple[Controller, tuple[Stage, ...]]:
    """The controller without the stages whose last stroke has been made, and those stages.

    A bridge within a prime is through at its own stroke, while the prime goes on.
    """
    done = tuple(stage for stage in controller.stages if stage.until_stroke <= strokes)
    going_on = tuple(stage for stage in controller.stages if stage.until_stroke > strokes)
    return (replace(controller, stages=going_on), done) if done else (controller, ())


def without_prime(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """`stages` with a prime under way given up: whoever changes the plan says anew whether to prime."""
    return tuple(stage for stage in stages if stage.kind is not StageKind.PRIME)


def bridged(controller: Controller, strokes: int, bridge_strokes: int) -> tuple[Stage, ...]:
    """Stages that let the next `bridge_strokes` out as the column now holds them.

    What is already on its way goes first: a bridge not yet through keeps its own, older flow, and
    the drug behind it follows at the flow of the program committed until now.
    """
    end = strokes + bridge_strokes
    ahead = without_prime(controller.stages)
    waiting = [replace(stage, until_stroke=min(stage.until_stroke, end)) for stage in ahead]
    starts = [strokes, *(stage.until_stroke for stage in waiting)]
    kept = tuple(stage for stage, start in zip(waiting, starts, strict=False) if start < stage.until_stroke)
    if starts[-1] >= end:
        return kept
    return (*kept, Stage(StageKind.BRIDGE, controller.program, end))


def primed(stages: tuple[Stage, ...], strokes: int, prime_strokes: int) -> tuple[Stage, ...]:
    """`stages` behind a prime, which moves the column on by as much as it delivers.

    A bridge shorter than the prime stays on the list: should the prime be given up, it is still due.
    """
    if not prime_strokes:
        return stages
    return (Stage(StageKind.PRIME, None, strokes + prime_strokes), *stages)


def _program_rate(controller: Controller, at_ms: int, zone_offset_ms: int) -> int:
    program = controller.running
    return 0 if program is None else program.rate_at(at_ms, zone_offset_ms)
