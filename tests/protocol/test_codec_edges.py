"""The encoder at its edges: the longest message, the largest number, and what it says of each misfit."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cbor2
import pytest

from openitb.prescription import Order, SimpleContinuous
from openitb.protocol import (
    Interrogate,
    ProtocolError,
    Refused,
    Role,
    decode_reply,
    decode_request,
    encode,
    schema,
)
from openitb.protocol.codec import MAX_MESSAGE_BYTES
from openitb.protocol.schema import MAX_DEPTH, MAX_TEXT
from openitb.protocol.writing import encoded
from openitb.telemetry.errors import FrameError
from openitb.telemetry.frames import MAX_FRAME, encode_frame, read_frame


@dataclass(frozen=True, slots=True)
class Inner:
    number: int
    name: str | None

    def __post_init__(self) -> None:
        if self.number == 13:
            raise ValueError("number: got 13\nand a second line\nand a third")
        if self.number == 14:
            raise ProtocolError("own", "is told as it is")


@dataclass(frozen=True, slots=True)
class Outer:
    pair: tuple[int, str]
    one: tuple[int]
    many: tuple[Inner, ...]
    either: str | int
    flag: bool
    raw: bytes
    role: Role
    order: Order


WHOLE = Outer(
    (1, "a"), (5,), (Inner(2, None), Inner(3, "b")), 7, True, b"\x00", Role.PATIENT, SimpleContinuous(10**6)
)
PLAIN = {
    "pair": [1, "a"],
    "one": [5],
    "many": [{"number": 2, "name": None}, {"number": 3, "name": "b"}],
    "either": 7,
    "flag": True,
    "raw": b"\x00",
    "role": "patient",
    "order": {"mode": "simple continuous", "dose": "1 ug/day"},
}
LOW = -(2**63)
KEYS = "pair, one, many, either, flag, raw, role, order"


def plain(value: object) -> Any:
    """What a value is on the wire, read by another reader."""
    return cbor2.loads(encoded(value))


def refused(make: Callable[[], object]) -> str:
    with pytest.raises((ProtocolError, FrameError)) as error:
        make()
    return str(error.value)


def test_every_kind_of_field_has_one_plain_form_and_is_read_back_from_it() -> None:
    assert plain(WHOLE) == PLAIN
    assert schema.from_plain(Outer, PLAIN, "outer") == WHOLE
    text = replace(WHOLE, either="7")
    assert schema.from_plain(Outer, PLAIN | {"either": "7"}, "outer") == text
    assert plain(text)["either"] == "7"
    assert type(plain(WHOLE)["role"]) is str


@pytest.mark.requirement("TEL-08")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pair": (1, "a")}, "outer.pair: got tuple, expected a list"),
        ({"pair": {}}, "outer.pair: got dict, expected a list"),
        ({"pair": None}, "outer.pair: got NoneType, expected a list"),
        ({"pair": [1]}, "outer.pair: got 1 items, expected 2"),
        ({"pair": [1, "a", 2]}, "outer.pair: got 3 items, expected 2"),
        ({"one": [1, 2]}, "outer.one: got 2 items, expected 1"),
        ({"pair": ["a", 1]}, "outer.pair[0]: got 'a', expected a whole number"),
        ({"pair": [1, b"a"]}, "outer.pair[1]: got b'a', expected text"),
        ({"many": [PLAIN["many"][0], 5]}, "outer.many[1]: got 5, expected a map with number, name"),
        ({"many": [{"number": 2}]}, "outer.many[0]: key 'name' is missing or unknown, expected number, name"),
        ({"many": [{"number": 2, "name": 3}]}, "outer.many[0].name: got 3, expected text"),
        ({"many": [{"number": 13, "name": None}]}, "outer.many[0]: number: got 13"),
        ({"many": [{"number": 14, "name": None}]}, "outer.many[0]: own: is told as it is"),
        ({"either": b"7"}, "outer.either: got b'7', expected text"),
        ({"either": None}, "outer.either: got NoneType, expected text"),
        ({"either": True}, "outer.either: got True, expected text"),
        ({"flag": 1}, "outer.flag: got 1, expected true or false"),
        ({"raw": "x"}, "outer.raw: got 'x', expected bytes"),
        ({"raw": bytes(99)}, None),
        ({"role": "patent"}, f"outer.role: got 'patent', expected one of {', '.join(Role)}"),
        ({"role": 1}, f"outer.role: got 1, expected one of {', '.join(Role)}"),
        ({"order": None}, "outer.order: got None, expected a table with a mode"),
        ({"order": {"mode": "a: b"}}, "outer.order.mode: got 'a: b', expected one of "),
        ({"order": {"mode": "simple continuous", "dose": "1.0 ug/day"}},
         "outer.order: got an order that is not in its canonical form"),
        ({"aaa": 1, "zzz": 1}, f"outer: key 'aaa' is missing or unknown, expected {KEYS}"),
        ({"k" * 90: 1}, f"outer: key '{'k' * 59} is missing or unknown, expected {KEYS}"),
        ({"pair": ["x" * 99, "a"]}, f"outer.pair[0]: got '{'x' * 39}, expected a whole number"),
        ({"pair": [2**63, "a"]}, f"outer.pair[0]: got {2**63}, expected a whole number of 64 bits"),
        ({"pair": [LOW - 1, "a"]}, f"outer.pair[0]: got {LOW - 1}, expected a whole number of 64 bits"),
        ({"pair": [2**63 - 1, "a"]}, None),
        ({"pair": [LOW, "a"]}, None),
        ({"pair": [1, "x" * MAX_TEXT]}, None),
        ({"pair": [1, "x" * (MAX_TEXT + 1)]}, "outer.pair[1]: got 4097 characters, expected at most 4096"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_what_was_expected(
    change: dict[str, object], told: str | None
) -> None:
    if told is None:
        assert plain(schema.from_plain(Outer, PLAIN | change, "outer")) == PLAIN | change
    else:
        found = refused(lambda: schema.from_plain(Outer, PLAIN | change, "outer"))
        assert found.startswith(told) if told.endswith(" ") else found == told


def test_an_error_tells_field_and_problem_apart() -> None:
    error = ProtocolError("a.b", "got c")
    assert (error.field, error.problem, str(error)) == ("a.b", "got c", "a.b: got c")


STRANGE = (1.5, cbor2.CBORTag(9, 1), {b"a": 2}, [{"a": [1.5]}], {"a": {b"b": 1}}, cbor2.undefined)


@pytest.mark.parametrize("plain", STRANGE)
def test_what_no_message_holds_is_refused_wherever_it_stands(plain: object) -> None:
    told = refused(lambda: schema.from_bytes(cbor2.dumps(plain, canonical=True), "place"))
    assert told == "place: got a fraction, date, tag or unnamed key, expected none of these"


@pytest.mark.parametrize("plain", [None, True, 0, -5, "", b"", [], {}, [[None]], {"a": [1, "b", b"c", None]}])
def test_what_a_message_may_hold_is_read_back(plain: object) -> None:
    assert schema.from_bytes(encoded(plain), "place") == plain


def test_nesting_is_bounded() -> None:
    def nested(depth: int) -> bytes:
        return b"\x81" * depth + b"\x00"

    deepest = max(depth for depth in range(1, 40) if reads(nested(depth)))
    assert deepest == MAX_DEPTH


def reads(data: bytes) -> bool:
    try:
        schema.from_bytes(data, "place")
    except ProtocolError:
        return False
    return True


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x9f\x01\xff", "place: got 3 bytes that are no CBOR"),  # a length that is not said
        (b"\xa1\x80\x01", "place: got a fraction, date, tag or unnamed key"),  # a list for a key
        (b"\xa2\x61a\x01\x61a\x02", "place: got 7 bytes that are no CBOR"),  # a key twice
        (b"", "place: got 0 bytes that are no CBOR"),
        (b"\x01\x02", "place: got a CBOR form that is not canonical"),
        (b"\x18\x01", "place: got a CBOR form that is not canonical"),
    ],
)
def test_other_spellings_of_cbor_are_refused(data: bytes, told: str) -> None:
    found = refused(lambda: schema.from_bytes(data, "place"))
    assert found.startswith(told)
    assert "\n" not in found


def test_what_the_reader_of_cbor_complains_of_is_told() -> None:
    with pytest.raises(cbor2.CBORDecodeError) as error:
        cbor2.loads(b"\x19\x01")
    assert refused(lambda: schema.from_bytes(b"\x19\x01", "place")).endswith(f"no CBOR ({error.value})")


def test_what_is_no_plain_value_is_not_written() -> None:
    with pytest.raises(cbor2.CBOREncodeError, match=r"^cannot encode type"):
        encoded([object()])


# --- messages ------------------------------------------------------------------------------------------


def padded(size: int) -> Refused:
    """A reply whose wire form has so many bytes."""
    empty = len(encode(Refused("x" * 1000, "y" * 1000)))
    return Refused("x" * 1000, "y" * (1000 + size - empty))


def test_the_longest_message_is_written_and_a_byte_more_is_not() -> None:
    told = f"message: got {MAX_MESSAGE_BYTES + 1} bytes, expected at most {MAX_MESSAGE_BYTES}"
    assert len(encode(padded(MAX_MESSAGE_BYTES))) == MAX_MESSAGE_BYTES
    assert refused(lambda: encode(padded(MAX_MESSAGE_BYTES + 1))) == told
    assert refused(lambda: decode_request(bytes(MAX_MESSAGE_BYTES + 1))) == told
    assert refused(lambda: decode_reply(bytes(MAX_MESSAGE_BYTES + 1))) == told
    assert refused(lambda: decode_request(b"\x01\x02")) == "message: got a CBOR form that is not canonical"
    assert "expected at most 60000" not in refused(lambda: decode_request(bytes(MAX_MESSAGE_BYTES)))


@pytest.mark.requirement("TEL-08")
@pytest.mark.parametrize(
    ("plain", "told"),
    [
        ([2, "Interrogate", {}], "version: got 2, expected 1"),
        ([0], "version: got 0, expected 1"),
        ([True, "Interrogate", {}], "message: expected a version, a kind and a map of fields"),
        ([1, "Interrogate"], "message: expected a version, a kind and a map of fields"),
        ([1, "Interrogate", {}, 1], "message: expected a version, a kind and a map of fields"),
        ([1, 2, {}], "message: expected a version, a kind and a map of fields"),
        ({}, "message: expected a version, a kind and a map of fields"),
        ([1, "Interrogate", {}], "Interrogate: key 'actor' is missing or unknown, expected actor, log_after"),
        ([1, "k" * 50, {}], f"message: got kind '{'k' * 39}, expected one of Interrogate, "),
    ],
)
def test_what_is_no_request_is_told_apart(plain: object, told: str) -> None:
    found = refused(lambda: decode_request(encoded(plain)))
    assert found.startswith(told) if told.endswith(", ") else found == told


def test_the_wire_form_is_version_kind_and_fields() -> None:
    assert cbor2.loads(encode(Interrogate("a", 3))) == [1, "Interrogate", {"actor": "a", "log_after": 3}]
    reply = Refused("f", "r")
    assert decode_reply(encode(reply)) == reply
    assert "expected one of " in refused(lambda: decode_reply(encode(Interrogate("a", 3))))


# --- frames --------------------------------------------------------------------------------------------


def test_the_longest_frame_is_written_and_read_and_a_byte_more_is_not() -> None:
    frame = encode_frame(bytes(MAX_FRAME))
    assert frame[:3] == b"\xff\xff\x00"
    assert read_frame(io.BytesIO(frame).read) == bytes(MAX_FRAME)
    assert (
        refused(lambda: encode_frame(bytes(MAX_FRAME + 1))) == "frame: got 65536 bytes, expected 1 to 65535"
    )
    assert refused(lambda: encode_frame(b"")) == "frame: got 0 bytes, expected 1 to 65535"


def test_the_shortest_frame_is_one_byte() -> None:
    assert encode_frame(b"a") == b"\x00\x01a"
    assert read_frame(io.BytesIO(b"\x00\x01abc").read) == b"a"
    told = "frame: got a length of 0 bytes, expected 1 to 9"
    assert refused(lambda: read_frame(io.BytesIO(b"\x00\x00a").read, 9)) == told


def test_a_frame_is_read_up_to_its_limit_however_it_drips_in() -> None:
    stream = io.BytesIO(encode_frame(b"abcdefghi"))
    assert read_frame(lambda most: stream.read(min(most, 2)), 9) == b"abcdefghi"
    over = io.BytesIO(encode_frame(b"abcdefghij"))
    assert refused(lambda: read_frame(over.read, 9)) == "frame: got a length of 10 bytes, expected 1 to 9"


@pytest.mark.parametrize(("data", "missing"), [(b"", 2), (b"\x00", 1), (b"\x00\x03", 3), (b"\x00\x03ab", 1)])
def test_a_frame_that_ends_early_is_told_by_how_much(data: bytes, missing: int) -> None:
    told = f"frame: ended {missing} bytes early"
    assert refused(lambda: read_frame(io.BytesIO(data).read)) == told


def test_no_more_is_asked_for_than_the_frame_holds() -> None:
    asked: list[int] = []
    stream = io.BytesIO(b"\x00\x03abcdef")

    def receive(most: int) -> bytes:
        asked.append(most)
        return stream.read(min(most, 2))

    assert read_frame(receive) == b"abc"
    assert asked == [2, 3, 1]
