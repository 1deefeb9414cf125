"""A clinic's own record of one patient, typed: what was given, what came out, what was seen and told.

Nothing in it is hidden from a clinic. Instants are ms since the epoch; entries are in order of time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from openitb import catalogue
from openitb.catalogue import Pump
from openitb.cohort.people.causes import STATED
from openitb.prescription import Program
from openitb.prescription.guardrails import Origin
from openitb.twin.errors import TwinError
from openitb.units import format_volume

SCALES = {
    "leg": ("ashworth", "modified-ashworth"),
    "arm": ("ashworth", "modified-ashworth"),
    "spasm": ("penn-frequency",),
}
CHILD = "paediatric"
OLDEST_YEARS = 120

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Whom:
    """Who is treated: the cause of spasticity, and age and weight where they are known.

    Refuses an unknown cause, and a child without age, with `TwinError`.
    """

    cause: str
    age_years: float | None = None
    weight_kg: float | None = None

    def __post_init__(self) -> None:
        if self.cause not in STATED:
            raise TwinError(f"patient.cause: got {self.cause!r}, expected one of {', '.join(STATED)}")
        if self.cause == CHILD and self.age_years is None:
            raise TwinError("patient.age: missing, expected one for a child")
        if self.age_years is not None and not 0 <= self.age_years <= OLDEST_YEARS:
            raise TwinError(f"patient.age: got {self.age_years} years, expected 0 to {OLDEST_YEARS} years")
        if self.weight_kg is not None and not self.weight_kg > 0:
            raise TwinError(f"patient.weight: got {self.weight_kg} kg, expected above 0 kg")

    @property
    def origin(self) -> Origin:
        """Whose dosing limits apply."""
        return "cerebral" if self.cause in {"cerebral", CHILD} else "spinal"


@dataclass(frozen=True, slots=True)
class Implanted:
    """Pump, fluid from reservoir to tip in nL, where the tip lies, and the strength in all of it at first."""

    pump: Pump
    path_nl: int
    tip: str
    ug_per_ml: int


@dataclass(frozen=True, slots=True)
class TrialBolus:
    """A bolus by lumbar puncture."""

    at_ms: int
    dose_ug: float


@dataclass(frozen=True, slots=True)
class Ordered:
    """The pump runs a program from here on."""

    at_ms: int
    program: Program


@dataclass(frozen=True, slots=True)
class Refilled:
    """The reservoir was emptied and filled. Volumes in nL; expected by the pump's count, None for both at
    the first fill.
    """

    at_ms: int
    volume_nl: int
    ug_per_ml: int
    expected_nl: int | None = None
    aspirated_nl: int | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """Levels given at a visit by what was rated (`leg`, `arm`, `spasm`): scale and ordinal of the level.

    `rater` is who rated tone. Refuses with `TwinError` what no such scale can say.
    """

    at_ms: int
    levels: Mapping[str, tuple[str, int]]
    rater: str = ""

    def __post_init__(self) -> None:
        for what, (scale, ordinal) in self.levels.items():
            if scale not in SCALES.get(what, ()):
                raise TwinError(
                    f"scores.{what}: got {scale!r}, expected one of {', '.join(SCALES)} on its scale"
                )
            known = [level.ordinal for level in catalogue.load().scales[scale].levels]
            if ordinal not in known:
                raise TwinError(f"scores.{what}: got ordinal {ordinal}, expected one of {known}")


@dataclass(frozen=True, slots=True)
class Reported:
    """Was the patient drowsy, were there signs of withdrawal? None: nobody asked."""

    at_ms: int
    drowsy: bool | None = None
    withdrawal: bool | None = None


Entry = TrialBolus | Ordered | Refilled | Scored | Reported


@dataclass(frozen=True, slots=True)
class ClinicRecord:
    """One patient's record. `treated_ms` is how long the first order had been running when it begins, 0 for
    somebody never treated; the pump clock is `zone_offset_ms` ahead of UTC.

    Refuses with `TwinError` entries out of order or before `start_ms`, and volumes the pump cannot hold.
    """

    whom: Whom
    system: Implanted
    start_ms: int
    entries: tuple[Entry, ...]
    zone_offset_ms: int = 0
    treated_ms: int = 0

    def __post_init__(self) -> None:
        last = self.start_ms
        for number, entry in enumerate(self.entries, start=1):
            if entry.at_ms < last:
                raise TwinError(f"event {number}: at: lies before the one above it, expected order of time")
            last = entry.at_ms
            if isinstance(entry, Refilled):
                _check_refill(f"event {number}: refill", entry, self.system.pump)
        if self.treated_ms < 0:
            raise TwinError(f"treated: got {self.treated_ms} ms, expected at least 0")
        if self.treated_ms and not self.first(Ordered):
            raise TwinError("treated: got one without an order, expected the order that had been running")

    @property
    def end_ms(self) -> int:
        """The last instant anything was written down."""
        return self.entries[-1].at_ms if self.entries else self.start_ms

    def of(self, kind: type[Made]) -> Iterator[Made]:
        """The entries of one kind."""
        return (entry for entry in self.entries if isinstance(entry, kind))

    def first(self, kind: type[Made]) -> Made | None:
        """The first entry of one kind, if there is any."""
        return next(self.of(kind), None)

    def until(self, at_ms: int) -> "ClinicRecord":
        """What was known at an instant, that instant included."""
        return replace(self, entries=tuple(entry for entry in self.entries if entry.at_ms <= at_ms))

    @property
    def visits_ms(self) -> tuple[int, ...]:
        """When something was seen on the pump: a volume, a score or a report after the first order."""
        first = self.first(Ordered)
        if first is None:
            return ()
        seen = (Refilled, Scored, Reported)
        return tuple(sorted({e.at_ms for e in self.entries if isinstance(e, seen) and e.at_ms > first.at_ms}))


def _check_refill(field: str, refill: Refilled, pump: Pump) -> None:
    if (refill.expected_nl is None) != (refill.aspirated_nl is None):
        raise TwinError(f"{field}: got one of expected and aspirated, expected both or neither")
    most = pump.reservoir_capacity_nl
    for name in ("volume", "expected", "aspirated"):
        volume = getattr(refill, f"{name}_nl")
        if volume is not None and not 0 <= volume <= most:
            got = format_volume(volume)
            raise TwinError(f"{field}.{name}: got {got}, expected 0 mL to {format_volume(most)}")
    if refill.ug_per_ml <= 0:
        raise TwinError(f"{field}.concentration: got {refill.ug_per_ml} µg/mL, expected above zero")
