"""Frozen dataclasses from canonical CBOR, strictly by their annotations; `writing.py` is the way there.

Supported annotations: int, str, bytes, bool, `X | None`, `str | int`, `tuple[X, ...]`,
`tuple[X, Y]`, a `StrEnum`, a dataclass, and an infusion `Order`, which travels in its textual form.
Nothing is coerced: True is not an int, an absent key is not a default, an extra key is refused.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import lru_cache, partial
from itertools import repeat
from typing import Any, TypeVar

import cbor2

from openitb.prescription import Order, OrderError, order_to_mapping, parse_order
from openitb.protocol.writing import is_sorted

MAX_DEPTH = 16
MAX_TEXT = 4096

NOT_PLAIN = "got a fraction, date, tag or unnamed key, expected none of these"
NOT_CANONICAL = "got a CBOR form that is not canonical"

_INT_LIMIT = 2**63

Plain = Any
Read = Callable[[Plain], Any]
Made = TypeVar("Made")


class ProtocolError(ValueError):
    """Bytes or values that are no message; `field` names the place, the text is one line."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem

    def within(self, place: str) -> "ProtocolError":
        """The same, told from further out."""
        return ProtocolError(place + self.field, self.problem)


def from_bytes(data: bytes, field: str) -> Plain:
    """Read canonical CBOR; any other bytes raise `ProtocolError`."""
    try:
        plain = cbor2.loads(data, max_depth=MAX_DEPTH, allow_indefinite=False, allow_duplicate_keys=False)
    except cbor2.CBORDecodeError as error:
        raise ProtocolError(field, f"got {len(data)} bytes that are no CBOR ({_first_line(error)})") from None
    problem = _problem((plain,))
    if not problem and cbor2.dumps(plain) != data:
        problem = NOT_CANONICAL
    if problem:
        raise ProtocolError(field, problem)
    return plain


def from_plain(kind: type[Made], plain: Plain, field: str) -> Made:
    """The dataclass `kind` that a plain value describes; `ProtocolError` names what does not fit."""
    wanted: Any = kind
    try:
        made: Made = _reader(wanted)(plain)
    except ProtocolError as error:
        raise error.within(field) from None
    return made


@lru_cache(maxsize=512)
def _reader(kind: Any) -> Read:
    """How values of an annotation are read, found once for each; places in errors are told from there."""
    origin = typing.get_origin(kind)
    if kind == Order:
        return _read_order
    if origin in {typing.Union, types.UnionType}:
        return _choice(typing.get_args(kind))
    if origin is tuple:
        return _tuple(typing.get_args(kind))
    if dataclasses.is_dataclass(kind):
        return _record(kind)
    return _enum(kind) if issubclass(kind, StrEnum) else _SCALARS[kind]


def _read_order(plain: Plain) -> Order:
    return _order_of(cbor2.dumps(plain))


@lru_cache(maxsize=256)
def _order_of(data: bytes) -> Order:
    """The order in these bytes: every reading tells it again, and its text takes long to read.

    In its canonical form; what a person may write in several ways has one here.
    """
    plain = cbor2.loads(data)
    try:
        order = parse_order(plain, "")
    except OrderError as error:
        where, _, problem = str(error).partition(": ")
        raise ProtocolError(where, problem) from None
    if order_to_mapping(order) != plain:
        raise ProtocolError("", "got an order that is not in its canonical form")
    return order


def _choice(kinds: tuple[Any, ...]) -> Read:
    """One of several: the one whose type fits exactly, or else the first, which then says what it expects."""
    rest = [kind for kind in kinds if kind is not type(None)]
    by_type = {kind: _reader(kind) for kind in rest if kind in _SCALARS}
    first, may_be_none = _reader(rest[0]), type(None) in kinds

    def read(plain: Plain) -> Any:
        return None if plain is None and may_be_none else by_type.get(type(plain), first)(plain)

    return read


