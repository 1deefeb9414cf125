"""`openitb cohort`: a case for many sampled people, median and band."""

import json
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from openitb import catalogue
from openitb.cohort import CohortError, Sampling
from openitb.cohort.prediction.case_run import PeopleRun, run_people
from openitb.world.case import load

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

CaseArgument = Annotated[
    Path, typer.Argument(metavar="CASE.toml", help="The case file; see examples/.", show_default=False)
]
People = Annotated[int | None, typer.Option("--people", metavar="N", help="How many people to sample.")]
Seed = Annotated[int, typer.Option("--seed", metavar="S", help="The same seed gives the same people.")]
Json = Annotated[bool, typer.Option("--json", help="Print every band as JSON.")]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the bands as CSV.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw the bands.")]

_SHOWN = {
    "leg_ashworth": "leg Ashworth\n1-5",
    "arm_ashworth": "arm Ashworth\n1-5",
    "spasm_score": "spasm score\n0-4",
    "withdrawal": "withdrawal\ndrive",
    "sedation": "sedation\n0-1",
    "respiratory_depression": "respiratory\ndepression",
    "lumbar_csf_ng_per_ml": "lumbar CSF\nng/mL",
}
_INSTANTS = 6
_PICTURES = (".png", ".svg", ".pdf")


@app.command()
def cohort(
    case: CaseArgument,
    people: People = None,
    seed: Seed = 1,
    as_json: Json = False,
    csv: Csv = None,
    plot: Plot = None,
) -> None:
    """Run a case for many people who differ as people do, and show median and band.

    Example: openitb cohort examples/start-of-infusion.toml --people 20 --seed 1
    """
    _check_writable(csv, plot)
    run = _run(case, Sampling(_people() if people is None else people, seed))
    _write(run, csv, plot)
    if as_json:
        from openitb.cohort.prediction.export import to_json

        typer.echo(json.dumps(to_json(run), allow_nan=False, ensure_ascii=False))
    else:
        _show(run)


def _people() -> int:
    return int(catalogue.load().practice["forecast"].fact("people").number())


def _run(path: Path, sampling: Sampling) -> PeopleRun:
    case = load(path)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(f"{sampling.people} people", total=1.0)
        return run_people(case, sampling, lambda done: progress.update(task, completed=done))


def _check_writable(csv: Path | None, plot: Path | None) -> None:
    for path in (csv, plot):
        if path and (path.is_dir() or not path.parent.is_dir()):
            raise CohortError(f"output: cannot write {str(path)!r}, expected a file in a folder that exists")
    if plot and plot.suffix.lower() not in _PICTURES:
        raise CohortError(f"--plot: got {plot.name!r}, expected a name ending in {', '.join(_PICTURES)}")


def _write(run: PeopleRun, csv: Path | None, plot: Path | None) -> None:
    if csv or plot:
        from openitb.cohort.prediction import export  # Matplotlib takes half a second to import

        if csv:
            export.write_csv(run, csv)
        if plot:
            export.draw(run, plot)


def _show(run: PeopleRun) -> None:
    console = Console(highlight=False)
    title = run.case.title or "Cohort"
    console.print(f"[bold]{title}[/bold], {run.sampling.people} people, seed {run.sampling.seed}")
    console.print(f"median, below it the band that holds {run.band_name} of the people")
    console.print(_bands(run))
    for line in run.basis:
        console.print(f"[yellow]basis[/yellow] {line}")
    console.print("[dim]Simulation for education and research. Not a medical device.[/dim]")


def _bands(run: PeopleRun) -> Table:
    """A few instants beside each other: the start, the end, and evenly between."""
    instants = np.unique(np.linspace(0, len(run.time_h) - 1, _INSTANTS).round().astype(int))
    table = Table("", *(_time(float(run.time_h[k])) for k in instants), box=None, pad_edge=False)
    for name, label in _SHOWN.items():
        spreads = [run.series[name].at(int(k)) for k in instants]
        table.add_row(label, *(f"{_number(s.median)}\n{_number(s.low)}-{_number(s.high)}" for s in spreads))
    return table


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}"


def _time(hours: float) -> str:
    return f"{hours:.1f} h" if hours < 72 else f"{hours / 24:.1f} d"
