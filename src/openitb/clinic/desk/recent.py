"""The newest reading of each pump, for what looks at a pump a moment after it was read.

Every interrogation is an entry of the pump's own log; a page that shows a pump in two places asks once.
"""

import threading
from collections import defaultdict
from collections.abc import Hashable

from openitb import units
from openitb.programmer import Reading

FRESH_MS = 10 * units.MS_PER_S

_newest: dict[Hashable, Reading] = {}
_turns: defaultdict[Hashable, threading.Lock] = defaultdict(threading.Lock)


def turn(pump: Hashable) -> threading.Lock:
    """Held while a pump is being read, so that who wants that reading too waits for it."""
    return _turns[pump]


def keep(pump: Hashable, reading: Reading) -> None:
    """The pump was read."""
    _newest[pump] = reading


def forget(pump: Hashable) -> None:
    """The pump was not reached, or something was sent to it: what was read no longer counts."""
    _newest.pop(pump, None)


def fresh(pump: Hashable, now_ms: int) -> Reading | None:
    """The reading of a moment ago; None if there is none so young."""
    reading = _newest.get(pump)
    return reading if reading and 0 <= now_ms - reading.received_at_ms <= FRESH_MS else None
