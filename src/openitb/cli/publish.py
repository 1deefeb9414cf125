"""`openitb pump publish`: a drug library signed as its publisher would, for the implants of a folder."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from openitb import units
from openitb.cli.files import read_text, require_folder, require_writable
from openitb.implant import Home
from openitb.programmer.actions import signed_library_text
from openitb.programmer.entry import EntryError
from openitb.protocol import DrugLibrary, LibraryStrength, library_bytes

Table = Annotated[Path, typer.Argument(help="the library as TOML: version, source, expires, [[strength]]")]
Folder = Annotated[Path, typer.Option("--home", help="the folder where the implants live")]
Out = Annotated[Path, typer.Option("--out", help="where to write the signed library")]

_KEYS = {"version", "source", "expires", "strength"}
_STRENGTH = {"drug", "name", "concentration", "highest"}


def publish(table: Table, home: Folder, out: Out) -> None:
    """Sign a drug library with the key that the implants of a folder know their publisher by.

    Example: openitb pump publish library.toml --home var/implants --out library.signed
    """
    require_writable(out, "--out")
    place = Home(require_folder(home, "--home"))
    edition = parse_library(read_text(table, "table"), _now_ms())
    data = library_bytes(edition)
    out.write_text(signed_library_text(data, place.publisher().sign(data)), encoding="utf-8")
    names = ", ".join(f"{each.name} {each.concentration_ug_per_ml} µg/mL" for each in edition.strengths)
    typer.echo(f"{out}: version {edition.version} of {edition.source}, signed, with {names}")


def parse_library(text: str, issued_ms: int) -> DrugLibrary:
    """A library from its TOML text; `EntryError` for missing and unknown keys, `UnitError` for amounts."""
    table = _checked(_tables(text), _KEYS, "library")
    if not (isinstance(table["strength"], list) and table["strength"]):
        got = f"{table['strength']!r:.40}"
        raise EntryError(f"library.strength: got {got}, expected one [[strength]] or more")
    strengths = tuple(_strength(_checked(each, _STRENGTH, "strength")) for each in table["strength"])
    _require_once(strengths)
    version, source = table["version"], table["source"]
    if type(version) is not int or version < 1:
        raise EntryError(f"library.version: got {version!r}, expected a whole number, 1 or more")
    end_ms = _end_ms(table["expires"])
    if end_ms <= issued_ms:
        raise EntryError(f"library.expires: got {table['expires']}, expected a day to come")
    return DrugLibrary(version, _words(source, "library.source"), issued_ms, end_ms, strengths)


def _require_once(strengths: Sequence[LibraryStrength]) -> None:
    """Two limits for one strength would leave open which one holds."""
    seen = [(each.drug_id, each.concentration_ug_per_ml) for each in strengths]
    for drug, strength in seen:
        if seen.count((drug, strength)) > 1:
            raise EntryError(f"library.strength: got {drug} {strength} µg/mL twice, expected each once")


def _strength(table: Mapping[str, Any]) -> LibraryStrength:
    return LibraryStrength(
        _words(table["drug"], "strength.drug"),
        _words(table["name"], "strength.name"),
        units.concentration_ug_per_ml(table["concentration"], "strength.concentration"),
        units.dose_pg_per_day(table["highest"], "strength.highest"),
    )


def _end_ms(expires: object) -> int:
    if type(expires) is not date:
        raise EntryError(f"library.expires: got {expires!r}, expected a date such as 2027-12-31")
    end = datetime(expires.year, expires.month, expires.day, tzinfo=UTC)
    return int(end.timestamp()) * units.MS_PER_S


def _tables(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise EntryError(f"library: not TOML: {error}") from None


def _checked(table: object, keys: set[str], where: str) -> Mapping[str, Any]:
    """A table with exactly these keys."""
    if not isinstance(table, dict):
        raise EntryError(f"{where}: got {table!r:.40}, expected a table")
    for key in sorted(keys - set(table)):
        raise EntryError(f"{where}.{key}: missing, expected {', '.join(sorted(keys))}")
    for key in sorted(set(table) - keys):
        raise EntryError(f"{where}.{key}: got an unknown key, expected {', '.join(sorted(keys))}")
    return table


def _words(given: object, field: str) -> str:
    if not isinstance(given, str) or not given.strip():
        raise EntryError(f"{field}: got {given!r:.40}, expected words")
    return given


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp()) * units.MS_PER_S
