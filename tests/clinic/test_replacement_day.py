"""The day on which a pump has to be replaced: a calendar day of the clinic's zone, by whole numbers only."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from openitb import catalogue
from openitb.clinic.desk.instants import clinic_day, from_ms, to_ms
from openitb.clinic.desk.wand_values import pump_reading
from openitb.implant import Contents, handle, new_implant
from openitb.programmer.outcomes import Reading
from openitb.protocol import Interrogate

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
]
START_MS = 1_767_571_200_000
LAST_MS = to_ms(datetime(2199, 12, 31, tzinfo=UTC))


class Whole(int):
    """A whole number that will not be made a float, or divided into one."""

    def __float__(self) -> float:
        raise AssertionError("a date passed through floating point")

    def __truediv__(self, _other: object) -> float:
        raise AssertionError("a date passed through floating point")

    __rtruediv__ = __truediv__


def midnight_ms(day: Any, zone: ZoneInfo) -> int:
    return to_ms(datetime.combine(day, time(), zone).astimezone(UTC))


@pytest.mark.requirement("TIM-06")
@pytest.mark.parametrize("name", ZONES)
@given(at_ms=st.integers(START_MS, LAST_MS))
def test_the_day_holds_the_instant_between_its_midnight_and_the_next(name: str, at_ms: int) -> None:
    zone = ZoneInfo(name)
    with timezone.override(zone):
        day = clinic_day(Whole(at_ms))
        begin_ms, end_ms = midnight_ms(day, zone), midnight_ms(day + timedelta(days=1), zone)
        assert begin_ms <= at_ms < end_ms
        assert clinic_day(begin_ms) == day == clinic_day(end_ms - 1)
        assert clinic_day(begin_ms - 1) == day - timedelta(days=1)
    assert to_ms(from_ms(at_ms)) == at_ms


@pytest.mark.requirement("TIM-06")
@pytest.mark.parametrize(
    ("name", "day"),
    [("UTC", "2031-03-01"), ("Pacific/Kiritimati", "2031-03-01"), ("Pacific/Pago_Pago", "2031-02-28")],
)
@pytest.mark.parametrize("zone_offset_ms", [0, 14 * 3_600_000])
def test_the_card_of_the_pump_tells_the_day_of_the_clinic_not_of_the_pump(
    name: str, day: str, zone_offset_ms: int
) -> None:
    pump = catalogue.load().pump("synchromed-ii-20")
    _, read = handle(
        new_implant("NGP1", pump, Contents(18_000_000, 500), START_MS, zone_offset_ms),
        Interrogate("nurse"),
        START_MS,
    )
    due_ms = to_ms(datetime(2031, 3, 1, 3, tzinfo=UTC))
    told = replace(read, battery=replace(read.battery, replacement_indicator_ms=Whole(due_ms)))
    with timezone.override(ZoneInfo(name)):
        assert pump_reading(Reading(told, START_MS, ())).battery.text.endswith(f"replace by {day}")


@pytest.mark.requirement("BAT-05")
@pytest.mark.parametrize(("ppm", "told"), [(10_000, ""), (12_300, "1.23 % of the cell")])
def test_the_card_tells_what_tones_and_telemetry_took_beyond_their_share(ppm: int, told: str) -> None:
    pump = catalogue.load().pump("synchromed-ii-20")
    implant = new_implant("NGP1", pump, Contents(18_000_000, 500), START_MS)
    _, read = handle(implant, Interrogate("nurse"), START_MS)
    talked = replace(read, battery=replace(read.battery, signals_ppm=ppm))
    _, _, after = pump_reading(Reading(talked, START_MS, ())).battery.text.partition("; ")
    assert after == (f"tones and telemetry took {told}" if told else "")
