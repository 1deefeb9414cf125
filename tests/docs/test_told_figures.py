"""Figures that the pages tell of the examples, held to what the examples give."""

import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from openitb import catalogue
from openitb.body import between_subject_sds
from openitb.prescription.answers import practice
from openitb.world.case import load, parse
from openitb.world.casefile import CaseError
from openitb.world.simulation import Simulation, simulate
from openitb.world.summary import summary

ROOT = Path(__file__).parents[2]
TUTORIAL, CLINICIAN, IMPLANT, RESEARCHER, CLINIC = (
    " ".join((ROOT / "docs" / name).read_text(encoding="utf-8").split())
    for name in ("tutorial.md", "guides/clinician.md", "implant.md", "guides/researcher.md", "clinic.md")
)


@lru_cache(maxsize=4)
def example(name: str) -> Simulation:
    return simulate(load(ROOT / "examples" / f"{name}.toml"))


def peak(simulation: Simulation, name: str) -> tuple[float, float]:
    """Highest value and its day."""
    values = simulation.series[name]
    return float(values.max()), float(simulation.time_h[int(np.argmax(values))]) / 24


def on_day(simulation: Simulation, name: str, day: float) -> float:
    return float(np.interp(day * 24, simulation.time_h, simulation.series[name]))


def test_a_bridge_done_keeps_tone_where_the_tutorial_says() -> None:
    done = example("bridge-done-500-to-2000")
    legs = done.series["leg_ashworth"][done.time_h >= 48]
    assert "stays between 1.6 and 1.8 from the third day on" in TUTORIAL
    assert 1.6 < legs.min() < legs.max() < 1.8


def test_a_bridge_forgotten_does_what_the_tutorial_says() -> None:
    forgotten = example("bridge-forgotten-500-to-2000")
    assert "falls to a quarter on day 10" in TUTORIAL
    before, after = (on_day(forgotten, "tip_ug_per_h", day) for day in (9.9, 10.1))
    assert after == pytest.approx(before / 4, rel=1e-3)
    assert "on day 12 leg tone stands at 4.1" in TUTORIAL
    assert on_day(forgotten, "leg_ashworth", 12) == pytest.approx(4.1, abs=0.05)
    assert "withdrawal drive of 0.34" in TUTORIAL
    assert peak(forgotten, "withdrawal") == pytest.approx((0.34, 12.5), abs=0.05)


def test_the_other_bridge_forgotten_sedates_as_the_tutorial_says() -> None:
    assert "Sedation peaks at 0.79 of its full effect on day 10.9" in TUTORIAL
    assert peak(example("bridge-forgotten-2000-to-500"), "sedation") == pytest.approx((0.79, 10.9), abs=0.05)


def test_a_dose_out_of_range_is_asked_about_and_passes_with_the_tutorials_reason() -> None:
    whole = (ROOT / "examples" / "start-of-infusion.toml").read_text(encoding="utf-8")
    asked = whole.replace('"100 ug/day"', '"900 ug/day"')
    with pytest.raises(CaseError) as refused:
        simulate(parse(asked))
    assert str(refused.value) in TUTORIAL
    reason = re.search(r'override = "[^"]+"', TUTORIAL)
    assert reason
    simulate(parse(asked.replace("[[event]]", f"[[event]]\n{reason[0]}")))


def test_the_missed_refill_goes_as_the_guide_says() -> None:
    missed = example("missed-refill")
    told = summary(missed)
    days = [round(alarm["time_h"] / 24) for alarm in told["system"]["alarms"]]
    assert "sounds on day 10 and the empty alarm on day 13" in CLINICIAN
    assert [alarm["condition"] for alarm in told["system"]["alarms"]] == ["low reservoir", "empty reservoir"]
    assert days == [10, 13]
    assert "day 15.3, when tone is above the untreated level" in CLINICIAN
    assert peak(missed, "withdrawal")[1] == pytest.approx(15.3, abs=0.05)
    assert on_day(missed, "leg_ashworth", 15.3) > missed.case.patient.leg_ashworth


def test_the_implant_page_prints_the_catalogues_limits() -> None:
    battery, alarms, limits = (practice(name) for name in ("battery", "alarms", "implant"))
    capacity, idle, per_flow = (
        battery.fact(f"longevity_{name}").text() for name in ("capacity", "idle", "per_flow")
    )
    assert f"{capacity} ÷ ({idle} + {per_flow} × mL/day)" in IMPLANT
    eri, life = battery.fact("eri_to_eos"), battery.fact("service_life")
    assert f"{eri.value} days from replacement indicator" in IMPLANT
    assert f"service life ({life.value} months)" in IMPLANT
    assert f"stopped for {alarms.fact('stopped_too_long').value} h" in IMPLANT
    assert f"No stage may exceed {limits.fact('largest_stage').value} mL" in IMPLANT


def test_the_pages_count_people_and_parameters_as_the_code_does() -> None:
    people = catalogue.load().practice["forecast"].fact("people").text()
    assert f"band that holds 5 to 95 % of {people} sampled people" in CLINICIAN
    assert f"People differ in {len(between_subject_sds())} parameters" in RESEARCHER
    cast = (ROOT / "src/openitb/clinic/demo/cast.toml").read_text(encoding="utf-8")
    assert f"loads {cast.count('[[person]]')} synthetic people" in CLINIC
