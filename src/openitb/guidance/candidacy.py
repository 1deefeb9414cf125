"""Whether somebody is a candidate for a screening trial: every criterion with its reason and source.

Rules: clinical.md 1.2, 1.11, 2.1, 2.2. A trial is not offered where no pump could follow it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from openitb import catalogue
from openitb.catalogue import Entry
from openitb.guidance.findings import (
    Advice,
    Criterion,
    any_of,
    at_least,
    every,
    require_known,
    require_one_answer,
    verdict,
)
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
from openitb.prescription.gate import Origin

Candidacy = Literal["candidate for a trial", "not now", "not yet known"]
Ended = Literal["no effect", "side effects", "still taken", "other"]
BACLOFEN = "baclofen"

_OVERALL: dict[bool | None, Candidacy] = {
    True: "candidate for a trial",
    False: "not now",
    None: "not yet known",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who is evaluated. None is unknown; `months_since_injury` counts from a traumatic brain injury."""

    age_years: Fraction | None = None
    origin: Origin | None = None
    has_traumatic_brain_injury: bool | None = None
    months_since_injury: Fraction | None = None
    pocket_depth_cm: Fraction | None = None
    filtration_ml_per_min: Fraction | None = None


@dataclass(frozen=True, slots=True)
class MuscleTone:
    """One muscle group of one side, with the code as written and the scale it belongs to."""

    muscle: str
    side: str
    scale: str
    code: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A treatment that was tried; the dose is None where nobody knows it."""

    drug: str
    dose_mg_per_day: Fraction | None
    days: int | None
    ended: Ended


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that is known. None is *not asked*, an empty tuple or set is *none*.

    `yes` and `no` hold the answered questions of the catalogue's `candidacy-questions`; `takes` names
    drugs of `anticoagulants` and `interacting-drugs`. Refuses unknown names and double answers with
    `CalculationError`.
    """

    person: Person
    muscles: tuple[MuscleTone, ...] | None = None
    penn_frequency: int | None = None
    interferes_with: frozenset[str] | None = None
    tried: tuple[Tried, ...] | None = None
    takes: frozenset[str] | None = None
    yes: frozenset[str] = frozenset()
    no: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        require_known("yes", self.yes, questions())
        require_known("no", self.no, questions())
        known = (*practice("anticoagulants").facts, *practice("interacting-drugs").facts)
        require_known("takes", self.takes or frozenset(), known)
        require_one_answer(self.yes, self.no)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidacyAnswer(Answer):
    """What follows from all criteria together. `missing` holds what is still unknown, blocking first;
    `cautions` what a trial has to plan for; `pauses` the drugs to interrupt before a lumbar puncture.
    """

    overall: Candidacy
    criteria: tuple[Criterion, ...]
    missing: tuple[Criterion, ...]
    cautions: tuple[Criterion, ...]
    pauses: tuple[Advice, ...]
    interactions: tuple[Advice, ...]


def questions() -> Entry:
    """The yes-or-no questions of an evaluation."""
    return practice("candidacy-questions")


def candidacy(known: Evaluation) -> CandidacyAnswer:
    """Judge every criterion; one that is not met outweighs any that is unknown."""
    criteria = (*(judge(known) for judge in _JUDGES), *_questioned(known))
    unknown = [criterion for criterion in criteria if criterion.verdict == "unknown"]
    return CandidacyAnswer(
        overall=_OVERALL[every(criteria)],
        criteria=criteria,
        missing=tuple(sorted(unknown, key=lambda criterion: not criterion.blocks)),
        cautions=tuple(c for c in criteria if not c.blocks and c.verdict == "not met"),
        pauses=_taken(known, "anticoagulants"),
        interactions=_taken(known, "interacting-drugs"),
        steps=(),
        sources=tuple(dict.fromkeys(note for criterion in criteria for note in criterion.sources)),
    )


def severe_groups(muscles: tuple[MuscleTone, ...]) -> int:
    """Muscle groups, each side for itself, at the level that counts as severe or above."""
    return len({(tone.muscle, tone.side) for tone in muscles if _level(tone) >= _severe_level(tone.scale)})


