"""Faults in a case: what they do to truth, what the record says, and that drug is accounted for."""

from collections.abc import Callable

import pytest

from openitb import units
from openitb.body import level_moved
from openitb.world.casefile import CaseError
from openitb.world.simulation import Simulation
from openitb.world.summary import events, summary
from openitb.world.truth import believed_volume_nl, true_volume_nl

START = {"at": "0 h", "order": {"mode": "simple continuous", "dose": "200 ug/day"}}
Ran = Callable[..., Simulation]


def fault(at: str, fault_id: str, **given: object) -> dict[str, object]:
    return {"at": at, "fault": {"id": fault_id, **given}}


def refill(at: str) -> dict[str, object]:
    return {"at": at, "refill": {"volume": "16 mL", "concentration": "500 ug/mL"}}


def tip_ug(run: Simulation) -> float:
    return sum(p.mass_pg for p in run.system.outflow) / units.PG_PER_UG


def imbalance_pg(run: Simulation) -> int:
    """What came in less what is anywhere: reservoir, path, tip and lost."""
    course, system = run.system, run.case.system
    label = system.concentration_ug_per_ml
    came = (system.fill_nl + system.path_volume_nl) * label + course.injected_pg - course.withdrawn_pg
    out = sum(p.mass_pg for p in (*course.outflow, *course.astray))
    return came - out - course.end.implant.reservoir.mass_pg - course.end.column.mass_pg


def test_a_stall_shows_at_the_tip_in_the_log_and_first_in_the_summary(ran: Ran) -> None:
    run = ran(START, fault("5 day", "F-15", lasts="24 h"), until="10 day")
    assert tip_ug(run) == pytest.approx(9 * 200, abs=1)
    assert {"motor stalled", "motor recovered"} <= {event["kind"] for event in events(run)}
    told = summary(run)["headline"]
    assert told[0].startswith("fault at 5.00 d, laid: Particle in the motor (F-15): ")
    assert any(line.startswith("no drug left the tip") for line in told)


def test_a_leak_loses_drug_that_nobody_sees_and_the_pump_believes_rightly(ran: Ran) -> None:
    run = ran(START, fault("5 day", "C-02", lost="50 %", place="pump"), until="10 day")
    assert tip_ug(run) == pytest.approx(1500, abs=1)
    assert summary(run)["system"]["lost_ug"] == pytest.approx(500, abs=1)
    assert true_volume_nl(run.system.end) == believed_volume_nl(run.system.end)


def test_a_tip_that_migrates_gives_the_same_drug_elsewhere_and_nothing_in_the_pump_tells(ran: Ran) -> None:
    stays = ran(START, until="20 day")
    moves = ran(START, fault("10 day", "C-05", levels=6), until="20 day")
    assert [(tip.from_ms - stays.case.start_ms, tip.level) for tip in moves.system.tips[1:]] == [
        (10 * units.MS_PER_DAY, level_moved(stays.case.system.tip, 6))
    ]
    assert tip_ug(moves) == pytest.approx(tip_ug(stays), abs=1)
    assert imbalance_pg(moves) == 0
    assert moves.drug_imbalance < 1e-9
    assert true_volume_nl(moves.system.end) == believed_volume_nl(moves.system.end)
    legs = moves.series["leg_effect_site_ng_per_ml"] / stays.series["leg_effect_site_ng_per_ml"].clip(1e-9)
    before = moves.time_h < 240
    assert legs[before][1:] == pytest.approx(1.0, rel=1e-6)
    assert legs[-1] < 0.9


def test_a_tip_may_move_again_from_where_it_lies(ran: Ran) -> None:
    run = ran(START, fault("2 day", "C-05", levels=2), fault("4 day", "C-05"), until="6 day")
    start, up, back = run.system.tips
    assert up.level == level_moved(start.level, 2)
    assert back.level == start.level


def test_a_kink_that_comes_and_goes_keeps_the_drug_in_the_pump(ran: Ran) -> None:
    run = ran(START, fault("5 day", "C-01", repeats=4, every="24 h", lasts="6 h"), until="10 day")
    assert tip_ug(run) == pytest.approx(10 * 200 - 4 * 50, abs=2)
    held_back = true_volume_nl(run.system.end) - believed_volume_nl(run.system.end)
    assert held_back == pytest.approx(4 * 100_000, abs=1000)


