"""Contact lost at every step of a commit: the old program, or what the pump says it runs; never a guess."""

from dataclasses import dataclass

import pytest

from openitb import units
from openitb.programmer import Applied, Refused, Unknown
from openitb.programmer.outcomes import Partly
from openitb.programmer.visit import VisitError, settle_visit
from openitb.telemetry import Channel, LinkDown, NoAnswer

DOSE_120 = {"mode": "simple continuous", "dose": "120 ug/day"}
FILL = {"drawn_volume": "16.2 mL", "injected_volume": "18 mL", "concentration": "2000 ug/mL"}
COMMANDS = 3  # refill, order, low-reservoir alarm


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
        "refill and adjust", **FILL, bridge_volume="0.316 mL", order=DOSE_120, low_alarm="4 mL"
    )


def _believed(bench) -> tuple[str, int, int]:
    firmware = bench.implant.firmware
    return firmware.controller.program.digest, firmware.reservoir.filled_nl, firmware.reservoir.low_alarm_nl


@pytest.mark.requirement("PRG-11")
@pytest.mark.parametrize("acted", [False, True])
@pytest.mark.parametrize("passing", range(COMMANDS))
def test_what_is_said_after_a_lost_contact_is_what_the_pump_holds(
    bench, monkeypatch, passing: int, acted: bool
) -> None:
    visit, before = _visit(bench), _believed(bench)
    monkeypatch.setattr(Channel, "send", _method(Drop(passing, acted, for_good=False)))
    done = bench.commit(visit, bench.consent(visit, "titration"))
    carried_out = passing + acted
    if carried_out == 0:
        assert isinstance(done.outcome, Refused)
        assert "not changed" in done.outcome.reason
        assert _believed(bench) == before
    elif carried_out < COMMANDS:
        assert isinstance(done.outcome, Partly)
        assert len(done.outcome.done) == carried_out
        assert _believed(bench) != before
    else:
        assert isinstance(done.outcome, Applied)


@pytest.mark.requirement("PRG-11")
@pytest.mark.parametrize("acted", [False, True])
def test_while_the_pump_cannot_be_read_the_outcome_is_unknown_and_nothing_is_sent_twice(
    bench, monkeypatch, acted: bool
) -> None:
    visit, before = _visit(bench), _believed(bench)
    monkeypatch.setattr(Channel, "send", _method(Drop(0, acted, for_good=True)))
    done = bench.commit(visit, bench.consent(visit, "titration"))
    assert isinstance(done.outcome, Unknown)
    assert "unknown, check" in done.outcome.reason
    with pytest.raises(VisitError, match="settle it"):
        bench.commit(done, bench.consent(visit, "titration"))
    monkeypatch.undo()
    settled = settle_visit(done, bench.wand, bench.sender)
    assert isinstance(settled.outcome, Partly if acted else Refused)
    assert (_believed(bench) == before) is not acted


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
