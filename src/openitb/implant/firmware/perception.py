"""What the firmware makes of its senses: a stall, a weak cell, a lost clock, a reset, a false link.

A missed stroke is never made up. After a stall delivery goes on with the next stroke, from where the
count stands. Holds: DEL-10, DEL-11, BAT-04, TIM-05.
"""

from openitb import catalogue
from openitb.implant.build import Build
from openitb.implant.firmware.controller import with_program
from openitb.implant.firmware.feeling import Feeling, LateEntry
from openitb.implant.firmware.state import PUMP, Firmware, logged
from openitb.implant.firmware.strokes import Train
from openitb.implant.senses import Senses, Supply
from openitb.prescription import MinimumRate, compile_order
from openitb.protocol import LogKind
from openitb.protocol.chain import Detail
from openitb.records import replace

LATE_READINGS = 2  # noise lets an entry show at the second reading, after device.md 1.4


def feel(firmware: Firmware, build: Build, senses: Senses) -> Firmware:
    """The firmware after its senses became `senses`; nothing happens where they stayed the same."""
    before = firmware.feeling.senses
    if senses == before:
        return firmware
    firmware = _with(firmware, senses=senses)
    if senses.reset and not before.reset:
        firmware = _reset(firmware, build)
    if before.clock_kept and not senses.clock_kept:
        firmware = _clock_lost(firmware)
    tick_ms, feeling = firmware.counter.tick_ms, firmware.feeling
    hung_ms = feeling.hung_since_ms if before.hung else tick_ms
    return _with(
        firmware,
        cell=feeling.cell.seen(senses.supply is Supply.WEAK, tick_ms),
        hung_since_ms=hung_ms if senses.hung else None,
        bites=feeling.bites if senses.hung else 0,
    )


def captured(firmware: Firmware) -> Firmware:
    """The firmware after noise was taken for a programmer, which happens only while an alarm sounds.

    Nothing is driven from then on, so from then on the rotor counts as standing still, and is told of.
    """
    feeling = firmware.feeling
    if not (feeling.senses.captured and firmware.alarms) or feeling.captured:
        return firmware
    since = feeling.still_since_ms
    still_ms = since if since is not None else firmware.counter.tick_ms
    return _with(logged(firmware, LogKind.TELEMETRY_CAPTURED, PUMP), captured=True, still_since_ms=still_ms)


def turned(firmware: Firmware, build: Build, train: Train, confirmed: int) -> Firmware:
    """The firmware after a train of which the rotor followed `confirmed` strokes: all or none.

    Strokes it did not follow are not counted and not made up.
    """
    feeling = firmware.feeling
    if confirmed:
        return _recovered(firmware) if feeling.still_since_ms is not None else firmware
    if train.count and feeling.still_since_ms is None:
        firmware = _with(firmware, still_since_ms=train.tick_of(1))
    due_ms = stall_due_ms(firmware, build)
    if due_ms is not None and firmware.counter.tick_ms >= due_ms:
        firmware = _with(firmware, stalled=True)
        return logged(firmware, LogKind.MOTOR_STALLED, PUMP, _since(firmware))
    return firmware


def stall_due_ms(firmware: Firmware, build: Build) -> int | None:
    """The tick at which a rotor that stands still is called stalled; None if it turns or is already."""
    feeling = firmware.feeling
    if feeling.stalled or feeling.still_since_ms is None:
        return None
    return feeling.still_since_ms + build.stall_qualifier_ms


def before_reading(firmware: Firmware) -> Firmware:
    """The firmware as a new reading finds it: the link is a true one, late entries come nearer.

    While the noise goes on a reading frees nothing: it would be taken for a programmer again at once.
    """
    if firmware.feeling.captured and not firmware.feeling.senses.captured:
        firmware = logged(_with(firmware, captured=False), LogKind.TELEMETRY_RELEASED, PUMP)
    nearer = [replace(entry, readings=entry.readings - 1) for entry in firmware.feeling.late]
    for entry in nearer:
        if entry.readings <= 0:
            firmware = logged(firmware, entry.kind, PUMP, entry.detail)
    return _with(firmware, late=tuple(entry for entry in nearer if entry.readings > 0))


def clock_is_lost(firmware: Firmware) -> bool:
    """True from the loss of the clock until a clinician has set it."""
    return _stands(firmware, firmware.feeling.clock_lost_entry, LogKind.CLOCK_SET)


def settings_are_lost(firmware: Firmware) -> bool:
    """True from a reset until a clinician has programmed the pump."""
    return _stands(firmware, firmware.feeling.reset_entry, LogKind.PROGRAM_CHANGED)


def forgotten(firmware: Firmware) -> Firmware:
    """The firmware without memory of losses that have been put right."""
    feeling = firmware.feeling
    if feeling.clock_lost_entry is not None and not clock_is_lost(firmware):
        firmware = _with(firmware, clock_lost_entry=None)
    if feeling.reset_entry is not None and not settings_are_lost(firmware):
        firmware = _with(firmware, reset_entry=None)
    return firmware


def safe_state(firmware: Firmware, build: Build, kind: LogKind, failed: str = "") -> Firmware:
    """The firmware at minimum rate, its settings lost, with `kind` in the log as the reason.

    What a clinician had allowed the patient is a setting too. `failed` names what a self test found.
    """
    pump = catalogue.load().pump(build.pump_id)
    program = compile_order(MinimumRate(), firmware.controller.program.concentration_ug_per_ml, pump)
    controller = with_program(firmware.controller, program, (), firmware.counter.tick_ms)
    detail: Detail = (("before", firmware.controller.program.digest), ("after", program.digest))
    detail = (*detail, ("failed", failed)) if failed else detail
    halt = firmware.controller.halt
    firmware = replace(
        firmware, controller=replace(controller, halt=halt), patient=firmware.patient.withheld()
    )
    firmware = logged(firmware, kind, PUMP, detail)
    return _with(firmware, reset_entry=firmware.log.head.number)


def _reset(firmware: Firmware, build: Build) -> Firmware:
    return safe_state(firmware, build, LogKind.RESET)


def _clock_lost(firmware: Firmware) -> Firmware:
    firmware = logged(firmware, LogKind.CLOCK_LOST, PUMP)
    return _with(firmware, clock_lost_entry=firmware.log.head.number)


def _recovered(firmware: Firmware) -> Firmware:
    feeling = firmware.feeling
    detail = _since(firmware)
    firmware = _with(firmware, still_since_ms=None, stalled=False)
    if not feeling.stalled:
        return firmware
    if feeling.senses.disturbed or feeling.late:
        late = LateEntry(LogKind.MOTOR_RECOVERED, detail, LATE_READINGS)
        return _with(firmware, late=(*feeling.late, late))
    return logged(firmware, LogKind.MOTOR_RECOVERED, PUMP, detail)


def _since(firmware: Firmware) -> Detail:
    since, now = firmware.feeling.still_since_ms, firmware.counter.tick_ms
    return (("still_since_tick_ms", since if since is not None else now), ("noticed_tick_ms", now))


def _stands(firmware: Firmware, number: int | None, mended: LogKind) -> bool:
    if number is None:
        return False
    return not any(entry.number > number and entry.kind is mended for entry in firmware.log.entries)


def _with(firmware: Firmware, **changes: object) -> Firmware:
    feeling: Feeling = replace(firmware.feeling, **changes)  # type: ignore[arg-type]  # checked by dataclasses.replace
    return replace(firmware, feeling=feeling)
