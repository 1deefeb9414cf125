"""The pump's log in words."""

from collections.abc import Callable

from openitb import units
from openitb.protocol.chain import LogEntry

_HIDDEN = frozenset({"before", "after", "program", "command_id", "digest", "staged_digest"})
_PRINTED: tuple[tuple[str, Callable[[int], str]], ...] = (
    ("_nl", units.format_volume),
    ("_pg_per_day", units.format_dose),
    ("_ug_per_ml", units.format_concentration),
    ("_pg", units.format_mass),
)


def describe_entry(entry: LogEntry) -> str:
    """What an entry tells besides its kind, with units: `mode flex, dose 192 µg/day, …`."""
    return ", ".join(_part(name, value) for name, value in entry.detail if name not in _HIDDEN)


def _part(name: str, value: str | int) -> str:
    for ending, printed in _PRINTED:
        if name.endswith(ending) and isinstance(value, int):
            return f"{name.removesuffix(ending).replace('_', ' ')} {printed(value)}"
    return f"{name.replace('_', ' ')} {value}"
