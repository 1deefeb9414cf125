"""Self test: in this order, the first failure ends the rest and decides what follows.

Run when a pump restarts, before every command, and at every whole hour of its own time. It takes no time,
so no bolus is given meanwhile. What is not as it was ordered runs no longer: minimum rate, with a critical
alarm, until a clinician programs the pump. Clock, cell and motor have alarms of their own, which stand
before this is asked.

Holds: DEL-14, SYS-01, SYS-02, SYS-03.
"""

from collections.abc import Callable

from openitb.implant.build import Build
from openitb.implant.firmware.authority import authorised
from openitb.implant.firmware.perception import clock_is_lost, safe_state, settings_are_lost
from openitb.implant.firmware.refusal import require
from openitb.implant.firmware.seal import is_sealed, sealed
from openitb.implant.firmware.state import PUMP, Firmware, logged
from openitb.implant.firmware.watch import settled
from openitb.implant.senses import Supply
from openitb.protocol import LogKind, verify_chain

Check = Callable[[Firmware, Build], bool]


def first_failure(firmware: Firmware, build: Build) -> str | None:
    """The first thing that is not as it should be; None if all is well."""
    return next((name for name, holds in CHECKS if not holds(firmware, build)), None)


def proven(firmware: Firmware, build: Build) -> Firmware:
    """The firmware as it is, or at minimum rate with a critical alarm if its memory has changed."""
    failed = first_failure(firmware, build)
    if failed not in MEMORY or settings_are_lost(firmware):
        return firmware
    return _at_minimum(firmware, build, failed)


def agreed(working: Firmware, second: Firmware, build: Build, tick_ms: int) -> Firmware:
    """One firmware of the two copies that memory holds, alike after each step; `tick_ms` is the crystal's.

    Where they differ and only one bears its own checks, that one goes on and the log says so. Where nothing
    tells which is damaged, the pump is at minimum rate with a critical alarm.
    """
    if working is second or working == second:
        return working
    bearing = [copy for copy in (working, second) if _bears_its_checks(copy, build, tick_ms)]
    if len(bearing) == 1:
        return logged(bearing[0], LogKind.MEMORY_MASKED, PUMP, (("slot", "running"),))
    return _at_minimum(bearing[0] if bearing else second, build, "memory")


def _bears_its_checks(firmware: Firmware, build: Build, tick_ms: int) -> bool:
    whole = first_failure(firmware, build) not in MEMORY and firmware.counter.tick_ms == tick_ms
    return whole and verify_chain(firmware.log.entries, firmware.log.anchor) is None


def _at_minimum(firmware: Firmware, build: Build, failed: str) -> Firmware:
    found = sealed(firmware)
    safe = safe_state(found, build, LogKind.SELF_TEST_FAILED, failed)
    return settled(authorised(found, safe, build), build)


def require_fit_to_start(before: Firmware, after: Firmware, build: Build) -> None:
    """`RefusalError` if delivery would begin although a test fails."""
    if before.controller.program.is_still and not after.controller.program.is_still:
        failed = first_failure(after, build)
        unfit = failed is not None and failed != "clock"  # without a clock it runs at its mean
        require(not unfit, "self test", f"failed at {failed}: delivery does not begin")


def check_due_ms(firmware: Firmware, build: Build, until_ms: int) -> int | None:
    """The tick of the next check, if it comes by `until_ms` and will find something."""
    every_ms = build.supervision.check_every_ms
    due_ms = (firmware.counter.tick_ms // every_ms + 1) * every_ms
    finds = due_ms <= until_ms and first_failure(firmware, build) in MEMORY
    return due_ms if finds else None


def _counts(firmware: Firmware, build: Build) -> bool:
    counter, reservoir = firmware.counter, firmware.reservoir
    in_range = 0 <= counter.phase < build.stroke_cost and 0 <= reservoir.filled_at_stroke <= counter.strokes
    return in_range and firmware.guard.phase == counter.phase


def _program(firmware: Firmware, build: Build) -> bool:  # noqa: ARG001  # one shape for all checks
    return is_sealed(firmware)


def _limits(firmware: Firmware, build: Build) -> bool:
    return 0 <= firmware.guard.limits.highest_nl_per_day <= build.highest_flow_nl_per_day


def _clock(firmware: Firmware, build: Build) -> bool:  # noqa: ARG001  # one shape for all checks
    return not clock_is_lost(firmware)


def _battery(firmware: Firmware, build: Build) -> bool:  # noqa: ARG001  # one shape for all checks
    return firmware.feeling.senses.supply is not Supply.SPENT


def _motor(firmware: Firmware, build: Build) -> bool:  # noqa: ARG001  # one shape for all checks
    return not firmware.feeling.stalled


CHECKS: tuple[tuple[str, Check], ...] = (
    ("counts", _counts),
    ("program", _program),
    ("limits", _limits),
    ("clock", _clock),
    ("battery", _battery),
    ("motor", _motor),
)
MEMORY = frozenset({"counts", "program", "limits"})