@pytest.mark.parametrize(("beside", "inside_ml"), [("100 %", 0), ("25 %", 12)])
def test_a_pocket_fill_puts_drug_beside_the_pump_and_the_pump_believes_it_inside(
    beside: str, inside_ml: float, ran: Ran
) -> None:
    run = ran(START, fault("5 day", "F-10", beside=beside), refill("6 day"), until="7 day")
    (impulse,) = run.system.beside
    assert impulse.amount == (16 - inside_ml) * units.NL_PER_ML * 500
    gap_nl = believed_volume_nl(run.system.end) - true_volume_nl(run.system.end)
    missing_nl = (16 - inside_ml) * units.NL_PER_ML
    assert missing_nl - 400_000 <= gap_nl <= missing_nl  # a day's strokes find nothing in an empty pump
    plasma = run.series["plasma_ng_per_ml"]
    assert plasma.max() > 5 * plasma[: len(plasma) // 2].max()


def test_only_the_next_fill_goes_beside(ran: Ran) -> None:
    run = ran(START, fault("5 day", "F-10"), refill("6 day"), refill("7 day"), until="8 day")
    assert len(run.system.beside) == 1


def test_a_pump_turned_over_cannot_be_filled_until_it_is_turned_back(ran: Ran) -> None:
    run = ran(START, fault("1 day", "F-20", lasts="3 day"), refill("2 day"), refill("5 day"), until="6 day")
    outcomes = [h.outcome for h in run.story if h.kind == "refill"]
    assert outcomes == ["the port could not be reached", "applied"]


def test_fluid_pushed_back_thins_the_reservoir(ran: Ran) -> None:
    run = ran(START, fault("5 day", "F-21", pushed_back="1 mL"), until="6 day")
    end = run.system.end.implant
    assert true_volume_nl(run.system.end) - believed_volume_nl(run.system.end) == 1_000_000
    assert end.reservoir.mass_pg / end.reservoir.volume_nl < 480
    assert imbalance_pg(run) == 0


def test_a_scan_is_survived_and_told(ran: Ran) -> None:
    run = ran(START, fault("5 day", "F-17", scan="60 minute"), until="8 day")
    assert "telemetry captured" in {event["kind"] for event in events(run)}
    assert tip_ug(run) == pytest.approx(1000, abs=2)  # held until somebody reads the pump


def test_a_dispersed_front_keeps_the_drug_and_smears_the_change(ran: Ran) -> None:
    change = {"at": "5 day", "refill": {"volume": "16 mL", "concentration": "2000 ug/mL", "bridge": True}}
    plug = ran(START, change, until="9 day")
    smeared = ran(START, change, until="9 day", system={"front": "dispersed"})
    assert tip_ug(smeared) == pytest.approx(tip_ug(plug), rel=2e-3)
    peak_plug, peak = (run.series["tip_ug_per_h"].max() for run in (plug, smeared))
    assert peak > 1.5 * peak_plug  # some of the strong drug comes at the old, fast flow


@pytest.mark.parametrize(
    "laid",
    [
        fault("3 day", "F-09", gain="80 %"),
        fault("3 day", "F-14"),
        fault("3 day", "C-03"),
        fault("3 day", "F-19", grows_over="5 day"),
        fault("3 day", "INC-07", lasts="3 day"),
        fault("3 day", "F-23"),
        fault("3 day", "F-07", shows="reset"),
    ],
    ids=lambda laid: laid["fault"]["id"],
)
def test_drug_is_accounted_for_to_the_picogram_whatever_goes_wrong(laid: dict, ran: Ran) -> None:
    run = ran(START, laid, refill("8 day"), until="12 day")
    assert imbalance_pg(run) == 0


def test_the_same_seed_brings_the_same_faults_and_another_seed_others(ran: Ran) -> None:
    chance = {"seed": 3, "faults": ["F-03", "F-09", "F-15"], "times": 2000.0}
    runs = [ran(START, until="400 day", every="1 day", chance=chance | {"seed": s}) for s in (3, 3, 4)]
    stories = [[(h.at_ms, h.text) for h in run.story if h.outcome == "by chance"] for run in runs]
    assert stories[0]
    assert stories[0] == stories[1] != stories[2]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (fault("1 day", "F-99"), "event 2: fault.id: got 'F-99', expected one of"),
        (fault("1 day", "F-25"), "event 2: fault.id: F-25 is no fault of a part: write it as"),
        (fault("1 day", "F-15", lasts="3"), "event 2: fault.lasts: got '3' (the unit is missing)"),
        (fault("1 day", "F-15", size="3 h"), "event 2: fault.size: unknown for F-15, expected one of"),
        (fault("1 day", "C-05", levels=40), "event 2: level: got +40 vertebrae from"),
        (fault("1 day", "C-05", levels="two"), "event 2: fault.levels: got 'two', expected a whole number"),
        (fault("1 day", "F-11", lost="120 %"), "event 2: leak: got 1200 of 1000 lost"),
        (
            fault("1 day", "F-15") | {"mistake": {"id": "F-03"}},
            "event 2: mistake: got one for a fault, which nobody means to happen",
        ),
    ],
)
def test_a_fault_that_cannot_be_is_refused_in_one_line(event: dict, told: str, ran: Ran) -> None:
    with pytest.raises(CaseError) as refused:
        ran(START, event, until="5 day")
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        (["F-77"], "chance.faults: got 'F-77', expected ids of the catalogue's faults"),
        (["F-16"], "chance.faults: F-16 has no hazard; write it as an event"),
    ],
)
def test_a_chance_without_a_hazard_is_refused(faults: list[str], told: str, ran: Ran) -> None:
    with pytest.raises(CaseError, match=told):
        ran(START, until="5 day", chance={"seed": 1, "faults": faults})


@pytest.mark.requirement("ALM-12")
def test_nobody_hears_a_mute_pump_whose_alarm_is_told_all_the_same(ran: Ran) -> None:
    heard = ran(START, until="60 day")
    mute = ran(START, fault("5 day", "P-01"), until="60 day")
    (sound,), (silent,) = (summary(run)["system"]["alarms"][:1] for run in (heard, mute))
    assert sound["condition"] == silent["condition"] == "low reservoir"
    assert sound["heard_by_h"] is not None
    assert silent["heard_by_h"] is None
    assert any(
        line.endswith("low reservoir, not heard by the end of the run") for line in summary(mute)["headline"]
    )
    assert heard.system.end.implant.firmware == mute.system.end.implant.firmware
