"""How a clinic is doing: proportions, rates per patient-year and times to action, each with its denominator.

Nobody observed is no figure, never zero. Proportions carry Wilson's interval, rates the exact Poisson one
(Garwood), from SciPy.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from scipy.stats import chi2, norm

from openitb import units
from openitb.prescription.answers import Answer, CalculationError, Step, fact_number, notes, practice


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion(Answer):
    """`count` of `of`, with the interval; the values are None where nobody was observed."""

    count: int
    of: int
    value: Fraction | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate(Answer):
    """`count` events in `patient_years`, per patient-year, with the interval; None without any time."""

    count: int
    patient_years: Fraction
    per_year: Fraction | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Times(Answer):
    """Times from a finding to its action: quartiles of those done, in ms, and how many are still open.

    `oldest_open_ms` is how long the longest of those has waited. None where there is none.
    """

    done: int
    still_open: int
    lower_ms: int | None
    median_ms: int | None
    upper_ms: int | None
    oldest_open_ms: int | None


@dataclass(frozen=True, slots=True)
class Refilled:
    """One refill: the day in ms it was due by, and when it was done; None is still open."""

    due_ms: int
    done_ms: int | None


@dataclass(frozen=True, slots=True)
class Followed:
    """One person's time under observation; `until_ms` None goes on now."""

    from_ms: int
    until_ms: int | None


def proportion(count: int, of: int) -> Proportion:
    """A proportion with Wilson's score interval. Refuses counts below zero or above the whole."""
    if not 0 <= count <= of:
        raise CalculationError(f"count: got {count}, expected 0 to {of}")
    low, high = _wilson(count, of) if of else (None, None)
    return Proportion(
        count=count,
        of=of,
        value=Fraction(count, of) if of else None,
        low=low,
        high=high,
        steps=(Step("counted", count, f"of {of}"),),
        sources=notes(practice("outcomes"), "confidence"),
    )


def rate(count: int, patient_years: Fraction) -> Rate:
    """A rate per patient-year with the exact Poisson interval; events without any time are refused."""
    if count < 0 or patient_years < 0 or (count and not patient_years):
        raise CalculationError(
            f"count: got {count} in {float(patient_years)} years, expected time for events"
        )
    low, high = _garwood(count, float(patient_years)) if patient_years else (None, None)
    return Rate(
        count=count,
        patient_years=patient_years,
        per_year=count / patient_years if patient_years else None,
        low=low,
        high=high,
        steps=(Step("events", count, "1"), Step("observed", patient_years, "year")),
        sources=notes(practice("outcomes"), "confidence", "year"),
    )


def missed_refills(refills: Iterable[Refilled], now_ms: int) -> Proportion:
    """Refills done after they were due, or due and not done, of all that were due or done by now."""
    counted = [refill for refill in refills if _has_come(refill, now_ms)]
    return proportion(sum(_is_missed(refill, now_ms) for refill in counted), len(counted))


def patient_years(followed: Iterable[Followed], now_ms: int) -> Fraction:
    """Time under observation of all people together, up to now."""
    spans = (min(each.until_ms or now_ms, now_ms) - each.from_ms for each in followed)
    total_ms = sum(max(0, span) for span in spans)
    return Fraction(total_ms, units.MS_PER_DAY) / fact_number(practice("outcomes"), "year", "day")


def time_to_action(pairs: Iterable[tuple[int, int | None]], now_ms: int) -> Times:
    """From (found, acted on or None) in ms; what is still open is counted and never left out silently."""
    known = tuple(pairs)
    waits = sorted(acted - found for found, acted in known if acted is not None)
    if waits and waits[0] < 0:
        raise CalculationError("acted: got a time before the finding, expected one after it")
    waiting = [now_ms - found for found, acted in known if acted is None]
    lower, median, upper = (
        _quantile(waits, part) for part in (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))
    )
    return Times(
        done=len(waits),
        still_open=len(waiting),
        lower_ms=lower,
        median_ms=median,
        upper_ms=upper,
        oldest_open_ms=max(waiting, default=None),
        steps=(Step("acted on", len(waits), f"of {len(known)}"),),
        sources=(),
    )


def _has_come(refill: Refilled, now_ms: int) -> bool:
    """Due by now, or done by now; what is entered for later is not counted yet."""
    return refill.due_ms <= now_ms or (refill.done_ms is not None and refill.done_ms <= now_ms)


def _is_missed(refill: Refilled, now_ms: int) -> bool:
    return refill.due_ms < (now_ms if refill.done_ms is None else min(refill.done_ms, now_ms))


@lru_cache(maxsize=1)
def _confidence() -> float:
    return float(fact_number(practice("outcomes"), "confidence", "1"))


def _wilson(count: int, of: int) -> tuple[float, float]:
    z = float(norm.ppf((1 + _confidence()) / 2))
    share, spread = count / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * (share * (1 - share) / of + spread / (4 * of)) ** 0.5 / (1 + spread)
    return (0.0 if not count else middle - half), (1.0 if count == of else middle + half)


def _garwood(count: int, years: float) -> tuple[float, float]:
    tail = (1 - _confidence()) / 2
    low = float(chi2.ppf(tail, 2 * count)) / 2 if count else 0.0
    return low / years, float(chi2.ppf(1 - tail, 2 * count + 2)) / 2 / years


def _quantile(ordered: list[int], part: Fraction) -> int | None:
    """Between the two nearest, to the whole ms below; None of nothing."""
    if not ordered:
        return None
    place = part * (len(ordered) - 1)
    below = place.numerator // place.denominator
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + int((place - below) * (ordered[above] - ordered[below]))
