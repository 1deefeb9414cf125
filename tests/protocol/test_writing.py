"""What is written is what a CBOR library of others writes in its canonical form, and it is not mixed up."""

from dataclasses import dataclass, replace
from enum import StrEnum

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.prescription import SimpleContinuous
from openitb.protocol import Anchor, LogEntry, LogKind, StageProgram
from openitb.protocol.writing import LONG, WORTH_KEEPING, encoded, encoder_without, is_sorted

leaves = st.none() | st.booleans() | st.integers() | st.text() | st.binary()
values = st.recursive(
    leaves, lambda some: st.lists(some) | st.dictionaries(st.text(), some), max_leaves=30
) | st.lists(st.integers(), min_size=250, max_size=260)
ENTRY = LogEntry(7, 3, 2**40, LogKind.REFUSED, "nurse" * 20, (("a", 1), ("b", "c")), b"\xff" * 32)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Thing:
    zz: int
    b: tuple[int, ...]
    aaa: Colour
    a: "Thing | None" = None


@given(values)
def test_plain_values_are_written_in_the_canonical_form(value: object) -> None:
    assert encoded(value) == cbor2.dumps(value, canonical=True)


@given(st.integers())
@pytest.mark.parametrize("edge", [0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**64 - 1, 2**64])
def test_whole_numbers_around_every_length_are_canonical(edge: int, number: int) -> None:
    for value in (edge, -edge, -edge - 1, number):
        assert encoded(value) == cbor2.dumps(value, canonical=True)


def test_a_dataclass_is_a_map_of_its_fields_the_shorter_keys_first() -> None:
    inner = {"a": None, "b": [], "zz": 2, "aaa": "red"}
    plain = {"a": inner, "b": [1, 300], "zz": -1, "aaa": "red"}
    thing = Thing(-1, (1, 300), Colour.RED, Thing(2, (), Colour.RED))
    assert encoded(thing) == cbor2.dumps(plain, canonical=True)


def test_an_order_is_written_in_its_textual_form() -> None:
    order = SimpleContinuous(100 * units.PG_PER_UG)
    written = cbor2.loads(encoded(StageProgram("nurse", "1", "0" * 64, order)))
    assert written["order"] == {"mode": "simple continuous", "dose": "100 ug/day"}


def test_a_field_can_be_left_out() -> None:
    write = encoder_without(LogEntry, "digest")
    assert write(ENTRY) == write(replace(ENTRY, digest=b""))
    assert "digest" not in cbor2.loads(write(ENTRY))


def test_what_was_written_before_is_not_taken_for_something_else() -> None:
    for number in range(3_000):
        entry = replace(ENTRY, number=number)  # a new object, often where the last one lay
        assert len(encoded(entry)) in WORTH_KEEPING
        assert cbor2.loads(encoded(entry))["number"] == number
        assert encoded(entry) is encoded(entry)


def test_what_has_no_form_is_not_written() -> None:
    with pytest.raises(cbor2.CBOREncodeError):
        encoded((1, object()))


def test_keys_stand_the_shorter_first_and_then_by_their_bytes() -> None:
    assert is_sorted(("b", "aa", "ab"))
    assert not is_sorted(("aa", "b"))
    assert not is_sorted(("ab", "aa"))
    assert encoded(Anchor(1, b"")) == cbor2.dumps({"digest": b"", "number": 1})


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_a_long_list_is_written_whole_however_it_grew_shrank_or_changed(moves: list[int]) -> None:
    entries = tuple(replace(ENTRY, number=number) for number in range(LONG))
    for move in moves:
        match move:
            case 0:
                entries = (*entries, replace(ENTRY, number=1_000 + len(entries)))
            case 1:
                entries = entries[1:]
            case 2:
                entries = entries[:-1]
            case _:
                entries = (*entries[:5], replace(ENTRY, actor="other"), *entries[5:])
        assert [each["number"] for each in cbor2.loads(encoded(entries))] == [each.number for each in entries]
        assert encoded(entries) == encoded(list(entries))
