"""Figures that look like a slip of the finger: ten-fold, or one digit away from the figure before.

Holds: PRG-05.
"""

from decimal import Decimal

from openitb import catalogue
from openitb.programmer.entry import show_number


def slip(old: Decimal, new: Decimal) -> str:
    """Why `new` may be `old` typed wrongly, in one line; empty where nothing speaks for it.

    Both are figures of the same unit, zero or more. A change by ten or more either way is named
    whatever the digits; one digit left out or put in, or the decimal mark moved, is named if it
    changes the figure enough to matter.
    """
    if not old or not new or old == new:
        return ""
    ratio = max(old, new) / min(old, new)
    if ratio >= _fact("every-patient", "distinct_change_factor"):
        way = "more than" if new > old else "less than"
        return f"ten times or more {way} before: {show_number(old)} to {show_number(new)}"
    if ratio >= _fact("programmer", "slip_factor") and _one_digit_apart(old, new):
        return f"one digit away from before: {show_number(old)} to {show_number(new)}"
    return ""


def _one_digit_apart(old: Decimal, new: Decimal) -> bool:
    shorter, longer = sorted((_digits(old), _digits(new)), key=len)
    if len(longer) != len(shorter) + 1:
        return False
    return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))


def _digits(value: Decimal) -> str:
    return show_number(value)


def _fact(entry: str, name: str) -> Decimal:
    book = catalogue.load()
    held = book.limits.get(entry) or book.practice[entry]
    return held.fact(name).number("1")