def _age(known: Evaluation) -> Criterion:
    drug, age = catalogue.load().drug(), known.person.age_years
    lowest = fact_number(drug, "lowest_label_age", "year")
    return _criterion(
        "age",
        f"{number(lowest)} years or older",
        at_least(age, lowest),
        _measured("age", age, "year"),
        notes(drug, "lowest_label_age"),
    )


def _severity(known: Evaluation) -> Criterion:
    rules = practice("candidacy")
    asked, penn = (fact_number(rules, name, "1") for name in ("severe_muscle_groups", "severe_penn"))
    groups = None if known.muscles is None else Fraction(severe_groups(known.muscles))
    frequency = None if known.penn_frequency is None else Fraction(known.penn_frequency)
    return _criterion(
        "severity",
        f"severe spasticity: Ashworth {rules.fact('severe_ashworth').text()} or more in {number(asked)} "
        f"muscle groups, or Penn {number(penn)} or more",
        any_of(at_least(groups, asked), at_least(frequency, penn)),
        (*_measured("severe muscle groups", groups, "1"), *_measured("Penn frequency", frequency, "1")),
        notes(rules, "severe_ashworth", "severe_muscle_groups", "severe_penn"),
    )


def _interference(known: Evaluation) -> Criterion:
    harms = known.interferes_with
    return _criterion(
        "interference",
        "spasticity interferes with comfort, function, activities, mobility, positioning or care",
        None if harms is None else bool(harms),
        () if harms is None else (Step("interferes with", ", ".join(sorted(harms)) or "nothing", "text"),),
        notes(practice("candidacy"), "interference"),
    )


def _oral_first(known: Evaluation) -> Criterion:
    return _criterion(
        "oral-baclofen",
        "oral baclofen failed or was not tolerated, asked of spinal origin",
        _oral_failed(known),
        _tried_steps(known),
        notes(practice("candidacy"), "oral_baclofen_first"),
    )


def _oral_failed(known: Evaluation) -> bool | None:
    if known.person.origin == "cerebral":
        return True
    if known.tried is None or known.person.origin is None:
        return None
    answers = [_failed(tried) for tried in known.tried if tried.drug == BACLOFEN]
    if True in answers:
        return True
    return None if None in answers else False


def _failed(tried: Tried) -> bool | None:
    """No effect counts at a known dose only: an unknown one may have been too small to tell."""
    if tried.ended == "no effect":
        return True if tried.dose_mg_per_day is not None else None
    return tried.ended == "side effects"


def _tried_steps(known: Evaluation) -> tuple[Step, ...]:
    return tuple(
        Step(f"{t.drug}, {_dose(t)}", t.ended, "text") for t in known.tried or () if t.drug == BACLOFEN
    )


def _dose(tried: Tried) -> str:
    return "dose unknown" if tried.dose_mg_per_day is None else f"{number(tried.dose_mg_per_day)} mg/day"


def _brain_injury(known: Evaluation) -> Criterion:
    rules, person = practice("candidacy"), known.person
    wait = fact_number(rules, "brain_injury_wait", "month")
    injured, since = person.has_traumatic_brain_injury, person.months_since_injury
    waited = at_least(since, wait)
    return _criterion(
        "brain-injury",
        f"{number(wait)} months or more after a traumatic brain injury",
        waited if injured else (None if injured is None else True),
        _measured("since the injury", since, "month") if injured else (),
        notes(rules, "brain_injury_wait"),
    )


def _pocket(known: Evaluation) -> Criterion:
    rules, depth = practice("candidacy"), known.person.pocket_depth_cm
    deepest = fact_number(rules, "deepest_pump", "cm")
    return _criterion(
        "pocket-depth",
        f"a pump can lie {number(deepest)} cm below the skin or less",
        None if depth is None else depth <= deepest,
        _measured("depth", depth, "cm"),
        notes(rules, "deepest_pump"),
        blocks=depth is not None,  # measured for the implant, not for the trial
    )


