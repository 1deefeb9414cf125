"""Transfer functions of many bodies: what a unit of drug becomes at each place, for complex s, exactly.

For exp(st) in, every place of a linear body follows as G(s) exp(st). Cord, cranial fluid and brainstem
are eliminated by hand as functions of s; what is left is a chain of slices, one symmetric tridiagonal
system per person and s, eliminated for all of them side by side from the sacrum upwards. Plasma takes
from every slice and leaks into all of them: one more right-hand side and a division close the loop.
No matrix of a person is built. The equations are those of `body.model`; tests hold them together.
"""

from collections.abc import Mapping

import numpy as np

from openitb.body.anatomy import Canal, Floats, canal, position_cm
from openitb.body.model import LUMBAR_LEVEL, NG_PER_UG
from openitb.cohort.engine.chain import Chain, Values
from openitb.cohort.people import People

LEG, ARM = "leg_effect_site_ng_per_ml", "arm_effect_site_ng_per_ml"
BRAINSTEM, PLASMA = "brainstem_ng_per_ml", "plasma_ng_per_ml"
LUMBAR, CISTERNAL = "lumbar_csf_ng_per_ml", "cisternal_csf_ng_per_ml"
PLACES = (LEG, ARM, BRAINSTEM, PLASMA, LUMBAR, CISTERNAL)

Entry = Floats | None  # parts of a unit of drug by slice, (people or 1, cells); None: swallowed

_REGIONS = ("canal_area_lumbar", "canal_area_thoracic", "canal_area_cervical")


def transfer(people: People, entries: Mapping[str, Entry], s_per_h: Values) -> dict[str, Values]:
    """By entry, G in ng/mL per µg/h at each of `PLACES`: shape (places, people, len(s)).

    `s_per_h` (s,) is at least 0; G at 0 is the steady state. A bolus of 1 µg has the same G, in ng/mL·h
    per µg.
    """
    bodies = _Bodies(people, s_per_h)
    return {name: bodies.answer(entry) * NG_PER_UG for name, entry in entries.items()}


