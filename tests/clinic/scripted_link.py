"""A link for tests: a pump that does as it is told and answers with the outcome it is given."""

from dataclasses import dataclass, field
from uuid import UUID

from openitb import catalogue
from openitb.clinic.desk.ports import (
    AlarmState,
    Band,
    Change,
    Commit,
    Figure,
    Finding,
    LinkFailure,
    LogLine,
    NoOutlook,
    OrderMapping,
    OrderRefused,
    Outcome,
    Outlook,
    Prediction,
    PumpReading,
    Review,
)
from openitb.clinic.desk.summaries import ReservoirDates, program_summary
from openitb.clinic.record.models import System
from openitb.prescription import OrderError, SimpleContinuous, compile_order, parse_order
from openitb.prescription.program import Program
from openitb.units import MS_PER_DAY, MS_PER_H, NL_PER_ML, UnitError

NOW_MS = 1_767_600_000_000
UG_PER_ML = 500


@dataclass
class Script:
    """What the pump runs and how the next command ends."""

    programs: dict[str, Program] = field(default_factory=dict)
    next_outcome: str = "applied"
    read_back_outcome: str = "applied"
    findings: tuple[Finding, ...] = ()
    review_outcome: str = "accepted"
    reachable: bool = True
    now_ms: int = NOW_MS
    sent: list[Commit] = field(default_factory=list)
    reservoir_nl: int = 12_400_000
    alarms: tuple[AlarmState, ...] = ()
    light: str = ""


SCRIPT = Script()


class ScriptedLink:
    """Answers from `SCRIPT`."""

    def read_pump(self, system: System) -> PumpReading | LinkFailure:
        if not SCRIPT.reachable:
            return LinkFailure("The wand does not reach the pump.", "Hold it over the pump and try again.")
        program = running(system)
        summary = program_summary(program, ReservoirDates(SCRIPT.now_ms + 40 * MS_PER_DAY, "2026-02-10"))
        return PumpReading(
            at_ms=SCRIPT.now_ms,
            received_at_ms=SCRIPT.now_ms,
            serial=system.serial,
            program=summary,
            rate_now_nl_per_day=program.week[0].rate_nl_per_day,
            reservoir_nl=SCRIPT.reservoir_nl,
            capacity_nl=20 * NL_PER_ML,
            low_reservoir_alarm_nl=2 * NL_PER_ML,
            battery=Figure("2031-05, estimated", "assumed", "battery model"),
            alarms=SCRIPT.alarms,
            light=SCRIPT.light,
            log=(LogLine(1, SCRIPT.now_ms, "started"),),
        )

    def review(
        self, system: System, order: OrderMapping, _override: str
    ) -> Review | OrderRefused | LinkFailure:
        if not SCRIPT.reachable:
            return LinkFailure("The wand does not reach the pump.")
        try:
            new = compiled(system, order)
        except (OrderError, UnitError) as error:
            return OrderRefused(str(error))
        old = program_summary(running(system), ReservoirDates(SCRIPT.now_ms + 40 * MS_PER_DAY, "2026-02-10"))
        fresh = program_summary(new, ReservoirDates(SCRIPT.now_ms + 35 * MS_PER_DAY, "2026-02-05"))
        return Review(f"{old.digest}{fresh.digest}"[:128], old, fresh, SCRIPT.review_outcome, SCRIPT.findings)

    def commit(self, system: System, commit: Commit) -> Outcome:
        SCRIPT.sent.append(commit)
        if SCRIPT.next_outcome == "applied":
            SCRIPT.programs[system.serial] = compiled(system, commit.order)
        return self._outcome(system, SCRIPT.next_outcome)

    def read_back(self, system: System, _command_id: UUID) -> Outcome:
        if SCRIPT.read_back_outcome == "applied" and SCRIPT.sent:
            SCRIPT.programs[system.serial] = compiled(system, SCRIPT.sent[-1].order)
        return self._outcome(system, SCRIPT.read_back_outcome)

    def outlook(self, system: System, order: OrderMapping | None) -> Outlook | NoOutlook:
        if not system.is_virtual:
            return NoOutlook("Predictions are made for virtual implants only.")
        if not SCRIPT.reachable:
            return NoOutlook("The wand does not reach the pump.")
        if order is None:
            return Outlook(prediction(0.0))
        change = Change(
            "Leg tone", "highest in 7 days", "3.33", "3.21", "2.62", "2.22 to 3.04", 0.6, differs=True
        )
        return Outlook(prediction(0.0), prediction(0.6), "Changes most: leg tone.", (change,))

    def _outcome(self, system: System, kind: str) -> Outcome:
        texts = {
            "applied": "Read back and equal.",
            "refused": "Outside the pump's limits.",
            "unknown": "No answer in time.",
        }
        reading = self.read_pump(system) if kind == "applied" else None
        return Outcome(kind, texts[kind], reading)


def prediction(lift: float) -> Prediction:
    return Prediction(
        (
            band("leg_ashworth", "Leg Ashworth", "score", 3.2 - lift, 5.0),
            band("spasm", "Spasm score", "score", 2.4 - lift, 4.0),
        ),
        SCRIPT.now_ms,
        "Between the lines lie 80 of 100 sampled people.",
        "10 to 90 %",
        (
            "The program read from the pump.",
            "The typical-adult preset.",
            "Population spread of the catalogue.",
        ),
    )


def band(key: str, label: str, unit: str, level: float, top: float) -> Band:
    times = tuple(SCRIPT.now_ms + step * 6 * MS_PER_H for step in range(29))
    middle = tuple(level + (top - level) * 0.15 * (step / 28) for step in range(29))
    low = tuple(max(0.0, value - 0.3 - 0.02 * step) for step, value in enumerate(middle))
    high = tuple(min(top, value + 0.3 + 0.02 * step) for step, value in enumerate(middle))
    return Band(key, label, unit, times, middle, low, high, 0.0, top)


def running(system: System) -> Program:
    default = compile_order(SimpleContinuous(200_000_000), UG_PER_ML, catalogue.load().pump(system.pump_id))
    return SCRIPT.programs.setdefault(system.serial, default)


def compiled(system: System, order: OrderMapping) -> Program:
    return compile_order(parse_order(order), UG_PER_ML, catalogue.load().pump(system.pump_id))


def reset() -> None:
    """Back to how every test begins."""
    fresh = Script()
    for name in vars(fresh):
        setattr(SCRIPT, name, getattr(fresh, name))


__all__ = ["SCRIPT", "ScriptedLink", "reset"]
