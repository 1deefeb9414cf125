"""Study files: what is taken, and one line for what is not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from openitb.cohort.study import Changed, Study, StudyError, load

STUDIES = sorted((Path(__file__).parents[3] / "examples" / "studies").glob("*.toml"))
Made = Callable[..., Study]


def test_an_arm_has_what_is_common_but_for_the_keys_it_names(made: Made) -> None:
    arms = """
[[arm]]
name = "as all"
[[arm]]
name = "4 mL, flex"
system.alarm_volume = "4 mL"
delivery = { mode = "flex", steps = [{ from = "00:00", part = 2.0 }, { from = "12:00", part = 1.0 }] }
"""
    first, second = made(more=arms).arms
    assert first.system.alarm_nl == 2_000_000
    assert (second.system.alarm_nl, second.system.fill_nl) == (4_000_000, first.system.fill_nl)
    assert [part for _, part in second.delivery.parts()] == pytest.approx([4 / 3, 2 / 3])


def test_a_flex_day_carries_the_whole_daily_dose(made: Made) -> None:
    steps = '[{ from = "00:00", part = 2.0 }, { from = "07:30", part = 0.5 }]'
    flex = f'[delivery]\nmode = "flex"\nsteps = {steps}\n'
    order = made(more=flex).arms[0].delivery.order(240_000_000)
    assert float(order.pattern_of(0).daily_dose_pg) == pytest.approx(240_000_000, abs=24)  # type: ignore[union-attr]


def test_the_command_line_may_set_people_and_seed(made: Made, tmp_path: Path) -> None:
    before = made()
    after = load(tmp_path / "small.toml", Changed(people=9, seed=3))
    assert (after.people, after.seed) == (9, 3)
    assert after.digest != before.digest


def test_the_digest_is_of_the_meaning_and_not_of_the_spelling(made: Made) -> None:
    assert made().digest == made(more="\n# a remark\n").digest
    assert made().digest != made(("seed = 7", "seed = 8")).digest


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 7", "seed = 7\nwarp = 9", "warp: unknown key, expected one of study, title"),
        ('fill = "10 mL"', 'fill = "10 mL"\nfull = "x"', "system.full: unknown key, expected one of pump"),
        ('fill = "10 mL"', "", "system.fill: missing"),
        ("seed = 7", "seed = -1", "seed: got -1"),
        ("seed = 7", "seed = true", "seed: got True, expected a whole number"),
        ('horizon = "40 day"', 'horizon = "0 day"', "horizon: got '0 day', expected whole days, 1 to 3653"),
        ('horizon = "40 day"', 'horizon = "30 year"', "horizon: got '30 year'"),
        ("people = 4", "people = 0", "population.people: got 0, expected a whole number from 1 to 1000000"),
        ("people = 4", 'people = "many"', "population.people: got 'many', expected a whole number"),
        ("spinal = 0.5", "spinel = 0.5", "causes: got 'spinel'"),
        ("spinal = 0.5, cerebral = 0.5", "spinal = 0.0", "causes: got shares"),
        ("spinal = 0.5", "spinal = -0.5", "causes.spinal: got -0.5"),
        ("synchromed-ii-20", "synchromed", "system.pump: got 'synchromed'"),
        ("ascenda-8780", "hose", "system.catheter: got 'hose'"),
        ('"80 cm"', '"8 m"', "catheter-length: got 800 cm"),
        ('tip = "T12"', 'tip = "T14"', "system.tip: got 'T14'"),
        ('"500 ug/mL"', '"500"', "system.concentration: got '500' (the unit is missing)"),
        ('"10 mL"', '"21 mL"', "system.fill: got 21 mL, expected at most 20 mL"),
        ('fill = "10 mL"', 'fill = "10 mL"\nalarm_volume = "1 mL"', "system.alarm_volume: got 1 mL"),
        ('"300 ug/day"', '"12 ug/day"', "start.dose: got 12 ug/day, expected at least 24 µg/day"),
        ('"300 ug/day"', '"12.5 ug/h"', "start.dose: got 12.5 ug/h, expected a value per day"),
        ('dose = "300 ug/day"', 'dose = "300 ug/day"\ngoal = 2.0', "start.goal: got one beside a dose"),
        ('"established"\ndose = "300 ug/day"', '"new"', "start.dose: missing"),
        ('every = "10 day"', 'every = "1 h"', "visits.every: got '1 h', expected at least 1 day"),
        ('every = "10 day"', 'hears_alarm = "130 %"', "visits.hears_alarm: got 130 %"),
        ('primary = "withdrawal"', 'primary = "joy"', "primary: got 'joy', expected one of withdrawal"),
        ('series = "withdrawal"', 'series = "joy"', "outcome 'withdrawal': series: got 'joy'"),
        ("at_least = 0.3", "", "outcome 'withdrawal': expected series with at_least or below"),
        ('show = "share"', 'show = "most"', "outcome 1: show: got 'most'"),
        (
            'series = "withdrawal"\nat_least = 0.3',
            'measure = "joy"',
            "measure: got 'joy', expected one of visits",
        ),
        ("study = 1", "study = 2", "study: got 2"),
        ("study = 1", "study =", "not readable as TOML"),
    ],
)
def test_a_study_that_cannot_be_is_refused_in_one_line(made: Made, old: str, new: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        made((old, new))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[policy]\nkind = "hope"', "policy.kind: got 'hope'"),
        ('[policy]\nkind = "python"', "policy.function: got None"),
        ('[policy]\nkind = "python"\nfunction = "none.py:f"', "policy.function: none.py cannot be read"),
        (
            '[policy]\nkind = "python"\nfunction = "math:nothing"',
            "policy.function: no function 'nothing' in math",
        ),
        ('[policy]\nkind = "python"\nfunction = "no.such.place:f"', "cannot be loaded: ModuleNotFoundError"),
        ('[[fault]]\nid = "X-1"\nat = "3 day"', "fault 1.id: got 'X-1'"),
        ('[[fault]]\nid = "C-02"\nat = "3 day"\nlost = "half"', "fault 1.lost"),
        ('[refill]\nlate = "-3 day"', "refill.late: got -3 day"),
        ('[refill]\nchange = { at_refill = 1, concentration = "500 ug/mL" }', "expected another"),
        ('[delivery]\nmode = "flex"', "delivery.steps: got 0 with 'flex'"),
        ("[events]\ncatheter = -1.0", "events.catheter: got -1.0"),
        ('[[arm]]\nname = "a"\n[[arm]]\nname = "a"', "arm: got a, a, expected names that differ"),
        ('[[arm]]\nname = "a"\nsystem.fill = "x"', "arm 'a': system.fill: got 'x'"),
        ('[[arm]]\nname = "a"\nsystem.fool = "x"', "arm 'a': system.fool: unknown key"),
        ('[[plot]]\nkind = "course"\nof = ["joy"]', "plot 1: of: got 'joy'"),
    ],
)
def test_a_part_that_cannot_be_is_refused_in_one_line(made: Made, more: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        made(more=more)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError, match="no text"):
        load(path)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_shipped_study_can_be_read(path: Path) -> None:
    study = load(path)
    assert study.question.endswith("?")
    assert study.plots
