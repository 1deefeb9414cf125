"""Visits with a live implant: what is asked, reviewed, agreed to and sent; asserted at the pump."""

from dataclasses import replace

import pytest

from openitb import units
from openitb.prescription.orders import MinimumRate, SimpleContinuous
from openitb.programmer import Applied, Refused
from openitb.programmer.chart import parse_chart
from openitb.programmer.comparison import compare
from openitb.programmer.entry import EntryError
from openitb.programmer.plan_rules import high_alert, judged
from openitb.programmer.visit import (
    Consent,
    VisitError,
    answer,
    consequence,
    discard,
    idle,
    idle_warning,
    locked,
    open_visit,
    review_visit,
)
from openitb.programmer.workflow import workflow

CHART = """
[patient]
id = "P-001"
origin = "spinal"
age = "40 year"
cap = "900 ug/day"
[implant]
serial = "NGP-TEST-1"
pump = "synchromed-ii-20"
catheter = "ascenda-8780"
catheter_length = "80 cm"
"""
DOSE_100 = {"mode": "simple continuous", "dose": "100 ug/day"}
DOSE_120 = {"mode": "simple continuous", "dose": "120 ug/day"}


def _program_digest(bench) -> str:
    return bench.implant.firmware.controller.program.digest


@pytest.mark.requirement("PRG-03", "PRG-20")
def test_an_adjustment_that_was_reviewed_and_agreed_to_is_what_the_pump_runs(bench) -> None:
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    visit = bench.reviewed("adjust", order=DOSE_120)
    done = bench.commit(visit, Consent(visit.plan.digest))
    assert isinstance(done.outcome, Applied), done.outcome
    assert done.outcome.reading.interrogation.order == SimpleContinuous(120 * units.PG_PER_UG)
    before = bench.implant.hardware.delivered_nl
    bench.clock.now_ms += 10 * units.MS_PER_DAY
    # 120 µg/day at 500 µg/mL is 0.24 mL/day, 2.4 mL in ten days
    assert bench.implant.hardware.delivered_nl - before == 2_400_000


@pytest.mark.requirement("PRG-03")
def test_nothing_is_sent_without_a_review(bench) -> None:
    visit = bench.open("adjust", order=DOSE_100)
    with pytest.raises(VisitError, match="nothing was reviewed"):
        bench.commit(visit, Consent("anything"))


@pytest.mark.requirement("PRG-03")
def test_consent_to_another_review_sends_nothing(bench) -> None:
    first, second = (bench.reviewed("adjust", order=order) for order in (DOSE_100, DOSE_120))
    before = _program_digest(bench)
    done = bench.commit(second, bench.consent(first))
    assert isinstance(done.outcome, Refused)
    assert _program_digest(bench) == before


@pytest.mark.requirement("PRG-03")
def test_an_answer_after_the_review_takes_the_review_away(bench) -> None:
    visit = bench.reviewed("adjust", order=DOSE_100)
    assert answer(visit, "order", DOSE_120, bench.clock()).plan is None


@pytest.mark.requirement("PRG-03", "PRG-08")
def test_the_review_shows_every_setting_with_derived_values_that_cannot_be_entered(bench) -> None:
    bench.order(100)
    rows = {row.label: row for row in compare(bench.reviewed("adjust", order=DOSE_120).plan)}
    assert (rows["Daily dose"].old, rows["Daily dose"].new) == ("100 µg/day", "120 µg/day")
    assert (rows["Flow, mean"].old, rows["Flow, mean"].new) == ("0.2 mL/day", "0.24 mL/day")
    assert rows["Flow, mean"].is_derived
    assert rows["Low reservoir on"].old > rows["Low reservoir on"].new
    assert not rows["Concentration"].changed
    assert not rows["Low-reservoir alarm"].changed


@pytest.mark.requirement("PRG-04")
def test_a_dose_above_the_cap_is_refused_whatever_the_reason(bench) -> None:
    visit = bench.reviewed("adjust", order={"mode": "simple continuous", "dose": "901 ug/day"})
    done = bench.commit(visit, bench.consent(visit, "because"))
    assert isinstance(done.outcome, Refused)
    assert done.outcome.field == "limits"


