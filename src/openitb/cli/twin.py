"""`openitb twin`: what a clinic's record says about patient and system, and the course to come."""

import json
import tomllib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from openitb import twin as room
from openitb import units
from openitb.cli.options import AsJson
from openitb.prescription.orders import Order, SimpleContinuous, describe_order, parse_order

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

RecordArgument = Annotated[
    Path,
    typer.Argument(
        metavar="RECORD.toml", help="The clinic's record; see examples/twin/.", show_default=False
    ),
]
Dose = Annotated[
    str | None, typer.Option("--dose", metavar="QUANTITY", help="Predict under this simple continuous dose.")
]
OrderText = Annotated[
    str | None,
    typer.Option("--order", metavar="TABLE", help="Predict under any order, written as in a case file."),
]
Dispersion = Annotated[
    str | None,
    typer.Option(
        "--assume", metavar="PRESET", help="Lean towards well_mixed or poorly_mixed; left out: both alike."
    ),
]
Ahead = Annotated[int | None, typer.Option("--ahead", metavar="DAYS", help="How far to predict.")]
Visits = Annotated[bool, typer.Option("--visits", help="Also what was believed after each visit.")]
Seed = Annotated[int, typer.Option("--seed", metavar="S", help="The same seed gives the same answer.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw it.")]

_PICTURES = (".png", ".svg", ".pdf")
_SHOWN_DAYS = (0, 1, 7, 28)
_WORDS = {
    "leg_ec50_ng_per_ml": "EC50, legs",
    "arm_ec50_ng_per_ml": "EC50, arms",
    "spasm_ec50_ng_per_ml": "EC50, spasms",
    "tolerance_gain": "tolerance gain",
    "dispersion_cm2_per_h": "CSF dispersion",
    "spinal_loss_per_h": "CSF loss",
    "leg_ashworth": "legs before treatment",
    "arm_ashworth": "arms before treatment",
    "spasm_score": "spasms before treatment",
    "pump_gain": "pump's flow, of counted",
    "half_effect_dose": "dose of half the relief, legs, not used to it",
}


@app.command()
def twin(
    record: RecordArgument,
    dose: Dose = None,
    order: OrderText = None,
    assume: Dispersion = None,
    ahead: Ahead = None,
    visits: Visits = False,
    seed: Seed = 1,
    as_json: AsJson = False,
    plot: Plot = None,
) -> None:
    """Fit one patient to a clinic's record: bands, probability of a fault, the course to come.

    Example: openitb twin examples/twin/effect-lost.toml --dose "300 ug/day"
    """
    _check_plot(plot)
    proposed = _proposed(dose, order)
    known = room.load(record)
    assumed = _assumed(assume, seed)
    fitted = room.fit(known, assumed)
    has_order = room.Ordered in {type(entry) for entry in known.entries}
    usual = room.usual_span()
    span = usual if ahead is None else room.Span(usual.behind_days, ahead)
    course = room.predicted(fitted, proposed, span) if has_order or proposed else None
    updates = tuple(room.updates(known, assumed)) if visits else ()
    if plot is not None and course is not None:
        from openitb.twin import export  # Matplotlib takes half a second to import

        export.draw(fitted, course, updates, plot)
    if as_json:
        from openitb.twin import export

        typer.echo(json.dumps(export.to_json(fitted, course, updates), allow_nan=False, ensure_ascii=False))
    else:
        _show(fitted, course, updates)


def _proposed(dose: str | None, order: str | None) -> Order | None:
    if dose is not None and order is not None:
        raise room.TwinError("--order: got one beside --dose, expected one of them")
    if dose is not None:
        return SimpleContinuous(units.dose_pg_per_day(dose, "--dose"))
    if order is None:
        return None
    try:
        table = tomllib.loads(f"order = {order}")["order"]
    except tomllib.TOMLDecodeError:
        raise room.TwinError(
            f"--order: got {order!r}, expected a table such as {{mode = 'minimum rate'}}"
        ) from None
    return parse_order(table, "--order")


def _assumed(assume: str | None, seed: int) -> room.Assumed:
    if assume is None:
        return room.Assumed(seed=seed)
    for preset in room.PRESETS:
        if preset == assume:
            return room.assuming(preset, seed)
    raise room.TwinError(f"--assume: got {assume!r}, expected one of {', '.join(room.PRESETS)}")


