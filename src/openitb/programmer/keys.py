"""Keys at the programmer: a bouncing or stuck key adds nothing, a double tap submits once.

Works on events with their own times, so that it can be tested without a keyboard.

Holds: PRG-07, PRG-22.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from openitb import catalogue

ENTER = "enter"
DELETE = "delete"
CLEAR = "clear"
KEYS = frozenset({*"0123456789.,", ENTER, DELETE, CLEAR})


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A key went down or up at an instant of the programmer's monotonic clock, ms."""

    key: str
    is_down: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class Keypad:
    """What has been typed. `submitted` holds the text once Enter was pressed, then nothing more is taken.

    `stuck` names a key held longer than a hand holds one; while it is stuck no key is taken.
    """

    text: str = ""
    submitted: str | None = None
    stuck: str | None = None
    held: tuple[tuple[str, int], ...] = ()
    last_touched: tuple[tuple[str, int], ...] = field(default=())

    def after(self, event: KeyEvent) -> "Keypad":
        """The keypad after one event; repeats that a held key sends count as holding it."""
        pad = self.at(event.at_ms)
        if event.key not in KEYS:
            return pad
        was_held, bounced = event.key in dict(pad.held), _bounces(pad, event)
        pad = replace(pad, last_touched=_put(pad.last_touched, event.key, event.at_ms))
        if not event.is_down:
            freed = None if pad.stuck == event.key else pad.stuck
            return replace(pad, held=_without(pad.held, event.key), stuck=freed)
        if was_held:
            return pad
        pad = replace(pad, held=_put(pad.held, event.key, event.at_ms))
        return pad if bounced or pad.stuck else _pressed(pad, event.key)

    def at(self, now_ms: int) -> "Keypad":
        """The keypad at an instant: a key held too long by then is stuck."""
        longest = _limit_ms("stuck_key")
        stuck = next((key for key, since_ms in self.held if now_ms - since_ms > longest), self.stuck)
        return replace(self, stuck=stuck)

    @property
    def report(self) -> str:
        """What to tell the person about the keys; empty if there is nothing."""
        return f"the key {self.stuck!r} is stuck: nothing typed is taken" if self.stuck else ""


def typed(events: Iterable[KeyEvent]) -> Keypad:
    """A fresh keypad after some events."""
    pad = Keypad()
    for event in events:
        pad = pad.after(event)
    return pad


def _pressed(pad: Keypad, key: str) -> Keypad:
    if pad.submitted is not None:
        return pad
    if key == ENTER:
        return replace(pad, submitted=pad.text)
    if key == CLEAR:
        return replace(pad, text="")
    return replace(pad, text=pad.text[:-1] if key == DELETE else pad.text + key)


def _bounces(pad: Keypad, event: KeyEvent) -> bool:
    last_ms = dict(pad.last_touched).get(event.key)
    return last_ms is not None and event.at_ms - last_ms <= _limit_ms("key_bounce")


def _limit_ms(name: str) -> int:
    return catalogue.load().practice["programmer"].fact(name).whole("ms")


def _put(held: tuple[tuple[str, int], ...], key: str, at_ms: int) -> tuple[tuple[str, int], ...]:
    return (*_without(held, key), (key, at_ms))


def _without(held: tuple[tuple[str, int], ...], key: str) -> tuple[tuple[str, int], ...]:
    return tuple(item for item in held if item[0] != key)
