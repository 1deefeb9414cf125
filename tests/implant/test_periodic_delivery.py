"""Periodic boluses at the motor: by the pump's clock, each once, bridged like any order."""

from collections.abc import Callable

import pytest

from openitb import units
from openitb.prescription import Periodic

HOUR, MINUTE = units.MS_PER_H, units.MS_PER_MIN


@pytest.mark.requirement("DEL-18", "DEL-19")
@pytest.mark.parametrize("days", [1, 30])
def test_periodic_doses_are_delivered_each_once(bench: object, days: int) -> None:
    bench.order(Periodic(20_000_000, 30 * MINUTE, 6 * HOUR, 100_000_000, 2 * HOUR))
    bench.run_days(days)
    assert bench.delivered_nl() == days * 360_000
    assert bench.read().dose_pg_per_day == 180_000_000
    bench.check_accounts()


def test_periodic_doses_follow_the_pump_clock_of_its_zone(make_bench: Callable) -> None:
    bench = make_bench(zone_offset_ms=HOUR)
    bench.order(Periodic(20_000_000, 30 * MINUTE, 24 * HOUR, 0, 2 * HOUR))
    bench.run(HOUR)
    assert bench.delivered_nl() == 0
    bench.run(30 * MINUTE)
    assert bench.delivered_nl() == 40_000


def test_a_periodic_order_is_bridged_at_its_old_flows(bench: object) -> None:
    bench.order(Periodic(20_000_000, 30 * MINUTE, 6 * HOUR))
    bench.refill(18_000_000, 1000, 60_000)
    bench.run(6 * HOUR)
    assert bench.delivered_nl() == 40_000
    bench.run(HOUR)  # 20 µL of the old drug, then 10 µL of the new
    assert bench.delivered_nl() == 40_000 + 20_000 + 10_000
