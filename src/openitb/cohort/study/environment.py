"""A Gymnasium environment for dosing: one patient of a study, one visit a step, the same engine and gate.

The agent sees what a clinic sees and proposes a change of the daily dose; whether it becomes an order is for
the gate to say. Needs the extra `gym`. Importing this module registers `openitb/Dosing-v0`.
"""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from openitb import catalogue
from openitb.cohort.study.build import load
from openitb.cohort.study.course import Followed, follow
from openitb.cohort.study.design import PERCENT, Study
from openitb.cohort.study.errors import StudyError
from openitb.cohort.study.seen import ALARM, DROWSY, SIDE_EFFECT, STALL, WITHDRAWAL, Plan, Seen

ID = "openitb/Dosing-v0"
REPORTS = (ALARM, STALL, WITHDRAWAL, DROWSY, SIDE_EFFECT)
FIELDS = (
    "day", "days_since_increase", "is_refill", "is_spinal", "age_years", "untreated_leg",
    "leg", "arm", "spasm",
    "dose_ug_per_day", "missing_ml", "is_evaluated", *REPORTS,
)  # fmt: skip
_LEVELS = 4.0
_REASON = "proposed by an agent"

Observation = NDArray[np.float32]
Reward = Callable[[Seen], float]


def relief(seen: Seen) -> float:
    """The usual reward: levels of leg Ashworth below the untreated one, less one for each report."""
    return float(seen.untreated_leg - seen.leg - len(seen.reports))


class Dosing(gym.Env[Observation, Observation]):
    """Episodes in which an agent doses one patient of an arm.

    Observation (17,): `FIELDS`, scores as rated, volumes as drawn, reports 0 or 1; before any increase
    `days_since_increase` is the horizon. Action (1,): change of the daily dose as a part of it, up to the
    largest step of the label either way. An order that the gate refuses leaves the dose as it is, and `info`
    says so. `reset(seed=...)` draws the patient; `options={"patient": 7}` names one.

    Raises `StudyError` for an arm that the study does not have.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  Gymnasium's own way

    def __init__(self, study: Study | Path | str, arm: int = 0, reward: Reward = relief) -> None:
        self.study = study if isinstance(study, Study) else load(Path(study))
        if not 0 <= arm < len(self.study.arms):
            raise StudyError(f"arm: got {arm}, expected 0 to {len(self.study.arms) - 1}")
        self._arm, self._reward = self.study.arms[arm], reward
        self._course: Generator[Seen, Plan, Followed] | None = None
        self._seen: Seen | None = None
        step = np.float32(_largest_step())
        self._step = float(step)
        self.action_space = gym.spaces.Box(-step, step, (1,), np.float32)
        high = self._highest()
        low = np.where(np.array(FIELDS) == "missing_ml", -high, np.float32(0.0))
        self.observation_space = gym.spaces.Box(low, high, dtype=np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """A patient at the first visit."""
        super().reset(seed=seed)
        patient = (options or {}).get("patient")
        if patient is None:
            patient = int(self.np_random.integers(self.study.people))
        self._course = follow(self.study, self._arm, range(patient, patient + 1))
        try:
            self._seen = next(self._course)
        except StopIteration:
            raise StudyError("horizon: nobody is seen before it, expected at least one visit") from None
        return self._observed(self._seen), self._info(self._seen)

    def step(self, action: Observation) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Propose a change of dose; gives the next visit. An episode is cut at the horizon."""
        if self._course is None or self._seen is None:
            raise gym.error.ResetNeeded("expected reset() before step()")
        before = self._seen
        change = float(np.clip(np.asarray(action).reshape(-1)[0], -self._step, self._step))
        plan = Plan(change_percent=change * PERCENT, reason=_REASON)
        try:
            self._seen = self._course.send(plan)
        except StopIteration:
            self._course = None
            return self._observed(before), 0.0, False, True, self._info(before)
        info = self._info(self._seen)
        info["ordered"] = self._seen.dose_ug_per_day != before.dose_ug_per_day
        return self._observed(self._seen), self._reward(self._seen), False, False, info

    def _highest(self) -> Observation:
        """The top of each field."""
        known = catalogue.load()
        dose = float(known.drug().fact("highest_plausible_dose").number("ug/day"))
        age = float(known.practice["plausibility"].fact("age").number("year"))
        capacity = self._arm.system.pump.reservoir_capacity_nl / 1e6
        days = float(self.study.days)
        top = (days, days, 1.0, 1.0, age, *(_LEVELS,) * 4, dose, capacity, 1.0, *(1.0,) * len(REPORTS))
        return np.array(top, dtype=np.float32)

    def _observed(self, seen: Seen) -> Observation:
        emptied, days = seen.reservoir, float(self.study.days)
        since = days if seen.days_since_increase is None else seen.days_since_increase
        values = (
            seen.day,
            min(since, days),
            seen.why == "refill",
            seen.origin == "spinal",
            seen.age_years,
            seen.untreated_leg,
            seen.leg,
            seen.arm,
            seen.spasm,
            seen.dose_ug_per_day,
            emptied.expected_ml - emptied.drawn_ml if emptied else 0.0,
            emptied.evaluate if emptied else False,
            *(report in seen.reports for report in REPORTS),
        )
        return np.array(values, dtype=np.float32)

    def _info(self, seen: Seen) -> dict[str, Any]:
        return {"patient": seen.patient, "day": seen.day, "seen": seen}


def _largest_step() -> float:
    """The largest increase that any label allows at once, as a part of the dose."""
    limits = catalogue.load().limits.values()
    name = "titration_increase_high"
    return max(float(each.fact(name).number("percent")) for each in limits if name in each.facts) / PERCENT


gym.register(ID, entry_point="openitb.cohort.study.environment:Dosing")
