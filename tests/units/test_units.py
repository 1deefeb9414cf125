"""Text becomes a quantity once, and only if it says what it is."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.units import UnitError


@pytest.mark.parametrize(
    "text", ["200 ug/day", "200 mcg/day", "200 µg/day", "200 μg/day", "200ug/d", "0.2 mg/day"]
)
def test_every_spelling_of_a_microgram_a_day_is_the_same_dose(text: str) -> None:
    assert units.dose_pg_per_day(text, "dose") == 200_000_000


def test_one_nanolitre_of_one_microgram_per_millilitre_carries_one_picogram() -> None:
    volume_nl = units.volume_nl("0.000001 mL", "volume")
    concentration = units.concentration_ug_per_ml("1 ug/mL", "concentration")
    assert volume_nl * concentration == units.mass_pg("0.000001 ug", "mass")


@pytest.mark.requirement("PRG-01")
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("200", "unit is missing"),
        (200, "expected text"),
        ("two hundred ug/day", "expected a number"),
        ("nan ug/day", "expected a number"),
        ("inf ug/day", "expected a number"),
        ("1e3 ug/day", "expected a number"),
        ("1,000 ug/day", "expected a number"),
        (".5 ug/day", "expected a number"),
        ("200 ug", "converts to ug/day"),
        ("200 mL/day", "converts to ug/day"),
        ("200 bananas/day", "unknown unit 'bananas'"),
        ("200 ug/0day", "unknown unit '0'"),
        ("2 ug*100/day", "unknown unit '100'"),
        ("200 ug**99/day", "unknown unit '9'"),
        ("200 ug^0/day", "converts to ug/day"),
        ("200 ug/h", "per day"),
        ("-5 ug/day", "at least 0"),
        ("1000000000 ug/day", "at most"),
        ("", "expected a number"),
        (None, "expected text"),
    ],
)
def test_what_is_not_a_daily_dose_is_refused_in_one_line_that_names_the_field(
    text: object, named: str
) -> None:
    with pytest.raises(UnitError) as refusal:
        units.dose_pg_per_day(text, "order.dose")
    message = str(refusal.value)
    assert message.startswith("order.dose: got")
    assert named in message
    assert "\n" not in message


@pytest.mark.requirement("PRG-01", "PRG-08")
@pytest.mark.hazard("INC-12", "INC-13")
def test_a_dose_rate_is_not_taken_for_a_daily_dose_nor_the_other_way_round() -> None:
    assert units.dose_rate_pg_per_h("12 ug/h", "dose_rate") == 12_000_000
    with pytest.raises(UnitError, match="per h"):
        units.dose_rate_pg_per_h("288 ug/day", "dose_rate")


def test_a_part_of_the_smallest_count_is_refused_instead_of_rounded() -> None:
    with pytest.raises(UnitError, match="whole number of nL"):
        units.volume_nl("0.0000005 mL", "volume")


def test_a_concentration_of_zero_is_refused() -> None:
    with pytest.raises(UnitError, match="at least 1"):
        units.concentration_ug_per_ml("0 ug/mL", "concentration")


def test_durations_of_every_size_count_milliseconds() -> None:
    texts = ["1 s", "1 min", "1 h", "1 day", "1 week"]
    expected = [units.MS_PER_S, units.MS_PER_MIN, units.MS_PER_H, units.MS_PER_DAY, units.MS_PER_WEEK]
    assert [units.duration_ms(text, "for") for text in texts] == expected


def test_conversion_between_what_does_not_measure_the_same_is_refused() -> None:
    with pytest.raises(UnitError):
        units.convert(1, "mL", "ug")


def test_conversion_factors_are_exact() -> None:
    assert units.convert("0.0022", "mL/cm", "nL/cm") == Decimal("2200")
    assert units.convert(1, "mg/mL", "ug/mL") == 1000


@given(st.integers(min_value=0, max_value=10**12), st.integers(min_value=1, max_value=10**5))
def test_division_is_to_nearest_and_halves_go_to_the_smaller_dose(numerator: int, denominator: int) -> None:
    quotient = units.divide_nearest(numerator, denominator)
    error_twice = 2 * (numerator - quotient * denominator)
    assert -denominator < error_twice <= denominator


@given(st.integers(min_value=0, max_value=10**9))
def test_a_printed_volume_reads_back_as_itself(volume_nl: int) -> None:
    assert units.volume_nl(units.format_volume(volume_nl, places=6), "volume") == volume_nl


@pytest.mark.requirement("PRG-06")
@given(st.integers(min_value=0, max_value=10**12))
def test_a_printed_dose_reads_back_as_itself_with_either_micro_sign(dose_pg: int) -> None:
    for micro in ("µg", "mcg"):
        printed = units.format_dose(dose_pg, micro, places=6)
        assert units.dose_pg_per_day(printed, "dose") == dose_pg


@pytest.mark.requirement("PRG-06")
@given(st.decimals(min_value="-1000", max_value="1000", places=6))
def test_printing_leads_with_a_zero_and_trails_without_one(value: Decimal) -> None:
    text = units.format_number(value, places=6)
    digits = text.lstrip("-")
    assert digits[0] != "."
    assert "." not in digits or digits[-1] not in "0."
    assert text != "-0"
    assert Decimal(text) == value


@pytest.mark.requirement("PRG-06")
@given(st.text(max_size=30) | st.text(alphabet="0123456789.-+ eugmLd/ayµ*^h", max_size=20))
def test_any_text_is_either_a_quantity_or_refused(text: str) -> None:
    with suppress(UnitError):
        assert units.quantity(text, "ug/day", "dose").is_finite()
