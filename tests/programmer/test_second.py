"""Two people: another person, another session, entered blind, signed, once, and for a while."""

from dataclasses import replace

import pytest

from openitb import units
from openitb.programmer import Applied, Refused
from openitb.programmer.plan_rules import high_alert
from openitb.programmer.second import (
    PROPOSES,
    VERIFIES,
    Act,
    Approval,
    SecondPersonError,
    enrol,
    parse_staff,
    require_approval,
    sign,
    staff_to_text,
)
from openitb.programmer.visit import verify_blind

DOSE_100 = {"mode": "simple continuous", "dose": "100 ug/day"}
DOSE_120 = {"mode": "simple continuous", "dose": "120 ug/day"}
FILL = {"injected_volume": "18 mL", "concentration": "500 ug/mL"}
NOW = 1_000_000
SECRETS = {"dr-a": "blue-heron", "nurse-b": "green-finch"}


def _signed(staff, person: str, meaning: str, session: str, at_ms: int = NOW, plan: str = "plan"):
    return sign(staff[person], SECRETS[person], Act(meaning, plan, session, at_ms))


def _approval(staff, **changed) -> Approval:
    first = {"person": "dr-a", "meaning": PROPOSES, "session": "one", **changed.get("first", {})}
    second = {"person": "nurse-b", "meaning": VERIFIES, "session": "two", **changed.get("second", {})}
    return Approval(_signed(staff, **first), _signed(staff, **second))


@pytest.mark.requirement("PRG-19")
def test_two_people_over_the_same_plan_are_enough(staff) -> None:
    require_approval(_approval(staff), staff, "plan", "one", NOW)


@pytest.mark.requirement("PRG-19")
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"second": {"person": "dr-a"}}, "twice"),
        ({"second": {"session": "one"}}, "own session"),
        ({"second": {"meaning": PROPOSES}}, "proposes"),
        ({"first": {"meaning": VERIFIES}}, "verifies"),
        ({"second": {"plan": "another"}}, "another plan"),
        ({"first": {"plan": "another"}}, "another plan"),
        ({"second": {"at_ms": NOW - 1}}, "expired"),
        ({"first": {"at_ms": NOW - units.MS_PER_H}, "second": {"at_ms": NOW - units.MS_PER_H}}, "expired"),
        ({"second": {"at_ms": NOW + 1}}, "expired"),
    ],
)
def test_an_approval_that_is_not_two_people_now_on_this_plan_is_refused(
    staff, changed: dict, why: str
) -> None:
    with pytest.raises(SecondPersonError, match=why):
        require_approval(_approval(staff, **changed), staff, "plan", "one", NOW)


@pytest.mark.requirement("PRG-19")
def test_an_approval_of_one_visit_does_not_count_in_another(staff) -> None:
    with pytest.raises(SecondPersonError, match="another visit"):
        require_approval(_approval(staff), staff, "plan", "three", NOW)


@pytest.mark.requirement("PRG-19", "TEL-05")
def test_an_approval_is_not_replayed_and_a_visit_committed_twice_is_done_once(bench) -> None:
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    bolus = {"bolus_dose": "10 ug", "bolus_duration": {"hours": 0, "minutes": 30}}
    first, second = bench.reviewed("single bolus", **bolus), bench.reviewed("single bolus", **bolus)
    assert first.plan.digest == second.plan.digest
    consent = bench.consent(first)
    before = bench.implant.hardware.delivered_nl
    for _ in range(2):
        assert isinstance(bench.commit(first, consent).outcome, Applied)
    replayed = bench.commit(second, consent)
    assert isinstance(replayed.outcome, Refused)
    assert "another visit" in replayed.outcome.reason
    bench.clock.now_ms += 12 * units.MS_PER_H
    assert bench.implant.hardware.delivered_nl - before == 100_000 + 20_000


@pytest.mark.requirement("PRG-19")
def test_a_signature_cannot_be_moved_to_another_person_or_act(staff) -> None:
    approval = _approval(staff)
    moved = replace(approval.verified, act=replace(approval.verified.act, at_ms=NOW - 5))
    renamed = replace(approval.proposed, person_id="nurse-b")
    for forged in (replace(approval, verified=moved), replace(approval, proposed=renamed)):
        with pytest.raises(SecondPersonError, match="not genuine"):
            require_approval(forged, staff, "plan", "one", NOW)


@pytest.mark.requirement("PRG-19")
def test_a_wrong_secret_signs_nothing_and_a_stranger_does_not_count(staff) -> None:
    with pytest.raises(SecondPersonError, match="not the one of dr-a"):
        sign(staff["dr-a"], "green-finch", Act(PROPOSES, "plan", "one", NOW))
    stranger = enrol("dr-x", "X", "a-secret")
    seal = sign(stranger, "a-secret", Act(VERIFIES, "plan", "two", NOW))
    with pytest.raises(SecondPersonError, match="not on the staff list"):
        require_approval(replace(_approval(staff), verified=seal), staff, "plan", "one", NOW)


def test_a_staff_list_reads_back_and_holds_no_secret(staff) -> None:
    text = staff_to_text(staff)
    assert parse_staff(text) == staff
    assert not any(secret in text for secret in SECRETS.values())
    with pytest.raises(SecondPersonError):
        parse_staff("[x]\nname = 1")


@pytest.mark.requirement("PRG-19")
def test_the_second_entry_is_compared_and_the_values_are_not_given_away(bench) -> None:
    visit = bench.reviewed("initial implant", **FILL, prime_volume="0 mL", order=DOSE_100)
    again = {**FILL, "prime_volume": "0 mL", "order": DOSE_100}
    verify_blind(visit, again)
    for wrong in ({**again, "order": DOSE_120}, {**again, "concentration": "2000 ug/mL"}, FILL):
        with pytest.raises(SecondPersonError) as refused:
            verify_blind(visit, wrong)
        assert not any(char.isdigit() for char in str(refused.value))


@pytest.mark.requirement("PRG-19")
def test_a_high_alert_change_is_not_sent_by_one_person(bench) -> None:
    visit = bench.reviewed("initial implant", **FILL, prime_volume="0.316 mL", order=DOSE_100)
    assert set(high_alert(visit.plan)) >= {"drug and concentration at a fill", "prime", "first order"}
    alone = replace(bench.consent(visit), approval=None)
    done = bench.commit(visit, alone)
    assert isinstance(done.outcome, Refused)
    assert done.outcome.field == "second person"
    assert bench.implant.firmware.reservoir.filled_nl == 18 * units.NL_PER_ML
    done = bench.commit(visit, bench.consent(visit))
    assert isinstance(done.outcome, Applied), done.outcome


@pytest.mark.requirement("PRG-19")
@pytest.mark.parametrize(("dose", "takes_two"), [(70, False), (69, True), (130, False)])
def test_only_a_large_change_of_dose_takes_two(bench, dose: int, takes_two: bool) -> None:
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    visit = bench.reviewed("adjust", order={"mode": "simple continuous", "dose": f"{dose} ug/day"})
    assert bool(high_alert(visit.plan)) is takes_two
