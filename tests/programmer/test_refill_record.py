"""What a fill asks for, refuses and leaves on record, before it begins and before it is over."""

from dataclasses import replace
from datetime import date

import pytest

from openitb import catalogue, units
from openitb.programmer import Applied, Refused, Unreachable
from openitb.programmer.entry import EntryError
from openitb.programmer.package import RECALLED, Package, faults, recalled_lots
from openitb.programmer.plan_rules import judged
from openitb.programmer.report import session_report
from openitb.programmer.report.content import Desk
from openitb.programmer.session import interrogate
from openitb.programmer.visit import answer
from openitb.programmer.workflow import workflow, workflows
from openitb.telemetry import Channel, NoAnswer

FILL = {"drawn_volume": "16.6 mL", "injected_volume": "18 mL", "concentration": "500 ug/mL"}
GOOD = Package("lioresal-intrathecal", "L-2041", date(2027, 3, 31))
TODAY = date(2026, 1, 5)


def rules(visit) -> dict[str, str]:
    return {found.field: found.message for found in judged(visit.plan).of("hard")}


@pytest.mark.requirement("RES-04", "RES-08")
def test_a_fill_is_on_record_with_volumes_package_and_two_people(bench) -> None:
    visit = bench.reviewed("refill and adjust", **FILL)
    done = bench.commit(visit, bench.consent(visit, "scheduled", **FILL))
    assert isinstance(done.outcome, Applied), done.outcome
    assert session_report(done, Desk("dr-a", bench.clock()))["refill"] == {
        "expected_nl": 16_600_000,
        "drawn_nl": 16_600_000,
        "injected_nl": 18_000_000,
        "product": "lioresal-intrathecal",
        "concentration_ug_per_ml": 500,
        "lot": "L-2041",
        "expires": "2027-03-31",
        "people": ["dr-a", "nurse-b"],
    }


@pytest.mark.requirement("RES-04")
@pytest.mark.parametrize(
    "key", ["product", "lot", "expiry", "drawn_volume", "injected_volume", "concentration"]
)
def test_no_fill_is_reviewed_with_a_field_left_empty(key: str, bench) -> None:
    visit = bench.open("refill and adjust", **FILL)
    answers = {name: given for name, given in visit.answers.items() if name != key}
    with pytest.raises(EntryError, match=key):
        bench_review(bench, replace(visit, answers=answers))


def bench_review(bench, visit):
    from openitb.programmer.visit import review_visit

    return review_visit(visit, bench.clock())


@pytest.mark.requirement("RES-04")
def test_another_lot_is_another_plan_to_sign(bench) -> None:
    one, other = (bench.reviewed("refill and adjust", **FILL, lot=lot).plan for lot in ("L-1", "L-2"))
    assert one.digest != other.digest


@pytest.mark.requirement("RES-08")
def test_a_product_in_free_words_is_no_product(bench) -> None:
    with pytest.raises(EntryError, match="expected a code"):
        bench.open("refill and adjust", product="baclofen from the cupboard")


@pytest.mark.requirement("RES-09")
@pytest.mark.parametrize(
    ("changed", "strength", "today", "field"),
    [
        ({}, 500, date(2027, 3, 31), None),
        ({}, 500, date(2027, 4, 1), "expiry"),
        ({"product": "baclofen-oral"}, 500, TODAY, "product"),
        ({}, 1000, TODAY, "concentration"),
        ({"product": "gablofen"}, 1000, TODAY, None),
    ],
)
def test_what_has_expired_or_is_for_another_route_or_strength_is_refused(
    changed: dict[str, str], strength: int, today: date, field: str | None
) -> None:
    found = [name for name, _ in faults(replace(GOOD, **changed), strength, today)]
    assert found == ([field] if field else [])


@pytest.mark.requirement("RES-09")
def test_a_recalled_lot_is_refused_however_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from openitb.programmer import package

    drug = catalogue.load().drug("lioresal-intrathecal")
    called_back = drug.fact("route").model_copy(update={"value": "L-2040, l-2041"})
    recalled = drug.model_copy(update={"facts": {**drug.facts, RECALLED: called_back}})
    assert recalled_lots(recalled) == {"l-2040", "l-2041"}
    monkeypatch.setattr(package, "recalled_lots", lambda _drug: recalled_lots(recalled))
    assert [field for field, _ in faults(GOOD, 500, TODAY)] == ["lot"]


@pytest.mark.requirement("RES-09")
def test_an_expired_package_stops_the_fill_whatever_the_reason(bench) -> None:
    visit = bench.reviewed("refill and adjust", **FILL, expiry="2020-01-31")
    assert "expiry" in rules(visit)
    assert isinstance(bench.commit(visit, bench.consent(visit, "none other")).outcome, Refused)