@pytest.mark.requirement("PRG-04")
@pytest.mark.parametrize(("dose", "needs_reason"), [(130, False), (131, True)])
def test_an_increase_beyond_the_step_of_the_group_needs_a_reason(
    bench, dose: int, needs_reason: bool
) -> None:
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    visit = bench.reviewed("adjust", order={"mode": "simple continuous", "dose": f"{dose} ug/day"})
    assert (judged(visit.plan).outcome == "needs reason") is needs_reason
    done = bench.commit(visit, bench.consent(visit))
    assert isinstance(done.outcome, Refused if needs_reason else Applied)


@pytest.mark.requirement("PRG-05")
def test_a_ten_fold_dose_goes_only_after_it_was_typed_again(bench) -> None:
    bench.order(30)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    order = {"mode": "simple continuous", "dose": "300 ug/day"}
    visit = bench.reviewed("adjust", order=order)
    assert isinstance(bench.commit(visit, bench.consent(visit, "wanted")).outcome, Refused)
    wrong = bench.consent(visit, "wanted", order={"mode": "simple continuous", "dose": "30 ug/day"})
    assert isinstance(bench.commit(visit, wrong).outcome, Refused)
    assert isinstance(bench.commit(visit, bench.consent(visit, "wanted", order=order)).outcome, Applied)


@pytest.mark.requirement("PRG-09")
def test_another_pump_or_another_patient_leaves_the_visit_read_only(bench) -> None:
    other = replace(bench.chart, serial="NGP-TEST-2")
    wrong_pump = open_visit(bench.wand, workflow("adjust"), other, "session-1", bench.sender)
    wrong_patient = answer(bench.open("adjust"), "patient_id", "P-002", bench.clock())
    before = _program_digest(bench)
    for wrong in (wrong_pump, wrong_patient):
        assert wrong.read_only
        visit = answer(wrong, "patient_id", "P-001", bench.clock())
        visit = review_visit(answer(visit, "order", DOSE_100, bench.clock()), bench.clock())
        done = bench.commit(visit, bench.consent(visit, "by the test"))
        assert isinstance(done.outcome, Refused)
        assert "read only" in done.outcome.reason
    assert _program_digest(bench) == before


@pytest.mark.requirement("PRG-10")
@pytest.mark.parametrize(("minutes", "sent"), [(10, True), (10.01, False)])
def test_a_draft_on_an_old_reading_is_refused(bench, minutes: float, sent: bool) -> None:
    visit = bench.reviewed("adjust", order=DOSE_100)
    bench.clock.now_ms += int(minutes * units.MS_PER_MIN)
    visit = replace(visit, touched_ms=bench.clock())
    consent = bench.consent(visit, "first order")
    assert isinstance(bench.commit(visit, consent).outcome, Applied if sent else Refused)


@pytest.mark.requirement("PRG-10")
def test_a_draft_on_a_program_that_was_changed_since_is_refused(bench) -> None:
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    stale = bench.reviewed("adjust", order=DOSE_120)
    other = {"mode": "simple continuous", "dose": "110 ug/day"}
    visit = bench.reviewed("adjust", order=other)
    assert isinstance(bench.commit(visit, Consent(visit.plan.digest)).outcome, Applied)
    done = bench.commit(stale, Consent(stale.plan.digest))
    assert isinstance(done.outcome, Refused)
    assert "not changed" in done.outcome.reason


@pytest.mark.requirement("PRG-12")
def test_an_idle_programmer_warns_then_locks_and_never_touches_the_pump(bench) -> None:
    visit, before = bench.reviewed("adjust", order=DOSE_100), _program_digest(bench)
    start = bench.clock()
    assert idle(visit, start + 4 * units.MS_PER_MIN - 1) == "active"
    assert idle_warning(visit, start + 4 * units.MS_PER_MIN).startswith("locks in 60 s: 2 entries are lost")
    bench.clock.now_ms += 5 * units.MS_PER_MIN
    with pytest.raises(VisitError, match="locked itself"):
        bench.commit(visit, bench.consent(visit))
    assert locked(visit).answers == {}
    assert locked(visit).plan is None
    with pytest.raises(VisitError, match="locked itself"):
        answer(locked(visit), "order", DOSE_100, start)
    assert _program_digest(bench) == before


@pytest.mark.requirement("PRG-13")
def test_an_empty_field_is_empty_and_stops_the_review(bench) -> None:
    with pytest.raises(EntryError, match="drawn_volume: nothing was entered"):
        bench.reviewed("refill and adjust")


