"""A whole case for many people: the system runs once, what it delivers reaches many bodies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from openitb import body
from openitb.body import Baseline, BodyParameters, Inputs
from openitb.body.anatomy import Floats
from openitb.cohort.errors import CohortError
from openitb.cohort.people import sample
from openitb.cohort.prediction.bands import Band, band, band_name, same_for_all
from openitb.cohort.prediction.basis import basis_of_people
from openitb.cohort.prediction.forecast import SERIES, TIP, Sampling
from openitb.units import MS_PER_H
from openitb.world.case import Case
from openitb.world.series import grid_ms, tip_ug_per_h
from openitb.world.simulate import run_system
from openitb.world.simulation import baseline, body_inputs

Progress = Callable[[float], None]

MOST_VALUES = 20_000_000  # people x output times; eight series of this size are 1.3 GB


@dataclass(frozen=True, slots=True, eq=False)
class PeopleRun:
    """Bands by series name (`SERIES`, and `tip_ug_per_h` where there is a pump) over `time_h` (n,)."""

    case: Case
    sampling: Sampling
    time_h: Floats
    series: Mapping[str, Band]
    band_name: str
    basis: tuple[str, ...]


def run_people(case: Case, sampling: Sampling, progress: Progress | None = None) -> PeopleRun:
    """Run a case for sampled people who share order, pump, catheter and untreated scores.

    `progress` hears the part that is done. Raises `CohortError` for no people or too many, `CaseError`
    for a case that cannot be run.
    """
    times_ms = grid_ms(case.start_ms, case.until_ms, case.every_ms)
    _check(sampling, len(times_ms))
    people = (case.patient.parameters, *sample(case.patient.parameters, sampling.people, sampling.seed))
    system, _ = run_system(case)
    time_h = (times_ms - case.start_ms) / MS_PER_H
    lines = _lines(people, body_inputs(case, system), baseline(case), time_h, progress)
    bands = {name: band(unit, lines[name]) for name, unit in SERIES.items()}
    if system:
        in_force_ms = np.minimum(times_ms, case.until_ms - 1)  # nothing has left the tip beyond the end
        bands[TIP] = same_for_all("ug/h", tip_ug_per_h(system.outflow, in_force_ms))
    basis = basis_of_people(case.patient.parameters, sampling.people)
    return PeopleRun(case, sampling, time_h, MappingProxyType(bands), band_name(), basis)


def _lines(
    people: tuple[BodyParameters, ...],
    inputs: Inputs,
    start: Baseline,
    time_h: Floats,
    progress: Progress | None,
) -> dict[str, Floats]:
    """Each series of each person, by name an array of shape (people, n)."""
    lines = {name: np.empty((len(people), len(time_h))) for name in SERIES}
    for who, person in enumerate(people):
        course = body.run(person, inputs, start, time_h)
        for name, line in lines.items():
            line[who] = course[name].values
        if progress:
            progress((who + 1) / len(people))
    return lines


def _check(sampling: Sampling, samples: int) -> None:
    if sampling.people * samples > MOST_VALUES:
        most = MOST_VALUES // samples
        raise CohortError(
            f"people: got {sampling.people} at {samples} output times, expected at most {most}; a coarser "
            "output.every allows more"
        )
