"""How a drill ends: a report that another run of the same seed repeats, or a rule that did not hold."""

import hashlib
from collections import Counter, deque
from dataclasses import dataclass

LINES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Report:
    """A drill that held: its digest is the same for the same seed and steps, byte for byte.

    `seen` are the actions, requests, fates of frames, faults, states and log entries that occurred.
    """

    seed: int
    steps: int
    digest: str
    actions: Counter[str]
    days: float
    seen: frozenset[str]


class Broken(ValueError):  # noqa: N818 - a finding, named as one
    """A rule did not hold; the text tells the seed and step, how to see it again, and what led there."""

    def __init__(self, problems: dict[str, str], trace: "Trace") -> None:
        replay = f"openitb drill {trace.seed} --steps {trace.steps} --pumps {trace.most_pumps}"
        story = "\n  ".join(trace.latest)
        told = "\n".join(f"{rule}: {problem}" for rule, problem in problems.items())
        super().__init__(f"{told}\nseed {trace.seed}, step {trace.step}; replay: {replay}\n  {story}")
        self.rules = frozenset(problems)
        self.seed = trace.seed


class Trace:
    """What happened, line by line, hashed as it goes; the last lines are kept to be shown."""

    def __init__(self, seed: int, steps: int, most_pumps: int) -> None:
        self.seed, self.steps, self.most_pumps, self.step = seed, steps, most_pumps, 0
        self.latest: deque[str] = deque(maxlen=LINES_SHOWN)
        self.actions: Counter[str] = Counter()
        self.seen: set[str] = set()
        self._hash = hashlib.sha256()

    def add(self, at_ms: int, action: str, story: str) -> None:
        """One step more."""
        line = f"{self.step} {at_ms} {action}: {story}"
        self.step += 1
        self.actions[action] += 1
        self.latest.append(line)
        self._hash.update(line.encode() + b"\n")

    def mix(self, data: bytes) -> None:
        """Let bytes count that are too long to show."""
        self._hash.update(data)

    @property
    def digest(self) -> str:
        """SHA-256 in hex of everything so far."""
        return self._hash.hexdigest()
