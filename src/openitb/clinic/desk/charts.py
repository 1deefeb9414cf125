"""Charts as plain data: panels above each other on one time axis. The script only draws.

A panel has a title, a unit and series; a series has a name, a role (which sets its colour), a kind
(step, line, dots, marks, band) and points. Instants are the clinic's wall clock as if it were UTC, in ms.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from itertools import groupby
from typing import Any, TypeVar

from django.utils import timezone

from openitb import units
from openitb.clinic.desk import instants, labels
from openitb.clinic.desk.ports import Band, Prediction, PumpReading
from openitb.clinic.record.models import (
    Alarm,
    Complaint,
    DoseRecord,
    Encounter,
    Interrogation,
    RefillRecord,
    Score,
    System,
    TrialBolus,
)

Chart = dict[str, Any]
Panel = dict[str, Any]
Dated = TypeVar("Dated", DoseRecord, Interrogation)

DIGITS = 4  # of predicted values, two more than are printed
EVENT_ROWS = ("Alarm", "Complaint", "Bolus", "Refill", "Visit")


@dataclass(frozen=True, slots=True)
class History:
    """What of a patient's record goes on the time axis."""

    doses: list[DoseRecord]
    refills: list[RefillRecord]
    interrogations: list[Interrogation]
    scores: list[Score]
    encounters: list[Encounter]
    complaints: list[Complaint]
    alarms: list[Alarm]
    boluses: list[TrialBolus]


def history_chart(history: History) -> Chart:
    """Dose, reservoir, scores and events above each other; panels with nothing in them are left out."""
    panels = [
        _dose_panel(history),
        _reservoir_panel(history),
        *_score_panels(history.scores),
        _events_panel(history),
    ]
    return _chart([panel for panel in panels if any(series["points"] for series in panel["series"])])


def prediction_chart(new: Prediction, old: Prediction | None = None) -> Chart:
    """Each predicted quantity in its own panel, with its band; `old` is drawn behind for comparison.

    `ahead` names the two sides of now.
    """
    behind = {band.key: band for band in old.bands} if old else {}
    panels = [_band_panel(band, behind.get(band.key)) for band in new.bands]
    return {**_chart(panels, new.now_ms), "ahead": ["as delivered", "predicted"]}


def _chart(panels: list[Panel], now_ms: int | None = None) -> Chart:
    now = instants.wall_ms(timezone.now()) if now_ms is None else instants.wall_of_ms(now_ms)
    return {"panels": panels, "now": now, "zone": timezone.get_current_timezone_name()}


def _dose_panel(history: History) -> Panel:
    """The dose of one system after the other; only that of one still implanted goes on until now."""
    applied = [dose for dose in history.doses if dose.outcome == "applied"]
    points = [point for system, doses in _by_system(applied) for point in _dose_points(system, doses)]
    goes_on = any(dose.system.explanted_on is None for dose in applied)
    return _panel("Daily dose", "µg/day", [_series("Daily dose", "dose", "step", points, until_now=goes_on)])


def _dose_points(system: System, doses: list[DoseRecord]) -> list[list[Any]]:
    points: list[list[Any]] = [[instants.wall_ms(dose.at), _micrograms(dose.daily_dose_pg)] for dose in doses]
    if system.explanted_on is None:
        return points
    day = timezone.make_aware(datetime.combine(system.explanted_on, time()))
    end = max(instants.wall_ms(day), points[-1][0])
    return [*points, [end, points[-1][1]], [end, None]]


def _by_system(entries: Iterable[Dated]) -> Iterator[tuple[System, list[Dated]]]:
    """The entries of each system in order of time; systems in the order they were implanted."""
    ordered = sorted(entries, key=lambda one: (one.system.implanted_on, one.system.pk, one.at))
    for system, of_system in groupby(ordered, key=lambda one: one.system):
        yield system, list(of_system)


