"""The clinic of a study: what is delivered under late refills, alarms, faults, bridges and policies."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from openitb.cohort.study import HOLD, Plan, PolicyError, Seen, Study, answered, follow
from openitb.cohort.study.course import Followed
from openitb.cohort.study.policies import Fixed, clinic_rule, scores_rose
from openitb.cohort.study.seen import decided

Made = Callable[..., Study]
EXACT = ("[visits]", "[events]\npump_spread = false\n[visits]")

STEPS = 'policy = { kind = "fixed", steps = [{ day = "10 day", dose = "330 ug/day" }] }\n'
ALONE = ("[visits]", "[visits]\ncalls = false")


def followed(study: Study, arm: int = 0) -> Followed:
    return answered(study.arms[arm].policy, follow(study, study.arms[arm], range(study.people)))


def visits(found: Followed) -> list[Seen]:
    return [seen for file in found.files for seen in file.past]


def test_refills_on_time_keep_every_reservoir_from_running_dry_and_the_dose_as_ordered(made: Made) -> None:
    found = followed(made(EXACT))
    assert (found.ward.pumps.dry_h == 0).all()
    assert found.ward.pumps.delivered_ug == pytest.approx(40 * 300, rel=1e-3)
    assert all(file.counts["refills"] >= 3 for file in found.files)


def test_a_late_refill_runs_dry_for_as_long_as_the_volume_falls_short(made: Made) -> None:
    """8.6 mL at 0.6 mL/day last 14.33 days; the visit of day 8 comes on day 18 at ten o'clock."""
    late = (
        "[visits]",
        '[refill]\nlate = "10 day"\nlate_only = 1\n[visits]\nhears_alarm = "0 %"\ncalls = false',
    )
    found = followed(made(EXACT, late))
    first = next(seen for seen in found.files[0].past if seen.why == "refill")
    assert first.day == 18
    dry_h = (18 - 8.6 / 0.6) * 24 + 10
    assert found.ward.pumps.dry_h == pytest.approx(dry_h, abs=0.1)
    missing = dry_h * 300 / 24
    assert found.ward.pumps.delivered_ug == pytest.approx(40 * 300 - missing, rel=1e-3)


def test_an_alarm_that_is_heard_brings_people_before_the_reservoir_is_empty(made: Made) -> None:
    late = ("[visits]", '[refill]\nlate = "20 day"\n[visits]\nhears_alarm = "100 %"\nanswer = "0 day"')
    early = ('fill = "10 mL"', 'fill = "10 mL"\nalarm_volume = "4 mL"')
    found = followed(made(EXACT, late, early))
    assert any("low-reservoir alarm" in seen.reports for seen in found.files[0].past)
    assert (found.ward.pumps.dry_h == 0).all()


def test_who_is_in_withdrawal_calls_and_is_filled_again(made: Made) -> None:
    def dry(calls: str) -> float:
        late = ("[visits]", f'[refill]\nlate = "20 day"\n[visits]\nhears_alarm = "0 %"\ncalls = {calls}')
        found = followed(made(EXACT, late))
        told = any("withdrawal" in seen.reports for seen in visits(found) if seen.why == "refill")
        assert told or calls == "false"
        return float(found.ward.pumps.dry_h.sum())

    assert dry("true") < dry("false")


def test_a_forgotten_bridge_gives_the_wrong_dose_by_the_volume_of_the_path(made: Made) -> None:
    """The path holds 0.316 mL of 500 µg/mL: 12.6 h at the old flow; at the new one 50.6 h of a quarter."""
    change = '\n[refill]\nchange = {{ at_refill = 1, concentration = "2000 ug/mL", bridge = {} }}\n'
    done, forgotten = (followed(made(EXACT, ALONE, more=change.format(word))) for word in ("true", "false"))
    short = done.ward.pumps.delivered_ug - forgotten.ward.pumps.delivered_ug
    mixed = (1.4 * 500 + 8.6 * 2000) / 10 / 2000  # what a needle leaves thins the new fill
    old, new = 0.316 / 0.6, 0.316 / 0.15
    assert short == pytest.approx(old * 300 + (new - old) * 300 * mixed - new * 75, rel=0.02)


