"""Nothing is begun that would break a limit on dose in any window still to come.

Asked of every command alike, after its effect is known and before any of it is kept. A stop and minimum
rate alone are never held up by it.

Holds: DEL-06, BOL-01.
"""

from openitb import units
from openitb.implant.build import Build
from openitb.implant.firmware.admission import Extra, Flow, foreseen_breach
from openitb.implant.firmware.authority import flow_of, fullest
from openitb.implant.firmware.guard import Guard
from openitb.implant.firmware.passed import Breach
from openitb.implant.firmware.perception import clock_is_lost
from openitb.implant.firmware.refusal import RefusalError
from openitb.implant.firmware.state import Firmware
from openitb.prescription import MinimumRate, Stopped
from openitb.records import replace


def require_dose_limits(firmware: Firmware, build: Build) -> None:
    """`RefusalError` if program or bolus would take any window over a limit."""
    now_ms, bolus = firmware.counter.tick_ms, firmware.controller.bolus
    idles = bolus is None and isinstance(firmware.controller.program.order, Stopped | MinimumRate)
    if not firmware.dose_limits or idles:
        return
    _require_program_alone(firmware)
    extra = None
    if bolus is not None:
        ends_ms = now_ms - (-bolus.left // bolus.rate_nl_per_day)
        extra = Extra(now_ms, ends_ms, bolus.rate_nl_per_day)
    breach = foreseen_breach(_by_dose(firmware), now_ms, _to_come(firmware, build), extra)
    if breach is not None:
        raise RefusalError("limits", _reason(firmware, breach))


def _require_program_alone(firmware: Firmware) -> None:
    """The fullest windows of the whole week, whatever was delivered before."""
    program = firmware.controller.program
    for limit in firmware.dose_limits:
        flow = fullest(program, limit.window_ms)
        most_pg = -(-flow * program.concentration_ug_per_ml // units.MS_PER_DAY)
        if most_pg > limit.most_pg:
            given = f"{units.format_mass(most_pg)} in the fullest {_hours(limit.window_ms)} of the program"
            raise RefusalError("limits", f"got {given}, expected at most {units.format_mass(limit.most_pg)}")


def _by_dose(firmware: Firmware) -> Guard:
    """The guard with limits on dose alone; those that follow from the program hold by themselves."""
    guard, program = firmware.guard, firmware.controller.program
    most = {dose.window_ms: flow_of(dose, program) for dose in firmware.dose_limits}
    doses = (limit for limit in guard.limits.windows if limit.with_boluses)
    windows = tuple(replace(limit, most=most[limit.window_ms]) for limit in doses)
    return guard.told(replace(guard.limits, windows=windows))


def _to_come(firmware: Firmware, build: Build) -> tuple[Flow, ...]:
    """The program as it will flow until the longest window has forgotten all that was before."""
    program, clock, now_ms = firmware.controller.program, firmware.clock, firmware.counter.tick_ms
    span_ms = 2 * max(build.guard_windows_ms)
    if clock_is_lost(firmware):
        return (Flow(now_ms + span_ms, firmware.controller.mean_flow_nl_per_day),)
    timeline = program.timeline(firmware.at_ms, firmware.at_ms + span_ms, clock.zone_offset_ms)
    ends = (*timeline.starts_ms[1:], timeline.end_ms)
    return tuple(
        Flow(now_ms + end - firmware.at_ms, int(rate))
        for end, rate in zip(ends, timeline.values, strict=True)
    )


def _reason(firmware: Firmware, breach: Breach) -> str:
    limit = next(limit for limit in firmware.dose_limits if limit.window_ms == breach.window_ms)
    wait = _hours(breach.at_ms - firmware.counter.tick_ms)
    most = f"{units.format_mass(limit.most_pg)} in {_hours(limit.window_ms)}"
    return f"with what was delivered before, {most} would be exceeded in {wait}"


def _hours(ms: int) -> str:
    hours, rest_ms = divmod(ms, units.MS_PER_H)
    return f"{hours} h {rest_ms // units.MS_PER_MIN} min" if rest_ms else f"{hours} h"
