"""How each marked test went when it was last run, kept beside pytest's own cache.

Runs add up: a run of one room replaces the results of that room's tests only.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.trace.tables import ROOT

RESULTS = ROOT / ".pytest_cache" / "trace-results.json"
WORST_FIRST = ("failed", "skipped", "passed")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a test with all its parameters went, and when (ISO 8601, UTC)."""

    outcome: str
    at: str


def read(path: Path = RESULTS) -> dict[str, Outcome]:
    """What is known, by the test's name without parameters; nothing if no test was run here."""
    if not path.exists():
        return {}
    return {test: Outcome(**kept) for test, kept in json.loads(path.read_text(encoding="utf-8")).items()}


def add(new: Mapping[str, Outcome], path: Path = RESULTS) -> None:
    """Keep the results of a run over those of earlier ones."""
    whole = {**read(path), **new}
    kept = {test: {"outcome": one.outcome, "at": one.at} for test, one in sorted(whole.items())}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def worst(outcomes: Iterable[str]) -> str:
    """One word for several: failed over skipped over passed."""
    return min(outcomes, key=WORST_FIRST.index)


def told(tests: Iterable[str], known: Mapping[str, Outcome]) -> str:
    """The last result of a row: "not run", one word, or how many of how many passed."""
    names = list(tests)
    ran = [known[name].outcome for name in names if name in known]
    if not ran:
        return "not run" if names else ""
    if len(ran) < len(names) and set(ran) == {"passed"}:
        return f"{len(ran)} of {len(names)} passed"
    return worst(ran)
