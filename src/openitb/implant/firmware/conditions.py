"""Conditions for a bolus, as a list: the first that fails is the refusal.

Each refusal of time says how long until it is worth asking again. Holds: BOL-01, BOL-03.
"""

from collections.abc import Callable
from dataclasses import dataclass

from openitb import units
from openitb.implant.build import Build
from openitb.implant.firmware import alarms
from openitb.implant.firmware.bolus import Bolus
from openitb.implant.firmware.refusal import RefusalError
from openitb.implant.firmware.state import Firmware
from openitb.prescription.orders import format_duration
from openitb.protocol import StageKind


@dataclass(frozen=True, slots=True)
class Wish:
    """A bolus that is asked for, and the pump that is asked."""

    firmware: Firmware
    build: Build
    bolus: Bolus

    @property
    def tick_ms(self) -> int:
        """Now, in the pump's elapsed time."""
        return self.firmware.counter.tick_ms

    @property
    def longest_ms(self) -> int | None:
        """The longest it can take while the program runs at its highest; None if it might never end."""
        room = self.build.highest_flow_nl_per_day - self._program_nl_per_day
        slowest = min(self.bolus.rate_nl_per_day, room)
        return self.bolus.whole // slowest + 1 if slowest > 0 else None

    @property
    def most_nl(self) -> int:
        """The most that leaves the outlet until it is through, program included, and one stroke."""
        beside = self._program_nl_per_day * (self.longest_ms or 0) // units.MS_PER_DAY
        return self.bolus.volume_nl + beside + self.build.stroke_nl

    @property
    def _program_nl_per_day(self) -> int:
        program = self.firmware.controller.running
        return max(step.rate_nl_per_day for step in program.week) if program else 0


Condition = Callable[[Wish], str | None]


def require_all(conditions: tuple[tuple[str, Condition], ...], wish: Wish) -> None:
    """`RefusalError` with the reason of the first condition that does not hold."""
    for field, condition in conditions:
        reason = condition(wish)
        if reason is not None:
            raise RefusalError(field, reason, _wait_ms(field, wish))


def _wait_ms(field: str, wish: Wish) -> int | None:
    """How long until neither lock-out nor number refuses; None for what waiting does not mend."""
    timed = field in dict(FOR_PATIENTS)
    return wish.firmware.patient.wait_ms(wish.tick_ms, wish.build.modes) if timed else None


def _no_critical_alarm(wish: Wish) -> str | None:
    standing = [a.condition for a in wish.firmware.alarms if a.condition in alarms.CRITICAL]
    return f"a critical alarm stands: {', '.join(standing)}" if standing else None


def _room(wish: Wish) -> str | None:
    return "the program runs at the pump's highest flow" if wish.longest_ms is None else None


def _enough_in_reservoir(wish: Wish) -> str | None:
    left = wish.firmware.believed_nl(wish.build) - wish.build.residual_nl
    if left >= wish.most_nl:
        return None
    needed = units.format_volume(wish.most_nl)
    return f"got {units.format_volume(max(0, left))} above the residual volume, expected at least {needed}"


def _within_bridge(wish: Wish) -> str | None:
    """One drug throughout: a bolus that outlasted the bridge would end in another concentration."""
    stages = wish.firmware.controller.stages
    if not stages or stages[0].kind is not StageKind.BRIDGE:
        return None
    left = (stages[0].until_stroke - wish.firmware.counter.strokes) * wish.build.stroke_nl
    if wish.most_nl <= left:
        return None
    given = f"{units.format_volume(wish.most_nl)} with {units.format_volume(left)} of the bridge left"
    return f"got {given}, expected a bolus that ends before it, or to wait until it is through"


def _lockout_over(wish: Wish) -> str | None:
    left = wish.firmware.patient.lockout_left_ms(wish.tick_ms)
    return f"the lock-out holds; again in {format_duration(left)}" if left else None


def _below_number(wish: Wish) -> str | None:
    left = wish.firmware.patient.count_left_ms(wish.tick_ms, wish.build.modes)
    return f"as many as allowed were given; again in {format_duration(left)}" if left else None


ALWAYS: tuple[tuple[str, Condition], ...] = (
    ("alarms", _no_critical_alarm),
    ("duration_ms", _room),
    ("reservoir", _enough_in_reservoir),
    ("bridge", _within_bridge),
)
FOR_PATIENTS: tuple[tuple[str, Condition], ...] = (
    ("lockout", _lockout_over),
    ("most_per_day", _below_number),
)