def test_a_leak_changes_no_volume_and_a_slow_pump_does(made: Made) -> None:
    leak = '\n[[fault]]\nid = "C-02"\nat = "0 day"\nlost = "60 %"\n'
    slow = '\n[[fault]]\nid = "F-14"\nat = "0 day"\ngain = "-40 %"\n'

    def missing_ml(found: Followed) -> float:
        emptied = [seen.reservoir for seen in visits(found) if seen.reservoir]
        return float(np.mean([each.expected_ml - each.drawn_ml for each in emptied]))

    found = {name: followed(made(EXACT, more=more)) for name, more in (("leak", leak), ("slow", slow))}
    assert missing_ml(found["leak"]) == pytest.approx(0.0, abs=0.5)
    assert missing_ml(found["slow"]) < -1.0
    assert found["leak"].ward.pumps.delivered_ug == pytest.approx(0.4 * 40 * 300, rel=0.02)
    assert all("residual_twice_day" in file.days for file in found["slow"].files)
    assert not any("residual_twice_day" in file.days for file in found["leak"].files)


def test_a_fault_that_is_looked_for_is_found_and_put_right(made: Made, tmp_path: Path) -> None:
    shut = '\n[[fault]]\nid = "C-04"\nat = "5 day"\n[policy]\nkind = "python"\nfunction = "look.py:look"\n'
    look = (
        "from openitb.cohort.study import Plan\ndef look(seen):\n    return Plan(investigate=seen.day > 9)\n"
    )
    (tmp_path / "look.py").write_text(look)
    found = followed(made(EXACT, more=shut))
    repaired = [file for file in found.files if file.counts.get("repairs")]
    assert repaired
    for file in repaired:
        found_day = file.days["found_day"]
        stood_days = min(found_day + 14, 40) - 5
        assert found.ward.pumps.delivered_ug[file.row] == pytest.approx(300 * (40 - stood_days), rel=0.05)


def test_arms_share_people_and_luck(made: Made) -> None:
    arms = '\n[[arm]]\nname = "a"\n[[arm]]\nname = "b"\n' + STEPS
    study = made(more=arms, calm=False)
    a, b = followed(study, 0), followed(study, 1)
    assert np.array_equal(a.ward.people.leg_ashworth, b.ward.people.leg_ashworth)
    first = [file.past[0].day for file in a.files]
    assert first == [file.past[0].day for file in b.files]
    assert [m.gain for m in a.ward.troubles] == [m.gain for m in b.ward.troubles]


def test_each_person_is_followed_as_alone(made: Made) -> None:
    study = made(calm=False)
    together = followed(study)
    alone = answered(study.arms[0].policy, follow(study, study.arms[0], range(2, 3)))
    assert alone.files[0].past == together.files[2].past
    assert alone.ward.pumps.delivered_ug[0] == pytest.approx(together.ward.pumps.delivered_ug[2], rel=1e-12)
    mean = "leg_ashworth"
    assert alone.ward.summary().mean[mean][0] == pytest.approx(
        together.ward.summary().mean[mean][2], abs=1e-9
    )


def test_every_order_goes_through_the_gate(made: Made) -> None:
    study = made(EXACT)
    course = follow(study, study.arms[0], range(study.people))
    found = answered(lambda _: Plan(change_percent=200), course)
    assert all(file.counts["refused_orders"] == file.counts["orders"] > 0 for file in found.files)
    assert found.ward.pumps.delivered_ug == pytest.approx(40 * 300, rel=1e-3)


def test_the_clinic_rule_asks_for_nothing_the_gate_refuses(made: Made) -> None:
    """Doses are rounded down to whole µg, so that no step is a hair above the label's largest."""
    rule = '\n[policy]\nkind = "clinic rule"\ngoal = 0\n'
    cerebral = ("spinal = 0.5, cerebral = 0.5", "cerebral = 1.0")
    found = followed(made(EXACT, cerebral, ('"300 ug/day"', '"100 ug/day"'), more=rule))
    assert sum(file.counts["orders"] for file in found.files) >= 4
    assert not any(file.counts.get("refused_orders") for file in found.files)


