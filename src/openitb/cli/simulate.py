"""`openitb simulate`: run a case file from its order to its effect."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from openitb.world import casefile, export
from openitb.world.case import load
from openitb.world.casefile import CaseError
from openitb.world.simulation import Simulation
from openitb.world.simulation import simulate as run
from openitb.world.summary import events, summary

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

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
    for path in (csv, parquet, plot):
        _check_writable(path)
    simulation = _run(case)
    _write(simulation, csv, parquet, plot)
    if as_json:
        print(export.json_text(simulation))
    else:
        _show(simulation)


def _run(path: Path) -> Simulation:
    case = load(path)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("simulating", total=1.0)
        return run(case, lambda done: progress.update(task, completed=done))


def _check_writable(path: Path | None) -> None:
    if path is None:
        return
    if path.is_dir() or not path.parent.is_dir():
        raise CaseError(f"output: cannot write {str(path)!r}, expected a file in a folder that exists")


def _write(simulation: Simulation, csv: Path | None, parquet: Path | None, plot: Path | None) -> None:
    try:
        if csv:
            export.write_csv(simulation, csv)
        if parquet:
            export.write_parquet(simulation, parquet)
        if plot:
            _draw(simulation, plot)
    except OSError as error:
        raise CaseError(f"output: cannot write {error.filename!r}: {error.strerror}") from None


def _draw(simulation: Simulation, path: Path) -> None:
    from openitb.world import plot  # Matplotlib takes half a second to import

    if path.suffix.lower() not in {".png", ".svg", ".pdf"}:
        raise CaseError(f"--plot: got {path.name!r}, expected a name ending in .png, .svg or .pdf")
    plot.draw(simulation, path)


def _show(simulation: Simulation) -> None:
    console = Console()
    told = summary(simulation)
    console.print(f"[bold]{told['title'] or 'Simulation'}[/bold], {told['duration_h'] / 24:.1f} days")
    console.print(_scores(told))
    console.print(_peaks(told))
    if told["system"]:
        _show_system(console, told["system"])
    _show_events(console, simulation)
    for kind in ("notes", "assumptions"):
        for line in told[kind]:
            console.print(f"[yellow]{kind[:-1]}[/yellow] {line}", highlight=False)
    console.print(f"[dim]{told['notice']}[/dim]")


def _scores(told: dict[str, Any]) -> Table:
    table = Table("score", "start", "end", "lowest", "at", "highest", "at", box=None, pad_edge=False)
    for name, score in told["scores"].items():
        low, high = score["lowest"], score["highest"]
        table.add_row(
            name.replace("_", " "),
            f"{score['start']:.2f}",
            f"{score['end']:.2f}",
            f"{low['value']:.2f}",
            _time(low["time_h"]),
            f"{high['value']:.2f}",
            _time(high["time_h"]),
        )
    return table


def _peaks(told: dict[str, Any]) -> Table:
    table = Table("peak", "value", "at", box=None, pad_edge=False)
    for name, peak in told["peaks"].items():
        label = name.removesuffix("_ng_per_ml").replace("_", " ").replace("csf", "CSF")
        unit = " ng/mL" if name.endswith("_ng_per_ml") else ""
        table.add_row(label, f"{peak['value']:.3g}{unit}", _time(peak["time_h"]))
    return table


def _show_system(console: Console, system: dict[str, Any]) -> None:
    console.print(
        f"pump delivered {system['delivered_ml']:.3f} mL, {system['delivered_ug']:.1f} µg; "
        f"{system['left_tip_ug']:.1f} µg left the tip"
    )
    truth, belief = system["reservoir_ml"], system["believed_reservoir_ml"]
    console.print(f"reservoir {truth:.3f} mL, the pump believes {belief:.3f} mL")


def _show_events(console: Console, simulation: Simulation) -> None:
    table = Table("time", "source", "what", "detail", box=None, pad_edge=False)
    for event in events(simulation):
        if event["kind"].endswith("intended"):
            continue  # the intent before each effect; the JSON output holds it
        detail = event["text"] + (f" (truly {event['mistake']})" if "mistake" in event else "")
        table.add_row(_time(event["time_h"]), event["source"], event["kind"], detail)
    console.print(table)


def _time(hours: float) -> str:
    return f"{hours:.1f} h" if hours < 72 else f"{hours / 24:.2f} d"
