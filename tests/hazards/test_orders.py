"""Hazards that people bring with an order, each with the part that stands against it and without it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from openitb import catalogue, units
from openitb.catheter import Column, transport
from openitb.guidance import volume_discrepancy
from openitb.implant import SpellKind, withdraw
from openitb.prescription import Flex, FlexPattern, FlexStep, MinimumRate, Order, SimpleContinuous, guardrails
from openitb.prescription.calculators import refill
from openitb.prescription.calculators.refill import _limits as every_limit
from openitb.prescription.gate_rules import RULES
from openitb.prescription.guardrails import GateRefusal, GateRequest, PatientLimits, Verdict
from openitb.prescription.modes import Periodic
from openitb.prescription.program import compile_order
from openitb.programmer import Applied, plan_rules, sending
from openitb.programmer.entry import DOSE_RATE, EntryError
from openitb.programmer.script import parse_script, run_script
from openitb.programmer.visit import Visit, VisitError, answer, open_visit, review_visit
from openitb.programmer.workflow import Workflow, workflow
from openitb.telemetry import Channel, NoAnswer
from tests.hazards.parts import DAY, HOUR, MINUTE, SIMPLE, UG, both, lay, treated
from tests.implant.conftest import Bench
from tests.programmer.test_script import SECOND, SECRETS, START

PUMP = catalogue.load().pump("synchromed-ii-20")
CAPPED = PatientLimits("spinal", 40.0, 900 * UG)
DAILY = "ug/day"


def asked(order: Order, at_ms: int) -> GateRequest:
    """An order for a patient who has 200 µg a day."""
    return GateRequest(order, 500, PUMP, CAPPED, 200 * UG, None, at_ms)


def admitted(order: Order, reason: str = "as prescribed") -> Callable[[], int]:
    """Micrograms that leave the outlet in a day after the order was put to the gate."""

    def given_ug() -> int:
        pump = treated()
        try:
            guardrails.check(asked(order, pump.implant.now_ms)).admit(reason)
            pump.order(order)
        except GateRefusal:
            pass
        pump.run_days(1)
        return pump.implant.hardware.delivered_pg // UG

    return given_ug


def no_gate(request: GateRequest) -> Verdict:
    return Verdict((), compile_order(request.order, request.concentration_ug_per_ml, request.pump))


GATE_OFF = {"openitb.prescription.guardrails.check": no_gate}


@pytest.mark.hazard("INC-01")
@pytest.mark.hazard("INC-01", without="the gate")
def test_six_hours_typed_into_the_minutes() -> None:
    meant = Periodic(25 * UG, 4 * MINUTE, 6 * HOUR)
    typed = replace(meant, interval_ms=6 * MINUTE)
    held, loose = both(admitted(typed), GATE_OFF)
    assert held == 200
    assert loose == 240 * 25


@pytest.mark.hazard("INC-11", "INC-13")
@pytest.mark.hazard("INC-11", without="the gate")
@pytest.mark.hazard("INC-13", without="the gate")
def test_a_key_that_bounces_and_a_point_that_is_lost() -> None:
    held, loose = both(admitted(SimpleContinuous(2_200 * UG)), GATE_OFF)
    assert (held, loose) == (200, 2_200)


@pytest.mark.hazard("INC-12")
@pytest.mark.hazard("INC-12", without="the one unit of a field")
def test_a_dose_a_day_typed_as_one_an_hour() -> None:
    def given_ug() -> int:
        pump = treated()
        try:
            per_h = DOSE_RATE.stated("28.8 ug/day")
            pump.order(Flex((FlexPattern(tuple(range(7)), (FlexStep(0, per_h),)),)))
        except EntryError:
            pass
        pump.run_days(1)
        return pump.implant.hardware.delivered_pg // UG

    held, loose = both(given_ug, {"openitb.programmer.entry._plain_unit": lambda _unit: DOSE_RATE.unit})
    assert held == 200
    assert loose == 691  # 28.8 each hour


@pytest.mark.hazard("HAZ-30")
@pytest.mark.hazard("HAZ-30", without="the rule about the prescriber's cap")
def test_a_limit_that_is_not_looked_at() -> None:
    without_cap = tuple(rule for rule in RULES if "cap" not in rule.__name__)
    assert len(without_cap) < len(RULES)
    held, loose = both(
        admitted(SimpleContinuous(950 * UG)), {"openitb.prescription.guardrails.RULES": without_cap}
    )
    assert (held, loose) == (200, 950)


# --- at the desk ---------------------------------------------------------------------------------------


def dose(ug_per_day: int) -> dict[str, str]:
    return {"mode": "simple continuous", "dose": f"{ug_per_day} {DAILY}"}


def runs_ug(desk: Any) -> int:
    return desk.implant.firmware.controller.program.daily_dose_pg // UG


def ready(desk: Any, ug_per_day: int = 100) -> None:
    desk.order(ug_per_day)
    desk.clock.now_ms += 2 * units.MS_PER_DAY


def sent(desk: Any, visit: Visit) -> Visit:
    return desk.commit(visit, desk.consent(visit, "by the test"))


@pytest.mark.hazard("HAZ-24")
@pytest.mark.hazard("HAZ-24", without="comparing pump and record")
def test_the_pump_of_another_patient_is_before_the_wand(desk: Any) -> None:
    def reached_ug() -> int:
        ready(desk)
        chart = replace(desk.chart, serial="NGP-TEST-2")
        visit = open_visit(desk.wand, workflow("adjust"), chart, f"visit-{desk.clock()}", desk.sender)
        visit = answer(visit, "patient_id", "P-001", desk.clock())
        visit = review_visit(answer(visit, "order", dose(120), desk.clock()), desk.clock())
        sent(desk, visit)
        return runs_ug(desk)

    assert both(reached_ug, {"openitb.programmer.visit.mismatches": lambda *_: ()}) == (100, 120)


@pytest.mark.hazard("HAZ-33")
@pytest.mark.hazard("HAZ-33", without="the digest of what was agreed to")
def test_a_draft_that_changed_after_it_was_agreed_to(desk: Any) -> None:
    def runs() -> int:
        ready(desk)
        agreed = desk.consent(desk.reviewed("adjust", order=dose(110)), "by the test")
        desk.commit(desk.reviewed("adjust", order=dose(130)), agreed)
        return runs_ug(desk)

    blind = {"openitb.programmer.plan.Plan.digest": property(lambda _plan: "the same for all")}
    assert both(runs, blind) == (100, 130)


@pytest.mark.hazard("HAZ-33")
@pytest.mark.hazard("HAZ-33", without="the lock of an idle programmer")
def test_a_draft_that_was_left_lying(desk: Any) -> None:
    def runs() -> int:
        ready(desk)
        visit = desk.reviewed("adjust", order=dose(120))
        consent = desk.consent(visit, "by the test")
        desk.clock.now_ms += 8 * units.MS_PER_MIN
        with suppress(VisitError):
            desk.commit(visit, consent)
        return runs_ug(desk)

    assert both(runs, {"openitb.programmer.visit.idle": lambda *_: "active"}) == (100, 120)


@pytest.mark.hazard("HAZ-23")
@pytest.mark.hazard("HAZ-23", without="reading the pump back")
def test_contact_is_lost_before_the_pump_has_acted(desk: Any) -> None:
    send = Channel.send
    lost = iter(())

    def drops_one(channel: Channel, request: bytes) -> bytes:
        if next(lost, False):
            raise NoAnswer("no answer came")
        return send(channel, request)

    def misinformed() -> bool:
        """True if the person believes in a dose that the pump does not run."""
        nonlocal lost
        ready(desk)
        visit = desk.reviewed("adjust", order=dose(120))
        consent = desk.consent(visit, "by the test")
        lost = iter((True,))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Channel, "send", drops_one)
            done = desk.commit(visit, consent)
        return isinstance(done.outcome, Applied) and runs_ug(desk) != 120

    def hopeful(wand: Any, errand: Any, sender: Any, halt: Any = None) -> Applied:
        return Applied(sending.interrogate(wand, sender))

    assert both(misinformed, {"openitb.programmer.sending.settle": hopeful}) == (False, True)


# --- refills -------------------------------------------------------------------------------------------


def refilled_after(pump: Bench, days: int) -> str:
    """What the comparison at the refill says; the pump is filled again if it says all is well."""
    pump.run_days(days)
    reading = pump.read().reservoir
    expected_nl = max(0, reading.volume_nl - reading.residual_nl)
    _, drawn_nl, _ = withdraw(pump.implant, pump.implant.now_ms)
    judged = volume_discrepancy(expected_nl, drawn_nl, reading.delivered_since_refill_nl).judgement
    pump.refill(18_000_000, 500)
    pump.order(SIMPLE if judged == "accept" else MinimumRate())
    return judged


TAKES_ANY_VOLUME = {"openitb.guidance.discrepancy._accepted": lambda *_: True}


@pytest.mark.hazard("INC-07")
@pytest.mark.hazard("INC-07", without="the comparison of volumes")
def test_far_too_much_is_left_and_then_the_pump_moves_again_and_gives_threefold() -> None:
    def given_ug() -> int:
        pump = treated()
        lay(pump, SpellKind.STILL, 0, 40 * DAY)
        lay(pump, SpellKind.UNFELT, 0, 40 * DAY)
        lay(pump, SpellKind.GAIN, 40 * DAY, amount=2_000_000)
        refilled_after(pump, 40)
        before = pump.implant.hardware.delivered_pg
        pump.run_days(1)
        return (pump.implant.hardware.delivered_pg - before) // UG

    held, loose = both(given_ug, TAKES_ANY_VOLUME)
    assert held < 20
    assert loose == 600


@pytest.mark.hazard("HAZ-19")
@pytest.mark.hazard("HAZ-19", without="the comparison of volumes")
def test_a_kinked_catheter_keeps_the_drug_in_the_pump() -> None:
    def goes_unseen() -> bool:
        pump = treated()
        lay(pump, SpellKind.SHUT, 10 * DAY)
        judged = refilled_after(pump, 40)
        pump.run_days(1)
        return judged == "accept" and pump.parcels[-1].volume_nl == 0

    assert both(goes_unseen, TAKES_ANY_VOLUME) == (False, True)


@pytest.mark.hazard("HAZ-20")
@pytest.mark.hazard("HAZ-20", without="the drug's own date")
def test_a_slow_flow_keeps_the_drug_longer_than_it_lasts() -> None:
    def days_too_long() -> int:
        start = date(2026, 1, 5)
        planned = refill(18_000_000, 2_000_000, 2000, 100 * UG, start, PUMP)
        lasts = catalogue.load().drug().fact("in_pump_stability").whole("day")
        return max(0, (planned.refill_by - start).days - lasts)

    def by_volume(start: date, low: date) -> dict[str, date]:
        return dict([next(iter(every_limit(start, low).items()))])

    held, loose = both(days_too_long, {"openitb.prescription.calculators.refill:_limits": by_volume})
    assert held == 0
    assert loose > 100


@pytest.mark.hazard("INC-03")
@pytest.mark.hazard("INC-03", without="the catheter on record")
def test_a_prime_for_a_longer_catheter_than_the_patient_has(desk: Any) -> None:
    def pushed_out_ug() -> int:
        """Drug beyond the tip while the prime runs."""
        bare = replace(desk.open("catheter revision", prime_volume="0.5 mL", order=dose(100)))
        bare = replace(bare, chart=replace(desk.chart, path=None))
        visit = sent(desk, review_visit(bare, desk.clock()))
        stages = desk.implant.firmware.controller.stages
        assert bool(stages) is isinstance(visit.outcome, Applied)
        pump = Bench()
        pump.order(SIMPLE, prime_nl=500_000 if stages else 0)
        _, out = transport(Column.filled(316_000, 0), pump.run(HOUR))
        return sum(parcel.mass_pg for parcel in out) // UG

    guessed = {"openitb.programmer.plan_rules.RULES": tuple(_rules_without("_prime_known"))}
    held, loose = both(pushed_out_ug, guessed)
    assert held == 0
    assert loose > 80


def _rules_without(name: str) -> list[Callable[..., object]]:
    return [rule for rule in plan_rules.RULES if rule.__name__ != name]


# --- after a fill, and in the scanner -----------------------------------------------------------------


def closed_unasked(station: Any) -> bool:
    """True if a fill is over although nobody wrote down what was asked about the patient."""
    lines = (START + SECOND).split("\n")
    text = "\n".join(line for line in lines if not line.startswith(AFTER_FILL))
    try:
        done = run_script(parse_script(text), station, SECRETS.__getitem__)
    except (VisitError, EntryError):
        return False
    return isinstance(done.outcome, Applied)


AFTER_FILL = ("pocket_check", "catheter_check", "observation")


def asks_nothing_after(_workflow: Workflow) -> Workflow:
    steps = tuple(replace(s, asks=()) if set(s.asks) & set(AFTER_FILL) else s for s in _workflow.steps)
    return replace(_workflow, steps=steps)


@pytest.mark.hazard("INC-09", "HAZ-21")
@pytest.mark.hazard("INC-09", without="the questions after a fill")
@pytest.mark.hazard("HAZ-21", without="the questions after a fill")
def test_nobody_asks_whether_the_drug_went_beside_the_pump_or_stays_at_the_tip(stations: Any) -> None:
    """No part of the system can feel either: what stands against them is that somebody must look."""
    unasked = asks_nothing_after(workflow("initial implant"))
    off = {"openitb.programmer.script.workflow": lambda _name: unasked}
    held, loose = both(lambda: closed_unasked(next(stations)), off)
    assert (held, loose) == (False, True)


@pytest.mark.hazard("INC-10")
@pytest.mark.hazard("INC-10", without="emptying the pump before the scan")
def test_a_strong_field_opens_the_valves() -> None:
    says = next(step.says for step in workflow("mri before").steps if step.step_id == "before-magnet")
    assert "empty one whose valves" in says
    dump_nl_per_day = catalogue.load().fault("F-23").fact("dump").whole("nL/day")

    def given_nl(emptied: bool) -> int:
        pump = Bench(pump_id="prometra-ii-20")
        pump.order(MinimumRate())
        if emptied:
            pump.implant, _, _ = withdraw(pump.implant, pump.implant.now_ms)
        lay(pump, SpellKind.FREE_FLOW, HOUR, 3 * HOUR, amount=dump_nl_per_day)
        pump.run(4 * HOUR)
        return pump.delivered_nl()

    assert given_nl(emptied=True) == 0
    assert given_nl(emptied=False) > 15_000_000
