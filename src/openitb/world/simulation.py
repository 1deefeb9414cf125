"""A simulated case: every series on one grid, the story with the pump's log, and the accounts."""

from collections.abc import Iterator
from dataclasses import dataclass

from openitb import body, catheter, units
from openitb.body import Baseline, Inputs, OralDose, TipMove
from openitb.body import LumbarBolus as BodyBolus
from openitb.world.case import Case, LumbarBolus, Oral
from openitb.world.delivery import Stretch, departures
from openitb.world.series import Floats, grid_ms, system_series
from openitb.world.simulate import UNNAMED, Happening, Progress, SystemCourse, run_system

BODY_SERIES = (
    "lumbar_csf_ng_per_ml",
    "cisternal_csf_ng_per_ml",
    "plasma_ng_per_ml",
    "leg_effect_site_ng_per_ml",
    "arm_effect_site_ng_per_ml",
    "brainstem_ng_per_ml",
    "leg_ashworth",
    "arm_ashworth",
    "spasm_score",
    "hm_ratio",
    "tolerance",
    "withdrawal",
    "sedation",
    "respiratory_depression",
)


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """The whole of a run. `series` maps JSON keys to arrays of shape (n,) over `time_h`."""

    case: Case
    time_h: Floats
    series: dict[str, Floats]
    story: tuple[Happening, ...]
    system: SystemCourse | None
    drug_imbalance: float

    @property
    def departures(self) -> tuple[Stretch, ...]:
        """Where what left the tip was not what was ordered."""
        if self.system is None or self.case.system is None:
            return ()
        return departures(self.case, self.case.system, self.system)


def simulate(case: Case, progress: Progress | None = None, serial: str = UNNAMED) -> Simulation:
    """Run a case from its order to its effect. Raises `CaseError` naming the event that cannot be."""
    system, story = run_system(case, progress, serial)
    times_ms = grid_ms(case.start_ms, case.until_ms, case.every_ms)
    time_h = (times_ms - case.start_ms) / units.MS_PER_H
    course = body.run(case.patient.parameters, body_inputs(case, system), baseline(case), time_h)
    series = {name: course[name].values for name in BODY_SERIES} | system_series(system, times_ms)
    if progress:
        progress(1.0)
    return Simulation(case, time_h, series, story, system, course.mass_balance_error)


def baseline(case: Case) -> Baseline:
    """The untreated scores and the initial tolerance."""
    patient = case.patient
    return Baseline(
        leg_ashworth=patient.leg_ashworth,
        arm_ashworth=patient.arm_ashworth,
        spasm_score=patient.spasm_score,
        tolerance=patient.tolerance,
    )


def body_inputs(case: Case, system: SystemCourse | None) -> Inputs:
    """What really reaches the body: drug at the tip, lumbar boluses, tablets."""
    tip = catheter.outflow_timeline(system.outflow, case.start_ms, case.until_ms) if system else None
    return Inputs(
        tip=tip,
        start_ms=case.start_ms,
        tip_at=case.system.tip if case.system else "T12",
        lumbar_boluses=tuple(_lumbar_boluses(case)),
        oral=(*_oral_doses(case), *_beside_doses(case, system)),
        tip_moves=tuple(_tip_moves(case, system)),
    )


def _tip_moves(case: Case, system: SystemCourse | None) -> Iterator[TipMove]:
    for tip in system.tips[1:] if system else ():
        yield TipMove((tip.from_ms - case.start_ms) / units.MS_PER_H, tip.level)


def _lumbar_boluses(case: Case) -> Iterator[BodyBolus]:
    for event in case.events:
        if isinstance(event.truth, LumbarBolus):
            at_h = (event.at_ms - case.start_ms) / units.MS_PER_H
            yield BodyBolus(at_h, event.truth.dose_pg / units.PG_PER_UG, event.truth.level)


def _beside_doses(case: Case, system: SystemCourse | None) -> Iterator[OralDose]:
    """Drug put into the tissue beside the pump, taken up as if it had been swallowed: an assumption."""
    for impulse in system.beside if system else ():
        yield OralDose((impulse.at_ms - case.start_ms) / units.MS_PER_H, impulse.amount / units.PG_PER_UG)


def _oral_doses(case: Case) -> Iterator[OralDose]:
    for event in case.events:
        if isinstance(event.truth, Oral):
            first_ms, last_ms = event.at_ms, min(event.at_ms + event.truth.for_ms, case.until_ms + 1)
            for at_ms in range(first_ms, last_ms, event.truth.every_ms):
                yield OralDose(
                    (at_ms - case.start_ms) / units.MS_PER_H, event.truth.dose_pg / units.PG_PER_UG
                )
