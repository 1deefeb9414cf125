"""Who decides about the dose: small functions from what a clinic sees to a plan.

To add one, write `def my_policy(seen: Seen) -> Plan` and name it in the study file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from types import ModuleType

from openitb import catalogue
from openitb.cohort.study.errors import StudyError
from openitb.cohort.study.seen import DROWSY, HOLD, SIDE_EFFECT, STALL, WITHDRAWAL, Plan, Policy, Seen
from openitb.guidance import titration_step
from openitb.guidance.dosing import Phase
from openitb.units import PG_PER_UG

_AT_REFILL = "the label's larger step at a refill"
_TOO_MUCH = {DROWSY, SIDE_EFFECT}


def hold(seen: Seen) -> Plan:  # noqa: ARG001  one shape for all policies
    """Leaves the dose alone, whatever is seen."""
    return HOLD


def clinic_rule(goal: float | None = None) -> Policy:
    """The rule of the label: up by the largest step of origin and age while legs are above the goal, down
    where the patient says it is too much, a look at the system where numbers do not add up.

    `goal` is in leg Ashworth as rated, 0 to 4.
    """
    aim = _fact("clinic-rule", "goal") if goal is None else goal

    def policy(seen: Seen) -> Plan:
        if looks_broken(seen):
            return Plan(investigate=True)
        if _TOO_MUCH & set(seen.reports):
            return Plan(dose_ug_per_day=_step(seen, "decrease")[0])
        if WITHDRAWAL in seen.reports or seen.leg <= aim:
            return HOLD
        if seen.why == "refill":
            return Plan(dose_ug_per_day=_step(seen, "maintenance")[1], reason=_AT_REFILL)
        return Plan(dose_ug_per_day=_step(seen, "titration")[1])

    return policy


def looks_broken(seen: Seen) -> bool:
    """Do motor, residual volumes or scores call for a look at the system?"""
    if STALL in seen.reports or (seen.reservoir is not None and seen.reservoir.twice):
        return True
    looked = seen.days_since_look is not None and seen.days_since_look < _fact("score-watch", "rest")
    return not looked and scores_rose([each.leg for each in (*seen.past, seen)])


def scores_rose(legs: list[int]) -> bool:
    """Were the last visits all this far above the best of the earlier ones? (Catalogue: `score-watch`.)"""
    visits = round(_fact("score-watch", "visits"))
    earlier, last = legs[:-visits], legs[-visits:]
    return bool(earlier) and min(last) >= min(earlier) + _fact("score-watch", "rise")


@dataclass(frozen=True, slots=True)
class Fixed:
    """A schedule that nobody's scores change: daily doses in µg, each from a day on."""

    steps: tuple[tuple[int, float], ...]

    def __call__(self, seen: Seen) -> Plan:
        """The dose of the day."""
        due = [dose for day, dose in self.steps if day <= seen.day]
        if not due or due[-1] == seen.dose_ug_per_day:
            return HOLD
        return Plan(dose_ug_per_day=due[-1], reason="fixed schedule")


@dataclass(frozen=True, slots=True)
class Code:
    """A policy somebody wrote: where it stands, and its text if it is a file of its own."""

    place: str
    function: str
    text: str | None = None

    def policy(self) -> Policy:
        """The function; `StudyError` for what cannot be loaded or called."""
        module = self._module()
        found = getattr(module, self.function, None)
        if not callable(found):
            raise StudyError(f"policy.function: no function {self.function!r} in {self.place}")
        return _typed(found)

    def _module(self) -> ModuleType:
        try:
            if self.text is None:
                return import_module(self.place)
            module = ModuleType(Path(self.place).stem)
            exec(compile(self.text, self.place, "exec"), module.__dict__)  # noqa: S102  the user's own code
        except Exception as error:  # noqa: BLE001  somebody else's code may raise anything
            told = " ".join(f"{type(error).__name__}: {error}".split())
            raise StudyError(f"policy.function: {self.place} cannot be loaded: {told}") from None
        return module


def code(function: str | None, folder: Path) -> Code:
    """What `module:function` or `file.py:function` (beside the study) names; otherwise `StudyError`."""
    place, _, name = (function or "").rpartition(":")
    if not place or not name.isidentifier():
        raise StudyError(
            f"policy.function: got {function!r}, expected 'module:function' or 'file.py:function'"
        )
    if not place.endswith(".py"):
        return Code(place, name)
    try:
        return Code(place, name, (folder / place).read_text(encoding="utf-8"))
    except OSError as error:
        raise StudyError(f"policy.function: {place} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise StudyError(f"policy.function: {place} is no text, expected a Python file") from None


def _typed(found: Callable[..., object]) -> Policy:
    def policy(seen: Seen) -> Plan:
        return found(seen)  # type: ignore[return-value]  # `decided` looks at what comes back

    return policy


def _step(seen: Seen, phase: Phase) -> tuple[float, float]:
    """Lowest and highest dose of the label's range for the next step."""
    dose = round(seen.dose_ug_per_day * PG_PER_UG)
    answer = titration_step(dose, seen.origin, Fraction(seen.age_years), phase)
    return float(answer.low_ug_per_day), float(answer.high_ug_per_day)


def _fact(entry: str, name: str) -> float:
    return float(catalogue.load().practice[entry].fact(name).number())
