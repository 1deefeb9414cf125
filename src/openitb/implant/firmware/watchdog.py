"""The watchdog: what drives the motor and makes no progress is restarted, told of, and in the end replaced.

While it hangs nothing is driven. Each bite of the watchdog restarts it with the program as it was; strokes
missed meanwhile are not made up. Restarted too often within the hour it is not trusted again: a loop of
its own keeps minimum rate, with a critical alarm, until a clinician programs the pump.

Holds: SYS-04, SYS-07.
"""

from collections.abc import Iterator

from openitb.implant.build import Build
from openitb.implant.firmware.perception import safe_state, settings_are_lost
from openitb.implant.firmware.state import PUMP, Firmware, logged
from openitb.implant.firmware.supervision import Supervision
from openitb.protocol import LogKind
from openitb.records import replace


def is_hung(firmware: Firmware) -> bool:
    """True while nothing is driven because no progress is made."""
    return firmware.feeling.hung_since_ms is not None and not settings_are_lost(firmware)


def is_hung_long(firmware: Firmware, rule: Supervision) -> bool:
    """True once that has lasted long enough to be told."""
    since = firmware.feeling.hung_since_ms
    return since is not None and is_hung(firmware) and firmware.counter.tick_ms - since >= rule.alarm_after_ms


def bitten(firmware: Firmware, build: Build) -> Firmware:
    """The firmware restarted, if it has hung for so long; at minimum rate, if that was once too often."""
    bite_ms = _bite_ms(firmware, build.supervision)
    if bite_ms is None or firmware.counter.tick_ms < bite_ms:
        return firmware
    feeling = replace(firmware.feeling, bites=firmware.feeling.bites + 1)
    firmware = logged(replace(firmware, feeling=feeling), LogKind.RESTARTED, PUMP, (("because", "hung"),))
    if restarts(firmware, build.supervision.restarts_within_ms) < build.supervision.most_restarts:
        return firmware
    return safe_state(firmware, build, LogKind.RESTARTED_TOO_OFTEN)


def restarts(firmware: Firmware, within_ms: int) -> int:
    """How often it was restarted in the time just past."""
    since_ms = firmware.counter.tick_ms - within_ms
    kinds = (entry.kind for entry in firmware.log.entries if entry.tick_ms > since_ms)
    return sum(kind is LogKind.RESTARTED for kind in kinds)


def dates(firmware: Firmware, build: Build) -> Iterator[int]:
    """Ticks after now at which the watchdog bites or tells, if nothing moves until then."""
    since, bite_ms = firmware.feeling.hung_since_ms, _bite_ms(firmware, build.supervision)
    if since is None or bite_ms is None:
        return
    due = (bite_ms, since + build.supervision.alarm_after_ms)
    yield from (at_ms for at_ms in due if at_ms > firmware.counter.tick_ms)


def _bite_ms(firmware: Firmware, rule: Supervision) -> int | None:
    since, bites = firmware.feeling.hung_since_ms, firmware.feeling.bites
    return since + (bites + 1) * rule.restart_after_ms if since is not None and is_hung(firmware) else None
