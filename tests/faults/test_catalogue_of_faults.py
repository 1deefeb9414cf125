"""Every notice and incident can be laid on a system, or says by what act it is done."""

import random
from statistics import mean

import pytest

from openitb import catalogue, units
from openitb.catalogue import FaultEntry
from openitb.implant import Contents, SpellKind, advance, handle, new_implant, with_spells
from openitb.implant.faults import (
    COURSES,
    FaultError,
    Laid,
    Setting,
    choose,
    drawn,
    first_ms,
    lay,
    per_refill,
)
from openitb.implant.firmware.alarms import signal_of
from openitb.prescription import SimpleContinuous
from openitb.protocol import ProgramPump
from openitb.units import UnitError

DAY, HOUR = units.MS_PER_DAY, units.MS_PER_H
SETTING = Setting(10 * DAY, 316_000, 2_200)
ROWS = catalogue.load().faults
LAID = sorted(name for name, row in ROWS.items() if row.lays)


def laid(fault_id: str, **given: object) -> Laid:
    return lay(choose(fault_id, given), SETTING)


@pytest.mark.parametrize("number", range(1, 26))
def test_every_notice_is_there(number: int) -> None:
    assert f"F-{number:02d}" in ROWS


@pytest.mark.parametrize("number", range(1, 27))
def test_every_incident_is_there(number: int) -> None:
    assert f"INC-{number:02d}" in ROWS


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.entry_id)
def test_every_row_is_laid_is_another_row_or_is_an_act(row: FaultEntry) -> None:
    target = catalogue.load().fault(row.entry_id)
    if target.lays:
        assert target.lays in COURSES
        assert COURSES[target.lays].takes <= target.facts.keys()
        assert all((target.onset, target.course, target.detectability, target.log_effect))
        assert lay(choose(row.entry_id, {}), SETTING) != Laid()
    else:
        with pytest.raises(FaultError, match=f"{target.entry_id} is no fault of a part: "):
            choose(row.entry_id, {})


def test_every_course_is_used_by_a_row() -> None:
    assert {row.lays for row in ROWS.values()} - {""} == COURSES.keys()


@pytest.mark.parametrize("fault_id", LAID)
def test_nothing_is_laid_before_its_instant_and_a_pump_lives_through_it(fault_id: str) -> None:
    effects = lay(drawn(fault_id, random.Random(4)), SETTING)  # noqa: S311 - a repeatable draw
    assert all(spell.from_ms >= SETTING.at_ms for spell in effects.pump)
    assert all(leak.from_ms >= SETTING.at_ms for leak in effects.path)
    pump = catalogue.load().pump("synchromed-ii-20")
    implant = new_implant("NGP1", pump, Contents(20_000_000, 500), 9 * DAY)
    program = implant.firmware.controller.program.digest
    order = ProgramPump("n", "1", program, SimpleContinuous(200_000_000))
    started, _ = handle(implant, order, implant.now_ms)
    lived = advance(with_spells(started, effects.pump), 400 * DAY).implant
    assert lived.hardware.delivered_nl + lived.reservoir.volume_nl == 20_000_000
    assert signal_of(tuple(a.condition for a in lived.firmware.alarms)) is not None


def test_a_stall_passes_so_often_and_then_stays() -> None:
    spells = laid("F-03", repeats=2, every="2 day", lasts="3 h", for_good=True).pump
    start = SETTING.at_ms
    assert [(s.from_ms - start, None if s.until_ms is None else s.until_ms - start) for s in spells] == [
        (0, 3 * HOUR),
        (2 * DAY, 2 * DAY + 3 * HOUR),
        (4 * DAY, None),
    ]


def test_who_says_how_long_means_that_it_ends() -> None:
    (spell,) = laid("F-15", lasts="3 h").pump
    assert (spell.kind, spell.until_ms) == (SpellKind.STILL, SETTING.at_ms + 3 * HOUR)


def test_a_growing_gain_stops_growing_at_its_most() -> None:
    spells = laid("F-09", gain="20 %", grows="15 %", most="55 %").pump
    assert [spell.amount for spell in spells] == [200_000, 150_000, 150_000, 50_000]
    assert [spell.from_ms - SETTING.at_ms for spell in spells] == [0, 30 * DAY, 60 * DAY, 90 * DAY]


def test_a_valve_that_shuts_lets_out_no_more_than_its_volume() -> None:
    dump, shut = laid("F-23").pump
    assert dump.amount * (dump.until_ms - dump.from_ms) // DAY <= 10_000
    assert (shut.kind, shut.from_ms) == (SpellKind.SHUT, dump.until_ms)


