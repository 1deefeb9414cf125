import numpy as np
import pytest

from openitb.body import Baseline, BodyError, typical_adult
from openitb.body.effect import Exposure, effects, hill

ADULT = typical_adult()
BASELINE = Baseline(4.0, 3.0, 3.0)


def exposure(
    legs: float = 0.0, arms: float = 0.0, brain: float = 0.0, tolerance: float = 1.0, withdrawal: float = 0.0
) -> Exposure:
    return Exposure(*(np.array([value]) for value in (legs, arms, brain, tolerance, withdrawal)))


def read(name: str, seen: Exposure, baseline: Baseline = BASELINE) -> float:
    return float(effects(ADULT, baseline, seen)[name][0])


def test_hill_is_a_half_at_the_ec50_and_0_below_nothing() -> None:
    values = hill(np.array([-1e-18, 0.0, 88.0, 1e9]), 88.0, 3.1)
    assert values == pytest.approx([0.0, 0.0, 0.5, 1.0])


@pytest.mark.parametrize(
    ("name", "seen", "expected"),
    [
        ("leg_ashworth", exposure(legs=88), 4 - 3 * 0.95 / 2),
        ("leg_ashworth", exposure(legs=176, tolerance=2), 4 - 3 * 0.95 / 2),
        ("arm_ashworth", exposure(arms=30), 3 - 2 * 0.95 / 2),
        ("spasm_score", exposure(legs=70), 1.5),
        ("hm_ratio", exposure(legs=29.3), 0.5),
        ("hm_ratio", exposure(legs=58.6, tolerance=2), 0.5),
        ("sedation", exposure(brain=130), 0.5),
        ("sedation_tolerant", exposure(brain=260, tolerance=2), 0.5),
        ("respiratory_depression", exposure(brain=400), 0.5),
        ("leg_ashworth", exposure(withdrawal=0.6), 4.6),
        ("arm_ashworth", exposure(withdrawal=0.6), 3.6),
        ("spasm_score", exposure(withdrawal=0.6), 3.6),
    ],
)
def test_effects_at_their_ec50_are_what_the_equations_say(name: str, seen: Exposure, expected: float) -> None:
    assert read(name, seen) == pytest.approx(expected)


def test_breathing_and_plain_sedation_ignore_tolerance() -> None:
    for name in ("sedation", "respiratory_depression"):
        assert read(name, exposure(brain=200, tolerance=3)) == read(name, exposure(brain=200))


@pytest.mark.parametrize("tone", [0.0, 0.5, 1.0])
def test_drug_never_changes_normal_or_low_tone(tone: float) -> None:
    assert read("leg_ashworth", exposure(legs=1e6), Baseline(tone, tone, 0.0)) == tone


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ((5.1, 3.0, 3.0), "leg_ashworth: got 5.1, expected 0 to 5"),
        ((4.0, -1.0, 3.0), "arm_ashworth: got -1.0"),
        ((4.0, 3.0, 4.5), "spasm_score: got 4.5, expected 0 to 4"),
        ((4.0, 3.0, 3.0, 0.9), "tolerance: got 0.9, expected 1 to 10"),
        ((float("nan"), 3.0, 3.0), "leg_ashworth: got nan"),
    ],
)
def test_a_baseline_off_its_scale_is_refused(baseline: tuple[float, ...], message: str) -> None:
    with pytest.raises(BodyError, match=message):
        Baseline(*baseline)
