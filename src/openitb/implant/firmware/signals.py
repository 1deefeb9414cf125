"""How alarms sound, and what sounding and talking have taken from the cell.

The account of tones is brought up to date whenever what is latched or silenced changes, so it does not
depend on how often anybody looked. Frames are counted by the radio and told in lots.

Holds: ALM-03, ALM-13, BAT-05.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from openitb import catalogue, units
from openitb.implant.firmware.link_memory import Spent
from openitb.implant.firmware.priorities import CRITICAL
from openitb.implant.firmware.state import Firmware
from openitb.protocol import AlarmCondition

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Signal:
    """How an alarm sounds: so many tones, for so long, again after so long."""

    tones: int
    duration_ms: int
    interval_ms: int


def signal_of(conditions: tuple[AlarmCondition, ...]) -> Signal | None:
    """What is heard while these are latched: the highest priority wins; None if there are none."""
    return signal_of_class(critical=bool(CRITICAL.intersection(conditions))) if conditions else None


def signal_of_class(*, critical: bool) -> Signal:
    """How alarms of a class sound."""
    name = "critical" if critical else "non_critical"
    facts = catalogue.load().practice["alarms"]
    return Signal(
        tones=facts.fact(f"{name}_tones").whole("1"),
        duration_ms=facts.fact(f"{name}_duration").whole("ms"),
        interval_ms=facts.fact(f"{name}_interval").whole("ms"),
    )


def accounted(firmware: Firmware, asked_tones: int = 0) -> Firmware:
    """The firmware with every tone up to now in its account, and those on demand.

    To be asked before what is latched or silenced changes.
    """
    spent = replace(
        firmware.link.spent,
        tones=_tones(firmware) + asked_tones,
        tones_until_ms=firmware.counter.tick_ms,
    )
    return _with(firmware, spent)


def talked(firmware: Firmware, frames: int) -> Firmware:
    """The firmware after so many frames more were heard or sent."""
    spent = firmware.link.spent
    return _with(firmware, replace(spent, frames=spent.frames + frames))


def share_ppm(firmware: Firmware) -> int:
    """What tones and telemetry have taken from a new cell, in millionths of it, rounded up."""
    practice = catalogue.load().practice
    frame = Fraction(practice["radio"].fact("frame_charge").number("percent"))
    taken = frame * firmware.link.spent.frames + tone_percent() * _tones(firmware)
    return -int(-taken * MILLION // 100)


def tone_percent() -> Fraction:
    """What one tone takes from a new cell, in percent."""
    practice = catalogue.load().practice
    yearly = Fraction(practice["hearing"].fact("tone_charge").number("percent"))
    critical = signal_of_class(critical=True)
    year_ms = units.round_half_even(units.convert(1, "year", "ms"))
    return yearly * Fraction(critical.interval_ms, year_ms * critical.tones)


def _tones(firmware: Firmware) -> int:
    """All tones up to now; what is silenced is still until its time is over."""
    spent, quiet, now_ms = firmware.link.spent, firmware.link.silence, firmware.counter.tick_ms
    since_ms = spent.tones_until_ms
    latched = tuple(alarm.condition for alarm in firmware.alarms)
    if quiet is None or quiet.until_ms <= since_ms:
        return spent.tones + _sounded(latched, since_ms, now_ms)
    audible = tuple(each for each in latched if each.value not in quiet.conditions)
    edge_ms = min(quiet.until_ms, now_ms)
    return spent.tones + _sounded(audible, since_ms, edge_ms) + _sounded(latched, edge_ms, now_ms)


def _sounded(conditions: tuple[AlarmCondition, ...], start_ms: int, end_ms: int) -> int:
    signal = signal_of(conditions)
    return signal.tones * -(-(end_ms - start_ms) // signal.interval_ms) if signal else 0


def _with(firmware: Firmware, spent: Spent) -> Firmware:
    return replace(firmware, link=replace(firmware.link, spent=spent))
