"""A tone on demand: the pattern of an alarm once, bounded in number, nothing else.

Holds: ALM-03.
"""

from openitb import catalogue, units
from openitb.implant.firmware.change import Change
from openitb.implant.firmware.refusal import require
from openitb.implant.firmware.signals import accounted, signal_of_class
from openitb.implant.firmware.state import Firmware
from openitb.implant.senses import Supply
from openitb.prescription.orders import format_duration
from openitb.protocol import LogKind, SoundTone


def sound(firmware: Firmware, command: SoundTone) -> Change:
    """The change that lets the pump sound once; `RefusalError` beyond the number of an hour."""
    spent = firmware.feeling.senses.supply is Supply.SPENT
    require(not spent, "state", "the cell is spent, expected one that can drive the sounder")
    _require_rest(firmware)
    signal = signal_of_class(critical=command.critical)
    asked = (("tones", signal.tones), ("duration_ms", signal.duration_ms))
    return Change(
        LogKind.TONE_INTENDED, asked, (LogKind.TONE_SOUNDED,), lambda now: accounted(now, signal.tones)
    )


def _require_rest(firmware: Firmware) -> None:
    """A tone costs charge, so that asking for tones must not empty the cell."""
    most = catalogue.load().practice["test-tone"].fact("most_per_hour").whole("1")
    tick_ms = firmware.counter.tick_ms
    recent = [
        entry.tick_ms
        for entry in firmware.log.entries
        if entry.kind is LogKind.TONE_SOUNDED and entry.tick_ms > tick_ms - units.MS_PER_H
    ]
    wait_ms = recent[-most] + units.MS_PER_H - tick_ms if len(recent) >= most else 0
    reason = f"sounded {len(recent)} times in an hour; again in {format_duration(wait_ms)}"
    require(wait_ms == 0, "tone", reason, wait_ms)
