"""A simulation as JSON, table or picture."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from openitb.world.simulation import Simulation
from openitb.world.summary import events, summary

_DIGITS = 10


def to_json(simulation: Simulation) -> dict[str, Any]:
    """Every series, the events and the summary as plain data; null where a value does not exist.

    Values of series have ten significant digits: as much as two machines agree on, and half the text.
    """
    series = {name: _plain(values) for name, values in simulation.series.items()}
    return {
        "time_h": simulation.time_h.tolist(),
        **series,
        "events": events(simulation),
        "summary": summary(simulation),
    }


def json_text(simulation: Simulation) -> str:
    """`to_json` as text, one document on one line."""
    return json.dumps(to_json(simulation), allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def table(simulation: Simulation) -> pl.DataFrame:
    """The series as a table, one row per output time, one column per JSON key."""
    columns = {"time_h": simulation.time_h, **simulation.series}
    return pl.DataFrame({name: np.asarray(values) for name, values in columns.items()}).fill_nan(None)


def write_csv(simulation: Simulation, path: Path) -> None:
    """Write the table as CSV."""
    table(simulation).write_csv(path)


def write_parquet(simulation: Simulation, path: Path) -> None:
    """Write the table as Parquet."""
    table(simulation).write_parquet(path)


def _plain(values: np.ndarray[Any, np.dtype[np.float64]]) -> list[float | None]:
    return [float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None for value in values.tolist()]
