"""The same alarm, again and again after each restart: a pump that is not to be started once more.

Counted from the log, in the pump's own elapsed time. Stop and minimum rate stay open, so that the
patient is never left with less than the pump can safely give.

Holds: ALM-10.
"""

from openitb.implant.build import Build
from openitb.implant.firmware.refusal import require
from openitb.implant.firmware.state import Firmware
from openitb.prescription import MinimumRate, Stopped
from openitb.protocol import AlarmCondition, LogKind

STOPPING = (AlarmCondition.DELIVERY_GUARD, AlarmCondition.OVER_DELIVERY)


def require_not_repeated(before: Firmware, after: Firmware, build: Build) -> None:
    """`RefusalError` for a restart after an alarm has stopped the pump too often."""
    restarted = before.controller.halt is not None and after.controller.halt is None
    if not restarted or isinstance(after.controller.program.order, Stopped | MinimumRate):
        return
    for condition in STOPPING:
        times = occurrences(before, condition, build.repeats_within_ms)
        reason = f"{condition.value} has stopped the pump {times} times; expected stopped or minimum rate"
        require(times < build.most_repeats, "state", reason)


def occurrences(firmware: Firmware, condition: AlarmCondition, within_ms: int) -> int:
    """How often an alarm was raised in the time just past."""
    since_ms = firmware.counter.tick_ms - within_ms
    return sum(
        entry.kind is LogKind.ALARM_RAISED and entry.get("condition") == condition.value
        for entry in firmware.log.entries
        if entry.tick_ms > since_ms
    )
