"""What comes of the stories in the simulator, and what the clinic sees of it."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from openitb import catalogue, units
from openitb.clinic.demo.cast import Cast, Person, of_day_ms
from openitb.clinic.demo.notes import expected_to_draw_nl, forgotten_bridge
from openitb.clinic.demo.play import Played, play
from openitb.clinic.demo.ratings import ratings
from openitb.clinic.demo.readings import kept_readings
from openitb.clinic.demo.story import tell
from openitb.clinic.demo.syringe import drawn_nl
from openitb.implant import believed_volume_nl, latched_alarms
from openitb.protocol import AlarmCondition
from openitb.world import case, casefile
from openitb.world.case import Refill
from openitb.world.simulate import run_system
from openitb.world.simulation import Simulation, simulate

Play = Callable[[str], Played]


def differences_ml(played: Played, cast: Cast) -> list[float]:
    drawn = drawn_nl(played, cast.house)
    return [
        (drawn[visit.event.at_ms] - expected_to_draw_nl(visit)) / units.NL_PER_ML
        for visit, _ in played.visits()
        if isinstance(visit.event.action, Refill)
    ]


@pytest.mark.parametrize("number", ["SYN-004", "SYN-005", "SYN-006", "SYN-008", "SYN-016"])
def test_who_was_taken_for_a_responder_responded(played: Play, number: str) -> None:
    trial = played(number).trial
    assert trial
    legs = trial.series["leg_ashworth"]
    assert legs[0] - legs.min() >= 1.0


def test_who_is_no_candidate_did_not_respond_to_the_largest_bolus(played: Play) -> None:
    trial = played("SYN-031").trial
    assert trial
    assert trial.case.events[-1].action.dose_pg == 100 * units.PG_PER_UG  # type: ignore[union-attr]
    assert trial.series["leg_ashworth"][0] - trial.series["leg_ashworth"].min() < 0.5


def test_the_emergency_is_a_withdrawal_from_an_empty_reservoir(played: Play) -> None:
    emergency = played("SYN-027")
    assert emergency.therapy
    assert emergency.implant
    assert emergency.implant.reservoir.available_nl == 0
    assert AlarmCondition.EMPTY_RESERVOIR in latched_alarms(emergency.implant)
    assert emergency.therapy.series["withdrawal"][-1] > 0.3
    untreated = emergency.story.person.body.leg_ashworth
    assert emergency.therapy.series["leg_ashworth"][-1] > untreated


def test_the_overdue_pump_is_nearly_empty_and_sounds(played: Play) -> None:
    implant = played("SYN-023").implant
    assert implant
    assert 0 < implant.reservoir.available_nl < units.NL_PER_ML
    assert latched_alarms(implant) == (AlarmCondition.LOW_RESERVOIR,)


def test_the_pump_that_gives_too_little_leaves_more_than_expected_each_time(played: Play, cast: Cast) -> None:
    differences = differences_ml(played("SYN-025"), cast)
    limit = float(catalogue.load().practice["volume-discrepancy"].fact("evaluate").number("mL"))
    assert len(differences) >= 5
    assert sum(differences) / len(differences) > limit
    assert min(differences) > 1.0


def test_the_pump_that_gives_too_much_leaves_less(played: Play, cast: Cast) -> None:
    differences = differences_ml(played("SYN-026"), cast)
    assert max(differences) < -1.0


def test_an_ordinary_pump_stays_within_its_labelled_accuracy(played: Play, cast: Cast) -> None:
    differences = differences_ml(played("SYN-013"), cast)
    assert all(abs(difference) < 0.145 * 18 for difference in differences)


def test_the_forgotten_bridge_starves_the_patient_for_as_long_as_worked_out_by_hand(played: Play) -> None:
    # 0.140 mL + 80 cm x 0.0022 mL/cm = 0.316 mL at 220/2000 = 0.11 mL/day: 68.9 h at a quarter of 220.
    text = forgotten_bridge(played("SYN-019"))
    assert "55 µg/day instead of 220 µg/day for 68.9 h" in text
    therapy = played("SYN-019").therapy
    assert therapy
    assert therapy.series["withdrawal"].max() > 0.1


def test_the_bridge_is_what_keeps_a_change_of_strength_from_being_felt(played: Play) -> None:
    tables = played("SYN-018").story.therapy
    assert tables
    forgotten = [
        event | {"refill": event["refill"] | {"bridge": False}}
        if "bridge" in event.get("refill", {})
        else event
        for event in tables["event"]
    ]
    without = simulate(case.build(casefile.validated(tables | {"event": forgotten})))
    assert _rise_after_change(played("SYN-018").therapy) < 0.2
    assert _rise_after_change(without) > 0.5


def _rise_after_change(therapy: Simulation | None) -> float:
    """How far leg tone rises in the five days after the strength was changed."""
    assert therapy
    change = next(
        event
        for event in therapy.case.events
        if isinstance(event.action, Refill) and event.action.bridge is not None
    )
    hour = (change.at_ms - therapy.case.start_ms) // units.MS_PER_H
    legs = therapy.series["leg_ashworth"][hour : hour + 5 * units.HOURS_PER_DAY]
    return float(legs.max() - legs[0])


def test_the_old_pump_nears_its_replacement_and_the_older_one_sounds(played: Play) -> None:
    planned, due = played("SYN-028").implant, played("SYN-029").implant
    assert planned
    assert due
    assert AlarmCondition.ELECTIVE_REPLACEMENT not in latched_alarms(planned)
    assert AlarmCondition.ELECTIVE_REPLACEMENT in latched_alarms(due)


def test_ratings_are_codes_that_their_scale_has(played: Play, cast: Cast) -> None:
    scales = catalogue.load().scales
    for number in ("SYN-005", "SYN-027"):
        rated = ratings(played(number), cast.house)
        assert rated
        for each in rated:
            assert each.code in {level.code for level in scales[each.scale_id].levels}
            assert each.value == Decimal(each.code)


def test_a_rater_without_noise_writes_the_nearest_level(played: Play, cast: Cast) -> None:
    exact = cast.house.model_copy(update={"rater_sd": 0.0})
    for each in ratings(played("SYN-014"), exact):
        series = {"Legs": "leg_ashworth", "Arms": "arm_ashworth", "": "spasm_score"}[each.muscle_group]
        assert abs(played("SYN-014").truth(series, each.at_ms) - float(each.value)) <= 0.5


def test_a_trial_is_scored_on_the_grid_of_the_clinic(played: Play, cast: Cast) -> None:
    story = played("SYN-006").story
    bolus = next(c.at_ms for c in story.contacts if c.kind == "screening trial")
    hours = {
        (r.at_ms - bolus) / units.MS_PER_H for r in ratings(played("SYN-006"), cast.house) if r.at_ms >= bolus
    }
    assert hours == {0, 1, 2, 4, 6, 8}


def test_normal_limbs_are_not_rated(played: Play, cast: Cast) -> None:
    groups = {rated.muscle_group for rated in ratings(played("SYN-013"), cast.house)}
    assert groups == {"Legs", ""}


def test_the_pump_is_read_before_and_after_the_work_of_each_visit(played: Play, cast: Cast) -> None:
    refilled = played("SYN-013")
    readings = {kept.at_ms: kept for kept in kept_readings(refilled, cast.house)}
    visit = next(v for v, _ in refilled.visits() if isinstance(v.event.action, Refill))
    again = visit.event.at_ms + cast.house.read_again_after_min * units.MS_PER_MIN
    assert readings[visit.event.at_ms].reading.reservoir_nl == believed_volume_nl(visit.found)
    assert readings[again].after
    assert 19_390_000 <= readings[again].reading.reservoir_nl <= 19_400_000


def test_the_syringe_is_read_to_its_lines(played: Play, cast: Cast) -> None:
    line_nl = units.volume_nl(cast.house.syringe_graduation, "line")
    assert all(volume % line_nl == 0 for volume in drawn_nl(played("SYN-029"), cast.house).values())


@pytest.mark.parametrize("time_of_day", ["00:02", "12:01", "23:58"])
def test_the_urgent_stories_are_urgent_at_any_time_of_day(
    cast: Cast, person: Callable[[str], Person], now_ms: int, time_of_day: str
) -> None:
    at_ms = now_ms - now_ms % units.MS_PER_DAY + of_day_ms(time_of_day)
    overdue, emergency = (play(tell(person(number), cast.house, at_ms)) for number in ("SYN-023", "SYN-027"))
    assert overdue.implant
    assert latched_alarms(overdue.implant) == (AlarmCondition.LOW_RESERVOIR,)
    assert emergency.therapy
    assert emergency.therapy.series["withdrawal"][-1] > 0.3


@pytest.mark.parametrize("time_of_day", ["00:02", "23:58"])
def test_every_story_can_be_told_and_passes_the_gate_at_any_time_of_day(
    cast: Cast, now_ms: int, time_of_day: str
) -> None:
    at_ms = now_ms - now_ms % units.MS_PER_DAY + of_day_ms(time_of_day)
    for someone in cast.person:
        story = tell(someone, cast.house, at_ms)
        for tables in (story.trial, story.therapy):
            if tables is not None:
                _, happened = run_system(case.build(casefile.validated(tables)))
                assert len(happened) == len(tables["event"])
