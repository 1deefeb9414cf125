"""The written side of the trace: requirements, hazards and claims, read from `docs/trace/`."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from openitb import catalogue

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "docs" / "trace"
KINDS = frozenset(
    [
        *("abuse", "boundary", "conformance", "end to end", "fault injection", "fuzz", "mutation"),
        *("property", "review", "soak", "state machine", "unit"),
    ]
)


class TraceError(ValueError):
    """A table, mark or `Holds:` line names what is not there, or lacks what it needs."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One sentence that can be tested, where it comes from, and the kinds of test it asks for.

    `values` names the catalogue fact ("entry.fact") behind each `{name}` of the text, `lacks` the
    part that no test shows yet although others are shown, `waits` what a row without any test waits for.
    """

    requirement_id: str
    text: str
    sources: tuple[str, ...]
    shown_by: tuple[str, ...]
    values: Mapping[str, str]
    lacks: str = ""
    waits: str = ""

    def told(self) -> str:
        """The text with every value filled in; one the catalogue does not hold is called open."""
        return self.text.format(**{name: fact_text(key) for name, key in self.values.items()})


@dataclass(frozen=True, slots=True)
class Section:
    """The requirements of one prefix."""

    prefix: str
    title: str
    rows: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class Hazard:
    """Something that can go wrong, the harm it does, and the requirements that stand against it."""

    hazard_id: str
    category: str
    what: str
    harm: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the assurance case: why it should be believed, and the hazards it answers."""

    claim_id: str
    claim: str
    argument: str
    hazards: tuple[str, ...]


@lru_cache(maxsize=4)
def sections(folder: Path = TABLES) -> tuple[Section, ...]:
    """The requirement table; `TraceError` names a row that is incomplete."""
    tables = _read(folder / "requirements.toml")
    return tuple(_section(prefix, table) for prefix, table in tables.items())


@lru_cache(maxsize=4)
def requirements(folder: Path = TABLES) -> Mapping[str, Requirement]:
    """Every requirement by id."""
    return {row.requirement_id: row for section in sections(folder) for row in section.rows}


@lru_cache(maxsize=4)
def hazards(folder: Path = TABLES) -> Mapping[str, Hazard]:
    """Every hazard by id; `TraceError` for one that names an unknown requirement or none."""
    known = requirements(folder)
    rows = [_hazard(*row) for row in _read(folder / "hazards.toml").items()]
    for row in rows:
        _expect_known(row.hazard_id, row.requirements, known)
    return {row.hazard_id: row for row in rows}


def claims(folder: Path = TABLES) -> tuple[Claim, ...]:
    """The assurance case's claims; `TraceError` for one that names an unknown hazard or none."""
    known = hazards(folder)
    rows = tuple(_claim(*row) for row in _read(folder / "claims.toml").items())
    for row in rows:
        _expect_known(row.claim_id, row.hazards, known)
    return rows


def fact_text(key: str) -> str:
    """A catalogue value ("entry.fact") as printed, or that it is open."""
    found = [
        fact.text() for _, entry, name, fact in catalogue.load().facts() if f"{entry.entry_id}.{name}" == key
    ]
    return found[0] if found else f"(open: {key})"


def open_values(folder: Path = TABLES) -> set[str]:
    """The values requirements name that the catalogue does not hold yet."""
    named = {key for row in requirements(folder).values() for key in row.values.values()}
    return {key for key in named if fact_text(key).startswith("(open")}


def _read(path: Path) -> Mapping[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _section(prefix: str, table: Mapping[str, Any]) -> Section:
    return Section(prefix, table["title"], tuple(_requirements(prefix, table["rows"])))


def _requirements(prefix: str, rows: Mapping[str, Any]) -> Iterator[Requirement]:
    for requirement_id, row in rows.items():
        _expect(re.fullmatch(rf"{prefix}-\d\d", requirement_id), f"{requirement_id}: expected {prefix}-00")
        unknown = set(row["shown_by"]) - KINDS
        _expect(row["shown_by"] and not unknown, f"{requirement_id}: shown_by {sorted(unknown)} is not known")
        _expect(row["sources"], f"{requirement_id}: no source")
        named = set(re.findall(r"{(\w+)}", row["text"]))
        values = row.get("values", {})
        _expect(
            named == set(values), f"{requirement_id}: text names {sorted(named)}, values {sorted(values)}"
        )
        asked = tuple(row["shown_by"])
        left = (row.get("lacks", ""), row.get("waits", ""))
        yield Requirement(requirement_id, row["text"], tuple(row["sources"]), asked, values, *left)


def _hazard(hazard_id: str, row: Mapping[str, Any]) -> Hazard:
    _expect(re.fullmatch(r"(INC|HAZ)-\d\d", hazard_id), f"{hazard_id}: expected INC-00 or HAZ-00")
    return Hazard(hazard_id, row["category"], row["what"], row["harm"], tuple(row["requirements"]))


def _claim(claim_id: str, row: Mapping[str, Any]) -> Claim:
    return Claim(claim_id, row["claim"], row["argument"], tuple(row["hazards"]))


def _expect_known(where: str, named: tuple[str, ...], known: Mapping[str, object]) -> None:
    unknown = [name for name in named if name not in known]
    _expect(named and not unknown, f"{where}: names {unknown or 'nothing'}, expected ids of the tables")


def _expect(holds: object, message: str) -> None:
    if not holds:
        raise TraceError(message)
