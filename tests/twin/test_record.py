"""What a record takes and what it refuses."""

from dataclasses import replace
from pathlib import Path

import pytest

from openitb.twin import ClinicRecord, Refilled, Scored, TwinError, Whom, load, parse
from openitb.twin.record import Ordered
from openitb.units import MS_PER_DAY, MS_PER_H
from tests.twin.records import lost, order, record, scores, steady, trial

EXAMPLE = Path(__file__).parents[2] / "examples" / "twin" / "effect-lost.toml"
TEXT = EXAMPLE.read_text(encoding="utf-8")


def test_a_record_cut_at_an_instant_holds_what_was_known_then() -> None:
    whole = record(*trial(), *steady(30, 60), *lost(90, since=60))
    known = whole.until(60 * MS_PER_DAY)
    assert known.end_ms == 60 * MS_PER_DAY
    assert known.visits_ms == (30 * MS_PER_DAY, 60 * MS_PER_DAY)
    assert known.entries == tuple(each for each in whole.entries if each.at_ms <= 60 * MS_PER_DAY)


def test_the_example_is_read_as_written() -> None:
    found = load(EXAMPLE)
    assert found.whom == Whom("cerebral", 48.0)
    assert found.system.path_nl == pytest.approx(0.14e6 + 80 * 2.2e3, rel=0.1)
    first = next(found.of(Scored))
    assert first.levels == {
        "leg": ("modified-ashworth", 3),
        "arm": ("modified-ashworth", 4),
        "spasm": ("penn-frequency", 3),
    }
    assert next(found.of(Ordered)).at_ms - found.start_ms == 168 * MS_PER_H
    assert [refill.expected_nl for refill in found.of(Refilled)][:2] == [None, 37_300_000]


def test_one_plus_is_a_level_of_its_own() -> None:
    found = parse(TEXT.replace('leg = "2", arm = "3"', 'leg = "1+", arm = "3"', 1))
    assert next(found.of(Scored)).levels["leg"] == ("modified-ashworth", 2)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('cause = "cerebral"', 'cause = "stroke"', "patient.cause: got 'stroke', expected one of cerebral"),
        ('cause = "cerebral"\nage = "48 year"', 'cause = "paediatric"', "patient.age: missing"),
        ('age = "48 year"', 'age = "48"', "patient.age: got '48'"),
        ('age = "48 year"', "age = 48", "patient.age: got 48"),
        ('age = "48 year"', 'agee = "48 year"', "patient.agee: unknown key"),
        ('pump = "synchromed-ii-40"', 'pump = "synchromed"', "system.pump: got 'synchromed'"),
        ('tip = "T12"', 'tip = "T13"', "system.tip: got 'T13'"),
        (
            'leg = "2", arm = "3"',
            'leg = "2.5", arm = "3"',
            "event 1: scores.leg: got '2.5', expected one of 0, 1",
        ),
        ('spasm = "3"', 'spasm = "5"', "event 1: scores.spasm: got '5'"),
        ('trial = { dose = "50 ug" }', "", "event 2: got nothing, expected at least one of trial"),
        ('dose = "50 ug"', 'dose = "50 mL"', "event 2: trial.dose: got '50 mL'"),
        ('volume = "38 mL"', 'volume = "48 mL"', "event 4: refill.volume: got 48 mL, expected 0 mL to"),
        ('expected = "37.3 mL", ', "", "event 8: refill: got one of expected and aspirated"),
        ('"100 ug/day"', '"1 ug/day"', "event 4: order.dose"),
        ("version = 1", "version = 2", "version: got 2"),
        ('at = "6 h"', 'at = "1 h"', "event 3: at: lies before the one above it"),
        ('at = "6 h"', 'at = "-6 h"', "event 3: at: got -6 h"),
        ("[start]", "[start", "record file: not readable as TOML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(TwinError) as refused:
        parse(TEXT.replace(old, new, 1))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(TwinError, match=r"cannot read 'nowhere\.toml'"):
        load(Path("nowhere.toml"))


def test_a_level_its_scale_does_not_have_is_refused() -> None:
    with pytest.raises(TwinError, match=r"scores\.leg: got ordinal 6"):
        scores(1, 6, 0, 0)


def test_treatment_before_the_record_needs_its_order() -> None:
    with pytest.raises(TwinError, match="treated: got one without an order"):
        replace(record(scores(1, 3, 3, 3)), treated_ms=1)
    running: ClinicRecord = replace(record(order(0, 100), scores(1, 3, 3, 3)), treated_ms=MS_PER_DAY)
    assert running.treated_ms == MS_PER_DAY