def _kidney(known: Evaluation) -> Criterion:
    rules, filtration = practice("candidacy"), known.person.filtration_ml_per_min
    least = fact_number(rules, "kidney_caution", "mL/min")
    return _criterion(
        "kidney",
        f"kidneys filter {number(least)} mL/min or more; below it lower doses and slower steps",
        at_least(filtration, least),
        _measured("filtration", filtration, "mL/min"),
        notes(rules, "kidney_caution"),
        blocks=filtration is None,  # to be known before a bolus; weak kidneys alone stop none
    )


def _drugs_known(known: Evaluation) -> Criterion:
    return _criterion(
        "drugs-asked",
        "drugs against clotting and interacting drugs have been asked for",
        None if known.takes is None else True,
        () if known.takes is None else (Step("takes", ", ".join(sorted(known.takes)) or "none", "text"),),
        notes(practice("anticoagulants"), *practice("anticoagulants").facts),
    )


_JUDGES: tuple[Callable[[Evaluation], Criterion], ...] = (
    _age,
    _severity,
    _interference,
    _oral_first,
    _brain_injury,
    _drugs_known,
    _kidney,
    _pocket,
)


def _questioned(known: Evaluation) -> tuple[Criterion, ...]:
    return tuple(_question(known, name) for name in questions().facts)


def _question(known: Evaluation, name: str) -> Criterion:
    fact = questions().fact(name)
    is_absent = None if name not in known.yes | known.no else name in known.no
    return _criterion(
        name.replace("_", "-"),
        f"no {fact.note}",
        is_absent,
        () if is_absent is None else (Step(fact.note, "no" if is_absent else "yes", "text"),),
        (source_note(questions(), name),),
        blocks=fact.text() != "caution",
    )


def _taken(known: Evaluation, entry_id: str) -> tuple[Advice, ...]:
    entry = practice(entry_id)
    return tuple(
        Advice(
            rule=f"{entry_id}.{name}",
            what=f"{name.replace('_', ' ')}: {entry.fact(name).text()}",
            why=entry.fact(name).note,
            steps=(),
            sources=notes(entry, name),
        )
        for name in entry.facts
        if name in (known.takes or ())
    )


def _level(tone: MuscleTone) -> int:
    scale = catalogue.load().scales.get(tone.scale)
    levels = {} if scale is None else {level.code: level.ordinal for level in scale.levels}
    if tone.code not in levels:
        expected = ", ".join(levels) if levels else "a scale of the catalogue"
        given = tone.code if levels else tone.scale
        raise CalculationError(f"{tone.muscle} {tone.side}: got {given!r}, expected {expected}")
    return levels[tone.code]


def _severe_level(scale: str) -> int:
    """The ordinal of the severe level; the 1 to 5 form counts one further for the same tone."""
    code = practice("candidacy").fact("severe_ashworth").text()
    shifted = str(int(code) + 1) if scale == "ashworth-1-5" else code
    return _level(MuscleTone("severe", "level", scale, shifted))


def _measured(text: str, value: Fraction | None, unit: str) -> tuple[Step, ...]:
    return () if value is None else (Step(text, value, unit),)


def _criterion(
    rule: str,
    what: str,
    is_met: bool | None,
    steps: tuple[Step, ...],
    sources: tuple[SourceNote, ...],
    blocks: bool = True,
) -> Criterion:
    return Criterion(
        rule=rule,
        what=what,
        verdict=verdict(is_met),
        why=_why(is_met, steps),
        blocks=blocks,
        steps=steps,
        sources=sources,
    )


def _why(is_met: bool | None, steps: tuple[Step, ...]) -> str:
    told = "; ".join(f"{step.text}: {_value(step)}" for step in steps)
    if is_met is None:
        return f"{told}; the rest is not known" if told else "not known"
    return told or "nothing speaks against it"


def _value(step: Step) -> str:
    if not isinstance(step.value, Fraction):
        return str(step.value)
    return number(step.value) if step.unit == "1" else f"{number(step.value)} {step.unit}"
