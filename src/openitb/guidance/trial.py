"""The screening trial: which bolus comes next, whether somebody responded, and the dose to start with.

Rules: clinical.md 1.3 and 2.2. Without a response to the highest bolus there is no pump.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from openitb import catalogue, units
from openitb.catalogue import Limits
from openitb.guidance.candidacy import MuscleTone
from openitb.guidance.dosing import StartDoseAnswer, start_dose
from openitb.guidance.findings import Criterion, any_of, every, questioned
from openitb.prescription.answers import Answer, CalculationError, Step, fact_number, notes, number, practice

TrialState = Literal["give", "wait", "judge first", "responder", "decide", "no pump"]


@dataclass(frozen=True, slots=True)
class Bolus:
    """A bolus given; `responded` is None until it was judged."""

    dose_pg: int
    at_ms: int
    responded: bool | None = None
    adverse_reaction: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialAnswer(Answer):
    """What comes next: a dose and from when on it may be given, or how the trial ends, with the reason."""

    state: TrialState
    dose_ug: Fraction | None
    earliest_ms: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Scores:
    """What was seen at one time. None was not asked; `lost` is a function the patient had before."""

    at_ms: int
    tone: tuple[MuscleTone, ...] = ()
    penn: int | None = None
    goal_met: bool | None = None
    lost: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseAnswer(Answer):
    """Whether a bolus worked: None while too little was scored to say no.

    `tone_fall` and `penn_fall` are the best seen, None without a pair. The effect lasted at least until
    `acting_ms`, at most until `gone_ms`, both since the bolus; `lost_function` weighs beside any gain.
    """

    responded: bool | None
    tone_fall: Fraction | None
    penn_fall: Fraction | None
    acting_ms: int | None
    gone_ms: int | None
    lost_function: bool | None


@dataclass(frozen=True, slots=True)
class Infusion:
    """A trial infusion as it runs: its dose, since when, since when the catheter lies, and what it does."""

    dose_pg_per_day: int
    since_ms: int
    catheter_since_ms: int
    responded: bool | None = None
    adverse_reaction: bool = False


def ready(yes: frozenset[str], no: frozenset[str]) -> tuple[bool | None, tuple[Criterion, ...]]:
    """Whether everything is ready for a bolus, and each thing that has to be."""
    criteria = questioned(practice("trial-ready"), yes, no)
    return every(criteria), criteria


def next_bolus(given: tuple[Bolus, ...], *, small_start: bool, now_ms: int) -> TrialAnswer:
    """The next bolus after those given, oldest first.

    `small_start` is for a very small child and whoever stands or moves by means of spasticity. Refuses
    with `CalculationError` boluses out of order or in the future.
    """
    _require_order(given, now_ms)
    if not given:
        first = "small_child_bolus" if small_start else "first_bolus"
        return _trial("give", "nothing was given yet", fact_number(_screening(), first, "ug"), now_ms)
    last = given[-1]
    ended = _ended(last)
    return ended or _escalated(last, now_ms)


def response(bolus_ms: int, before: Scores, after: tuple[Scores, ...]) -> ResponseAnswer:
    """Compare the scores after a bolus with those before it; the best of them counts."""
    rules = practice("trial-response")
    onset = bolus_ms + int(fact_number(rules, "onset", "ms"))
    later = tuple(sorted((s for s in after if s.at_ms >= onset), key=lambda s: s.at_ms))
    falls = tuple((s.at_ms - bolus_ms, fall) for s in later if (fall := _tone_fall(before, s)) is not None)
    tone = max((fall for _, fall in falls), default=None)
    penn = max((fall for s in later if (fall := _penn_fall(before, s)) is not None), default=None)
    acting, gone = _lasting(falls)
    return ResponseAnswer(
        responded=_responded(bolus_ms, later, tone, penn),
        tone_fall=tone,
        penn_fall=penn,
        acting_ms=acting,
        gone_ms=gone,
        lost_function=any_of(*(s.lost for s in later)) if later else None,
        steps=(*_fall_step("mean Ashworth fall", tone), *_fall_step("Penn fall", penn)),
        sources=notes(rules, *rules.facts),
    )


def suggested_start(bolus: Bolus, seen: ResponseAnswer) -> StartDoseAnswer:
    """The first daily dose after a positive trial; an effect whose end was not seen is taken for long.

    Refuses with `CalculationError` a bolus that did not work.
    """
    if not bolus.responded:
        raise CalculationError("responded: got no response, expected one before a dose is suggested")
    unseen = int(fact_number(catalogue.load().limits["start"], "long_effect", "ms")) + 1
    lasted = seen.gone_ms if seen.gone_ms is not None else max(unseen, seen.acting_ms or 0)
    return start_dose(bolus.dose_pg, lasted, adverse_reaction=bolus.adverse_reaction)


def next_infusion_step(running: Infusion | None, now_ms: int) -> TrialAnswer:
    """The continuous variant: the next daily dose through a temporary catheter, or how the trial ends."""
    if running is None:
        first = fact_number(practice("trial-infusion"), "start_dose", "ug/day")
        return _trial("give", "the infusion has not started", first, now_ms, "trial-infusion")
    if now_ms < running.since_ms:
        raise CalculationError("since: got a time after now, expected one before")
    return _infusion_ended(running, now_ms) or _infusion_raised(running, now_ms)


def _screening() -> Limits:
    return catalogue.load().limits["screening"]


def _trial(
    state: TrialState,
    why: str,
    dose_ug: Fraction | None = None,
    earliest_ms: int | None = None,
    entry_id: str = "screening",
) -> TrialAnswer:
    entry = _screening() if entry_id == "screening" else practice(entry_id)
    dose = () if dose_ug is None else (Step("dose", dose_ug, "ug" if entry_id == "screening" else "ug/day"),)
    return TrialAnswer(
        state=state,
        dose_ug=dose_ug,
        earliest_ms=earliest_ms,
        why=why,
        steps=dose,
        sources=notes(entry, *entry.facts),
    )


def _ended(last: Bolus) -> TrialAnswer | None:
    if last.responded:
        return _trial("responder", "the last bolus worked")
    if last.adverse_reaction:
        return _trial("decide", "an adverse reaction: the prescriber decides before any further bolus")
    if last.responded is None:
        return _trial("judge first", "the last bolus has not been judged")
    if Fraction(last.dose_pg, units.PG_PER_UG) >= fact_number(_screening(), "third_bolus", "ug"):
        return _trial("no pump", f"no response to {units.format_mass(last.dose_pg)}")
    return None


def _escalated(last: Bolus, now_ms: int) -> TrialAnswer:
    screening, given = _screening(), Fraction(last.dose_pg, units.PG_PER_UG)
    ladder = (fact_number(screening, name, "ug") for name in ("first_bolus", "second_bolus", "third_bolus"))
    dose = next(step for step in ladder if step > given)
    earliest = last.at_ms + int(fact_number(screening, "bolus_interval", "ms"))
    state: TrialState = "give" if now_ms >= earliest else "wait"
    apart = number(fact_number(screening, "bolus_interval", "hour"))
    return _trial(state, f"no response to {number(given)} ug; boluses are {apart} h apart", dose, earliest)


def _require_order(given: tuple[Bolus, ...], now_ms: int) -> None:
    times = [bolus.at_ms for bolus in given]
    if times != sorted(times) or any(at > now_ms for at in times):
        raise CalculationError("boluses: got times out of order or after now, expected oldest first")
    if any(bolus.dose_pg <= 0 for bolus in given):
        raise CalculationError("boluses: got a dose not above 0 µg, expected above zero")


def _tone_fall(before: Scores, after: Scores) -> Fraction | None:
    """Mean fall over the muscles scored on one scale both times; None without any."""
    earlier = {(tone.muscle, tone.side, tone.scale): tone for tone in before.tone}
    pairs = [(earlier.get((tone.muscle, tone.side, tone.scale)), tone) for tone in after.tone]
    falls = [_points(old) - _points(new) for old, new in pairs if old is not None]
    return sum(falls, Fraction(0)) / len(falls) if falls else None


def _points(tone: MuscleTone) -> Fraction:
    scale = catalogue.load().scales.get(tone.scale)
    known = [level.code for level in scale.levels] if scale else []
    if tone.code not in known:
        expected = ", ".join(known) or "a scale of the catalogue"
        raise CalculationError(f"{tone.muscle} {tone.side}: got {tone.code!r}, expected {expected}")
    if tone.code == "1+":
        return fact_number(practice("trial-response"), "one_plus", "1")
    return Fraction(tone.code)


def _penn_fall(before: Scores, after: Scores) -> Fraction | None:
    if before.penn is None or after.penn is None:
        return None
    return Fraction(before.penn - after.penn)


def _responded(
    bolus_ms: int, later: tuple[Scores, ...], tone: Fraction | None, penn: Fraction | None
) -> bool | None:
    rules = practice("trial-response")
    is_better = (
        (tone is not None and tone >= fact_number(rules, "tone_fall", "1"))
        or (penn is not None and penn >= fact_number(rules, "penn_fall", "1"))
        or any(scores.goal_met for scores in later)
    )
    until = bolus_ms + int(fact_number(rules, "scored_within", "ms"))
    times = sum(scores.at_ms <= until and bool(scores.tone) for scores in later)
    return True if is_better else (False if times >= fact_number(rules, "scored_times", "1") else None)


def _lasting(falls: tuple[tuple[int, Fraction], ...]) -> tuple[int | None, int | None]:
    """Since the bolus: the last time with less tone than before, and the first after it without."""
    acting = max((at for at, fall in falls if fall > 0), default=None)
    if acting is None:
        return None, None
    return acting, min((at for at, _ in falls if at > acting), default=None)


def _fall_step(text: str, fall: Fraction | None) -> tuple[Step, ...]:
    return () if fall is None else (Step(text, fall, "1"),)


def _infusion_ended(running: Infusion, now_ms: int) -> TrialAnswer | None:
    rules = practice("trial-infusion")
    if running.responded:
        return _trial("responder", "the infusion works", entry_id=rules.entry_id)
    if running.adverse_reaction:
        return _trial("decide", "an adverse reaction: the prescriber decides", entry_id=rules.entry_id)
    if now_ms - running.catheter_since_ms >= fact_number(rules, "longest", "ms"):
        return _trial("decide", "the catheter lies as long as it may: take it out", entry_id=rules.entry_id)
    return None


def _infusion_raised(running: Infusion, now_ms: int) -> TrialAnswer:
    rules = practice("trial-infusion")
    highest, step = (fact_number(rules, name, "ug/day") for name in ("highest_dose", "dose_step"))
    dose = Fraction(running.dose_pg_per_day, units.PG_PER_UG)
    earliest = running.since_ms + int(fact_number(rules, "step_interval", "ms"))
    if now_ms < earliest:
        return _trial("wait", "an infusion takes a day to act", None, earliest, rules.entry_id)
    if running.responded is None:
        return _trial("judge first", "this dose has not been judged", entry_id=rules.entry_id)
    if dose >= highest:
        return _trial("no pump", f"no response to {number(dose)} ug/day", entry_id=rules.entry_id)
    return _trial(
        "give", f"no response to {number(dose)} ug/day", min(highest, dose + step), earliest, rules.entry_id
    )
