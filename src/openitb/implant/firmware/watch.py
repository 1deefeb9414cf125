"""From one moment that matters to the next: the train due now, and what holds when it has run.

A stretch of constant flow ends where the flow changes, where a stage or the reservoir reaches a
given stroke, or where a date falls due. In between nothing can happen, so it is one step.

Holds: DEL-12, DEL-17.
"""

from collections.abc import Iterator

from openitb.implant.build import Build
from openitb.implant.firmware import alarms, controller, emergency, watchdog
from openitb.implant.firmware.authority import authorised
from openitb.implant.firmware.bolus import Bolus
from openitb.implant.firmware.credits import Charge
from openitb.implant.firmware.perception import captured, clock_is_lost, forgotten, stall_due_ms, turned
from openitb.implant.firmware.service_life import replacement_due_ms, service_ends_ms
from openitb.implant.firmware.state import PUMP, Firmware, logged
from openitb.implant.firmware.strokes import Made, Train
from openitb.implant.firmware.surveillance import Surveillance
from openitb.protocol import AlarmCondition, LogKind, PumpState
from openitb.records import replace


def next_train(firmware: Firmware, build: Build, until_ms: int, turning: bool = True) -> Train:
    """The strokes due from now to the next moment that matters, `until_ms` at the latest (ticks).

    While the rotor is not `turning` the count stands, so no stroke can be one that matters.
    """
    counter = firmware.counter
    held = firmware.feeling.captured or watchdog.is_hung(firmware)
    if firmware.controller.halt is not None or held:
        return _idle(firmware, build, until_ms)
    rate = _rate(firmware, build)
    end_ms = min((until_ms, *_changes(firmware, build), *_dates(firmware, build, rate)))
    train = Train(counter.tick_ms, end_ms, counter.phase, rate, build.stroke_cost)
    wanted = _strokes_wanted(firmware, build, turning)
    if wanted is None or not rate or train.count < wanted:
        return train  # strokes that wait while nothing flows are the guard's to refuse
    return train.until(train.tick_of(wanted))


def trains_ahead(firmware: Firmware, build: Build, until_ms: int) -> Iterator[Train]:
    """The trains due one after the other, each up to the next change of flow, while nothing else matters.

    None where anything but the program has a say in the flow or must be looked at in between. For a
    pump whose every stroke is felt.
    """
    control, counter = firmware.controller, firmware.counter
    if not _runs_by_program_alone(firmware, build):
        return
    highest = max(step.rate_nl_per_day for step in control.program.week)
    end_ms = min((until_ms, *_dates(firmware, build, highest)))  # the replacement no later than it falls due
    wanted = _strokes_wanted(firmware, build, turning=True)
    at_ms, phase = counter.tick_ms, counter.phase
    for rate, change in control.program.flows(firmware.at_ms, firmware.clock.zone_offset_ms):
        change_ms = end_ms if change is None else change - firmware.clock.offset_ms
        train = Train(at_ms, change_ms, phase, rate, build.stroke_cost)
        count, left = divmod(train.flow, train.cost)
        if change_ms > end_ms or (wanted is not None and count >= wanted):
            return
        yield train
        at_ms, phase = change_ms, left
        wanted = None if wanted is None else wanted - count


def ran_whole(firmware: Firmware, build: Build, trains: tuple[Train, ...]) -> Firmware:
    """The firmware after trains ahead that the guard let through whole, every stroke made."""
    counter = firmware.counter
    for train in trains:
        counter = counter.after(train)
    return settled(replace(firmware, counter=counter, guard=firmware.guard.after_whole(trains)), build)


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
        level_nl=None if build.level_tolerance_nl is None else made.level_nl,
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
    firmware = _end_bolus(_end_stages(emergency.forgotten(forgotten(firmware))))
    firmware = _note_replacement(_bitten(firmware, build), build)
    firmware = _error_ends_bolus(captured(alarms.raise_due(firmware, build)))
    latched = {alarm.condition for alarm in firmware.alarms}
    if AlarmCondition.END_OF_SERVICE in latched:
        return _halted(firmware, PumpState.END_OF_SERVICE)
    if alarms.exceeds(firmware, build):
        return _halted(firmware, PumpState.GUARD_STOP)
    return firmware


def _bitten(firmware: Firmware, build: Build) -> Firmware:
    after = watchdog.bitten(firmware, build)
    return after if after.controller is firmware.controller else authorised(firmware, after, build)


