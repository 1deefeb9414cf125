"""`openitb cohort`: a case for many sampled people, median and band; or a study, with arms and a clinic."""

import json
import sys
import tomllib
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

FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY.toml|CASE.toml",
        help="A study (examples/studies/) or a case (examples/).",
        show_default=False,
    ),
]
People = Annotated[
    int | None, typer.Option("--people", metavar="N", help="How many people, not as the file says.")
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="S", help="The same seed gives the same people.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Of a case: write the bands as CSV.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE.png", help="Of a case: draw the bands.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="DIR", help="Of a study: where results go, or are; taken up again if there."
    ),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", metavar="N", help="Of a study: local processes; all cores.")
]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Of a study: a Dask scheduler, tcp://...")
]

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
    file: FileArgument,
    people: People = None,
    seed: Seed = None,
    as_json: Json = False,
    csv: Csv = None,
    plot: Plot = None,
    out: Out = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
) -> None:
    """Run a study and write its report, or a case for many people; a study that was cut off goes on.

    Example: openitb cohort examples/studies/simple-flex.toml --people 4 --out flex

    Example: openitb cohort examples/start-of-infusion.toml --people 20 --seed 1
    """
    if _is_study(file):
        _refuse("a study", {"--csv": csv, "--plot": plot})
        from openitb.cli.study import Asked, study
        from openitb.cohort.study import Changed, Where

        study(Asked(file, out, Changed(people, seed), Where(jobs, scheduler), as_json))
    else:
        _refuse("a case", {"--out": out, "--jobs": jobs, "--scheduler": scheduler})
        _case(
            file,
            Sampling(_people() if people is None else people, 1 if seed is None else seed),
            as_json,
            csv,
            plot,
        )


def _is_study(path: Path) -> bool:
    """A study says so in a key of its own; what cannot be read is left to whoever tells the error."""
    try:
        return "study" in tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False


def _refuse(what: str, given: dict[str, object]) -> None:
    for option, value in given.items():
        if value is not None:
            raise CohortError(f"{option}: got {str(value)!r}, expected none for {what}")


def _case(path: Path, sampling: Sampling, as_json: bool, csv: Path | None, plot: Path | None) -> None:
    _check_writable(csv, plot)
    run = _run(path, sampling)
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
