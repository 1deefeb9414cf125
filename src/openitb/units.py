"""Canonical units: text becomes a quantity here, once, and is printed from here.

Exact rooms (prescription, implant, catheter) count integers: volume in nL, drug in pg, time in ms,
a label concentration in µg/mL, so that 1 nL of 1 µg/mL carries exactly 1 pg. The body works in
float µg, mL and h. Text is read by Pint; `mcg`, `µg` and `ug` are the same, and UCUM spellings such
as `ug/d` are accepted. A number without a unit, or with the wrong one, raises `UnitError`.

Holds: PRG-01, PRG-06.
"""

import re
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Literal

import pint

NL_PER_ML = 1_000_000
PG_PER_UG = 1_000_000
MS_PER_S = 1_000
MS_PER_MIN = 60 * MS_PER_S
MS_PER_H = 60 * MS_PER_MIN
MS_PER_DAY = 24 * MS_PER_H
MS_PER_WEEK = 7 * MS_PER_DAY
HOURS_PER_DAY = 24

Micro = Literal["µg", "mcg"]

_NUMBER_AND_UNIT = re.compile(r"\s*([+-]?[0-9]+(?:\.[0-9]+)?)\s*((?:1/)?[A-Za-zµμ%][A-Za-z0-9µμ%/*^ -]*)\s*")
_NUMBER_ONLY = re.compile(r"\s*[+-]?[0-9]+(?:\.[0-9]+)?\s*$")
_EXPONENT = re.compile(r"\s*[+-]?[0-9]*\.?[0-9]+[eE][+-]?[0-9]")
_SLIPS = (
    (_EXPONENT, "no exponent: the digits in full"),
    (re.compile(r"\s*[+-]?\.[0-9]"), "the leading zero is missing"),
    (_NUMBER_ONLY, "the unit is missing"),
)
_PART = re.compile(r"[A-Za-zµ%]+\d?|\d+")  # a number in a unit is none: "ug/0h" says nothing
_POWER = re.compile(r"(?:\*\*|\^) *\d")
_WHOLE = Decimal(1)
_DAY = ("day", "days", "d")
_HOUR = ("h", "hr", "hour", "hours")
# Closed on purpose: Pint would also read "dday" as a tenth of a day.
_KNOWN_TEXT = (
    "pg ng ug µg mcg mg g kg nL uL µL mL L nl ul ml l ms s sec second seconds min minute minutes "
    "week weeks wk month months year years mm cm cm2 cm3 m um µm percent % points point C degC kPa "
    "cm**2 cm^2"
)
_KNOWN = frozenset((*_KNOWN_TEXT.split(" "), *_DAY, *_HOUR, "1"))


class UnitError(ValueError):
    """A text is not a quantity of the expected kind; the message is one line for a person."""


@lru_cache(maxsize=1)
def registry() -> "pint.UnitRegistry[Decimal]":
    """The unit registry, on exact decimals, with the spellings clinics use."""
    units: pint.UnitRegistry[Decimal] = pint.UnitRegistry(
        non_int_type=Decimal, cache_folder=None, on_redefinition="ignore"
    )
    units.define("mcg = microgram")
    units.define("point = []")
    units.define("cm2 = centimeter ** 2")
    units.define("cm3 = centimeter ** 3")
    return units


def quantity(
    text: object,
    unit: str,
    field: str,
    *,
    at_least: Decimal | int | str | None = None,
    at_most: Decimal | int | str | None = None,
) -> Decimal:
    """Read `text`, a number with a unit, as a decimal number of `unit`.

    `at_least` and `at_most` are in `unit` and inclusive. Raises `UnitError` for anything else than
    one plain decimal number followed by a unit of the same dimension, and outside the limits.
    """
    number, given_unit = _split(text, unit, field)
    value = _converted(number, given_unit, unit, field, text)
    if at_least is not None and value < Decimal(at_least):
        raise UnitError(f"{field}: got {text}, expected at least {at_least} {unit}")
    if at_most is not None and value > Decimal(at_most):
        raise UnitError(f"{field}: got {text}, expected at most {at_most} {unit}")
    return value


def convert(value: Decimal | int | float | str, from_unit: str, to_unit: str) -> Decimal:
    """Convert an exact `value` between units; raises `UnitError` if they measure different things."""
    return _converted(Decimal(str(value)), from_unit, to_unit, "value", f"{value} {from_unit}")


def volume_nl(text: object, field: str) -> int:
    """Read a volume such as `18 mL` as whole nL, 0 to 1 L."""
    return _whole(quantity(text, "mL", field, at_least=0, at_most=1_000) * NL_PER_ML, text, field, "nL")


def mass_pg(text: object, field: str) -> int:
    """Read an amount of drug such as `50 ug` as whole pg, 0 to 10 g."""
    return _whole(quantity(text, "ug", field, at_least=0, at_most=10**7) * PG_PER_UG, text, field, "pg")


def concentration_ug_per_ml(text: object, field: str) -> int:
    """Read a label concentration such as `500 ug/mL` as whole µg/mL, 1 to 100 mg/mL."""
    value = quantity(text, "ug/mL", field, at_least=1, at_most=100_000)
    return _whole(value, text, field, "µg/mL")


def dose_pg_per_day(text: object, field: str) -> int:
    """Read a daily dose such as `200 ug/day` as whole pg/day, 0 to 1 g/day.

    Only per day: a dose rate per hour has fields of its own, and taking one for the other is a
    24-fold error (safety.md INC-12, INC-13).
    """
    value = _per(text, "day", "ug/day", field)
    return _whole(value * PG_PER_UG, text, field, "pg/day")


