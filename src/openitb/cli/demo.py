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


Patients = Annotated[
    int | None, typer.Option("--patients", metavar="N", help="So many plainer people instead.", min=1)
]
Years = Annotated[float, typer.Option("--years", help="Years of visits of each.", min=0.5, max=40.0)]


@app.command()
@refusing
def demo(among_real: AmongReal = False, patients: Patients = None, years: Years = 10.0) -> None:
    """Load the demo clinic: synthetic people in every stage, with virtual implants that live on.

    OPENITB_HOME and DATABASE_URL say where. Who is there already stays as they are. With --patients a
    clinic of any size is made up instead: drawn courses, no simulated bodies, transcribed pumps.

    Example: OPENITB_HOME=var openitb demo
    """
    record.ready()
    if patients is not None:
        typer.echo(f"{make_many(patients, years, among_real)} rows added")
        return
    added, kept = load_with_progress(among_real)
    typer.echo(f"{added} synthetic people added, {kept} were there already")


def make_many(patients: int, years: float, among_real: bool = False) -> int:
    """Make up a clinic of so many people; gives how many rows were added."""
    from django.utils import timezone

    from openitb.clinic.demo.load import require_synthetic_only
    from openitb.clinic.demo.many import Many, write

    if not among_real:
        require_synthetic_only()
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(f"{patients} people", total=patients)
        many = Many(patients, years, timezone.now())
        return write(many, lambda done, total: progress.update(task, completed=done, total=total))


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
