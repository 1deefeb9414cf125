"""A story run through the simulator: what truly happened, to be seen by the clinic through noise."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from openitb import units
from openitb.clinic.demo.story import Story
from openitb.implant import Implant
from openitb.world import case, casefile
from openitb.world.simulate import Happening, Visit
from openitb.world.simulation import Simulation, simulate


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """A story and its simulated truth: the trial without a pump, the therapy with one."""

    story: Story
    trial: Simulation | None
    therapy: Simulation | None

    @property
    def implant(self) -> Implant | None:
        """The pump as it is at the end of its story."""
        return self.therapy.system.end.implant if self.therapy and self.therapy.system else None

    def truth(self, series: str, at_ms: int) -> float:
        """A true score at an instant; untreated outside trial and therapy."""
        for simulation in (self.trial, self.therapy):
            if simulation and simulation.case.start_ms <= at_ms <= simulation.case.until_ms:
                hour = (at_ms - simulation.case.start_ms) / units.MS_PER_H
                return float(np.interp(hour, simulation.time_h, simulation.series[series]))
        untreated: float = getattr(self.story.person.body, series)
        return untreated

    def visits(self) -> Iterator[tuple[Visit, Happening]]:
        """What was done with the pump, each with its line of the story."""
        if self.therapy and self.therapy.system:
            yield from zip(self.therapy.system.visits, self.therapy.story, strict=True)


def play(story: Story) -> Played:
    """Run a story; raises `CaseError` naming the event that the gate or the pump refuses."""
    serial = story.person.pump.serial if story.person.pump else ""
    return Played(story, _run(story.trial, serial), _run(story.therapy, serial))


def _run(tables: dict[str, Any] | None, serial: str) -> Simulation | None:
    return None if tables is None else simulate(case.build(casefile.validated(tables)), serial=serial)
