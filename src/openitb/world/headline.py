"""What a reader should see first: mistakes, wrong delivery, alarms, dangers, tone above the untreated."""

from collections.abc import Iterator

import numpy as np

from openitb import catalogue, units
from openitb.world.case import Case
from openitb.world.delivery import Stretch
from openitb.world.hearing import alarms_told
from openitb.world.simulate import NOT_REACHED
from openitb.world.simulation import Simulation
from openitb.world.truth import believed_volume_nl, true_volume_nl

_DANGERS = (
    ("respiratory_depression", "breathing depressed"),
    ("sedation", "sedation"),
    ("withdrawal", "withdrawal"),
)
_UNTREATED = (
    ("leg_ashworth", "leg Ashworth"),
    ("arm_ashworth", "arm Ashworth"),
    ("spasm_score", "spasm score"),
)
_PLACES = 2  # of a score as it is printed
_HOURS_SHOWN = 72  # later than this a time is told in days


def clock(hours: float) -> str:
    """Hours from the start as they are printed: `37.2 h`, `10.79 d`."""
    return f"{hours:.1f} h" if hours < _HOURS_SHOWN else f"{hours / units.HOURS_PER_DAY:.2f} d"


def headline(simulation: Simulation) -> Iterator[str]:
    """The findings of a run, one line each; none if all went as ordered."""
    case = simulation.case
    for happening in simulation.story:
        if happening.mistake:
            at = clock(_hours(case, happening.at_ms))
            yield f"{happening.kind} at {at}: recorded {happening.text}, truly {happening.mistake}"
        if happening.kind == "fault" or happening.outcome == NOT_REACHED:
            at = clock(_hours(case, happening.at_ms))
            yield f"{happening.kind} at {at}, {happening.outcome}: {happening.text}"
    yield from _beside(simulation)
    yield from (_wrong(case, stretch) for stretch in simulation.departures)
    yield from _alarms(simulation)
    yield from _beliefs(simulation)
    yield from _dangers(simulation)
    yield from _rebound(simulation)


def _dangers(simulation: Simulation) -> Iterator[str]:
    """Sedation, weak breathing and withdrawal from where on the catalogue calls them dangerous."""
    limits = catalogue.load().practice["simulation-headline"]
    for name, label in _DANGERS:
        values = simulation.series[name]
        over = np.flatnonzero(values >= float(limits.fact(name).number("1")))
        if len(over):
            first, peak = int(over[0]), int(np.argmax(values))
            at, worst = clock(float(simulation.time_h[first])), clock(float(simulation.time_h[peak]))
            yield f"{label} from {at}, at its worst {values[peak]:.2f} of full at {worst}"


def _beside(simulation: Simulation) -> Iterator[str]:
    for impulse in simulation.system.beside if simulation.system else ():
        at = clock(_hours(simulation.case, impulse.at_ms))
        yield f"refill at {at}: {units.format_mass(int(impulse.amount))} went beside the pump"


def _wrong(case: Case, stretch: Stretch) -> str:
    start, end = (_hours(case, at_ms) for at_ms in (stretch.start_ms, stretch.end_ms))
    span = f"from {clock(start)} to {clock(end)} ({clock(end - start)})"
    if stretch.of_ordered is None:
        return f"drug left the tip with no order in force {span}"
    if stretch.given_ug == 0:
        return f"no drug left the tip {span}, though it was ordered"
    return f"the tip gave {stretch.of_ordered:.2f} times the ordered dose {span}"


def _alarms(simulation: Simulation) -> Iterator[str]:
    for told in alarms_told(simulation):
        heard = "not heard by the end of the run"
        if told.heard_by_ms is not None:
            heard = f"heard by {clock(told.heard_by_ms / units.MS_PER_H)}"
        yield f"alarm at {clock(told.raised_ms / units.MS_PER_H)}: {told.condition}, {heard}"


def _beliefs(simulation: Simulation) -> Iterator[str]:
    """A reservoir that holds something else than its pump believes."""
    if simulation.system is None:
        return
    end = simulation.system.end
    truth, belief = true_volume_nl(end), believed_volume_nl(end)
    if abs(truth - belief) > end.implant.build.stroke_nl:
        held, believed = units.format_volume(truth), units.format_volume(belief)
        yield f"at the end the reservoir holds {held}, the pump believes {believed}"


def _rebound(simulation: Simulation) -> Iterator[str]:
    for name, label in _UNTREATED:
        untreated: float = getattr(simulation.case.patient, name)
        values = simulation.series[name]
        worst = int(np.argmax(values))
        if round(float(values[worst]), _PLACES) > round(untreated, _PLACES):
            at = clock(float(simulation.time_h[worst]))
            yield f"{label} {values[worst]:.2f} at {at}: worse than untreated, {untreated:.2f}"


def _hours(case: Case, at_ms: int) -> float:
    return (at_ms - case.start_ms) / units.MS_PER_H
