"""The formal schema of the wire (CDDL, RFC 8610), written from the message types themselves.

`python -m openitb.protocol.cddl > docs/telemetry.cddl` writes the published copy; a test compares the
two, and a test with a CDDL library of its own checks what the encoder writes against it.
"""

import dataclasses
import re
import types
import typing
from enum import StrEnum
from typing import Any

from openitb.prescription import Order
from openitb.protocol.codec import VERSION
from openitb.protocol.library import LIBRARY_VERSION, DrugLibrary
from openitb.protocol.messages import Reply, Request
from openitb.protocol.schema import MAX_TEXT

HEAD = f"""\
; OpenITB telemetry: the messages inside a sealed frame, in canonical CBOR.
; Volumes nL, drug pg, flows nL/day, doses pg/day, instants and durations ms.

int64 = int .lt 9223372036854775808  ; nor below the negative of that
short-text = tstr .size (0..{4 * MAX_TEXT})  ; at most {MAX_TEXT} characters

; An infusion order in its textual form.
order = order-plain / order-continuous / order-periodic / order-flex
order-plain = {{ mode: "stopped" / "minimum rate" }}
order-continuous = {{ mode: "simple continuous", dose: tstr .regexp "[0-9]+([.][0-9]+)? ug/day" }}
order-periodic = {{
  mode: "periodic bolus",
  dose: tstr .regexp "[0-9]+([.][0-9]+)? ug",
  duration: tstr .regexp "[0-9]+ min",
  interval: tstr .regexp "[0-9]+ min",
  basal: tstr .regexp "[0-9]+([.][0-9]+)? ug/day",
  first: time-of-day,
}}
order-flex = {{ mode: "flex", (steps: [+ step] // patterns: [+ pattern]) }}
pattern = {{ days: [+ day], steps: [+ step] }}
step = {{ from: time-of-day, dose_rate: tstr .regexp "[0-9]+([.][0-9]+)? ug/h" }}
day = tstr .regexp "mon|tue|wed|thu|fri|sat|sun"
time-of-day = tstr .regexp "[0-2][0-9]:[0-5][0-9]"
"""

_SCALARS: dict[Any, str] = {int: "int64", str: "short-text", bytes: "bstr", bool: "bool", type(None): "null"}


def cddl() -> str:
    """The whole schema as text."""
    writer = _Writer()
    requests, replies = typing.get_args(Request), typing.get_args(Reply)
    parts = [
        HEAD,
        _choice("request", [_name(kind) for kind in requests]),
        _choice("reply", [_name(kind) for kind in replies]),
        *(writer.message(VERSION, kind) for kind in (*requests, *replies)),
        "; What an `UpdateLibrary` carries, and its signature covers.\n",
        writer.message(LIBRARY_VERSION, DrugLibrary),
        *writer.parts(),
    ]
    return "message = request / reply\n\n" + "\n".join(parts)


class _Writer:
    """Writes rules, and remembers which further rules they need."""

    def __init__(self) -> None:
        self._needed: dict[str, Any] = {}
        self._choices: dict[str, str] = {}

    def message(self, version: int, kind: Any) -> str:
        """The rule of a message: version, kind and its fields."""
        return f'{_name(kind)} = [{version}, "{kind.__name__}", {self._fields(kind)}]\n'

    def parts(self) -> list[str]:
        """The rules of everything that messages are made of."""
        written: dict[str, str] = {}
        while missing := [name for name in self._needed if name not in written]:
            for name in missing:
                written[name] = self._part(name, self._needed[name])
        written |= self._choices
        return [written[name] for name in sorted(written)]

    def _part(self, name: str, kind: Any) -> str:
        if issubclass(kind, StrEnum):
            return f'{name} = tstr .regexp "{"|".join(member.value for member in kind)}"\n'
        return f"{name} = {self._fields(kind)}\n"

    def _fields(self, kind: Any) -> str:
        hints = typing.get_type_hints(kind)
        lines = [f'  "{f.name}": {self._type(hints[f.name])},\n' for f in dataclasses.fields(kind)]
        return "{\n" + "".join(lines) + "}"

    def _type(self, kind: Any) -> str:
        if kind == Order:
            return "order"
        if kind in _SCALARS:
            return _SCALARS[kind]
        if typing.get_origin(kind) in {typing.Union, types.UnionType}:
            return " / ".join(self._type(choice) for choice in typing.get_args(kind))
        if typing.get_origin(kind) is tuple:
            return self._list(typing.get_args(kind))
        self._needed[_name(kind)] = kind
        return _name(kind)

    def _list(self, kinds: tuple[Any, ...]) -> str:
        if kinds[-1] is Ellipsis:
            return f"[* {self._item(kinds[0])}]"
        return "[" + ", ".join(self._item(kind) for kind in kinds) + "]"

    def _item(self, kind: Any) -> str:
        """A type inside a list; a choice gets a name of its own there."""
        written = self._type(kind)
        if " / " not in written:
            return written
        name = written.replace(" / ", "-or-")
        self._choices[name] = f"{name} = {written}\n"
        return name


def _name(kind: Any) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def _choice(name: str, choices: list[str]) -> str:
    return f"{name} = " + "\n  / ".join(choices) + "\n"


if __name__ == "__main__":
    print(cddl(), end="")
