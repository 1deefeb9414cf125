"""How used people are to the drug in the twin's long steps, against the rules in the body's own."""

import numpy as np
import pytest

from openitb.cohort.engine.adaptation import Adapting, habits, unadapted
from openitb.twin import Whom
from openitb.twin.course import Pace, Used, adapted, grid
from openitb.twin.delivery import Steps
from openitb.twin.faults import Acting
from openitb.twin.priors import Prior

PEOPLE = 40
DAYS = 200
READS_H = np.array([30.0, 90.0, 101.0, 104.0, 110.0, 130.0, 199.0]) * 24
STEADY_NG_PER_ML = 60.0  # at 1 µg/h, every one


def acting(part: float) -> Acting:
    rows = np.ones(PEOPLE)
    return Acting(100.0 * 24 * rows, np.log(max(part, 1e-12)) * rows, 0 * rows, np.ones(PEOPLE, dtype=bool))


@pytest.mark.parametrize(
    ("part", "tolerance", "withdrawal"),
    [(1.0, 0.005, 0.01), (0.5, 0.2, 0.13), (0.0, 0.06, 0.03), (2.0, 0.02, 0.01)],
)
def test_long_steps_agree_with_quarters_of_an_hour(part: float, tolerance: float, withdrawal: float) -> None:
    prior = Prior.of(Whom("cerebral"), "well_mixed", ())
    z = np.random.default_rng(1).standard_normal((PEOPLE, len(prior.names)))
    people = prior.people(z, None)
    some = habits(people)
    pace = Pace(
        log_level=np.log(STEADY_NG_PER_ML / some.ec50),
        gain=some.gain,
        hill=float(some.hill[0]),
        part=float(some.part[0]),
        rise_h=float(some.rise_h[0]),
        recovery_h=float(some.recovery_h[0]),
        memory_h=float(some.memory_h[0]),
        lag_h=float(some.lag_h[0]),
    )
    tip = Steps(np.array([0.0, 40.0 * 24]), np.array([3.0, 4.5]), DAYS * 24.0)
    steps = grid(tip, np.array([40.0 * 24, 100.0 * 24]), READS_H)
    found = [
        (used.tolerance.copy(), used.withdrawal.copy())
        for used in adapted(pace, acting(part), steps, Used.never(PEOPLE))
    ]
    fine = quarters(some, part)
    for read, hour in zip(steps.reads, READS_H, strict=True):
        own = fine[round(hour * 4)]
        assert np.abs(found[read][0] - own[0]).max() < tolerance
        assert np.abs(found[read][1] - own[1]).max() < withdrawal


def quarters(some, part: float):  # type: ignore[no-untyped-def]
    stepping, body = Adapting(some, 0.25), unadapted(some, 1.0)
    course = [(body.tolerance, body.withdrawal)]
    for quarter in range(DAYS * 96):
        hour = quarter / 4
        rate = (3.0 if hour < 40 * 24 else 4.5) * (part if hour >= 100 * 24 else 1.0)
        level = some.scaled(np.full(PEOPLE, STEADY_NG_PER_ML * rate))
        body = stepping.step(body, level, level)
        course.append((body.tolerance, body.withdrawal))
    return course


def test_the_grid_reaches_every_instant_of_interest_and_every_change() -> None:
    tip = Steps(np.array([24.0]), np.array([3.0]), 4800.0)
    made = grid(tip, np.array([500.0]), READS_H)
    np.testing.assert_allclose(made.edges_h[made.reads], READS_H)
    assert 500.0 in made.edges_h
    assert made.edges_h[0] == 24.0


def test_before_any_drug_nobody_is_used_to_it() -> None:
    made = grid(Steps(np.array([0.0]), np.array([0.0]), 0.0), np.array([]), np.array([3.0]))
    assert len(made.edges_h) - 1 == len(made.log_rate)
