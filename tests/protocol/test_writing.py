"""What is written is what a CBOR library of others writes in its canonical form, and it is not mixed up."""

from dataclasses import dataclass, replace
from enum import StrEnum

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openitb import units
from openitb.prescription import SimpleContinuous
from openitb.protocol import Anchor, LogEntry, LogKind, StageProgram, writing
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


# --- what is kept of earlier writing -------------------------------------------------------------------


class Mark:
    """Something with an identity."""


def test_kept_bytes_are_found_while_they_are_young_and_once_more_when_older(monkeypatch) -> None:
    monkeypatch.setattr(writing, "KEPT_BYTES", 20)
    kept, things = writing._Kept(), [Mark() for _ in range(6)]
    assert (kept.young, kept.older(things[0])) == ({}, None)
    for number in range(3):
        assert kept.keep(things[number], bytes(5)) == bytes(5)
    assert [kept.young[id(thing)] for thing in things[:3]] == [(thing, bytes(5)) for thing in things[:3]]
    kept.keep(things[3], b"fresh")  # 15 bytes are more than half: those before give way
    assert list(kept.young) == [id(things[3])]
    assert [kept.older(thing) for thing in things[:4]] == [bytes(5)] * 3 + [None]
    for number in (4, 5, 4):
        kept.keep(things[number], bytes(6))
    assert kept.older(things[0]) is None  # they were not asked for twice
    assert kept.older(things[3]) == b"fresh"


def test_exactly_half_is_not_too_much(monkeypatch) -> None:
    monkeypatch.setattr(writing, "KEPT_BYTES", 21)
    kept, things = writing._Kept(), [Mark() for _ in range(4)]
    kept.keep(things[0], bytes(10))
    kept.keep(things[1], bytes(1))
    assert len(kept.young) == 2  # 10 of the 10 that half of 21 is
    kept.keep(things[2], bytes(1))
    assert list(kept.young) == [id(things[2])]
    kept.keep(things[3], bytes(9))  # counted from nothing again: 1, then 10
    kept.keep(things[0], bytes(1))
    assert len(kept.young) == 3


def test_bytes_that_were_asked_for_lately_are_found_again_where_they_are_older(monkeypatch) -> None:
    monkeypatch.setattr(writing, "WORTH_KEEPING", range(4, 8))
    written: list[object] = []

    def write(value: object) -> bytes:
        written.append(value)
        return bytes(value.size)  # type: ignore[attr-defined]

    find, thing, long = writing._kept(write), Mark(), Mark()
    thing.size, long.size = 5, 9  # type: ignore[attr-defined]
    for _ in range(2):
        find(thing)
        find(long)
    assert written == [thing, long, long]  # what is not worth keeping is written each time
    writing._KEPT._old, writing._KEPT.young = writing._KEPT.young, {}
    assert find(thing) == bytes(5)
    assert written == [thing, long, long]
    assert id(thing) in writing._KEPT.young


def counted(monkeypatch) -> list[int]:
    """How many items each piece of writing holds."""
    sizes, plain_items = [], writing._items

    def items(some) -> bytes:
        some = list(some)
        sizes.append(len(some))
        return plain_items(some)

    monkeypatch.setattr(writing, "_items", items)
    return sizes


def test_a_long_tuple_that_grew_is_written_from_where_it_was_left(monkeypatch) -> None:
    sizes, first = counted(monkeypatch), tuple(f"entry {k}" for k in range(writing.LONG))
    assert encoded(first) == cbor2.dumps(list(first))
    assert encoded((*first, "more")) == cbor2.dumps([*first, "more"])
    assert encoded((*first, "more")) == cbor2.dumps([*first, "more"])
    assert sizes == [writing.LONG, 1, 0]
    other = ("else", *first[1:])
    assert encoded(other) == cbor2.dumps(list(other))
    assert sizes == [writing.LONG, 1, 0, writing.LONG]
    encoded(first[:-1])  # short ones are not kept
    assert sizes[-1] == writing.LONG - 1
    assert set(writing._GROWING._last) == {id(first[0]), id(other[0])}


def test_so_many_long_tuples_are_kept_and_then_none(monkeypatch) -> None:
    monkeypatch.setattr(writing, "LONG_KEPT", 3)
    tuples = [tuple(f"{k}/{n}" for n in range(writing.LONG)) for k in range(4)]
    for number, some in enumerate(tuples):
        encoded(some)
        assert len(writing._GROWING._last) == (1, 2, 3, 1)[number]


@pytest.mark.parametrize("value", [1.5, 100000.0, 2**64, -(2**64) - 1, 2**64 - 1, -(2**64)])
def test_what_no_reader_takes_is_still_written_canonically(value: object) -> None:
    assert encoded(value) == cbor2.dumps(value, canonical=True)


def test_a_record_that_may_change_is_written_anew_each_time() -> None:
    @dataclass
    class Open:
        text: str

    made = Open("x" * 100)
    first = encoded(made)
    made.text = "y" * 100
    assert encoded(made) != first
