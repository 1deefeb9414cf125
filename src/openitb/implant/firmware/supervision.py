"""What a pump is held to when it watches over itself; times in ms of its own clock."""

from collections.abc import Mapping
from dataclasses import dataclass

from openitb.catalogue import Entry


@dataclass(frozen=True, slots=True)
class Supervision:
    """How often memory is checked, when a part without progress is restarted and told of, how often at most.

    `cell_weak_ms` is how much longer the cell must have looked weak than good before that is believed.
    """

    check_every_ms: int
    restart_after_ms: int
    alarm_after_ms: int
    most_restarts: int
    restarts_within_ms: int
    cell_weak_ms: int


def supervision_of(practice: Mapping[str, Entry]) -> Supervision:
    """As the catalogue says."""
    own, values = practice["supervision"].fact, practice["requirement-values"].fact
    return Supervision(
        check_every_ms=own("memory_check").whole("ms"),
        restart_after_ms=own("restart_after").whole("ms"),
        alarm_after_ms=own("alarm_after").whole("ms"),
        most_restarts=values("sys_07_crashes").whole("1"),
        restarts_within_ms=values("sys_07_within").whole("ms"),
        cell_weak_ms=own("cell_weak").whole("ms"),
    )
