"""The environment for dosing research: its own checker, seeds, and the same engine and gate."""

from collections.abc import Callable

import numpy as np
import pytest

from openitb.cohort.study import Plan, Study, StudyError, answered, follow
from openitb.cohort.study.seen import Seen

gymnasium = pytest.importorskip("gymnasium")
environment = pytest.importorskip("openitb.cohort.study.environment")

Made = Callable[..., Study]
NEW = ('state = "established"\ndose = "300 ug/day"', 'state = "new"\ndose = "100 ug/day"')


def episode(env: "environment.Dosing", action: float, **reset: object) -> list[tuple[list[float], float]]:
    observation, _ = env.reset(**reset)
    told, is_over = [(observation.tolist(), 0.0)], False
    while not is_over:
        observation, reward, ended, is_over, _ = env.step(np.array([action], np.float32))
        assert not ended
        told.append((observation.tolist(), reward))
    return told


def test_gymnasiums_own_checker_has_nothing_to_say(made: Made) -> None:
    from gymnasium.utils.env_checker import check_env

    check_env(environment.Dosing(made(NEW)), skip_render_check=True)


def test_it_is_made_by_its_name(made: Made) -> None:
    env = gymnasium.make("openitb/Dosing-v0", study=made(NEW))
    observation, info = env.reset(seed=4)
    assert env.observation_space.contains(observation)
    assert info["seen"].dose_ug_per_day == 100


def test_a_seed_gives_the_same_episode_and_another_seed_another(made: Made) -> None:
    env = environment.Dosing(made(NEW, ("people = 4", "people = 400"), calm=False))
    assert episode(env, 0.1, seed=3) == episode(env, 0.1, seed=3)
    assert episode(env, 0.1, seed=3) != episode(env, 0.1, seed=4)


def test_an_episode_is_what_a_study_with_that_policy_lives_through(made: Made) -> None:
    study = made(NEW)
    env = environment.Dosing(study)
    seen: list[Seen] = []

    def policy(visit: Seen) -> Plan:
        seen.append(visit)
        return Plan(change_percent=10.0, reason="proposed by an agent")

    answered(policy, follow(study, study.arms[0], range(2, 3)))
    told = episode(env, 0.1, options={"patient": 2})
    dose = environment.FIELDS.index("dose_ug_per_day")
    assert [row[0][dose] for row in told[:-1]] == [visit.dose_ug_per_day for visit in seen]
    assert [row[0][0] for row in told[:-1]] == [visit.day for visit in seen]


def test_the_agent_sees_scores_as_rated_and_no_truth(made: Made) -> None:
    env = environment.Dosing(made(NEW))
    for observation, _ in episode(env, 0.0, seed=1):
        levels = [observation[environment.FIELDS.index(name)] for name in ("leg", "arm", "spasm")]
        assert all(level == int(level) and 0 <= level <= 4 for level in levels)


def test_an_action_beyond_the_space_is_cut_to_it(made: Made) -> None:
    env = environment.Dosing(made(NEW))
    env.reset(options={"patient": 0})
    _, _, _, _, info = env.step(np.array([5.0], np.float32))
    assert info["seen"].dose_ug_per_day == pytest.approx(100 * (1 + float(env.action_space.high[0])))


def test_an_order_the_gate_refuses_leaves_the_dose(made: Made) -> None:
    """Below the lowest flow of the pump there is no order, whatever the reason."""
    env = environment.Dosing(made(NEW, ('"100 ug/day"', '"26 ug/day"')))
    env.reset(options={"patient": 0})
    _, _, _, _, info = env.step(np.array([-0.3], np.float32))
    assert info["seen"].dose_ug_per_day == 26
    assert not info["ordered"]


def test_steps_without_a_reset_and_arms_that_are_not_there_are_refused(made: Made) -> None:
    env = environment.Dosing(made(NEW))
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.array([0.0], np.float32))
    with pytest.raises(StudyError, match="arm: got 3, expected 0 to 0"):
        environment.Dosing(made(NEW), arm=3)
