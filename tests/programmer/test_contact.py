"""Contact lost at every step of a commit: the old program, or what the pump says it runs; never a guess."""

from dataclasses import dataclass

import pytest

from openitb import units
from openitb.programmer import Applied, Refused, Unknown
from openitb.programmer.outcomes import Partly
from openitb.programmer.plan_rules import judged
from openitb.programmer.visit import VisitError, settle_visit
from openitb.telemetry import Channel, LinkDown, NoAnswer

DOSE_120 = {"mode": "simple continuous", "dose": "120 ug/day"}
FILL = {"drawn_volume": "16.2 mL", "injected_volume": "18 mL", "concentration": "2000 ug/mL"}
# What goes over in such a visit: refill, stage, read staged, commit, low-reservoir alarm; then interrogate,
# read staged, read access; then confirm, and what was written since with read staged and read access.
REQUESTS = 12
CONFIRMATION = 8  # once it is answered nothing is unknown any more


@dataclass
class Drop:
    """Lets `passing` requests through; the next is lost, before or after the pump has acted."""

    passing: int
    acted: bool
    for_good: bool

    def __call__(self, channel: Channel, request: bytes) -> bytes:
        self.passing -= 1
        if self.passing >= 0 or (self.passing < -1 and not self.for_good):
            return SEND(channel, request)
        if self.acted and self.passing == -1:
            SEND(channel, request)
        raise NoAnswer("no answer came")


SEND = Channel.send


def _visit(bench):
    bench.order(100)
    bench.clock.now_ms += 2 * units.MS_PER_DAY
    return bench.reviewed(
        "refill and adjust", **FILL, bridge_volume="0.316 mL", order=DOSE_120, low_alarm="5 mL"
    )


def _believed(bench) -> tuple[str, int, int]:
    firmware = bench.implant.firmware
    return firmware.controller.program.order, firmware.reservoir.filled_nl, firmware.reservoir.low_alarm_nl


def _changed(bench, before: tuple) -> set[str]:
    """What the pump holds otherwise than before, by the names the programmer gives it."""
    names = ("order", "refill", "low-reservoir alarm")
    return {name for name, old, new in zip(names, before, _believed(bench), strict=True) if old != new}


def _claimed(outcome: object) -> set[str] | None:
    """What an outcome says was carried out; None where it says that nobody knows."""
    match outcome:
        case Applied():
            return {"order", "refill", "low-reservoir alarm"}
        case Refused():
            return set()
        case Partly(done=done):
            return set(done)
        case _:
            return None


@pytest.mark.requirement("PRG-11", "TEL-06")
@pytest.mark.parametrize("acted", [False, True], ids=["request lost", "reply lost"])
@pytest.mark.parametrize("passing", range(REQUESTS))
def test_what_is_said_after_a_lost_contact_is_what_the_pump_holds(
    bench, monkeypatch, passing: int, acted: bool
) -> None:
    visit, before = _visit(bench), _believed(bench)
    monkeypatch.setattr(Channel, "send", _method(Drop(passing, acted, for_good=False)))
    done = bench.commit(visit, bench.consent(visit, "titration"))
    assert _claimed(done.outcome) == _changed(bench, before)
    if isinstance(done.outcome, Refused):
        assert "not changed" in done.outcome.reason
    if isinstance(done.outcome, Applied):
        assert done.outcome.reading.transfer.confirmed


@pytest.mark.requirement("PRG-11", "TEL-06")
@pytest.mark.parametrize("acted", [False, True], ids=["request lost", "reply lost"])
@pytest.mark.parametrize("passing", range(REQUESTS))
def test_contact_lost_for_good_is_unknown_until_the_pump_is_read_and_nothing_is_sent_twice(
    bench, monkeypatch, passing: int, acted: bool
) -> None:
    visit, before = _visit(bench), _believed(bench)
    monkeypatch.setattr(Channel, "send", _method(Drop(passing, acted, for_good=True)))
    done = bench.commit(visit, bench.consent(visit, "titration"))
    assert isinstance(done.outcome, Unknown if passing <= CONFIRMATION else Applied)
    with pytest.raises(VisitError, match="settle it"):
        bench.commit(done, bench.consent(visit, "titration"))
    monkeypatch.undo()
    held = _believed(bench)
    settled = settle_visit(done, bench.wand, bench.sender)
    assert _claimed(settled.outcome) == _changed(bench, before)
    assert _believed(bench) == held
    if "order" in _claimed(settled.outcome):
        assert settled.outcome.reading.transfer.confirmed


@pytest.mark.requirement("TEL-06")
@pytest.mark.parametrize("passing", [5, 6, 7, 8])
def test_a_commit_that_could_not_be_confirmed_is_shown_as_such_and_confirmed_later(
    bench, monkeypatch, passing: int
) -> None:
    visit = _visit(bench)
    monkeypatch.setattr(Channel, "send", _method(Drop(passing, acted=False, for_good=True)))
    done = bench.commit(visit, bench.consent(visit, "titration"))
    assert isinstance(done.outcome, Unknown)
    assert "committed, not yet confirmed by read-back" in done.outcome.reason
    monkeypatch.undo()
    waiting = bench.reviewed("review only")
    assert not waiting.reading.transfer.confirmed
    assert "unconfirmed" in {found.rule for found in judged(waiting.plan).of("note")}
    assert isinstance(settle_visit(done, bench.wand, bench.sender).outcome, Applied)
    assert bench.reviewed("review only").reading.transfer.confirmed


@pytest.mark.requirement("PRG-11")
def test_nobody_at_the_port_when_sending_means_not_changed(bench, monkeypatch) -> None:
    visit, before = _visit(bench), _believed(bench)

    def nobody(*_: object) -> None:
        raise LinkDown("nobody answers")

    from openitb.programmer import sending

    monkeypatch.setattr(sending, "contact", nobody)
    done = bench.commit(visit, bench.consent(visit, "titration"))
    assert isinstance(done.outcome, Refused)
    assert "nothing was sent" in done.outcome.reason
    assert _believed(bench) == before


@pytest.mark.requirement("PRG-11")
def test_a_command_the_pump_refuses_stops_the_rest(bench) -> None:
    visit = _visit(bench)
    other = bench.reviewed("adjust", order={"mode": "simple continuous", "dose": "110 ug/day"})
    assert isinstance(bench.commit(other, bench.consent(other)).outcome, Applied)
    before = _believed(bench)
    done = bench.commit(visit, bench.consent(visit, "titration"))
    assert isinstance(done.outcome, Refused)
    assert "runs another program" in done.outcome.reason
    assert _believed(bench) == before


def _method(drop: Drop):
    def send(channel: Channel, request: bytes) -> bytes:
        return drop(channel, request)

    return send
