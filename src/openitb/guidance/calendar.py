"""Dates of plans: whole calendar days and months, months clipped to their last day."""

from calendar import monthrange
from datetime import date, timedelta

from openitb.catalogue import Fact
from openitb.prescription.answers import CalculationError

_MONTHS = {"month": 1, "year": 12}
_MONTHS_PER_YEAR = 12


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month; negative goes back."""
    years, month = divmod(day.year * _MONTHS_PER_YEAR + day.month - 1 + months, _MONTHS_PER_YEAR)
    if not date.min.year <= years <= date.max.year:
        raise CalculationError(f"date: got {day} and {months} months, expected a date the calendar holds")
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def days_after(day: date, days: int) -> date:
    """So many days later; `CalculationError` beyond the calendar."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        raise CalculationError(f"date: got {day} and {days} days, expected one the calendar holds") from None


def after(day: date, fact: Fact) -> date:
    """A day plus a duration of the catalogue: months and years by the calendar, others in whole days."""
    if fact.unit in _MONTHS:
        return months_after(day, fact.whole(fact.unit) * _MONTHS[fact.unit])
    return days_after(day, fact.whole("day"))
