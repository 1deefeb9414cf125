"""From one moment that matters to the next: the train due now, and what holds when it has run.

A stretch of constant flow ends where the flow changes, where a stage or the reservoir reaches a
given stroke, or where a date falls due. In between nothing can happen, so it is one step.
"""

from collections.abc import Iterator
from dataclasses import replace

from openitb.implant.build import Build
from openitb.implant.firmware import alarms, controller, emergency
from openitb.implant.firmware.service_life import replacement_due_ms, service_ends_ms
from openitb.implant.firmware.state import PUMP, Firmware, logged
from openitb.implant.firmware.strokes import Train
from openitb.protocol import AlarmCondition, LogKind, PumpState


def next_train(firmware: Firmware, build: Build, until_ms: int) -> Train:
    """The strokes due from now to the next moment that matters, `until_ms` at the latest (ticks)."""
    clock, counter = firmware.clock, firmware.counter
    if firmware.controller.halt is not None:
        return _idle(firmware, build, until_ms)
    rate = controller.rate(firmware.controller, build, firmware.at_ms, clock.zone_offset_ms)
    end_ms = min((until_ms, *_dates(firmware, build, rate)))
    train = Train(counter.tick_ms, end_ms, counter.phase, rate, build.stroke_cost)
    ahead = [stroke - counter.strokes for stroke in _stroke_marks(firmware, build)]
    wanted = min((strokes for strokes in ahead if strokes > 0), default=None)
    return train if wanted is None or train.count < wanted else train.until(train.tick_of(wanted))


def ran(firmware: Firmware, build: Build, train: Train) -> Firmware:
    """The firmware after an admitted train: strokes counted, then all that falls due at its end."""
    firmware = replace(firmware, counter=firmware.counter.after(train), guard=firmware.guard.after(train))
    return settled(firmware, build)


def vetoed(firmware: Firmware, build: Build) -> Firmware:
    """The firmware after the guard refused a train: halted until a clinician programs the pump.

    Delivery that cannot be bounded is the one fault for which stopping is the safe state.
    """
    halted = replace(firmware.controller, halt=PumpState.GUARD_STOP)
    return settled(replace(firmware, controller=halted), build)


def settled(firmware: Firmware, build: Build) -> Firmware:
    """The firmware with everything done that is due now: stages ended, dates noted, alarms raised."""
    firmware = _end_stages(firmware)
    firmware = _note_replacement(firmware, build)
    firmware = alarms.raise_due(firmware, build)
    if any(alarm.condition is AlarmCondition.END_OF_SERVICE for alarm in firmware.alarms):
        ended = replace(firmware.controller, halt=PumpState.END_OF_SERVICE)
        return replace(firmware, controller=ended)
    return firmware


def _idle(firmware: Firmware, build: Build, until_ms: int) -> Train:
    """No strokes at all; flow accumulated before a halt is dropped, so it is not made up later."""
    end_ms = min((until_ms, *_dates(firmware, build, rate=0)))
    return Train(firmware.counter.tick_ms, end_ms, 0, 0, build.stroke_cost)


def _dates(firmware: Firmware, build: Build, rate: int) -> Iterator[int]:
    """Ticks after now at which something falls due by time, at the present flow."""
    change = controller.next_change_ms(firmware.controller, firmware.at_ms, firmware.clock.zone_offset_ms)
    if change is not None:
        yield change - firmware.clock.offset_ms
    since = firmware.controller.stopped_since_ms
    if since is not None and since + build.stopped_too_long_ms > firmware.counter.tick_ms:
        yield since + build.stopped_too_long_ms
    reduced = emergency.running(firmware)
    if reduced is not None and reduced.due_ms > firmware.counter.tick_ms:
        yield reduced.due_ms
    if firmware.eri_ms is None:
        yield _replacement_due(firmware, build, rate)
    elif firmware.controller.halt is not PumpState.END_OF_SERVICE:
        yield service_ends_ms(build.battery, firmware.eri_ms)


def _stroke_marks(firmware: Firmware, build: Build) -> Iterator[int]:
    """Stroke numbers at which something happens."""
    if firmware.controller.stages:
        yield firmware.controller.stages[0].until_stroke
    reservoir = firmware.reservoir
    yield reservoir.stroke_at(reservoir.low_alarm_nl, build.stroke_nl)
    yield reservoir.stroke_at(build.residual_nl, build.stroke_nl)


def _end_stages(firmware: Firmware) -> Firmware:
    going_on, done = controller.finish_stages(firmware.controller, firmware.counter.strokes)
    for stage in done:
        firmware = logged(firmware, LogKind.STAGE_FINISHED, PUMP, (("stage", stage.kind.value),))
    return replace(firmware, controller=going_on) if done else firmware


def _note_replacement(firmware: Firmware, build: Build) -> Firmware:
    tick_ms = firmware.counter.tick_ms
    if firmware.eri_ms is None and _replacement_due(firmware, build, rate=0) <= tick_ms:
        return replace(firmware, eri_ms=tick_ms)
    return firmware


def _replacement_due(firmware: Firmware, build: Build, rate: int) -> int:
    mean_flow = firmware.controller.mean_flow_nl_per_day
    return replacement_due_ms(build.battery, firmware.counter, build.stroke_cost, mean_flow, rate)
