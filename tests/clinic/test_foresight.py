"""The record's course run again: what it takes from the record, and what it refuses to make up."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from openitb.clinic.desk import foresight, instants, readings, retold
from openitb.clinic.desk.foresight import Running, Stock
from openitb.clinic.desk.ports import NoOutlook, Outlook, link
from openitb.clinic.record.models import RefillRecord, Score, System
from openitb.prescription import SimpleContinuous, Stopped, parse_order
from openitb.units import MS_PER_DAY, NL_PER_ML, PG_PER_UG
from openitb.world.case import Refill, SetOrder

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NOW_MS = instants.to_ms(NOW)
AHEAD_MS = NOW_MS + 7 * MS_PER_DAY
ORDER = {"mode": "simple continuous", "dose": "200 ug/day"}
RUNNING = Running(parse_order(ORDER), NOW_MS - 20 * MS_PER_DAY)


BASELINE = (("Legs", "ashworth-1-5", 4), ("Arms", "ashworth-1-5", 3), ("", "penn-frequency", 3))


@pytest.fixture
def system(make) -> System:
    """Twenty days at 200 µg/day, scored before treatment."""
    return dosed(make, *BASELINE)


def dosed(make, *baseline: tuple[str, str, float]) -> System:
    system = make.system()
    make.dose(system, at=NOW - timedelta(days=20))
    for muscles, scale, value in baseline:
        scored(system, muscles, scale, value)
    return system


def scored(system: System, muscles: str, scale: str, value: float) -> None:
    Score.objects.create(
        patient=system.patient,
        at=NOW - timedelta(days=40),
        scale_id=scale,
        muscle_group=muscles,
        code=str(value),
        value=value,
        is_baseline=True,
    )


def refilled(system: System, at: datetime, **changes: object) -> None:
    values = {"aspirated_nl": 2_000_000, "injected_nl": 18_000_000, "new_concentration_ug_per_ml": 500}
    RefillRecord.objects.create(system=system, at=at, **values | changes)


def told(system: System):
    return retold.retold(system, NOW_MS, AHEAD_MS)


def looked(system: System, running: Running = RUNNING, proposed=None):
    return foresight.outlook(system, running, proposed, NOW_MS)


def test_orders_and_refills_are_told_in_their_order(system, make) -> None:
    refilled(system, NOW - timedelta(days=5))
    make.dose(system, at=NOW - timedelta(days=3), order=ORDER | {"dose": "240 ug/day"})
    actions = [event.action for event in told(system).events]
    assert [type(action) for action in actions] == [SetOrder, Refill, SetOrder]
    assert actions[2] == SetOrder(SimpleContinuous(240 * PG_PER_UG))


def test_what_is_dated_after_now_has_not_happened(system, make) -> None:
    refilled(system, NOW + timedelta(hours=1))
    make.dose(system, at=NOW + timedelta(hours=1))
    assert len(told(system).events) == 1


def test_an_order_that_was_refused_is_not_told(system, make) -> None:
    make.dose(system, at=NOW - timedelta(days=1), outcome="refused")
    assert len(told(system).events) == 1


def test_the_reservoir_starts_as_first_read_or_is_said_to_be_taken_as_full(system, pump) -> None:
    assert told(system).system.fill_nl == 20_000_000
    assert "never read" in told(system).assumptions[0]
    readings.keep(system, link().read_pump(system))
    assert told(system).system.fill_nl == 12_400_000
    assert told(system).assumptions == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tip_level": ""}, "tip is not on record"),
        ({"implanted_length_mm": None}, "length of the catheter is not on record"),
        ({"catheter_id": "mystery"}, "mystery"),
        ({"link_address": ""}, "virtual implants only"),
    ],
)
def test_a_gap_in_the_record_is_the_reason_for_no_prediction(system, changes, reason) -> None:
    for name, value in changes.items():
        setattr(system, name, value)
    system.save()
    answer = looked(system)
    assert isinstance(answer, NoOutlook)
    assert reason in answer.reason


def test_nothing_is_predicted_without_an_order_or_a_score_of_the_legs(make) -> None:
    bare = make.system()
    assert "No order is on record" in looked(bare).reason
    assert "No Ashworth score of the legs" in looked(dosed(make, *BASELINE[1:])).reason


def test_what_was_not_scored_is_left_out_and_said_so(make) -> None:
    system = dosed(make, BASELINE[0])
    answer = looked(system, proposed=Stopped())
    keys = {band.key for band in answer.shown.bands}
    assert "leg_ashworth" in keys
    assert not keys & {"arm_ashworth", "spasm_score"}
    assert any("Arm tone is left out" in basis for basis in answer.shown.rests_on)
    assert not any(change.group.startswith(("Arm", "Spasm")) for change in answer.changes)


@pytest.mark.parametrize(
    ("scale", "value", "published"),
    [("ashworth-1-5", 3, 3), ("ashworth", 3, 4), ("modified-ashworth", 1.5, 2.5)],
)
def test_ashworth_scores_are_brought_to_the_published_form(make, scale, value, published) -> None:
    system = make.system()
    scored(system, "Left leg", scale, value)
    scored(system, "Right leg", scale, value)
    assert retold.untreated_scores(system.patient).leg_ashworth == published


def test_a_stop_is_predicted_to_bring_tone_back(system) -> None:
    answer = looked(system, proposed=Stopped())
    assert isinstance(answer, Outlook)
    as_now, stopped = ({b.key: b for b in one.bands} for one in (answer.as_now, answer.proposed))
    assert stopped["leg_ashworth"].middle[-1] > as_now["leg_ashworth"].middle[-1] + 1
    assert stopped["withdrawal"].middle[-1] > as_now["withdrawal"].middle[-1]
    assert stopped["tip_ug_per_h"].middle[-1] == 0
    highest = {change.group: change for change in answer.changes if change.name == "highest in 7 days"}
    leg = highest["Leg tone, Ashworth 1-5"]
    assert leg.differs
    assert float(leg.new) > float(leg.as_now) + 1
    assert "Withdrawal drive" in {change.name for change in answer.changes}
    assert re.match(r"Changes most: \S+ .* [\d.]+ instead of [\d.]+ \(.+\)\.$", answer.headline)


def headline(system, *, left_ml: float, proposed) -> str:
    stock = Stock(int(left_ml * NL_PER_ML), 500)
    return looked(system, Running(parse_order(ORDER), NOW_MS - 20 * MS_PER_DAY, stock), proposed).headline


def test_a_reservoir_that_runs_empty_in_the_days_shown_is_told_first(system) -> None:
    ten_fold = headline(system, left_ml=8, proposed=SimpleContinuous(2000 * PG_PER_UG))
    new, as_now = "the reservoir runs empty about 2026-03-04", "(as now: not in the days shown)"
    assert ten_fold.startswith(f"Under the new order {new} {as_now}. At the highest: ")
    for danger in ("respiratory depression", "withdrawal drive", "leg tone"):
        assert re.search(rf"{danger}[^;]* [\d.]+ instead of [\d.]+", ten_fold), danger
    spared = headline(system, left_ml=2, proposed=SimpleContinuous(100 * PG_PER_UG))
    assert spared.startswith("As now the reservoir runs empty about 2026-03-07; under the new order it lasts")
    assert "empty by the pump's count" in headline(system, left_ml=0, proposed=Stopped())


def test_an_overdose_is_told_before_the_tone_that_it_lowers(system) -> None:
    said = headline(system, left_ml=400, proposed=SimpleContinuous(2000 * PG_PER_UG))
    assert said.startswith("Rises: ")
    assert "respiratory depression" in said
    assert "tone" not in said


def test_an_order_that_changes_next_to_nothing_is_called_hardly_different(system) -> None:
    said = headline(system, left_ml=15, proposed=SimpleContinuous(201 * PG_PER_UG))
    assert said == "Hardly different from the order that runs, in the 7 days shown."


def test_both_courses_are_the_same_up_to_now(system) -> None:
    answer = looked(system, proposed=SimpleContinuous(400 * PG_PER_UG))
    for before, after in zip(answer.as_now.bands, answer.proposed.bands, strict=True):
        past = sum(at < NOW_MS for at in before.at_ms)
        assert past > 24
        assert after.middle[:past] == pytest.approx(before.middle[:past], rel=1e-9), before.key


def test_the_pumps_own_order_is_carried_on_where_the_record_has_another(system) -> None:
    changed = Running(Stopped(), NOW_MS - 2 * MS_PER_DAY)
    answer = looked(system, changed)
    tip = next(band for band in answer.as_now.bands if band.key == "tip_ug_per_h")
    assert tip.middle[0] == pytest.approx(200 / 24, abs=0.01)
    assert tip.middle[-1] == 0
    assert foresight.UNRECORDED in answer.as_now.rests_on
    assert foresight.UNRECORDED not in looked(system).as_now.rests_on


def test_the_same_question_has_the_same_answer(system) -> None:
    assert looked(system) == looked(system)
