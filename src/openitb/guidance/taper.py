"""Coming off drugs without a cliff: oral drugs one at a time, the pump before a planned explant, and the
plan for an end that nobody could prepare.

Rules: clinical.md 2.3 (oral wean), 1.6 and 2.5 (explant, withdrawal).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil

from openitb import catalogue, units
from openitb.catalogue import Entry, Pump
from openitb.guidance.calendar import after, days_after
from openitb.guidance.findings import Advice, advice
from openitb.prescription.answers import Answer, CalculationError, Step, fact_number, notes, number, practice
from openitb.prescription.calculators.path import require_dose, require_strength

_PREFIX = "oral-taper-"


@dataclass(frozen=True, slots=True)
class OralDrug:
    """A drug by mouth with its daily dose now, and the dose its taper began from if it is under way.

    `percent` of that dose is taken off per step where the prescriber wants another step than the usual.
    """

    drug: str
    dose_mg_per_day: Fraction
    began_mg_per_day: Fraction | None = None
    percent: Fraction | None = None


@dataclass(frozen=True, slots=True)
class TaperStep:
    """From `on` the daily dose is `dose` instead of `before`; in the unit of the plan."""

    drug: str
    on: date
    before: Fraction
    dose: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class OralTaperAnswer(Answer):
    """Steps in mg/day in order of date, and what to watch for with each drug."""

    plan: tuple[TaperStep, ...]
    watch_for: tuple[Advice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpTaperAnswer(Answer):
    """Steps in ug/day down to nothing, and when the taper ends.

    `weaker_drug_by` is the first step this concentration cannot run, with `highest_strength_ug_per_ml` that
    can run every step; both None where the pump can run all of them.
    """

    plan: tuple[TaperStep, ...]
    ends: date
    weaker_drug_by: date | None
    highest_strength_ug_per_ml: int | None
    meanwhile: tuple[Advice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgentAnswer(Answer):
    """What is done in order, and until when at least the patient is watched."""

    actions: tuple[Advice, ...]
    worst_from_ms: int
    watch_until_ms: int


def oral_drugs() -> tuple[str, ...]:
    """The drugs a taper is known for, in the order they are stopped."""
    ranked = [entry for name, entry in catalogue.load().practice.items() if name.startswith(_PREFIX)]
    return tuple(entry.entry_id.removeprefix(_PREFIX) for entry in sorted(ranked, key=_rank))


def taper_oral(drugs: tuple[OralDrug, ...], itb_since: date, start: date) -> OralTaperAnswer:
    """Stop drugs by mouth one after the other; each step at most its part of the dose the taper began from.

    Refuses with `CalculationError` a start before the pump's effect has settled, an unknown drug, one
    named twice, and a dose not above zero.
    """
    earliest = after(itb_since, practice("oral-taper").fact("settle"))
    if start < earliest:
        raise CalculationError(f"start: got {start}, expected {earliest} or later, once the pump acts fully")
    for drug in drugs:
        _require_drug(drug, [each.drug for each in drugs])
    ordered = sorted(drugs, key=lambda drug: oral_drugs().index(drug.drug))
    entries = [practice(_PREFIX + drug.drug) for drug in ordered]
    return OralTaperAnswer(
        plan=tuple(_one_at_a_time(ordered, start)),
        watch_for=tuple(advice(entry, "watch_for", entry.name) for entry in entries),
        steps=(),
        sources=tuple(note for entry in entries for note in notes(entry, *entry.facts)),
    )


def taper_pump(
    dose_pg_per_day: int, concentration_ug_per_ml: int, pump: Pump, start: date
) -> PumpTaperAnswer:
    """Lower intrathecal baclofen to nothing over two to four weeks, longer where the steps ask for it."""
    require_strength(concentration_ug_per_ml, "concentration")
    dose, rules = require_dose(dose_pg_per_day), practice("itb-taper")
    doses = tuple(_lowered(dose, rules))
    days = _spacing(len(doses), rules)
    pairs = zip((dose, *doses[:-1]), doses, strict=True)
    plan = tuple(
        TaperStep("intrathecal baclofen", days_after(start, days * place), old, new)
        for place, (old, new) in enumerate(pairs)
    )
    too_slow = [step.on for step in plan if 0 < step.dose < _least_dose(pump, concentration_ug_per_ml)]
    return PumpTaperAnswer(
        plan=plan,
        ends=plan[-1].on,
        weaker_drug_by=min(too_slow, default=None),
        highest_strength_ug_per_ml=_strength(plan, pump) if too_slow else None,
        meanwhile=(advice(rules, "other_drugs"), *((advice(rules, "weaker_drug"),) if too_slow else ())),
        steps=(Step(f"{len(plan)} steps, {days} days apart", days, "day"),),
        sources=notes(rules, *rules.facts),
    )


def end_without_taper(stopped_ms: int, dose_pg_per_day: int) -> UrgentAnswer:
    """The plan for an urgent explant or any sudden end: what is done, and the time the worst is expected.

    No published threshold grades it: the dose is shown, and danger rises with dose and years of therapy.
    """
    rules, times = practice("withdrawal-plan"), practice("withdrawal-watch")
    low, high = (int(fact_number(times, name, "ms")) for name in ("worst_low", "worst_high"))
    return UrgentAnswer(
        actions=tuple(advice(rules, name) for name in rules.facts),
        worst_from_ms=stopped_ms + low,
        watch_until_ms=stopped_ms + high,
        steps=(Step("dose lost", require_dose(dose_pg_per_day), "ug/day"),),
        sources=notes(times, "worst_low", "worst_high"),
    )


def _rank(entry: Entry) -> Fraction:
    return fact_number(entry, "rank", "1")


def _require_drug(drug: OralDrug, names: list[str]) -> None:
    if drug.drug not in oral_drugs():
        raise CalculationError(f"drug: got {drug.drug!r}, expected one of {', '.join(oral_drugs())}")
    if names.count(drug.drug) > 1:
        raise CalculationError(f"drug: got {drug.drug!r} twice, expected each once")
    began = drug.dose_mg_per_day if drug.began_mg_per_day is None else drug.began_mg_per_day
    if not 0 < drug.dose_mg_per_day <= began:
        given = number(drug.dose_mg_per_day)
        raise CalculationError(f"{drug.drug}: got {given} mg/day, expected above 0 to {number(began)} mg/day")
    most = fact_number(practice(_PREFIX + drug.drug), "step_highest", "percent")
    if drug.percent is not None and not 0 < drug.percent <= most:
        raise CalculationError(
            f"percent: got {number(drug.percent)} %, expected above 0 to {number(most)} % for {drug.drug}"
        )


def _one_at_a_time(ordered: list[OralDrug], start: date) -> Iterator[TaperStep]:
    """The next drug begins an interval of its own after the last step of the one before."""
    on = start
    for drug in ordered:
        entry = practice(_PREFIX + drug.drug)
        before = drug.dose_mg_per_day
        for dose in _cut(drug, entry):
            yield TaperStep(drug.drug, on, before, dose)
            before, on = dose, after(on, entry.fact("interval"))


def _cut(drug: OralDrug, entry: Entry) -> Iterator[Fraction]:
    smallest = fact_number(entry, "smallest", "mg")
    began = drug.began_mg_per_day or drug.dose_mg_per_day
    percent = fact_number(entry, "step", "percent") if drug.percent is None else drug.percent
    cut = max(smallest, began * percent / 100)
    dose = drug.dose_mg_per_day
    while dose:
        dose = max(Fraction(0), ceil((dose - cut) / smallest) * smallest)
        yield dose


def _lowered(dose: Fraction, rules: Entry) -> Iterator[Fraction]:
    """Whole micrograms, rounded up so that no step is larger than allowed; nothing after the last dose."""
    part = 1 - fact_number(rules, "cut_most", "percent") / 100
    last = fact_number(rules, "last_dose", "ug/day")
    while dose > last:
        dose = max(last, Fraction(ceil(dose * part)))
        yield dose
    yield Fraction(0)


def _spacing(steps: int, rules: Entry) -> int:
    """Days between steps: the whole taper within four weeks if it can, each step a day at least."""
    least, longest = (int(fact_number(rules, name, "day")) for name in ("step_interval", "length_high"))
    return max(least, longest // max(1, steps - 1))


def _least_dose(pump: Pump, concentration_ug_per_ml: int) -> Fraction:
    return Fraction(pump.lowest_flow_nl_per_day * concentration_ug_per_ml, units.NL_PER_ML)


def _strength(plan: tuple[TaperStep, ...], pump: Pump) -> int:
    least = min(step.dose for step in plan if step.dose)
    return int(least * units.NL_PER_ML / pump.lowest_flow_nl_per_day)