@pytest.mark.requirement("RES-11")
@pytest.mark.parametrize(
    "name", [kind for kind, made in workflows().items() if "injected_volume" in made.fields]
)
def test_every_fill_asks_about_pocket_catheter_and_watching_before_it_is_over(name: str) -> None:
    assert {"pocket_check", "catheter_check", "observation"} <= set(workflow(name).afterwards)


@pytest.mark.requirement("RES-11")
@pytest.mark.parametrize("missing", ["pocket_check", "catheter_check", "observation"])
def test_a_fill_is_not_over_while_one_of_them_is_open(missing: str, station) -> None:
    from openitb.programmer.script import parse_script, run_script
    from tests.programmer.test_script import SECOND, SECRETS, START

    text = "\n".join(line for line in (START + SECOND).split("\n") if not line.startswith(missing))
    with pytest.raises(EntryError, match=f"afterwards.{missing}: missing"):
        run_script(parse_script(text), station, SECRETS.__getitem__)


@pytest.mark.requirement("RES-05")
def test_a_volume_that_should_not_be_there_blocks_the_fill_until_cause_and_plan_are_on_record(bench) -> None:
    visit = bench.reviewed("refill and adjust", **{**FILL, "drawn_volume": "10 mL"})
    before = bench.implant.firmware.reservoir
    silent = bench.commit(visit, bench.consent(visit, ""))
    assert isinstance(silent.outcome, Refused)
    assert bench.implant.firmware.reservoir == before
    told = bench.commit(visit, bench.consent(visit, "leak at the septum; pump to be replaced on Friday"))
    assert isinstance(told.outcome, Applied), told.outcome
    (override,) = session_report(told, Desk("dr-a", bench.clock()))["overrides"]
    assert (override["rule"], override["reason"][:4]) == ("volume-discrepancy", "leak")


@pytest.mark.requirement("RES-07")
def test_a_new_strength_has_the_limits_checked_again(bench) -> None:
    bench.order(60)  # 0.12 mL/day of 500, 0.03 of 2000: less than the pump can run
    fill = {**FILL, "concentration": "2000 ug/mL", "bridge_volume": "0.316 mL"}
    visit = bench.reviewed("refill and adjust", **fill)
    assert rules(visit)
    assert isinstance(bench.commit(visit, bench.consent(visit, "stronger")).outcome, Refused)


@pytest.mark.requirement("BOL-11")
def test_a_path_that_was_primed_since_the_fill_is_primed_again_for_a_reason_only(bench) -> None:
    start = {"mode": "simple continuous", "dose": "100 ug/day"}
    first = bench.reviewed("catheter revision", prime_volume="0.316 mL", order=start)
    assert "primed-already" not in {found.rule for found in judged(first.plan).findings}
    assert isinstance(bench.commit(first, bench.consent(first, "new catheter")).outcome, Applied)
    bench.clock.now_ms += units.MS_PER_DAY
    again = bench.reviewed("catheter revision", prime_volume="0.316 mL", order=start)
    assert "primed-already" in {found.rule for found in judged(again.plan).of("soft")}


@pytest.mark.requirement("LOG-05")
def test_a_log_whose_page_was_lost_on_the_way_is_read_anew_and_whole(
    bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(100):
        interrogate(bench.wand, bench.sender)
    send, sent = Channel.send, iter(range(99))

    def loses_the_second(channel: Channel, request: bytes) -> bytes:
        if next(sent) == 1:
            raise NoAnswer("lost")
        return send(channel, request)

    monkeypatch.setattr(Channel, "send", loses_the_second)
    assert isinstance(interrogate(bench.wand, bench.sender), Unreachable)
    reading = interrogate(bench.wand, bench.sender)
    numbers = [entry.number for entry in reading.log]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 100
    assert reading.log_fault == ""


@pytest.mark.requirement("LOG-06")
def test_nothing_of_the_patient_is_in_the_pumps_log(bench) -> None:
    visit = answer(bench.reviewed("refill and adjust", **FILL), "observation", "Ada is well", bench.clock())
    bench.commit(bench_review(bench, visit), bench.consent(bench_review(bench, visit), "Ada asked for it"))
    told = " ".join(str(entry) for entry in bench.implant.firmware.log.entries)
    assert "P-001" not in told
    assert "Ada" not in told


@pytest.mark.requirement("TIM-02")
def test_a_large_jump_of_the_clock_is_typed_a_second_time(bench) -> None:
    small, large = (bench.reviewed("adjust", zone=zone) for zone in ("+01:00", "+09:00"))
    assert isinstance(bench.commit(small, bench.consent(small)).outcome, Applied)
    assert isinstance(bench.commit(large, bench.consent(large)).outcome, Refused)
    large = bench.reviewed("adjust", zone="+09:00")
    assert isinstance(bench.commit(large, bench.consent(large, zone="+09:00")).outcome, Applied)
