"""The implant over its years: when the battery ends, what stands in the access port, how to start again.

Rules: device.md 1.2, 3.1, 3.3; clinical.md 1.6, 2.3, 2.4, 8.

Holds: BAT-03.
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil, floor
from typing import Literal

from openitb import catalogue, units
from openitb.catalogue import Pump
from openitb.guidance.calendar import after, months_after
from openitb.guidance.findings import Advice, Criterion, advice, verdict
from openitb.prescription.answers import (
    Answer,
    CalculationError,
    SourceNote,
    Step,
    fact_number,
    notes,
    number,
    practice,
    source_note,
)
from openitb.prescription.calculators.path import FluidPath, require_dose, require_strength

BatteryState = Literal["later", "plan now", "replace now"]
Interrupted = Literal["short", "medium", "long"]


@dataclass(frozen=True, slots=True)
class Battery:
    """What is known of a battery: months left as read on a day, and the day its indicator was first seen.

    Refuses with `CalculationError` a reading before the implant, and months without their day.
    """

    pump: Pump
    implanted_on: date
    flow_nl_per_day: int | None = None
    months_read: int | None = None
    read_on: date | None = None
    indicator_on: date | None = None

    def __post_init__(self) -> None:
        if (self.months_read is None) != (self.read_on is None):
            raise CalculationError("months-read: got months or their day alone, expected both or neither")
        if self.months_read is not None and self.months_read < 0:
            raise CalculationError(f"months-read: got {self.months_read}, expected at least 0")
        for field, day in (("read-on", self.read_on), ("indicator-on", self.indicator_on)):
            if day is not None and day < self.implanted_on:
                raise CalculationError(f"{field}: got {day}, expected {self.implanted_on} or later")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryAnswer(Answer):
    """When the pump ends: expected, with the earliest and latest credible day; replaced by `plan_by`.

    `plan_by` is the day by which the replacement has to be arranged: three months before the earliest end.
    """

    earliest: date
    expected: date
    latest: date
    plan_by: date
    state: BatteryState


@dataclass(frozen=True, slots=True, kw_only=True)
class PortAnswer(Answer):
    """What to draw through the access port before anything is injected.

    `holds_ml` is drug in port and catheter; injected instead of drawn it is a bolus of `bolus_ug`.
    """

    holds_ml: Fraction
    aspirate_ml: Fraction
    bolus_ug: Fraction
    may_inject: Criterion
    left_bolus_ug: Fraction
    actions: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class Interruption:
    """Delivery that stopped: the dose before, the first dose of the therapy if known, and since when.

    `stopped_ms` None is not known, and taken for long.
    """

    dose_pg_per_day: int
    stopped_ms: int | None
    now_ms: int
    first_dose_pg_per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartAnswer(Answer):
    """How long the interruption was, and the highest dose an order of its own should begin with."""

    interrupted: Interrupted
    highest_ug_per_day: Fraction
    actions: tuple[Advice, ...]


def battery_forecast(known: Battery, today: date) -> BatteryAnswer:
    """The end of service as a band, never later than the service life allows."""
    cap = months_after(known.implanted_on, _life_months(known.pump))
    earliest, expected, latest = (min(day, cap) for day in _ends(known, cap))
    lead = practice("battery").fact("replacement_lead").whole("month")
    plan_by = months_after(earliest, -lead)
    state: BatteryState = "later"
    if today >= plan_by:
        state = "replace now" if today >= earliest else "plan now"
    return BatteryAnswer(
        earliest=earliest,
        expected=expected,
        latest=latest,
        plan_by=plan_by,
        state=state,
        steps=(Step("service life ends", cap, "date"), Step("arranged by", plan_by, "date")),
        sources=(
            *notes(practice("battery"), *practice("battery").facts),
            *notes(practice("battery-forecast"), "reading_error", "indicator_may_be_short"),
        ),
    )


def access_port(path: FluidPath, pump: Pump, concentration_ug_per_ml: int, aspirated_nl: int) -> PortAnswer:
    """What port and catheter hold, and whether what was drawn so far allows an injection."""
    require_strength(concentration_ug_per_ml, "concentration")
    if aspirated_nl < 0:
        raise CalculationError(f"aspirated: got {units.format_volume(aspirated_nl)}, expected at least 0 mL")
    rules, drawn = practice("access-port"), Fraction(aspirated_nl, units.NL_PER_ML)
    port, source = _port_ml(pump)
    holds = path.catheter_ml + port
    asked = max(holds, fact_number(rules, "aspirate_least", "mL"))
    texts = ("wrong_needle", "never_advance", "no_flow", "prime_after")
    return PortAnswer(
        holds_ml=holds,
        aspirate_ml=asked,
        bolus_ug=holds * concentration_ug_per_ml,
        may_inject=_may_inject(drawn, asked),
        left_bolus_ug=max(Fraction(0), holds - drawn) * concentration_ug_per_ml,
        actions=tuple(advice(rules, text) for text in texts),
        steps=_port_steps(path, holds, concentration_ug_per_ml),
        sources=(*path.sources, source, source_note(rules, "aspirate_least")),
    )


def restart(known: Interruption) -> RestartAnswer:
    """Where an order after an interruption begins: never above the dose before, lower the longer it was."""
    rules = practice("restart")
    dose = require_dose(known.dose_pg_per_day)
    length = _interrupted(known)
    first = _first_dose(known)
    part = fact_number(rules, "medium_part", "percent") / 100
    highest = {"short": dose, "medium": min(dose, max(first, dose * part)), "long": min(dose, first)}[length]
    since = () if known.stopped_ms is None else (_since(known),)
    return RestartAnswer(
        interrupted=length,
        highest_ug_per_day=highest,
        actions=tuple(advice(rules, name) for name in ("order", "cause", "path", "watched")),
        steps=(*since, Step("dose before", dose, "ug/day"), Step("first dose", first, "ug/day")),
        sources=notes(rules, "short", "medium", "medium_part", "fallback_start", "overdose_seen"),
    )


def _life_months(pump: Pump) -> int:
    if "battery_life" in pump.facts:
        return int(fact_number(pump, "battery_life", "year")) * 12
    return practice("battery").fact("service_life").whole("month")


def _ends(known: Battery, cap: date) -> tuple[date, date, date]:
    """Earliest, expected and latest end, before the service life cuts them off."""
    earliest, expected, latest = _from_reading(known) or _from_age(known, cap)
    if known.indicator_on is None:
        return earliest, expected, latest
    end = min(latest, after(known.indicator_on, practice("battery").fact("eri_to_eos")))
    return min(known.indicator_on, end), end, end


def _from_reading(known: Battery) -> tuple[date, date, date] | None:
    if known.months_read is None or known.read_on is None:
        return None
    error = fact_number(practice("battery-forecast"), "reading_error", "percent") / 100
    few = max(0, floor(known.months_read * (1 - error)) - 1)
    many = ceil(known.months_read * (1 + error)) + 1
    earliest, expected, latest = (months_after(known.read_on, m) for m in (few, known.months_read, many))
    return earliest, expected, latest


def _from_age(known: Battery, cap: date) -> tuple[date, date, date]:
    """Without a reading: the typical shortest life, and the placeholder curve where the flow is known.

    A pump with a life of its own is expected to reach it, and may fall short by as much as a reading errs.
    """
    error = fact_number(practice("battery-forecast"), "reading_error", "percent") / 100
    life, shortest = (
        _life_months(known.pump),
        int(fact_number(practice("battery"), "typical_life_low", "month")),
    )
    if "battery_life" in known.pump.facts:
        early, expected = floor(life * (1 - error)), life
    else:
        expected = (
            shortest if known.flow_nl_per_day is None else min(_curve_months(known.flow_nl_per_day), life)
        )
        early = min(shortest, expected)
    return months_after(known.implanted_on, early), months_after(known.implanted_on, expected), cap


def _curve_months(flow_nl_per_day: int) -> int:
    rules = practice("battery")
    capacity, idle, each = (
        fact_number(rules, f"longevity_{name}", "1") for name in ("capacity", "idle", "per_flow")
    )
    return floor(capacity / (idle + each * Fraction(flow_nl_per_day, units.NL_PER_ML)))


def _port_ml(pump: Pump) -> tuple[Fraction, SourceNote]:
    """The volume of the pump's own port, or the assumed one of a pump whose port is not described."""
    has_own = "access_port_volume" in pump.facts
    entry, name = (pump, "access_port_volume") if has_own else (practice("access-port"), "port_volume")
    return fact_number(entry, name, "mL"), source_note(entry, name)