def test_an_order_the_gate_asks_about_passes_with_a_reason(made: Made) -> None:
    study = made(EXACT)
    course = follow(study, study.arms[0], range(study.people))
    found = answered(lambda _: Plan(dose_ug_per_day=600, reason="as studied"), course)
    assert all(file.dose_pg == 600_000_000 for file in found.files)


def test_a_fixed_schedule_changes_the_dose_at_the_first_visit_from_its_day_on(made: Made) -> None:
    steps = '\n[policy]\nkind = "fixed"\nsteps = [{ day = "15 day", dose = "320 ug/day" }]\n'
    for file in followed(made(EXACT, more=steps)).files:
        doses = {seen.day: seen.dose_ug_per_day for seen in file.past}
        changed = min(day for day in doses if day >= 15)
        assert {dose for day, dose in doses.items() if day <= changed} == {300.0}
        assert {dose for day, dose in doses.items() if day > changed} == {320.0}


def seen_as(**changes: object) -> Seen:
    usual = {
        "patient": 1, "day": 30, "why": "check-up", "origin": "spinal", "age_years": 40.0,
        "dose_ug_per_day": 200.0, "days_since_increase": 10.0,
        "leg": 3, "arm": 1, "spasm": 1, "untreated_leg": 4,
    }  # fmt: skip
    return Seen(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "dose"),
    [
        ({}, 260.0),
        ({"origin": "cerebral"}, 230.0),
        ({"age_years": 9.0}, 230.0),
        ({"why": "refill"}, 280.0),
        ({"leg": 1}, 200.0),
        ({"reports": ("drowsy",)}, 160.0),
        ({"reports": ("withdrawal",)}, 200.0),
    ],
)
def test_the_clinic_rule_takes_the_steps_of_the_label(changes: dict[str, object], dose: float) -> None:
    seen = seen_as(**changes)
    assert clinic_rule()(seen).dose_after(seen.dose_ug_per_day) == pytest.approx(dose)


def test_the_clinic_rule_looks_at_the_system_when_scores_rise_twice_and_not_again_at_once() -> None:
    past = tuple(seen_as(leg=level) for level in (1, 1, 3))
    assert clinic_rule()(seen_as(leg=3, past=past)).investigate
    assert not clinic_rule()(seen_as(leg=3, past=past, days_since_look=20.0)).investigate
    assert clinic_rule()(seen_as(leg=1, reports=("motor alarm",), days_since_look=20.0)).investigate


def test_scores_have_risen_only_when_two_visits_in_a_row_are_above_the_best() -> None:
    assert scores_rose([1, 2, 2])
    assert not scores_rose([1, 2])
    assert not scores_rose([1, 2, 1])
    assert not scores_rose([2, 2, 2])


def test_a_fixed_schedule_says_nothing_once_it_is_in_force() -> None:
    assert Fixed(((10, 200.0),))(seen_as()) == HOLD


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (lambda _: 1 / 0, "patient 1, day 30: raised ZeroDivisionError: division by zero"),
        (lambda _: "more", "patient 1, day 30: returned 'more', expected a Plan"),
        (lambda _: None, "returned None, expected a Plan"),
        (
            lambda _: Plan(change_percent=float("nan")),
            "returned change_percent nan, expected a finite number",
        ),
        (lambda _: Plan(dose_ug_per_day="1"), "returned dose_ug_per_day '1', expected a number"),
        (lambda _: Plan(change_percent=-100), "returned a dose of 0 µg/day, expected above zero"),
    ],
)
def test_nonsense_is_told_with_patient_and_day(policy: Callable[[Seen], Plan], said: str) -> None:
    with pytest.raises(PolicyError) as told:
        decided(policy, seen_as())
    assert said in str(told.value)
