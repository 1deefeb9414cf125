"""Data sets of doses and observations in the form NONMEM reads, and back.

Comma-separated with a header. Columns `ID TIME EVID AMT RATE CMT DV` are needed, `MDV ADDL II` may be
there, others are kept out of the way. Time in h, amounts in µg, `.` for nothing. A dose (`EVID` 1) goes into
compartment 1 catheter tip, 2 lumbar puncture at L3, or 3 gut; with `RATE` above 0 into the tip over
`AMT`/`RATE`. `EVID` 0 observes compartment 4 lumbar CSF, 5 plasma (ng/mL), 6 leg, 7 arm Ashworth (1 to 5)
or 8 spasm score; `EVID` 2 is passed over.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from math import isfinite

from openitb.body.course import Course
from openitb.body.inputs import Inputs, LumbarBolus, OralDose, PumpBolus
from openitb.timeline import Timeline
from openitb.units import MS_PER_H

TIP, PUNCTURE, GUT = 1, 2, 3
OBSERVED: Mapping[int, str] = {
    4: "lumbar_csf_ng_per_ml",
    5: "plasma_ng_per_ml",
    6: "leg_ashworth",
    7: "arm_ashworth",
    8: "spasm_score",
}
NEEDED = ("ID", "TIME", "EVID", "AMT", "RATE", "CMT", "DV")
_NOTHING = {".", ""}
_Record = tuple[int, float, int, str, str, int, str, int]


class DataSetError(ValueError):
    """A data set cannot be taken; one line that names line and column."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a series of a course at a time; `value` None where it is missing."""

    at_h: float
    series: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Dose:
    """Drug into a compartment from `at_h` on, over `hours`; 0 for at once."""

    at_h: float
    compartment: int
    amount_ug: float
    hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Subject:
    """One person of a data set, records in order of time."""

    subject_id: int
    doses: tuple[Dose, ...]
    observations: tuple[Observation, ...]

    def inputs(self, tip_at: str | float = "T12") -> Inputs:
        """The doses as a body takes them, hour 0 at the data set's; to the nearest millisecond."""
        infused = [dose for dose in self.doses if dose.hours]
        at_once = [dose for dose in self.doses if not dose.hours]
        return Inputs(
            tip=_tip(infused) if infused else None,
            tip_at=tip_at,
            lumbar_boluses=tuple(
                LumbarBolus(d.at_h, d.amount_ug) for d in at_once if d.compartment == PUNCTURE
            ),
            pump_boluses=tuple(PumpBolus(d.at_h, d.amount_ug) for d in at_once if d.compartment == TIP),
            oral=tuple(OralDose(d.at_h, d.amount_ug) for d in at_once if d.compartment == GUT),
        )


def read(text: str) -> tuple[Subject, ...]:
    """The people of a data set, in its order.

    Refuses with `DataSetError`, naming line and column: a missing column, a text that is no number, times
    that go back within a person, doses that are negative or into no compartment that takes them, records
    of another kind, and a person whose records are not together.
    """
    lines = csv.reader(io.StringIO(text))
    header = [column.strip().upper() for column in next(lines, [])]
    _check_header(header)
    rows = [_Row(number, header, cells) for number, cells in enumerate(lines, start=2) if any(cells)]
    if not rows:
        raise DataSetError("line 2: got no record, expected at least one")
    return tuple(_subjects(rows))


def write(subjects: Iterable[Subject]) -> str:
    """The data set of these people; `read` gives them back."""
    kept = io.StringIO()
    table = csv.writer(kept, lineterminator="\n")
    table.writerow((*NEEDED, "MDV"))
    for subject in subjects:
        records: list[_Record] = [_dosed(subject, dose) for dose in subject.doses]
        records += [_seen(subject, seen) for seen in subject.observations]
        records.sort(key=lambda record: (record[1], -record[2]))
        table.writerows(records)
    return kept.getvalue()


def observed(course: Course, series: Iterable[str]) -> tuple[Observation, ...]:
    """Some series of a course as observations, in order of time."""
    names = tuple(series)
    return tuple(
        Observation(float(at), name, float(course[name].values[k]))
        for k, at in enumerate(course.time_h.tolist())
        for name in names
    )


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    header: list[str]
    cells: list[str]

    def number(self, column: str, absent: float | None = None) -> float:
        """The number of a column; `absent` for nothing, where there may be nothing."""
        text = self.text(column)
        if text in _NOTHING:
            if absent is None:
                raise self.wrong(column, "expected a number")
            return absent
        try:
            value = float(text)
        except ValueError:
            raise self.wrong(column, "expected a number") from None
        if not isfinite(value):
            raise self.wrong(column, "expected a finite number")
        return value

    def whole(self, column: str, absent: int | None = None) -> int:
        value = self.number(column, absent)
        if value != int(value):
            raise self.wrong(column, "expected a whole number")
        return int(value)

    def text(self, column: str) -> str:
        if column not in self.header:
            return "."
        if len(self.cells) != len(self.header):
            raise DataSetError(f"line {self.line}: got {len(self.cells)} cells, expected {len(self.header)}")
        return self.cells[self.header.index(column)].strip()

    def wrong(self, column: str, expected: str) -> DataSetError:
        return DataSetError(f"line {self.line}, column {column}: got {self.text(column)!r}, {expected}")


