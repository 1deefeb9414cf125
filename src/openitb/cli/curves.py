"""`openitb pump curves`: how evenly a pump model truly delivers, as start-up and trumpet curves."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from openitb import catalogue, units
from openitb.cli.files import require_writable
from openitb.cli.options import AsJson, OptionError
from openitb.cli.spans import span_text
from openitb.implant import Contents, Implant, Specimen, handle, new_implant, program_digest, with_spells
from openitb.implant.faults import Setting, choose, lay
from openitb.implant.metrology import Curves, curves, record, shortest_ms
from openitb.prescription import SimpleContinuous
from openitb.protocol import ProgramPump, Refused

PPM_PER_PERCENT = 10_000
SERIAL = "BENCH-0001"
FORMATS = ("png", "svg", "pdf")


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
    _require_picture(plot)
    span_ms = _span_ms(over)
    implant = _bench(pump, dose, concentration, flow_error)
    if fault is not None:
        setting = Setting(implant.now_ms + units.MS_PER_DAY, 0, 0)
        implant = with_spells(implant, lay(choose(fault, {}, "--fault"), setting).pump)
    recorded = record(implant, span_ms)
    found = curves(recorded, None if fault is None else recorded.span_ms)
    if plot is not None:
        _picture(found, _title(pump, dose, concentration, fault), pump, plot)
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2))
    else:
        Console(highlight=False).print(_table(found))


def _require_picture(plot: Path | None) -> None:
    require_writable(plot, "--plot")
    if plot is not None and plot.suffix.removeprefix(".").lower() not in FORMATS:
        endings = ", ".join(f".{ending}" for ending in FORMATS)
        raise OptionError(f"--plot: got {str(plot)!r}, expected a file that ends in one of {endings}")


def _span_ms(over: str) -> int:
    span_ms, least_ms = units.duration_ms(over, "--over"), 2 * shortest_ms()
    if span_ms < least_ms:
        raise OptionError(f"--over: got {over!r}, expected at least {span_text(least_ms)}")
    return span_ms


def _bench(pump_id: str, dose: str, concentration: str, flow_error: str) -> Implant:
    """A full pump, running."""
    pump = catalogue.load().pump(pump_id, "--pump")
    gain = units.quantity(flow_error, "percent", "--flow-error", at_least=-90, at_most=200)
    strength = units.concentration_ug_per_ml(concentration, "--concentration")
    specimen = Specimen(gain_ppm=units.round_half_even(gain * PPM_PER_PERCENT))
    contents = Contents(pump.reservoir_capacity_nl, strength)
    implant = new_implant(SERIAL, pump, contents, 0, specimen=specimen)
    daily_pg = units.dose_pg_per_day(dose, "--dose")
    if not daily_pg:
        raise OptionError(f"--dose: got {dose!r}, expected above 0: without flow there is no curve")
    order = SimpleContinuous(daily_pg)
    command = ProgramPump("bench", "bench-1", program_digest(implant), order)
    running, reply = handle(implant, command, 0)
    if isinstance(reply, Refused):
        raise OptionError(f"--dose: got {dose!r}, expected one that the pump takes: {reply.reason}")
    return running


def _plain(found: Curves) -> dict[str, Any]:
    return asdict(found)


def _table(found: Curves) -> Table:
    flow = units.format_number(found.set_nl_per_day / units.NL_PER_ML, 4)
    span = span_text(found.span_ms)
    table = Table(caption=f"{flow} mL/day over {span}\n{found.overall_percent:+.2f} % in all")
    for name in ("window", "highest", "lowest"):
        table.add_column(name, justify="right")
    for window in found.trumpet:
        table.add_row(
            span_text(window.length_ms), f"{window.highest_percent:+.2f} %", f"{window.lowest_percent:+.2f} %"
        )
    return table


def _title(pump_id: str, dose: str, concentration: str, fault: str | None) -> str:
    name = catalogue.load().pump(pump_id).name
    trouble = "" if fault is None else f"\n{fault} from a day after the start"
    return f"{name}: {dose} at {concentration}{trouble}".replace("ug", "µg").replace("mcg", "µg")


def _picture(found: Curves, title: str, pump_id: str, path: Path) -> None:
    from openitb.cli.curves_plot import Bench, plot  # loaded only when asked for: it takes a second

    accuracy = catalogue.load().pump(pump_id).fact("flow_accuracy").number("percent")
    plot(found, Bench(title, float(accuracy)), path)