def _halted(firmware: Firmware, state: PumpState) -> Firmware:
    return replace(firmware, controller=replace(firmware.controller, halt=state))


def bolus_ended_early(firmware: Firmware, bolus: Bolus, actor: str) -> Firmware:
    """The firmware with no bolus, and an entry for one that ended before its volume. Holds: BOL-09."""
    ended = _going_on(firmware, replace(firmware.controller, bolus=None))
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


def _runs_by_program_alone(firmware: Firmware, build: Build) -> bool:
    """True if no stage, bolus, stall, sensor or loss has a say in what flows or in what is noticed."""
    control, feeling = firmware.controller, firmware.feeling
    hindered = feeling.captured or clock_is_lost(firmware) or feeling.hung_since_ms is not None
    undisturbed = feeling.still_since_ms is None and not hindered
    alone = control.halt is None and not control.stages and control.bolus is None
    unseen = build.meter is None and build.level_tolerance_nl is None
    return alone and undisturbed and unseen and len(control.program.week) > 1


def _changes(firmware: Firmware, build: Build) -> Iterator[int]:
    """Ticks after now at which the flow changes by itself."""
    change = controller.next_change_ms(firmware.controller, firmware.at_ms, firmware.clock.zone_offset_ms)
    if change is not None and not clock_is_lost(firmware):
        yield change - firmware.clock.offset_ms
    bolus, flow = firmware.controller.bolus, _bolus_flow(firmware, build)
    if bolus is not None and flow:
        yield firmware.counter.tick_ms + bolus.left // flow


def _dates(firmware: Firmware, build: Build, rate: int) -> Iterator[int]:
    """Ticks after now at which something else falls due by time, as long as no more than `rate` flows."""
    since = firmware.controller.stopped_since_ms
    if since is not None:
        due = (since + build.stop_warning_ms, since + build.stopped_too_long_ms)
        yield from (at_ms for at_ms in due if at_ms > firmware.counter.tick_ms)
    yield from watchdog.dates(firmware, build)
    stall_due = stall_due_ms(firmware, build)
    if stall_due is not None:  # never in the past, whatever memory says: time would stand still
        yield max(stall_due, firmware.counter.tick_ms + 1)
    reduced = emergency.running(firmware)
    if reduced is not None and reduced.due_ms > firmware.counter.tick_ms:
        yield reduced.due_ms
    yield from _dates_of_cell(firmware, build, rate)


def _dates_of_cell(firmware: Firmware, build: Build, rate: int) -> Iterator[int]:
    """When replacement falls due, by charge or because the cell looks weak; after that, when service ends."""
    if firmware.eri_ms is not None:
        if firmware.controller.halt is not PumpState.END_OF_SERVICE:
            yield service_ends_ms(build.battery, firmware.eri_ms)
        return
    yield _replacement_due(firmware, build, rate)
    weak_ms = firmware.feeling.cell.due_ms(build.supervision.cell_weak_ms)
    if weak_ms is not None and weak_ms > firmware.counter.tick_ms:
        yield weak_ms


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
    return _going_on(firmware, going_on) if done else firmware


def _going_on(firmware: Firmware, control: controller.Controller) -> Firmware:
    """The firmware after a stage or bolus has ended: what is left on its credit is worth nothing more."""
    held = (holder.credit for holder in (*control.stages, control.bolus) if holder)
    kept = tuple(credit for credit in held if credit)
    return replace(firmware, controller=control, guard=firmware.guard.withdrawn(kept))


def _end_bolus(firmware: Firmware) -> Firmware:
    bolus = firmware.controller.bolus
    if bolus is None or bolus.left:
        return firmware
    detail = (("kind", bolus.kind.value), ("volume_nl", bolus.volume_nl))
    firmware = logged(firmware, LogKind.BOLUS_FINISHED, PUMP, detail)
    return _going_on(firmware, replace(firmware.controller, bolus=None))


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
    is_weak = firmware.feeling.cell.at(tick_ms) >= build.supervision.cell_weak_ms
    if firmware.eri_ms is None and (is_weak or _replacement_due(firmware, build, rate=0) <= tick_ms):
        return replace(firmware, eri_ms=tick_ms)
    return firmware


def _replacement_due(firmware: Firmware, build: Build, rate: int) -> int:
    mean_flow = firmware.controller.mean_flow_nl_per_day
    return replacement_due_ms(build.battery, firmware.counter, build.stroke_cost, mean_flow, rate)
