"""Frozen dataclasses to plain CBOR values and back, strictly by their annotations.

Supported annotations: int, str, bytes, bool, `X | None`, `str | int`, `tuple[X, ...]`,
`tuple[X, Y]`, a `StrEnum`, a dataclass, and an infusion `Order`, which travels in its textual form.
Nothing is coerced: True is not an int, an absent key is not a default, an extra key is refused.
"""

import dataclasses
import types
import typing
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, TypeVar

import cbor2

from openitb.prescription import Order, OrderError, order_to_mapping, parse_order

MAX_DEPTH = 16
MAX_TEXT = 4096

_INT_LIMIT = 2**63
_LIST = 4  # CBOR's major type
_ORDER_TYPES = typing.get_args(Order)

Plain = Any
Made = TypeVar("Made")


class ProtocolError(ValueError):
    """Bytes or values that are no message; `field` names the place, the text is one line."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclasses.dataclass(frozen=True, slots=True)
class EncodedList:
    """A list of so many plain values whose canonical CBOR forms, one after the other, are `data`."""

    count: int
    data: bytes


def to_bytes(plain: Plain) -> bytes:
    """The one canonical CBOR form of a plain value."""
    return cbor2.dumps(plain, canonical=True, default=_write_encoded)


def from_bytes(data: bytes, field: str) -> Plain:
    """Read canonical CBOR; any other bytes raise `ProtocolError`."""
    try:
        plain = cbor2.loads(
            data,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        )
    except cbor2.CBORDecodeError as error:
        raise ProtocolError(field, f"got {len(data)} bytes that are no CBOR ({_first_line(error)})") from None
    if not _is_plain(plain):
        raise ProtocolError(field, "got a fraction, date, tag or unnamed key, expected none of these")
    if to_bytes(plain) != data:
        raise ProtocolError(field, "got a CBOR form that is not canonical")
    return plain


def to_plain(value: object) -> Plain:
    """A dataclass, or any value its fields may hold, as maps, lists and scalars."""
    kind: Any = type(value)
    return _writer(kind)(value)


def from_plain(kind: type[Made], plain: Plain, field: str) -> Made:
    """The dataclass `kind` that a plain value describes; `ProtocolError` names what does not fit."""
    made: Made = _read(kind, plain, field)
    return made


def _is_record(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind) and kind is not EncodedList


@lru_cache(maxsize=256)
def _writer(kind: Any) -> Callable[[Any], Plain]:
    """How values of a type are written: found out once, for a saved state holds many of each."""
    if kind in _ORDER_TYPES:
        return order_to_mapping
    if issubclass(kind, tuple):
        return lambda items: [to_plain(item) for item in items]
    if _is_record(kind):
        names = tuple(_fields(kind))
        return lambda made: {name: to_plain(getattr(made, name)) for name in names}
    return attrgetter("value") if issubclass(kind, StrEnum) else lambda scalar: scalar


def _write_encoded(encoder: cbor2.CBOREncoder, value: object) -> None:
    if not isinstance(value, EncodedList):
        raise cbor2.CBOREncodeTypeError(f"cannot encode {type(value).__name__}")
    encoder.encode_length(_LIST, value.count)
    encoder.write(value.data)


def _read(kind: Any, plain: Plain, field: str) -> Any:
    return _reader(kind)(plain, field)


@lru_cache(maxsize=512)
def _reader(kind: Any) -> Callable[[Plain, str], Any]:
    """How values of an annotation are read; found once for each."""
    origin = typing.get_origin(kind)
    if kind == Order:
        return _read_order
    if origin in {typing.Union, types.UnionType}:
        return partial(_read_union, kind)
    if origin is tuple:
        return partial(_read_tuple, typing.get_args(kind))
    if dataclasses.is_dataclass(kind):
        return partial(_read_dataclass, kind)
    return partial(_read_enum if issubclass(kind, StrEnum) else _read_scalar, kind)


def _read_order(plain: Plain, field: str) -> Order:
    """An order in its canonical form; what a person may write in several ways has one here."""
    try:
        order = parse_order(plain, field)
    except OrderError as error:
        where, _, problem = str(error).partition(": ")
        raise ProtocolError(where, problem) from None
    if order_to_mapping(order) != plain:
        raise ProtocolError(field, "got an order that is not in its canonical form")
    return order


def _read_union(kind: Any, plain: Plain, field: str) -> Any:
    choices = typing.get_args(kind)
    if plain is None and type(None) in choices:
        return None
    rest = [choice for choice in choices if choice is not type(None)]
    fitting = [choice for choice in rest if choice is type(plain)] or rest[:1]
    return _read(fitting[0], plain, field)


def _read_tuple(kinds: tuple[Any, ...], plain: Plain, field: str) -> tuple[Any, ...]:
    if not isinstance(plain, list):
        raise _unfitting(field, plain, "a list")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(plain)
    if len(plain) != len(kinds):
        raise ProtocolError(field, f"got {len(plain)} items, expected {len(kinds)}")
    return tuple(
        _read(kind, item, f"{field}[{i}]") for i, (kind, item) in enumerate(zip(kinds, plain, strict=True))
    )


def _read_dataclass(kind: Any, plain: Plain, field: str) -> Any:
    hints = _fields(kind)
    if not isinstance(plain, dict):
        raise _unfitting(field, plain, f"a map with {', '.join(hints)}")
    if plain.keys() != hints.keys():
        wrong = sorted(map(str, plain.keys() ^ hints.keys()))
        raise ProtocolError(field, f"key {wrong[0]!r:.60} is missing or unknown, expected {', '.join(hints)}")
    values = {name: _read(hint, plain[name], f"{field}.{name}") for name, hint in hints.items()}
    try:
        return kind(**values)
    except ProtocolError:
        raise
    except ValueError as error:
        raise ProtocolError(field, _first_line(error)) from None


def _read_enum(kind: type[StrEnum], plain: Plain, field: str) -> StrEnum:
    if isinstance(plain, str) and plain in {member.value for member in kind}:
        return kind(plain)
    raise _unfitting(field, plain, f"one of {', '.join(kind)}")


def _read_scalar(kind: Any, plain: Plain, field: str) -> Any:
    if type(plain) is not kind:
        raise _unfitting(field, plain, _NAMES[kind])
    if kind is int and not -_INT_LIMIT <= plain < _INT_LIMIT:
        raise _unfitting(field, plain, "a whole number of 64 bits")
    if kind is str and len(plain) > MAX_TEXT:
        raise ProtocolError(field, f"got {len(plain)} characters, expected at most {MAX_TEXT}")
    return plain


_NAMES: dict[Any, str] = {int: "a whole number", str: "text", bytes: "bytes", bool: "true or false"}


def _unfitting(field: str, plain: Plain, expected: str) -> ProtocolError:
    shown = f"{plain!r:.40}" if isinstance(plain, bool | int | str | bytes) else type(plain).__name__
    return ProtocolError(field, f"got {shown}, expected {expected}")


def _is_plain(value: Plain) -> bool:
    """True for what `to_plain` can produce; keeps CBOR's dates, fractions and tags out."""
    if type(value) is dict:
        return all(type(key) is str and _is_plain(item) for key, item in value.items())
    if type(value) is list:
        return all(map(_is_plain, value))
    return value is None or type(value) in _NAMES


@lru_cache(maxsize=128)
def _fields(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
