"""The light of an alarm: colour, flash and duty within the standard's ranges, words beside it."""

from itertools import pairwise

import pytest

from openitb import units
from openitb.implant.firmware.priorities import Priority
from openitb.programmer.indicator import Light, light_of, lines
from openitb.protocol import AlarmCondition, AlarmReport

LOW = AlarmReport(AlarmCondition.LOW_RESERVOIR, critical=False, since_ms=1)
STALL = AlarmReport(AlarmCondition.MOTOR_STALL, critical=True, since_ms=2)
RANGES = {  # flashes a second, share of the time lit
    Priority.HIGH: ("red", (1.4, 2.8), (0.2, 0.8)),
    Priority.MEDIUM: ("yellow", (0.4, 0.8), (0.2, 0.6)),
}


@pytest.mark.requirement("ALM-02")
@pytest.mark.parametrize("alarm", [STALL, LOW])
def test_colour_flash_and_duty_are_those_of_the_priority(alarm: AlarmReport) -> None:
    light = light_of((alarm,))
    assert light is not None
    colour, (slow, fast), (least, most) = RANGES[light.priority]
    lit = [light.is_lit(at_ms) for at_ms in range(units.MS_PER_MIN)]
    flashes = sum(now and not before for before, now in pairwise(lit)) / 60
    assert light.colour == colour
    assert slow <= flashes <= fast
    assert least <= sum(lit) / len(lit) <= most


@pytest.mark.requirement("ALM-02")
def test_a_low_priority_shines_without_flashing() -> None:
    assert all(Light(Priority.LOW, "cyan", 0, 0).is_lit(at_ms) for at_ms in range(3_000))


@pytest.mark.requirement("ALM-02", "ALM-07")
def test_of_several_the_most_urgent_lights_and_every_one_has_its_words() -> None:
    assert light_of((LOW, STALL)) == light_of((STALL,))
    first, second = lines((LOW, STALL), "Call 555.")
    assert first.startswith("high priority: Your pump does not move.")
    assert second.startswith("medium priority: The medicine in your pump is getting low.")
    assert light_of(()) is None
    assert lines((), "Call 555.") == ()
