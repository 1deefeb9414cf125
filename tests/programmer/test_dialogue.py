"""The conversation at the programmer: what is asked, what is shown, and what locks it."""

from collections.abc import Callable

import pytest

from openitb import units
from openitb.prescription.orders import Flex, SimpleContinuous
from openitb.programmer import Applied, Refused
from openitb.programmer.dialogue import Dialogue, Terminal
from openitb.programmer.plan_rules import judged, slips
from openitb.programmer.report import session_report, to_text
from openitb.programmer.report.content import Desk
from openitb.programmer.second import SecondPersonError
from openitb.programmer.station import emergency_station
from openitb.programmer.visit import VisitError

SECRETS = {"dr-a": "blue-heron", "nurse-b": "green-finch"}


class Talk:
    """Answers prompts in order and keeps what was said; a callable among the answers is called first."""

    def __init__(self, *lines: str | Callable[[], str]) -> None:
        self.lines = list(lines)
        self.said: list[str] = []

    def ask(self, prompt: str) -> str:
        self.said.append(prompt)
        line = self.lines.pop(0)
        return line if isinstance(line, str) else line()

    @property
    def text(self) -> str:
        return "\n".join(self.said)


def _dialogue(station, talk: Talk, mark: str = ".") -> Dialogue:
    return Dialogue(station, "dr-a", Terminal(talk.ask, SECRETS.__getitem__, talk.said.append), mark)


@pytest.fixture
def running(bench):
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    return bench


@pytest.mark.requirement("PRG-01", "PRG-03", "PRG-11")
def test_a_dose_is_asked_with_its_unit_reviewed_and_sent(running, station) -> None:
    talk = Talk("P-001", "simple continuous", "120", "", "", "send")
    done = _dialogue(station, talk).run("adjust")
    assert isinstance(done.outcome, Applied)
    assert done.outcome.reading.interrogation.order == SimpleContinuous(120 * units.PG_PER_UG)
    assert "Daily dose [µg/day]" in talk.text
    assert "Low-reservoir alarm at [mL]" in talk.text
    assert talk.text.index("100 µg/day") < talk.text.index("Type 'send'")
    assert talk.said[-1] == "Read back: the pump stands as reviewed."


@pytest.mark.requirement("PRG-06")
def test_what_does_not_read_is_asked_again_and_a_decimal_comma_is_its_own_grammar(running, station) -> None:
    talk = Talk("P-001", "simple continuous", "120.0", "120.5", "120,50", "120,5", "3,50", "3,5", "", "send")
    done = _dialogue(station, talk, ",").run("adjust")
    read = done.outcome.reading.interrogation
    assert (read.dose_pg_per_day, read.reservoir.low_alarm_nl) == (120_500_000, 3_500_000)


@pytest.mark.requirement("PRG-03")
def test_anything_but_the_word_sends_nothing(running, station) -> None:
    before = running.implant.firmware.controller.program.digest
    talk = Talk("P-001", "simple continuous", "120", "", "", "yes")
    with pytest.raises(VisitError, match="nothing was sent"):
        _dialogue(station, talk).run("adjust")
    assert running.implant.firmware.controller.program.digest == before


@pytest.mark.requirement("PRG-05", "PRG-19")
def test_a_ten_fold_dose_stops_is_typed_again_and_entered_blind_by_a_second_person(running, station) -> None:
    running.order(50)
    running.clock.now_ms += 2 * units.MS_PER_DAY
    order = ("simple continuous", "500")
    talk = Talk("P-001", *order, "", "", "wanted", *order, "nurse-b", *order, "send")
    done = _dialogue(station, talk).run("adjust")
    assert isinstance(done.outcome, Applied), done.outcome
    assert "STOP: ten times or more" in talk.text
    handed = talk.said.index(next(line for line in talk.said if line.startswith("Two people")))
    assert not any("500" in line for line in talk.said[handed:-3])


@pytest.mark.requirement("PRG-19")
@pytest.mark.parametrize("second", [("dr-a",), ("nurse-b", "simple continuous", "140"), ("stranger",)])
def test_a_second_person_who_is_not_one_or_enters_something_else_ends_the_visit(
    running, station, second: tuple[str, ...]
) -> None:
    before = running.implant.firmware.controller.program.digest
    talk = Talk("P-001", "simple continuous", "150", "", "", "spasms", *second)
    with pytest.raises(SecondPersonError):
        _dialogue(station, talk).run("adjust")
    assert running.implant.firmware.controller.program.digest == before


@pytest.mark.requirement("PRG-12")
def test_an_idle_programmer_locks_and_the_draft_is_gone(running, station) -> None:
    before = running.implant.firmware.controller.program.digest

    def late() -> str:
        running.clock.now_ms += 5 * units.MS_PER_MIN
        return "send"

    with pytest.raises(VisitError, match="locked itself"):
        _dialogue(station, Talk("P-001", "simple continuous", "120", "", "", late)).run("adjust")
    assert running.implant.firmware.controller.program.digest == before


@pytest.mark.requirement("PRG-14")
def test_clearing_says_what_it_means_and_needs_the_word_twice(running, station) -> None:
    talk = Talk("P-001", "simple continuous", "120", "clear", "no", "3", "clear", "clear")
    with pytest.raises(VisitError, match="cleared"):
        _dialogue(station, talk).run("adjust")
    assert talk.text.count("Clearing means: 2 entries are lost, the pump is not touched.") == 1
    assert "3 entries are lost" in talk.text


