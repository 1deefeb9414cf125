"""The light of the programmer on a terminal: it flashes a while and stays; the words beside it never move.

Holds: ALM-02.
"""

import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live
from rich.text import Text

from openitb import catalogue, units
from openitb.programmer.indicator import Light

Wait = Callable[[float], None]  # seconds


def shine(light: Light, console: Console, wait: Wait = time.sleep) -> None:
    """Flash in the colour and rhythm of the light and leave it lit; one line, on a terminal that can move."""
    if not console.is_terminal or console.is_dumb_terminal:
        return
    with Live(_frame(light, is_lit=True), console=console, auto_refresh=False) as live:
        for is_lit, ms in _phases(light):
            live.update(_frame(light, is_lit=is_lit), refresh=True)
            wait(ms / units.MS_PER_S)
        live.update(_frame(light, is_lit=True), refresh=True)


def _phases(light: Light) -> Iterator[tuple[bool, int]]:
    """Lit and dark in turn, with how long each lasts; nothing for a light that does not flash."""
    shown_ms = catalogue.load().practice["alarm-light"].fact("terminal").whole("ms")
    for _ in range(shown_ms // light.period_ms if light.period_ms else 0):
        yield True, light.lit_ms
        yield False, light.period_ms - light.lit_ms


def _frame(light: Light, *, is_lit: bool) -> Text:
    """The same words lit and dark, so that nothing is told by colour alone."""
    style = f"bold reverse {light.colour}" if is_lit else light.colour
    return Text(f" {light.priority.value.upper()} PRIORITY ALARM ", style=style)