def _reservoir_panel(history: History) -> Panel:
    """Each pump has a line of its own: what one held says nothing of the next."""
    believed = [point for _, read in _by_system(history.interrogations) for point in _read_points(read)][:-1]
    drawn = [[instants.wall_ms(refill.at), _millilitres(refill.aspirated_nl)] for refill in history.refills]
    series = [
        _series("Read from pump", "reservoir", "line", believed),
        _series("Drawn out", "event", "dots", drawn),
    ]
    return _panel("Reservoir", "mL", series)


def _read_points(read: list[Interrogation]) -> list[list[Any]]:
    points: list[list[Any]] = [[instants.wall_ms(one.at), _millilitres(one.reservoir_nl)] for one in read]
    return [*points, [points[-1][0], None]]


def live_point(reading: PumpReading) -> list[float]:
    """A reading as a point of the reservoir's line."""
    return [instants.wall_of_ms(reading.at_ms), _millilitres(reading.reservoir_nl)]


def _score_panels(scores: Iterable[Score]) -> list[Panel]:
    ordered = sorted(scores, key=lambda score: (score.scale_id, score.muscle_group, score.side, score.at))
    return [
        _panel(labels.scale_name(scale), "score", _score_series(list(of_scale)))
        for scale, of_scale in groupby(ordered, key=lambda score: score.scale_id)
    ]


def _score_series(scores: list[Score]) -> list[dict[str, Any]]:
    places = groupby(scores, key=lambda score: (score.muscle_group, score.get_side_display()))
    return [
        _series(
            _place(*place),
            f"effect-{number}",
            "marks",
            [[instants.wall_ms(s.at), float(s.value)] for s in here],
        )
        for number, (place, here) in enumerate(places, start=1)
    ]


def _events_panel(history: History) -> Panel:
    said = [
        *((entry.at, "Visit", entry.get_kind_display()) for entry in history.encounters),
        *((entry.at, "Complaint", entry.text) for entry in history.complaints),
        *(
            (entry.at, "Alarm", f"{entry.text}{' (cleared)' if entry.cleared else ''}")
            for entry in history.alarms
        ),
        *(
            (entry.at, "Bolus", f"{_micrograms(entry.dose_pg):g} µg into the spinal fluid")
            for entry in history.boluses
        ),
        *((entry.at, "Refill", units.format_volume(entry.injected_nl)) for entry in history.refills),
    ]
    rows = [row for row in EVENT_ROWS if any(kind == row for _, kind, _ in said)]
    points = [
        [instants.wall_ms(at), rows.index(kind), text]
        for at, kind, text in sorted(said, key=lambda one: one[0])
    ]
    return {**_panel("Events", "", [_series("Event", "event", "dots", points)]), "rows": rows}


def _band_panel(band: Band, behind: Band | None) -> Panel:
    series = [_band_series("New" if behind else band.label, "new", band)]
    if behind:
        series.insert(0, _band_series("As now", "old", behind))
    return {**_panel(band.label, band.unit, series), "min": band.scale_min, "max": band.scale_max}


def _band_series(name: str, role: str, band: Band) -> dict[str, Any]:
    values = (tuple(round(value, DIGITS) for value in line) for line in (band.middle, band.low, band.high))
    points = zip((instants.wall_of_ms(at) for at in band.at_ms), *values, strict=True)
    return _series(name, role, "band", [list(point) for point in points])


def _panel(title: str, unit: str, series: list[dict[str, Any]]) -> Panel:
    return {"title": title, "unit": unit, "series": series}


def _series(name: str, role: str, kind: str, points: list[Any], *, until_now: bool = False) -> dict[str, Any]:
    return {"name": name, "role": role, "kind": kind, "points": points, "untilNow": until_now}


def _place(muscle_group: str, side: str) -> str:
    return ", ".join(part for part in (muscle_group, side.lower()) if part) or "Score"


def _micrograms(pg: int) -> float:
    return float(Decimal(pg) / units.PG_PER_UG)


def _millilitres(nl: int) -> float:
    return float(Decimal(nl) / units.NL_PER_ML)
