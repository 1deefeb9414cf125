"""`openitb cohort STUDY.toml`: a study is run or taken up again, and told."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from openitb import __version__
from openitb.cohort.study import Changed, Study, Where, load, run
from openitb.cohort.study.answer import answers, to_json
from openitb.cohort.study.report import NOTICE, report, told
from openitb.cohort.study.sources import used

REPORT, ANSWER = "report.html", "answer.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says about a study."""

    path: Path
    out: Path | None
    changed: Changed
    where: Where
    as_json: bool

    @property
    def folder(self) -> Path:
        """Where the results go: beside nobody's files, named after the study."""
        return self.out or Path(f"{self.path.stem}-results")


def study(asked: Asked) -> None:
    """Run a study, write its report, and say what came out."""
    try:
        made = load(asked.path, asked.changed)
        people = _followed(made, asked)
    except KeyboardInterrupt:
        typer.echo(f"interrupted; finished blocks are kept in {asked.folder}, run again to go on", err=True)
        raise typer.Abort from None
    _write(made, people, asked.folder)
    if asked.as_json:
        typer.echo(json.dumps(_plain(made, people), ensure_ascii=False, allow_nan=False))
    else:
        _show(made, people, asked.folder)


def _followed(made: Study, asked: Asked) -> pl.DataFrame:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("blocks")
        return run(
            made, asked.folder, asked.where, lambda done, of: bar.update(task, completed=done, total=of)
        )


def _write(made: Study, people: pl.DataFrame, folder: Path) -> None:
    from openitb.cohort.study.page import page  # Matplotlib takes half a second to import

    (folder / REPORT).write_text(page(report(made, people)), encoding="utf-8")
    text = json.dumps(_plain(made, people), ensure_ascii=False, allow_nan=False, indent=1)
    (folder / ANSWER).write_text(text + "\n", encoding="utf-8")


def _plain(made: Study, people: pl.DataFrame) -> dict[str, Any]:
    return {
        "version": 1,
        "openitb": __version__,
        "title": made.title,
        "question": made.question,
        "seed": made.seed,
        "people": made.people,
        "days": made.days,
        "digest": made.digest,
        "primary": made.primary.name,
        "outcomes": to_json(answers(made, people)),
        "used": used(made),
        "notice": NOTICE,
    }


def _show(made: Study, people: pl.DataFrame, folder: Path) -> None:
    console = Console(highlight=False)
    console.print(f"[bold]{made.title}[/bold], {made.people} people, {made.days} days, seed {made.seed}")
    console.print(made.question)
    table = Table(box=None, pad_edge=False, show_header=False)
    for each in answers(made, people):
        table.add_row(f"[bold]{each.outcome.name}[/bold], {each.outcome.show}")
        for arm in each.arms:
            table.add_row(f"  {arm.arm}", told(arm.estimate, each.outcome.show, each.outcome.unit))
    console.print(table)
    console.print(f"report: {folder / REPORT}")
    console.print(f"[dim]{NOTICE}[/dim]")