def _check_plot(plot: Path | None) -> None:
    if plot is None:
        return
    if plot.is_dir() or not plot.parent.is_dir():
        raise room.TwinError(f"--plot: cannot write {str(plot)!r}, expected a file in a folder that exists")
    if plot.suffix.lower() not in _PICTURES:
        raise room.TwinError(f"--plot: got {plot.name!r}, expected a name ending in {', '.join(_PICTURES)}")


def _show(fitted: room.Fit, course: room.Course | None, updates: tuple[room.Update, ...]) -> None:
    console = Console(highlight=False)
    console.print(_probabilities(fitted))
    if fitted.since_ms is not None:
        console.print(f"most likely since day {_day(fitted, fitted.since_ms):.0f} of the record")
    if updates:
        console.print(_by_visit(fitted, updates))
    console.print(_numbers(fitted))
    _left_over(console, fitted)
    if course is not None:
        console.print(_course(course))
        for finding in course.verdict.findings if course.verdict else ():
            console.print(f"[yellow]gate[/yellow] {finding.field}: {finding.message}")
    for warning in fitted.trust.warnings:
        console.print(f"[red]warning[/red] {warning}")
    console.print("[dim]Simulation for education and research. Not a medical device.[/dim]")


def _probabilities(fitted: room.Fit) -> Table:
    table = Table("explanation", "probability", title="What has happened", title_justify="left")
    for label, chance in fitted.probabilities.items():
        table.add_row(label, _percent(chance))
    return table


def _by_visit(fitted: room.Fit, updates: tuple[room.Update, ...]) -> Table:
    table = Table("day", *fitted.probabilities, title="After each visit", title_justify="left")
    for each in updates:
        table.add_row(f"{_day(fitted, each.at_ms):.0f}", *map(_percent, each.probabilities.values()))
    return table


def _numbers(fitted: room.Fit) -> Table:
    table = Table(
        "this patient", "median", "90 % band", "people", "shrinkage", title="Numbers", title_justify="left"
    )
    for name, words in _WORDS.items():
        each = fitted.estimate(name)
        unit = "" if each.unit == "1" else f" {each.unit}"
        band = f"{each.low:.3g} to {each.high:.3g}{unit}"
        table.add_row(words, f"{each.median:.3g}", band, f"{each.population:.3g}", f"{each.shrinkage:.2f}")
    return table


def _left_over(console: Console, fitted: room.Fit) -> None:
    left = fitted.residuals
    parts = (
        ("tone", left.tone_points, "points"),
        ("spasms", left.spasm_points, "points"),
        ("volumes", left.volume_ml, "mL"),
    )
    said = ", ".join(f"{name} {value:.2f} {unit}" for name, value, unit in parts if value is not None)
    console.print(f"residual error (root mean square): {said}; {left.standardised:.2f} of what is expected")
    occasion = left.occasion
    console.print(
        f"tone from one occasion to another: SD {occasion.median:.2f} points "
        f"({occasion.low:.2f} to {occasion.high:.2f})"
    )
    trust = fitted.trust
    console.print(
        f"Pareto k {trust.pareto_k:.2f}, {trust.effective:.0f} effective draws, fit {trust.likely:.2f}"
    )


def _course(course: room.Course) -> Table:
    table = Table(title=f"Course under {describe_order(course.program.order)}", title_justify="left")
    table.add_column("days from now")
    hours = [k for k in _SHOWN_DAYS if course.now_ms + k * units.MS_PER_DAY <= course.time_ms[-1]]
    for day in hours:
        table.add_column(str(day), justify="right")
    for name, line in course.series.items():
        at = [int(course.time_ms.searchsorted(course.now_ms + day * units.MS_PER_DAY)) for day in hours]
        cells = (f"{line.median[k]:.2f} ({line.low[k]:.2f} to {line.high[k]:.2f})" for k in at)
        table.add_row(name.replace("_", " "), *cells)
    return table


def _day(fitted: room.Fit, at_ms: int) -> float:
    return (at_ms - fitted.record.start_ms) / units.MS_PER_DAY


def _percent(chance: float) -> str:
    return f"{100 * chance:.1f} %"
