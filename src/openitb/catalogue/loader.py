"""Reads the catalogue's TOML files and refuses what is incomplete, unknown or uncited."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from openitb.catalogue.entries import Catheter, Drug, Entry, FaultEntry, Limits, Pump, Scale
from openitb.catalogue.facts import Fact
from openitb.units import UnitError, convert

PRACTICE_FILES = (
    "practice.toml", "boluses.toml", "parts.toml", "guard.toml", "link.toml", "people.toml", "study.toml",
    "published.toml", "evaluation.toml", "trial.toml", "worklist.toml", "recovery.toml", "life.toml",
    "trouble.toml", "triage.toml", "outcomes.toml",
)  # fmt: skip

Made = TypeVar("Made", bound=BaseModel)


class CatalogueError(ValueError):
    """A catalogue file is wrong, or an entry was asked for that it does not hold."""


class Citation(BaseModel):
    """Where a figure was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry_id: str
    title: str
    address: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every entry by kind and id."""

    pumps: Mapping[str, Pump]
    catheters: Mapping[str, Catheter]
    drugs: Mapping[str, Drug]
    limits: Mapping[str, Limits]
    practice: Mapping[str, Entry]
    body: Mapping[str, Entry]
    faults: Mapping[str, FaultEntry]
    scales: Mapping[str, Scale]
    citations: Mapping[str, Citation]

    def pump(self, pump_id: str, field: str = "pump") -> Pump:
        """The pump model; `CatalogueError` names the field and the known ids."""
        return _known(self.pumps, pump_id, field)

    def catheter(self, catheter_id: str, field: str = "catheter") -> Catheter:
        """The catheter model; `CatalogueError` names the field and the known ids."""
        return _known(self.catheters, catheter_id, field)

    def drug(self, drug_id: str = "baclofen", field: str = "drug") -> Drug:
        """The drug; `CatalogueError` names the field and the known ids."""
        return _known(self.drugs, drug_id, field)

    def fault(self, fault_id: str, field: str = "fault") -> FaultEntry:
        """The fault, or the one it is the same as; `CatalogueError` names the field and the known ids."""
        found = _known(self.faults, fault_id, field)
        return self.fault(found.same_as, field) if found.same_as else found

    def facts(self) -> Iterator[tuple[str, Entry, str, Fact]]:
        """Every fact of the catalogue as (kind, entry, fact name, fact), in reading order."""
        for kind in ("pumps", "catheters", "drugs", "limits", "practice", "body", "faults"):
            for entry in getattr(self, kind).values():
                for name, fact in entry.facts.items():
                    yield kind, entry, name, fact


@lru_cache(maxsize=1)
def load() -> Catalogue:
    """Read and check the whole catalogue, once per process."""
    return parse(_read)


def parse(read: Callable[[str], str]) -> Catalogue:
    """Build a catalogue from the text of each file, as `read(file name)` gives it.

    Raises `CatalogueError` naming file and field for broken TOML, unknown keys, missing facts,
    units of the wrong kind and citations that do not exist.
    """
    catalogue = Catalogue(
        pumps=_section(read, "pumps.toml", Pump),
        catheters=_section(read, "catheters.toml", Catheter),
        drugs=_section(read, "drugs.toml", Drug),
        limits=_section(read, "limits.toml", Limits),
        practice={
            entry_id: entry
            for name in PRACTICE_FILES
            for entry_id, entry in _section(read, name, Entry).items()
        },
        body=_section(read, "body.toml", Entry),
        faults=_section(read, "faults.toml", FaultEntry),
        scales=_section(read, "scales.toml", Scale),
        citations=_section(read, "citations.toml", Citation),
    )
    _check_units(catalogue)
    _check_citations(catalogue)
    return catalogue


def _read(name: str) -> str:
    return (files("openitb.catalogue") / "data" / name).read_text(encoding="utf-8")


def _section(read: Callable[[str], str], name: str, kind: type[Made]) -> dict[str, Made]:
    try:
        tables: dict[str, Any] = tomllib.loads(read(name))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{name}: not TOML: {error}") from None
    return {entry_id: _entry(name, entry_id, table, kind) for entry_id, table in tables.items()}


def _entry(name: str, entry_id: str, table: object, kind: type[Made]) -> Made:
    if not isinstance(table, dict):
        raise CatalogueError(f"{name}: {entry_id}: got {table!r}, expected a table")
    try:
        return kind.model_validate({**table, "entry_id": entry_id})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (entry_id, *first["loc"]))
        raise CatalogueError(f"{name}: {where}: {first['msg']}") from None
    except (UnitError, TypeError) as error:
        raise CatalogueError(f"{name}: {entry_id}: {error}") from None


def _check_units(catalogue: Catalogue) -> None:
    for kind, entry, fact_name, fact in catalogue.facts():
        if isinstance(fact.value, Decimal):
            _check_unit(fact, f"{kind}: {entry.entry_id}.{fact_name}")


def _check_unit(fact: Fact, where: str) -> None:
    try:
        convert(1, fact.unit, fact.unit)
    except UnitError:
        raise CatalogueError(f"{where}: got unit {fact.unit!r}, expected one that `units` knows") from None


def _check_citations(catalogue: Catalogue) -> None:
    for kind, entry, fact_name, fact in catalogue.facts():
        _check_cited(catalogue, f"{kind}: {entry.entry_id}.{fact_name}", fact.source)
        if fact.confidence.is_sourced and not fact.source:
            raise CatalogueError(f"{kind}: {entry.entry_id}.{fact_name}: {fact.confidence} without a source")
    for scale in catalogue.scales.values():
        _check_cited(catalogue, f"scales: {scale.entry_id}", scale.source)
    for fault in catalogue.faults.values():
        _check_cited(catalogue, f"faults: {fault.entry_id}", fault.source)


def _check_cited(catalogue: Catalogue, where: str, sources: tuple[str, ...]) -> None:
    for source in sources:
        if source not in catalogue.citations:
            raise CatalogueError(f"{where}: no citation {source!r}")


Found = TypeVar("Found")


def _known(entries: Mapping[str, Found], entry_id: str, field: str) -> Found:
    if entry_id not in entries:
        raise CatalogueError(f"{field}: got {entry_id!r}, expected one of {', '.join(sorted(entries))}")
    return entries[entry_id]
