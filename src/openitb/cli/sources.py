"""`openitb sources`: every value of the catalogue with unit, source and confidence."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.text import Text

from openitb import catalogue
from openitb.catalogue import Catalogue, Confidence
from openitb.cli.files import read_text
from openitb.cli.options import AsJson, MicroSign, OptionError
from openitb.cli.show import UNSOURCED_MARK, confidence_text
from openitb.prescription.answers import MicroCode, shown

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One value as it is listed; `is_sourced` is False for what nobody can look up."""

    kind: str
    entry: str
    name: str
    value: str
    unit: str
    confidence: str
    is_sourced: bool
    citations: tuple[str, ...]
    sources: tuple[str, ...]
    note: str

    def matches(self, words: str) -> bool:
        """True if every word occurs somewhere in the row, in any case."""
        text = " ".join(str(part) for part in asdict(self).values()).lower()
        return all(word in text for word in words.lower().split())


@app.command(epilog="\b\nExample:\nopenitb sources synchromed-ii-20")
def sources(
    words: Annotated[
        str, typer.Argument(metavar="[FILTER]", help="only rows in which all these words occur")
    ] = "",
    of: Annotated[
        Path | None,
        typer.Option(
            "--of", metavar="RESULT.json", help="only what this result rests on: JSON of simulate or cohort"
        ),
    ] = None,
    as_json: AsJson = False,
    micro: MicroSign = "ug",
) -> None:
    """Print every value with unit, source and confidence; unsourced ones carry a mark."""
    rows = [row for row in _rows(catalogue.load()) if row.matches(words)]
    if of is not None:
        rested_on = _used(of)
        rows = [
            row
            for row in rows
            if {f"{row.kind}:{row.entry}", f"{row.kind}:{row.entry}.{row.name}"} & rested_on
        ]
    if not rows:
        raise OptionError(
            f"filter: got {words!r}, expected words that occur in the catalogue; nothing matches"
        )
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=2))
        return
    Console(highlight=False).print(_listing(rows, micro))


def _used(result: Path) -> set[str]:
    """What a result says it rests on, as `kind:entry` and `kind:entry.name`."""
    try:
        found = json.loads(read_text(result, "--of"))
        cited = found.get("summary", found)["used"]["catalogue"]
    except json.JSONDecodeError:
        raise OptionError(
            f"--of: got {str(result)!r}, which is not JSON, expected a result of openitb"
        ) from None
    except (AttributeError, KeyError, TypeError):
        raise OptionError(
            f"--of: got {str(result)!r}, which names no sources, expected a result with `used`"
        ) from None
    if not (isinstance(cited, list) and all(isinstance(one, str) for one in cited)):
        raise OptionError(f"--of: got {str(result)!r} with another used.catalogue, expected a list of names")
    return set(cited)


def _rows(known: Catalogue) -> Iterator[Row]:
    for kind, entry, name, fact in known.facts():
        number = fact.text().removesuffix(f" {fact.unit}") if fact.unit not in {"1", "text"} else fact.text()
        yield _row(
            known, (kind, entry.entry_id, name), (number, fact.unit), fact.confidence, fact.source, fact.note
        )
    for scale in known.scales.values():
        for level in scale.levels:
            where = ("scales", scale.entry_id, f"level {level.code}")
            confidence = Confidence(scale.confidence)
            yield _row(known, where, (level.meaning, "text"), confidence, scale.source, scale.note)


def _row(
    known: Catalogue,
    where: tuple[str, str, str],
    value: tuple[str, str],
    confidence: Confidence,
    citations: tuple[str, ...],
    note: str,
) -> Row:
    cited = tuple(_cited(known, citation) for citation in citations)
    return Row(*where, *value, confidence.value, confidence.is_sourced, citations, cited, note)


def _cited(known: Catalogue, citation: str) -> str:
    found = known.citations[citation]
    return f"{found.title}, {found.address}" if found.address else found.title


def _listing(rows: list[Row], micro: MicroCode) -> Group:
    lines = []
    heading = None
    for row in rows:
        if (row.kind, row.entry) != heading:
            heading = (row.kind, row.entry)
            lines.append(Text(f"\n{row.kind} · {row.entry}", style="bold"))
        lines.append(_line(row, micro))
    unsourced = sum(not row.is_sourced for row in rows)
    counted = f"{len(rows)} values, {unsourced} marked {UNSOURCED_MARK}"
    return Group(*lines, Text(f"\n{counted}: recalled, assumed or calibrated, nothing to look up"))


def _line(row: Row, micro: MicroCode) -> Text:
    value = row.value if row.unit in {"1", "text"} else f"{row.value} {row.unit}"
    line = Text(f"  {row.name}  {shown(value, micro)}  [").append_text(
        confidence_text(Confidence(row.confidence))
    )
    line.append("]")
    if row.sources:
        line.append(f" {'; '.join(row.sources)}", style="dim")
    return line.append(f"  ({row.note})" if row.note else "", style="italic")
