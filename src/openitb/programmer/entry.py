"""What is typed at the programmer: one grammar for numbers, one fixed unit for every field.

A number is digits with a leading zero where it is below one, at most one decimal mark, and no
trailing zero after it: `0.5`, never `.5`, `5.0`, `5,000` or `5e3`. Decimal point and decimal comma
are never both accepted, so that a grouping mark cannot be taken for either.

Holds: PRG-01, PRG-02, PRG-06, PRG-08, PRG-13.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from openitb import units

Mark = Literal[".", ","]

HOURS_PER_DAY = units.MS_PER_DAY // units.MS_PER_H
MINUTES_PER_HOUR = units.MS_PER_H // units.MS_PER_MIN

_LONGEST = 12  # characters; no clinical figure needs more
_NUMBERS: dict[Mark, re.Pattern[str]] = {
    mark: re.compile(rf"(?:0|[1-9][0-9]*)(?:{re.escape(mark)}[0-9]*[1-9])?") for mark in (".", ",")
}
_MICRO = {"µg": "ug", "μg": "ug", "mcg": "ug"}


class EntryError(ValueError):
    """What was typed cannot be taken; one line that names the field and what is expected."""


@dataclass(frozen=True, slots=True)
class NumberField:
    """A field for one number. `unit` is fixed and shown beside it; the value is kept in whole `read` units.

    There is no default: an empty field is empty.
    """

    key: str
    label: str
    unit: str
    read: Callable[[object, str], int]
    show: Callable[[int], str]

    @property
    def prompt(self) -> str:
        """The label with its unit, as the field is shown."""
        return f"{self.label} [{self.unit.replace('ug', 'µg')}]"

    def typed(self, text: str, mark: Mark = ".") -> int:
        """The value of a bare number typed into the field; `EntryError` for anything else."""
        return self._value(read_number(text, self.key, mark), text)

    def stated(self, text: object) -> int:
        """The value of a number written with its unit; `EntryError` without it or with another."""
        if not isinstance(text, str):
            raise EntryError(f"{self.key}: got {text!r}, expected a number with its unit, {self.unit}")
        number, _, unit = text.strip().partition(" ")
        if _plain_unit(unit) != self.unit:
            given = f"the unit {unit!r}" if unit else "no unit"
            raise EntryError(f"{self.key}: got {text!r} with {given}, expected {self.unit}")
        return self._value(read_number(number, self.key), text)

    def _value(self, number: Decimal, text: str) -> int:
        try:
            return self.read(f"{number:f} {self.unit}", self.key)
        except units.UnitError as error:
            raise EntryError(f"{error} (typed {text!r})") from None


def read_number(text: str, field: str, mark: Mark = ".") -> Decimal:
    """A number of the grammar above, exact; `EntryError` says what is wrong with it."""
    if len(text) > _LONGEST or _NUMBERS[mark].fullmatch(text) is None:
        raise EntryError(f"{field}: got {text!r:.40}, expected {_complaint(text, mark)}")
    return Decimal(text.replace(",", "."))


def show_number(value: Decimal, mark: Mark = ".") -> str:
    """A number as it is displayed: what `read_number` reads back as the same number."""
    whole = f"{value:f}"
    plain = whole.rstrip("0").rstrip(".") if "." in whole else whole
    return plain.replace(".", mark)


def _complaint(text: str, mark: Mark) -> str:
    if not text:
        return "a number (nothing was entered, and there is no default)"
    if text.startswith(mark):
        return f"a leading zero, as in 0{mark}5"
    if mark in text and text.rstrip("0") != text and text.count(mark) == 1:
        return f"no trailing zero: {text} is easily read as {text.replace(mark, '')}"
    if text[0] == "0" and text[1:2].isdigit():
        return "no zero in front of the number"
    other = "," if mark == "." else "."
    if other in text or " " in text:
        return f"digits without grouping, with {mark!r} as the decimal mark"
    return f"plain digits with at most one {mark!r}, no sign and no exponent, such as 12{mark}5"


def _plain_unit(unit: str) -> str:
    for written, plain in _MICRO.items():
        unit = unit.replace(written, plain)
    return unit.strip()


@dataclass(frozen=True, slots=True)
class Interval:
    """A span entered as hours and minutes in controls of their own, and what it means in words."""

    hours: int
    minutes: int

    @property
    def ms(self) -> int:
        """The span in ms."""
        return self.hours * units.MS_PER_H + self.minutes * units.MS_PER_MIN

    @property
    def words(self) -> str:
        """`6 hours 0 minutes`."""
        hours, minutes = _counted(self.hours, "hour"), _counted(self.minutes, "minute")
        return f"{hours} {minutes}"

    def echo(self, dose_pg: int) -> str:
        """What repeating a dose at this interval comes to, in words, events per day and dose per day."""
        times = Decimal(units.MS_PER_DAY) / self.ms
        daily = units.format_dose(units.divide_nearest(dose_pg * units.MS_PER_DAY, self.ms))
        often = units.format_number(times, 2)
        return f"{units.format_mass(dose_pg)} every {self.words}: {often} times a day, {daily} in all"


def read_interval(hours: str, minutes: str, field: str) -> Interval:
    """An interval from its two controls.

    Both must be filled in, minutes below 60, the whole above zero: an interval of hours typed into
    the minutes has killed (safety.md INC-01). Refuses with `EntryError`.
    """
    whole = [read_number(text, f"{field}.{name}") for name, text in (("hours", hours), ("minutes", minutes))]
    for name, value in zip(("hours", "minutes"), whole, strict=True):
        if value != value.to_integral_value():
            raise EntryError(f"{field}.{name}: got {value}, expected a whole number")
    made = Interval(int(whole[0]), int(whole[1]))
    if made.minutes >= MINUTES_PER_HOUR:
        raise EntryError(f"{field}.minutes: got {made.minutes}, expected 0 to {MINUTES_PER_HOUR - 1}")
    if made.ms == 0:
        raise EntryError(f"{field}: got {made.words}, expected above zero")
    return made


def read_interval_table(given: object, field: str) -> Interval:
    """An interval written as `{hours = 6, minutes = 0}`; `EntryError` for any other form."""
    known = {"hours", "minutes"}
    if not isinstance(given, Mapping) or set(given) != known:
        raise EntryError(f"{field}: got {given!r}, expected both hours and minutes")
    if not all(type(given[name]) is int for name in known):
        raise EntryError(f"{field}: got {given!r}, expected whole hours and whole minutes")
    return read_interval(str(given["hours"]), str(given["minutes"]), field)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _count(text: object, field: str) -> int:
    number, _, _ = str(text).partition(" ")
    if not number.isdecimal():
        raise units.UnitError(f"{field}: got {text}, expected a whole number")
    return int(number)


DOSE = NumberField("dose", "Daily dose", "ug/day", units.dose_pg_per_day, units.format_dose)
MASS = NumberField("mass", "Dose of each", "ug", units.mass_pg, units.format_mass)
DOSE_RATE = NumberField("dose_rate", "Dose rate", "ug/h", units.dose_rate_pg_per_h, units.format_dose_rate)
CONCENTRATION = NumberField(
    "concentration",
    "Concentration filled in",
    "ug/mL",
    units.concentration_ug_per_ml,
    units.format_concentration,
)
VOLUMES = {
    key: NumberField(key, label, "mL", units.volume_nl, units.format_volume)
    for key, label in (
        ("drawn_volume", "Volume drawn out"),
        ("injected_volume", "Volume filled in"),
        ("bridge_volume", "Bridge: old drug still to come out, 0 for none on purpose"),
        ("prime_volume", "Prime: volume moved at the highest flow first, 0 for none"),
        ("low_alarm", "Low-reservoir alarm at"),
    )
}
BOLUS_DOSE = NumberField("bolus_dose", "Bolus", "ug", units.mass_pg, units.format_mass)
PATIENT_DOSE = NumberField("patient_dose", "Each bolus on request", "ug", units.mass_pg, units.format_mass)
PATIENT_MOST = NumberField("patient_most", "At most", "in 24 h", _count, str)
ADJUST_STEP = NumberField("adjust_step", "Each step", "percent", _count, str)
ADJUST_LOW, ADJUST_HIGH = (
    NumberField(key, label, "ug/day", units.dose_pg_per_day, units.format_dose)
    for key, label in (
        ("adjust_low", "No lower than"),
        ("adjust_high", "No higher than"),
    )
)
ADJUSTMENT = (ADJUST_STEP, ADJUST_LOW, ADJUST_HIGH)
NUMBER_FIELDS: Mapping[str, NumberField] = {
    field.key: field for field in (DOSE, CONCENTRATION, BOLUS_DOSE, PATIENT_DOSE, PATIENT_MOST, *ADJUSTMENT)
} | VOLUMES
INTERVAL_FIELDS: Mapping[str, str] = {
    "bolus_duration": "Bolus over",
    "patient_duration": "Each over",
    "patient_lockout": "Lock-out, again no sooner than",
    "silence_for": "Silent for",
}
