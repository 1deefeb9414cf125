"""`openitb simulate`: run a case file from its order to its effect."""

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from openitb.cli.course import print_course
from openitb.world import casefile, export
from openitb.world.case import load
from openitb.world.casefile import CaseError
from openitb.world.simulation import Simulation
from openitb.world.simulation import simulate as run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_PICTURES = (".png", ".svg", ".pdf")

CaseArgument = Annotated[
    Path | None, typer.Argument(metavar="CASE.toml", help="The case file; see examples/ and --schema.")
]
Json = Annotated[bool, typer.Option("--json", help="Print every series, the events and the summary as JSON.")]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the series as CSV.")]
Parquet = Annotated[
    Path | None, typer.Option("--parquet", metavar="FILE", help="Write the series as Parquet.")
]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw the course.")]
Schema = Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a case file and stop.")]


@app.command()
def simulate(
    case: CaseArgument = None,
    as_json: Json = False,
    csv: Csv = None,
    parquet: Parquet = None,
    plot: Plot = None,
    schema: Schema = False,
) -> None:
    """Simulate one patient from a case file.

    Example: openitb simulate examples/bridge-forgotten-500-to-2000.toml --plot course.png
    """
    if schema:
        print(json.dumps(casefile.json_schema(), indent=2))
        return
    if case is None:
        raise CaseError(
            "CASE.toml: missing, expected the path of a case file such as examples/first-case.toml"
        )
    _check_outputs(csv, parquet, plot)
    simulation = _run(case)
    _write(simulation, csv, parquet, plot)
    if as_json:
        print(export.json_text(simulation))
    else:
        print_course(simulation, Console(highlight=False))


def _run(path: Path) -> Simulation:
    case = load(path)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("simulating", total=1.0)
        return run(case, lambda done: progress.update(task, completed=done))


def _check_outputs(csv: Path | None, parquet: Path | None, plot: Path | None) -> None:
    """Refuse before the run what could not be written after it."""
    if plot and plot.suffix.lower() not in _PICTURES:
        raise CaseError(f"--plot: got {plot.name!r}, expected a name ending in {', '.join(_PICTURES)}")
    given = {"--csv": csv, "--parquet": parquet, "--plot": plot}
    paths = {option: path.absolute() for option, path in given.items() if path}
    for option, path in paths.items():
        _check_writable(option, path)
    if len({*paths.values()}) < len(paths):
        raise CaseError(f"output: got one file for {' and '.join(paths)}, expected a file for each")


def _check_writable(option: str, path: Path) -> None:
    place = path if path.exists() else path.parent
    if path.is_dir() or not path.parent.is_dir() or not os.access(place, os.W_OK):
        raise CaseError(
            f"{option}: cannot write {str(path)!r}, expected a file in a folder that may be written"
        )


def _write(simulation: Simulation, csv: Path | None, parquet: Path | None, plot: Path | None) -> None:
    writers = ((csv, export.write_csv), (parquet, export.write_parquet), (plot, _draw))
    for path, write in writers:
        if path:
            _written_whole(path, partial(write, simulation))


def _written_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write beside the file and put it in place when complete; a device is written to directly."""
    if path.exists() and not path.is_file():
        write(path)
        return
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        write(part)
        part.replace(path)
    except OSError as error:
        raise CaseError(f"output: cannot write {str(path)!r}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def _draw(simulation: Simulation, path: Path) -> None:
    from openitb.world import plot  # Matplotlib takes half a second to import

    plot.draw(simulation, path)
