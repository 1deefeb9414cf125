"""Case files: what is accepted, and the one line that says why not."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from openitb.world import casefile
from openitb.world.case import Refill, SetOrder, load, parse
from openitb.world.casefile import CaseError

ROOT = Path(__file__).resolve().parents[2]
TOUR = (ROOT / "examples" / "first-case.toml").read_text(encoding="utf-8")
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))


def test_the_tour_holds_every_kind_of_event_in_order_of_time() -> None:
    case = parse(TOUR)
    kinds = [type(event.action).__name__ for event in case.events]
    assert kinds == ["SetOrder", "LumbarBolus", "Oral", "Refill", "SetOrder", "SetOrder"]
    assert [event.number for event in case.events] == [1, 4, 5, 2, 3, 6]


def test_offsets_and_instants_name_the_same_time() -> None:
    by_offset = parse(TOUR)
    by_instant = parse(TOUR.replace('at = "10 day"', "at = 2026-01-15T08:00:00Z"))
    assert by_offset.events == by_instant.events


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_loads(path: Path) -> None:
    assert load(path).title


def test_the_shipped_schema_is_the_one_the_reader_uses() -> None:
    shipped = (files("openitb.world") / "case.schema.json").read_text(encoding="utf-8")
    assert json.loads(shipped) == casefile.json_schema()


def test_a_mistake_changes_the_truth_and_not_the_belief() -> None:
    case = load(ROOT / "examples" / "ten-fold-error.toml")
    first = case.events[0]
    assert isinstance(first.action, SetOrder)
    assert isinstance(first.truth, SetOrder)
    assert first.is_mistake
    assert first.action.order != first.truth.order


def test_a_wrong_syringe_is_a_mistake_of_a_refill() -> None:
    text = TOUR.replace("bridge = true }", 'bridge = true }\nmistake = { concentration = "500 ug/mL" }')
    refill = next(event for event in parse(text).events if isinstance(event.action, Refill))
    assert isinstance(refill.truth, Refill)
    assert (refill.action.concentration_ug_per_ml, refill.truth.concentration_ug_per_ml) == (2000, 500)


BAD = {
    "wrong unit": ('dose = "200 ug/day"', 'dose = "200 mL"', ["event 1", "dose", "200 mL", "ug/day"]),
    "missing unit": ('dose = "200 ug/day"', 'dose = "200"', ["event 1", "dose", "'200'", "unit is missing"]),
    "dose rate for a dose": ('dose = "200 ug/day"', 'dose = "12 ug/h"', ["event 1", "dose", "per day"]),
    "negative": ('dose = "200 ug/day"', 'dose = "-200 ug/day"', ["event 1", "dose", "-200", "at least 0"]),
    "NaN quantity": ('dose = "200 ug/day"', 'dose = "nan ug/day"', ["event 1", "dose", "nan"]),
    "NaN number": ("tolerance = 1.0", "tolerance = nan", ["patient.tolerance", "nan"]),
    "absurd magnitude": ('dose = "200 ug/day"', 'dose = "200000000 ug/day"', ["event 1", "dose", "at most"]),
    "unknown pump": ("synchromed-ii-20", "synchromed-9", ["system.pump", "synchromed-9", "synchromed-ii-20"]),
    "unsorted flex": ('{ from = "08:00"', '{ from = "00:00"', ["event 3", "step", "00:00"]),
    "flex not from midnight": ('{ from = "00:00"', '{ from = "01:00"', ["event 3", "00:00", "01:00"]),
    "event before the start": (
        'at = "10 day"',
        "at = 2025-12-31T08:00:00Z",
        ["event 2", "at", "2025", "start"],
    ),
    "unknown key": ('fill = "18 mL"', 'fill = "18 mL"\nfil = "1 mL"', ["system.fil", "unknown key", "fill"]),
    "unknown override": ("tolerance = 1.0", 'tolerance = 1.0\nmagic = "3 mL"', ["patient", "magic"]),
    "override without unit": (
        "tolerance = 1.0",
        'tolerance = 1.0\nspinal_csf_volume = "3"',
        ["patient", "3"],
    ),
    "refill above capacity": (
        'volume = "18 mL", c',
        'volume = "19 mL", c',
        ["event 2", "refill.volume", "19 mL", "18.6 mL"],
    ),
    "bridge not stated": (", bridge = true", "", ["event 2", "refill.bridge", "true or false", "2000"]),
    "two actions": ("stop = {}", 'stop = {}\norder = { mode = "stopped" }', ["event 6", "exactly one"]),
    "no action": ("stop = {}", "", ["event 6", "exactly one"]),
    "unknown level": ('level = "L3"', 'level = "X3"', ["event 4", "lumbar_bolus.level", "X3"]),
    "zone with daylight saving": ('zone = "UTC"', 'zone = "Europe/Berlin"', ["start.zone", "Europe/Berlin"]),
    "start without an offset": (
        "at = 2026-01-05T08:00:00Z",
        "at = 2026-01-05T08:00:00",
        ["start.at", "offset"],
    ),
    "until before start": ('until = "30 day"', 'until = "0 day"', ["output.until"]),
    "no time between samples": ('every = "10 min"', 'every = "0 min"', ["output.every", "0 min"]),
    "wrong version": ("version = 1", "version = 2", ["version", "2", "1"]),
    "score off the scale": (
        "baseline_leg_ashworth = 4.0",
        "baseline_leg_ashworth = 9.0",
        ["leg_ashworth", "9"],
    ),
    "score as text": ("baseline_leg_ashworth = 4.0", 'baseline_leg_ashworth = "4"', ["leg_ashworth", "'4'"]),
    "overfilled at the start": ('fill = "18 mL"', 'fill = "21 mL"', ["system.fill", "21 mL", "20 mL"]),
    "catheter longer than made": ('"80 cm"', '"800 cm"', ["system.implanted_length", "800 cm"]),
    "mistake of another kind": (
        'order = { mode = "simple continuous", dose = "200 ug/day" }',
        'order = { mode = "simple continuous", dose = "200 ug/day" }\nmistake = { volume = "1 mL" }',
        ["event 1", "mistake", "volume"],
    ),
}


@pytest.mark.parametrize(("old", "new", "named"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line_that_names_the_place(old: str, new: str, named: list[str]) -> None:
    assert old in TOUR
    with pytest.raises(CaseError) as refused:
        parse(TOUR.replace(old, new, 1))
    line = str(refused.value)
    assert "\n" not in line
    assert [word for word in named if word not in line] == [], line


@pytest.mark.parametrize("length", range(0, 1200, 60))
def test_a_truncated_file_is_refused_or_still_whole(length: int) -> None:
    with pytest.raises(CaseError):
        parse(TOUR[:length])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="cannot read"):
        load(tmp_path / "none.toml")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "case.toml"
    path.write_bytes(b"\xff\xfe\x00\x01" * 40)
    with pytest.raises(CaseError, match="UTF-8"):
        load(path)
