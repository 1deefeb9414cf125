"""What a clinic sees of a patient at a visit, and what it may decide: all that a policy is given.

Nothing in here is truth: scores are levels that a rater gave, volumes come out of a syringe, the dose is
the one that was ordered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from openitb.cohort.study.errors import PolicyError
from openitb.prescription.guardrails import Origin

Why = Literal["check-up", "refill"]

ALARM, STALL = "low-reservoir alarm", "motor alarm"
WITHDRAWAL, DROWSY, SIDE_EFFECT = "withdrawal", "drowsy", "side effect"


@dataclass(frozen=True, slots=True)
class Emptied:
    """The reservoir at a refill: what should have come out by the pump's count, what came out, what the
    pump counts as delivered since the last fill. `evaluate` is what the volume rule makes of it, `twice`
    whether it calls for escalation.
    """

    expected_ml: float
    drawn_ml: float
    delivered_ml: float
    evaluate: bool
    twice: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """One visit as the record holds it.

    `leg` and `arm` are Ashworth levels 0 to 4, `spasm` the Penn score 0 to 4, `untreated_leg` the level
    before the pump. `reports` is what patient or pump say (`ALARM`, `STALL`, `WITHDRAWAL`, `DROWSY`,
    `SIDE_EFFECT`), `days_since_look` how long ago the system was looked at. `past` are earlier visits, oldest
    first, themselves without a past.
    """

    patient: int
    day: int
    why: Why
    origin: Origin
    age_years: float
    dose_ug_per_day: float
    days_since_increase: float | None
    leg: int
    arm: int
    spasm: int
    untreated_leg: int
    reports: tuple[str, ...] = ()
    reservoir: Emptied | None = None
    days_since_look: float | None = None
    past: tuple["Seen", ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a visit decides. A dose, or a change of it in percent; nothing is to leave it as it is.

    Every dose passes the gate; `reason` is what is told where the gate asks for one, and without it such an
    order is refused. `investigate` sends the system to be looked at.
    """

    change_percent: float = 0.0
    dose_ug_per_day: float | None = None
    investigate: bool = False
    reason: str = ""

    def dose_after(self, dose_ug_per_day: float) -> float:
        """The daily dose it asks for."""
        if self.dose_ug_per_day is not None:
            return self.dose_ug_per_day
        return dose_ug_per_day * (1.0 + self.change_percent / 100.0)


HOLD = Plan()
Policy = Callable[[Seen], Plan]


def decided(policy: Policy, seen: Seen) -> Plan:
    """What a policy makes of a visit; `PolicyError` names patient and day if it raises or errs."""
    where = f"policy: patient {seen.patient}, day {seen.day}"
    try:
        plan = policy(seen)
    except Exception as error:  # noqa: BLE001  somebody else's code may raise anything
        raise PolicyError(f"{where}: raised {type(error).__name__}: {_one_line(error)}") from None
    if not isinstance(plan, Plan):
        raise PolicyError(f"{where}: returned {plan!r:.60}, expected a Plan")
    trouble = _trouble(plan, seen)
    if trouble:
        raise PolicyError(f"{where}: {trouble}")
    return plan


def _trouble(plan: Plan, seen: Seen) -> str:
    """What is wrong with the numbers of a plan; nothing if they can be meant."""
    for name in ("change_percent", "dose_ug_per_day"):
        value = getattr(plan, name)
        if not (isinstance(value, int | float) or (value is None and name == "dose_ug_per_day")):
            return f"returned {name} {value!r:.40}, expected a number"
        if value is not None and not isfinite(value):
            return f"returned {name} {value}, expected a finite number"
    if not plan.dose_after(seen.dose_ug_per_day) > 0:
        return f"returned a dose of {plan.dose_after(seen.dose_ug_per_day):g} µg/day, expected above zero"
    return ""


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or "without a word"
