"""A chain of slices that exchange with their neighbours, solved for many people and many s at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from openitb.body.anatomy import Floats

Values = NDArray[np.complex128]


class Chain:
    """The systems (needs + exchange) c = source, symmetric and tridiagonal, factorised once.

    `needs[i]` (people, s) is what slice i gives away except to its neighbours, in mL/h, the same object
    for slices that are alike; `faces` (people, cells - 1) is the exchange between neighbours in mL/h.
    Everything is divided by the exchange upwards, so that a slice like the one below it costs one
    subtraction and one division. The real parts of all needs are above zero, so that elimination needs no
    pivots.
    """

    def __init__(self, needs: Sequence[Values], faces: Floats) -> None:
        self._face = [faces[:, [min(i, faces.shape[1] - 1)]] for i in range(len(needs))]
        self._ratio = [
            None if i == 0 else _ratio(self._face[i - 1], self._face[i]) for i in range(len(needs))
        ]
        self._up = self._eliminated(needs)

    def sums(self, source: Floats, groups: Sequence[Sequence[int]]) -> list[Values]:
        """Concentrations summed over each group of slices, (people, s), in µg/mL for `source` in µg/h.

        `source` (people or 1, cells) is what enters each slice.
        """
        swept = self._swept(source)
        members: list[list[int]] = [[] for _ in self._up]
        for k, group in enumerate(groups):
            for i in group:
                members[i].append(k)
        sums = [np.zeros_like(self._up[0]) for _ in groups]
        here = np.zeros_like(self._up[0])
        for i in range(len(self._up) - 1, -1, -1):
            here *= self._up[i]
            entering = swept[i]
            if entering is not None:
                here += entering
            for k in members[i]:
                sums[k] += here
        return sums

    def _eliminated(self, needs: Sequence[Values]) -> list[Values]:
        """up_i of c_i = y_i + up_i c_(i+1)."""
        whole: dict[tuple[int, int], Values] = {}
        up: list[Values] = []
        run, top = 0, len(needs) - 1
        for i, need in enumerate(needs):
            ratio = self._ratio[i]
            run += ratio is not None
            if (id(need), run) not in whole or ratio is not None or i in {0, top}:
                sides = (i > 0) * (1.0 if ratio is None else ratio) + (i < top)
                whole[id(need), run] = need / self._face[i] + sides
            left = whole[id(need), run] - (self._below(i, up[-1]) if i else 0.0)
            up.append(np.reciprocal(left, out=left))
            if i == 0 or ratio is not None:
                run += 1  # the next slice may be like this one but for its sides
        return up

    def _swept(self, source: Floats) -> list[Values | None]:
        """y_i: the source after elimination from the first slice up; None where there is nothing."""
        swept: list[Values | None] = []
        for i, up in enumerate(self._up):
            enters = source[:, [i]] / self._face[i]
            before = swept[-1] if i else None
            if before is None:
                swept.append(up * enters if enters.any() else None)
                continue
            here = self._below(i, before) + enters if enters.any() else self._below(i, before) * 1.0
            here *= up
            swept.append(here)
        return swept

    def _below(self, i: int, value: Values) -> Values:
        """A value of the slice below in terms of this one's exchange upwards."""
        ratio = self._ratio[i]
        return value if ratio is None else value * ratio


def _ratio(below: Floats, above: Floats) -> Floats | None:
    return None if np.array_equal(below, above) else below / above
