"""Trying the pump's sound is part of a visit that starts, fills or replaces a pump; nothing waits for it."""

from dataclasses import replace

import pytest

from openitb import units
from openitb.programmer import Applied
from openitb.programmer.advice import advice
from openitb.programmer.entry import EntryError
from openitb.programmer.plan_rules import judged
from openitb.programmer.report import session_report, to_text
from openitb.programmer.report.content import Desk
from openitb.programmer.visit import Consent, answer, review_visit
from openitb.programmer.workflow import SOUND, workflow

ASKING = ("initial-implant", "refill-and-adjust", "pump-replacement")
FILL = {
    "drawn_volume": "15.2 mL",
    "injected_volume": "18 mL",
    "concentration": "500 ug/mL",
}
QUESTION = "Was a tone of this pump tried, and heard"


@pytest.fixture
def running(bench):
    bench.order(100)
    bench.clock.now_ms += 7 * units.MS_PER_DAY
    return bench


def sounded(bench) -> None:
    visit = bench.reviewed("alarm-test", tone="two tones")
    assert isinstance(bench.commit(visit, Consent(visit.plan.digest)).outcome, Applied)


def told(visit) -> list[str]:
    findings = judged(visit.plan).findings
    assert all(found.level == "note" for found in findings if found.field == SOUND)
    return [found.rule for found in findings if found.field == SOUND]


@pytest.mark.requirement("ALM-03")
@pytest.mark.parametrize("kind", ASKING)
def test_every_visit_that_starts_fills_or_replaces_asks_for_the_sound_before_its_review(kind: str) -> None:
    assert SOUND in workflow(kind).required
    steps = [step.step_id for step in workflow(kind).steps]
    assert steps.index("sound") < steps.index("review")


@pytest.mark.requirement("ALM-03")
def test_without_an_answer_there_is_no_review_and_unknown_is_one(running) -> None:
    visit = running.open("refill-and-adjust", **FILL)
    without = {key: value for key, value in visit.answers.items() if key != SOUND}
    visit = replace(visit, answers=without)
    with pytest.raises(EntryError, match="sound: nothing was entered"):
        review_visit(visit, running.clock())
    with pytest.raises(EntryError, match="expected one of heard, not heard, unknown"):
        answer(visit, SOUND, "perhaps", running.clock())
    assert told(running.reviewed("refill-and-adjust", **FILL)) == ["sound-untried"]


@pytest.mark.requirement("ALM-03")
@pytest.mark.parametrize(
    ("said", "is_tried", "rules"),
    [
        ("heard", True, []),
        ("heard", False, ["sound-untried"]),
        ("not heard", True, ["sound-unheard"]),
        ("unknown", False, ["sound-untried"]),
    ],
)
def test_what_was_heard_is_held_against_the_log_and_therapy_goes_on(
    running, said: str, is_tried: bool, rules: list[str]
) -> None:
    if is_tried:
        sounded(running)
    visit = running.reviewed("refill-and-adjust", **FILL, sound=said)
    assert told(visit) == rules
    done = running.commit(visit, running.consent(visit))
    assert isinstance(done.outcome, Applied), done.outcome
    report = session_report(done, Desk("dr-a", running.clock()))
    assert report["observations"][QUESTION] == said
    unheard = said == "not heard"
    assert any("THE TONE WAS NOT HEARD" in line for line in advice(done)) is unheard
    assert ("THE TONE WAS NOT HEARD" in to_text(report)) is unheard


@pytest.mark.requirement("ALM-03")
def test_a_tone_of_last_week_is_no_try_of_today(running) -> None:
    sounded(running)
    running.clock.now_ms += 2 * units.MS_PER_DAY
    assert told(running.reviewed("refill-and-adjust", **FILL, sound="heard")) == ["sound-untried"]
