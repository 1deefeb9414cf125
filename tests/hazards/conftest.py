"""A desk with a programmer at a live pump, for hazards that people bring."""

from collections.abc import Iterator
from itertools import count

import pytest

from openitb.programmer.station import Station
from tests.programmer.conftest import Bench as Desk
from tests.programmer.conftest import bench as desk
from tests.programmer.conftest import staff

__all__ = ["desk", "staff", "stations"]


@pytest.fixture
def stations(desk: Desk) -> Iterator[Station]:
    """The same desk as often as it is asked for, with numbers that are never used twice."""
    numbers = count(1)
    return (
        Station(desk.wand, desk.chart, desk.staff, desk.clock, lambda: f"id-{next(numbers)}") for _ in count()
    )