def _port_steps(path: FluidPath, holds_ml: Fraction, strength: int) -> tuple[Step, ...]:
    bolus = f"bolus if injected instead = {number(holds_ml)} mL × {strength} ug/mL"
    return (
        Step(f"holds = catheter {number(path.catheter_ml)} mL + port", holds_ml, "mL"),
        Step(bolus, holds_ml * strength, "ug"),
    )


def _may_inject(drawn_ml: Fraction, asked_ml: Fraction) -> Criterion:
    return Criterion(
        rule="port-emptied",
        what=f"{number(asked_ml)} mL or more drawn before anything is injected",
        verdict=verdict(drawn_ml >= asked_ml),
        why=f"{number(drawn_ml)} mL drawn",
        steps=(Step("drawn", drawn_ml, "mL"),),
        sources=notes(practice("access-port"), "aspirate_least", "no_flow"),
    )


def _interrupted(known: Interruption) -> Interrupted:
    if known.stopped_ms is None:
        return "long"
    if known.now_ms < known.stopped_ms:
        raise CalculationError("stopped: got a time after now, expected one before")
    hours, rules = Fraction(known.now_ms - known.stopped_ms, units.MS_PER_H), practice("restart")
    if hours <= fact_number(rules, "short", "hour"):
        return "short"
    return "medium" if hours <= fact_number(rules, "medium", "hour") else "long"


def _first_dose(known: Interruption) -> Fraction:
    if known.first_dose_pg_per_day is None:
        return fact_number(practice("restart"), "fallback_start", "ug/day")
    highest = fact_number(catalogue.load().limits["start"], "highest_dose", "ug/day")
    return min(highest, require_dose(known.first_dose_pg_per_day, "first-dose"))


def _since(known: Interruption) -> Step:
    hours = Fraction(known.now_ms - (known.stopped_ms or 0), units.MS_PER_H)
    return Step("without delivery", hours, "h")