@pytest.mark.requirement("PRG-14")
def test_clearing_needs_its_consequence_to_be_repeated(bench) -> None:
    visit = bench.open("adjust", order=DOSE_100)
    with pytest.raises(VisitError, match="2 entries are lost"):
        discard(visit, "yes")
    assert discard(visit, consequence(visit)).answers == {}


@pytest.mark.requirement("RES-07", "BOL-12")
def test_a_refill_with_another_strength_is_bridged_and_redosed_in_one_visit(bench) -> None:
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    with pytest.raises(EntryError):
        answer(bench.open("adjust"), "concentration", "2000 ug/mL", bench.clock())
    fill = {"drawn_volume": "16.2 mL", "injected_volume": "18 mL", "concentration": "2000 ug/mL"}
    undecided = bench.reviewed("refill and adjust", **fill)
    assert "bridge-undecided" in {found.rule for found in judged(undecided.plan).of("hard")}
    visit = bench.reviewed("refill and adjust", **fill, bridge_volume="0.316 mL", order=DOSE_120)
    done = bench.commit(visit, bench.consent(visit, "titration"))
    assert isinstance(done.outcome, Applied), done.outcome
    read = done.outcome.reading.interrogation
    assert (read.concentration_ug_per_ml, read.order) == (2000, SimpleContinuous(120 * units.PG_PER_UG))
    assert read.reservoir.volume_nl == 19_400_000
    assert [stage.left_nl for stage in read.stages] == [316_000]


@pytest.mark.requirement("RES-05")
def test_a_volume_that_should_not_be_there_needs_cause_and_plan(bench) -> None:
    fill = {"drawn_volume": "10 mL", "injected_volume": "18 mL", "concentration": "500 ug/mL"}
    plan = bench.reviewed("refill and adjust", **fill).plan
    assert "volume-discrepancy" in {found.rule for found in judged(plan).of("soft")}


@pytest.mark.requirement("RES-06")
def test_more_than_the_reservoir_holds_is_refused(bench) -> None:
    fill = {"drawn_volume": "16.6 mL", "concentration": "500 ug/mL"}
    fits = bench.reviewed("refill and adjust", **fill, injected_volume="18.6 mL").plan
    over = bench.reviewed("refill and adjust", **fill, injected_volume="18.601 mL").plan
    assert not judged(fits).of("hard")
    assert {found.rule for found in judged(over).of("hard")} == {"over-capacity"}


def test_a_strength_at_which_the_old_order_cannot_run_is_programmed_first(bench) -> None:
    bench.order(30)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    fill = {"drawn_volume": "16.5 mL", "injected_volume": "18 mL", "concentration": "2000 ug/mL"}
    visit = bench.reviewed("refill and adjust", **fill, bridge_volume="0.316 mL", order=DOSE_120)
    assert visit.plan.sequence == "program first"
    done = bench.commit(visit, bench.consent(visit, "restart", order=DOSE_120))
    assert isinstance(done.outcome, Applied), done.outcome
    assert done.outcome.reading.interrogation.dose_pg_per_day == 120 * units.PG_PER_UG


@pytest.mark.requirement("BOL-10", "BOL-11")
def test_a_prime_shows_both_volumes_and_waits_for_a_catheter_on_record(bench) -> None:
    visit = bench.reviewed("catheter revision", prime_volume="0.316 mL", order=DOSE_100)
    texts = {found.rule: found.message for found in judged(visit.plan).findings}
    assert "tubing 0.14 mL + catheter 0.176 mL = 0.316 mL" in texts["against-path"]
    bare = replace(visit, chart=replace(bench.chart, path=None))
    plan = review_visit(bare, bench.clock()).plan
    assert "prime-without-path" in {found.rule for found in judged(plan).of("hard")}


@pytest.mark.requirement("BOL-14")
def test_a_prime_is_shown_in_volume_dose_and_what_it_adds_to_the_day(bench) -> None:
    plan = bench.reviewed("catheter revision", prime_volume="0.316 mL", order=DOSE_100).plan
    rows = {row.label: row.new for row in compare(plan)}
    assert rows["Prime"] == "0.316 mL, 158 µg"
    assert rows["First 24 h, prime and order"] == "258 µg"


