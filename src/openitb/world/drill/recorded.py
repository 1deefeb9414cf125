"""Recorded drills: a file says what is drilled and what its history came to, and anybody can live it again.

A file is TOML, version 1:

    name, about     what it shows, in words
    shows           ids of faults and incidents (`docs/faults.md`)
    seed, steps, most_pumps
    tells           what must occur: kinds of log entries, actions, requests, fates of frames, states
    digest          SHA-256 of the whole history, as it was recorded
    [shares]        actions with another weight than their own
    [[faults]]      laid on the first implant: id, at (after the start), and values of its own in given
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from openitb import units
from openitb.records import replace
from openitb.world.drill.actions import ACTIONS, run
from openitb.world.drill.outcome import Report
from openitb.world.drill.run import Plan
from openitb.world.drill.troubles import Trouble

MOST_SEEDS = 2_000
KEYS = {"name", "about", "shows", "seed", "steps", "most_pumps", "tells", "digest", "shares", "faults"}


Made = TypeVar("Made")

_FAULT_KEYS = {"id", "at", "given"}
_KINDS: Mapping[type, str] = {dict: "a table", list: "a list"}


class RecordError(ValueError):
    """A file that is no recorded drill, or whose drill cannot be told; one line that names the field."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A drill as a file tells it; `digest` is empty before it was recorded."""

    name: str
    about: str
    shows: tuple[str, ...]
    tells: frozenset[str]
    plan: Plan
    digest: str


@dataclass(frozen=True, slots=True)
class Replay:
    """A recorded drill lived again."""

    recorded: Recorded
    report: Report

    @property
    def is_same(self) -> bool:
        """True if its history is the recorded one, byte for byte."""
        return self.report.digest == self.recorded.digest

    @property
    def missing(self) -> frozenset[str]:
        """What should occur and did not."""
        return self.recorded.tells - self.report.seen


def read(file: Path) -> Recorded:
    """A recorded drill; `RecordError` for a file that is none."""
    try:
        plain = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecordError(f"what: got {str(file)!r} ({error.strerror}), expected a seed or a file") from None
    except UnicodeDecodeError:
        raise RecordError(f"what: got {str(file)!r}, expected a text file, not other bytes") from None
    except tomllib.TOMLDecodeError as error:
        raise RecordError(f"{file.name}: not TOML: {error}") from None
    return recorded(plain, file.name)


def recorded(plain: Mapping[str, Any], name: str) -> Recorded:
    """A recorded drill from the tables of its file."""
    unknown = sorted(plain.keys() - KEYS)
    if unknown:
        raise RecordError(f"{name}: got {unknown[0]!r}, expected one of {', '.join(sorted(KEYS))}")
    shares = _kept(plain, "shares", name, dict)
    strange = sorted(shares.keys() - {action.name for action in ACTIONS})
    if strange:
        raise RecordError(f"{name}: shares: got {strange[0]!r}, expected an action of the drill")
    plan = Plan(
        _whole(plain, "seed", name),
        _whole(plain, "steps", name),
        _whole(plain, "most_pumps", name),
        tuple(_troubles(_kept(plain, "faults", name, list), name)),
        tuple(shares.items()),
    )
    return Recorded(
        str(plain.get("name", "")),
        str(plain.get("about", "")),
        tuple(map(str, _kept(plain, "shows", name, list))),
        frozenset(map(str, _kept(plain, "tells", name, list))),
        plan,
        str(plain.get("digest", "")),
    )


def replay(wanted: Recorded) -> Replay:
    """Live a recorded drill again; raises `Broken` where a rule does not hold."""
    return Replay(wanted, run(wanted.plan))


def record(file: Path) -> Replay:
    """Find the first seed from the file's own on that tells all it should, and write it and its digest down.

    `RecordError` if none of many seeds does.
    """
    wanted = read(file)
    for seed in range(wanted.plan.seed, wanted.plan.seed + MOST_SEEDS):
        found = replay(replace(wanted, plan=replace(wanted.plan, seed=seed)))
        if not found.missing:
            _write(file, seed, found.report.digest)
            return replay(read(file))
    raise RecordError(f"{file.name}: none of {MOST_SEEDS} seeds tells {', '.join(sorted(wanted.tells))}")


def _write(file: Path, seed: int, digest: str) -> None:
    text = file.read_text(encoding="utf-8")
    for key, value in (("seed", str(seed)), ("digest", f'"{digest}"')):
        text = re.sub(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.MULTILINE)
    file.write_text(text, encoding="utf-8")


def _troubles(rows: Any, name: str) -> Iterator[Trouble]:
    for row in rows:
        unknown = sorted(set(row) - _FAULT_KEYS) if isinstance(row, dict) else []
        if unknown:
            raise RecordError(f"{name}: faults: got {unknown[0]!r}, expected id, at and given")
        try:
            at_ms = units.duration_ms(row["at"], f"{name}: faults.at")
            yield Trouble(str(row["id"]), at_ms, tuple(row.get("given", {}).items()))
        except (KeyError, TypeError, AttributeError):
            raise RecordError(f"{name}: faults: got {row!r:.60}, expected a table with id and at") from None


def _kept(plain: Mapping[str, Any], key: str, name: str, kind: type[Made]) -> Made:
    """What the file holds under a key, nothing of that kind where it is left out."""
    value = plain.get(key, kind())
    if not isinstance(value, kind):
        raise RecordError(f"{name}: {key}: got {value!r:.60}, expected {_KINDS[kind]}")
    return value


def _whole(plain: Mapping[str, Any], key: str, name: str) -> int:
    value = plain.get(key)
    if type(value) is not int or value < 0:
        raise RecordError(f"{name}: {key}: got {value!r}, expected a whole number, 0 or more")
    return value
