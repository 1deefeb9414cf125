"""How answers look in a terminal: values, shown work, sources with their confidence."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from fractions import Fraction
from typing import Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from openitb.catalogue import Confidence
from openitb.prescription.answers import Answer, MicroCode, SourceNote, number, shown

UNSOURCED_STYLE = "bold yellow"
UNSOURCED_MARK = "⚠"

_UNITS = {
    "_ug_per_ml": "ug/mL",
    "_ug_per_day": "ug/day",
    "_ml_per_day": "mL/day",
    "_percent": "%",
    "_ml": "mL",
    "_ug": "ug",
    "_min": "min",
    "_h": "h",
}


def print_answer(title: str, answer: Answer, *, as_json: bool, micro: MicroCode) -> None:
    """Print an answer for a program or for a person."""
    if as_json:
        typer.echo(json.dumps(answer.to_json(micro), ensure_ascii=False, indent=2))
        return
    console = Console(highlight=False)
    console.print(Text(title, style="bold"))
    console.print(_results(answer, micro))
    console.print(Text("How", style="bold"))
    for step in answer.steps:
        console.print(_indented(Text(_line(step.text, step.value, step.unit, micro))))
    console.print(Text("Sources", style="bold"))
    for note in answer.sources:
        console.print(_indented(_source_line(note, micro)))


def confidence_text(confidence: Confidence) -> Text:
    """The word for how a value is known; one that nobody can look up carries a mark and a colour."""
    if confidence.is_sourced:
        return Text(confidence.value)
    return Text(f"{UNSOURCED_MARK} {confidence.value}", style=UNSOURCED_STYLE)


def _indented(line: Text) -> Padding:
    return Padding(line, (0, 0, 0, 2))


def _results(answer: Answer, micro: MicroCode) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    for label, value in _rows(answer, micro):
        table.add_row(label, Text(value))
    return table


def _rows(part: Any, micro: MicroCode, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Label and value of every result, nested ones by their text."""
    for field in fields(part):
        value = getattr(part, field.name)
        label, unit = _labelled(field.name)
        if field.name in {"steps", "sources"} or value in (None, ""):
            continue
        yield from _value_rows(f"{prefix}{label}", value, unit, micro)


def _value_rows(label: str, value: object, unit: str, micro: MicroCode) -> Iterator[tuple[str, str]]:
    if isinstance(value, tuple):
        for item in value:
            yield label, shown(_wrong_answer(item), micro)
    elif hasattr(value, "text"):
        yield label, shown(value.text, micro)
    elif is_dataclass(value):
        yield from _rows(value, micro, f"{label}: ")
    else:
        yield label, shown(f"{_plain(value)} {unit}".strip(), micro)


def _wrong_answer(item: object) -> str:
    tubing, catheter = getattr(item, "tubing_holds", ""), getattr(item, "catheter_holds", "")
    return f"tubing {tubing}, catheter {catheter}: {getattr(item, 'text', item)}"


def _labelled(name: str) -> tuple[str, str]:
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            return name.removesuffix(ending).replace("_", " "), unit
    return name.replace("_", " "), ""


def _line(text: str, value: object, unit: str, micro: MicroCode) -> str:
    return shown(f"{text} = {_plain(value)} {'' if unit in {'date', '1'} else unit}".rstrip(), micro)


def _plain(value: object) -> str:
    if isinstance(value, Fraction | int):
        return number(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _source_line(note: SourceNote, micro: MicroCode) -> Text:
    cited = "; ".join(cited.title for cited in note.citations) or "no source"
    line = Text(f"{note.name} {shown(note.value, micro)} (").append_text(confidence_text(note.confidence))
    return line.append(f") {cited}{f'. {note.note}' if note.note else ''}")