class _Bodies:
    """A block of people at all s; what is a person's own has shape (people, 1)."""

    def __init__(self, people: People, s_per_h: Values) -> None:
        self._p = {name: column[:, None] for name, column in people.parameters.items()}
        self._s = s_per_h[None, :]
        one = people.one(0)
        self._tube = canal(one)
        self._lumbar = self._tube.cell_at(position_cm(one, LUMBAR_LEVEL))
        self._volume_ml = _volumes_ml(self._p, self._tube)
        self._taken, self._deep = self._cord()
        self._top, self._cisterna, self._carried = self._cranial()
        self._chain = self._slices()
        self._leaked, self._needs = self._leak()

    def answer(self, entry: Entry) -> Values:
        """Concentrations in µg/mL at `PLACES` for a unit of drug."""
        own, absorbed = self._swallowed() if entry is None else self._read(entry)
        plasma = absorbed / self._needs
        leg, arm, lumbar, cisterna = own + plasma * self._leaked
        k_b = self._p["cisterna_to_brainstem_per_h"]
        return np.stack([leg, arm, cisterna * (k_b / (self._s + k_b)), plasma, lumbar, cisterna])

    def _swallowed(self) -> tuple[Values, Values]:
        rate = self._p["oral_absorption_per_h"]
        return np.zeros((4, 1, 1), dtype=np.complex128), rate * self._p["oral_availability"] / (
            self._s + rate
        )

    def _read(self, source: Floats) -> tuple[Values, Values]:
        """Leg, arm, lumbar and cisternal, and what goes to blood, without a round through blood."""
        tube = self._tube
        regions = [np.flatnonzero(tube.region == region).tolist() for region in range(len(_REGIONS))]
        groups = (tube.leg.tolist(), tube.arm.tolist(), [self._lumbar], [len(tube.x_cm) - 1], *regions)
        leg, arm, lumbar, top, *sums = self._chain.sums(source, groups)
        leg, arm = leg / len(tube.leg) * self._deep, arm / len(tube.arm) * self._deep
        amount = sum(self._volume_ml[:, cells[:1]] * part for cells, part in zip(regions, sums, strict=True))
        to_blood = self._p["spinal_loss_per_h"] * amount + top * self._carried
        return np.stack([leg, arm, lumbar, top * self._cisterna]), to_blood

    def _cord(self) -> tuple[Values, Values]:
        """What cord takes from the CSF beside it in mL/h, and deep cord as a part of that CSF."""
        p, s = self._p, self._s
        whole = p["cord_area_cm2"] * self._cell_cm() * p["cord_partition"]
        deep_ml = whole * p["cord_deep_fraction"]
        superficial_ml = whole - deep_ml
        in_ml_per_h = p["csf_to_cord_per_h"] * superficial_ml
        deep = p["superficial_to_deep_per_h"] / (s + p["superficial_to_deep_per_h"])
        needs = s * (superficial_ml + deep_ml * deep)
        return in_ml_per_h * needs / (needs + in_ml_per_h), in_ml_per_h / (needs + in_ml_per_h) * deep

    def _cranial(self) -> tuple[Floats, Values, Values]:
        """Exchange of the top slice with the cisterna in mL/h (people, 1); the cisterna as a part of the
        top slice; what upper cranial CSF carries to blood, in mL/h of the top slice.
        """
        p, s, cell_cm = self._p, self._s, self._cell_cm()
        top_area = self._volume_ml[:, -1:] / cell_cm
        top = p["dispersion_cm2_per_h"] * top_area / (cell_cm / 2 + p["cisterna_gap_cm"])
        flow, back = p["csf_turnover_ml_per_h"], p["cranial_mixing_ml_per_h"]
        upper = (flow + back) / (s * p["upper_cranial_ml"] + flow + back)
        cisterna = top / (s * p["cisterna_ml"] + top + flow + back * (1 - upper))
        return top, cisterna, flow * upper * cisterna

    def _slices(self) -> Chain:
        p, tube = self._p, self._tube
        per_volume = self._s + p["spinal_loss_per_h"]
        cord = np.isin(np.arange(len(tube.x_cm)), tube.cord)
        kinds = {
            (region, beside): per_volume * self._volume_ml[:, [np.argmax(tube.region == region)]]
            + (self._taken if beside else 0.0)
            for region, beside in set(zip(tube.region.tolist(), cord.tolist(), strict=True))
        }
        needs = [kinds[kind] for kind in zip(tube.region.tolist(), cord.tolist(), strict=True)]
        needs[-1] = needs[-1] + self._top * (1 - self._cisterna)
        return Chain(needs, self._faces())

    def _faces(self) -> Floats:
        """Exchange between neighbouring slices in mL/h, (people, cells - 1)."""
        volume = self._volume_ml
        harmonic = 2 * volume[:, :-1] * volume[:, 1:] / (volume[:, :-1] + volume[:, 1:])
        return np.asarray(self._p["dispersion_cm2_per_h"] * harmonic / self._cell_cm() ** 2)

    def _leak(self) -> tuple[Values, Values]:
        """What 1 µg/mL in plasma leads to at the places through its leak, and what plasma needs in mL/h."""
        p = self._p
        leak = p["blood_to_csf_ratio"] * p["spinal_loss_per_h"] * self._volume_ml
        leaked, back = self._read(leak)
        whole = leak.sum(axis=1, keepdims=True)
        return leaked, self._s * p["plasma_ml"] + p["plasma_clearance_ml_per_h"] + whole - back

    def _cell_cm(self) -> Floats:
        return self._p["canal_length_cm"] / len(self._tube.x_cm)


def _volumes_ml(p: Mapping[str, Floats], tube: Canal) -> Floats:
    """CSF per slice, (people, cells)."""
    relative = np.concatenate([p[name] for name in _REGIONS], axis=1)[:, tube.region]
    return np.asarray(relative / relative.sum(axis=1, keepdims=True) * p["spinal_csf_ml"])