def test_a_flex_order_is_asked_step_by_step(running, station) -> None:
    steps = ("00:00", "5", "", "08:00", "4", "", "")
    talk = Talk("P-001", "flex", *steps, "", "", "send")
    done = _dialogue(station, talk).run("adjust")
    assert isinstance(done.outcome, Applied), done.outcome
    assert isinstance(done.outcome.reading.interrogation.order, Flex)


@pytest.mark.requirement("PRG-02")
def test_hours_typed_into_the_minutes_are_told_and_entered_again(running, station) -> None:
    # safety.md INC-01
    every = ("0", "6", "no", "6", "0", "yes")
    talk = Talk("P-001", "periodic bolus", "25", "3", "0", *every, "0", "", "", "send")
    done = _dialogue(station, talk).run("adjust")
    assert isinstance(done.outcome, Applied), done.outcome
    assert "240 times a day, 6000 µg/day in all" in talk.text
    assert done.outcome.reading.interrogation.dose_pg_per_day == 100 * units.PG_PER_UG


@pytest.mark.requirement("PRG-02", "PRG-05")
def test_a_wrong_interval_that_was_agreed_to_still_meets_the_ten_fold_check_and_the_cap(
    running, station
) -> None:
    visit = running.reviewed(
        "adjust",
        order={"mode": "periodic bolus", "dose": "2 ug", "duration": "5 min", "interval": "6 min"},
    )
    assert [found.rule for found in judged(visit.plan).of("soft")][:1] == ["step-limit"]
    over = {"mode": "periodic bolus", "dose": "25 ug", "duration": "5 min", "interval": "6 min"}
    assert running.reviewed("adjust", order=over).plan is not None
    assert "patient-cap" in {
        found.rule for found in judged(running.reviewed("adjust", order=over).plan).of("hard")
    }
    assert slips(running.reviewed("adjust", order=over).plan)


def test_the_workflow_is_chosen_from_the_list(running, station) -> None:
    talk = Talk("nonsense", "review only", "P-001", "send")
    done = _dialogue(station, talk).run()
    assert done.workflow.workflow_id == "review-only"
    assert all(kind in talk.text for kind in ("refill-and-adjust", "emergency", "mri-before"))


@pytest.mark.requirement("PRG-09")
def test_the_wrong_patient_can_be_read_but_not_changed(running, station) -> None:
    talk = Talk("P-002", "simple continuous", "120", "", "", "send")
    done = _dialogue(station, talk).run("adjust")
    assert isinstance(done.outcome, Refused)
    assert "read only" in done.outcome.reason


ATTESTED = ("Dr Stone", "emergency department", "unconscious")


@pytest.mark.requirement("TEL-10")
def test_with_nobody_on_record_the_number_may_be_left_empty_and_the_report_says_so(running) -> None:
    glass = emergency_station(running.home, running.wand.serial, running.clock, lambda: "glass")
    talk = Talk("", *ATTESTED, "send", "until awake, Dr Stone")
    terminal = Terminal(talk.ask, SECRETS.__getitem__, talk.said.append)
    done = Dialogue(glass, "ambulance", terminal).run("emergency-stop")
    assert isinstance(done.outcome, Applied), done.outcome
    assert "leave the number empty if it is not known" in talk.text
    assert "number not known, not on record here" in to_text(session_report(done, Desk("ambulance", 0)))


@pytest.mark.requirement("PRG-09")
def test_where_the_patient_is_on_record_the_number_is_asked_until_it_is_given(running, station) -> None:
    talk = Talk("", "", "P-001", *ATTESTED, "send", "until awake, Dr Stone")
    done = _dialogue(station, talk).run("emergency-stop")
    assert isinstance(done.outcome, Applied), done.outcome
    assert sum("Patient number" in line for line in talk.said) == 3


@pytest.mark.requirement("ALM-02", "ALM-07")
def test_alarms_are_lit_and_said_in_words_before_anything_is_asked(running, station) -> None:
    running.clock.now_ms += 200 * units.MS_PER_DAY  # low and empty meanwhile
    talk, lit = Talk("P-001", ""), []
    terminal = Terminal(talk.ask, SECRETS.__getitem__, talk.said.append, lit.append)
    Dialogue(station, "dr-a", terminal).run("review-only")
    assert [light.colour for light in lit] == ["red"]
    first, second = [line for line in talk.said if " priority: " in line]
    assert first.startswith("high priority: Your pump is empty.")
    assert second.startswith("medium priority: The medicine in your pump is getting low.")
    assert talk.said.index(second) < talk.said.index("Patient number, as the patient says it")


@pytest.mark.requirement("ALM-02")
def test_without_an_alarm_nothing_is_lit(running, station) -> None:
    talk, lit = Talk("P-001", ""), []
    terminal = Terminal(talk.ask, SECRETS.__getitem__, talk.said.append, lit.append)
    Dialogue(station, "dr-a", terminal).run("review-only")
    assert lit == []
    assert not [line for line in talk.said if " priority: " in line]
