"""Priming bolus: how much to advance so that drug stands at the catheter tip, and what a wrong answer does.

Plug flow: what stands nearest the tip goes out first, fluid from the reservoir follows. At priming
speed drug and water really mix, so some drug arrives early and the column behind is thinned
(device.md 3.3); the patient is watched after every start.

Holds: BOL-10, BOL-11.
"""

from dataclasses import dataclass
from fractions import Fraction

from openitb import units
from openitb.catalogue import Pump
from openitb.prescription.answers import Answer, CalculationError, Step, notes, number, practice, source_note
from openitb.prescription.calculators.path import (
    FluidPath,
    require_dose,
    require_strength,
)

HOLDS = ("drug", "csf", "empty")
State = tuple[bool, bool]  # drug in the tubing, drug in the catheter

STATES: tuple[State, ...] = ((True, True), (True, False), (False, True), (False, False))
MINUTES_PER_DAY = units.MS_PER_DAY // units.MS_PER_MIN


@dataclass(frozen=True, slots=True)
class PrimeQuestion:
    """A path, the strength in the reservoir and what tubing and catheter hold now.

    `dose_pg_per_day` is optional: with it, a stretch without drug is also given in hours.
    """

    path: FluidPath
    concentration_ug_per_ml: int
    tubing_holds: str
    catheter_holds: str
    pump: Pump
    dose_pg_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a prime does to a path: drug that leaves the tip, and fluid without drug left behind."""

    tubing_holds: str
    catheter_holds: str
    csf_dose_ug: Fraction
    without_drug_ml: Fraction
    without_drug_h: Fraction | None
    text: str


@dataclass(frozen=True, slots=True)
class OtherTubing:
    """The same prime with the other tubing constant."""

    tubing_ml: Fraction
    volume_ml: Fraction
    if_other_is_true: Pushed
    if_other_is_used_wrongly: Pushed


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimeAnswer(Answer):
    """The prime and its consequences.

    `dose_ug` is what a programmer shows for it, volume times concentration; `csf_dose_ug` is the drug
    that reaches the CSF during the prime. `without_drug_ml` stays in the path and
    reaches the tip later. `if_wrong` holds one entry for each way the two answers can be wrong.
    """

    volume_ml: Fraction
    duration_min: Fraction
    dose_ug: Fraction
    csf_dose_ug: Fraction
    without_drug_ml: Fraction
    without_drug_h: Fraction | None
    if_wrong: tuple[Pushed, ...]
    other_tubing: OtherTubing | None
    warning: str


def prime(question: PrimeQuestion) -> PrimeAnswer:
    """The priming bolus for what the path holds now (device.md 3.3).

    Tubing and catheter without drug: both volumes. Catheter without drug: the catheter. Tubing without
    drug behind a catheter full of it, as after a pump change: the tubing only, and that much drug goes
    into the CSF. Nothing without drug: nothing to prime. Refuses anything but drug, csf or empty with
    `CalculationError`: an unknown content has to be found out first.
    """
    require_strength(question.concentration_ug_per_ml, "concentration")
    _require_known(question, "tubing-holds", question.tubing_holds)
    _require_known(question, "catheter-holds", question.catheter_holds)
    volume = _volume(question.path, question)
    result = _push(question, question.path, volume, _state(question))
    return PrimeAnswer(
        volume_ml=volume,
        duration_min=volume / _prime_flow(question) * MINUTES_PER_DAY,
        csf_dose_ug=result.csf_dose_ug,
        dose_ug=volume * question.concentration_ug_per_ml,
        without_drug_ml=result.without_drug_ml,
        without_drug_h=result.without_drug_h,
        if_wrong=_if_wrong(question, volume),
        other_tubing=_other_tubing(question),
        warning=_warning(question),
        steps=_steps(question, volume, result),
        sources=(
            *question.path.notes,
            source_note(question.pump, "highest_flow"),
            *notes(practice("prime"), "drug_mixes_at_priming_speed", "observation"),
        ),
    )


def _prime_flow(question: PrimeQuestion) -> Fraction:
    return Fraction(question.pump.highest_flow_nl_per_day, units.NL_PER_ML)


def _state(question: PrimeQuestion) -> State:
    return question.tubing_holds == "drug", question.catheter_holds == "drug"


def _volume(path: FluidPath, question: PrimeQuestion) -> Fraction:
    match _state(question):
        case (True, True):
            return Fraction(0)
        case (True, False):
            return path.catheter_ml
        case (False, True):
            return path.tubing_ml
        case _:
            return path.volume_ml


def _push(question: PrimeQuestion, path: FluidPath, volume_ml: Fraction, state: State) -> Pushed:
    """Push `volume_ml` from the reservoir through a path in some state, first in first out."""
    in_tubing, in_catheter = state
    from_catheter = min(volume_ml, path.catheter_ml)
    from_tubing = min(volume_ml - from_catheter, path.tubing_ml)
    beyond = volume_ml - from_catheter - from_tubing
    drug_ml = from_catheter * in_catheter + from_tubing * in_tubing + beyond
    catheter_left, tubing_left = path.catheter_ml - from_catheter, path.tubing_ml - from_tubing
    left = catheter_left * (not in_catheter) + tubing_left * (not in_tubing)
    dose, hours = drug_ml * question.concentration_ug_per_ml, _hours(question, left)
    return Pushed(*_words(question, state), dose, left, hours, _effect(dose, left, hours))


def _words(question: PrimeQuestion, state: State) -> tuple[str, str]:
    """Tubing and catheter content in words: the answer given where it agrees with the state."""
    given = (question.tubing_holds, question.catheter_holds)
    other = {True: "drug", False: "no drug"}
    tubing, catheter = (
        answer if (answer == "drug") == has_drug else other[has_drug]
        for answer, has_drug in zip(given, state, strict=True)
    )
    return tubing, catheter


def _effect(csf_dose_ug: Fraction, left_ml: Fraction, hours: Fraction | None) -> str:
    parts = []
    if csf_dose_ug:
        parts.append(f"{number(csf_dose_ug, 1)} ug goes into the CSF at once as a bolus")
    if left_ml:
        time = "for its volume over the flow" if hours is None else f"for {number(hours, 1)} h"
        parts.append(f"{number(left_ml)} mL without drug stays in the path: no drug {time} when it passes")
    return "; ".join(parts) or "the drug stands at the tip and none has left it"


def _hours(question: PrimeQuestion, volume_ml: Fraction) -> Fraction | None:
    if question.dose_pg_per_day is None:
        return None
    flow = require_dose(question.dose_pg_per_day) / question.concentration_ug_per_ml
    return volume_ml / flow * units.HOURS_PER_DAY


def _if_wrong(question: PrimeQuestion, volume_ml: Fraction) -> tuple[Pushed, ...]:
    wrong = (state for state in STATES if state != _state(question))
    return tuple(_push(question, question.path, volume_ml, state) for state in wrong)


def _other_tubing(question: PrimeQuestion) -> OtherTubing | None:
    other = question.path.with_other_tubing()
    if other is None:
        return None
    volume, other_volume = (_volume(path, question) for path in (question.path, other))
    return OtherTubing(
        tubing_ml=other.tubing_ml,
        volume_ml=other_volume,
        if_other_is_true=_push(question, other, volume, _state(question)),
        if_other_is_used_wrongly=_push(question, question.path, other_volume, _state(question)),
    )


def _steps(question: PrimeQuestion, volume_ml: Fraction, result: Pushed) -> tuple[Step, ...]:
    shown, flow, strength = f"{number(volume_ml)} mL", _prime_flow(question), question.concentration_ug_per_ml
    minutes = volume_ml / flow * MINUTES_PER_DAY
    return (
        question.path.step,
        Step(f"prime: {_WANTED[_state(question)]}", volume_ml, "mL"),
        Step(f"duration = {shown} ÷ {number(flow)} mL/day × {MINUTES_PER_DAY} min/day", minutes, "min"),
        Step(f"programmed dose = {shown} × {strength} ug/mL", volume_ml * strength, "ug"),
        Step("of it reaches the CSF: the drug that stood nearest the tip", result.csf_dose_ug, "ug"),
    )


_WANTED: dict[State, str] = {
    (False, False): "tubing and catheter hold no drug: both",
    (True, False): "the tubing holds drug: the catheter only",
    (False, True): "the catheter holds drug: the tubing only",
    (True, True): "both hold drug: nothing",
}


def _warning(question: PrimeQuestion) -> str:
    if _state(question) == (False, True):
        return (
            "priming behind a catheter that holds drug gives that drug as a bolus and leaves a gap behind "
            "it: prime the pump before connecting it, or do not prime"
        )
    if "empty" in (question.tubing_holds, question.catheter_holds):
        return "air in the path is pushed out ahead of the drug: fill with saline or drug before connecting"
    return "drug and water mix at priming speed: some drug comes early, watch the patient after the start"


def _require_known(question: PrimeQuestion, field: str, holds: str) -> None:
    if holds in HOLDS:
        return
    volume = question.path.volume_ml
    bolus = number(volume * question.concentration_ug_per_ml, 1)
    raise CalculationError(
        f"{field}: got {holds!r}, expected {', '.join(HOLDS[:-1])} or {HOLDS[-1]}: find out first, a wrong "
        f"guess gives up to {bolus} µg as a bolus or leaves up to {number(volume)} mL without drug"
    )
