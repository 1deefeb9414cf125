"""What may be typed: numbers, units, intervals, keys, and figures that look like a slip."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.programmer.entry import (
    DOSE,
    NUMBER_FIELDS,
    EntryError,
    Interval,
    read_interval,
    read_interval_table,
    read_number,
    show_number,
)
from openitb.programmer.keys import CLEAR, DELETE, ENTER, KeyEvent, Keypad, typed
from openitb.programmer.slips import slip

figures = st.decimals(min_value=0, max_value=99_999, places=3).map(lambda value: value.normalize() + 0)
marks = st.sampled_from([".", ","])


@pytest.mark.requirement("PRG-06")
@given(figures, marks)
def test_a_number_as_shown_reads_back_as_itself(value: Decimal, mark: str) -> None:
    assert read_number(show_number(value, mark), "dose", mark) == value


@pytest.mark.requirement("PRG-06")
@given(st.text(alphabet="0123456789.,eE+- '_\u0660\u00b2", max_size=14), marks)
def test_whatever_reads_is_shown_exactly_as_it_was_typed(text: str, mark: str) -> None:
    try:
        value = read_number(text, "dose", mark)
    except EntryError as refused:
        said = str(refused)
    else:
        said = f"dose: got {show_number(value, mark)!r}"
        assert show_number(value, mark) == text
    assert said.startswith("dose: got ")
    assert "\n" not in said


@pytest.mark.requirement("PRG-06")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (".5", "leading zero"),
        ("5.0", "trailing zero: 5.0 is easily read as 50"),
        ("1.50", "trailing zero"),
        ("1,000", "grouping"),
        ("1 000", "grouping"),
        ("1e3", "no exponent"),
        ("-1", "no sign"),
        ("007", "no zero in front"),
        ("1.2.3", "at most one"),
        ("", "nothing was entered"),
        ("5.", "plain digits"),
        ("٣", "plain digits"),
        ("1234567890123", "plain digits"),
    ],
)
def test_a_number_outside_the_grammar_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(EntryError, match=why):
        read_number(text, "dose")


@pytest.mark.requirement("PRG-06")
def test_only_the_decimal_mark_of_the_place_is_taken() -> None:
    assert read_number("1,5", "dose", ",") == Decimal("1.5")
    for text, mark in (("1.5", ","), ("1,5", ".")):
        with pytest.raises(EntryError, match="as the decimal mark"):
            read_number(text, "dose", mark)


@pytest.mark.requirement("PRG-01")
@pytest.mark.parametrize("field", NUMBER_FIELDS.values(), ids=lambda field: field.key)
def test_every_number_field_has_one_unit_and_takes_no_number_without_it(field) -> None:
    assert f"[{field.unit.replace('ug', 'µg')}]" in field.prompt
    assert field.stated(f"12 {field.unit}") == field.typed("12")
    for wrong in (
        "12",
        12,
        12.0,
        None,
        "12 furlong",
        f"12{field.unit}",
        f"12 {field.unit} extra",
        "12 mg/day",
    ):
        with pytest.raises(EntryError, match=f"expected .*{field.unit}"):
            field.stated(wrong)


@pytest.mark.requirement("PRG-01", "PRG-08")
def test_a_dose_field_takes_neither_a_flow_nor_a_dose_per_hour() -> None:
    for wrong in ("0.4 mL/day", "12 ug/h", "0.2 mg/day"):
        with pytest.raises(EntryError, match="expected ug/day"):
            DOSE.stated(wrong)
    assert DOSE.stated("12 µg/day") == DOSE.stated("12 mcg/day") == 12 * units.PG_PER_UG


@pytest.mark.requirement("PRG-02")
def test_six_hours_typed_into_the_minutes_is_told_in_words_and_doses_per_day() -> None:
    # safety.md INC-01: an interval of hours entered as minutes
    right, wrong = read_interval("6", "0", "interval"), read_interval("0", "6", "interval")
    dose = 25 * units.PG_PER_UG
    assert right.echo(dose) == "25 µg every 6 hours 0 minutes: 4 times a day, 100 µg/day in all"
    assert wrong.echo(dose) == "25 µg every 0 hours 6 minutes: 240 times a day, 6000 µg/day in all"


@pytest.mark.requirement("PRG-02", "PRG-13")
@pytest.mark.parametrize(
    ("hours", "minutes", "why"),
    [
        ("", "6", "nothing was entered"),
        ("6", "", "nothing was entered"),
        ("0", "60", "0 to 59"),
        ("0", "0", "above zero"),
        ("1.5", "0", "whole number"),
    ],
)
def test_an_interval_needs_both_controls_and_minutes_below_an_hour(
    hours: str, minutes: str, why: str
) -> None:
    with pytest.raises(EntryError, match=why):
        read_interval(hours, minutes, "interval")


@pytest.mark.requirement("PRG-02")
@pytest.mark.parametrize(
    "given_table", [{"hours": 6}, {"minutes": 6}, 6, "6 h", {"hours": 6, "minutes": 0.5}]
)
def test_a_written_interval_states_hours_and_minutes(given_table: object) -> None:
    with pytest.raises(EntryError):
        read_interval_table(given_table, "interval")
    assert read_interval_table({"hours": 1, "minutes": 30}, "interval") == Interval(1, 30)


def _presses(text: str, every_ms: int = 400, held_ms: int = 60) -> list[KeyEvent]:
    keys = [ENTER if char == "\n" else char for char in text]
    return [
        KeyEvent(key, is_down, at * every_ms + (0 if is_down else held_ms))
        for at, key in enumerate(keys)
        for is_down in (True, False)
    ]


@pytest.mark.requirement("PRG-07")
@given(st.text(alphabet="0123456789.", min_size=1, max_size=8), st.data())
def test_a_bouncing_key_adds_no_digit(text: str, data: st.DataObject) -> None:
    events = _presses(text)
    doubled = []
    for event in events:
        doubled.append(event)
        if not event.is_down and data.draw(st.booleans()):
            again = event.at_ms + data.draw(st.integers(0, 120))
            doubled += [KeyEvent(event.key, True, again), KeyEvent(event.key, False, again + 5)]
    assert typed(doubled).text == text


@pytest.mark.requirement("PRG-07")
def test_the_same_digit_twice_on_purpose_is_two_digits() -> None:
    assert typed(_presses("44.8")).text == "44.8"


@pytest.mark.requirement("PRG-07")
def test_a_held_key_and_a_double_tap_on_enter_do_it_once() -> None:
    repeats = [KeyEvent("4", True, at) for at in range(0, 2_000, 40)]
    pad = typed([*repeats, KeyEvent("4", False, 2_000)])
    assert pad.text == "4"
    twice = typed(_presses("48\n\n7"))
    assert (twice.submitted, twice.text) == ("48", "48")


@pytest.mark.requirement("PRG-07")
def test_delete_takes_one_digit_clear_takes_all_and_other_keys_take_nothing() -> None:
    pad = typed(_presses("48x"))
    assert pad.text == "48"
    after = pad.after(KeyEvent(DELETE, True, 9_000))
    assert after.text == "4"
    assert after.after(KeyEvent(CLEAR, True, 9_500)).text == ""


@pytest.mark.requirement("PRG-22")
@pytest.mark.parametrize(("held_ms", "is_stuck"), [(60_000, False), (60_001, True)])
def test_a_key_held_longer_than_a_minute_is_reported_and_nothing_more_is_taken(
    held_ms: int, is_stuck: bool
) -> None:
    pad = Keypad().after(KeyEvent("4", True, 0)).at(held_ms)
    assert bool(pad.report) is is_stuck
    assert pad.after(KeyEvent("8", True, held_ms)).text == ("4" if is_stuck else "48")
    freed = pad.after(KeyEvent("4", False, held_ms + 10))
    assert freed.report == ""


@pytest.mark.requirement("PRG-05")
@given(st.integers(1, 5_000), st.data())
def test_a_shifted_decimal_or_a_digit_more_or_less_in_front_is_noticed(
    value: int, data: st.DataObject
) -> None:
    old = Decimal(value)
    digit = data.draw(st.sampled_from("123456789"))
    slipped = data.draw(st.sampled_from([old * 10, old / 10, old * 100, Decimal(digit + str(value))]))
    assert slip(old, slipped)
    assert slip(slipped, old)


@pytest.mark.requirement("PRG-05")
@pytest.mark.parametrize(
    ("old", "new", "is_noticed"),
    [
        ("4.8", "44.8", True),  # safety.md INC-11, less than ten-fold
        ("41.7", "4.17", True),  # INC-13
        ("100", "999", False),
        ("100", "1000", True),
        ("10", "100", True),
        ("100", "130", False),
        ("12.5", "12", False),
        ("25", "225", True),
        ("120", "12", True),
        ("19", "109", True),
        ("100", "100", False),
        ("0", "100", False),
    ],
)
def test_a_figure_is_a_slip_if_it_is_ten_fold_or_one_digit_away(old: str, new: str, is_noticed: bool) -> None:
    assert bool(slip(Decimal(old), Decimal(new))) is is_noticed
