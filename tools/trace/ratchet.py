"""What is not shown yet, as a list that may only get shorter."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.trace import tables
from tools.trace.links import Link

LIST = tables.TABLES / "not-shown.toml"
HEAD = """# What no test shows yet. A test fails if something is missing here, and if something here is shown
# after all; `make requirements` takes off what is shown and adds nothing: a new row is added by hand.
"""


@dataclass(frozen=True, slots=True)
class Lack:
    """Ids without a test, hazards without a run of either kind, values the catalogue does not hold."""

    requirements: frozenset[str]
    hazards_held: frozenset[str]
    hazards_let_loose: frozenset[str]
    values: frozenset[str]

    def beyond(self, other: "Lack") -> dict[str, list[str]]:
        """What this lacks and the other does not, by kind."""
        pairs = {kind: getattr(self, kind) - getattr(other, kind) for kind in self.__slots__}
        return {kind: sorted(ids) for kind, ids in pairs.items() if ids}

    def common(self, other: "Lack") -> "Lack":
        """What both lack."""
        return Lack(**{kind: getattr(self, kind) & getattr(other, kind) for kind in self.__slots__})


def lacking(links: tuple[Link, ...]) -> Lack:
    """What the given marks of tests leave unshown."""
    shown = {kind: {link.target for link in links if link.kind == kind} for kind in _kinds()}
    hazards = frozenset(tables.hazards())
    return Lack(
        frozenset(tables.requirements()) - shown["requirement"],
        hazards - shown["hazard"],
        hazards - shown["hazard without"],
        frozenset(tables.open_values()),
    )


def read(path: Path = LIST) -> Lack:
    """The list as it stands."""
    return _from_table(tomllib.loads(path.read_text(encoding="utf-8")))


def write(lack: Lack, path: Path = LIST) -> None:
    """The list anew."""
    blocks = (_block(kind, _with_reasons(getattr(lack, kind))) for kind in Lack.__slots__)
    path.write_text(HEAD + "".join(blocks))


def _from_table(table: Mapping[str, list[str]]) -> Lack:
    return Lack(**{kind: frozenset(table[kind]) for kind in Lack.__slots__})


def _with_reasons(ids: frozenset[str]) -> list[tuple[str, str]]:
    """Ids with what they wait for, those that wait for the same together."""
    rows = tables.requirements()
    return sorted(((one, rows[one].waits if one in rows else "") for one in ids), key=lambda pair: pair[::-1])


def _block(kind: str, ids: list[tuple[str, str]]) -> str:
    lines = (f'    "{one}",{f"  # waits for {why}" if why else ""}\n' for one, why in ids)
    return f"\n{kind} = [\n" + "".join(lines) + "]\n"


def _kinds() -> tuple[str, ...]:
    return ("requirement", "hazard", "hazard without")
