"""One run of one body: inputs and baseline in, every series out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from openitb.body.adaptation import Adaptation, adapt, step_times_h
from openitb.body.anatomy import Floats, position_cm
from openitb.body.effect import Baseline, Exposure, effects
from openitb.body.inputs import Inputs, schedule
from openitb.body.model import NG_PER_UG, Model
from openitb.body.modes import solved
from openitb.body.parameters import BodyError, BodyParameters, constant
from openitb.body.propagation import Trajectory
from openitb.timeline import Series

_IN_BODY = ("in_spinal_csf_ug", "in_cord_ug", "in_cranial_csf_ug", "in_plasma_ug", "in_gut_ug")
_ELIMINATED = ("cleared_ug", "unabsorbed_ug")
_LEG, _ARM = "leg_effect_site_ng_per_ml", "arm_effect_site_ng_per_ml"
_UNITS = {"_ng_per_ml": "ng/mL", "_ug": "ug", "_ashworth": "point", "_score": "point"}


@dataclass(frozen=True, slots=True, eq=False)
class Course(Mapping[str, Series]):
    """Series by name, all at `time_h` (n,).

    Concentrations in ng/mL: `lumbar_csf`, `cisternal_csf`, `plasma`, `leg_effect_site`,
    `arm_effect_site`, `brainstem`, `tip_sample` (what a sample drawn through the catheter would show).
    Scores: `leg_ashworth`, `arm_ashworth`, `spasm_score`. Fractions: `hm_ratio`, `withdrawal`,
    `sedation`, `sedation_tolerant`, `respiratory_depression`; factor: `tolerance`. Amounts in µg:
    `dosed`, where it is (`in_spinal_csf`, `in_cord`, `in_cranial_csf`, `in_plasma`, `in_gut`), what is
    eliminated (`cleared` from plasma, `unabsorbed` from the gut), and `to_blood`, carried from CSF.
    """

    time_h: Floats
    arrays: Mapping[str, Floats]

    def __getitem__(self, name: str) -> Series:
        return Series(self.time_h, self.arrays[name], _unit(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    @property
    def in_body_ug(self) -> Floats:
        """Drug in the body, gut included, shape (n,)."""
        return self._sum(_IN_BODY)

    @property
    def eliminated_ug(self) -> Floats:
        """Drug that has left the body for good, shape (n,)."""
        return self._sum(_ELIMINATED)

    @property
    def mass_balance_error(self) -> float:
        """Largest distance between drug given and drug accounted for, as a part of all that was given."""
        dosed = self.arrays["dosed_ug"]
        missing = np.abs(dosed - self.in_body_ug - self.eliminated_ug)
        return float(missing.max() / dosed.max()) if dosed.max() > 0 else float(missing.max())

    def _sum(self, names: tuple[str, ...]) -> Floats:
        return np.asarray(sum(self.arrays[name] for name in names), dtype=np.float64)


def run(params: BodyParameters, inputs: Inputs, baseline: Baseline, times_h: Floats) -> Course:
    """Everything a body shows at `times_h` (n,), hours from the start of the inputs, in any order.

    Concentrations and amounts are exact between changes of input; at the instant of a bolus they are
    those after it. Tolerance and withdrawal are computed on a grid of their own, so that the output
    times do not change them. Raises `BodyError` for no times, times that are negative or not finite,
    and for inputs a body cannot have.
    """
    times = _checked(times_h)
    body = solved(params)
    given = schedule(body.model, inputs)
    trajectory = Trajectory(body.modes, given)
    arrays = _linear(body.model, trajectory, inputs, times)
    accustomed = inputs.initial != "empty"
    adaptation = _adaptation(body.model, trajectory, baseline.tolerance, times, accustomed=accustomed)
    tolerance, withdrawal = adaptation.at(times)
    exposure = Exposure(arrays[_LEG], arrays[_ARM], arrays["brainstem_ng_per_ml"], tolerance, withdrawal)
    arrays |= {"tolerance": tolerance, "withdrawal": withdrawal}
    return Course(times, MappingProxyType({**arrays, **effects(params, baseline, exposure)}))


def _checked(times_h: Floats) -> Floats:
    times = np.array(times_h, dtype=np.float64)
    if times.ndim != 1 or not len(times):
        raise BodyError(f"times: got an array of shape {times.shape}, expected at least one time in h")
    if not (np.isfinite(times).all() and times.min() >= 0):
        raise BodyError(f"times: got {times.min()} h, expected finite times of at least 0 h")
    return times


def _linear(model: Model, trajectory: Trajectory, inputs: Inputs, times: Floats) -> dict[str, Floats]:
    places = [inputs.tip_at, *(move.to for move in inputs.tip_moves)]
    at_places = [model.csf_at(position_cm(model.params, place, "tip")) for place in places]
    seen = trajectory.observe(np.array([*model.readouts.values(), *at_places]), times).T
    values, by_place = seen[: len(model.readouts)], seen[len(model.readouts) :]
    at_tip = by_place[trajectory.schedule.place_at(times), np.arange(len(times))]
    plume = NG_PER_UG * trajectory.schedule.rate_at(times) / model.params.tip_plume_ml_per_h
    return {
        **dict(zip(model.readouts, values, strict=True)),
        "tip_sample_ng_per_ml": at_tip + plume,
        "dosed_ug": trajectory.schedule.dosed_ug(times),
    }


def _adaptation(
    model: Model, trajectory: Trajectory, tolerance: float, times: Floats, *, accustomed: bool
) -> Adaptation:
    grid = step_times_h(float(times.max()), constant("computation", "dynamics_step", "hour"))
    legs = trajectory.observe(model.readouts[_LEG][None], grid)[:, 0]
    return adapt(model.params, grid, legs, tolerance, accustomed=accustomed)


def _unit(name: str) -> str:
    return next((unit for end, unit in _UNITS.items() if name.endswith(end)), "1")
