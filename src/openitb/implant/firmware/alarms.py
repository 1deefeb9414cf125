"""Alarms: conditions the pump can compute, how each sounds, raised at the moment and then latched.

A condition stays until a clinician's command finds its cause gone. What is heard is a separate
matter: the tones follow from the latched conditions, and no command touches them.

Holds: ALM-03, ALM-08, ALM-11, ALM-13, DEL-13, RES-02, RES-10.
"""

from collections.abc import Callable

from openitb.implant.build import Build
from openitb.implant.firmware import emergency, watchdog
from openitb.implant.firmware.perception import clock_is_lost, settings_are_lost
from openitb.implant.firmware.priorities import CRITICAL
from openitb.implant.firmware.service_life import service_ends_ms
from openitb.implant.firmware.signals import Signal, accounted, signal_of, signal_of_class
from openitb.implant.firmware.state import PUMP, Alarm, Firmware, logged
from openitb.implant.senses import Supply
from openitb.protocol import AlarmCondition, LogKind, PumpState
from openitb.records import replace

__all__ = ["CRITICAL", "Signal", "clear_gone", "exceeds", "raise_due", "signal_of", "signal_of_class"]


def raise_due(firmware: Firmware, build: Build) -> Firmware:
    """The firmware with every condition raised that holds now and was not latched yet."""
    latched = {alarm.condition for alarm in firmware.alarms}
    for condition, holds in _CAUSES.items():
        if condition not in latched and holds(firmware, build):
            firmware = _raised(firmware, condition, build)
    return firmware


def clear_gone(firmware: Firmware, build: Build, actor: str) -> Firmware:
    """The firmware without the latched conditions whose cause is gone; each clearing is logged."""
    for alarm in firmware.alarms:
        if not _CAUSES[alarm.condition](firmware, build):
            kept = tuple(other for other in firmware.alarms if other is not alarm)
            firmware = logged(
                accounted(firmware), LogKind.ALARM_CLEARED, actor, (("condition", alarm.condition.value),)
            )
            firmware = replace(firmware, alarms=kept)
    return firmware


def _raised(firmware: Firmware, condition: AlarmCondition, build: Build) -> Firmware:
    detail = (("condition", condition.value), ("believed_nl", firmware.believed_nl(build)))
    firmware = logged(accounted(firmware), LogKind.ALARM_RAISED, PUMP, detail)
    return replace(firmware, alarms=(*firmware.alarms, Alarm(condition, firmware.at_ms)))


def _is_low(firmware: Firmware, build: Build) -> bool:
    return firmware.believed_nl(build) <= firmware.reservoir.low_alarm_nl


def _is_empty(firmware: Firmware, build: Build) -> bool:
    return firmware.believed_nl(build) <= build.residual_nl


def _is_stopped_too_long(firmware: Firmware, build: Build) -> bool:
    since = firmware.controller.stopped_since_ms
    return since is not None and firmware.counter.tick_ms - since >= build.stopped_too_long_ms


def _is_stopped_long(firmware: Firmware, build: Build) -> bool:
    since = firmware.controller.stopped_since_ms
    return since is not None and firmware.counter.tick_ms - since >= build.stop_warning_ms


def _is_replacement_due(firmware: Firmware, build: Build) -> bool:  # noqa: ARG001  # one shape for all causes
    return firmware.eri_ms is not None


def _is_service_over(firmware: Firmware, build: Build) -> bool:
    eri = firmware.eri_ms
    if firmware.feeling.senses.supply is Supply.SPENT:
        return True
    return eri is not None and firmware.counter.tick_ms >= service_ends_ms(build.battery, eri)


def _is_guard_stop(firmware: Firmware, build: Build) -> bool:
    return firmware.controller.halt is PumpState.GUARD_STOP and not exceeds(firmware, build)


def exceeds(firmware: Firmware, build: Build) -> bool:
    """True once the meter has read more than a healthy pump delivers."""
    return build.meter is not None and firmware.surveillance.is_above(build.meter)


def _falls_short(firmware: Firmware, build: Build) -> bool:
    return build.meter is not None and firmware.surveillance.is_below(build.meter)


def _is_stalled(firmware: Firmware, build: Build) -> bool:  # noqa: ARG001  # one shape for all causes
    return firmware.feeling.stalled


def _is_without_settings(firmware: Firmware, build: Build) -> bool:  # noqa: ARG001  # one shape for all causes
    return settings_are_lost(firmware)


def _is_without_clock(firmware: Firmware, build: Build) -> bool:  # noqa: ARG001  # one shape for all causes
    return clock_is_lost(firmware)


def _is_hung(firmware: Firmware, build: Build) -> bool:
    return watchdog.is_hung_long(firmware, build.supervision)


def _is_level_doubtful(firmware: Firmware, build: Build) -> bool:
    level, tolerance = firmware.level_nl, build.level_tolerance_nl
    if level is None or tolerance is None:
        return False
    return abs(max(firmware.counted_nl(build), build.residual_nl) - level) > tolerance


def _is_reduced(firmware: Firmware, build: Build) -> bool:  # noqa: ARG001  # one shape for all causes
    return emergency.running(firmware) is not None


def _is_withdrawal_due(firmware: Firmware, build: Build) -> bool:  # noqa: ARG001  # one shape for all causes
    return emergency.is_withdrawal_due(firmware)


_CAUSES: dict[AlarmCondition, Callable[[Firmware, Build], bool]] = {
    AlarmCondition.LOW_RESERVOIR: _is_low,
    AlarmCondition.EMPTY_RESERVOIR: _is_empty,
    AlarmCondition.STOPPED_LONG: _is_stopped_long,
    AlarmCondition.STOPPED_TOO_LONG: _is_stopped_too_long,
    AlarmCondition.ELECTIVE_REPLACEMENT: _is_replacement_due,
    AlarmCondition.END_OF_SERVICE: _is_service_over,
    AlarmCondition.DELIVERY_GUARD: _is_guard_stop,
    AlarmCondition.MOTOR_STALL: _is_stalled,
    AlarmCondition.SETTINGS_LOST: _is_without_settings,
    AlarmCondition.CLOCK_LOST: _is_without_clock,
    AlarmCondition.OVER_DELIVERY: exceeds,
    AlarmCondition.UNDER_DELIVERY: _falls_short,
    AlarmCondition.CONTROL_HUNG: _is_hung,
    AlarmCondition.LEVEL_DOUBTFUL: _is_level_doubtful,
    AlarmCondition.EMERGENCY_REDUCTION: _is_reduced,
    AlarmCondition.WITHDRAWAL_CLOCK: _is_withdrawal_due,
}
