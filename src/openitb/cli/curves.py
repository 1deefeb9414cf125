"""`openitb pump curves`: how evenly a pump model truly delivers, as start-up and trumpet curves."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from openitb import catalogue, units
from openitb.cli.options import AsJson
from openitb.implant import Contents, Implant, Specimen, handle, new_implant, program_digest, with_spells
from openitb.implant.faults import Setting, choose, lay
from openitb.implant.metrology import Curves, curves, record
from openitb.prescription import SimpleContinuous
from openitb.protocol import ProgramPump, Refused
from openitb.world.casefile import CaseError

PPM_PER_PERCENT = 10_000
SERIAL = "BENCH-0001"


def draw(
    pump: Annotated[str, typer.Option("--pump", help="id of the catalogue")] = "synchromed-ii-20",
    dose: Annotated[str, typer.Option("--dose", help="constant, with unit")] = "200 ug/day",
    concentration: Annotated[str, typer.Option("--concentration", help="with unit")] = "500 ug/mL",
    flow_error: Annotated[str, typer.Option("--flow-error", help="how far each stroke is off")] = "0 %",
    over: Annotated[str, typer.Option("--over", help="how long to record")] = "29 day",
    fault: Annotated[
        str | None, typer.Option("--fault", help="id of a fault, laid on a day after the start")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="write a picture here")] = None,
    as_json: AsJson = False,
) -> None:
    """Start-up and trumpet curves of what truly leaves the outlet at a constant dose.

    Example: openitb pump curves --dose "50 ug/day" --over "2 day"
    """
    implant = _bench(pump, dose, concentration, flow_error)
    if fault is not None:
        setting = Setting(implant.now_ms + units.MS_PER_DAY, 0, 0)
        implant = with_spells(implant, lay(choose(fault, {}, "--fault"), setting).pump)
    found = curves(record(implant, units.duration_ms(over, "--over")))
    if plot is not None:
        _plot(found, plot)
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2))
    else:
        Console(highlight=False).print(_table(found))


def _bench(pump_id: str, dose: str, concentration: str, flow_error: str) -> Implant:
    """A full pump, running."""
    pump = catalogue.load().pump(pump_id, "--pump")
    gain = units.quantity(flow_error, "percent", "--flow-error", at_least=-90, at_most=200)
    strength = units.concentration_ug_per_ml(concentration, "--concentration")
    specimen = Specimen(gain_ppm=units.round_half_even(gain * PPM_PER_PERCENT))
    contents = Contents(pump.reservoir_capacity_nl, strength)
    implant = new_implant(SERIAL, pump, contents, 0, specimen=specimen)
    order = SimpleContinuous(units.dose_pg_per_day(dose, "--dose"))
    command = ProgramPump("bench", "bench-1", program_digest(implant), order)
    running, reply = handle(implant, command, 0)
    if isinstance(reply, Refused):
        raise CaseError(f"--dose: {reply.reason}")
    return running


def _plain(found: Curves) -> dict[str, Any]:
    return asdict(found)


def _table(found: Curves) -> Table:
    days = units.format_number(found.span_ms / units.MS_PER_DAY, 2)
    flow = units.format_number(found.set_nl_per_day / units.NL_PER_ML, 4)
    table = Table(title=f"{flow} mL/day over {days} days, {found.overall_percent:+.2f} % in all")
    for name in ("window", "highest", "lowest"):
        table.add_column(name, justify="right")
    for window in found.trumpet:
        table.add_row(
            _span(window.length_ms), f"{window.highest_percent:+.2f} %", f"{window.lowest_percent:+.2f} %"
        )
    return table


def _span(ms: int) -> str:
    for size, unit in ((units.MS_PER_DAY, "d"), (units.MS_PER_H, "h")):
        if ms >= size:
            return f"{units.format_number(ms / size, 2)} {unit}"
    return f"{units.format_number(ms / units.MS_PER_MIN, 0)} min"


def _plot(found: Curves, path: Path) -> None:
    from matplotlib.figure import Figure  # loaded only when asked for

    figure = Figure(figsize=(8, 7), layout="constrained")
    start, trumpet = figure.subplots(2, 1)
    hours = [point.after_ms / units.MS_PER_H for point in found.startup]
    start.step(hours, [p.flow_nl_per_day / units.NL_PER_ML for p in found.startup], where="pre", lw=1)
    start.axhline(found.set_nl_per_day / units.NL_PER_ML, color="#6b7280", lw=0.8, ls="--")
    start.set(xlabel="hours from the start", ylabel="mL/day", title="Start-up")
    lengths = [window.length_ms / units.MS_PER_H for window in found.trumpet]
    trumpet.plot(lengths, [w.highest_percent for w in found.trumpet], marker=".", label="highest")
    trumpet.plot(lengths, [w.lowest_percent for w in found.trumpet], marker=".", label="lowest")
    trumpet.axhline(found.overall_percent, color="#6b7280", lw=0.8, ls="--", label="in all")
    trumpet.set(xscale="log", xlabel="window, hours", ylabel="error, %", title="Trumpet")
    trumpet.set_yscale("symlog", linthresh=10)
    trumpet.legend()
    figure.text(0.99, 0.005, "OpenITB simulation, not a medical device", ha="right", size=7, color="#6b7280")
    figure.savefig(path, dpi=150)
