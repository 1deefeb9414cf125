"""The light a programmer shows for alarms: colour, flash and duty by priority, with the words beside it.

The highest priority decides. Colour is never alone: the priority is named and the words say what to do.

Holds: ALM-02.
"""

from dataclasses import dataclass

from openitb import catalogue
from openitb.implant.firmware.priorities import Priority, priority_of
from openitb.programmer.handheld.words import alarm_words, in_order
from openitb.protocol import AlarmReport

HUNDRED = 100
URGENCY = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)


@dataclass(frozen=True, slots=True)
class Light:
    """Colour and rhythm; `period_ms` is 0 for a light that does not flash."""

    priority: Priority
    colour: str
    period_ms: int
    lit_ms: int

    def is_lit(self, at_ms: int) -> bool:
        """True at the instants at which it shines."""
        return not self.period_ms or at_ms % self.period_ms < self.lit_ms


def light_of(alarms: tuple[AlarmReport, ...]) -> Light | None:
    """The light of the most urgent of them; None without any."""
    shown = {priority_of(alarm.condition) for alarm in alarms}
    first = next((priority for priority in URGENCY if priority in shown), None)
    return None if first is None else light_for(first)


def light_for(priority: Priority) -> Light:
    """Colour and rhythm of one priority, of the catalogue."""
    fact = catalogue.load().practice["alarm-light"].fact
    colour, period_ms = fact(f"{priority.value}_colour").text(), fact(f"{priority.value}_period").whole("ms")
    return Light(priority, colour, period_ms, period_ms * fact("lit").whole("percent") // HUNDRED)


def lines(alarms: tuple[AlarmReport, ...], call: str = "") -> tuple[str, ...]:
    """What stands beside the light: each alarm with its priority and what to do, the urgent ones first.

    The words are those the patient is told; `call` is whom to call, left out where the clinic itself reads.
    """
    return tuple(
        f"{priority_of(alarm.condition).value} priority: {alarm_words(alarm, call).text}".rstrip()
        for alarm in in_order(alarms)
    )
