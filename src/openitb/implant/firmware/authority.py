"""What the guard is told after each command: limits from the committed program, credits for stages.

This is the only place where program and guard meet. It runs once per command, and when a reset puts the
pump to minimum rate, not while delivering: a controller that goes wrong later cannot reach it.

Holds: DEL-06, DEL-07, BOL-13.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from openitb import units
from openitb.implant.build import Build
from openitb.implant.firmware.bolus import Bolus
from openitb.implant.firmware.controller import Stage, mean_flow
from openitb.implant.firmware.credits import CreditKind
from openitb.implant.firmware.guard import Limits
from openitb.implant.firmware.passed import Limit
from openitb.implant.firmware.perception import clock_is_lost
from openitb.implant.firmware.seal import resealed
from openitb.implant.firmware.state import Firmware
from openitb.implant.firmware.surveillance import UNREMARKABLE
from openitb.prescription import MinimumRate, Program
from openitb.protocol import WindowDose
from openitb.records import remembered, replace


def authorised(before: Firmware, after: Firmware, build: Build) -> Firmware:
    """`after`, with its guard told of what has changed since `before`, and credits for new stages."""
    firmware = replace(after, guard=after.guard.told(limits_of(before, after, build)))
    if after.controller is not before.controller:
        firmware = replace(firmware, surveillance=UNREMARKABLE)  # judged anew, whatever it does now
    return resealed(before, _with_credits(firmware, build))


def authorised_by_senses(before: Firmware, after: Firmware, build: Build) -> Firmware:
    """`after`, with its guard told what a change of senses has changed: a reset the program, or the clock.

    A pump that lost its clock goes over to the mean flow, so windows that reach back before that may hold
    what they held and a whole window more; nothing is asked of the program for that.
    """
    if after.controller is not before.controller:
        return authorised(before, after, build)
    if clock_is_lost(before) or not clock_is_lost(after):
        return after
    change, limits = _Change(before, after), after.guard.limits
    windows = (each if each.with_boluses else change.begun(each) for each in limits.windows)
    guard = after.guard.told(replace(limits, windows=tuple(windows)))
    return resealed(before, replace(after, guard=guard))


def limits_of(before: Firmware, after: Firmware, build: Build) -> Limits:
    """The limits that hold from now on, mild to windows that reach back before the change.

    Such a window holds at most what it held at the change, and what the new program adds: an honest
    controller can deliver that much and no more.
    """
    program, change = after.controller.program, _Change(before, after)
    highest = highest_flow(program)
    mean = mean_flow(program)  # what a pump without a clock runs at
    full = ((ms, max(fullest(program, ms), mean * ms)) for ms in build.guard_windows_ms)
    watched = (Limit(window_ms, most) for window_ms, most in full if most < highest * window_ms)
    limits = (*map(change.of_program, watched), *map(change.of_dose, after.dose_limits))
    return Limits(highest, max(build.guard_windows_ms), limits)


@remembered
def highest_flow(program: Program) -> int:
    """The highest flow of any hour of the week, in nL/day."""
    return max(step.rate_nl_per_day for step in program.week)


def fullest(program: Program, window_ms: int) -> int:
    """The most that the program delivers in any window of that length, in nL/day x ms."""
    flowed = _flowed(program)
    if window_ms not in flowed.fullest:
        begins = (start - before_ms for start in flowed.starts for before_ms in (0, window_ms))
        flowed.fullest[window_ms] = max(flowed.by(begin + window_ms) - flowed.by(begin) for begin in begins)
    return flowed.fullest[window_ms]


@dataclass(frozen=True, slots=True)
class _Change:
    """A command's before and after, as the guard's limits see it."""

    before: Firmware
    after: Firmware

    def of_program(self, new: Limit) -> Limit:
        """A limit from the program; the old one if neither program nor its clock has changed."""
        old = self._old(new)
        if old is not None and _pattern(self.before) == _pattern(self.after):
            return old
        return self.begun(new)

    def of_dose(self, dose: WindowDose) -> Limit:
        """A limit on dose. Where it replaces another, no window may hold more than the larger of them.

        The fall back to minimum rate has room beside what was given: otherwise a pump that gave all it
        may would stand still where it is to idle.
        """
        program = self.after.controller.program
        room = mean_flow(program) * dose.window_ms if isinstance(program.order, MinimumRate) else 0
        new = Limit(dose.window_ms, flow_of(dose, program) + room, with_boluses=True)
        old = self._old(new)
        if old is None:
            return self.begun(new)
        if old.most == new.most:
            return old
        tick_ms = self.after.counter.tick_ms
        still = old.spanning if tick_ms - new.window_ms < old.since_ms else 0
        return replace(new, since_ms=tick_ms, spanning=max(old.most, still) + room)

    def begun(self, new: Limit) -> Limit:
        """A limit that holds from now on."""
        tick_ms = self.after.counter.tick_ms
        held = self.before.guard.passed.held(new.window_ms, tick_ms, new.with_boluses)
        return replace(new, since_ms=tick_ms, spanning=held + new.most)

    def _old(self, new: Limit) -> Limit | None:
        same = (new.window_ms, new.with_boluses)
        limits = self.before.guard.limits.windows
        return next((old for old in limits if (old.window_ms, old.with_boluses) == same), None)


class _Flowed:
    """Cumulative flow of a weekly program, and what was found of its windows by their length."""

    def __init__(self, program: Program) -> None:
        self.fullest: dict[int, int] = {}
        self.starts = [step.from_ms_of_week for step in program.week]
        self._week = program.week
        self._sums = [0]
        for this, following in pairwise(program.week):
            span_ms = following.from_ms_of_week - this.from_ms_of_week
            self._sums.append(self._sums[-1] + this.rate_nl_per_day * span_ms)
        self._whole = self._within(units.MS_PER_WEEK)

    def by(self, at_ms: int) -> int:
        """Flow from the start of a week to `at_ms`, which may lie weeks before or after."""
        weeks, rest = divmod(at_ms, units.MS_PER_WEEK)
        return weeks * self._whole + self._within(rest)

    def _within(self, ms_of_week: int) -> int:
        step = bisect_right(self.starts, ms_of_week) - 1
        return self._sums[step] + self._week[step].rate_nl_per_day * (ms_of_week - self.starts[step])


_flowed = remembered(_Flowed)


def _pattern(firmware: Firmware) -> tuple[object, ...]:
    """All that decides what flows at which tick."""
    return firmware.controller.program.week, firmware.clock, clock_is_lost(firmware)


def flow_of(limit: WindowDose, program: Program) -> int:
    """A limit on drug as a limit on flow, at the label concentration, rounded down."""
    return limit.most_pg * units.MS_PER_DAY // program.concentration_ug_per_ml


def _with_credits(firmware: Firmware, build: Build) -> Firmware:
    """Each stage with a credit that covers what is left of it; every other one withdrawn."""
    stages: list[Stage] = []
    start, phase = firmware.counter.strokes, firmware.counter.phase
    for stage in firmware.controller.stages:
        strokes = max(0, stage.until_stroke - start)
        firmware, credited = _credited(firmware, build, stage, strokes * build.stroke_cost - phase)
        stages.append(credited)
        start, phase = start + strokes, 0
    firmware, bolus = _bolus_credited(firmware)
    control = replace(firmware.controller, stages=tuple(stages), bolus=bolus)
    held = (holder.credit for holder in (*stages, bolus) if holder)
    kept = tuple(credit for credit in held if credit)
    return replace(firmware, controller=control, guard=firmware.guard.withdrawn(kept))


def _bolus_credited(firmware: Firmware) -> tuple[Firmware, Bolus | None]:
    bolus = firmware.controller.bolus
    if bolus is None or firmware.guard.ledger.left(bolus.credit) == bolus.left:
        return firmware, bolus
    issuer, credit = firmware.issuer.issue(CreditKind.BOLUS, bolus.left, bolus.rate_nl_per_day)
    firmware = replace(firmware, issuer=issuer, guard=firmware.guard.granted(credit))
    return firmware, replace(bolus, credit=credit)


def _credited(firmware: Firmware, build: Build, stage: Stage, flow: int) -> tuple[Firmware, Stage]:
    """A credit ends a tick after the last stroke, since strokes fall on whole ticks.

    What a stall keeps from a bridge is given back for longer than from a prime: a bridge runs at the
    ordered dose, so feedback that lies about it does little.
    """
    if flow <= 0:
        return firmware, replace(stage, credit=None)  # a bridge wholly within the prime before it
    highest = highest_flow(stage.program) if stage.program else build.highest_flow_nl_per_day
    left, credit = firmware.guard.ledger.left(stage.credit), stage.credit
    if (
        credit is not None
        and flow <= left < flow + build.stroke_cost
        and credit.highest_nl_per_day == highest
    ):
        return firmware, stage
    refundable = flow if stage.program is None else flow + highest * build.bridge_stall_ms
    issuer, credit = firmware.issuer.issue(CreditKind.PATH, flow + highest, highest, refundable)
    firmware = replace(firmware, issuer=issuer, guard=firmware.guard.granted(credit))
    return firmware, replace(stage, credit=credit)
