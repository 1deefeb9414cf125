"""By when the alarms of a run are heard."""

import tomllib
from pathlib import Path

import pytest

from openitb.world.case import build
from openitb.world.casefile import CaseFile
from openitb.world.hearing import alarms_told
from openitb.world.simulation import simulate

EXAMPLE = Path(__file__).parents[2] / "examples" / "missed-refill.toml"


def told(hearing: str) -> dict[str, float]:
    """Hours from alarm to ear, by condition."""
    plain = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    plain["patient"]["hearing"] = hearing
    course = simulate(build(CaseFile.model_validate(plain)))
    return {each.condition: (each.heard_by_ms - each.raised_ms) / 3_600_000 for each in alarms_told(course)}


@pytest.mark.requirement("ALM-13")
def test_an_alarm_is_told_with_the_time_until_it_was_heard_and_bad_ears_take_longer() -> None:
    well, badly = told("normal"), told("impaired")
    assert set(well) == set(badly) >= {"low reservoir", "empty reservoir"}
    assert all(0 <= well[condition] <= badly[condition] for condition in well)
    assert sum(badly.values()) > sum(well.values())
    # 20 % a tone by night, 90 % by day, until 95 % have heard one: two tones at the most by day
    assert all(hours <= 8 + 1 for hours in well.values())
