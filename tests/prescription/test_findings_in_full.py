"""Every finding of the gate to its last word: the page `findings.txt`, either side of each edge.

The page is written by hand or read over by one: what a rule says, with which values and sources, is what
a clinician decides on. A case shows the findings of one rule; at its edge the page says "nothing".
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from openitb import catalogue, units
from openitb.prescription import Flex, FlexPattern, FlexStep, MinimumRate, Periodic, SimpleContinuous, Stopped
from openitb.prescription.boluses import PatientBolus, SingleBolus
from openitb.prescription.guardrails import Finding, GateRequest, PatientLimits, check

PAGE = Path(__file__).with_name("findings.txt")
U = units.PG_PER_UG
HOUR, MINUTE = units.MS_PER_H, units.MS_PER_MIN
NOW = 1_767_600_000_000
PUMP = catalogue.load().pump("synchromed-ii-20")
ADULT = PatientLimits("spinal", 45.0)
START = GateRequest(SimpleContinuous(400 * U), 500, PUMP, ADULT, None, None, NOW)
RUNNING = replace(START, last_effective_dose_pg_per_day=400 * U)


def dose(ug: float, last_ug: float | None = None, **changes: object) -> GateRequest:
    last = None if last_ug is None else round(last_ug * U)
    asked = replace(START, order=SimpleContinuous(round(ug * U)), last_effective_dose_pg_per_day=last)
    return replace(asked, **changes)


def person(origin: str, age_years: float | None = None, cap_ug: int | None = None) -> PatientLimits:
    return PatientLimits(origin, age_years, None if cap_ug is None else cap_ug * U)


def bolus(ug: float, duration_ms: int = 30 * MINUTE, **changes: object) -> GateRequest:
    return replace(RUNNING, **{"bolus": SingleBolus(round(ug * U), duration_ms), **changes})


def periodic(ug: float, interval_ms: int, basal_ug: int = 100, **changes: object) -> GateRequest:
    duration_ms = min(3 * MINUTE, interval_ms)
    order = Periodic(round(ug * U), duration_ms, interval_ms, basal_ug * U)
    return replace(RUNNING, **{"order": order, **changes})


def steps(*rates: tuple[int, float]) -> Flex:
    listed = tuple(FlexStep(at_ms, round(ug_per_h * U)) for at_ms, ug_per_h in rates)
    return Flex((FlexPattern(tuple(range(7)), listed),))


def changes_a_day(count: int) -> Flex:
    return steps(*((n * HOUR, 5 + n % 2) for n in range(count)))


CAP = person("spinal", 45.0, 500)
FULL_CAP = {"patient": CAP, "last_effective_dose_pg_per_day": 400 * U}
ASKED = PatientBolus(5 * U, 15 * MINUTE, 2 * HOUR, 2)

CASES: dict[str, tuple[str, GateRequest]] = {
    "the lowest flow": ("pump-flow-low", dose(24)),
    "below the lowest flow": ("pump-flow-low", dose(23.999)),
    "a hair below the lowest flow": ("pump-flow-low", dose(23.99999)),
    "the highest flow": ("pump-flow-high", dose(12_000)),
    "above the highest flow": ("pump-flow-high", dose(12_000.001)),
    "a hair above the highest flow": ("pump-flow-high", dose(12_000.00001)),
    "as many changes as the pump holds": ("flex-changes", replace(RUNNING, order=changes_a_day(13))),
    "a change more than the pump holds": ("flex-changes", replace(RUNNING, order=changes_a_day(14))),
    "the cap": ("patient-cap", dose(500, 400, patient=CAP)),
    "above the cap": ("patient-cap", dose(500.5, 400, patient=CAP)),
    "a hair above the cap": ("patient-cap", dose(500.0001, 400, patient=CAP)),
    "a fullest day above the cap": (
        "patient-cap",
        replace(
            RUNNING,
            patient=CAP,
            order=Flex(
                (
                    FlexPattern((0,), (FlexStep(0, 21 * U),)),
                    FlexPattern((1, 2, 3, 4, 5, 6), (FlexStep(0, 10 * U),)),
                )
            ),
        ),
    ),
    "the highest plausible dose": ("implausible-dose", dose(20_000, concentration_ug_per_ml=4000)),
    "above any plausible dose": ("implausible-dose", dose(20_000.5, concentration_ug_per_ml=4000)),
    "a hair above any plausible dose": ("implausible-dose", dose(20_000.0001, concentration_ug_per_ml=4000)),
    "the weakest strength": ("implausible-concentration", dose(1, concentration_ug_per_ml=1)),
    "the highest plausible strength": ("implausible-concentration", dose(400, concentration_ug_per_ml=4000)),
    "above any plausible strength": ("implausible-concentration", dose(400, concentration_ug_per_ml=4001)),
    "the strongest product": ("compounded-strength", dose(400, concentration_ug_per_ml=2000)),
    "stronger than any product": ("compounded-strength", dose(400, concentration_ug_per_ml=2001)),
    "as strong as compounding goes": ("compounded-strength", dose(400, concentration_ug_per_ml=4000)),
    "beyond compounding": ("compounded-strength", dose(400, concentration_ug_per_ml=4001)),
    "the largest step": ("step-limit", dose(520, 400)),
    "more than the largest step": ("step-limit", dose(520.2, 400)),
    "more than a child's step": ("step-limit", dose(461, 400, patient=person("spinal", 17))),
    "more than a step, age unknown": ("step-limit", dose(461, 400, patient=person("cerebral"))),
    "an increase a day after the last": (
        "increase-interval",
        dose(410, 400, last_increase_ms=NOW - 24 * HOUR),
    ),
    "an increase within a day of the last": (
        "increase-interval",
        dose(410, 400, last_increase_ms=NOW - 24 * HOUR + 1),
    ),
    "an increase some hours after the last": (
        "increase-interval",
        dose(410, 400, last_increase_ms=NOW - 10 * HOUR - 22 * MINUTE - 20_000),
    ),
    "a first dose soon after an increase": (
        "increase-interval",
        dose(410, None, last_increase_ms=NOW - 90 * MINUTE),
    ),
    "the same dose after an increase": ("increase-interval", dose(400, 400, last_increase_ms=NOW)),
    "short of ten times": ("ten-fold-increase", dose(999.9, 100)),
    "ten times": ("ten-fold-increase", dose(1000, 100)),
    "more than ten times": ("ten-fold-increase", dose(1026, 100)),
    "ten times is said once": ("ten-fold-step", dose(1000, 100)),
    "a step at ten times the dose": (
        "ten-fold-step",
        replace(RUNNING, order=steps((0, 5), (HOUR, 4000 / 24), (2 * HOUR, 5))),
    ),
    "a step at exactly ten times the dose": (
        "ten-fold-step",
        replace(dose(240, 240), order=steps((0, 5), (HOUR, 100), (2 * HOUR, 5))),
    ),
    "a step short of ten times the dose": (
        "ten-fold-step",
        replace(RUNNING, order=steps((0, 5), (HOUR, 3999 / 24), (2 * HOUR, 5))),
    ),
    "a step with nothing before": (
        "ten-fold-step",
        replace(START, order=steps((0, 5), (HOUR, 4000 / 24), (2 * HOUR, 5))),
    ),
    "a periodic dose at ten times the rate": ("ten-fold-step", periodic(40, 6 * HOUR)),
    "a minimum rate at ten times the dose": ("ten-fold-increase", dose(1, 0.2, order=MinimumRate())),
    "the top of the range": ("above-recommended-range", dose(800, 700)),
    "a hair above the range": ("above-recommended-range", dose(800.001, 700)),
    "above the range on the way up": ("above-recommended-range", dose(801, 700)),
    "above the range on the way down": ("above-recommended-range", dose(850, 900)),
    "above the range unchanged": ("above-recommended-range", dose(850, 850)),
    "above the range of a child": (
        "above-recommended-range",
        dose(1200, 1100, patient=person("spinal", 11.9)),
    ),
    "the range of twelve years": ("above-recommended-range", dose(801, 700, patient=person("spinal", 12.0))),
    "the edge of experience": ("limited-experience", dose(1000, 900)),
    "a hair beyond the edge of experience": ("limited-experience", dose(1000.001, 900)),
    "beyond the edge of experience": ("limited-experience", dose(1001, 900)),
    "beyond experience on the way down": ("limited-experience", dose(1100, 1200)),
    "restoring after an interruption": ("restore-after-interruption", dose(200, 400, interruption=True)),
    "restoring with nothing before": ("restore-after-interruption", dose(200, interruption=True)),
    "stopping after an interruption": (
        "restore-after-interruption",
        dose(1, 400, order=Stopped(), interruption=True),
    ),
    "no interruption": ("restore-after-interruption", dose(200, 400)),
    "the bottom of the range": ("below-recommended-range", dose(300, 290)),
    "below the range": ("below-recommended-range", dose(299, 290)),
    "a hair below the range": ("below-recommended-range", dose(299.999, 290)),
    "minimum rate is below every range": ("below-recommended-range", dose(1, 400, order=MinimumRate())),
    "the lowest first dose": ("start-range", dose(25)),
    "below the lowest first dose": ("start-range", dose(24.5)),
    "the highest first dose": ("start-range", dose(200)),
    "above the highest first dose": ("start-range", dose(201)),
    "no first dose": ("start-range", dose(201, 200)),
    "a first stop": ("start-range", dose(1, order=Stopped())),
    "an increase without caution": ("caution-increase", dose(480, 400)),
    "an increase with caution": ("caution-increase", dose(480.1, 400)),
    "an increase of many places with caution": ("caution-increase", dose(481.04, 400)),
    "the largest increase with caution": ("caution-increase", dose(520, 400)),
    "an increase beyond caution": ("caution-increase", dose(520.1, 400)),
    "a usual cut": ("large-reduction", dose(320, 400)),
    "a large cut": ("large-reduction", dose(319, 400)),
    "a hair more than a usual cut": ("large-reduction", dose(319.99, 400)),
    "short of a tenth": ("ten-fold-decrease", dose(40.1, 400)),
    "a tenth": ("ten-fold-decrease", dose(40, 400)),
    "a tenth is said once": ("large-reduction", dose(40, 400)),
    "no cut": ("ten-fold-decrease", dose(400, 400)),
    "a stop is no cut": ("ten-fold-decrease", dose(1, 400, order=Stopped())),
    "stopping": ("withdrawal", dose(1, 400, order=Stopped())),
    "idling": ("withdrawal", dose(1, None, order=MinimumRate())),
    "delivering": ("withdrawal", dose(400, 400)),
    "the age of the label": ("below-label-age", dose(100, 90, patient=person("cerebral", 4))),
    "below the age of the label": ("below-label-age", dose(100, 90, patient=person("cerebral", 3.5))),
    "below the age of the label, stopped": (
        "below-label-age",
        dose(100, 90, order=Stopped(), patient=person("cerebral", 3.5)),
    ),
    "the largest bolus": ("implausible-bolus", bolus(200)),
    "more than the largest bolus": ("implausible-bolus", bolus(200.5)),
    "a bolus of many places": ("implausible-bolus", bolus(200.5551)),
    "a hair more than the largest bolus": ("implausible-bolus", bolus(200.0001)),
    "the largest periodic dose": ("implausible-bolus", periodic(200, 12 * HOUR)),
    "more than the largest periodic dose": ("implausible-bolus", periodic(201, 12 * HOUR)),
    "the fastest bolus": ("bolus-flow-high", bolus(20, 144_000)),
    "faster than the pump": ("bolus-flow-high", bolus(20, 143_000)),
    "a hair faster than the pump": ("bolus-flow-high", bolus(20, 143_999)),
    "a bolus within the cap": ("patient-cap", bolus(100, **FULL_CAP)),
    "a bolus beyond the cap": ("patient-cap", bolus(100.5, **FULL_CAP)),
    "a bolus a hair beyond the cap": ("patient-cap", bolus(100.0001, **FULL_CAP)),
    "the shortest usual interval": ("hours-or-minutes", periodic(1, HOUR)),
    "shorter than usual": ("hours-or-minutes", periodic(1, 6 * MINUTE)),
    "shorter than usual, no whole hours": ("hours-or-minutes", periodic(1, 45 * MINUTE)),
    "no interval": ("hours-or-minutes", dose(400, 400)),
    "a bolus of one step": ("bolus-24-h-total", bolus(120)),
    "a bolus of more than a step": ("bolus-24-h-total", bolus(121)),
    "a bolus on nothing": ("bolus-24-h-total", bolus(20, order=Stopped())),
    "a bolus up to experience": ("limited-experience", bolus(50, order=SimpleContinuous(950 * U))),
    "a bolus beyond experience": ("limited-experience", bolus(50.5, order=SimpleContinuous(950 * U))),
    "a bolus a hair beyond experience": (
        "limited-experience",
        bolus(50.0001, order=SimpleContinuous(950 * U)),
    ),
    "a bolus on the edge of experience": ("limited-experience", bolus(10, order=SimpleContinuous(1000 * U))),
    "a bolus on a dose beyond experience": (
        "limited-experience",
        bolus(10, order=SimpleContinuous(1001 * U)),
    ),
    "less than a day at once": ("bolus-of-a-day", bolus(99.9, order=SimpleContinuous(100 * U))),
    "a day at once": ("bolus-of-a-day", bolus(100, order=SimpleContinuous(100 * U))),
    "a bolus beside a stop": ("bolus-of-a-day", bolus(100, order=Stopped())),
    "a bolus short of ten times the last": ("ten-fold-bolus", bolus(49.9, last_bolus_pg=5 * U)),
    "a bolus of ten times the last": ("ten-fold-bolus", bolus(50, last_bolus_pg=5 * U)),
    "a bolus of more than ten times the last": ("ten-fold-bolus", bolus(51.3, last_bolus_pg=5 * U)),
    "a bolus after none": ("ten-fold-bolus", bolus(50)),
    "boluses on request": ("patient-bolus", bolus(1, bolus=ASKED)),
    "a bolus not on request": ("patient-bolus", bolus(5)),
    "a periodic order in words": ("periodic-in-words", periodic(20, 6 * HOUR)),
    "another order in words": ("periodic-in-words", dose(400, 400)),
}


def shown(found: Finding) -> Iterator[str]:
    """A finding with everything it carries."""
    yield f"{found.level}, {found.field}: {found.message}"
    for step in found.values:
        value = float(step.value) if isinstance(step.value, Fraction) else step.value
        yield f"  {step.text} = {value:g} {step.unit}"
    if found.next_ms is not None:
        yield f"  possible in {found.next_ms - NOW} ms"
    yield f"  {found.confidence.value}: {', '.join(found.sources) or 'no source'}"


def told(name: str) -> str:
    rule, asked = CASES[name]
    lines = [line for found in check(asked).findings if found.rule == rule for line in shown(found)]
    return "\n".join(lines or ["nothing"])


def page() -> dict[str, str]:
    blocks = re.split(r"\n*^## (.+)$\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {
        name.partition(" | ")[2]: text.strip("\n")
        for name, text in zip(blocks[1::2], blocks[2::2], strict=True)
    }


def whole() -> str:
    return "\n\n".join(f"## {rule} | {name}\n{told(name)}" for name, (rule, _) in CASES.items()) + "\n"


@pytest.mark.requirement("PRG-04", "PRG-05", "PRG-16")
@pytest.mark.parametrize("name", CASES)
def test_a_rule_says_what_its_page_says_on_either_side_of_its_edge(name: str) -> None:
    assert told(name) == page()[name]


def test_the_page_has_a_finding_of_every_rule_and_no_other_case() -> None:
    assert set(page()) == set(CASES)
    said = {rule for name, (rule, _) in CASES.items() if page()[name] != "nothing"}
    assert said == {rule for rule, _ in CASES.values()}