def _tuple(kinds: tuple[Any, ...]) -> Read:
    is_open = kinds[-1] is Ellipsis
    readers = [_reader(kind) for kind in kinds if kind is not Ellipsis]

    def read(plain: Plain) -> tuple[Any, ...]:
        if not isinstance(plain, list):
            raise _unfitting(plain, "a list")
        if not is_open and len(plain) != len(kinds):
            raise ProtocolError("", f"got {len(plain)} items, expected {len(kinds)}")
        made: list[Any] = []
        try:
            for each, item in zip(repeat(readers[0]) if is_open else readers, plain, strict=False):
                made.append(each(item))
        except ProtocolError as error:
            raise error.within(f"[{len(made)}]") from None
        return tuple(made)

    return read


def _record(kind: Any) -> Read:
    hints = typing.get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}
    names = ", ".join(readers)

    def read(plain: Plain) -> Any:
        if not isinstance(plain, dict):
            raise _unfitting(plain, f"a map with {names}")
        if plain.keys() != readers.keys():
            wrong = sorted(map(str, plain.keys() ^ readers.keys()))
            raise ProtocolError("", f"key {wrong[0]!r:.60} is missing or unknown, expected {names}")
        made: dict[str, Any] = {}
        name = ""
        try:
            for name, each in readers.items():
                made[name] = each(plain[name])
        except ProtocolError as error:
            raise error.within(f".{name}") from None
        return _made(kind, made)

    return read


def _made(kind: Any, values: dict[str, Any]) -> Any:
    try:
        return kind(**values)
    except ValueError as error:
        raise ProtocolError("", _first_line(error)) from None


def _enum(kind: type[StrEnum]) -> Read:
    members: dict[str, StrEnum] = {member.value: member for member in kind}

    def read(plain: Plain) -> StrEnum:
        if isinstance(plain, str) and plain in members:
            return members[plain]
        raise _unfitting(plain, f"one of {', '.join(kind)}")

    return read


def _read_whole(plain: Plain) -> int:
    if type(plain) is not int:
        raise _unfitting(plain, "a whole number")
    if not -_INT_LIMIT <= plain < _INT_LIMIT:
        raise _unfitting(plain, "a whole number of 64 bits")
    return plain


def _read_text(plain: Plain) -> str:
    if type(plain) is not str:
        raise _unfitting(plain, "text")
    if len(plain) > MAX_TEXT:
        raise ProtocolError("", f"got {len(plain)} characters, expected at most {MAX_TEXT}")
    return plain


def _read_exactly(kind: type, expected: str, plain: Plain) -> Any:
    if type(plain) is not kind:
        raise _unfitting(plain, expected)
    return plain


_SCALARS: dict[Any, Read] = {
    int: _read_whole,
    str: _read_text,
    bytes: partial(_read_exactly, bytes, "bytes"),
    bool: partial(_read_exactly, bool, "true or false"),
}
_LEAVES = frozenset({*_SCALARS, type(None)})


def _problem(values: Iterable[Plain]) -> str:
    """What keeps values from being what dataclasses are written as, but for the bytes; empty if nothing."""
    for value in values:
        kind = type(value)
        if kind in _LEAVES:
            continue
        if kind is dict:
            problem = _problem_of_keys(tuple(value)) or _problem(value.values())
        else:
            problem = _problem(value) if kind is list else NOT_PLAIN
        if problem:
            return problem
    return ""


@lru_cache(maxsize=512)
def _problem_of_keys(keys: tuple[Any, ...]) -> str:
    if not all(type(key) is str for key in keys):
        return NOT_PLAIN
    return "" if is_sorted(keys) else NOT_CANONICAL


def _unfitting(plain: Plain, expected: str) -> ProtocolError:
    shown = f"{plain!r:.40}" if isinstance(plain, bool | int | str | bytes) else type(plain).__name__
    return ProtocolError("", f"got {shown}, expected {expected}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
