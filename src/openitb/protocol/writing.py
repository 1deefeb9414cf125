"""Frozen dataclasses as canonical CBOR, written in one pass by the types they are made of.

What is the same object as before has the same bytes: those of larger ones are kept for a while, so that
what did not change since the last message or save is not written again.
"""

import dataclasses
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from operator import attrgetter, is_
from struct import Struct
from typing import Any, get_args

import cbor2

from openitb.prescription import Order, order_to_mapping

WORTH_KEEPING = range(64, 16_384)  # bytes; shorter is written as fast as found, longer seldom stays the same
KEPT_BYTES = 16_000_000  # then the half that was used less lately goes
LONG, LONG_KEPT = 16, 128  # items from which a tuple is long, and how many such are kept

Write = Callable[[Any], bytes]

# CBOR's major types, and how the number that belongs to one is written as it grows.
_NEGATIVE, _BYTES, _TEXT, _LIST, _MAP = (major << 5 for major in (1, 2, 3, 4, 5))
_SHORT, _ONE, _TWO, _FOUR, _EIGHT = 24, 24, 25, 26, 27
_WIDEST = 64  # bits
_one, _two, _four, _eight = (Struct(layout).pack for layout in (">BB", ">BH", ">BI", ">BQ"))
_HEADS = tuple(bytes((first,)) for first in range(256))


def encoded(value: object) -> bytes:
    """The one canonical CBOR form of a dataclass, or of any value that its fields may hold."""
    return _WRITERS[type(value)](value)


@lru_cache(maxsize=16)
def encoder_without(kind: type, name: str) -> Write:
    """What writes a dataclass of that kind without one of its fields."""
    return _record(field for field in _names(kind) if field != name)


def is_sorted(keys: Iterable[str]) -> bool:
    """True if the keys of a map stand as they must: the shorter first, then by their bytes."""
    places = [_place(encoded(key)) for key in keys]
    return places == sorted(places)


class _Kept:
    """The bytes of objects by identity; each is held with its bytes, so that no other takes its place."""

    def __init__(self) -> None:
        self.young: dict[int, tuple[object, bytes]] = {}
        self._old: dict[int, tuple[object, bytes]] = {}
        self._size = 0

    def older(self, value: object) -> bytes | None:
        """The bytes of an object that was not asked for lately; None if they are not kept."""
        found = self._old.get(id(value))
        return None if found is None else found[1]

    def keep(self, value: object, data: bytes) -> bytes:
        """Keep them; what was not asked for lately may give way."""
        if self._size > KEPT_BYTES // 2:
            self._old, self.young, self._size = self.young, {}, 0
        self.young[id(value)] = value, data
        self._size += len(data)
        return data


_KEPT = _Kept()


def _kept(write: Write) -> Write:
    """The same, its bytes kept where that is worth it."""

    def find_or_write(value: object) -> bytes:
        found = _KEPT.young.get(id(value))
        if found is not None:
            return found[1]
        data = _KEPT.older(value) or write(value)
        return _KEPT.keep(value, data) if len(data) in WORTH_KEEPING else data

    return find_or_write


class _Writers(dict[type, Write]):
    """How each type is written, found out once."""

    def __missing__(self, kind: type) -> Write:
        self[kind] = write = _writer(kind)
        return write


def _writer(kind: type) -> Write:
    if kind in get_args(Order):
        return _kept(lambda order: _map(order_to_mapping(order)))
    if dataclasses.is_dataclass(kind):
        record: Any = kind
        write = _record(_names(kind))
        return _kept(write) if record.__dataclass_params__.frozen else write
    for base, write in _PLAIN.items():
        if issubclass(kind, base):
            return write
    return partial(cbor2.dumps, canonical=True)  # what no reader here takes, or an error


def _names(kind: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def _record(names: Iterable[str]) -> Write:
    """A dataclass as a map of these fields."""
    keys = sorted(((encoded(name), name) for name in names), key=lambda pair: _place(pair[0]))
    head, heads = _head(_MAP, len(keys)), [key for key, _ in keys]
    values_of = _all_of([name for _, name in keys])

    def write(made: object) -> bytes:
        parts = [head]
        for key, value in zip(heads, values_of(made), strict=True):
            parts += key, _WRITERS[type(value)](value)
        return b"".join(parts)

    return write


def _all_of(names: list[str]) -> Callable[[object], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda made: tuple(getattr(made, name) for name in names)


def _map(table: dict[str, Any]) -> bytes:
    pairs = [(encoded(key), encoded(value)) for key, value in table.items()]
    pairs.sort(key=lambda pair: _place(pair[0]))
    return _head(_MAP, len(pairs)) + b"".join(key + value for key, value in pairs)


def _list(items: list[Any] | tuple[Any, ...]) -> bytes:
    return _head(_LIST, len(items)) + _items(items)


def _tuple(items: tuple[Any, ...]) -> bytes:
    return _head(_LIST, len(items)) + (_items(items) if len(items) < LONG else _GROWING.written(items))


def _items(items: Iterable[Any]) -> bytes:
    return b"".join([_WRITERS[type(item)](item) for item in items])


class _Growing:
    """Long tuples of records as last written: one that begins as before is written from there on."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[tuple[Any, ...], bytes]] = {}  # by the identity of the first item

    def written(self, items: tuple[Any, ...]) -> bytes:
        """All items, one after the other."""
        before, data = self._last.get(id(items[0]), ((), b""))
        if len(before) > len(items) or not all(map(is_, before, items)):
            before, data = (), b""
        data += _items(items[len(before) :])
        if len(self._last) >= LONG_KEPT:
            self._last.clear()
        self._last[id(items[0])] = items, data
        return data


def _text(text: str) -> bytes:
    data = text.encode()
    return _head(_TEXT, len(data)) + data


def _bytes(data: bytes) -> bytes:
    return _head(_BYTES, len(data)) + data


def _whole(number: int) -> bytes:
    if number.bit_length() > _WIDEST:
        return cbor2.dumps(number)  # what no reader here takes
    return _head(0, number) if number >= 0 else _head(_NEGATIVE, -1 - number)


def _head(major: int, number: int) -> bytes:
    """A major type and its number, as short as can be."""
    if number < _SHORT:
        return _HEADS[major | number]
    if number < 1 << 8:
        return _one(major | _ONE, number)
    if number < 1 << 16:
        return _two(major | _TWO, number)
    return _four(major | _FOUR, number) if number < 1 << 32 else _eight(major | _EIGHT, number)


def _place(key: bytes) -> tuple[int, bytes]:
    return len(key), key


_PLAIN: dict[type, Write] = {
    bool: cbor2.dumps,
    type(None): cbor2.dumps,
    int: _whole,
    str: _text,
    bytes: _bytes,
    tuple: _tuple,
    list: _list,
    dict: _map,
}
_WRITERS = _Writers()
_GROWING = _Growing()
