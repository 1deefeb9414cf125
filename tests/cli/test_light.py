"""The light of the programmer on a terminal, by a clock the test turns."""

import io
import re
from itertools import pairwise

import pytest
from rich.console import Console

from openitb.cli.light import shine
from openitb.implant.firmware.priorities import Priority
from openitb.programmer.indicator import light_for

LONGEST_S = 5
RGB = {"red": "31", "yellow": "33", "cyan": "36"}  # foreground colours of a terminal; 7 reverses them
WORDS = {priority: f"{priority.value.upper()} PRIORITY ALARM" for priority in Priority}
RANGES = {Priority.HIGH: (1.4, 2.8, 0.2, 0.8), Priority.MEDIUM: (0.4, 0.8, 0.2, 0.6)}  # Hz, share lit


def flashed(priority: Priority) -> tuple[list[tuple[bool, float]], str]:
    """Each phase as it is waited for, lit or dark, in seconds; and what stands there in the end."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", legacy_windows=False, width=80)
    phases: list[tuple[bool, float]] = []
    shine(light_for(priority), console, lambda seconds: phases.append((_is_lit(out.getvalue()), seconds)))
    return phases, out.getvalue()


def _is_lit(text: str) -> bool:
    return "7" in _last_style(text)


def _last_style(text: str) -> list[str]:
    return re.findall(r"\x1b\[([\d;]+)m [A-Z]+ PRIORITY", text)[-1].split(";")


@pytest.mark.requirement("ALM-02")
@pytest.mark.parametrize("priority", RANGES)
def test_a_terminal_flashes_in_colour_and_rhythm_of_the_priority_and_stays_lit(priority: Priority) -> None:
    phases, text = flashed(priority)
    slow, fast, least, most = RANGES[priority]
    whole = sum(seconds for _, seconds in phases)
    flashes = sum(now and not before for (before, _), (now, _) in pairwise([(False, 0.0), *phases]))
    assert slow <= flashes / whole <= fast
    assert least <= sum(seconds for is_lit, seconds in phases if is_lit) / whole <= most
    assert RGB[light_for(priority).colour] in _last_style(text)
    assert _is_lit(text)
    assert text.count(WORDS[priority]) > len(phases)  # the words stand there lit and dark


@pytest.mark.requirement("ALM-02")
def test_a_low_priority_is_lit_without_flashing() -> None:
    phases, text = flashed(Priority.LOW)
    assert phases == []
    assert RGB["cyan"] in _last_style(text)
    assert _is_lit(text)


@pytest.mark.requirement("ALM-02")
@pytest.mark.parametrize("terminal", [{"force_terminal": False}, {"force_terminal": True, "dumb": True}])
def test_what_cannot_move_shows_no_light(terminal: dict[str, bool], monkeypatch) -> None:
    if terminal.pop("dumb", False):
        monkeypatch.setenv("TERM", "dumb")
    out = io.StringIO()
    shine(light_for(Priority.HIGH), Console(file=out, **terminal), lambda _: pytest.fail("waited"))
    assert out.getvalue() == ""


def test_a_light_holds_the_first_question_up_for_seconds_only() -> None:
    assert sum(seconds for _, seconds in flashed(Priority.HIGH)[0]) <= LONGEST_S
