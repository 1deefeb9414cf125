"""From one moment that matters to the next: the train due now, and what holds when it has run.

A stretch of constant flow ends where the flow changes, where a stage or the reservoir reaches a
given stroke, or where a date falls due. In between nothing can happen, so it is one step.
"""

from collections.abc import Iterator
from dataclasses import replace

from openitb.implant.build import Build
from openitb.implant.firmware import alarms, controller, emergency
from openitb.implant.firmware.bolus import Bolus
from openitb.implant.firmware.credits import Charge
from openitb.implant.firmware.perception import captured, clock_is_lost, forgotten, stall_due_ms, turned
from openitb.implant.firmware.service_life import replacement_due_ms, service_ends_ms
from openitb.implant.firmware.state import PUMP, Firmware, logged
from openitb.implant.firmware.strokes import Made, Train
from openitb.implant.firmware.surveillance import Surveillance
from openitb.protocol import AlarmCondition, LogKind, PumpState


def next_train(firmware: Firmware, build: Build, until_ms: int, turning: bool = True) -> Train:
    """The strokes due from now to the next moment that matters, `until_ms` at the latest (ticks).

    While the rotor is not `turning` the count stands, so no stroke can be one that matters.
    """
    counter = firmware.counter
    if firmware.controller.halt is not None or firmware.feeling.captured:
        return _idle(firmware, build, until_ms)
    rate = _rate(firmware, build)
    end_ms = min((until_ms, *_dates(firmware, build, rate)))
    train = Train(counter.tick_ms, end_ms, counter.phase, rate, build.stroke_cost)
    wanted = _strokes_wanted(firmware, build, turning)
    return train if wanted is None or train.count < wanted else train.until(train.tick_of(wanted))


def ran(firmware: Firmware, build: Build, train: Train, made: Made) -> Firmware:
    """The firmware after an admitted train: strokes counted, then all that falls due at its end.

    Only strokes that the rotor's feedback says were made are counted. Holds: DEL-16.
    """
    ms = train.end_ms - train.start_ms
    firmware = replace(
        firmware,
        counter=firmware.counter.after(train, made.confirmed),
        guard=firmware.guard.after(train, charges(firmware, build, train), train.count - made.confirmed),
        controller=controller.poured(firmware.controller, _bolus_flow(firmware, build), ms),
        surveillance=_surveyed(firmware, build, made),
    )
    return settled(turned(firmware, build, train, made.confirmed), build)


def _surveyed(firmware: Firmware, build: Build, made: Made) -> Surveillance:
    if build.meter is None:
        return firmware.surveillance
    counted_nl = made.confirmed * build.stroke_nl
    return firmware.surveillance.after(build.meter, counted_nl, made.measured, made.loose)


def charges(firmware: Firmware, build: Build, train: Train) -> tuple[Charge, ...]:
    """What of a train goes on credits; the rest is the program's own."""
    if not train.rate_nl_per_day:
        return ()
    return firmware.controller.charges(train.rate_nl_per_day, _bolus_flow(firmware, build))


def vetoed(firmware: Firmware, build: Build) -> Firmware:
    """The firmware after the guard refused a train: halted until a clinician programs the pump.

    Delivery that cannot be bounded is the one fault for which stopping is the safe state.
    """
    return settled(_halted(firmware, PumpState.GUARD_STOP), build)


def settled(firmware: Firmware, build: Build) -> Firmware:
    """The firmware with everything done that is due now: stages ended, dates noted, alarms raised."""
    firmware = _end_bolus(_end_stages(forgotten(firmware)))
    firmware = _note_replacement(firmware, build)
    firmware = _error_ends_bolus(captured(alarms.raise_due(firmware, build)))
    latched = {alarm.condition for alarm in firmware.alarms}
    if AlarmCondition.END_OF_SERVICE in latched:
        return _halted(firmware, PumpState.END_OF_SERVICE)
    if alarms.exceeds(firmware, build):
        return _halted(firmware, PumpState.GUARD_STOP)
    return firmware


def _halted(firmware: Firmware, state: PumpState) -> Firmware:
    return replace(firmware, controller=replace(firmware.controller, halt=state))


def bolus_ended_early(firmware: Firmware, bolus: Bolus, actor: str) -> Firmware:
    """The firmware with no bolus, and an entry for one that ended before its volume. Holds: BOL-09."""
    ended = replace(firmware, controller=replace(firmware.controller, bolus=None))
    detail = (("kind", bolus.kind.value), ("delivered_nl", bolus.delivered_nl), ("left_nl", bolus.left_nl))
    return logged(ended, LogKind.BOLUS_ENDED_EARLY, actor, detail)


