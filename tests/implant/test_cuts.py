"""A stage that ends while another goes on is dated at its stroke, however time is cut."""

from collections.abc import Callable

import pytest

from openitb import units
from openitb.prescription import MinimumRate
from openitb.protocol import Applied, LogKind

MINUTE = units.MS_PER_MIN


@pytest.mark.requirement("LOG-01", "SYS-10")
def test_a_bridge_that_ends_under_a_prime_ends_at_its_stroke_however_time_is_cut(
    make_bench: Callable,
) -> None:
    whole, cut = make_bench(), make_bench()
    for bench in (whole, cut):
        assert isinstance(bench.order(MinimumRate()), Applied)
        assert isinstance(bench.record(18_000_000, 1_000, 50_000), Applied)
        assert isinstance(bench.order(MinimumRate(), 100_000), Applied)
    whole.run(10 * MINUTE)
    for ms in (4 * MINUTE + 7, 6 * MINUTE - 7):
        cut.run(ms)
    assert cut.implant == whole.implant
    finished = [e for e in whole.implant.firmware.log.entries if e.kind is LogKind.STAGE_FINISHED]
    # 24 mL/day is a stroke of 250 nL each 900 ms: 200 strokes of bridge, 400 of prime
    assert [(e.get("stage"), e.tick_ms) for e in finished] == [("bridge", 180_000), ("prime", 360_000)]
