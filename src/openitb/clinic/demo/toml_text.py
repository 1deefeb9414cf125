"""Case files as text: the TOML that reads back to the same tables.

Top-level values come first, then tables, then arrays of tables; what lies deeper is written inline.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import isfinite

Tables = Mapping[str, object]


class TomlError(ValueError):
    """A value that TOML, or this writer, cannot hold."""


def to_toml(tables: Tables) -> str:
    """The text of nested tables; `tomllib.loads` of it gives equal tables. Refuses None and NaN."""
    return "\n".join(_lines(tables)) + "\n"


def _lines(tables: Tables) -> Iterator[str]:
    for name, value in tables.items():
        if not (isinstance(value, Mapping) or _rows(value)):
            yield f"{_key(name)} = {_inline(value)}"
    for name, value in tables.items():
        if isinstance(value, Mapping):
            yield from ("", f"[{_key(name)}]", *_pairs(value))
        for row in _rows(value):
            yield from ("", f"[[{_key(name)}]]", *_pairs(row))


def _pairs(table: Tables) -> Iterator[str]:
    return (f"{_key(name)} = {_inline(value)}" for name, value in table.items())


def _rows(value: object) -> Sequence[Tables]:
    """The tables of an array that holds nothing else; empty for any other value."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    rows = [item for item in value if isinstance(item, Mapping)]
    return rows if len(rows) == len(value) else ()


def _inline(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case int():
            return str(value)
        case float() if isfinite(value):
            return repr(value)
        case datetime() if value.tzinfo is not None:
            return value.isoformat()
        case Mapping():
            return "{ " + ", ".join(_pairs(value)) + " }" if value else "{}"
        case list() | tuple():
            return "[ " + ", ".join(_inline(item) for item in value) + " ]" if value else "[]"
    raise TomlError(f"value: got {value!r}, expected text, a number, a flag, an instant, a list or a table")


def _key(name: str) -> str:
    is_bare = name.isascii() and bool(name) and all(c.isalnum() or c in "_-" for c in name)
    return name if is_bare else _text(name)


def _text(text: str) -> str:
    # JSON's escapes are all TOML escapes; the one control character JSON leaves alone is DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
