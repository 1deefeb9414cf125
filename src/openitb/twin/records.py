"""What a clinic writes down about a pump, typed: emptied reservoirs, and the reservoir as it is believed."""

from dataclasses import dataclass

from openitb.catalogue import Pump
from openitb.twin.errors import TwinError
from openitb.units import format_volume


@dataclass(frozen=True, slots=True)
class EmptiedReservoir:
    """One refill visit: what should have come out by the pump's count, what came out, and what the pump
    counts as delivered since the visit before. Volumes in nL.
    """

    at_ms: int
    expected_nl: int
    aspirated_nl: int
    delivered_nl: int

    @property
    def missing_nl(self) -> int:
        """Fluid that should have come out and did not: above zero where more was delivered than counted."""
        return self.expected_nl - self.aspirated_nl


@dataclass(frozen=True, slots=True)
class ReservoirNow:
    """The reservoir by the pump's count: filled to `filled_nl` at the last visit, `delivered_nl` since then,
    running at `rate_nl_per_day`, with its alarm at `alarm_nl`.
    """

    at_ms: int
    filled_nl: int
    delivered_nl: int
    rate_nl_per_day: int
    alarm_nl: int

    @property
    def believed_nl(self) -> int:
        """What the pump says is left."""
        return self.filled_nl - self.delivered_nl


def check_visits(visits: tuple[EmptiedReservoir, ...], pump: Pump) -> None:
    """Refuses volumes this pump cannot hold, and two visits at one instant, with `TwinError`."""
    for visit in visits:
        _check("expected volume", visit.expected_nl, pump.reservoir_capacity_nl)
        _check("aspirated volume", visit.aspirated_nl, pump.reservoir_capacity_nl)
        _check("delivered volume", visit.delivered_nl, pump.reservoir_capacity_nl)
    if len({visit.at_ms for visit in visits}) < len(visits):
        raise TwinError("visits: got two at one instant, expected one record for each refill")


def check_now(now: ReservoirNow, pump: Pump) -> None:
    """Refuses a reservoir this pump cannot have with `TwinError`."""
    _check("filled volume", now.filled_nl, pump.reservoir_capacity_nl)
    _check("delivered volume", now.delivered_nl, now.filled_nl)
    _check("alarm volume", now.alarm_nl, pump.reservoir_capacity_nl)
    if now.rate_nl_per_day < 0:
        raise TwinError(f"rate: got {now.rate_nl_per_day} nL/day, expected at least 0 nL/day")


def _check(field: str, volume_nl: int, most_nl: int) -> None:
    if not 0 <= volume_nl <= most_nl:
        got, most = format_volume(volume_nl), format_volume(most_nl)
        raise TwinError(f"{field}: got {got}, expected 0 mL to {most}")
