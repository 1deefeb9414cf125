"""The controller: which flow is due now, and until when.

A program runs for ever. Before it may come stages, each bounded by volume: a prime at the pump's
highest flow, a bridge at the flow of the drug that still fills tubing and catheter. A stage ends at
a stroke number, counted since implantation: that number is a place in the column of fluid, so it
stays right whatever is reprogrammed, stopped or refilled in the meantime.

Holds: DEL-04, DEL-11.
"""

from dataclasses import dataclass, replace

from openitb.implant.build import Build
from openitb.prescription import MinimumRate, Program, Stopped
from openitb.protocol import PumpState, StageKind


@dataclass(frozen=True, slots=True)
class Stage:
    """Delivery until stroke number `until_stroke`; `program` is None for a prime."""

    kind: StageKind
    program: Program | None
    until_stroke: int


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

    @property
    def state(self) -> PumpState:
        """What the pump is doing."""
        if self.halt is not None:
            return self.halt
        if isinstance(self.program.order, Stopped):
            return PumpState.STOPPED
        if self.stages:
            return PumpState(self.stages[0].kind.value)
        return PumpState.MINIMUM_RATE if isinstance(self.program.order, MinimumRate) else PumpState.RUNNING

    @property
    def running(self) -> Program | None:
        """The program that sets the flow; None while primed or halted."""
        if self.halt is not None:
            return None
        return self.stages[0].program if self.stages else self.program


def with_program(
    controller: Controller, program: Program, stages: tuple[Stage, ...], tick_ms: int
) -> Controller:
    """The controller that runs `program` after `stages` from now on; ends a guard stop."""
    is_stop = isinstance(program.order, Stopped)
    since = controller.stopped_since_ms if controller.stopped_since_ms is not None else tick_ms
    return Controller(program, mean_flow(program), stages, since if is_stop else None)


def new_controller(program: Program) -> Controller:
    """The controller of a new implant, at tick 0."""
    return Controller(
        program, mean_flow(program), stopped_since_ms=0 if isinstance(program.order, Stopped) else None
    )


def mean_flow(program: Program) -> int:
    """Mean flow of a program in whole nL/day, rounded up: for forecasts that must not be late."""
    flow = program.flow_nl_per_day
    return -(-flow.numerator // flow.denominator)


def rate(controller: Controller, build: Build, at_ms: int, zone_offset_ms: int) -> int:
    """The flow due now in nL/day."""
    program = controller.running
    if program is not None:
        return program.rate_at(at_ms, zone_offset_ms)
    return 0 if controller.halt is not None else build.highest_flow_nl_per_day


def next_change_ms(controller: Controller, at_ms: int, zone_offset_ms: int) -> int | None:
    """The next instant at which the flow changes with the time of day; None if it does not."""
    program = controller.running
    return None if program is None else program.next_change_ms(at_ms, zone_offset_ms)


def finish_stages(controller: Controller, strokes: int) -> tuple[Controller, tuple[Stage, ...]]:
    """The controller without the stages whose last stroke has been made, and those stages."""
    done = tuple(stage for stage in controller.stages if stage.until_stroke <= strokes)
    if not done:
        return controller, ()
    waiting = tuple(stage for stage in controller.stages if stage.until_stroke > strokes)
    return replace(controller, stages=waiting), done


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