def test_a_leak_lies_where_it_is_said_to_lie() -> None:
    places = [laid("C-02", place=place).path[0].before_tip_nl for place in ("tip", "pump", "20 cm", "900 cm")]
    assert places == [0, 316_000, 44_000, 316_000]


def test_a_mass_at_the_tip_takes_more_and_more() -> None:
    leaks = laid("F-19", grows_over="120 day").path
    shares = [leak.lost_permille for leak in leaks]
    assert shares == sorted(shares)
    assert (shares[-1], leaks[-1].until_ms) == (1000, None)


@pytest.mark.parametrize(
    ("fault_id", "given", "error", "told"),
    [
        ("F-03", {"size": "3 h"}, FaultError, "fault.size: unknown for F-03, expected one of"),
        ("F-03", {"lasts": 3}, FaultError, "fault.lasts: got 3, expected a number with its unit"),
        ("F-03", {"lasts": "3 mL"}, UnitError, "fault.lasts"),
        ("F-03", {"lasts": "-3 h"}, UnitError, "expected at least 0"),
        ("F-03", {"for_good": "yes"}, FaultError, "fault.for_good: got 'yes', expected true or false"),
        ("F-03", {"repeats": "3"}, FaultError, "fault.repeats: got '3', expected a whole number"),
        ("F-03", {"repeats": -1}, FaultError, "fault.repeats: got -1, expected a whole number, 0 or more"),
        ("F-11", {"place": 3}, FaultError, "fault.place: got 3, expected text"),
        ("F-99", {}, ValueError, "fault.id: got 'F-99', expected one of"),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    fault_id: str, given: dict[str, object], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        choose(fault_id, given)


@pytest.mark.parametrize(
    ("fault_id", "given", "told"),
    [
        ("F-03", {"lasts": "3 day", "every": "1 day", "repeats": 2}, "longer than fault.every"),
        ("F-07", {"shows": "smoke"}, "expected reset, replacement or end"),
        ("F-11", {"lost": "101 %"}, "got 1010 of 1000 lost"),
    ],
)
def test_what_cannot_be_laid_is_refused(fault_id: str, given: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        laid(fault_id, **given)


def test_an_incident_that_is_another_row_is_laid_as_that_row() -> None:
    assert laid("INC-05") == laid("F-17")


@pytest.fixture
def chance() -> random.Random:
    return random.Random(11)  # noqa: S311 - a repeatable draw


@pytest.mark.parametrize(("fault_id", "by_years", "share"), [("F-03", 6.5, 0.024), ("F-04", 6, 0.027)])
def test_so_many_pumps_fail_by_the_stated_age(
    fault_id: str, by_years: float, share: float, chance: random.Random
) -> None:
    waits = [first_ms(ROWS[fault_id], chance) for _ in range(40_000)]
    failed = mean(wait <= by_years * 365.25 * DAY for wait in waits)
    assert failed == pytest.approx(share, abs=0.003)


def test_a_hazard_many_times_as_high_comes_sooner(chance: random.Random) -> None:
    usual = [first_ms(ROWS["F-15"], chance) for _ in range(2000)]
    often = [first_ms(ROWS["F-15"], chance, times=100) for _ in range(2000)]
    assert mean(often) < mean(usual) / 5


def test_overinfusion_does_not_begin_in_the_first_months(chance: random.Random) -> None:
    assert min(first_ms(ROWS["F-09"], chance, times=1000) for _ in range(500)) >= 5 * 30 * DAY


def test_a_row_without_a_rate_never_comes_by_itself(chance: random.Random) -> None:
    assert first_ms(ROWS["F-16"], chance) is None
    assert not per_refill(ROWS["F-03"], chance, times=1e9)


def test_one_refill_in_ten_thousand_goes_beside_the_pump(chance: random.Random) -> None:
    share = mean(per_refill(ROWS["F-10"], chance, times=100) for _ in range(20_000))
    assert share == pytest.approx(0.01, abs=0.003)


def test_a_drawn_fault_lies_in_its_range_and_a_magnet_is_now_and_then_late(chance: random.Random) -> None:
    gains = [drawn("F-09", chance).ppm("gain") for _ in range(300)]
    assert 150_000 <= min(gains) < max(gains) <= 2_000_000
    returns = [drawn("F-16", chance).ms("returns") for _ in range(2000)]
    late = [wait for wait in returns if wait >= 2 * HOUR]
    assert 0 < len(late) < 60
    assert max(late) <= 24 * HOUR


def test_the_same_seed_draws_the_same() -> None:
    first, second = (drawn("F-09", random.Random(3)) for _ in range(2))  # noqa: S311 - a repeatable draw
    assert first == second
