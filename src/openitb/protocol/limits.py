"""Limits on dose that the pump holds itself to, whatever it is asked to deliver later."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WindowDose:
    """The most drug, by label concentration, that any stretch of `window_ms` may hold."""

    window_ms: int
    most_pg: int


@dataclass(frozen=True, slots=True)
class SetDoseLimits:
    """Hold program and boluses together to these limits in every window of time; none ends them all.

    Prime and bridge do not count: they fill the path. A limit that the committed program breaks by
    itself is refused; lower the dose first.
    """

    actor: str
    command_id: str
    expected_digest: str
    limits: tuple[WindowDose, ...]
