"""What befalls the pumps and catheters of a block: faults laid out over time, as changes of flow and arrival.

Planned faults and those that come at the catalogue's hazards are laid by the same courses as on a single
implant (`openitb.implant.faults`), and what the spells amount to is asked of the implant's own hardware.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from openitb.body.anatomy import Floats
from openitb.cohort.engine.pumps import Fault
from openitb.cohort.people import People
from openitb.cohort.people.events import KINDS, Events, befall
from openitb.cohort.study.chance import Chances
from openitb.cohort.study.design import Arm, number
from openitb.implant.faults import Setting, choose, lay
from openitb.implant.faults.courses import Laid
from openitb.implant.hardware.spells import SpellKind, condition_at
from openitb.units import MS_PER_DAY, MS_PER_H

_PPM = 1_000_000
_PERMILLE = 1000
_DAYS_PER_YEAR = 365.25


@dataclass(slots=True)
class Troubles:
    """Of one person: faults that are laid, and what else will happen, in days since the start.

    `gain` is what the pump moves for what it counts while nothing is wrong.
    """

    gain: float = 1.0
    laid: list[tuple[float, Laid]] = field(default_factory=list)
    side_effects: list[float] = field(default_factory=list)
    overdoses: list[tuple[float, float]] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)

    @property
    def first_day(self) -> float | None:
        """When the first fault begins."""
        return min((at for at, _ in self.laid), default=None)

    def is_broken(self, day: float) -> bool:
        """Has a fault begun that nobody has put right?"""
        return any(at <= day for at, _ in self.laid)

    def repair(self, day: float) -> None:
        """Put right all that has begun."""
        self.laid = [(at, laid) for at, laid in self.laid if at > day]

    def alarms(self) -> list[float]:
        """Days on which the pump notices that its motor stands."""
        return [
            spell.from_ms / MS_PER_DAY
            for _, laid in self.laid
            for spell in laid.pump
            if spell.kind is SpellKind.STILL and not _unfelt(laid, spell.from_ms)
        ]

    def changes(self, row: int, from_ms: int, end_ms: int) -> Iterator[Fault]:
        """Flow and arrival from an instant on, at each edge."""
        spells = [spell for _, laid in self.laid for spell in laid.pump]
        leaks = [leak for _, laid in self.laid for leak in laid.path]
        edges = {edge for spell in spells for edge in (spell.from_ms, spell.until_ms)}
        edges |= {edge for leak in leaks for edge in (leak.from_ms, leak.until_ms)}
        inside = sorted(edge for edge in edges if edge is not None and from_ms < edge < end_ms)
        for at_ms in (from_ms, *inside):
            now = condition_at(spells, at_ms)
            flow = self.gain * (1 + now.gain_ppm / _PPM) if now.turning and not now.shut else 0.0
            arrives = 1.0
            for leak in leaks:
                if leak.covers(at_ms):
                    arrives *= 1 - leak.lost_permille / _PERMILLE
            yield Fault(row, at_ms / MS_PER_H, flow, arrives)


def troubles(arm: Arm, people: People, chances: Chances, days: int) -> list[Troubles]:
    """What will happen to each person of a block within so many days."""
    found = [Troubles(gain) for gain in _gains(arm, chances)]
    for turn, planned in enumerate(arm.faults):
        setting = Setting(round(planned.at_day * MS_PER_DAY), arm.system.path_nl, _per_cm_nl(arm))
        for row, mine in enumerate(found):
            if chances.happens(planned.share, "planned fault", row, turn):
                mine.laid.append((planned.at_day, lay(planned.chosen, setting)))
    if arm.hazards is not None:
        years = days / _DAYS_PER_YEAR
        _befallen(found, befall(people, years, chances.seed, arm.hazards), arm)
    return found


def gains(some: Sequence[Troubles]) -> Floats:
    """What each pump moves for what it counts, (people,)."""
    return np.array([mine.gain for mine in some])


def _gains(arm: Arm, chances: Chances) -> list[float]:
    spread = number("delivery-accuracy", "gain_spread", "1") if arm.pump_spread else 0.0
    return [1.0 + chances.error(spread, "pump gain", row, 0) for row in range(len(chances.ids))]


def _befallen(found: list[Troubles], events: Events, arm: Arm) -> None:
    for row, at_years, kind, fault, doses in zip(
        events.row.tolist(),
        events.at_years.tolist(),
        events.kind.tolist(),
        events.fault.tolist(),
        events.daily_doses.tolist(),
        strict=True,
    ):
        mine, day = found[row], at_years * _DAYS_PER_YEAR
        mine.counted[KINDS[kind]] = mine.counted.get(KINDS[kind], 0) + 1
        if fault:
            setting = Setting(round(day * MS_PER_DAY), arm.system.path_nl, _per_cm_nl(arm))
            mine.laid.append((day, lay(choose(fault, {}), setting)))
        elif KINDS[kind] == "drug side effect":
            mine.side_effects.append(day)
        elif KINDS[kind] == "overdose":
            mine.overdoses.append((day, doses))


def _per_cm_nl(arm: Arm) -> int:
    catheter = arm.system.path
    return round(catheter.catheter_ml_per_cm * 1_000_000)


def _unfelt(laid: Laid, at_ms: int) -> bool:
    return any(spell.kind is SpellKind.UNFELT and spell.covers(at_ms) for spell in laid.pump)
