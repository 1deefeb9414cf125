"""Boluses ordered and allowed in a visit; asserted at the outlet and at the pump."""

import pytest

from openitb import units
from openitb.prescription.boluses import PatientBolus
from openitb.programmer import Applied, Refused
from openitb.programmer.comparison import compare
from openitb.programmer.entry import EntryError
from openitb.programmer.plan_rules import high_alert, judged
from openitb.programmer.visit import Consent

BOLUS = {"bolus_dose": "10 ug", "bolus_duration": {"hours": 0, "minutes": 30}}
ON_REQUEST = {
    "patient_dose": "5 ug",
    "patient_duration": {"hours": 0, "minutes": 15},
    "patient_lockout": {"hours": 4, "minutes": 0},
    "patient_most": "3 in 24 h",
}


@pytest.fixture
def running(bench):
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    return bench


@pytest.mark.requirement("BOL-14", "PRG-19")
def test_a_single_bolus_is_shown_in_dose_volume_and_day_and_comes_out_once(running) -> None:
    visit = running.reviewed("single bolus", **BOLUS)
    rows = {row.label: row.new for row in compare(visit.plan)}
    assert rows["Single bolus"] == "10 µg over 30 min, 0.02 mL"
    assert rows["Most in 24 h, boluses included"] == "110 µg"
    assert "bolus" in high_alert(visit.plan)
    before = running.implant.hardware.delivered_nl
    done = running.commit(visit, running.consent(visit))
    assert isinstance(done.outcome, Applied), done.outcome
    running.clock.now_ms += 12 * units.MS_PER_H
    assert running.implant.hardware.delivered_nl - before == 100_000 + 20_000


@pytest.mark.requirement("PRG-04")
@pytest.mark.parametrize(
    ("dose", "outcome"), [("30 ug", "accepted"), ("31 ug", "needs reason"), ("201 ug", "refused")]
)
def test_a_bolus_passes_the_same_gate(running, dose: str, outcome: str) -> None:
    visit = running.reviewed("single bolus", **{**BOLUS, "bolus_dose": dose})
    assert judged(visit.plan).outcome == outcome


@pytest.mark.requirement("BOL-01", "PRG-19")
def test_a_bolus_on_request_is_off_until_two_people_allow_it_and_off_again_at_once(running) -> None:
    visit = running.reviewed("bolus on request", **ON_REQUEST)
    consent = running.consent(visit, "breakthrough spasms")
    assert running.implant.firmware.patient.bolus is None
    assert isinstance(running.commit(visit, Consent(visit.plan.digest, "alone")).outcome, Refused)
    assert isinstance(running.commit(visit, consent).outcome, Applied)
    allowed = PatientBolus(5 * units.PG_PER_UG, 15 * units.MS_PER_MIN, 4 * units.MS_PER_H, 3)
    assert running.implant.firmware.patient.bolus == allowed
    off = running.reviewed("no bolus on request", withdrawn="sleepy in the morning")
    assert not high_alert(off.plan)
    done = running.commit(off, Consent(off.plan.digest))
    assert isinstance(done.outcome, Applied), done.outcome
    assert running.implant.firmware.patient.bolus is None


@pytest.mark.requirement("PRG-01", "PRG-02")
@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("patient_lockout", "4 h"),
        ("patient_lockout", 4),
        ("patient_lockout", {"hours": 4}),
        ("patient_lockout", {"hours": 0, "minutes": 240}),
        ("patient_most", "3"),
        ("patient_most", "2.5 in 24 h"),
        ("patient_dose", "5 ug/day"),
        ("patient_lockout", {"hours": 0, "minutes": 10}),
    ],
)
def test_what_a_patient_may_ask_for_is_stated_in_the_fields_own_units(
    running, key: str, given: object
) -> None:
    with pytest.raises(EntryError):
        running.reviewed("bolus on request", **{**ON_REQUEST, key: given})