def _check_header(header: list[str]) -> None:
    for column in NEEDED:
        if header.count(column) != 1:
            seen = header.count(column)
            raise DataSetError(f"line 1, column {column}: got {seen} of them, expected one in the header")
    for column in ("SS", "CENS"):
        if column in header:
            raise DataSetError(
                f"line 1, column {column}: not understood here, expected a data set without it"
            )


def _subjects(rows: list[_Row]) -> Iterator[Subject]:
    known: set[int] = set()
    for subject_id, group in groupby(rows, key=lambda row: row.whole("ID")):
        records = list(group)
        if subject_id in known:
            raise records[0].wrong("ID", "expected all records of a person together")
        known.add(subject_id)
        yield _subject(subject_id, records)


def _subject(subject_id: int, rows: list[_Row]) -> Subject:
    doses, seen, last = list[Dose](), list[Observation](), 0.0
    for row in rows:
        at_h = row.number("TIME")
        if at_h < last:
            raise row.wrong("TIME", f"expected {last:g} or later" if last else "expected at least 0")
        last, kind = at_h, row.whole("EVID")
        if kind == 0:
            seen.append(_observation(row, at_h))
        elif kind == 1:
            doses.extend(_doses(row, at_h))
        elif kind != 2:
            raise row.wrong("EVID", "expected 0 (observation), 1 (dose) or 2 (other)")
    return Subject(subject_id, tuple(sorted(doses, key=lambda dose: dose.at_h)), tuple(seen))


def _observation(row: _Row, at_h: float) -> Observation:
    compartment = row.whole("CMT")
    if compartment not in OBSERVED:
        raise row.wrong("CMT", f"expected an observed compartment, {min(OBSERVED)} to {max(OBSERVED)}")
    missing = row.text("DV") in _NOTHING or row.whole("MDV", 0) == 1
    return Observation(at_h, OBSERVED[compartment], None if missing else row.number("DV"))


def _doses(row: _Row, at_h: float) -> Iterator[Dose]:
    compartment, amount, rate = row.whole("CMT"), row.number("AMT"), row.number("RATE", 0.0)
    if compartment not in {TIP, PUNCTURE, GUT}:
        raise row.wrong("CMT", "expected 1 (tip), 2 (lumbar puncture) or 3 (gut) for a dose")
    if amount < 0:
        raise row.wrong("AMT", "expected at least 0 µg")
    if rate < 0 or (rate and compartment != TIP):
        raise row.wrong("RATE", "expected 0, or above 0 µg/h into compartment 1")
    more, apart = row.whole("ADDL", 0), row.number("II", 0.0)
    if more < 0 or (more and apart <= 0):
        raise row.wrong("II" if more > 0 else "ADDL", "expected more doses at an interval above 0 h")
    for number in range(more + 1):
        yield Dose(at_h + number * apart, compartment, amount, amount / rate if rate else 0.0)


def _tip(infused: list[Dose]) -> Timeline:
    """Rates of infusions added up, in steps."""
    spans = [(_ms(d.at_h), _ms(d.at_h + d.hours), d.amount_ug / d.hours) for d in infused]
    edges = sorted({0, *(edge for start, end, _ in spans for edge in (start, end))})
    rates = [sum(rate for start, end, rate in spans if start <= at < end) for at in edges[:-1]]
    return Timeline(tuple(edges[:-1]), tuple(rates), edges[-1], "ug/h")


def _ms(hours: float) -> int:
    return round(hours * MS_PER_H)


def _dosed(subject: Subject, dose: Dose) -> _Record:
    rate = repr(dose.amount_ug / dose.hours) if dose.hours else "0"
    return subject.subject_id, dose.at_h, 1, repr(dose.amount_ug), rate, dose.compartment, ".", 1


def _seen(subject: Subject, seen: Observation) -> _Record:
    compartment = next(number for number, series in OBSERVED.items() if series == seen.series)
    value, missing = (".", 1) if seen.value is None else (repr(seen.value), 0)
    return subject.subject_id, seen.at_h, 0, ".", ".", compartment, value, missing