def _rate(firmware: Firmware, build: Build) -> int:
    """The flow due now; without a clock a program runs at its mean, which needs no time of day."""
    control = firmware.controller
    if clock_is_lost(firmware) and control.running is not None:
        return controller.mean_flow(control.running) + _bolus_flow(firmware, build)
    return controller.rate(control, build, firmware.at_ms, firmware.clock.zone_offset_ms)


def _idle(firmware: Firmware, build: Build, until_ms: int) -> Train:
    """No strokes at all; flow accumulated before a halt is dropped, so it is not made up later."""
    end_ms = min((until_ms, *_dates(firmware, build, rate=0)))
    return Train(firmware.counter.tick_ms, end_ms, 0, 0, build.stroke_cost)


def _dates(firmware: Firmware, build: Build, rate: int) -> Iterator[int]:
    """Ticks after now at which something falls due by time, at the present flow."""
    change = controller.next_change_ms(firmware.controller, firmware.at_ms, firmware.clock.zone_offset_ms)
    if change is not None and not clock_is_lost(firmware):
        yield change - firmware.clock.offset_ms
    bolus, flow = firmware.controller.bolus, _bolus_flow(firmware, build)
    if bolus is not None and flow:
        yield firmware.counter.tick_ms + bolus.left // flow
    since = firmware.controller.stopped_since_ms
    if since is not None:
        due = (since + build.stop_warning_ms, since + build.stopped_too_long_ms)
        yield from (at_ms for at_ms in due if at_ms > firmware.counter.tick_ms)
    stall_due = stall_due_ms(firmware, build)
    if stall_due is not None:
        yield stall_due
    reduced = emergency.running(firmware)
    if reduced is not None and reduced.due_ms > firmware.counter.tick_ms:
        yield reduced.due_ms
    if firmware.eri_ms is None:
        yield _replacement_due(firmware, build, rate)
    elif firmware.controller.halt is not PumpState.END_OF_SERVICE:
        yield service_ends_ms(build.battery, firmware.eri_ms)


def _strokes_wanted(firmware: Firmware, build: Build, turning: bool) -> int | None:
    """How many strokes on something happens; the first one tells whether the rotor follows again."""
    if turning is (firmware.feeling.still_since_ms is not None):
        return 1
    if not turning:
        return None
    ahead = (stroke - firmware.counter.strokes for stroke in _stroke_marks(firmware, build))
    return min((strokes for strokes in ahead if strokes > 0), default=None)


def _stroke_marks(firmware: Firmware, build: Build) -> Iterator[int]:
    """Stroke numbers at which something happens."""
    for stage in firmware.controller.stages:  # all: a bridge may end while the prime before it goes on
        yield stage.until_stroke
    reservoir = firmware.reservoir
    yield reservoir.stroke_at(reservoir.low_alarm_nl, build.stroke_nl)
    yield reservoir.stroke_at(build.residual_nl, build.stroke_nl)


def _end_stages(firmware: Firmware) -> Firmware:
    going_on, done = controller.finish_stages(firmware.controller, firmware.counter.strokes)
    for stage in done:
        firmware = logged(firmware, LogKind.STAGE_FINISHED, PUMP, (("stage", stage.kind.value),))
    return replace(firmware, controller=going_on) if done else firmware


def _end_bolus(firmware: Firmware) -> Firmware:
    bolus = firmware.controller.bolus
    if bolus is None or bolus.left:
        return firmware
    detail = (("kind", bolus.kind.value), ("volume_nl", bolus.volume_nl))
    firmware = logged(firmware, LogKind.BOLUS_FINISHED, PUMP, detail)
    return replace(firmware, controller=replace(firmware.controller, bolus=None))


def _error_ends_bolus(firmware: Firmware) -> Firmware:
    """Whatever sounds a critical alarm also ends a bolus; nobody resumes it but by a new command."""
    bolus = firmware.controller.bolus
    stands = any(alarm.condition in alarms.CRITICAL for alarm in firmware.alarms)
    return bolus_ended_early(firmware, bolus, PUMP) if bolus is not None and stands else firmware


def _bolus_flow(firmware: Firmware, build: Build) -> int:
    zone_offset_ms = firmware.clock.zone_offset_ms
    return controller.bolus_flow(firmware.controller, build, firmware.at_ms, zone_offset_ms)


def _note_replacement(firmware: Firmware, build: Build) -> Firmware:
    tick_ms = firmware.counter.tick_ms
    if firmware.eri_ms is None and _replacement_due(firmware, build, rate=0) <= tick_ms:
        return replace(firmware, eri_ms=tick_ms)
    return firmware


def _replacement_due(firmware: Firmware, build: Build, rate: int) -> int:
    mean_flow = firmware.controller.mean_flow_nl_per_day
    return replacement_due_ms(build.battery, firmware.counter, build.stroke_cost, mean_flow, rate)
