"""`openitb import`: sessions of real pumps from a CSV file into the record."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from openitb.cli import record

REFUSED_SHOWN = 50

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

File = Annotated[Path, typer.Argument(metavar="FILE.csv", help="One session a row.", show_default=False)]
Whole = Annotated[bool, typer.Option("--all-or-nothing", help="Keep nothing if any row is bad.")]


@app.command()
def import_sessions(file: File, all_or_nothing: Whole = False) -> None:
    """Bring in sessions of real pumps; docs/clinic.md lists the columns, whose names carry the units.

    Good rows are kept, bad ones told by their line; the same file may be brought in again. Ends with status 1
    if a row was refused.

    Example: openitb import sessions.csv
    """
    record.ready()
    from zoneinfo import ZoneInfo

    from django.conf import settings

    from openitb.clinic.imports.sessions import import_file

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("reading sessions", total=None)
        done = import_file(
            file,
            ZoneInfo(settings.TIME_ZONE),
            all_or_nothing=all_or_nothing,
            progress=lambda count: progress.update(task, completed=count),
        )
    for refusal in done.refused[:REFUSED_SHOWN]:
        typer.echo(f"line {refusal.line}: {refusal.why}", err=True)
    if len(done.refused) > REFUSED_SHOWN:
        typer.echo(f"... and {len(done.refused) - REFUSED_SHOWN} more", err=True)
    typer.echo(f"{done.added} added, {done.already} there already, {len(done.refused)} refused")
    if done.refused:
        raise typer.Exit(1)