def dose_rate_pg_per_h(text: object, field: str) -> int:
    """Read a dose rate such as `12 ug/h` as whole pg/h, 0 to 1 g/h; only per hour."""
    value = _per(text, "h", "ug/h", field)
    return _whole(value * PG_PER_UG, text, field, "pg/h")


def flow_nl_per_day(text: object, field: str) -> int:
    """Read a flow such as `0.4 mL/day` as whole nL/day, 0 to 1 L/day."""
    value = quantity(text, "mL/day", field, at_least=0, at_most=1_000)
    return _whole(value * NL_PER_ML, text, field, "nL/day")


def duration_ms(text: object, field: str) -> int:
    """Read a duration such as `10 day` or `90 min` as whole ms, 0 to 200 years."""
    value = quantity(text, "h", field, at_least=0, at_most=200 * 366 * HOURS_PER_DAY)
    return _whole(value * MS_PER_H, text, field, "ms")


def round_half_even(value: Decimal) -> int:
    """The nearest whole number, ties to even."""
    return int(value.quantize(_WHOLE, rounding=ROUND_HALF_EVEN))


def divide_nearest(numerator: int, denominator: int) -> int:
    """Integer quotient rounded to nearest, halves down (the smaller dose); denominator above 0."""
    return (2 * numerator + denominator - 1) // (2 * denominator)


def format_number(value: Decimal | int | float, places: int = 3) -> str:
    """Print without a trailing zero and with a leading one, as medication safety asks."""
    text = f"{Decimal(str(value)):.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def format_volume(volume_nl: int, places: int = 3) -> str:
    """`375000` nL prints as `0.375 mL`."""
    return f"{format_number(Decimal(volume_nl) / NL_PER_ML, places)} mL"


def format_flow(rate_nl_per_day: int, places: int = 3) -> str:
    """`400000` nL/day prints as `0.4 mL/day`."""
    return f"{format_number(Decimal(rate_nl_per_day) / NL_PER_ML, places)} mL/day"


def format_mass(mass_pg: int, micro: Micro = "µg", places: int = 2) -> str:
    """`187500000` pg prints as `187.5 µg`, or `187.5 mcg` where the clinic writes that."""
    return f"{format_number(Decimal(mass_pg) / PG_PER_UG, places)} {micro}"


def format_dose(dose_pg_per_day: int, micro: Micro = "µg", places: int = 2) -> str:
    """`200000000` pg/day prints as `200 µg/day`."""
    return f"{format_mass(dose_pg_per_day, micro, places)}/day"


def format_dose_rate(dose_rate_pg_per_h: int, micro: Micro = "µg", places: int = 3) -> str:
    """`12000000` pg/h prints as `12 µg/h`."""
    return f"{format_mass(dose_rate_pg_per_h, micro, places)}/h"


def format_concentration(concentration_ug_per_ml: int, micro: Micro = "µg") -> str:
    """`500` prints as `500 µg/mL`."""
    return f"{concentration_ug_per_ml} {micro}/mL"


def _split(text: object, unit: str, field: str) -> tuple[Decimal, str]:
    if not isinstance(text, str):
        raise UnitError(f"{field}: got {text!r}, expected text with a number and a unit such as '1 {unit}'")
    match = _NUMBER_AND_UNIT.fullmatch(text)
    if match is None or _EXPONENT.match(text):
        raise UnitError(f"{field}: got {text!r}{_why(text)}, expected a number and a unit such as '1 {unit}'")
    return Decimal(match[1]), match[2].strip().replace("μ", "µ")


def _why(text: str) -> str:
    """What most often is wrong with a text that is no quantity; empty where nobody can tell."""
    for pattern, why in _SLIPS:
        if pattern.match(text):
            return f" ({why})"
    return ""


def _per(text: object, interval: str, unit: str, field: str) -> Decimal:
    value = quantity(text, unit, field, at_least=0, at_most=10**6)
    spelled = str(text).rsplit("/", maxsplit=1)[-1].strip()
    if spelled not in (_DAY if interval == "day" else _HOUR):
        raise UnitError(f"{field}: got {text}, expected a value per {interval} such as '1 {unit}'")
    return value


def _converted(number: Decimal, given: str, unit: str, field: str, text: object) -> Decimal:
    unknown = [part for part in _PART.findall(_POWER.sub(" ", given)) if part not in _KNOWN]
    if unknown:
        raise UnitError(
            f"{field}: got {str(text)!r} (unknown unit {unknown[0]!r}), expected a number and {unit}"
        )
    try:
        factor = _factor(given, unit)
    except (pint.PintError, AttributeError, ValueError, TypeError, ArithmeticError, AssertionError):
        raise UnitError(f"{field}: got {str(text)!r}, expected a unit that converts to {unit}") from None
    return number * factor


@lru_cache(maxsize=512)
def _factor(given: str, unit: str) -> Decimal:
    units = registry()
    ratio = units.Quantity(Decimal(1), units.parse_units(given)).to(units.parse_units(unit)).magnitude
    return _snapped(Decimal(ratio))


def _snapped(ratio: Decimal) -> Decimal:
    """Undo the last-digit noise that Pint's division leaves on factors that are exact."""
    rounded = round(ratio, 12)
    if rounded and abs(ratio / rounded - 1) < Decimal("1e-20"):
        return rounded.normalize()
    return ratio


def _whole(value: Decimal, text: object, field: str, unit: str) -> int:
    if abs(value - round_half_even(value)) > Decimal("1e-9"):
        raise UnitError(f"{field}: got {text}, expected a whole number of {unit}")
    return round_half_even(value)
