"""Alarms and waiting times in words a patient can act on; needs no contact with anything.

Holds: PAT-05.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from openitb import units
from openitb.protocol import AlarmReport

_UNKNOWN = {True: "unknown, critical", False: "unknown, other"}


@dataclass(frozen=True, slots=True)
class AlarmWords:
    """An alarm for the patient: what it is, what to do, whom to call."""

    what: str
    do: str
    call: str
    is_urgent: bool

    @property
    def text(self) -> str:
        """All of it in one line."""
        return f"{self.what} {self.do} {self.call}"


def alarm_words(alarm: AlarmReport, call: str) -> AlarmWords:
    """What to tell of an alarm; one these words do not know is told by how it sounds, never left out."""
    known = words()
    held = known.get(alarm.condition.value) or known[_UNKNOWN[alarm.critical]]
    return AlarmWords(held["what"], held["do"], call, alarm.critical)


def in_order(alarms: tuple[AlarmReport, ...]) -> tuple[AlarmReport, ...]:
    """Urgent ones first, then in the order in which they came."""
    return tuple(sorted(alarms, key=lambda alarm: (not alarm.critical, alarm.since_ms)))


def wait_text(wait_ms: int) -> str:
    """`4800000` reads `1 h 20 min`; always rounded up, so that nobody asks too early."""
    minutes = -(-wait_ms // units.MS_PER_MIN)
    hours, rest = divmod(minutes, units.MS_PER_H // units.MS_PER_MIN)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


@lru_cache(maxsize=1)
def words() -> Mapping[str, Mapping[str, str]]:
    """The whole table."""
    text = (files("openitb.programmer.handheld") / "alarms.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
