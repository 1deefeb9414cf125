"""`openitb demo`: bring the demo clinic into the database and home folder that are set."""

import sys
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from openitb.cli import record
from openitb.cli.refusal import refusing

NS_PER_MS = 1_000_000

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

AmongReal = Annotated[
    bool, typer.Option("--among-real-patients", help="Load it even beside patients who are not synthetic.")
]


@app.command()
@refusing
def demo(among_real: AmongReal = False) -> None:
    """Load the demo clinic: synthetic people in every stage, with virtual implants that live on.

    OPENITB_HOME and DATABASE_URL say where. Who is there already stays as they are.

    Example: OPENITB_HOME=var openitb demo
    """
    record.ready()
    added, kept = load_with_progress(among_real)
    typer.echo(f"{added} synthetic people added, {kept} were there already")


def load_with_progress(among_real: bool = False) -> tuple[int, int]:
    """Load the demo clinic; gives how many people were added and how many were there already."""
    from openitb.clinic.demo.load import folders_here, load

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("living through the histories", total=None)
        loaded = load(
            folders_here(),
            time.time_ns() // NS_PER_MS,
            among_real=among_real,
            progress=lambda done, total, _name: progress.update(task, completed=done, total=total),
        )
    return loaded.added, loaded.kept
