"""Frozen dataclasses with slots, made and changed as quickly as the language allows.

What lives by values makes many of them: a step of an implant's life some thirty. The standard way looks up
every field by its name, once to set it and once more to copy it; here each type is given code of its own.
"""

import dataclasses
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

REMEMBERED = 1_024  # records, by each function

Made = TypeVar("Made")
Given = TypeVar("Given")
Taken = TypeVarTuple("Taken")
Function = Callable[..., Any]

_SAME: Any = object()


def quick(kind: type[Made]) -> type[Made]:
    """A frozen dataclass with slots, without default factories; a decorator to stand above `dataclass`."""
    record: Any = kind
    record.__init__ = _initialiser(kind)
    return kind


def remembered(function: Callable[[*Taken], Given]) -> Callable[[*Taken], Given]:
    """A pure function of records, which remembers what it gave for the last ones, each known by identity.

    For what costs more than a look, of records that stay the same for long: hashing one to find it would
    cost as much as many an answer.
    """
    known: dict[tuple[int, ...], tuple[tuple[*Taken], Given]] = {}  # held, so no other takes their place

    @wraps(function)
    def answer(*taken: *Taken) -> Given:
        key = tuple(map(id, taken))
        found = known.get(key)
        if found is not None:
            return found[1]
        given = function(*taken)
        if len(known) >= REMEMBERED:
            known.clear()
        known[key] = taken, given
        return given

    return answer


if TYPE_CHECKING:
    from dataclasses import replace as replace
else:

    def replace(made, /, **changes):
        """The same record with other values for some of its fields, as `dataclasses.replace`."""
        return _REPLACERS[type(made)](made, **changes)


def _initialiser(kind: Any) -> Function:
    fields = dataclasses.fields(kind)
    known = {f"_default_{f.name}": f.default for f in fields if f.default is not dataclasses.MISSING}
    given = (f"{f.name}=_default_{f.name}" if f"_default_{f.name}" in known else f.name for f in fields)
    setting = (f"_set_{f.name}(self, {f.name})" for f in fields)
    return _function(kind, f"__init__(self, {', '.join(given)})", [*setting, *_check(kind, "self")], known)


def _replacer(kind: Any) -> Function:
    names = [field.name for field in dataclasses.fields(kind)]
    if not kind.__dict__.keys() >= set(names):
        return dataclasses.replace  # without slots
    given = (f"{name}=_SAME" for name in names)
    setting = (f"_set_{name}(made, self.{name} if {name} is _SAME else {name})" for name in names)
    body = ["made = _new(_kind)", *setting, *_check(kind, "made"), "return made"]
    known = {"_SAME": _SAME, "_new": object.__new__, "_kind": kind}
    return _function(kind, f"replace(self, /, *, {', '.join(given)})", body, known)


def _check(kind: Any, name: str) -> list[str]:
    return [f"{name}.__post_init__()"] if hasattr(kind, "__post_init__") else []


def _function(kind: Any, head: str, body: list[str], known: dict[str, Any]) -> Function:
    """A function written for one type; it fills slots from below, since to all others they are frozen."""
    scope = {f"_set_{f.name}": getattr(kind, f.name).__set__ for f in dataclasses.fields(kind)} | known
    exec(f"def {head}:\n  " + "\n  ".join(body), scope)  # noqa: S102 - as `dataclasses` does it
    made: Function = scope[head.partition("(")[0]]
    return made


class _Replacers(dict[type, Function]):
    """How each type is replaced, found out once."""

    def __missing__(self, kind: type) -> Function:
        self[kind] = found = _replacer(kind)
        return found


_REPLACERS = _Replacers()