def test_giving_less_at_once_waits_for_nobody(bench) -> None:
    bench.order(100)
    visit = bench.reviewed("emergency", stop_order={"mode": "minimum rate"})
    assert not high_alert(visit.plan)
    done = bench.commit(visit, Consent(visit.plan.digest))
    assert isinstance(done.outcome, Applied)
    assert done.outcome.reading.interrogation.order == MinimumRate()
    with pytest.raises(EntryError, match="expected minimum rate or stopped"):
        bench.open("emergency", stop_order=DOSE_100)


@pytest.mark.requirement("PRG-03")
@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("review only", {}),
        ("mri before", {"magnet_plan": "nurse b reads it at 14:00"}),
        ("mri after", {"observation": "no alarm"}),
    ],
)
def test_a_visit_that_only_looks_reads_back_and_changes_nothing(bench, kind: str, asked: dict) -> None:
    before = _program_digest(bench)
    visit = bench.reviewed(kind, **asked)
    done = bench.commit(visit, Consent(visit.plan.digest))
    assert isinstance(done.outcome, Applied)
    assert done.sent == ()
    assert _program_digest(bench) == before


def test_the_clock_is_set_to_the_programmers(bench) -> None:
    visit = bench.reviewed("adjust", zone="+01:00")
    done = bench.commit(visit, Consent(visit.plan.digest))
    assert isinstance(done.outcome, Applied)
    assert done.outcome.reading.interrogation.zone_offset_ms == units.MS_PER_H
    assert done.outcome.reading.interrogation.at_ms == bench.clock()


@pytest.mark.requirement("PRG-16")
@pytest.mark.parametrize(
    ("origin", "age", "highest"),
    [
        ("spinal", "40 year", 130),
        ("cerebral", "40 year", 115),
        ("spinal", "10 year", 115),
        ("cerebral", "10 year", 115),
    ],
)
def test_the_step_that_needs_no_reason_is_that_of_origin_and_age(
    bench, origin: str, age: str, highest: int
) -> None:
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    text = CHART.replace('origin = "spinal"', f'origin = "{origin}"').replace("40 year", age)
    for dose, outcome in ((highest, "accepted"), (highest + 1, "needs reason")):
        visit = bench.reviewed("adjust", order={"mode": "simple continuous", "dose": f"{dose} ug/day"})
        grouped = review_visit(replace(visit, chart=parse_chart(text)), bench.clock())
        assert judged(grouped.plan).outcome == outcome


@pytest.mark.requirement("PRG-16")
@pytest.mark.parametrize(
    "line", ['origin = "spinal"', 'age = "40 year"', 'id = "P-001"', 'pump = "synchromed-ii-20"']
)
def test_a_chart_without_what_limits_hang_on_is_refused(line: str) -> None:
    with pytest.raises(EntryError, match="expected text"):
        parse_chart(CHART.replace(line, ""))


@pytest.mark.requirement("PRG-01", "PRG-16")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"40 year"', '"40"'),
        ('"900 ug/day"', '"900"'),
        ('"80 cm"', '"80"'),
        ('origin = "spinal"', 'origin = "other"'),
        ("synchromed-ii-20", "no-such-pump"),
        ("[implant]", "[implant]\nextra = 1"),
    ],
)
def test_a_chart_that_does_not_read_is_refused(old: str, new: str) -> None:
    with pytest.raises(ValueError, match="got"):
        parse_chart(CHART.replace(old, new))


@pytest.mark.requirement("PRG-17")
@pytest.mark.parametrize(
    ("dose", "concentration", "rule"),
    [
        ("23.9 ug/day", "500 ug/mL", "pump-flow-low"),
        ("24 ug/day", "500 ug/mL", ""),
        ("95.9 ug/day", "2000 ug/mL", "pump-flow-low"),
        ("900 ug/day", "500 ug/mL", ""),
        ("900.1 ug/day", "500 ug/mL", "patient-cap"),
    ],
)
def test_limits_hold_at_both_ends_in_the_units_of_the_pump(
    bench, dose: str, concentration: str, rule: str
) -> None:
    fill = {"drawn_volume": "16.6 mL", "injected_volume": "18 mL", "concentration": concentration}
    bridge = {"bridge_volume": "0.316 mL"} if concentration != "500 ug/mL" else {}
    order = {"mode": "simple continuous", "dose": dose}
    plan = bench.reviewed("refill and adjust", **fill, **bridge, order=order).plan
    hard = {found.rule for found in judged(plan).of("hard")}
    assert hard == ({rule} if rule else set())
