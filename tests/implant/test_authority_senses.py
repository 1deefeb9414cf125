"""What the guard is told when it is not a command that changes the flow: a lost clock, a reset."""

from dataclasses import replace

import pytest

from openitb import units
from openitb.implant import Spell, SpellKind, program_digest, with_spells
from openitb.implant.firmware import dose_limits
from openitb.implant.firmware.admission import Flow
from openitb.implant.firmware.passed import Limit
from openitb.implant.firmware.seal import is_sealed
from openitb.prescription import Flex, FlexPattern, FlexStep, SimpleContinuous
from openitb.protocol import Applied, SetDoseLimits, WindowDose

DAY, HOUR, MINUTE = units.MS_PER_DAY, units.MS_PER_H, units.MS_PER_MIN
UG = units.PG_PER_UG
# 576,000 nL/day of 500 µg/mL until eight, 288,000 after it, 384,000 in the mean.
NIGHT = Flex((FlexPattern(tuple(range(7)), (FlexStep(0, 12 * UG), FlexStep(8 * HOUR, 6 * UG))),))


def windows(bench: object) -> dict[tuple[int, bool], Limit]:
    found = bench.implant.firmware.guard.limits.windows
    return {(limit.window_ms, limit.with_boluses): limit for limit in found}


def limit_dose(bench: object) -> object:
    doses = (WindowDose(DAY, 900 * UG),)
    return bench.tell(SetDoseLimits("nurse", bench.command_id(), program_digest(bench.implant), doses))


def test_windows_of_the_program_begin_again_when_the_clock_is_lost_and_those_of_doses_do_not(
    bench: object,
) -> None:
    bench.order(NIGHT)
    limit_dose(bench)
    bench.run(10 * HOUR)
    before = windows(bench)
    bench.implant = with_spells(bench.implant, [Spell(SpellKind.CLOCK_LOST, bench.implant.now_ms + 1)])
    bench.run(HOUR)
    after = windows(bench)
    held = 576_000 * 8 * HOUR + 288_000 * 2 * HOUR + 288_000
    most = before[DAY, False].most
    assert after[DAY, False] == replace(before[DAY, False], since_ms=10 * HOUR + 1, spanning=held + most)
    assert after[DAY, True] == before[DAY, True]
    assert set(after) == set(before)
    assert is_sealed(bench.implant.firmware)
    bench.implant = with_spells(bench.implant, [Spell(SpellKind.WEAK, bench.implant.now_ms + 1)])
    bench.run(HOUR)
    assert windows(bench) == after  # lost already


def test_windows_stay_as_they_are_when_the_clock_is_kept_and_something_else_is_felt(bench: object) -> None:
    bench.order(NIGHT)
    before = windows(bench)
    bench.implant = with_spells(bench.implant, [Spell(SpellKind.WEAK, bench.implant.now_ms + 1)])
    bench.run(HOUR)
    assert bench.implant.firmware.feeling.senses.clock_kept
    assert windows(bench) == before


def test_without_a_clock_the_mean_flow_is_foreseen(bench: object, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.order(NIGHT)
    bench.implant = with_spells(bench.implant, [Spell(SpellKind.CLOCK_LOST, bench.implant.now_ms + 1)])
    bench.run(5 * HOUR)
    seen: list[object] = []
    monkeypatch.setattr(dose_limits, "foreseen_breach", lambda *asked: seen.append(asked))
    assert isinstance(limit_dose(bench), Applied)
    (guard, now_ms, basal, _) = seen[-1]
    assert basal == (Flow(now_ms + 2 * DAY, 384_000),)
    assert [limit.most for limit in guard.limits.windows] == [1_800_000 * DAY]  # on dose alone


def test_a_reset_tells_the_guard_of_minimum_rate_and_seals_what_it_told(bench: object) -> None:
    bench.order(SimpleContinuous(200 * UG))
    bench.run(HOUR)
    at_ms = bench.implant.now_ms
    bench.implant = with_spells(bench.implant, [Spell(SpellKind.RESET, at_ms + 1, at_ms + 2)])
    bench.run(MINUTE)
    assert bench.implant.firmware.guard.limits.highest_nl_per_day == 6_000
    assert is_sealed(bench.implant.firmware)
