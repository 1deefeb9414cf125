"""What tones and telemetry took from the cell is told once it passed their share."""

from dataclasses import replace

import pytest

from openitb import catalogue
from openitb.implant import PumpService
from openitb.implant.radio import talked
from openitb.programmer import interrogate
from openitb.programmer.plan_rules import judged
from openitb.programmer.report import session_report, to_text
from openitb.programmer.report.content import Desk
from openitb.programmer.visit import Consent

FACTS = catalogue.load().practice
SHARE = FACTS["requirement-values"].fact("bat_05_share").number("percent")
MOST_FRAMES = int(SHARE / FACTS["radio"].fact("frame_charge").number("percent"))


def chatty(bench, frames: int):
    """The bench, served again after so many frames."""
    bench.service.stop()
    whole = bench.home.load(bench.wand.serial)
    bench.home.save(talked(whole, frames, bench.clock.now_ms))
    bench.service = PumpService(bench.home, bench.clock)
    bench.wand = replace(bench.wand, address=bench.service.start())
    return bench


@pytest.mark.requirement("BAT-05")
@pytest.mark.parametrize(("frames", "rules"), [(MOST_FRAMES - 500, []), (MOST_FRAMES + 1, ["signals-spent"])])
def test_a_cell_that_was_talked_down_is_told_at_the_review_and_in_the_report(bench, frames, rules) -> None:
    chatty(bench, frames)
    visit = bench.reviewed("review-only")
    told = [found for found in judged(visit.plan).findings if found.field == "battery"]
    assert [found.rule for found in told] == rules
    assert all("expected at most 1 %" in found.message for found in told)
    text = to_text(session_report(bench.commit(visit, Consent(visit.plan.digest)), Desk("a", bench.clock())))
    assert "Of it tones and telemetry" in text
    bench.service.stop()


@pytest.mark.requirement("BAT-05")
def test_reading_a_pump_again_and_again_is_what_it_costs(bench) -> None:
    def frames() -> int:
        return bench.implant.firmware.link.spent.frames

    for _ in range(40):
        interrogate(bench.wand, bench.sender)
    after = frames()
    assert after >= 200
    for _ in range(40):
        interrogate(bench.wand, bench.sender)
    assert frames() >= after + 200
