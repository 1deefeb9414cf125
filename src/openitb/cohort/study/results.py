"""What is kept of a followed block: one row per person, one row per visit, as Parquet.

Bytes depend on the study alone: on no clock, no machine name and no order in which blocks are done.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import polars as pl

from openitb.cohort.people import CAUSES
from openitb.cohort.study.course import Followed
from openitb.cohort.study.measures import BEFALLEN, COUNTS, DAYS
from openitb.cohort.study.seen import Seen
from openitb.units import PG_PER_UG


@dataclass(frozen=True, slots=True)
class Frames:
    """The two tables of a block."""

    people: pl.DataFrame
    visits: pl.DataFrame


def frames(arm: int, followed: Followed) -> Frames:
    """The tables of one block of an arm."""
    columns = {**_who(arm, followed), **_clinic(followed), **_truth(followed), **_courses(followed)}
    return Frames(pl.DataFrame(columns), _visits(arm, followed))


def as_parquet(frame: pl.DataFrame) -> bytes:
    """A table as the bytes of a Parquet file."""
    into = BytesIO()
    frame.write_parquet(into, compression="zstd", statistics=False)
    return into.getvalue()


def _who(arm: int, followed: Followed) -> dict[str, pl.Series]:
    people = followed.ward.people
    return {
        "arm": pl.Series([arm] * len(people), dtype=pl.Int32),
        "patient": pl.Series(people.ids),
        "cause": pl.Series([CAUSES[code] for code in people.cause.tolist()]),
        "age_years": pl.Series(people.age_years),
        "untreated_leg_ashworth": pl.Series(people.leg_ashworth),
    }


def _clinic(followed: Followed) -> dict[str, pl.Series]:
    files, ward = followed.files, followed.ward
    counts = {name: pl.Series([f.counts.get(name, 0) for f in files], dtype=pl.Int32) for name in COUNTS}
    days = {name: pl.Series([f.days.get(name) for f in files], dtype=pl.Float64) for name in DAYS}
    doses = {
        "start_dose_ug": pl.Series(ward.dose_pg / PG_PER_UG),
        "end_dose_ug": pl.Series([f.dose_pg / PG_PER_UG for f in files]),
    }
    return counts | days | doses


def _truth(followed: Followed) -> dict[str, pl.Series]:
    ward, seen = followed.ward, followed.ward.summary()
    befallen = {
        ours: pl.Series([mine.counted.get(theirs, 0) for mine in ward.troubles], dtype=pl.Int32)
        for ours, theirs in BEFALLEN.items()
    }
    parts = {"mean": seen.mean, "least": seen.least, "most": seen.most}
    summaries = {
        f"{part}_{name}": pl.Series(row) for part, rows in parts.items() for name, row in rows.items()
    }
    beyond = {f"hours {name}": pl.Series(row) for name, row in seen.beyond.items()}
    pumps = {"dry_hours": pl.Series(ward.pumps.dry_h), "delivered_ug": pl.Series(ward.pumps.delivered_ug)}
    return befallen | pumps | summaries | beyond


def _courses(followed: Followed) -> dict[str, pl.Series]:
    """Lists: each series on the days shown, and at the hours of the last day."""
    courses = {f"course {name}": values for name, values in followed.series.items()}
    hourly = {f"day {name}": values for name, values in followed.last_day.items()}
    return {
        name: pl.Series(list(values.T.astype(np.float32)), dtype=pl.List(pl.Float32))
        for name, values in (courses | hourly).items()
    }


def _visits(arm: int, followed: Followed) -> pl.DataFrame:
    rows = [_visit(arm, seen) for file in followed.files for seen in file.past]
    return pl.DataFrame(rows, schema=dict(_VISIT), orient="row")


def _visit(arm: int, seen: Seen) -> tuple[object, ...]:
    emptied = seen.reservoir
    volumes = (emptied.expected_ml, emptied.drawn_ml, emptied.delivered_ml) if emptied else (None, None, None)
    scores = (seen.leg, seen.arm, seen.spasm)
    when = (arm, seen.patient, seen.day, seen.why, seen.dose_ug_per_day)
    return (*when, *scores, ", ".join(seen.reports), *volumes)


def _columns() -> Iterator[tuple[str, type[pl.DataType]]]:
    yield from (("arm", pl.Int32), ("patient", pl.Int64), ("day", pl.Int32), ("why", pl.String))
    yield ("dose_ug_per_day", pl.Float64)
    yield from ((name, pl.Int8) for name in ("leg", "arm_score", "spasm"))
    yield ("reports", pl.String)
    yield from ((name, pl.Float64) for name in ("expected_ml", "drawn_ml", "delivered_ml"))


_VISIT = tuple(_columns())
