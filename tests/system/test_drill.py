"""Thousands of drills of the whole system, each from one seed, every invariant after every step."""

import os
import subprocess
import sys
from collections import Counter

import pytest

from openitb.world.drill import ACTIONS, INVARIANTS, Plan, run
from openitb.world.drill.actions import step
from openitb.world.drill.run import Drill
from openitb.world.drill.wishes import WISHES


@pytest.mark.slow
@pytest.mark.requirement(
    "DEL-01", "DEL-02", "DEL-03", "DEL-05", "DEL-11", "DEL-15", "DEL-16", "DEL-17",
    "LOG-01", "LOG-02", "LOG-03", "SYS-03", "SYS-05", "SYS-06", "SYS-10",
    "TEL-01", "TEL-02", "TEL-05", "TEL-12", "TIM-01"
)  # fmt: skip
def test_every_invariant_holds_after_every_step(seeds: range, steps: int) -> None:
    for seed in seeds:
        assert run(Plan(seed, steps)).steps == steps


@pytest.mark.requirement("SYS-10")
def test_a_replay_of_a_seed_is_the_same_to_the_byte(replayed: int, steps: int) -> None:
    assert run(Plan(replayed, steps)) == run(Plan(replayed, steps))


@pytest.mark.requirement("SYS-10")
def test_another_process_with_other_hashes_makes_the_same_bytes() -> None:
    code = "from openitb.world.drill import Plan, run; print(*(run(Plan(s, 120)).digest for s in range(4)))"
    results = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("1", "2")
    ]
    assert results[0] == results[1]
    assert results[0].split() == [run(Plan(seed, 120)).digest for seed in range(4)]


def test_another_seed_makes_another_history() -> None:
    assert len({run(Plan(seed)).digest for seed in range(20)}) == 20


@pytest.mark.slow
def test_every_action_request_state_and_effect_occurs() -> None:
    """A workload that never comes to pass would prove nothing."""
    seen: Counter[str] = Counter()
    for seed in range(40):
        drill = Drill(Plan(seed, 250))
        for _ in range(250):
            step(drill)
            seen.update(bed.seen.firmware.controller.state.value for bed in drill.beds.values())
        seen.update(drill.trace.actions)
        seen.update(wish.name for caller in drill.callers for _, wish, _ in caller.told)
        seen.update(
            entry.kind.value for bed in drill.beds.values() for entry in bed.seen.firmware.log.entries
        )
    expected = {action.name for action in ACTIONS} | {row.name for row in WISHES}
    expected |= {"stopped", "minimum rate", "running", "prime", "bridge"}
    expected |= {"program changed", "refill recorded", "clock set", "alarm setting changed", "stage given up"}
    assert expected - seen.keys() == set()


def test_the_invariants_carry_the_ids_of_the_safety_reference() -> None:
    rules = {invariant.rule for invariant in INVARIANTS}
    assert {f"INV-{n}" for n in range(1, 12)} <= rules  # INV-12 is checked as each answer arrives
    assert all(invariant.rule in (invariant.problem.__doc__ or "") for invariant in INVARIANTS)
