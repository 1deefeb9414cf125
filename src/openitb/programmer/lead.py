"""Whether the low-reservoir alarm comes early enough for a refill, and the volume at which it would.

Holds: RES-02.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from openitb import catalogue, units
from openitb.catalogue import Fact, Pump
from openitb.implant.firmware.authority import fullest
from openitb.prescription.answers import number
from openitb.prescription.gate_case import finding
from openitb.prescription.guardrails import Finding, Level
from openitb.prescription.program import Program
from openitb.protocol import ReservoirReport


@dataclass(frozen=True, slots=True)
class Warned:
    """A program on a pump, and the volume left at which the pump says that it is low, nL."""

    program: Program
    pump: Pump
    held: ReservoirReport
    low_alarm_nl: int

    @property
    def days(self) -> Fraction | None:
        """From alarm to computed empty at the mean flow; None where nothing flows."""
        flow = self.program.flow_nl_per_day
        return Fraction(max(0, self._whole_strokes_nl)) / flow if flow else None

    @property
    def is_early(self) -> bool:
        """True if the lead lasts also through the fullest days of the week."""
        return self._whole_strokes_nl * units.MS_PER_DAY >= self._flowed

    @property
    def enough_nl(self) -> int | None:
        """The smallest alarm volume that is early, in steps as typed; None if none fits the reservoir."""
        step = catalogue.load().practice["programmer"].fact("alarm_step").whole("nL")
        stroke = self.pump.stroke_volume_nl
        gap = -(-self._flowed // (units.MS_PER_DAY * stroke)) * stroke
        enough = -(-(self.held.residual_nl + gap) // step) * step
        return enough if enough <= self.held.capacity_nl else None

    @property
    def _flowed(self) -> int:
        """The most that flows within the lead, in nL/day x ms."""
        return fullest(self.program, _lead().whole("ms"))

    @property
    def _whole_strokes_nl(self) -> int:
        """What lies between alarm and computed empty, in whole strokes as the pump counts them."""
        gap, stroke = self.low_alarm_nl - self.held.residual_nl, self.pump.stroke_volume_nl
        return gap // stroke * stroke


def lead_findings(before: Warned, after: Warned, *, is_stated: bool) -> Iterator[Finding]:
    """An alarm too late for what would run, with the volume that would do.

    Soft where the alarm volume is stated or the lead gets shorter; a lead that was short before and gets no
    shorter is told only.
    """
    if after.is_early:
        return
    shorter = before.days is None or (after.days is not None and after.days < before.days)
    level: Level = "soft" if is_stated or shorter else "note"
    facts = ((catalogue.load().practice["requirement-values"], "res_02_lead"),)
    yield finding(level, "low-alarm-lead", "low_alarm", _told(after), (), facts)


def _told(after: Warned) -> str:
    flow = units.format_flow(units.divide_nearest(*after.program.flow_nl_per_day.as_integer_ratio()))
    left = f"{number(after.days or Fraction(0), 1)} days from alarm to empty at {flow}"
    expected = f"expected at least {_lead().text()}"
    return f"got {units.format_volume(after.low_alarm_nl)}: {left}, {expected}: {_what_would_do(after)}"


def _what_would_do(after: Warned) -> str:
    enough = after.enough_nl
    if enough is None:
        return "no alarm volume of this reservoir does, plan the refill by its date"
    return f"set {units.format_volume(enough)} or more"


def _lead() -> Fact:
    return catalogue.load().practice["requirement-values"].fact("res_02_lead")
