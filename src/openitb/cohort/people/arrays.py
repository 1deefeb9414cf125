"""People as a struct of arrays: one number per person and property, row i everywhere the same person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openitb.body import Baseline, BodyParameters
from openitb.body.anatomy import Floats, Ints
from openitb.body.parameters import known_by_field
from openitb.cohort.errors import CohortError

CAUSES = ("unstated", "cerebral", "spinal", "multiple sclerosis", "paediatric")
UNSTATED = 0


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """n people; every array is of shape (n,) and read only.

    `parameters` holds every field of `BodyParameters` but `cells`, by its name and in its unit; one that
    nobody differs in is a view of a single number. Scores are those before treatment, on the published
    1 to 5 form (spasm 0 to 4); `tolerance` is the factor at the start. `cause` is an index into `CAUSES`.
    Age and weight are NaN where they are not stated. `ids` name the people; draws depend on them.
    """

    ids: NDArray[np.int64]
    parameters: Mapping[str, Floats]
    cells: int
    leg_ashworth: Floats
    arm_ashworth: Floats
    spasm_score: Floats
    tolerance: Floats
    cause: NDArray[np.int8]
    age_years: Floats
    weight_kg: Floats

    def __post_init__(self) -> None:
        for name, values in (*self._columns(), *self.parameters.items()):
            if values.shape != self.ids.shape or self.ids.ndim != 1:
                raise CohortError(f"{name}: got shape {values.shape}, expected {self.ids.shape}")
            values.flags.writeable = False

    @classmethod
    def of(cls, bodies: Sequence[BodyParameters], baseline: Baseline | None = None) -> "People":
        """These bodies, all with one baseline (normal tone if none is given), numbered from 0.

        Refuses no bodies, and bodies cut into different numbers of slices, with `CohortError`.
        """
        cells = {body.cells for body in bodies}
        if len(cells) != 1:
            raise CohortError(f"bodies: got {len(bodies)} with cells {sorted(cells)}, expected one number")
        start = baseline or Baseline(leg_ashworth=1.0, arm_ashworth=1.0, spasm_score=0.0)
        count = len(bodies)
        return cls(
            ids=np.arange(count),
            parameters={name: _column(bodies, name) for name in PARAMETERS},
            cells=cells.pop(),
            **{field.name: same(getattr(start, field.name), count) for field in fields(start)},
            cause=np.full(count, UNSTATED, np.int8),
            age_years=same(np.nan, count),
            weight_kg=same(np.nan, count),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, field: str) -> Floats:
        """A parameter of the body by its field name, shape (n,)."""
        return self.parameters[field]

    def one(self, row: int) -> BodyParameters:
        """The body of one person."""
        values = {name: float(column[row]) for name, column in self.parameters.items()}
        return BodyParameters(**values, cells=self.cells)

    def baseline(self, row: int) -> Baseline:
        """Scores and tolerance of one person before treatment."""
        columns = (self.leg_ashworth, self.arm_ashworth, self.spasm_score, self.tolerance)
        return Baseline(*(float(column[row]) for column in columns))

    def take(self, rows: Ints | slice) -> "People":
        """The people in these rows, in this order."""
        parameters = {name: _taken(column, rows) for name, column in self.parameters.items()}
        columns: dict[str, Any] = {name: _taken(column, rows) for name, column in self._columns()}
        return replace(self, **columns, parameters=parameters)

    def _columns(self) -> tuple[tuple[str, NDArray[Any]], ...]:
        names = (field.name for field in fields(self) if field.name not in {"parameters", "cells"})
        return tuple((name, getattr(self, name)) for name in names)


PARAMETERS = tuple(name for name, _ in known_by_field())


def same(value: float, count: int) -> Floats:
    """One number for everybody, stored once."""
    return np.broadcast_to(np.float64(value), count)


def _taken(column: NDArray[Any], rows: Ints | slice) -> NDArray[Any]:
    """These rows; what is the same for everybody stays a view of one number."""
    taken = column[rows]
    return np.broadcast_to(column[0], len(taken)) if column.strides == (0,) and len(column) else taken


def _column(bodies: Sequence[BodyParameters], name: str) -> Floats:
    values = np.array([getattr(body, name) for body in bodies], dtype=np.float64)
    return same(float(values[0]), len(values)) if (values == values[0]).all() else values
